"""The gates of a suite before it is run: their names exist, and they could see a loss of their margin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evalhub.analysis.frames.outcomes import MEAN_SCORE, PENALISED, SOFT, WIN_RATE
from evalhub.analysis.people.prediction_powered import COMBINED
from evalhub.errors import InputError, UnknownNameError
from evalhub.gates.health import LEAST_CONTROLS
from evalhub.runner.plan.datasets import SuiteDataset
from evalhub.runner.plan.resolve import Resolved, metric_columns
from evalhub.runner.plan.spans import score_span
from evalhub.scales import Kind, Shape
from evalhub.specs.gates import Gate, OtherSystem
from evalhub.stats import ClusterDesign, clusters_needed, power_at
from evalhub.texts import count, number

LEAST_POWER = 0.8
NIGHTS = 30
_COMMON_ERROR = 0.05
_MANY = 10_000_000
_BY_JUDGES = (WIN_RATE, MEAN_SCORE)


def check_gates(resolved: Resolved) -> None:
    """Refuse gates that name what the suite has not, or that could not see a loss of their margin.

    Raises:
        UnknownNameError: A gate names a system, a rater, a measure or a dataset that the suite has not.
        InputError: A gate on a measure has a power below 80% at its margin.
    """
    gates = resolved.suite.gates
    for place, gate in enumerate(gates):
        _check_names(resolved, gate, f"{resolved.path}:gates.{place}")
        if gate.controls is not None:
            _check_controls(resolved, gate, f"{resolved.path}:gates.{place}")
    families = _families(resolved, gates)
    for place, gate in enumerate(gates):
        for dataset in _datasets(resolved, gate):
            if gate.measure is not None and gate.margin and _has_tag(dataset, gate.tag):
                where = f"{resolved.path}:gates.{place}"
                _check_power(resolved, gate, dataset, families[gate.family], where)


@dataclass(frozen=True, slots=True)
class _Family:
    """Gates that share one error: how large it is, and among how many checks Holm's first step divides it."""

    error: float
    checks: int


def _families(resolved: Resolved, gates: Sequence[Gate]) -> dict[str, _Family]:
    families = {}
    for name in {gate.family for gate in gates if gate.measure is not None}:
        members = [gate for gate in gates if gate.family == name and gate.measure is not None]
        checks = sum(len(_datasets(resolved, gate)) * _count_raters(resolved, gate) for gate in members)
        families[name] = _Family(min(gate.error for gate in members), max(checks, 1))
    return families


def _datasets(resolved: Resolved, gate: Gate) -> list[SuiteDataset]:
    return [dataset for dataset in resolved.datasets if gate.dataset in (None, dataset.id)]


def _count_raters(resolved: Resolved, gate: Gate) -> int:
    """Return how many raters and criteria have the measure of a gate, as far as the suite says."""
    measure = str(gate.measure)
    if not measure.startswith((WIN_RATE, MEAN_SCORE)):
        return 1
    criteria = [
        (judge.spec.id, criterion)
        for judge in resolved.judges
        if (judge.rubric.kind is Kind.PAIRWISE) is measure.startswith(WIN_RATE)
        for criterion in judge.criteria
    ]
    names = [(rater, criterion) for rater, criterion in criteria if gate.rater in (None, rater)]
    return max(1, sum(gate.criterion in (None, criterion) for _, criterion in names))


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
    if gate.measure is not None and gate.measure not in (measures := _measures(resolved)):
        raise UnknownNameError("measure", gate.measure, measures, where=f"{where}.measure")
    tags = [dataset.facts.tags for dataset in _datasets(resolved, gate)]
    if gate.tag is not None and None not in tags and not any(gate.tag in (names or ()) for names in tags):
        allowed = sorted({tag for names in tags for tag in names or ()})
        raise UnknownNameError("tag", gate.tag, allowed, where=f"{where}.tag")
    if isinstance(gate.against, OtherSystem) and gate.against.system == gate.system:
        raise InputError("a gate compares two systems", where=f"{where}.against.system", value=gate.system)
    if isinstance(gate.against, OtherSystem) and gate.against.system not in systems:
        raise UnknownNameError(
            "system", gate.against.system, sorted(systems), where=f"{where}.against.system"
        )


