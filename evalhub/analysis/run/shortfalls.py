"""Shortfalls: judges and candidates of a finished run whose coverage is below the suite's floor."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from evalhub.analysis.database.sql import FAILED
from evalhub.analysis.results import Results, cached_statistics
from evalhub.analysis.run.failures import CELL, failures
from evalhub.analysis.tables import rows_of

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("stage", "source", *CELL, "valid", "planned", "coverage", "floor", "reasons")
SHOWN = 3
"""Number of failure reasons, and of cells of one judge or candidate, that a sentence names."""

Row = Mapping[str, Any]

# In a finished run every planned judgment and response has a record.
_COUNTS = f"""
SELECT 'response' AS stage, system AS source, dataset, '' AS criterion, count(*) AS planned,
  count(*) FILTER (WHERE failure IS NULL) AS valid
FROM responses WHERE source = 'generated' GROUP BY ALL
UNION ALL
SELECT 'judgment', judge, dataset, criterion, count(*), count(*) - count(*) FILTER (WHERE {FAILED})
FROM judgments WHERE source = 'generated' GROUP BY ALL
ORDER BY stage DESC, source, dataset, criterion
"""


@cached_statistics
def shortfalls(results: Results) -> pd.DataFrame:
    """Return the judges and candidates whose coverage lies below `controls.min_coverage`.

    The floor holds for the whole run of a judge or candidate, and for each of its cells. A cell is a dataset
    and criterion of a judge, or a dataset of a candidate.

    Columns: of (judgment or response), source, dataset and criterion ("" = the whole run), valid, planned,
    coverage (valid of planned, in [0, 1]), floor, reasons (why others failed, the most frequent first). The
    row of the whole run stands first, then the cells, the worst first. A single cell has no row of its own.

    Judgments that were not planned (own family, budget, decided pairs) are no failures. There are no rows for
    recorded judges, nor for a run that is not finished.
    """
    import pandas as pd

    floor = results.suite.controls.min_coverage
    if not floor or not results.run.finished or results.is_attack:
        return pd.DataFrame(columns=list(COLUMNS))
    short = [
        {**part, "floor": floor}
        for _, cells in groupby(rows_of(results.sql(_COUNTS)), key=_role_and_name)
        for part in _parts(list(cells))
        if part["coverage"] < floor
    ]
    failed = _failures(results) if short else []
    rows = [{**part, "reasons": _reasons(failed, part)} for part in short]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _failures(results: Results) -> list[dict[str, Any]]:
    """Return the failures of the whole run, then those of each cell."""
    of_run = failures(results).assign(**dict.fromkeys(CELL, ""))
    return [*rows_of(of_run), *rows_of(failures(results, by=CELL))]


def _role_and_name(row: Row) -> tuple[str, str]:
    return row["stage"], row["source"]


def _parts(cells: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the sum over the cells of one judge or candidate, then the cells, the worst first."""
    sums = {name: sum(cell[name] for cell in cells) for name in ("valid", "planned")}
    total = {**cells[0], **dict.fromkeys(CELL, ""), **sums}
    parts = [total, *cells] if len(cells) > 1 else [total]
    for part in parts:
        part["coverage"] = part["valid"] / part["planned"]
    yield from parts[:1]
    yield from sorted(parts[1:], key=lambda cell: (cell["coverage"], -cell["planned"]))


def _reasons(failed: Iterable[Row], part: Row) -> str:
    names = ("stage", "source", *CELL)
    rows = [row for row in failed if all(row[name] == part[name] for name in names)]
    rows.sort(key=lambda row: -row["n"])
    texts = [
        " ".join(filter(None, (f"{row['n']:,} {row['failure']}", _example(row)))) for row in rows[:SHOWN]
    ]
    return "; ".join([*texts, *(["…"] if len(rows) > SHOWN else [])])


def _example(failure: Row) -> str:
    return f"({failure['example']})" if failure["example"] else ""


_NOUNS = {"judgment": ("judge", "verdicts"), "response": ("candidate", "responses")}


def shortfall_sentences(rows: Iterable[Row]) -> Iterator[str]:
    """Yield one sentence for each judge or candidate of `shortfalls`, with its worst cells."""
    for (of, name), parts in groupby(rows, key=_role_and_name):
        first, *cells = parts
        role, records = _NOUNS[of]
        on = f" on {_cell_in_words(first)}" if first["dataset"] else ""
        share = math.floor(1000 * first["coverage"]) / 1000
        reasons = f"; failed: {first['reasons']}" if first["reasons"] else ""
        yield (
            f"{role} {name}{on}: {first['valid']:,} of {first['planned']:,} planned {records} are valid, a "
            f"coverage of {share:g} where controls.min_coverage asks for {first['floor']:g}{reasons}"
            f"{_worst_cells(cells, also=bool(on))}"
        )


def _worst_cells(cells: list[Row], *, also: bool) -> str:
    """Return the worst cells in words, and how many more there are."""
    if not cells:
        return ""
    texts = [f"{_cell_in_words(cell)} ({cell['valid']:,} of {cell['planned']:,})" for cell in cells[:SHOWN]]
    if len(cells) > SHOWN:
        texts.append(f"{len(cells) - SHOWN:,} more")
    return f"; {'also' if also else 'lowest'} on {', '.join(texts)}"


def _cell_in_words(row: Row) -> str:
    return f"{row['dataset']}, criterion {row['criterion']}" if row["criterion"] else str(row["dataset"])
