"""Gates on measures: how far a system changed, by one paired and clustered interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from evalhub import stats
from evalhub.analysis.frames.comparable import item_outcomes
from evalhub.analysis.frames.directions import direction_of
from evalhub.analysis.frames.outcomes import ABOUT, bounds_of, outcomes, rows_of_measure, withheld_reason
from evalhub.analysis.ranking.comparison import Difference, system_difference
from evalhub.analysis.results import Results
from evalhub.analysis.tables import ids, numbers
from evalhub.errors import InputError
from evalhub.gates.nights import Measure, Nights
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


def measure_checks(
    results: Results, gate: Gate, baseline: Results | None, rejudged: Results | None = None
) -> Iterator[MeasureCheck]:
    """Yield the checks of a gate: one for each dataset, rater and criterion that has the measure.

    Args:
        results: The run.
        gate: A gate on a measure.
        baseline: The baseline run. None = there is none.
        rejudged: The answers of the baseline by tonight's judges. None = they were not judged anew.
    """
    if gate.against != "baseline":
        baseline = None  # a number or another system needs none
    part, before = with_tag(results, gate.tag), None if baseline is None else with_tag(baseline, gate.tag)
    if part is None or (baseline is not None and before is None):
        yield _undecided(gate, baseline, NO_TAG)
        return
    measures = list(_measures(part, gate))
    again = None if rejudged is None else with_tag(rejudged, gate.tag)
    nights = None if before is None else Nights(part, before, again)
    for measure in measures:
        yield _check(part, gate, measure, nights)
    if not measures:
        yield _undecided(gate, baseline, NOTHING_MEASURED)


def _undecided(gate: Gate, baseline: Results | None, cause: str) -> MeasureCheck:
    key = (gate.dataset or "", "", gate.rater or "", gate.criterion or "", gate.measure or "")
    return MeasureCheck(gate, key, _against(gate, baseline), partial(_none, cause), cause)


def with_tag(results: Results, tag: str | None) -> Results | None:
    """Return the part of a run about the items with a tag. None where no item has it."""
    if tag is None:
        return results
    quoted = tag.replace("'", "''")
    try:
        return results.where(f"list_contains(tags, '{quoted}')")
    except InputError:
        return None


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
        difference = system_difference(part, measure, system, gate.against.system)
    elif nights is None:
        return MeasureCheck(gate, measure, against, partial(_none, NO_BASELINE), NO_BASELINE)
    else:
        difference = nights.difference(measure, system)
    if difference is None:
        return MeasureCheck(gate, measure, against, partial(_none, NOTHING_MEASURED), NOTHING_MEASURED)
    interval = partial(_oriented, part, measure, partial(_change, difference))
    if nights is None:
        return MeasureCheck(gate, measure, against, interval)
    cause = nights.cause(measure, system, difference)
    is_unchanged = cause is None and nights.is_unchanged(measure, system, difference)
    return MeasureCheck(gate, measure, against, interval, cause, is_unchanged, nights.split(measure, system))


def _change(difference: Difference, confidence: float) -> Estimate:
    """Return a difference with its interval. Where no value differs, it is bounded by what was not seen.

    If none of n independent items differs, then at the level the share of items that do is below
    1 - alpha^(1/n), with alpha on each side.

    Source: Hanley & Lippman-Hand, JAMA 249, 1983 (the rule of three).
    """
    estimate = difference.estimate(confidence)
    if estimate.low is not None or not difference.is_equal or difference.bounds is None:
        return estimate
    share = 1 - ((1 - confidence) / 2) ** (1 / max(estimate.clusters, 1))
    width = share * (difference.bounds[1] - difference.bounds[0])
    return replace(estimate, low=-width, high=width, method="rule-of-three", reason=None)


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
    higher = direction_of(rows_of_measure(results, measure))
    if higher is None:
        return Estimate.none(NO_DIRECTION, confidence=confidence)
    return interval(confidence) if higher else interval(confidence).negated()


def _beyond(results: Results, measure: Measure, system: str, target: float, confidence: float) -> Estimate:
    """Return by how much a system's mean is better than a number. An item counts once."""
    rows = rows_of_measure(results, measure)
    if reason := withheld_reason(rows):
        return Estimate.none(reason, confidence=confidence)
    items = item_outcomes(rows[rows["system"] == system]).groupby("item_id", sort=True, observed=True)
    means, clusters = items["value"].mean(), items["cluster"].first()
    mean = stats.mean_estimate(numbers(means), ids(clusters), bounds=bounds_of(rows), confidence=confidence)
    moved = mean.moved(lambda value: value - target, scale=1)
    return _oriented(results, measure, lambda _: moved, confidence)
