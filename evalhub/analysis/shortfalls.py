"""Which judges and candidates of a finished run delivered less than the suite asks for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from evalhub.analysis.coverage import coverage
from evalhub.analysis.failures import failures
from evalhub.analysis.results import Results
from evalhub.analysis.tidy import rows_of

if TYPE_CHECKING:
    import pandas as pd

NAMED = ("of", "by_whom", "valid", "planned", "coverage", "floor", "reasons")
SHOWN = 3
"""Failure reasons that are named, the most frequent first."""

_MADE = """
SELECT system, count(*) AS planned, count(*) FILTER (WHERE failure IS NULL) AS valid
FROM responses WHERE source = 'generated' GROUP BY ALL ORDER BY ALL
"""


def shortfalls(results: Results) -> pd.DataFrame:
    """Return the judges and candidates whose coverage lies below `controls.min_coverage`.

    Columns: of (judgment or response), by_whom, valid, planned, coverage (valid of planned, in [0, 1]),
    floor, reasons (why the others failed, the most frequent first). What was not planned (own family, budget,
    settled pairs) is no failure. Recorded judges are not there, nor is a run that is not finished: what is
    still to be asked has not failed.
    """
    import pandas as pd

    floor = float(results.manifest["resolved"]["suite"]["controls"].get("min_coverage") or 0.0)
    if not floor or results.manifest.get("state") != "sealed" or "attack" in results.manifest:
        return pd.DataFrame(columns=list(NAMED))
    failed = rows_of(failures(results))
    rows = [
        (of, name, valid, planned, valid / planned, floor, _reasons(failed, of, name))
        for of, name, valid, planned in _delivered(results)
        if planned and valid / planned < floor
    ]
    return pd.DataFrame(rows, columns=list(NAMED))


def _delivered(results: Results) -> Iterator[tuple[str, str, int, int]]:
    """Yield each candidate and judge with how much it delivered of how much."""
    for row in rows_of(results.sql(_MADE)):
        yield "response", row["system"], row["valid"], row["planned"]
    for row in rows_of(coverage(results)):
        if row["kind"] == "judge" and row["statistic"] == "coverage":
            yield "judgment", row["judge"], row["done"] - row["failed"], row["expected"]


def _reasons(failed: Iterable[Mapping[str, Any]], of: str, by_whom: str) -> str:
    mine = [row for row in failed if (row["of"], row["by_whom"]) == (of, by_whom)]
    mine.sort(key=lambda row: -row["n"])
    told = [" ".join(filter(None, (f"{row['n']:,} {row['failure']}", _said(row)))) for row in mine[:SHOWN]]
    return "; ".join([*told, *(["…"] if len(mine) > SHOWN else [])])


def _said(failure: Mapping[str, Any]) -> str:
    return f"({failure['example']})" if failure["example"] else ""


_WHAT = {"judgment": ("judge", "verdicts"), "response": ("candidate", "responses")}


def shortfall_sentences(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield one sentence for each row of `shortfalls`."""
    for row in rows:
        who, what = _WHAT[row["of"]]
        why = f"; failed: {row['reasons']}" if row["reasons"] else ""
        share = math.floor(1000 * row["coverage"]) / 1000
        yield (
            f"{who} {row['by_whom']}: {row['valid']:,} of {row['planned']:,} planned {what} are valid, a "
            f"coverage of {share:g} where controls.min_coverage asks for {row['floor']:g}{why}"
        )
