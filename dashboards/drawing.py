"""The charts: each draws what is handed to it, and computes nothing."""

from __future__ import annotations

import altair as alt
import pandas as pd

from evalhub.report.plots import KINDS, Plot

LINE = 30
FRAME = 52
LABELS = {"labelLimit": 260, "ticks": False, "domain": False, "labelPadding": 8, "labelFlush": False}
DASHED = {"strokeDash": [4, 4], "opacity": 0.6, "color": "#8a9299"}
PADDING = {"left": 4, "top": 4, "right": 8, "bottom": 5}


def forest(plot: Plot, *, names: bool = True) -> alt.LayerChart:
    """Return points with their intervals, one line per estimate. A hollow point has no interval.

    Args:
        plot: What is drawn.
        names: Whether the lines' names are written.
    """
    numbers = ("estimate", "low", "high", "n", "clusters")
    rows = [
        {"name": line.name, "kind": line.kind, **{name: line.row[name] for name in numbers}}
        for line in plot.lines
    ]
    shown = pd.DataFrame(rows, columns=["name", "kind", *numbers])
    shown = shown.astype(dict.fromkeys(numbers[:3], "float64"))
    lines = list(dict.fromkeys(line.name for line in plot.lines))
    bounded = alt.Scale(domain=list(plot.bounds), nice=False) if plot.bounds else None
    scale = bounded or alt.Scale(zero=False, padding=12)
    axis = alt.Axis(title=plot.axis, tickCount=5, format="~f", titleFontWeight="normal")
    x = {"scale": scale, "axis": axis}
    y = alt.Y("name:N", sort=lines, title=None, axis=alt.Axis(labels=names, **LABELS))
    base = alt.Chart(shown).encode(
        y=y, color=alt.Color("kind:N", scale=alt.Scale(domain=list(KINDS)), legend=None)
    )
    point = base.encode(x=alt.X("estimate:Q", **x), tooltip=_tips("name"))
    layers = [
        base.mark_rule(strokeWidth=2.5, opacity=0.55).encode(x=alt.X("low:Q", **x), x2="high:Q"),
        point.transform_filter("isValid(datum.low)").mark_point(filled=True, size=85, opacity=1),
        point.transform_filter("!isValid(datum.low)").mark_point(
            filled=False, size=70, strokeWidth=2, opacity=1
        ),
    ]
    if plot.neutral is not None:
        neutral = alt.Chart(pd.DataFrame({"at": [plot.neutral]}))
        layers.insert(0, neutral.mark_rule(**DASHED).encode(x=alt.X("at:Q", **x)))
    return alt.layer(*layers).properties(height=LINE * max(len(lines), 1) + FRAME, padding=PADDING)


def curve(rows: pd.DataFrame, *, name: str, x: str, across: str, up: str) -> alt.LayerChart:
    """Return a reliability curve for each name over a dashed diagonal: points with intervals in bins.

    Args:
        rows: Tidy rows with the share `estimate`, its interval, and how sure in column `x`, in [.5, 1].
        name: Column that names the curves.
        x: Column across.
        across: Title of the axis across.
        up: Title of the axis up.
    """
    axis = {"tickCount": 5, "format": "~f", "titleFontWeight": "normal"}
    at = alt.X(f"{x}:Q", scale=alt.Scale(domain=[0.5, 1]), axis=alt.Axis(title=across, **axis))
    share = {"scale": alt.Scale(domain=[0, 1]), "axis": alt.Axis(title=up, **axis)}
    colour = alt.Color(f"{name}:N", legend=alt.Legend(orient="top", title=None, labelLimit=260))
    base = alt.Chart(rows).encode(x=at, color=colour)
    ends = alt.Chart(pd.DataFrame({x: [0.5, 1], "right": [0.5, 1]}))
    height = alt.Y("estimate:Q", **share)
    layers = [
        ends.mark_line(**DASHED).encode(x=at, y=alt.Y("right:Q", **share)),
        base.mark_rule(strokeWidth=2.5, opacity=0.4).encode(y=alt.Y("low:Q", **share), y2="high:Q"),
        base.mark_line(point={"size": 70}, strokeWidth=1.5).encode(y=height, tooltip=_tips(name)),
    ]
    return alt.layer(*layers).properties(height=320, padding=PADDING)


def _tips(name: str) -> list[alt.Tooltip]:
    numbers = [alt.Tooltip(f"{column}:Q", format=".3f") for column in ("estimate", "low", "high")]
    return [alt.Tooltip(f"{name}:N", title="of"), *numbers, alt.Tooltip("n:Q"), alt.Tooltip("clusters:Q")]


def scatter(rows: pd.DataFrame, *, x: str, y: str) -> alt.LayerChart:
    """Return one point per response. A click selects it under the name `point`.

    Args:
        rows: Columns `x at`, `y at` (where the points stand), item_id, system, sample, and the two
            columns themselves.
        x: Column across, and the axis's title.
        y: Column up, and the axis's title.
    """
    click = alt.selection_point(name="point", fields=["item_id", "system", "sample"])
    tips = [alt.Tooltip("item_id:N"), alt.Tooltip("system:N"), alt.Tooltip(_field(x)), alt.Tooltip(_field(y))]
    return (
        alt.Chart(rows)
        .mark_point(filled=True, size=70)
        .encode(
            x=alt.X("x at:Q", title=x, scale=alt.Scale(zero=False, padding=14), axis=alt.Axis(tickCount=6)),
            y=alt.Y("y at:Q", title=y, scale=alt.Scale(zero=False, padding=14), axis=alt.Axis(tickCount=5)),
            opacity=alt.condition(click, alt.value(0.75), alt.value(0.15)),
            color=alt.Color("system:N", legend=alt.Legend(orient="top", title=None)),
            tooltip=tips,
        )
        .add_params(click)
        .properties(height=380, padding=PADDING)
    )


def chances(rows: pd.DataFrame) -> alt.Chart:
    """Return the probability of each verdict as bars, in the order given."""
    return (
        alt.Chart(rows)
        .mark_bar(cornerRadiusEnd=3, height=16, color="#2b8f99")
        .encode(
            x=alt.X("probability:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(tickCount=5, title=None)),
            y=alt.Y(
                "verdict:N", sort=None, title=None, axis=alt.Axis(labelLimit=260, ticks=False, domain=False)
            ),
            tooltip=["verdict:N", alt.Tooltip("probability:Q", format=".4f")],
        )
        .properties(height=LINE * len(rows) + FRAME - 20, padding=PADDING)
    )


def _field(name: str) -> str:
    """Return a column's name as Vega-Lite reads it: brackets and dots in it are no path."""
    safe = name.replace("\\", "\\\\").replace(".", "\\.").replace("[", "\\[").replace("]", "\\]")
    return f"{safe}:Q"
