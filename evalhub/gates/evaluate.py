"""What all gates of a suite say of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evalhub import stats
from evalhub.analysis import rows_of, shortfalls
from evalhub.analysis.results import Results
from evalhub.gates.check import MeasureCheck
from evalhub.gates.health import health_results
from evalhub.gates.measures import measure_checks
from evalhub.gates.nights import NightSides
from evalhub.gates.result import GateResult
from evalhub.gates.words import describe
from evalhub.specs.gates import Gate
from evalhub.stats import Estimate, GateState

UNFIT_JUDGE = "the judge failed a gate of its own"
UNFIT_MEMBER = "a member of the jury is unfit"
LITTLE_COVERAGE = "too few of its judgments or responses are valid"


def evaluate_gates(
    results: Results, gates: Sequence[Gate], baseline: Results | None, rejudged: Results | None = None
) -> list[GateResult]:
    """Return what gates say of a run, in their order. Choose it at the end of a run, or for other gates.

    Gates on measures that share a family share its error by Holm's method. A regression by a judge that
    failed a gate of its own is not decided, because the judge and not the system may be at fault.

    Args:
        results: A finished run.
        gates: The gates.
        baseline: The run that is signed off. None = there is none, and gates against it are not decided.
        rejudged: The answers of the baseline by tonight's judges, by which a change is split into what the
            judge and what the system did.

    Returns:
        For each gate one result for each dataset, rater and criterion that it is about.
    """
    health = {
        place: list(health_results(results, gate)) for place, gate in enumerate(gates) if gate.measure is None
    }
    unfit = _unfit(results, [result for of_gate in health.values() for result in of_gate])
    sides = NightSides(results, baseline, rejudged)
    checks = {
        place: list(measure_checks(sides, gate))
        for place, gate in enumerate(gates)
        if gate.measure is not None
    }
    changes = _changes([check for of_gate in checks.values() for check in of_gate])
    return [
        result
        for place in range(len(gates))
        for result in (
            *health.get(place, ()),
            *(
                _result(check, changes[id(check)], unfit, several=len(checks[place]) > 1)
                for check in checks.get(place, ())
            ),
        )
    ]


def _unfit(results: Results, health: Sequence[GateResult]) -> dict[str, str]:
    """Return the judges, juries and systems of whose numbers nothing follows, each with the reason."""
    unfit = {
        str(result.rater): UNFIT_JUDGE
        for result in health
        if result.state is GateState.FAIL and result.kind in ("agreement", "flips", "controls", "coverage")
    }
    unfit |= {row["source"]: LITTLE_COVERAGE for row in rows_of(shortfalls(results))}
    for jury in results.suite.juries:
        if not unfit.keys().isdisjoint(jury.members):
            unfit[jury.id] = UNFIT_MEMBER
    return unfit


def _changes(checks: Sequence[MeasureCheck]) -> dict[int, Estimate]:
    """Return the change of each check, with an interval at the level that its family leaves it.

    What is decided otherwise, or cannot be decided, takes no share of the error.
    """
    open_checks = [check for check in checks if check.cause is None and not check.is_unchanged]
    changes = {id(check): check.interval(1 - check.gate.error) for check in checks}
    for family in dict.fromkeys(check.gate.family for check in open_checks):
        members = [check for check in open_checks if check.gate.family == family]
        error = min(check.gate.error for check in members)
        estimates = stats.holm_changes(
            [check.interval for check in members], [float(check.gate.margin or 0) for check in members], error
        )
        changes |= {id(check): estimate for check, estimate in zip(members, estimates, strict=True)}
    return changes


def _result(check: MeasureCheck, change: Estimate, unfit: Mapping[str, str], *, several: bool) -> GateResult:
    gate, (dataset, _, rater, criterion, measure) = check.gate, check.measure
    margin = float(gate.margin or 0)
    state, cause = stats.decide(change, margin), check.cause
    if check.is_unchanged:
        state = GateState.PASS
    elif cause is not None:
        state = GateState.INCONCLUSIVE
    elif reason := unfit.get(rater) or unfit.get(str(gate.system)):
        state, cause = GateState.INCONCLUSIVE, reason
    against = "" if gate.against == "baseline" else f"against {check.against}"
    names = (gate.system, measure, rater if rater != measure else "", criterion, dataset, gate.tag, against)
    return GateResult(
        id=_name(gate.id, names, several=several),
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
        split=check.split,
    )


def _name(gate_id: str | None, names: Sequence[str | None], *, several: bool) -> str:
    """Return the name of one result. Several results of one gate have names of their own."""
    parts = " ".join(filter(None, names))
    if gate_id is None:
        return parts
    return f"{gate_id}: {parts}" if several else gate_id
