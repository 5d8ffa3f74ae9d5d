"""Gates on what people would say: labels on a part of the answers and a judge's verdicts on all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from evalhub import stats
from evalhub.analysis.people.prediction_powered import (
    COMBINED,
    LabelledOutcomes,
    labelled_outcomes,
    powered_change,
)
from evalhub.analysis.ranking.comparison import AFTER, BEFORE, OTHER_SCALE
from evalhub.analysis.results import Results
from evalhub.gates.check import (
    NO_BASELINE,
    MeasureCheck,
    is_about,
    name_other_side,
    orient,
    undecided,
)
from evalhub.gates.nights import Measure, Nights
from evalhub.specs.gates import Gate, OtherSystem
from evalhub.stats import Estimate

NOT_OF_RUN = "the run has no such measure of the system, and has {}"
NO_LABELS = "people labelled no answer of {}, or none that this judge judged"

Labelled = dict[tuple[Measure, str], LabelledOutcomes]
"""The outcomes with labels of each measure and system of a run."""


def is_powered(gate: Gate) -> bool:
    """Return whether a gate is about what people would say, and not about what a judge says."""
    return str(gate.measure).endswith(COMBINED)


def powered_checks(results: Results, gate: Gate, nights: Nights | None) -> Iterator[MeasureCheck]:
    """Yield a check of a gate for each judge and criterion by which people labelled answers of the system.

    A prediction-powered estimate is unbiased whatever the judge does. So a judge that changed since the
    baseline is no cause, and no error of the judge is laid to the system.

    Args:
        results: The run, or its part with a tag.
        gate: A gate on such a measure.
        nights: The run beside its baseline. None = the gate needs none, or there is none.
    """
    systems = _labelled(results)
    before_run = None if nights is None else nights.before
    measures = [measure for measure, system in systems if system == gate.system]
    if not measures:
        yield undecided(gate, before_run, NO_LABELS.format(gate.system))
    elif not any(is_about(gate, measure) for measure in measures):
        names = " and ".join(sorted({f"{measure[-1]} by {measure[2]}" for measure in measures}))
        yield undecided(gate, before_run, NOT_OF_RUN.format(names))
    before = {} if nights is None else _labelled(nights.before)
    for (measure, system), outcomes in systems.items():
        if system == gate.system and is_about(gate, measure):
            if isinstance(gate.against, float):
                yield _check(gate, measure, outcomes, partial(_beyond, outcomes, gate.against))
            elif isinstance(gate.against, OtherSystem):
                yield _against_system(gate, measure, outcomes, systems)
            elif nights is None:
                yield undecided(gate, None, NO_BASELINE, measure)
            else:
                yield _against_baseline(gate, measure, nights, outcomes, before.get((measure, system)))


def _labelled(results: Results) -> Labelled:
    return {
        (_measure_of(outcomes), outcomes.keys["system"]): outcomes for outcomes in labelled_outcomes(results)
    }


def _measure_of(outcomes: LabelledOutcomes) -> Measure:
    keys = outcomes.keys
    return (
        keys["dataset"], COMBINED, keys["judge"], keys["criterion"], f"{keys['measure']}, {COMBINED}",
    )  # fmt: skip


def _check(
    gate: Gate, measure: Measure, outcomes: LabelledOutcomes, interval: stats.Interval
) -> MeasureCheck:
    higher = outcomes.keys["higher_is_better"]
    return MeasureCheck(gate, measure, name_other_side(gate, None), partial(orient, higher, interval))


def _against_system(
    gate: Gate, measure: Measure, outcomes: LabelledOutcomes, systems: Labelled
) -> MeasureCheck:
    assert isinstance(gate.against, OtherSystem)
    name = gate.against.system
    other = systems.get((measure, name))
    if other is None:
        return undecided(gate, None, NO_LABELS.format(name), measure)
    return _check(gate, measure, outcomes, partial(powered_change, outcomes, other, (str(gate.system), name)))


def _against_baseline(
    gate: Gate,
    measure: Measure,
    nights: Nights,
    after: LabelledOutcomes,
    before: LabelledOutcomes | None,
) -> MeasureCheck:
    dataset, system = measure[0], str(gate.system)
    if before is None:
        return undecided(gate, nights.before, NO_LABELS.format(f"{system} in the baseline"), measure)
    changed_items = nights.changed_items(dataset)
    after, before = after.without_items(changed_items), before.without_items(changed_items)
    is_same = after.keys["higher_is_better"] is before.keys["higher_is_better"]
    if not is_same or after.bounds != before.bounds:
        return undecided(gate, nights.before, OTHER_SCALE, measure)
    cause = nights.changed_opponents(dataset, after.rows["other"])
    cause = cause or nights.loss(set(after.rows["item_id"]), set(before.rows["item_id"]))
    return replace(
        _check(gate, measure, after, partial(powered_change, after, before, (AFTER, BEFORE))),
        against=nights.before.run.id,
        cause=cause,
        is_unchanged=cause is None and nights.answers.are_equal(dataset, system),
    )


def _beyond(outcomes: LabelledOutcomes, target: float, confidence: float) -> Estimate:
    mean = outcomes.mean(confidence).estimate
    return mean.moved(lambda value: value - target, scale=1)
