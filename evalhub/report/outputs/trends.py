"""The numbers of a suite over its nights, as one page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalhub.report.format import grouped, visible
from evalhub.report.outputs.page import page_template
from evalhub.texts import count, number

Row = Mapping[str, Any]

WIDTH, HEIGHT, LEFT, EDGE = 330.0, 130.0, 44.0, 14.0


@dataclass(frozen=True, slots=True)
class Night:
    """One night of a series on a drawing. Places are None where there is nothing to draw.

    Attributes:
        text: The number, and what was said of it, in words.
        mark: fail, inconclusive, moved, outside or pass, for its colour.
        is_new: Whether something that the number rests on changed.
    """

    text: str
    mark: str
    x: float
    y: float | None
    low: float | None
    high: float | None
    limit_low: float | None
    limit_high: float | None
    is_new: bool


@dataclass(frozen=True, slots=True)
class Series:
    """One number over the nights. `line` has the places of its points, `ticks` those of the axis."""

    title: str
    nights: tuple[Night, ...]
    line: str
    ticks: tuple[tuple[float, str], ...]
    alt: str


def trends_page(suite: str, rows: Sequence[Row], changes: Sequence[Row]) -> str:
    """Return the trends of a suite as HTML.

    Args:
        suite: The suite.
        rows: As `trend_rows` returns them.
        changes: As `change_rows` returns them.
    """
    runs = list(dict.fromkeys(row["run"] for row in rows))
    return page_template("trends.html").render(
        suite=visible(suite),
        runs=len(runs),
        sections=list(_sections(rows, runs)),
        changes=[{name: visible(str(value)) for name, value in row.items()} for row in reversed(changes)],
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
    )  # fmt: skip


def _sections(rows: Sequence[Row], runs: Sequence[str]) -> Iterator[tuple[str, list[Series]]]:
    """Yield each measure with its series."""
    with_numbers = [dict(row) for row in rows if row["estimate"] is not None]
    for (measure,), of_measure in grouped(with_numbers, "measure"):
        series = [_series(of_series, runs) for _, of_series in grouped(of_measure, "dataset", "subject")]
        yield visible(measure), series


def _series(rows: Sequence[Row], runs: Sequence[str]) -> Series:
    names = ("estimate", "low", "high", "limit_low", "limit_high")
    values = [row[name] for row in rows for name in names if row[name] is not None]
    low, high = min(values), max(values)
    if high - low < 1e-9:
        low, high = low - 0.05, high + 0.05
    nights = tuple(_night(row, runs, (low, high)) for row in rows)
    subject = visible(str(rows[0]["subject"]))
    place = f" on {visible(str(rows[0]['dataset']))}" if rows[0]["dataset"] else ""
    return Series(
        title=f"{subject}{place}",
        nights=nights,
        line=" ".join(f"{night.x},{night.y}" for night in nights),
        ticks=tuple(
            (_y(value, (low, high)) or 0.0, number(value)) for value in (low, (low + high) / 2, high)
        ),
        alt=f"{subject}{place}: {count(len(nights))} nights, the last {number(rows[-1]['estimate'])}",
    )


def _night(row: Row, runs: Sequence[str], ends: tuple[float, float]) -> Night:
    step = (WIDTH - LEFT - 2 * EDGE) / max(len(runs) - 1, 1)
    places = {name: _y(row[name], ends) for name in ("low", "high", "limit_low", "limit_high")}
    return Night(
        text=visible("; ".join(_words(row))),
        mark=row["gate"] if row["gate"] not in (None, "pass") else "outside" if row["outside"] else "pass",
        x=round(LEFT + EDGE + step * runs.index(row["run"]), 1),
        y=_y(row["estimate"], ends),
        is_new=row["changed"] is not None,
        **places,
    )


def _words(row: Row) -> Iterator[str]:
    interval = "" if row["low"] is None else f" [{number(row['low'], 3)}, {number(row['high'], 3)}]"
    yield f"{row['run']}: {number(row['estimate'], 3)}{interval}"
    if row["gate"]:
        yield f"gate: {row['gate']}"
    if row["outside"]:
        yield f"outside the control limits [{number(row['limit_low'], 3)}, {number(row['limit_high'], 3)}]"
    if row["changed"]:
        yield f"changed: {row['changed']}"


def _y(value: float | None, ends: tuple[float, float]) -> float | None:
    if value is None:
        return None
    low, high = ends
    return round(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (value - low) / (high - low), 1)
