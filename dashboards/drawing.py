"""The charts: each draws what is handed to it, and computes nothing.

A role has a colour: judges, labels, metrics, and what reads nothing. Systems are black.
"""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from evalhub.report.plots.estimates import KINDS, Plot
from evalhub.texts import number

LINE = 30
FRAME = 52
_TEXT = ("#1d2329", "#e6e9eb")
_QUIET = ("#5c666d", "#9aa5ac")
_AXIS: dict[str, Any] = {
    "titleFontWeight": "normal",
    "titleFontSize": 13,
    "labelFontSize": 12,
    "tickCount": 5,
}
_NAMES: dict[str, Any] = {
    "labelLimit": 300, "ticks": False, "domain": False, "labelPadding": 8, "labelFontSize": 12.5,
    "labelFlush": False,
}  # fmt: skip
_PADDING = {"left": 4, "top": 4, "right": 8, "bottom": 5}
_MARGIN = 0.08
_WIDEST = 10


def is_dark() -> bool:
    """Return whether the reader's theme is dark."""
    return bool(st.context.theme.type == "dark")


def _colour(colours: tuple[str, str]) -> str:
    return colours[is_dark()]


def forest(plot: Plot) -> alt.LayerChart:
    """Return points on their intervals, one line per estimate, each with its number at the end.

    A hollow point has no interval. The axis holds the data, and the neutral value if it is near.
    """
    rows = [_forest_row(line.name, line.kind, dict(line.row)) for line in plot.lines]
    frame = pd.DataFrame(
        rows, columns=["name", "kind", "estimate", "low", "high", "n", "clusters", "text", "end"]
    )
    frame = frame.astype(dict.fromkeys(("estimate", "low", "high", "end"), "float64"))
    names = list(dict.fromkeys(frame["name"]))
    low, high = _ends(plot, frame)
    scale = alt.Scale(domain=[low, high], nice=False, clamp=True)
    x = {"scale": scale, "axis": alt.Axis(title=plot.axis, format="~f", labelColor=_colour(_QUIET),
                                          titleColor=_colour(_QUIET), **_AXIS)}  # fmt: skip
    y = alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelColor=_colour(_TEXT), **_NAMES))
    kinds = list(dict.fromkeys(frame["kind"]))
    colours = alt.Scale(domain=kinds, range=[_colour(KINDS.get(kind, _TEXT)) for kind in kinds])
    base = alt.Chart(frame).encode(y=y, color=alt.Color("kind:N", scale=colours, legend=None))
    point = base.encode(x=alt.X("estimate:Q", **x), tooltip=_tips("name"))
    layers = [
        base.mark_bar(height=8, opacity=0.35, cornerRadius=4).encode(x=alt.X("low:Q", **x), x2="high:Q"),
        point.transform_filter("isValid(datum.low)").mark_point(filled=True, size=80, opacity=1),
        point.transform_filter("!isValid(datum.low)").mark_point(
            filled=False, size=60, strokeWidth=2, opacity=1
        ),
        base.mark_text(align="left", dx=8, fontSize=12, color=_colour(_TEXT)).encode(
            x=alt.X("end:Q", **x), text="text:N", color=alt.value(_colour(_TEXT))
        ),
    ]
    if plot.neutral is not None and low <= plot.neutral <= high:
        rule = base.transform_calculate(neutral=str(plot.neutral)).mark_rule(
            strokeDash=[4, 4], opacity=0.7
        )  # fmt: skip
        layers.insert(0, rule.encode(x=alt.X("neutral:Q", **x), y=alt.value(0), y2=alt.value("height"),
                                     color=alt.value(_colour(_QUIET))))  # fmt: skip
    return alt.layer(*layers).properties(height=LINE * max(len(names), 1) + FRAME, padding=_PADDING)


def _forest_row(name: str, kind: str, row: dict[str, Any]) -> dict[str, Any]:
    point, high = row["estimate"], row["high"]
    ends = [value for value in (point, high) if value is not None]
    return {
        "name": name,
        "kind": kind,
        **{column: row[column] for column in ("estimate", "low", "high", "n", "clusters")},
        "text": "" if point is None else number(point),
        "end": max(ends, default=None),
    }


