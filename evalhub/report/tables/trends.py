"""The main numbers of a suite, run by run, from the tables that are stored with each run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from evalhub.analysis import Results
from evalhub.report.grids.raters import rater_name
from evalhub.report.tables.registry import TABLES
from evalhub.report.tables.stored import stored_rows
from evalhub.store import Run

Row = dict[str, Any]

COLUMNS = ("run", "created", "dataset", "subject", "measure", "estimate", "low", "high", "n")

_TABLES = {table.name: table for table in TABLES}
_COVERAGE = "coverage"


def trend_rows(runs: Sequence[Run]) -> list[Row]:
    """Return the main numbers of runs, the earliest run first: rows with the names of `COLUMNS`.

    They are each system's number by the judge that is trusted most, each judge's agreement with the labels
    and how often its verdict changes with the order, and the coverage. A run that is not finished, or whose
    tables are not stored, has no rows.
    """
    finished = [run for run in runs if run.finished]
    rows = []
    for run in sorted(finished, key=lambda run: (run.manifest.created, run.id)):
        facts = {"run": run.id, "created": run.manifest.created}
        rows += [{**facts, **row} for row in _of_run(Results(run))]
    return rows


def _of_run(results: Results) -> Iterator[Row]:
    tables = {
        name: stored_rows(results, _TABLES[name]) or []
        for name in ("system_summary", "judge_summary", _COVERAGE)
    }
    for row in tables["system_summary"]:
        if row["judge_rater"]:
            by = rater_name(row["judge_rater"], row["judge_criterion"])
            yield {
                **_number(row, "judge_"),
                "subject": row["system"],
                "measure": f"{row['judge_measure']} by {by}",
            }
    for row in tables["judge_summary"]:
        name = rater_name(row["judge"], row["criterion"])
        if row["estimate"] is not None:
            measure = f"{row['measure']} with {row['annotator_kind']} labels ({row['label_criterion']})"
            yield {**_number(row, ""), "subject": name, "measure": measure}
        if row["flips"] is not None:
            ends = {"low": row["flips_low"], "high": row["flips_high"]}
            number = {"dataset": row["dataset"], "estimate": row["flips"], **ends, "n": None}
            yield {**number, "subject": name, "measure": "changes with the order"}
    for row in tables[_COVERAGE]:
        if row["statistic"] == _COVERAGE and row["rater_kind"] == "judge":
            # Coverage counts all that was planned, so it has no interval.
            census = {"dataset": None, "estimate": row["estimate"], "low": None, "high": None, "n": row["n"]}
            yield {**census, "subject": row["judge"], "measure": _COVERAGE}


def _number(row: Row, prefix: str) -> Row:
    names = ("estimate", "low", "high", "n")
    return {"dataset": row["dataset"], **{name: row[f"{prefix}{name}"] for name in names}}
