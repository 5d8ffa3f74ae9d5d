"""The gates of a suite before it is run: their names exist, and they could see a loss of their margin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalhub.errors import InputError, UnknownNameError
from evalhub.runner.plan.datasets import SuiteDataset
from evalhub.runner.plan.resolve import Resolved
from evalhub.scales import Kind
from evalhub.specs.gates import Gate, OtherSystem
from evalhub.stats import ClusterDesign, clusters_needed, power_at
from evalhub.texts import count, number

LEAST_POWER = 0.8
NIGHTS = 30
_COMMON_ERROR = 0.05


def check_gates(resolved: Resolved) -> None:
    """Refuse gates that name what the suite has not, or that could not see a loss of their margin.

    Raises:
        UnknownNameError: A gate names a system, a rater or a dataset that the suite has not.
        InputError: A gate on a measure has a power below 80% at its margin.
    """
    for place, gate in enumerate(resolved.suite.gates):
        where = f"{resolved.path}:gates.{place}"
        _check_names(resolved, gate, where)
        for dataset in resolved.datasets:
            if gate.dataset in (None, dataset.id) and gate.measure is not None and gate.margin:
                _check_power(resolved, gate, dataset, where)


def false_reds(gates: Sequence[Gate]) -> float:
    """Return how many nights of a month are red without any change, at most.

    Args:
        gates: The gates of a suite, which is run once a night.
    """
    families: dict[str, float] = {}
    for gate in gates:
        if gate.measure is not None:
            families[gate.family] = min(gate.error, families.get(gate.family, 1.0))
    return NIGHTS * sum(families.values()) / 2


def _check_names(resolved: Resolved, gate: Gate, where: str) -> None:
    systems = {system for dataset in resolved.datasets for system in dataset.facts.families}
    systems |= {candidate.spec.id for candidate in resolved.candidates}
    judges = [judge.spec.id for judge in resolved.judges]
    judges += [judge for dataset in resolved.datasets for judge in dataset.facts.recorded_judges]
    raters = [*judges, *(jury.id for jury in resolved.suite.juries)]
    names = {
        "system": sorted(systems),
        "judge": judges,
        "rater": raters,
        "dataset": [dataset.id for dataset in resolved.datasets],
    }
    for key, allowed in names.items():
        value = getattr(gate, key)
        is_metric = key == "rater" and value not in raters and value == gate.measure
        if value is not None and value not in allowed and not is_metric:
            raise UnknownNameError(key, value, allowed, where=f"{where}.{key}")
    if isinstance(gate.against, OtherSystem) and gate.against.system not in systems:
        raise UnknownNameError(
            "system", gate.against.system, sorted(systems), where=f"{where}.against.system"
        )


def _check_power(resolved: Resolved, gate: Gate, dataset: SuiteDataset, where: str) -> None:
    margin, items = float(gate.margin or 0), dataset.facts.items
    for spread in _spreads(resolved, gate):
        power = power_at(items, margin, ClusterDesign(sd=spread, alpha=gate.error))
        if power < LEAST_POWER:
            items_at_error, items_at_common_error = (
                count(clusters_needed(margin, ClusterDesign(sd=spread, alpha=error), target=LEAST_POWER))
                for error in (gate.error, _COMMON_ERROR)
            )
            raise InputError(
                f"{count(items)} items show a loss of {number(margin)} in {power:.0%} of nights",
                where=f"{where}.margin",
                value=margin,
                allowed=f"what is seen in {LEAST_POWER:.0%} of nights",
                fix=f"take {items_at_error} items, or {items_at_common_error} with `error: {_COMMON_ERROR}`, "
                f"or a larger margin, or set `sd` if the differences spread less than {number(spread)}",
            )


def _spreads(resolved: Resolved, gate: Gate) -> Iterator[float]:
    """Yield the standard deviation of paired differences that a gate is planned with, where one is known."""
    if gate.sd is not None:
        yield gate.sd
    elif str(gate.measure).startswith("win rate"):
        yield 0.5
    elif str(gate.measure).startswith("mean score"):
        for judge in resolved.judges:
            if judge.rubric.kind is not Kind.PAIRWISE and gate.rater in (None, judge.spec.id):
                scales = filter(None, map(judge.rubric.scale_for, judge.rubric.criteria))
                yield max(max(scale.values) - min(scale.values) for scale in scales) / 2
