"""Gates on measures: how far a system changed, by one paired and clustered interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from evalhub import stats
from evalhub.analysis.frames.comparable import item_outcomes
from evalhub.analysis.frames.directions import direction_of
from evalhub.analysis.frames.outcomes import ABOUT, bounds_of, outcomes, withheld_reason
from evalhub.analysis.ranking.comparability import rater_changes
from evalhub.analysis.ranking.comparison import run_difference, system_difference
from evalhub.analysis.results import Results
from evalhub.analysis.tables import ids, numbers
from evalhub.gates.answers import Answers
from evalhub.specs.gates import Gate, OtherSystem
from evalhub.stats import Estimate

if TYPE_CHECKING:
    import pandas as pd

Measure = tuple[str, ...]

NO_BASELINE = "there is no baseline: mark a run that is signed off with `evalhub baseline set RUN`"
NOTHING_MEASURED = "the run has no such measure of the system"
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
    """

    gate: Gate
    measure: Measure
    against: str
    interval: stats.Interval
    cause: str | None = None
    is_unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Nights:
    """A run and the baseline that it is compared with, or the parts of both with one tag."""

    after: Results
    before: Results
    answers: Answers

    @classmethod
    def of(cls, after: Results, before: Results) -> Nights:
        """Return two runs, whose answers are compared when they are needed."""
        return cls(after, before, Answers(after, before))


def measure_checks(results: Results, gate: Gate, baseline: Results | None) -> Iterator[MeasureCheck]:
    """Yield the checks of a gate: one for each dataset, rater and criterion that has the measure.

    Args:
        results: The run.
        gate: A gate on a measure.
        baseline: The baseline run. None = there is none.
    """
    part = _with_tag(results, gate.tag)
    nights = None if baseline is None else Nights.of(part, _with_tag(baseline, gate.tag))
    measures = list(_measures(part, gate))
    if not measures:
        key = (gate.dataset or "", "", gate.rater or "", gate.criterion or "", gate.measure or "")
        against = _against(gate, baseline)
        yield MeasureCheck(gate, key, against, partial(_none, NOTHING_MEASURED), NOTHING_MEASURED)
    for measure in measures:
        yield _check(part, gate, measure, nights)


def _with_tag(results: Results, tag: str | None) -> Results:
    if tag is None:
        return results
    quoted = tag.replace("'", "''")
    return results.where(f"list_contains(tags, '{quoted}')")


def _measures(results: Results, gate: Gate) -> Iterator[Measure]:
    """Yield the measures of the run that a gate names. Labels are not gated."""
    rows = outcomes(results)
    rows = rows[(rows["system"] == gate.system) & (rows["rater_kind"] != "labels")]
    keys = rows[list(ABOUT)].drop_duplicates().sort_values(list(ABOUT))
    for key in keys.itertuples(index=False, name=None):
        measure = dict(zip(ABOUT, key, strict=True))
        names = {name: getattr(gate, name) for name in ("dataset", "rater", "criterion", "measure")}
        if all(value is None or measure[name] == value for name, value in names.items()):
            yield tuple(map(str, key))


def _check(part: Results, gate: Gate, measure: Measure, nights: Nights | None) -> MeasureCheck:
    system, against = str(gate.system), _against(gate, nights.before if nights else None)
    if isinstance(gate.against, float):
        return MeasureCheck(gate, measure, against, partial(_beyond, part, measure, system, gate.against))
    if isinstance(gate.against, OtherSystem):
        difference, cause = system_difference(part, measure, system, gate.against.system), None
    elif nights is None:
        return MeasureCheck(gate, measure, against, partial(_none, NO_BASELINE), NO_BASELINE)
    else:
        difference = run_difference(nights.after, nights.before, measure, system)
        cause = _cause(nights, measure, system)
    if difference is None:
        return MeasureCheck(gate, measure, against, partial(_none, NOTHING_MEASURED), NOTHING_MEASURED)
    is_unchanged = (
        nights is not None
        and gate.against == "baseline"
        and cause is None
        and difference.is_equal
        and nights.answers.are_equal(measure[0], system)
    )
    interval = partial(_oriented, part, measure, difference.estimate)
    return MeasureCheck(gate, measure, against, interval, cause, is_unchanged)


def _against(gate: Gate, baseline: Results | None) -> str:
    if isinstance(gate.against, OtherSystem):
        return gate.against.system
    if isinstance(gate.against, float):
        return f"{gate.against:g}"
    return baseline.run.id if baseline else "baseline"


def _none(reason: str, confidence: float) -> Estimate:
    return Estimate.none(reason, confidence=confidence)


def _oriented(results: Results, measure: Measure, interval: stats.Interval, confidence: float) -> Estimate:
    """Return a change so that above 0 is better."""
    higher = direction_of(_rows(results, measure))
    if higher is None:
        return Estimate.none(NO_DIRECTION, confidence=confidence)
    return interval(confidence) if higher else interval(confidence).negated()


def _beyond(results: Results, measure: Measure, system: str, target: float, confidence: float) -> Estimate:
    """Return by how much a system's mean is better than a number. An item counts once."""
    rows = _rows(results, measure)
    if reason := withheld_reason(rows):
        return Estimate.none(reason, confidence=confidence)
    items = item_outcomes(rows[rows["system"] == system]).groupby("item_id", sort=True, observed=True)
    means, clusters = items["value"].mean(), items["cluster"].first()
    mean = stats.mean_estimate(numbers(means), ids(clusters), bounds=bounds_of(rows), confidence=confidence)
    moved = mean.moved(lambda value: value - target, scale=1)
    return _oriented(results, measure, lambda _: moved, confidence)


def _rows(results: Results, measure: Measure) -> pd.DataFrame:
    rows = outcomes(results)
    for name, value in zip(ABOUT, measure, strict=True):
        rows = rows[rows[name] == value]
    return rows


def _cause(nights: Nights, measure: Measure, system: str) -> str | None:
    """Return what else than the system changed since the baseline, if anything did."""
    dataset, kind, *_ = measure
    if changes := rater_changes(measure, nights.after, nights.before):
        return f"the {'metric' if kind == 'metric' else 'judge'} changed ({', '.join(changes)})"
    rows = _rows(nights.after, measure)
    opponents = sorted({str(name) for name in rows[rows["system"] == system]["other"]} - {""})
    if changed := [name for name in opponents if nights.answers.differ(dataset, name)]:
        return f"the answers of its opponents changed ({', '.join(changed)})"
    return None
