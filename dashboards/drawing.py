"""The charts, as Vega-Lite: each draws what is handed to it, and computes nothing.

A role has a colour: judges, labels, metrics, and what reads nothing. Systems are black. Specifications are
written by hand, because a library that builds and checks them takes 0.1 s for each chart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import streamlit as st

from evalhub.report.plots.estimates import KINDS, Plot
from evalhub.texts import number

Spec = dict[str, Any]
Row = Mapping[str, Any]

LINE = 30
FRAME = 52
_TEXT = ("#1d2329", "#e6e9eb")
_QUIET = ("#5c666d", "#9aa5ac")
# The ground of the pages, as .streamlit/config.toml has it.
_GROUND = ("#fcfcfb", "#14181b")
_SHARES = (("#e8a15c", "#f4f5f4", "#5fb0b8"), ("#d9822b", "#2a3237", "#2b8f99"))
_WARNING = ("#b3261e", "#ff8a80")
_MARGIN = 0.08
_WIDEST = 10


def is_dark() -> bool:
    """Return whether the reader's theme is dark."""
    return bool(st.context.theme.type == "dark")


def ink() -> str:
    """Return the colour of names and numbers in a chart."""
    return _colour(_TEXT)


def _colour(colours: tuple[str, str]) -> str:
    return colours[is_dark()]


def _axis(title: str | None, **options: Any) -> Spec:
    """Return an axis of numbers."""
    return {
        "title": title, "titleFontWeight": "normal", "titleFontSize": 13, "labelFontSize": 12, "tickCount": 5,
        "labelColor": _colour(_QUIET), "titleColor": _colour(_QUIET), **options,
    }  # fmt: skip


def _names(field: str, order: Sequence[str] | None, **options: Any) -> Spec:
    """Return an axis of names, in their order."""
    axis = {
        "title": None, "labelColor": ink(), "labelLimit": 300, "labelFontSize": 12.5, "ticks": False,
        "domain": False, "labelPadding": 8, "labelFlush": False, **options,
    }  # fmt: skip
    return {"field": field, "type": "nominal", "sort": order, "axis": axis}


def _chart(rows: Iterable[Row], layers: Sequence[Spec], height: int, **options: Any) -> Spec:
    return {
        "data": {"values": [dict(row) for row in rows]}, "layer": list(layers), "height": height,
        "padding": {"left": 4, "top": 4, "right": 8, "bottom": 5}, **options,
    }  # fmt: skip


def _tips(*names: str) -> list[Spec]:
    numbers = [
        {"field": name, "type": "quantitative", "format": ".3f"} for name in ("estimate", "low", "high")
    ]
    return [*({"field": name, "type": "nominal"} for name in names), *numbers]


def forest(plot: Plot) -> Spec:
    """Return points on their intervals, one line per estimate, each with its number at the end.

    A hollow point has no interval. The axis holds the data, and the neutral value if it is near. Where the
    numbers are not to be used, all points are hollow and all intervals pale.
    """
    rows = [_forest_row(line.name, line.kind, line.row) for line in plot.lines]
    names = list(dict.fromkeys(row["name"] for row in rows))
    low, high = _ends(plot, rows)
    scale = {"domain": [low, high], "nice": False, "clamp": True}
    axis = _axis(plot.axis, format="~f")

    def x(field: str) -> Spec:
        return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}

    y = _names("name", names)
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    colours = {"domain": kinds, "range": [_colour(KINDS.get(kind, _TEXT)) for kind in kinds]}
    colour = {"field": "kind", "type": "nominal", "scale": colours, "legend": None}
    text = {"type": "text", "align": "left", "dx": 8, "fontSize": 12}
    label = {"x": x("end"), "y": y, "text": {"field": "text", "type": "nominal"}}
    point = {"x": x("estimate"), "y": y, "color": colour, "tooltip": [*_tips("name"), *_counts()]}
    layers: list[Spec] = [
        {
            "mark": {
                "type": "bar",
                "height": 8,
                "opacity": 0.15 if plot.warning else 0.35,
                "cornerRadius": 4,
            },
            "encoding": {"x": x("low"), "x2": {"field": "high"}, "y": y, "color": colour},
        },
        {
            "transform": [{"filter": "isValid(datum.low)"}],
            "mark": {"type": "point", "filled": not plot.warning, "size": 80, "opacity": 1},
            "encoding": point,
        },
        {
            "transform": [{"filter": "!isValid(datum.low)"}],
            "mark": {"type": "point", "filled": False, "size": 60, "strokeWidth": 2, "opacity": 1},
            "encoding": point,
        },
        # A number is read on its own ground, also where the neutral value crosses it.
        {"mark": {**text, "fill": ink(), "stroke": _colour(_GROUND), "strokeWidth": 5}, "encoding": label},
        {"mark": {**text, "color": ink()}, "encoding": label},
    ]
    if plot.neutral is not None and low <= plot.neutral <= high:
        rule = {
            "mark": {"type": "rule", "strokeDash": [4, 4], "opacity": 0.7, "color": _colour(_QUIET)},
            "encoding": {"x": {"datum": plot.neutral, "type": "quantitative", "scale": scale, "axis": axis}},
        }
        layers.insert(0, rule)
    if plot.bands:
        layers.insert(0, _bands(plot, y))
    return _chart(rows, layers, LINE * max(len(names), 1) + FRAME)


