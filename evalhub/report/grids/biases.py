"""What judges' verdicts depend on besides the answers, as grids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from evalhub.analysis.bias.bias import ALL_JUDGES, HARD
from evalhub.report.format import Footnotes, Grid, Row, grouped, pivot
from evalhub.report.grids.columns import Data

RATES = {
    ("position", "rate"): ("first", "wins"),
    ("flips", "rate"): ("changes with", "the order"),
    ("length", "rate"): ("longer", "wins"),
    ("length", "beyond people"): ("longer wins", "minus people"),
    ("self-preference", "rate"): ("prefers its", "relatives"),
}
EFFECTS = {
    ("position", "effect"): ("first, not", "second"),
    ("length", "effect"): ("per doubling", "of length"),
    ("length", "effect beyond people"): ("per doubling", "minus people"),
    ("lists", "effect"): ("all of the", "list items"),
    ("markdown", "effect"): ("all of the", "Markdown"),
    ("self-preference", "effect"): ("own, not other", "family"),
}
CONTROLLED = "effects in percentage points, each with the other biases held fixed"

_HEAD = ("head", "subhead")


def bias_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield two grids per dataset and criterion, a judge per line: rates as they are, then effects."""
    for (dataset, criterion), rows in grouped(data["biases"], "dataset", "criterion"):
        title = f"{dataset} · {criterion}"
        if len({row["judge"] for row in rows} - {ALL_JUDGES}) < 2:
            rows = [row for row in rows if row["judge"] != ALL_JUDGES]
        hard = with_heads((row for row in rows if row["reading"] == HARD), RATES)
        yield pivot(hard, notes, title=title, names={"judge": "judge"}, across=_HEAD)
        names = {"judge": "judge", "reading": "verdicts"}
        effects = with_heads(rows, EFFECTS)
        yield pivot(effects, notes, title=f"{title} · {CONTROLLED}", names=names, across=_HEAD)


def with_heads(rows: Iterable[Row], heads: Mapping[tuple[str, str], tuple[str, str]]) -> list[Row]:
    """Return the rows of some statistics, each with the two lines of its head, pooled judges last.

    Args:
        rows: Of the table of biases.
        heads: Bias and statistic with the two lines of their head, in the order of the columns.
    """
    places = list(heads)
    shown = [row for row in rows if (row["bias"], row["statistic"]) in heads]
    shown.sort(key=lambda row: places.index((row["bias"], row["statistic"])))
    lines = [{**row, **dict(zip(_HEAD, heads[row["bias"], row["statistic"]], strict=True))} for row in shown]
    return sorted(lines, key=lambda row: row["judge"] == ALL_JUDGES)
