"""Gates on measures: how far a system changed, by one paired and clustered interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from evalhub import stats
from evalhub.analysis.frames.comparable import item_outcomes
from evalhub.analysis.frames.directions import direction_of
from evalhub.analysis.frames.outcomes import ABOUT, bounds_of, outcomes, rows_of_measure, withheld_reason
from evalhub.analysis.ranking.comparison import Difference, system_difference
from evalhub.analysis.results import Results
from evalhub.analysis.tables import ids, numbers
from evalhub.gates.check import (
    NO_BASELINE,
    NO_TAG,
    NOTHING_MEASURED,
    MeasureCheck,
    is_about,
    name_other_side,
    orient,
    undecided,
)
from evalhub.gates.nights import Measure, Nights, NightSides
from evalhub.gates.powered import is_powered, powered_checks
from evalhub.specs.gates import Gate, OtherSystem
from evalhub.stats import Estimate


def measure_checks(sides: NightSides, gate: Gate) -> Iterator[MeasureCheck]:
    """Yield the checks of a gate: one for each dataset, rater and criterion that has the measure.

    Args:
        sides: The run and its baseline.
        gate: A gate on a measure.
    """
    # A number or another system needs no baseline.
    baseline = sides.baseline if gate.against == "baseline" else None
    part = sides.part(gate.tag)
    nights = None if baseline is None else sides.nights(gate.tag)
    if part is None or (baseline is not None and nights is None):
        yield undecided(gate, baseline, NO_TAG)
        return
    checks = list((powered_checks if is_powered(gate) else _checks)(part, gate, nights))
    yield from checks or [undecided(gate, baseline, NOTHING_MEASURED)]


def _checks(results: Results, gate: Gate, nights: Nights | None) -> Iterator[MeasureCheck]:
    """Yield a check of each measure of the gate's system that the gate names. Labels are not gated."""
    rows = outcomes(results)
    rows = rows[(rows["system"] == gate.system) & (rows["rater_kind"] != "labels")]
    keys = rows[list(ABOUT)].drop_duplicates().sort_values(list(ABOUT))
    for key in keys.itertuples(index=False, name=None):
        measure = tuple(map(str, key))
        if is_about(gate, measure):
            yield _check(results, gate, measure, nights)


def _check(part: Results, gate: Gate, measure: Measure, nights: Nights | None) -> MeasureCheck:
    system, against = str(gate.system), name_other_side(gate, nights.before if nights else None)
    if isinstance(gate.against, float):
        return MeasureCheck(gate, measure, against, partial(_beyond, part, measure, system, gate.against))
    if isinstance(gate.against, OtherSystem):
        difference = system_difference(part, measure, system, gate.against.system)
    elif nights is None:
        return undecided(gate, None, NO_BASELINE, measure)
    else:
        difference = nights.difference(measure, system)
    if difference is None:
        return undecided(gate, nights.before if nights else None, NOTHING_MEASURED, measure)
    higher = direction_of(rows_of_measure(part, measure))
    interval = partial(orient, higher, partial(_change, difference))
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


def _beyond(results: Results, measure: Measure, system: str, target: float, confidence: float) -> Estimate:
    """Return by how much a system's mean is better than a number. An item counts once."""
    rows = rows_of_measure(results, measure)
    if reason := withheld_reason(rows):
        return Estimate.none(reason, confidence=confidence)
    items = item_outcomes(rows[rows["system"] == system]).groupby("item_id", sort=True, observed=True)
    means, clusters = items["value"].mean(), items["cluster"].first()
    mean = stats.mean_estimate(numbers(means), ids(clusters), bounds=bounds_of(rows), confidence=confidence)
    moved = mean.moved(lambda value: value - target, scale=1)
    return orient(direction_of(rows), lambda _: moved, confidence)