def _ends(plot: Plot, frame: pd.DataFrame) -> tuple[float, float]:
    """Return both ends of the axis: the data with a margin, and the neutral value where it is near."""
    values = frame[["estimate", "low", "high"]].to_numpy().ravel()
    values = values[~pd.isna(values)]
    if not len(values):
        return plot.ends
    low, high = float(values.min()), float(values.max())
    width = (high - low) or 0.1
    if plot.neutral is not None:
        wide_low, wide_high = min(low, plot.neutral), max(high, plot.neutral)
        # Far from the neutral value, the axis would be empty but for a few points at its end.
        if wide_high - wide_low <= _WIDEST * width:
            low, high = wide_low, wide_high
    width = (high - low) or 0.1
    low, high = low - _MARGIN * width, high + 2.5 * _MARGIN * width
    return low, high


def curve(rows: pd.DataFrame, *, name: str, x: str, across: str, up: str) -> alt.LayerChart:
    """Return a reliability curve for each name over a dashed diagonal: points with intervals in bins.

    Args:
        rows: Tidy rows with the share `estimate`, its interval, and how sure in column `x`, in [0.5, 1].
        name: Column that names the curves.
        x: Column across.
        across: Title of the axis across.
        up: Title of the axis up.
    """
    axis = {"format": "~f", "labelColor": _colour(_QUIET), "titleColor": _colour(_QUIET), **_AXIS}
    at = alt.X(f"{x}:Q", scale=alt.Scale(domain=[0.5, 1]), axis=alt.Axis(title=across, **axis))
    share = {"scale": alt.Scale(domain=[0, 1]), "axis": alt.Axis(title=up, **axis)}
    colour = alt.Color(f"{name}:N", legend=alt.Legend(orient="top", title=None, labelLimit=260))
    base = alt.Chart(rows).encode(x=at, color=colour)
    ends = alt.Chart(pd.DataFrame({x: [0.5, 1], "right": [0.5, 1]}))
    height = alt.Y("estimate:Q", **share)
    layers = [
        ends.mark_line(strokeDash=[4, 4], color=_colour(_QUIET)).encode(x=at, y=alt.Y("right:Q", **share)),
        base.mark_rule(strokeWidth=2.5, opacity=0.4).encode(y=alt.Y("low:Q", **share), y2="high:Q"),
        base.mark_line(point={"size": 70}, strokeWidth=1.5).encode(y=height, tooltip=_tips(name)),
    ]
    return alt.layer(*layers).properties(height=320, padding=_PADDING)


def _tips(name: str) -> list[alt.Tooltip]:
    numbers = [alt.Tooltip(f"{column}:Q", format=".3f") for column in ("estimate", "low", "high")]
    return [alt.Tooltip(f"{name}:N", title="of"), *numbers, alt.Tooltip("n:Q"), alt.Tooltip("clusters:Q")]


def scatter(rows: pd.DataFrame, *, x: str, y: str) -> alt.LayerChart:
    """Return one black point per response. A click selects it under the name `point`.

    Args:
        rows: Columns `x at`, `y at` (where the points stand), item_id, system, sample, and the two
            columns themselves.
        x: Column across, and the axis's title.
        y: Column up, and the axis's title.
    """
    click = alt.selection_point(name="point", fields=["item_id", "system", "sample"])
    tips = [alt.Tooltip("item_id:N"), alt.Tooltip("system:N"), alt.Tooltip(_field(x)), alt.Tooltip(_field(y))]
    axis = {"labelColor": _colour(_QUIET), "titleColor": _colour(_QUIET), **_AXIS}
    scale = alt.Scale(zero=False, padding=14)
    return (
        alt.Chart(rows)
        .mark_point(filled=True, size=36, color=_colour(_TEXT))
        .encode(
            x=alt.X("x at:Q", title=x, scale=scale, axis=alt.Axis(**axis)),
            y=alt.Y("y at:Q", title=y, scale=scale, axis=alt.Axis(**axis)),
            opacity=alt.condition(click, alt.value(0.4), alt.value(0.1)),
            tooltip=tips,
        )
        .add_params(click)
        .properties(height=380, padding=_PADDING)
    )


