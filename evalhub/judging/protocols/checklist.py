"""Yes/no questions about one response, weighted and summed: those of the rubric, or those of the item.

Source: Lin et al., WildBench, ICLR 2025, section 4 (checklists); Cook et al., TICKing All the Boxes,
arXiv 2410.03608. Criteria of items: Arora et al., HealthBench, arXiv 2505.08775, section 3.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

from evalhub.errors import InputError
from evalhub.judging.criteria_score import criteria_score
from evalhub.judging.probabilities import softmax
from evalhub.judging.prompts.escape import defuse
from evalhub.judging.protocols.base import JudgmentGenerator, PlannedJudgment, Task, TaskOutline, new_judgment
from evalhub.judging.protocols.one_token import AnswerGenerator, TokenAnswer, ask_token
from evalhub.judging.protocols.pointwise_pairwise import expected_level
from evalhub.judging.protocols.together import ask_together
from evalhub.records import Completion, ItemCriterion, Judgment, Question, QuestionKind, Request
from evalhub.specs import ITEM_CRITERIA

TOTAL = "checklist"
ANSWERS = ("Yes", "No")
QUESTION = "Does the response meet this criterion? Answer with one word: Yes or No."

_Judgments = Generator[tuple[Request, ...], tuple[Completion, ...], list[Judgment]]


def plan_criteria(outline: TaskOutline) -> tuple[PlannedJudgment, ...]:
    """Return one judgment for each criterion, and the total."""
    total = PlannedJudgment(TOTAL, (0,))
    if outline.rubric.has_item_criteria:
        return (*map(_planned_of_item, outline.item_criteria), total)
    return (*(PlannedJudgment(name, (0,)) for name in outline.rubric.criteria), total)


def _planned_of_item(criterion: str) -> PlannedJudgment:
    return PlannedJudgment(ITEM_CRITERIA, (0,), item_criterion=criterion)


def checklist(task: Task) -> JudgmentGenerator:
    """Ask every criterion of the rubric, or of the item. The total says how far they are met.

    The total of a rubric's criteria is the weighted share of yes, in [0, 1]. That of an item's criteria is
    the sum of the points that are met by the sum of those above 0, cut off at `task.clip`. Its expected value
    has the probability of yes in place of yes. If a criterion fails, the total fails with it.
    """
    if task.judge.rubric.has_item_criteria:
        judgments = yield from _ask_item(task)
        points = [criterion.points for criterion in task.item.criteria]
        scores = (
            _if_all([judgment.value for judgment in judgments], points, task.clip),
            _if_all([judgment.expected for judgment in judgments], points, task.clip),
        )
    else:
        judgments = yield from _ask_rubric(task)
        weights = [task.judge.rubric.weight_of(judgment.criterion) for judgment in judgments]
        scores = (
            _weighted_mean([judgment.value for judgment in judgments], weights),
            _weighted_mean([judgment.expected for judgment in judgments], weights),
        )
    return (*judgments, _total(task, judgments, *scores))


def _ask_rubric(task: Task) -> _Judgments:
    names = tuple(task.judge.rubric.criteria)
    answers = yield from ask_together(_ask(replace(task, criterion=name)) for name in names)
    return [
        _judgment(task, PlannedJudgment(name, (0,)), answer)
        for name, answer in zip(names, answers, strict=True)
    ]


def _ask_item(task: Task) -> _Judgments:
    criteria = task.item.criteria
    if not criteria:
        raise InputError("the item brings no criteria", where=task.item.dataset, value=task.item.item_id)
    answers = yield from ask_together(_ask_of_item(task, criterion) for criterion in criteria)
    return [
        _judgment(task, _planned_of_item(criterion.id), answer)
        for criterion, answer in zip(criteria, answers, strict=True)
    ]


def _ask_of_item(task: Task, criterion: ItemCriterion) -> AnswerGenerator:
    return _ask(replace(task, criterion=ITEM_CRITERIA, item_criterion=criterion))


def _ask(task: Task) -> AnswerGenerator:
    """Ask whether the response meets one criterion."""
    return ask_token(task, task.responses, QUESTION, ANSWERS, typed=_typed(task))


def _typed(task: Task) -> Question:
    item_criterion = task.item_criterion
    criterion = defuse(item_criterion.text) if item_criterion else task.judge.rubric.criteria[task.criterion]
    statement = f"The response meets this criterion. {criterion}"
    return Question(QuestionKind.PREDICATE, statement, tuple((answer, "") for answer in ANSWERS))


def _judgment(task: Task, planned: PlannedJudgment, answer: TokenAnswer) -> Judgment:
    return answer.fill(new_judgment(task, planned), **_verdict(answer))


def _verdict(answer: TokenAnswer) -> dict[str, Any]:
    if answer.choice is not None:
        return {"value": float(answer.choice == "Yes")}
    if answer.logprobs is None:
        return {}
    value = float(softmax(answer.logprobs)["Yes"] >= 0.5)
    return {"value": value, **expected_level(answer, {"Yes": 1.0, "No": 0.0})}


def _total(
    task: Task, judgments: Sequence[Judgment], value: float | None, expected: float | None
) -> Judgment:
    total = replace(
        new_judgment(task, PlannedJudgment(TOTAL, (0,))),
        completions=tuple(key for judgment in judgments for key in judgment.completions),
    )
    failed = next((judgment for judgment in judgments if judgment.failure), None)
    if failed:
        name = failed.item_criterion or failed.criterion
        return replace(total, failure=failed.failure, detail=f"{name}: {failed.detail}")
    masses = [judgment.choice_mass for judgment in judgments if judgment.choice_mass is not None]
    return replace(
        total,
        value=value,
        expected=expected,
        choice_mass=min(masses) if len(masses) == len(judgments) else None,
        detail=next((judgment.detail for judgment in judgments if judgment.expected is None), None),
    )


def _if_all(
    shares: Sequence[float | None], points: Sequence[float], clip: tuple[float, float] | None
) -> float | None:
    """Return the score of an item's criteria, or None if one of them has no answer."""
    present = [share for share in shares if share is not None]
    return criteria_score(present, points, clip) if len(present) == len(shares) else None


def _weighted_mean(values: list[float | None], weights: list[float]) -> float | None:
    """Return the weighted mean, or None if a value is absent."""
    present = [value for value in values if value is not None]
    if len(present) < len(values):
        return None
    return math.fsum(w * value for w, value in zip(weights, present, strict=True)) / math.fsum(weights)
