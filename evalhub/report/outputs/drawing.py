"""Plots as places on a drawing, which the page shows as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evalhub.report.format import Footnotes, Row, interval, visible
from evalhub.report.plots.estimates import Plot
from evalhub.report.plots.standing import band_note
from evalhub.texts import count, number

LEFT, PLOT, RIGHT = 190.0, 290.0, 190.0
LINE, TOP, BOTTOM = 24.0, 22.0, 24.0
NAME = 24
TICKS = 4


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of a drawing: its name, its number in words, and where point and interval stand."""

    name: str
    text: str
    kind: str
    y: float
    point: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Drawing:
    """One plot. `ticks` and `middle` (the neutral value) are places, the ticks with their numbers.

    `bands` has the top and the height of each band of several systems, and `note` says what bands mean.
    `warning` says why the numbers are not to be used.
    """

    title: str
    marks: tuple[Mark, ...]
    ticks: tuple[tuple[float, str], ...]
    middle: float | None
    width: float
    height: float
    bands: tuple[tuple[float, float], ...] = ()
    note: str = ""
    warning: str = ""


def draw(plot: Plot) -> Drawing:
    """Return where everything of a plot stands on a drawing."""
    low, high = plot.ends
    ticks = [low + (high - low) * step / TICKS for step in range(TICKS + 1)]
    return Drawing(
        title=plot.title,
        marks=tuple(
            Mark(
                name=_short(visible(line.name)),
                text=f"{_without_mark(line.row)}  n {count(line.row['n'])}",
                kind=line.kind,
                y=TOP + LINE * (place + 0.5),
                point=_place(line.row["estimate"], plot.ends),
                low=_place(line.row["low"], plot.ends),
                high=_place(line.row["high"], plot.ends),
            )
            for place, line in enumerate(plot.lines)
        ),
        ticks=tuple((_place(tick, plot.ends) or 0.0, number(tick)) for tick in ticks),
        middle=_place(plot.neutral, plot.ends),
        width=LEFT + PLOT + RIGHT,
        height=TOP + LINE * len(plot.lines) + BOTTOM,
        bands=tuple(_bands(plot.bands)),
        note=band_note(plot.bands),
        warning=plot.warning,
    )


def _bands(bands: Sequence[int]) -> Iterator[tuple[float, float]]:
    """Yield top and height of each band that has several lines."""
    for band in dict.fromkeys(bands):
        if (lines := bands.count(band)) > 1:
            yield TOP + LINE * bands.index(band) + 1, LINE * lines - 2


def _without_mark(row: Row) -> str:
    return interval({**row, "reason": None}, Footnotes())


def _place(value: float | None, bounds: tuple[float, float]) -> float | None:
    """Return where a value stands on the drawing. Beyond the axis it stands at its end."""
    if value is None:
        return None
    low, high = bounds
    return round(LEFT + PLOT * (min(max(value, low), high) - low) / (high - low), 1)


def _short(name: str) -> str:
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"