def _bands(plot: Plot, y: Spec) -> Spec:
    """Return the grounds of lines that share a band. Neighbouring bands differ in tint."""
    shared = [band for band in dict.fromkeys(plot.bands) if plot.bands.count(band) > 1]
    grounds = [
        {"name": line.name, "tint": shared.index(band) % 2}
        for line, band in zip(plot.lines, plot.bands, strict=True)
        if band in shared
    ]
    tint = {
        "field": "tint",
        "type": "ordinal",
        "legend": None,
        "scale": {"domain": [0, 1], "range": [0.1, 0.2]},
    }
    return {
        "data": {"values": grounds},
        "mark": {"type": "rect", "color": _colour(_QUIET)},
        "encoding": {"y": y, "opacity": tint},
    }


def _counts() -> list[Spec]:
    return [{"field": name, "type": "quantitative"} for name in ("n", "clusters")]


def _forest_row(name: str, kind: str, row: Row) -> Row:
    point, high = row["estimate"], row["high"]
    ends = [value for value in (point, high) if value is not None]
    return {
        "name": name,
        "kind": kind,
        **{column: row[column] for column in ("estimate", "low", "high", "n", "clusters")},
        "text": row.get("text") or ("" if point is None else number(point)),
        "end": max(ends, default=None),
    }


def _ends(plot: Plot, rows: Sequence[Row]) -> tuple[float, float]:
    """Return both ends of the axis: the data with a margin, and the neutral value where it is near."""
    values = [row[name] for row in rows for name in ("estimate", "low", "high") if row[name] is not None]
    if not values:
        return plot.ends
    low, high = min(values), max(values)
    width = (high - low) or 0.1
    if plot.neutral is not None:
        wide_low, wide_high = min(low, plot.neutral), max(high, plot.neutral)
        # Far from the neutral value, the axis would be empty but for a few points at its end.
        if wide_high - wide_low <= _WIDEST * width:
            low, high = wide_low, wide_high
    width = (high - low) or 0.1
    return low - _MARGIN * width, high + 2.5 * _MARGIN * width


def curve(rows: Sequence[Row], *, name: str, x: str, across: str, up: str) -> Spec:
    """Return a reliability curve for each name over a dashed diagonal: points with intervals in bins.

    Args:
        rows: Tidy rows with the share `estimate`, its interval, and how sure in column `x`, in [0.5, 1].
        name: Column that names the curves.
        x: Column across.
        across: Title of the axis across.
        up: Title of the axis up.
    """
    at = {
        "field": x,
        "type": "quantitative",
        "scale": {"domain": [0.5, 1]},
        "axis": _axis(across, format="~f"),
    }
    legend = {"orient": "top", "title": None, "labelLimit": 260, "labelColor": ink()}
    colour = {"field": name, "type": "nominal", "legend": legend}

    def share(field: str) -> Spec:
        axis = _axis(up, format="~f")
        return {"field": field, "type": "quantitative", "scale": {"domain": [0, 1]}, "axis": axis}

    ends = {"values": [{x: 0.5, "right": 0.5}, {x: 1, "right": 1}]}
    layers: list[Spec] = [
        {
            "data": ends,
            "mark": {"type": "line", "strokeDash": [4, 4], "color": _colour(_QUIET)},
            "encoding": {"x": at, "y": share("right")},
        },
        {
            "mark": {"type": "rule", "strokeWidth": 2.5, "opacity": 0.4},
            "encoding": {"x": at, "y": share("low"), "y2": {"field": "high"}, "color": colour},
        },
        {
            "mark": {"type": "line", "point": {"size": 70}, "strokeWidth": 1.5},
            "encoding": {"x": at, "y": share("estimate"), "color": colour, "tooltip": _tips(name)},
        },
    ]
    return _chart(rows, layers, 320)


