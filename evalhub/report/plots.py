"""Forest plots: a point and its interval per line, as places on a drawing of our own."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from evalhub.report.format import Footnotes, Row, count, grouped, interval, number, visible
from evalhub.report.format import measure as named_measure
from evalhub.report.grids.grids import RATERS, best_first, judged_twice, metric_names, named, rater_name
from evalhub.specs.rater_names import LENGTH

LEFT, PLOT, RIGHT = 190.0, 290.0, 190.0
LINE, TOP = 24.0, 22.0
NAME = 24
LEVELS = ("pooled", "item", "system")

_MAIN = ("win rate", "mean score", "mean label")


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of a forest: its name, its number in words, and where point and interval stand."""

    name: str
    text: str
    kind: str
    y: float
    point: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Forest:
    """One plot; `ticks` and `middle` (the value that means nothing) are places with their numbers."""

    title: str
    marks: tuple[Mark, ...]
    ticks: tuple[tuple[float, str], ...]
    middle: float | None
    width: float
    height: float


def forest(
    title: str, lines: Sequence[tuple[str, str, Row]], *, bounds: tuple[float, float], middle: float | None
) -> Forest:
    """Lay out one plot.

    Args:
        title: Stands over the plot.
        lines: Name, kind (decides the colour) and tidy row of each line.
        bounds: Lowest and highest value of the axis.
        middle: The value of one who knows nothing; None where there is none.
    """
    low, high = bounds
    marks = tuple(
        Mark(
            name=_short(visible(name)),
            text=f"{interval(row, Footnotes()).rstrip('⁰¹²³⁴⁵⁶⁷⁸⁹')}  n {count(row['n'])}",
            kind=kind,
            y=TOP + LINE * (at + 0.5),
            point=_place(row["estimate"], bounds),
            low=_place(row["low"], bounds),
            high=_place(row["high"], bounds),
        )
        for at, (name, kind, row) in enumerate(lines)
    )
    ticks = [low + (high - low) * step / 4 for step in range(5)]
    return Forest(
        title=title,
        marks=marks,
        ticks=tuple((_place(tick, bounds) or 0.0, number(tick)) for tick in ticks),
        middle=_place(middle, bounds),
        width=LEFT + PLOT + RIGHT,
        height=TOP + LINE * len(marks) + 24,
    )


def _place(value: float | None, bounds: tuple[float, float]) -> float | None:
    """Return where a value stands on the drawing; beyond the axis it stands at its end."""
    if value is None:
        return None
    low, high = bounds
    return round(LEFT + PLOT * (min(max(value, low), high) - low) / (high - low), 1)


def leaderboard_forests(data: dict[str, Any]) -> Iterator[Forest]:
    """Yield one plot per judge's, or the labels', own measure of the systems."""
    rows = [row for row in data["leaderboard"] if row["measure"] in _MAIN]
    for (dataset, rater, criterion, measure), found in grouped(
        rows, "dataset", "rater", "criterion", "measure"
    ):
        ordered = sorted(found, key=best_first)
        rate = measure == "win rate"
        yield forest(
            f"{dataset} · {rater_name(rater, criterion)} · {named_measure(found[0])}",
            [(row["system"], row["kind"], row) for row in ordered],
            bounds=(0.0, 1.0) if rate else span(found),
            middle=0.5 if rate else None,
        )


def agreement_forests(data: dict[str, Any]) -> Iterator[Forest]:
    """Yield one plot of accuracy per labelled criterion: judges, metrics, trivial judges."""
    rows = [row for row in data["agreement"] if row["statistic"] == "accuracy"]
    rows = [row for row in rows if row["reading"] not in ("ab", "ba") and row["against"] == "labels"]
    rows = [row for row in rows if row["reading"] != "level" or row["estimate"] is not None]
    several = judged_twice(rows)
    for (dataset, criterion, kind), found in grouped(rows, "dataset", "label_criterion", "annotator_kind"):
        ordered = sorted(found, key=lambda row: RATERS.get(row["kind"], 9))
        yield forest(
            f"{dataset} · {criterion} · accuracy against {kind} labels",
            [(named(row, several), row["kind"], row) for row in ordered],
            bounds=(0.0, 1.0),
            middle=None if ordered[0]["reading"] == "level" else 0.5,
        )


def correlation_forests(data: dict[str, Any]) -> Iterator[Forest]:
    """Yield one plot of Spearman's correlation with the labels per criterion and level."""
    rows = [row for row in data["correlations"] if row["x"] == "labels" and row["coefficient"] == "spearman"]
    metrics = metric_names(data)
    for (dataset, criterion, kind), group in grouped(rows, "dataset", "label_criterion", "annotator_kind"):
        for level in LEVELS:
            found = [row for row in group if row["at"] == level and row["estimate"] is not None]
            if found:
                yield forest(
                    f"{dataset} · {criterion} · Spearman with {kind} labels, {level} level",
                    [(row["y"], column_kind(row["y"], metrics), row) for row in found],
                    bounds=(-1.0, 1.0),
                    middle=0.0,
                )


def column_kind(name: str, metrics: Container[str]) -> str:
    """Return what a column of the side-by-side table is: a metric, the length, or a judge.

    Args:
        name: The column.
        metrics: Names of the run's metrics.
    """
    if name == LENGTH:
        return "trivial"
    return "metric" if name in metrics else "judge"


def _short(name: str) -> str:
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"


def span(rows: Sequence[Row]) -> tuple[float, float]:
    """Return whole numbers that hold every estimate and interval of the rows."""
    numbers = [row[name] for row in rows for name in ("estimate", "low", "high") if row[name] is not None]
    if not numbers:
        return 0.0, 1.0
    low, high = math.floor(min(numbers)), math.ceil(max(numbers))
    return float(low), float(high if high > low else low + 1)
