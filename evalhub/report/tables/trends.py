"""The main numbers of a suite, run by run, from the tables that are stored with each run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from evalhub.analysis import Results, step_changes
from evalhub.analysis.run.step_changes import ONLY_INPUTS
from evalhub.errors import StorageError
from evalhub.gates import charts_of_night, kept_gates
from evalhub.report.grids.raters import rater_name
from evalhub.report.tables.registry import TABLES
from evalhub.report.tables.stored import rows_of_the_night
from evalhub.stats import control_limits
from evalhub.store import Run

Row = dict[str, Any]

COLUMNS = (
    "run", "created", "dataset", "subject", "measure", "estimate", "low", "high", "n", "limit_low",
    "limit_high", "outside", "gate", "changed",
)  # fmt: skip
CHANGE_COLUMNS = ("run", "created", "step", "dataset", "source", "change", "explains")
IN_CALIBRATION = "agreement in the calibration"
MOVED = "moved"

_TABLES = {table.name: table for table in TABLES}
_COVERAGE, _FLIPS = "coverage", "changes with the order"
_RATERS = ("judge", "metric")
_NUMBERS = {"estimate", "low", "high", "n"}
_COLUMNS = {
    "system_summary": {"dataset", "system", "judge_rater", "judge_criterion", "judge_measure"}
    | {f"judge_{name}" for name in _NUMBERS},
    "judge_summary": {"dataset", "judge", "criterion", "measure", "annotator_kind", "label_criterion"}
    | {"flips", "flips_low", "flips_high", *_NUMBERS},
    _COVERAGE: {"statistic", "rater_kind", "judge", "estimate", "n"},
}
_WORST_FIRST = ("fail", "inconclusive", "pass")


def trend_rows(runs: Sequence[Run]) -> list[Row]:
    """Return the main numbers of runs, the earliest run first: rows with the names of `COLUMNS`.

    They are each system's number by the judge that is trusted most, each judge's agreement with the labels
    and how often its verdict changes with the order, the coverage, and the agreement of judges behind servers
    in the calibration. A trial, a run that is not finished, or whose tables are not stored, has no rows.
    The numbers are those of the night, also where another version of evalhub stored them.

    `limit_low` and `limit_high` are control limits from the earlier runs, and `outside` says whether the
    number lies beyond them. They begin anew where the judge or metric changed, and are None for five runs.
    `gate` is what the gates of the run said of the number: fail, inconclusive, pass, or `moved` of a judge.
    None = no gate is about it. `changed` says which steps that the number rests on changed since the run
    before.

    Args:
        runs: Runs of one suite.
    """
    finished = _finished(runs)
    changes = _by_run(change_rows(runs))
    rows = []
    for run in finished:
        facts = {"run": run.id, "created": run.manifest.created}
        gates = kept_gates(run)
        for row in _of_run(Results(run)):
            raters = row.pop("raters")
            marks = {"gate": row.pop("mark", None) or _mark(row, gates, raters)}
            of_row = list(_changes_of(row, changes.get(run.id, []), raters))
            is_new = any(change["step"] in _RATERS for change in of_row)
            steps = [f"{change['step']} {change['source']}: {change['change']}" for change in of_row]
            marks["changed"] = "; ".join(dict.fromkeys(steps)) or None
            rows.append({"is_new": is_new, **facts, **row, **marks})
    return [{name: row[name] for name in COLUMNS} for row in _with_limits(rows)]


def change_rows(runs: Sequence[Run]) -> list[Row]:
    """Return the steps that changed from one run to the next: rows with the names of `CHANGE_COLUMNS`.

    A step that only reads what an earlier step made anew has no row.

    Args:
        runs: Runs of one suite.
    """
    finished, rows = _finished(runs), []
    for earlier, run in pairwise(finished):
        try:
            changes = step_changes(run, earlier)
        except StorageError:  # a damaged run, which `verify` names
            continue
        for change in changes:
            if change.change == ONLY_INPUTS:
                continue
            facts = {"run": run.id, "created": run.manifest.created}
            names = ("step", "dataset", "source", "change", "explains")
            rows.append({**facts, **{name: getattr(change, name) for name in names}})
    return rows


def _finished(runs: Sequence[Run]) -> list[Run]:
    finished = (run for run in runs if run.finished and not run.manifest.trial)
    return sorted(finished, key=lambda run: (run.manifest.created, run.id))


def _by_run(rows: Sequence[Row]) -> dict[str, list[Row]]:
    by_run: dict[str, list[Row]] = {}
    for row in rows:
        by_run.setdefault(row["run"], []).append(row)
    return by_run


def _of_run(results: Results) -> Iterator[Row]:
    """Yield the numbers of a run, each with the raters that it rests on."""
    tables = {name: _rows_of_table(results, name) for name in _COLUMNS}
    for row in tables["system_summary"]:
        if row["judge_rater"]:
            by = rater_name(row["judge_rater"], row["judge_criterion"])
            yield {
                **_number(row, "judge_"),
                "subject": row["system"],
                "measure": f"{row['judge_measure']} by {by}",
                "raters": (row["judge_rater"],),
            }
    for row in tables["judge_summary"]:
        names = {"subject": rater_name(row["judge"], row["criterion"]), "raters": (row["judge"],)}
        if row["estimate"] is not None:
            measure = f"{row['measure']} with {row['annotator_kind']} labels ({row['label_criterion']})"
            yield {**_number(row, ""), **names, "measure": measure}
        if row["flips"] is not None:
            ends = {"low": row["flips_low"], "high": row["flips_high"]}
            number = {"dataset": row["dataset"], "estimate": row["flips"], **ends, "n": None}
            yield {**number, **names, "measure": _FLIPS}
    for row in tables[_COVERAGE]:
        if row["statistic"] == _COVERAGE and row["rater_kind"] == "judge":
            # Coverage counts all that was planned, so it has no interval.
            census = {"dataset": None, "estimate": row["estimate"], "low": None, "high": None, "n": row["n"]}
            yield {**census, "subject": row["judge"], "measure": _COVERAGE, "raters": (row["judge"],)}
    yield from _of_calibration(results.run)


def _rows_of_table(results: Results, name: str) -> list[Row]:
    """Return the rows of a table as they are stored. None of a version that has other columns."""
    rows = rows_of_the_night(results, _TABLES[name]) or []
    return rows if rows and _COLUMNS[name] <= rows[0].keys() else []


def _of_calibration(run: Run) -> Iterator[Row]:
    for chart in charts_of_night(run):
        yield {
            "dataset": chart.dataset,
            "subject": rater_name(chart.judge, chart.criterion),
            "measure": IN_CALIBRATION,
            "estimate": chart.agreement,
            "low": None,
            "high": None,
            "n": sum(value is not None for value in chart.values),
            "mark": MOVED if chart.moved else "inconclusive" if chart.agreement is None else "pass",
            "is_new": chart.moved or not chart.nights,
            "raters": (chart.judge,),
        }


def _number(row: Row, prefix: str) -> Row:
    names = ("estimate", "low", "high", "n")
    return {"dataset": row["dataset"], **{name: row[f"{prefix}{name}"] for name in names}}


def _mark(row: Row, gates: Sequence[Row], raters: tuple[str, ...]) -> str | None:
    """Return the worst of what the gates of a run said of a number. None = no gate is about it."""
    states = {gate["state"] for gate in gates if _is_about(gate, row, raters)}
    return next((state for state in _WORST_FIRST if state in states), None)


def _is_about(gate: Row, row: Row, raters: tuple[str, ...]) -> bool:
    if gate.get("tag") or (gate["dataset"] and row["dataset"] not in (None, gate["dataset"])):
        return False
    if gate["kind"] == "measure":
        by = rater_name(gate["rater"] or "", gate.get("criterion"))
        return (gate["system"], f"{gate.get('measure')} by {by}") == (row["subject"], row["measure"])
    measures = {_COVERAGE: _COVERAGE, "flips": _FLIPS}
    is_agreement = gate["kind"] == "agreement" and "labels" in row["measure"]
    return gate["rater"] in raters and (is_agreement or measures.get(gate["kind"]) == row["measure"])


def _changes_of(row: Row, changes: Sequence[Row], raters: tuple[str, ...]) -> Iterator[Row]:
    """Yield the changed steps that a number rests on."""
    sources = {row["subject"], *raters}
    for change in changes:
        is_source = change["source"] in sources or change["step"] == "dataset"
        if is_source and row["dataset"] in (None, change["dataset"]):
            yield change


def _with_limits(rows: Sequence[Row]) -> Iterator[Row]:
    earlier: dict[tuple[Any, ...], list[float]] = {}
    for row in rows:
        key = (row["dataset"], row["subject"], row["measure"])
        values = [] if row["is_new"] else earlier.get(key, [])
        earlier[key] = values
        half_width = None if row["low"] is None else (row["high"] - row["low"]) / 2
        low, high = control_limits(values, half_width) or (None, None)
        estimate = row["estimate"]
        outside = None if low is None or high is None or estimate is None else not low <= estimate <= high
        yield {**row, "limit_low": low, "limit_high": high, "outside": outside}
        if estimate is not None:
            values.append(estimate)
