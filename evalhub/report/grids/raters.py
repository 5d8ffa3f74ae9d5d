"""How raters are called and in which order they stand."""

from __future__ import annotations

from collections.abc import Container, Sequence

from evalhub.report.format import Row, visible

RATER_ORDER = {"judge": 0, "jury": 1, "recorded judge": 2, "metric": 3, "baseline": 4}
"""The kinds of raters in the order in which tables list them."""

ORDERS = ("ab", "ba")
"""The readings that hold one order of a pair alone."""

_READINGS = {"combined": "", "ab": "a shown first", "ba": "b shown first", "level": ""}


def rater_order(row: Row) -> int:
    """Return the key that sorts rows by the kind of their rater."""
    return RATER_ORDER.get(row["rater_kind"], len(RATER_ORDER))


def judged_twice(rows: Sequence[Row]) -> set[str]:
    """Return the raters that judge under several criteria, whose name alone is not enough."""
    criteria: dict[str, set[str | None]] = {}
    for row in rows:
        criteria.setdefault(row["rater"], set()).add(row["criterion"])
    return {rater for rater, names in criteria.items() if len(names) > 1}


def row_name(row: Row, several: Container[str]) -> str:
    """Return how a row of the agreement table is called.

    Args:
        row: Of the agreement table.
        several: Raters whose criterion must be named, as `judged_twice` returns them.
    """
    return rater_name(row["rater"], row["criterion"] if row["rater"] in several else None, row["reading"])


def rater_name(rater: str, criterion: str | None, reading: str = "combined") -> str:
    """Return how a rater is called: its id, its criterion, and the reading where it is not the usual one."""
    parts = (rater, criterion, _READINGS.get(reading, reading))
    return visible(" · ".join(part for part in parts if part))