def _check_controls(resolved: Resolved, gate: Gate, where: str) -> None:
    """Refuse a gate on control responses whose judge has too few recorded answers beside which they stand."""
    judge = next((judge for judge in resolved.judges if judge.spec.id == gate.judge), None)
    if judge is None or judge.rubric.shape is Shape.LIST:
        raise InputError(
            "control responses are judged by a judge of the suite that sees one response or two",
            where=f"{where}.judge",
            value=gate.judge,
        )
    items = max(dataset.facts.items * bool(dataset.facts.families) for dataset in resolved.datasets)
    if items < LEAST_CONTROLS:
        raise InputError(
            "a gate on control responses needs recorded answers, with which they are compared",
            where=f"{where}.controls",
            value=f"{items} items",
            allowed=f"a dataset of at least {LEAST_CONTROLS} items with recorded answers",
        )


def _measures(resolved: Resolved) -> list[str]:
    """Return the measures that a suite has, as far as is known before it is run."""
    penalised = [PENALISED] if resolved.suite.controls.length_penalty else []
    forms = ["{}", SOFT, *penalised]
    of_judges = [form.format(measure) for measure in _BY_JUDGES for form in forms]
    of_metrics = [column for _, metric in resolved.metrics for column in metric_columns(metric)]
    recorded = [name for dataset in resolved.datasets for name in dataset.facts.recorded_metrics]
    of_people = [f"{name}, {COMBINED}" for name in of_judges if name not in map(PENALISED.format, _BY_JUDGES)]
    return [*of_judges, *of_people, *of_metrics, *recorded]


def _check_power(resolved: Resolved, gate: Gate, dataset: SuiteDataset, family: _Family, where: str) -> None:
    margin, clusters = float(gate.margin or 0), _count_clusters(dataset, gate.tag)
    for spread in _spreads(resolved, gate, dataset):
        designs = [
            ClusterDesign(sd=spread, alpha=error / family.checks) for error in (family.error, _COMMON_ERROR)
        ]
        power = power_at(clusters, margin, designs[0])
        if power < LEAST_POWER:
            sizes = [clusters_needed(margin, design, target=LEAST_POWER) for design in designs]
            at_error, at_common_error = (
                count(size) if size < _MANY else f"more than {count(_MANY)}" for size in sizes
            )
            unit = "item" if dataset.facts.clusters in (0, dataset.facts.items) else "cluster"
            tagged = f" with the tag {gate.tag}" if gate.tag else ""
            is_alone = clusters == 1
            subject = (
                f"{count(clusters)} {unit}{'' if is_alone else 's'}{tagged} show{'s' if is_alone else ''}"
            )
            raise InputError(
                f"{subject} a loss of {number(margin, 2)} in {power:.0%} of nights",
                where=f"{where}.margin",
                value=margin,
                allowed=f"what is seen in {LEAST_POWER:.0%} of nights",
                fix=f"take {at_error} {unit}s, or {at_common_error} with `error: {_COMMON_ERROR}`, "
                f"or a larger margin, or set `sd` if the differences spread less than {number(spread)}",
            )


def _has_tag(dataset: SuiteDataset, tag: str | None) -> bool:
    """Return whether an item of a dataset has a tag, as far as it is known."""
    return tag is None or dataset.facts.tags is None or tag in dataset.facts.tags


def _count_clusters(dataset: SuiteDataset, tag: str | None) -> int:
    """Return the clusters of a dataset, or of its items with a tag, as far as they are known."""
    facts = dataset.facts
    if tag is None or facts.tags is None:
        return facts.clusters or facts.items
    return facts.tags[tag]


def _spreads(resolved: Resolved, gate: Gate, dataset: SuiteDataset) -> Iterator[float]:
    """Yield the standard deviation of paired differences that a gate is planned with, where one is known."""
    if gate.sd is not None:
        yield gate.sd
    elif str(gate.measure).startswith(WIN_RATE):
        yield 0.5
    elif str(gate.measure).startswith(MEAN_SCORE):
        for judge in resolved.judges:
            if judge.rubric.kind is not Kind.PAIRWISE and gate.rater in (None, judge.spec.id):
                span = score_span(judge, dataset)
                if span is not None:
                    yield span / 2
