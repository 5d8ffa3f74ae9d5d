"""Yes/no questions about one response, weighted and summed.

Source: Lin et al., WildBench, ICLR 2025, section 4 (checklists); Cook et al., TICKing All the Boxes,
arXiv 2410.03608.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from evalhub.judging.probabilities import softmax
from evalhub.judging.protocols.base import JudgmentGenerator, PlannedJudgment, Task, TaskOutline, new_judgment
from evalhub.judging.protocols.one_token import AnswerGenerator, TokenAnswer, ask_together, ask_token
from evalhub.judging.protocols.pointwise_pairwise import expected_level
from evalhub.records import Judgment, Question, QuestionKind

TOTAL = "checklist"
ANSWERS = ("Yes", "No")
QUESTION = "Does the response meet this criterion? Answer with one word: Yes or No."


def plan_criteria(outline: TaskOutline) -> tuple[PlannedJudgment, ...]:
    """Return one judgment for each criterion, and the total."""
    return tuple(PlannedJudgment(name, (0,)) for name in (*outline.rubric.criteria, TOTAL))


def checklist(task: Task) -> JudgmentGenerator:
    """Ask every criterion of the rubric. The total is the weighted share of yes, in [0, 1].

    The total's expected value is the weighted mean of the probabilities of yes. If a criterion fails, the
    total fails with it.
    """
    judgments = []
    names = tuple(task.judge.rubric.criteria)
    answers = yield from ask_together(*(_ask_criterion(task, name) for name in names))
    for name, answer in zip(names, answers, strict=True):
        judgment = new_judgment(task, PlannedJudgment(name, (0,)))
        judgments.append(answer.fill(judgment, **_verdict(answer)))
    return (*judgments, _total(task, judgments))


def _ask_criterion(task: Task, name: str) -> AnswerGenerator:
    """Ask whether the response meets one criterion."""
    statement = f"The response meets this criterion. {task.judge.rubric.criteria[name]}"
    typed = Question(QuestionKind.PREDICATE, statement, tuple((answer, "") for answer in ANSWERS))
    task = replace(task, criterion=name)
    return (yield from ask_token(task, task.responses, QUESTION, ANSWERS, typed=typed))


def _verdict(answer: TokenAnswer) -> dict[str, Any]:
    if answer.choice is not None:
        return {"value": float(answer.choice == "Yes")}
    if answer.logprobs is None:
        return {}
    value = float(softmax(answer.logprobs)["Yes"] >= 0.5)
    return {"value": value, **expected_level(answer, {"Yes": 1.0, "No": 0.0})}


def _total(task: Task, judgments: list[Judgment]) -> Judgment:
    total = replace(
        new_judgment(task, PlannedJudgment(TOTAL, (0,))),
        completions=tuple(key for judgment in judgments for key in judgment.completions),
    )
    failed = next((judgment for judgment in judgments if judgment.failure), None)
    if failed:
        return replace(total, failure=failed.failure, detail=f"{failed.criterion}: {failed.detail}")
    rubric = task.judge.rubric
    weights = [rubric.weight_of(judgment.criterion) for judgment in judgments]
    masses = [judgment.choice_mass for judgment in judgments if judgment.choice_mass is not None]
    return replace(
        total,
        value=_weighted_mean([judgment.value for judgment in judgments], weights),
        expected=_weighted_mean([judgment.expected for judgment in judgments], weights),
        choice_mass=min(masses) if len(masses) == len(judgments) else None,
        detail=next((judgment.detail for judgment in judgments if judgment.expected is None), None),
    )


def _weighted_mean(values: list[float | None], weights: list[float]) -> float | None:
    """Return the weighted mean, or None if a value is absent."""
    present = [value for value in values if value is not None]
    if len(present) < len(values):
        return None
    return math.fsum(w * value for w, value in zip(weights, present, strict=True)) / math.fsum(weights)
