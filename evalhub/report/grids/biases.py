"""What judges' verdicts hang on besides the answers, as grids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evalhub.analysis.bias.bias import ALL_JUDGES, HARD
from evalhub.report.format import Footnotes, Grid, Row, grouped, pivot

RATES = {
    ("position", "rate"): ("first", "position"),
    ("flips", "rate"): ("flip", "rate"),
    ("length", "rate"): ("longer", "wins"),
    ("length", "beyond people"): ("longer wins", "minus people"),
    ("own family", "rate"): ("own family", "wins"),
}
EFFECTS = {
    ("position", "effect"): ("first, not", "second"),
    ("length", "effect"): ("per doubling", "of length"),
    ("length", "effect beyond people"): ("per doubling", "minus people"),
    ("lists", "effect"): ("all of the", "list items"),
    ("markdown", "effect"): ("all of the", "Markdown"),
    ("own family", "effect"): ("own, not other", "family"),
}
CONTROLLED = "effects in percentage points, the others held fixed"


def biases(data: dict[str, Any], notes: Footnotes) -> Iterator[Grid]:
    """Yield two grids per dataset and criterion, a pairwise judge per line: rates as they are, then effects.

    Args:
        data: As `report_data` returns it.
        notes: Takes the reasons of what is absent.
    """
    for (dataset, criterion), rows in grouped(data["biases"], "dataset", "criterion"):
        about = f"{dataset} · {criterion}"
        if len({row["judge"] for row in rows} - {ALL_JUDGES}) < 2:
            rows = [row for row in rows if row["judge"] != ALL_JUDGES]
        hard = headed((row for row in rows if row["reading"] == HARD), RATES)
        yield pivot(hard, notes, title=about, names={"judge": "judge"}, across=_HEAD)
        yield pivot(
            headed(rows, EFFECTS),
            notes,
            title=f"{about} · {CONTROLLED}",
            names={"judge": "judge", "reading": "verdicts"},
            across=_HEAD,
        )


_HEAD = ("what", "which")


def headed(rows: Iterator[Row] | list[Row], heads: Mapping[tuple[str, str], tuple[str, str]]) -> list[Row]:
    """Return the rows of some statistics in the order and under the heads that are given, pooled judges last.

    Args:
        rows: Of the table of biases.
        heads: Bias and statistic, with the two lines of their head.
    """
    found = [row for row in rows if (row["bias"], row["statistic"]) in heads]
    found.sort(key=lambda row: list(heads).index((row["bias"], row["statistic"])))
    lines = [{**row, **dict(zip(_HEAD, heads[row["bias"], row["statistic"]], strict=True))} for row in found]
    return sorted(lines, key=lambda row: row["judge"] == ALL_JUDGES)