def scatter(rows: Sequence[Row], *, x: str, y: str) -> Spec:
    """Return one black point per response. A click selects it under the name `point`.

    Args:
        rows: Columns `x at`, `y at` (where the points stand), item_id, system, sample, and `x` and `y` (the
            values).
        x: What is across, the axis's title.
        y: What is up, the axis's title.
    """

    def place(field: str, title: str) -> Spec:
        values = [row[field] for row in rows] or [0.0, 1.0]
        scale = {"domain": [min(values), max(values)], "zero": False, "padding": 14}
        return {"field": field, "type": "quantitative", "scale": scale, "axis": _axis(title)}

    tips = [
        {"field": "item_id", "type": "nominal"},
        {"field": "system", "type": "nominal"},
        {"field": "x", "type": "quantitative", "title": x},
        {"field": "y", "type": "quantitative", "title": y},
    ]
    opacity = {"condition": {"param": "point", "value": 0.4}, "value": 0.1}
    layer = {
        "params": [{"name": "point", "select": {"type": "point", "fields": ["item_id", "system", "sample"]}}],
        "mark": {"type": "point", "filled": True, "size": 36, "color": ink()},
        "encoding": {"x": place("x at", x), "y": place("y at", y), "opacity": opacity, "tooltip": tips},
    }
    return _chart(rows, [layer], 380)


_IS_MARKED = "datum.outside === true || (isValid(datum.gate) && datum.gate !== 'pass')"


def trend(rows: Sequence[Row]) -> Spec:
    """Return a number run by run with its intervals, its control limits and what gates said of it.

    Args:
        rows: As `trend_rows` returns them.
    """
    names = ("estimate", "low", "high", "limit_low", "limit_high")
    values = [row[name] for row in rows for name in names if row[name] is not None]
    low, high = min(values), max(values)
    margin = _MARGIN * ((high - low) or 0.1)
    scale = {"domain": [low - margin, high + margin], "nice": False, "zero": False}
    created = sorted(row["created"] for row in rows)
    ends = {"domain": [{"expr": f"toDate('{end}')"} for end in (created[0], created[-1])], "padding": 12}
    x = {"field": "created", "type": "temporal", "scale": ends, "axis": _axis(None, format="%d %b")}

    def up(field: str) -> Spec:
        return {"field": field, "type": "quantitative", "scale": scale, "axis": _axis(None)}

    colour, warning = ink(), _WARNING[is_dark()]
    layers: list[Spec] = [
        {
            "transform": [{"filter": "isValid(datum.limit_low)"}],
            "mark": {"type": "rule", "strokeWidth": 12, "opacity": 0.1, "color": colour},
            "encoding": {"x": x, "y": up("limit_low"), "y2": {"field": "limit_high"}},
        },
        {
            "transform": [{"filter": "isValid(datum.changed)"}],
            "mark": {"type": "rule", "strokeDash": [2, 3], "color": warning},
            "encoding": {"x": x},
        },
        {
            "transform": [{"filter": "isValid(datum.low)"}],
            "mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.35, "color": colour},
            "encoding": {"x": x, "y": up("low"), "y2": {"field": "high"}},
        },
        {
            "mark": {"type": "line", "strokeWidth": 1, "opacity": 0.5, "color": colour},
            "encoding": {"x": x, "y": up("estimate")},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 50, "opacity": 1, "color": colour},
            "encoding": {"x": x, "y": up("estimate"), "tooltip": _tips("run")},
        },
        {
            "transform": [{"filter": _IS_MARKED}],
            "mark": {"type": "point", "filled": False, "size": 140, "strokeWidth": 2, "color": warning},
            "encoding": {"x": x, "y": up("estimate"), "tooltip": _tips("run", "gate", "changed")},
        },
    ]
    return _chart(rows, layers, 170)


def matrix(rows: Sequence[Row]) -> Spec:
    """Return who wins against whom: the share in each cell.

    Args:
        rows: Columns system, opponent, estimate, n and text, in the order of the systems.
    """
    names = list(dict.fromkeys(row["system"] for row in rows))
    place = {"x": _names("opponent", names, labelLimit=160), "y": _names("system", names, labelLimit=160)}
    scale = {"domain": [0, 0.5, 1], "range": list(_SHARES[is_dark()]), "interpolate": "rgb"}
    colour = {"field": "estimate", "type": "quantitative", "legend": None, "scale": scale}
    tips = [*_tips("system", "opponent")[:3], {"field": "n", "type": "quantitative"}]
    layers: list[Spec] = [
        {"mark": "rect", "encoding": {**place, "color": colour, "tooltip": tips}},
        {
            "mark": {"type": "text", "fontSize": 11.5, "color": ink()},
            "encoding": {**place, "text": {"field": "text", "type": "nominal"}},
        },
    ]
    return _chart(rows, layers, 26 * len(names) + 90)
