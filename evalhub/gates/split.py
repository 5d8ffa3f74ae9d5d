"""A change since the baseline, split into what the judge did and what the system did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from evalhub.analysis.frames.directions import direction_of
from evalhub.analysis.frames.outcomes import rows_of_measure
from evalhub.analysis.ranking.comparison import Difference, run_difference
from evalhub.analysis.results import Results
from evalhub.gates.answers import Answers
from evalhub.stats import Estimate
from evalhub.stats.estimate import CONFIDENCE

NAMING_CONFIDENCE = 0.99
"""Level of the intervals by which a cause is named, so that a wrong one is rare."""

UNCHANGED = "the same answers"


class Cause(StrEnum):
    """What moved a number."""

    JUDGE = "the judge"
    SYSTEM = "the system"
    BOTH = "both the judge and the system"
    NEITHER = "neither beyond chance"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Split:
    """A change in two parts, above 0 = better for the system. Each has an interval of 95%.

    Attributes:
        judge: The answers of the baseline by tonight's judge, minus the same answers by the judge of the
            baseline.
        system: The answers of tonight minus those of the baseline, both by tonight's judge.
        cause: What moved the number.
    """

    judge: Estimate
    system: Estimate
    cause: Cause


def split_change(
    after: Results, before: Results, rejudged: Results, measure: Sequence[str], system: str
) -> Split | None:
    """Split the change of a system under one measure of a judge that changed.

    Args:
        after: The run.
        before: The baseline.
        rejudged: The answers of the baseline by tonight's judge.
        measure: Dataset, kind of rater, rater, criterion and measure, as in `outcomes`.
        system: The system.

    Returns:
        None where a run does not have the measure.
    """
    of_judge = run_difference(rejudged, before, measure, system)
    of_system = run_difference(after, rejudged, measure, system)
    higher = direction_of(rows_of_measure(after, measure))
    if of_judge is None or of_system is None or higher is None:
        return None
    is_unchanged = of_system.is_equal and Answers(after, rejudged).are_equal(measure[0], system)

    def parts(confidence: float) -> tuple[Estimate, Estimate]:
        judge = of_judge.estimate(confidence)
        answers = _of_system(of_system, confidence, is_unchanged=is_unchanged)
        return (judge, answers) if higher else (judge.negated(), answers.negated())

    judge, answers = parts(CONFIDENCE)
    return Split(judge, answers, _cause(*parts(NAMING_CONFIDENCE)))


def _of_system(difference: Difference, confidence: float, *, is_unchanged: bool) -> Estimate:
    if not is_unchanged:
        return difference.estimate(confidence)
    n = len(difference.first)
    return Estimate(0.0, 0.0, 0.0, confidence, UNCHANGED, n, n, 0, None)


def _cause(judge: Estimate, system: Estimate) -> Cause:
    if judge.low is None or system.low is None:
        return Cause.UNKNOWN
    by_judge, by_system = _is_beyond_chance(judge), _is_beyond_chance(system)
    if by_judge and by_system:
        return Cause.BOTH
    return Cause.JUDGE if by_judge else Cause.SYSTEM if by_system else Cause.NEITHER


def _is_beyond_chance(change: Estimate) -> bool:
    return change.low is not None and change.high is not None and (change.low > 0 or change.high < 0)
