"""Both orders in one task. Where they disagree, the judge sees both assessments and decides again.

Source: Zeng et al., LLMBar, ICLR 2024, section 4 ("Swap+CoT").
"""

from __future__ import annotations

from evalhub.judging.prompts.escape import fence
from evalhub.judging.protocols.base import JudgmentGenerator, PlannedJudgment, Task, TaskOutline, new_judgment
from evalhub.judging.protocols.one_token import TokenAnswer
from evalhub.judging.protocols.pointwise_pairwise import ask_better, compare
from evalhub.records import Judgment
from evalhub.scales import Order, Winner

ORDERS = (Order.AB, Order.BA)


def plan_orders(outline: TaskOutline) -> tuple[PlannedJudgment, ...]:
    """Return one judgment for each order."""
    return tuple(PlannedJudgment(outline.criterion, (0, 1), order) for order in ORDERS)


def swap(task: Task) -> JudgmentGenerator:
    """Compare in both orders. If the hard verdicts differ, ask in both orders for a synthesis.

    A judge that explains sees both assessments before it writes again. The judgment keeps the new rationale.
    """
    answers: list[TokenAnswer] = []
    for order in ORDERS:
        answers.append((yield from ask_better(task, order)))
    judgments = tuple(_compare(task, answer, order) for answer, order in zip(answers, ORDERS, strict=True))
    if any(judgment.failure for judgment in judgments) or judgments[0].winner == judgments[1].winner:
        return judgments
    completions = tuple(key for answer in answers for key in answer.completions)
    syntheses = []
    for order in ORDERS:
        note = _both_assessments(judgments, order)
        answer = yield from ask_better(task, order, completions=completions, note=note)
        syntheses.append(_compare(task, answer, order))
    return tuple(syntheses)


def _compare(task: Task, answer: TokenAnswer, order: Order) -> Judgment:
    return compare(new_judgment(task, PlannedJudgment(task.criterion, (0, 1), order)), answer, order)


def _both_assessments(judgments: tuple[Judgment, ...], order: Order) -> str:
    """Return both assessments in the letters of one order, the assessment of that order first."""
    lines = ["Two assessments of these responses disagree."]
    for judgment in sorted(judgments, key=lambda judgment: judgment.shown is not order):
        lines.append(f"One prefers {_letter(judgment.winner, order)}.")
        if judgment.rationale:
            swapped = " It saw the two the other way round, A as B and B as A."
            remark = "" if judgment.shown is order else swapped
            lines.append(f"Its reasons:{remark}\n{fence(judgment.rationale)}")
    return "\n".join([*lines, "Weigh both, and look at the responses again.\n\n"])


def _letter(winner: Winner | None, order: Order) -> str:
    if winner is None or winner is Winner.TIE:
        return "neither"
    return "A" if (winner is Winner.A) is (order is Order.AB) else "B"
