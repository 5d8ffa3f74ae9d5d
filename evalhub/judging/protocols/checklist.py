"""Yes/no questions about one response, weighted and summed.

Source: Lin et al., WildBench, ICLR 2025, section 4 (checklists); Cook et al., TICKing All the Boxes,
arXiv 2410.03608.
"""

from __future__ import annotations

import math
from dataclasses import replace

from evalhub.judging.probabilities import softmax
from evalhub.judging.protocols.base import Asking, Outline, Part, Steps, blank
from evalhub.judging.protocols.one_token import ask
from evalhub.judging.protocols.pointwise_pairwise import with_expected
from evalhub.records import Judgment

TOTAL = "checklist"
ANSWERS = ("Yes", "No")
QUESTION = "Does the response meet this criterion? Answer with one word: Yes or No."


def all_parts(outline: Outline) -> tuple[Part, ...]:
    """Return one judgment for each criterion, and the total."""
    return tuple(Part(name, (0,)) for name in (*outline.rubric.criteria, TOTAL))


def checklist(asking: Asking) -> Steps:
    """Ask every criterion of the rubric; the total is the weighted share of yes, in [0, 1].

    Its expected value is the weighted mean of the probabilities of yes. One failed criterion is the
    total's failure.
    """
    judgments = []
    for name in asking.judge.rubric.criteria:
        answer = yield from ask(replace(asking, criterion=name), asking.responses, QUESTION, ANSWERS)
        judgment = answer.fill(blank(asking, Part(name, (0,))))
        if answer.choice is not None:
            judgment = replace(judgment, value=float(answer.choice == "Yes"))
        elif answer.logprobs is not None:
            judgment = replace(judgment, value=float(softmax(answer.logprobs)["Yes"] >= 0.5))
            judgment = with_expected(judgment, answer, {"Yes": 1.0, "No": 0.0})
        judgments.append(judgment)
    return (*judgments, _total(asking, judgments))


def _total(asking: Asking, judgments: list[Judgment]) -> Judgment:
    total = replace(
        blank(asking, Part(TOTAL, (0,))),
        completions=tuple(key for one in judgments for key in one.completions),
    )
    failed = next((one for one in judgments if one.failure), None)
    if failed:
        return replace(total, failure=failed.failure, detail=f"{failed.criterion}: {failed.detail}")
    rubric = asking.judge.rubric
    weights = [rubric.weight_of(one.criterion) for one in judgments]
    masses = [one.label_mass for one in judgments if one.label_mass is not None]
    return replace(
        total,
        value=_weighted([one.value for one in judgments], weights),
        expected=_weighted([one.expected for one in judgments], weights),
        label_mass=min(masses) if len(masses) == len(judgments) else None,
        detail=next((one.detail for one in judgments if one.expected is None), None),
    )


def _weighted(values: list[float | None], weights: list[float]) -> float | None:
    """Return the weighted mean; None where a value is absent."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    return math.fsum(w * value for w, value in zip(weights, known, strict=True)) / math.fsum(weights)
