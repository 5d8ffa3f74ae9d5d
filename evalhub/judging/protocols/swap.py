"""Both orders in one asking; where they disagree, the judge sees both readings and decides anew.

Source: Zeng et al., LLMBar, ICLR 2024, section 4 ("Swap+CoT").
"""

from __future__ import annotations

from evalhub.judging.prompts.escape import fence
from evalhub.judging.protocols.base import Asking, Outline, Part, Steps, blank
from evalhub.judging.protocols.one_token import Answer
from evalhub.judging.protocols.pointwise_pairwise import compare, compared
from evalhub.records import Judgment
from evalhub.scales import Order, Winner

ORDERS = (Order.AB, Order.BA)


def both_parts(outline: Outline) -> tuple[Part, ...]:
    """Return one judgment for each order."""
    return tuple(Part(outline.criterion, (0, 1), order) for order in ORDERS)


def swap(asking: Asking) -> Steps:
    """Compare in both orders; if the hard verdicts differ, ask in both orders for a synthesis.

    A judge that explains sees both readings before it writes anew; the judgment keeps that rationale.
    """
    first: list[tuple[Answer, Judgment]] = []
    for order in ORDERS:
        answer = yield from compare(asking, order)
        first.append((answer, _judged(asking, answer, order)))
    judgments = tuple(judgment for _, judgment in first)
    if any(judgment.failure for judgment in judgments) or judgments[0].winner == judgments[1].winner:
        return judgments
    before = tuple(key for answer, _ in first for key in answer.completions)
    final = []
    for order in ORDERS:
        note = _both_readings(judgments, order)
        answer = yield from compare(asking, order, completions=before, note=note)
        final.append(_judged(asking, answer, order))
    return tuple(final)


def _judged(asking: Asking, answer: Answer, order: Order) -> Judgment:
    return compared(blank(asking, Part(asking.criterion, (0, 1), order)), answer, order)


def _both_readings(judgments: tuple[Judgment, ...], order: Order) -> str:
    """Put both readings in the letters of one order, the reading of that order first."""
    lines = ["Two assessments of these responses disagree."]
    for judgment in sorted(judgments, key=lambda one: one.shown is not order):
        lines.append(f"One prefers {_letter(judgment.winner, order)}.")
        if judgment.rationale:
            seen = (
                "" if judgment.shown is order else " It saw the two the other way round, A as B and B as A."
            )
            lines.append(f"Its reasons:{seen}\n{fence(judgment.rationale)}")
    return "\n".join([*lines, "Weigh both, and look at the responses again.\n\n"])


def _letter(winner: Winner | None, order: Order) -> str:
    if winner is None or winner is Winner.TIE:
        return "neither"
    return "A" if (winner is Winner.A) is (order is Order.AB) else "B"
