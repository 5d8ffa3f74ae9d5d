"""Gates on the run and its judges: coverage, cut answers, agreement with labels, changes with the order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from evalhub import stats
from evalhub.analysis import answers, biases, controls, coverage, rows_of, trust
from evalhub.analysis.bias.attacks import controls_of_judge
from evalhub.analysis.bias.bias import HARD
from evalhub.analysis.findings.judge_comparisons import ACCURACY
from evalhub.analysis.results import Results
from evalhub.analysis.run.coverage import CENSUS
from evalhub.gates.result import GateResult
from evalhub.specs.gates import ERROR, Gate
from evalhub.stats import BiasKind, Estimate, GateState
from evalhub.stats.estimate import CONFIDENCE
from evalhub.texts import count, number

Row = Mapping[str, Any]

NOT_MEASURED = "the run does not measure it"
PREFERRED = "preferred"
LEAST_CONTROLS = 60
"""Least number of items on which a control response is tried."""


def health_results(results: Results, gate: Gate) -> Iterator[GateResult]:
    """Yield what a gate on the run or a judge says: one result for each judge, system or labelled criterion.

    Args:
        results: The run.
        gate: A gate on coverage, cut answers, agreement or flips.
    """
    verdicts = list(_CHECKS[gate.kind](results, gate))
    if not verdicts:
        subject = gate.judge or gate.system
        yield GateResult(
            id=gate.id or " ".join(filter(None, (gate.kind, subject))),
            kind=gate.kind,
            state=GateState.INCONCLUSIVE,
            sentence=f"Nothing can be said of {gate.kind.replace('_', ' ')}: {NOT_MEASURED}.",
            estimate=Estimate.none(NOT_MEASURED),
            limit=float(getattr(gate, gate.kind)),
            cause=NOT_MEASURED,
        )
    yield from verdicts


def _coverage(results: Results, gate: Gate) -> Iterator[GateResult]:
    for row in rows_of(coverage(results)):
        if row["statistic"] != "coverage" or gate.judge not in (None, row["judge"]) or not row["expected"]:
            continue
        valid = row["done"] - row["failed"]
        share = valid / row["expected"]
        state = GateState.PASS if share >= (gate.coverage or 0) else GateState.FAIL
        sentence = f"{row['judge']}: {count(valid)} of {count(row['expected'])} verdicts are valid"
        yield _result(gate, state, sentence, _census(share, row["expected"]), rater=row["judge"])


def _cut_answers(results: Results, gate: Gate) -> Iterator[GateResult]:
    for row in rows_of(answers(results)):
        if row["cut"] is None or gate.system not in (None, row["system"]):
            continue
        if gate.dataset not in (None, row["dataset"]) or not row["ended"]:
            continue
        share = _share_of(row["cut"], row["ended"])
        largest, low = gate.cut_answers or 0, share.low or 0.0
        within = (share.estimate or 0.0) <= largest
        state = GateState.PASS if within else GateState.FAIL if low > largest else GateState.INCONCLUSIVE
        sentence = f"{row['system']}: {count(row['cut'])} of {count(row['ended'])} answers are cut"
        place = {"system": row["system"], "dataset": row["dataset"]}
        yield _result(gate, state, sentence, share, **place)


def _agreement(results: Results, gate: Gate) -> Iterator[GateResult]:
    for row in _of_judge(results, gate):
        if row["measure"] == ACCURACY and row["estimate"] is not None:
            minimum = gate.agreement or 0
            below = row["high"] is not None and row["high"] < minimum
            reached = row["low"] is not None and row["low"] >= minimum
            state = GateState.FAIL if below else GateState.PASS if reached else GateState.INCONCLUSIVE
            share = _share(row)
            sentence = (
                f"{gate.judge} agrees with {row['annotator_kind']} labels on {_in_words(share)} of pairs"
            )
            yield _result(gate, state, sentence, share, **_place(row))


def _flips(results: Results, gate: Gate) -> Iterator[GateResult]:
    for row in rows_of(biases(results)):
        if (row["bias"], row["reading"], row["statistic"]) != (BiasKind.FLIPS, HARD, "rate"):
            continue
        if (
            row["judge"] == gate.judge
            and gate.dataset in (None, row["dataset"])
            and row["estimate"] is not None
        ):
            largest = gate.flips or 0
            above = row["low"] is not None and row["low"] > largest
            within = row["high"] is not None and row["high"] <= largest
            state = GateState.FAIL if above else GateState.PASS if within else GateState.INCONCLUSIVE
            share = _share(row)
            sentence = f"{gate.judge} changes its verdict with the order in {_in_words(share)} of pairs"
            yield _result(gate, state, sentence, share, **_place(row))


def _controls(results: Results, gate: Gate) -> Iterator[GateResult]:
    control_run = controls_of_judge(results, str(gate.judge))
    for row in [] if control_run is None else rows_of(controls(control_run)):
        if row["opponent"] != PREFERRED or row["estimate"] is None:
            continue
        largest, share = gate.controls or 0, _share(row)
        within = share.high is not None and share.high <= largest and share.n >= LEAST_CONTROLS
        above = share.low is not None and share.low > largest
        state = GateState.FAIL if above else GateState.PASS if within else GateState.INCONCLUSIVE
        few_items = f" of at least {LEAST_CONTROLS} items" if share.n < LEAST_CONTROLS else ""
        sentence = (
            f"{gate.judge} prefers the control {row['control']} to the better answer in {_in_words(share)} "
            f"of {count(share.n)} items{few_items}"
        )
        place = {"rater": gate.judge, "dataset": row["dataset"], "criterion": row["criterion"]}
        yield _result(gate, state, sentence, share, **place, measure=row["control"])


def _of_judge(results: Results, gate: Gate) -> Iterator[Row]:
    for row in rows_of(trust(results)):
        if row["judge"] == gate.judge and gate.dataset in (None, row["dataset"]):
            yield row


def _place(row: Row) -> dict[str, Any]:
    return {"rater": row["judge"], "dataset": row["dataset"], "criterion": row["criterion"]}


def _share(row: Row) -> Estimate:
    """Return a share of a table with its interval."""
    n = row["n"] or 0
    reason = None if row["low"] is not None else "too few pairs for an interval"
    return Estimate(row["estimate"], row["low"], row["high"], CONFIDENCE, "as in its table", n, n, 0, reason)


def _share_of(part: int, total: int) -> Estimate:
    """Return a share with the interval of a gate, as if the answers of other nights were drawn like these."""
    values = [1.0] * part + [0.0] * (total - part)
    return stats.mean_estimate(values, list(map(str, range(total))), bounds=(0, 1), confidence=1 - ERROR)


def _in_words(share: Estimate) -> str:
    ends = "" if share.low is None else f" [{number(share.low)}, {number(share.high)}]"
    return f"{number(share.estimate)}{ends}"


def _census(share: float, n: int) -> Estimate:
    return Estimate(share, share, share, CONFIDENCE, CENSUS, n, n, 0, None)


def _result(gate: Gate, state: GateState, sentence: str, estimate: Estimate, **place: Any) -> GateResult:
    limit = float(getattr(gate, gate.kind))
    bound = "at most" if gate.kind in ("cut_answers", "flips", "controls") else "at least"
    names = (
        gate.kind,
        place.get("rater") or place.get("system"),
        place.get("dataset"),
        place.get("criterion"),
        place.get("measure"),
    )
    return GateResult(
        id=gate.id or " ".join(filter(None, names)),
        kind=gate.kind,
        state=state,
        sentence=f"{sentence}; {bound} {number(limit)} is asked for.",
        estimate=estimate,
        limit=limit,
        **place,
    )


_CHECKS: Mapping[str, Callable[[Results, Gate], Iterator[GateResult]]] = {
    "coverage": _coverage,
    "cut_answers": _cut_answers,
    "agreement": _agreement,
    "flips": _flips,
    "controls": _controls,
}
