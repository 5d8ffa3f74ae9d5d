"""What all gates of a suite say of a run."""

from __future__ import annotations

from collections.abc import Sequence

from evalhub import stats
from evalhub.analysis.results import Results
from evalhub.gates.health import health_results
from evalhub.gates.measures import MeasureCheck, measure_checks
from evalhub.gates.result import GateResult
from evalhub.gates.words import describe
from evalhub.specs.gates import Gate
from evalhub.stats import Estimate, GateState

UNFIT_JUDGE = "the judge failed a gate of its own"


def evaluate_gates(results: Results, gates: Sequence[Gate], baseline: Results | None) -> list[GateResult]:
    """Return what gates say of a run, in their order. Choose it at the end of a run, or for other gates.

    Gates on measures that share a family share its error by Holm's method. A regression by a judge that
    failed a gate of its own is not decided, because the judge and not the system may be at fault.

    Args:
        results: A finished run.
        gates: The gates.
        baseline: The run that is signed off. None = there is none, and gates against it are not decided.

    Returns:
        For each gate one result for each dataset, rater and criterion that it is about.
    """
    health = {
        place: list(health_results(results, gate)) for place, gate in enumerate(gates) if gate.measure is None
    }
    unfit = {
        result.rater
        for of_gate in health.values()
        for result in of_gate
        if result.state is GateState.FAIL and result.kind in ("agreement", "flips", "coverage")
    }
    checks = {
        place: list(measure_checks(results, gate, baseline))
        for place, gate in enumerate(gates)
        if gate.measure is not None
    }
    changes = _changes([check for of_gate in checks.values() for check in of_gate])
    return [
        result
        for place in range(len(gates))
        for result in (
            *health.get(place, ()),
            *(_result(check, changes[id(check)], unfit) for check in checks.get(place, ())),
        )
    ]


def _changes(checks: Sequence[MeasureCheck]) -> dict[int, Estimate]:
    """Return the change of each check, with an interval at the level that its family leaves it."""
    changes: dict[int, Estimate] = {}
    for family in dict.fromkeys(check.gate.family for check in checks):
        members = [check for check in checks if check.gate.family == family]
        error = min(check.gate.error for check in members)
        estimates = stats.holm_changes(
            [check.interval for check in members], [float(check.gate.margin or 0) for check in members], error
        )
        changes |= {id(check): estimate for check, estimate in zip(members, estimates, strict=True)}
    return changes


def _result(check: MeasureCheck, change: Estimate, unfit: set[str | None]) -> GateResult:
    gate, (dataset, _, rater, criterion, measure) = check.gate, check.measure
    margin = float(gate.margin or 0)
    state, cause = stats.decide(change, margin), check.cause
    if check.is_unchanged:
        state = GateState.PASS
    elif cause is not None:
        state = GateState.INCONCLUSIVE
    elif state is GateState.FAIL and rater in unfit:
        state, cause = GateState.INCONCLUSIVE, UNFIT_JUDGE
    against = "" if gate.against == "baseline" else f"against {check.against}"
    names = (gate.system, measure, rater if rater != measure else "", criterion, dataset, gate.tag, against)
    return GateResult(
        id=gate.id or " ".join(filter(None, names)),
        kind="measure",
        state=state,
        sentence=describe(check, change, state, cause),
        estimate=change,
        limit=margin,
        dataset=dataset or None,
        rater=rater or None,
        criterion=criterion or None,
        measure=measure,
        system=gate.system,
        tag=gate.tag,
        against=check.against,
        cause=cause,
    )
