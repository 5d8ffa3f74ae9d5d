"""One gate on one measure of one rater: what is decided, and by which interval."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from evalhub import stats
from evalhub.analysis.frames.outcomes import ABOUT
from evalhub.analysis.results import Results
from evalhub.gates.nights import Measure
from evalhub.gates.split import Split
from evalhub.specs.gates import Gate, OtherSystem
from evalhub.stats import Estimate

NO_BASELINE = "there is no baseline: mark a run that is signed off with `evalhub baseline set RUN`"
NOTHING_MEASURED = "the run has no such measure of the system"
NO_TAG = "no item has the tag, in the run or in the baseline"
NO_DIRECTION = "neither direction of the measure is better"


@dataclass(frozen=True, slots=True)
class MeasureCheck:
    """A gate on one measure of one rater on one dataset.

    Attributes:
        gate: The gate.
        measure: Dataset, kind of rater, rater, criterion and measure, as in `outcomes`.
        against: What it is compared with, in words.
        interval: Returns the change, above 0 = better, at a level of confidence.
        cause: Why the change cannot be laid to the system. None = it can.
        is_unchanged: Whether answers and rater are the same as in the baseline, so that nothing can change.
        split: What the judge and what the system did, where the judge changed.
    """

    gate: Gate
    measure: Measure
    against: str
    interval: stats.Interval
    cause: str | None = None
    is_unchanged: bool = False
    split: Split | None = None


def name_other_side(gate: Gate, baseline: Results | None) -> str:
    """Return what a gate compares with, for people: a system, a number or the id of the baseline."""
    if isinstance(gate.against, OtherSystem):
        return gate.against.system
    if isinstance(gate.against, float):
        return f"{gate.against:g}"
    return baseline.run.id if baseline else "baseline"


def undecided(
    gate: Gate, baseline: Results | None, cause: str, measure: Measure | None = None
) -> MeasureCheck:
    """Return a check of which nothing is known, with the reason. By default it is of the measure named."""
    key = measure or (gate.dataset or "", "", gate.rater or "", gate.criterion or "", gate.measure or "")
    return MeasureCheck(gate, key, name_other_side(gate, baseline), partial(_none, cause), cause)


def is_about(gate: Gate, measure: Measure) -> bool:
    """Return whether a gate names a measure of the run."""
    values = dict(zip(ABOUT, measure, strict=True))
    names = {name: getattr(gate, name) for name in ("dataset", "rater", "criterion", "measure")}
    return all(value is None or values[name] == value for name, value in names.items())


def orient(higher_is_better: bool | None, interval: stats.Interval, confidence: float) -> Estimate:
    """Return a change so that above 0 is better."""
    if higher_is_better is None:
        return Estimate.none(NO_DIRECTION, confidence=confidence)
    return interval(confidence) if higher_is_better else interval(confidence).negated()


def _none(reason: str, confidence: float) -> Estimate:
    return Estimate.none(reason, confidence=confidence)
