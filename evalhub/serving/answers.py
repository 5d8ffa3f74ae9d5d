"""From the judgments of a request to its answer: orders combined by the rule of a run, and calibrated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from evalhub.errors import EvalhubError
from evalhub.judging import preference, softmax
from evalhub.judging.aggregate import by_order, judgment_row, order_verdict, pair_verdict, rating
from evalhub.records import FailureKind, Judgment
from evalhub.serving.evidence import Evidence, Row, ServedJudge
from evalhub.serving.questions import Question
from evalhub.serving.refusal import Refusal
from evalhub.specs import Combine, Positions

FEW_RATIONALES = "the probabilities depend on one or two sampled rationales, so a run does not count them"
HARD = "the verdict is hard: the judge gives no probability for it"


def answer_question(judge: ServedJudge, question: Question, judgments: Sequence[Judgment]) -> Row:
    """Return the answer to a question as plain values.

    Args:
        judge: The judge that was asked.
        question: What it was asked.
        judgments: All judgments of the question's tasks, in their order.

    Raises:
        Refusal: 413 where the texts are longer than the engine holds, 502 where the engine failed.
    """
    _refuse_failures(judgments)
    evidence = Evidence() if question.unmeasured else judge.evidence[question.criterion]
    of_criterion = [judgment for judgment in judgments if judgment.criterion == question.criterion]
    verdict = (_pair if judge.is_pairwise else _rating)(judge, evidence, of_criterion)
    failed = next((judgment for judgment in judgments if judgment.failure), None)
    masses = [judgment.choice_mass for judgment in judgments if judgment.choice_mass is not None]
    return {
        "criterion": question.criterion,
        **verdict,
        "choice_mass": min(masses, default=None),
        "failure": _failure(judgments),
        "detail": failed.detail if failed else None,
        "judgments": [_judgment(judgment) for judgment in judgments],
        "judge": judge.name_row(),
        "unmeasured": list(question.unmeasured),
        **evidence.as_rows(is_pairwise=judge.is_pairwise),
    }


def _refuse_failures(judgments: Sequence[Judgment]) -> None:
    for kind, status, problem in (
        (FailureKind.TOO_LONG, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the texts are too long for the judge"),
        (FailureKind.ENGINE, HTTPStatus.BAD_GATEWAY, "the judge's engine failed"),
    ):
        for judgment in judgments:
            if judgment.failure is kind:
                raise Refusal(status, EvalhubError(f"{problem}: {judgment.detail}"))


def _pair(judge: ServedJudge, evidence: Evidence, judgments: Sequence[Judgment]) -> Row:
    rows = [judgment_row(judgment) for judgment in judgments]
    spec = judge.judge.spec
    chances, winner = pair_verdict(
        rows,
        two_orders=judge.judge.positions is Positions.BOTH,
        vote=spec.combine is Combine.VOTE,
    )
    raw = None if chances is None or not judge.is_soft else preference(chances)
    orders = []
    for shown, places in by_order(rows).items():
        order_winner, p_a = order_verdict([rows[place] for place in places])
        orders.append({"shown": shown, "winner": order_winner, "probability": p_a})
    has_orders = len(orders) == 2 and all(order["winner"] for order in orders)
    return {
        "winner": None if winner is None else winner.value,
        "probability": _numbers(judge, evidence, raw, _failure(judgments)),
        "probabilities": None if raw is None else chances,
        "orders": orders,
        "orders_agree": orders[0]["winner"] == orders[1]["winner"] if has_orders else None,
    }


def _rating(judge: ServedJudge, evidence: Evidence, judgments: Sequence[Judgment]) -> Row:
    fields = ("value", "expected", "failure")
    rows = [{name: getattr(judgment, name) for name in fields} for judgment in judgments]
    rated = rating(rows, vote=judge.judge.spec.combine is Combine.VOTE)
    raw = rated.expected if judge.is_soft else None
    return {
        "level": rated.value,
        "expected": _numbers(judge, evidence, raw, _failure(judgments)),
        "not_applicable": rated.not_applicable,
    }


def _numbers(judge: ServedJudge, evidence: Evidence, raw: float | None, failure: str | None) -> Row:
    """Return a number as the judge gives it and calibrated, with the reason where one of them is absent."""
    reason = evidence.reason
    if failure is not None:
        reason = f"the judge gave no verdict: {failure}"
    elif raw is None:
        reason = HARD if judge.is_soft else FEW_RATIONALES
    return {"raw": raw, "calibrated": evidence.calibrate(raw), "reason": reason}


def _judgment(judgment: Judgment) -> Row:
    row: dict[str, Any] = {
        "criterion": judgment.criterion,
        "shown": judgment.shown.value if judgment.shown else None,
        "repeat": judgment.repeat,
        "winner": judgment.winner.value if judgment.winner else None,
        "probability": judgment.p_a,
        "level": judgment.value,
        "expected": judgment.expected,
        "probabilities": _shares(judgment.logprobs),
        "choice_mass": judgment.choice_mass,
        "failure": judgment.failure.value if judgment.failure else None,
        "detail": judgment.detail,
        "rationale": judgment.rationale,
    }
    absent = ("level", "expected") if judgment.system_a else ("winner", "probability", "shown")
    return {name: value for name, value in row.items() if name not in absent}


def _failure(judgments: Sequence[Judgment]) -> str | None:
    """Return the kind of the first failure. None where each judgment has a verdict."""
    return next((judgment.failure.value for judgment in judgments if judgment.failure), None)


def _shares(logprobs: Mapping[str, float] | None) -> dict[str, float] | None:
    return softmax(logprobs) if logprobs else None
