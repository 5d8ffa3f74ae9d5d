"""Which judges and candidates of a finished run delivered less than the suite asks for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from evalhub.analysis.results import FAILED, Results
from evalhub.analysis.run.failures import CELL, failures
from evalhub.analysis.tables import rows_of

if TYPE_CHECKING:
    import pandas as pd

NAMED = ("of", "by_whom", *CELL, "valid", "planned", "coverage", "floor", "reasons")
SHOWN = 3
"""Failure reasons, and cells of one judge or candidate, that are named: the most frequent, the worst."""

Row = Mapping[str, Any]

# Of a finished run: all that was planned is asked.
_DELIVERED = f"""
SELECT 'response' AS "of", system AS by_whom, dataset, '' AS criterion, count(*) AS planned,
  count(*) FILTER (WHERE failure IS NULL) AS valid
FROM responses WHERE source = 'generated' GROUP BY ALL
UNION ALL
SELECT 'judgment', judge, dataset, criterion, count(*), count(*) - count(*) FILTER (WHERE {FAILED})
FROM judgments WHERE source = 'generated' GROUP BY ALL
ORDER BY "of" DESC, by_whom, dataset, criterion
"""


def shortfalls(results: Results) -> pd.DataFrame:
    """Return the judges and candidates whose coverage lies below `controls.min_coverage`.

    The floor holds for the whole run of a judge or candidate, and for each of its cells: a judge's dataset
    and criterion, a candidate's dataset.

    Columns: of (judgment or response), by_whom, dataset and criterion (of a cell; "" = the whole run), valid,
    planned, coverage (valid of planned, in [0, 1]), floor, reasons (why the others failed, the most frequent
    first). The row of the whole run stands first, then the cells, the worst first. Who has one cell alone has
    no row of it. What was not planned (own family, budget, settled pairs) is no failure. Recorded judges are
    not there, nor is a run that is not finished: what is still to be asked has not failed.
    """
    import pandas as pd

    floor = float(results.manifest["resolved"]["suite"]["controls"].get("min_coverage") or 0.0)
    if not floor or results.manifest.get("state") != "sealed" or "attack" in results.manifest:
        return pd.DataFrame(columns=list(NAMED))
    short = [
        {**part, "floor": floor}
        for _, cells in groupby(rows_of(results.sql(_DELIVERED)), key=_whose)
        for part in _parts(list(cells))
        if part["coverage"] < floor
    ]
    failed = _failed(results) if short else []
    rows = [{**part, "reasons": _reasons(failed, part)} for part in short]
    return pd.DataFrame(rows, columns=list(NAMED))


def _failed(results: Results) -> list[dict[str, Any]]:
    """Return the failures of the whole run, then those of each cell."""
    whole = failures(results).assign(**dict.fromkeys(CELL, ""))
    return [*rows_of(whole), *rows_of(failures(results, by=CELL))]


def _whose(row: Row) -> tuple[str, str]:
    return row["of"], row["by_whom"]


def _parts(cells: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what the cells of one judge or candidate sum up to, then the cells, the worst first."""
    sums = {name: sum(cell[name] for cell in cells) for name in ("valid", "planned")}
    whole = {**cells[0], **dict.fromkeys(CELL, ""), **sums}
    parts = [whole, *cells] if len(cells) > 1 else [whole]
    for part in parts:
        part["coverage"] = part["valid"] / part["planned"]
    yield from parts[:1]
    yield from sorted(parts[1:], key=lambda cell: (cell["coverage"], -cell["planned"]))


def _reasons(failed: Iterable[Row], part: Row) -> str:
    names = ("of", "by_whom", *CELL)
    own = [row for row in failed if all(row[name] == part[name] for name in names)]
    own.sort(key=lambda row: -row["n"])
    texts = [" ".join(filter(None, (f"{row['n']:,} {row['failure']}", _example(row)))) for row in own[:SHOWN]]
    return "; ".join([*texts, *(["…"] if len(own) > SHOWN else [])])


def _example(failure: Row) -> str:
    return f"({failure['example']})" if failure["example"] else ""


_WHAT = {"judgment": ("judge", "verdicts"), "response": ("candidate", "responses")}


def shortfall_sentences(rows: Iterable[Row]) -> Iterator[str]:
    """Yield one sentence for each judge or candidate of `shortfalls`; it names the worst cells."""
    for (of, by_whom), parts in groupby(rows, key=_whose):
        first, *cells = parts
        who, what = _WHAT[of]
        on = f" on {_cell(first)}" if first["dataset"] else ""
        share = math.floor(1000 * first["coverage"]) / 1000
        why = f"; failed: {first['reasons']}" if first["reasons"] else ""
        yield (
            f"{who} {by_whom}{on}: {first['valid']:,} of {first['planned']:,} planned {what} are valid, a "
            f"coverage of {share:g} where controls.min_coverage asks for {first['floor']:g}{why}"
            f"{_others(cells, also=bool(on))}"
        )


def _others(cells: list[Row], *, also: bool) -> str:
    """Return the worst of the cells in words, and how many more there are."""
    if not cells:
        return ""
    named = [f"{_cell(cell)} ({cell['valid']:,} of {cell['planned']:,})" for cell in cells[:SHOWN]]
    more = [f"{len(cells) - SHOWN:,} more"] if len(cells) > SHOWN else []
    return f"; {'also' if also else 'lowest'} on {', '.join([*named, *more])}"


def _cell(row: Row) -> str:
    return f"{row['dataset']}, criterion {row['criterion']}" if row["criterion"] else str(row["dataset"])