def trend(rows: pd.DataFrame, *, title: str) -> alt.LayerChart:
    """Return a number run by run with its intervals.

    Args:
        rows: Columns run, created, estimate, low and high.
        title: What the number is.
    """
    axis = {"labelColor": _colour(_QUIET), **_AXIS}
    x = alt.X("created:T", title=None, axis=alt.Axis(format="%d %b", **axis))
    frame = rows[["run", "created", "estimate", "low", "high"]].astype(
        dict.fromkeys(("estimate", "low", "high"), "float64")
    )
    low, high = float(frame[["estimate", "low"]].min().min()), float(frame[["estimate", "high"]].max().max())
    margin = _MARGIN * ((high - low) or 0.1)
    scale = alt.Scale(domain=[low - margin, high + margin], nice=False, zero=False)
    up = {"scale": scale, "axis": alt.Axis(title=None, **axis)}
    base = alt.Chart(frame).encode(x=x)
    ink = alt.value(_colour(_TEXT))
    tips = [
        alt.Tooltip("run:N"),
        *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("estimate", "low", "high")),
    ]
    layers = [
        base.mark_rule(strokeWidth=3, opacity=0.35).encode(y=alt.Y("low:Q", **up), y2="high:Q", color=ink),
        base.mark_line(strokeWidth=1, opacity=0.5).encode(y=alt.Y("estimate:Q", **up), color=ink),
        base.mark_point(filled=True, size=50, opacity=1).encode(
            y=alt.Y("estimate:Q", **up), color=ink, tooltip=tips
        ),
    ]
    return alt.layer(*layers).properties(height=170, padding=_PADDING, description=title)


def matrix(rows: pd.DataFrame) -> alt.LayerChart:
    """Return who wins against whom: the share in each cell, columns system, opponent, estimate, n."""
    names = list(dict.fromkeys(rows["system"]))
    axis = alt.Axis(
        labelColor=_colour(_TEXT), labelLimit=160, title=None, ticks=False, domain=False, labelFontSize=12
    )
    x = alt.X("opponent:N", sort=names, axis=axis)
    y = alt.Y("system:N", sort=names, axis=axis)
    low, middle, high = ("#d9822b", "#2a3237", "#2b8f99") if is_dark() else ("#e8a15c", "#f4f5f4", "#5fb0b8")
    colour = alt.Color(
        "estimate:Q", legend=None, scale=alt.Scale(domain=[0, 0.5, 1], range=[low, middle, high])
    )
    base = alt.Chart(rows).encode(x=x, y=y)
    tips = ["system:N", "opponent:N", alt.Tooltip("estimate:Q", format=".3f"), "n:Q"]
    return alt.layer(
        base.mark_rect().encode(color=colour, tooltip=tips),
        base.mark_text(fontSize=11.5, color=_colour(_TEXT)).encode(text="text:N"),
    ).properties(height=26 * len(names) + 90, padding=_PADDING)


def bars(
    rows: pd.DataFrame, *, name: str, value: str, bounds: tuple[float, float] | None = None
) -> alt.Chart:
    """Return values as bars, in the order given."""
    scale = alt.Scale(domain=list(bounds)) if bounds else alt.Scale()
    axis = {"labelColor": _colour(_QUIET), **_AXIS}
    return (
        alt.Chart(rows)
        .mark_bar(cornerRadiusEnd=3, height=16, color="#2b8f99")
        .encode(
            x=alt.X(f"{value}:Q", scale=scale, axis=alt.Axis(title=None, **axis)),
            y=alt.Y(f"{name}:N", sort=None, title=None, axis=alt.Axis(labelColor=_colour(_TEXT), **_NAMES)),
            tooltip=[f"{name}:N", alt.Tooltip(f"{value}:Q", format=".4f")],
        )
        .properties(height=LINE * len(rows) + FRAME - 20, padding=_PADDING)
    )


def _field(name: str) -> str:
    """Return a column's name as Vega-Lite reads it: brackets and dots in it are no path."""
    safe = name.replace("\\", "\\\\").replace(".", "\\.").replace("[", "\\[").replace("]", "\\]")
    return f"{safe}:Q"
