"""Tidy tables: one row per number, each with its interval, n, clusters and what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from evalhub.stats import Estimate

if TYPE_CHECKING:
    import pandas as pd

PAIR = ["dataset", "item_id", "system_a", "system_b", "sample"]
RESPONSE = ["dataset", "item_id", "system", "sample"]
ESTIMATE_COLUMNS = (
    "estimate", "low", "high", "level", "n", "clusters", "left_out", "method", "reason",
    "standard_error", "draws",
)  # fmt: skip


def row(estimate: Estimate, **named: object) -> dict[str, Any]:
    """Return one row: what the number is about, then the number with all that belongs to it."""
    values = asdict(estimate)
    return {**named, **{name: values[name] for name in ESTIMATE_COLUMNS}}


def table(rows: Iterable[Mapping[str, Any]], named: Sequence[str]) -> pd.DataFrame:
    """Return rows as a frame with the columns in order, also where there are no rows.

    Args:
        rows: As `row` returns them.
        named: Names of the columns that say what a number is about.
    """
    import pandas as pd

    frame = pd.DataFrame(list(rows), columns=[*named, *ESTIMATE_COLUMNS])
    for name in ("estimate", "low", "high", "standard_error"):
        frame[name] = frame[name].astype("Float64")
    frame["draws"] = frame["draws"].astype("Int64")
    return frame


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a frame as plain values, fit for JSON: absent values are None, arrays are lists."""
    return [
        {str(name): _plain(value) for name, value in record.items()}
        for record in frame.to_dict(orient="records")
    ]


def groups(frame: pd.DataFrame, *by: str) -> Iterator[tuple[tuple[str, ...], pd.DataFrame]]:
    """Yield the rows of each group with the group's key, sorted by key."""
    for key, found in frame.groupby(list(by), sort=True):
        yield tuple(str(part) for part in key), found


def values(column: pd.Series[Any]) -> list[Any]:
    """Return a column as a list in which absent values are None."""
    return list(column.astype(object).where(column.notna(), None))


def floats(column: pd.Series[Any]) -> list[float | None]:
    """Return a column of numbers as a list in which absent values are None."""
    return [None if value is None else float(value) for value in values(column)]


def _plain(value: Any) -> Any:
    import pandas as pd

    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if pd.isna(value) else value
