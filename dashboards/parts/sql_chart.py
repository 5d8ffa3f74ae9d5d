"""A chart of the answer to a query: two of its columns, and perhaps a third as colour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd
import pyarrow as pa
import streamlit as st
from drawing import ink

from evalhub.texts import count

MARKS = 5_000
"""So many rows are drawn at most. A browser draws more of them slowly."""

_NAMES = 60
"""A column with more texts is no good axis to begin with."""
_COLOURS = 20
_SIDE_BY_SIDE = 7
"""More names stand slanted below their axis."""
_HEIGHT = 420
_FIELDS = ("x", "y", "colour")


def column_kinds(table: pa.Table) -> dict[str, str]:
    """Return the columns that can be drawn with their kinds in Vega-Lite: numbers Q, times T, names N."""
    kinds = {}
    for field in table.schema:
        if pa.types.is_integer(field.type) or pa.types.is_floating(field.type) or _is_number(field.type):
            kinds[field.name] = "Q"
        elif pa.types.is_date(field.type) or pa.types.is_timestamp(field.type):
            kinds[field.name] = "T"
        elif pa.types.is_string(field.type) or pa.types.is_boolean(field.type):
            kinds[field.name] = "N"
    return kinds


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_decimal(kind))


def show_chart(table: pa.Table) -> None:
    """Let the reader pick columns, and draw them."""
    kinds = column_kinds(table)
    if not any(kind == "Q" for kind in kinds.values()) or not table.num_rows:
        st.caption("A chart needs a row with a number.")
        return
    names = list(kinds)
    across, up = first_axes(table, kinds)
    boxes = st.columns(3)
    x = boxes[0].selectbox("x", names, index=names.index(across), key="chart x")
    y = boxes[1].selectbox("y", names, index=names.index(up), key="chart y")
    colour = boxes[2].selectbox("colour", names, index=None, placeholder="one colour", key="chart colour")
    picked = {field: name for field, name in zip(_FIELDS, (x, y, colour), strict=True) if name}
    if table.num_rows > MARKS:
        st.caption(f"The first {count(MARKS)} of {count(table.num_rows)} rows are drawn.")
    st.altair_chart(draw(table, kinds, picked), alt=f"{y} by {x}", key="chart")


def first_axes(table: pa.Table, kinds: Mapping[str, str]) -> tuple[str, str]:
    """Return the columns that are drawn until the reader picks others.

    Up stands the last column of numbers. Across stands the last column of times or of a few names, and
    sooner one that names each row.
    """
    up = [name for name, kind in kinds.items() if kind == "Q"][-1]
    counts = {name: len(table.column(name).unique()) for name, kind in kinds.items() if kind != "Q"}
    across = [name for name, n in counts.items() if kinds[name] == "T" or 1 < n <= _NAMES]
    across.sort(key=lambda name: counts[name] == table.num_rows)
    return (across or [name for name in kinds if name != up] or [up])[-1], up


def draw(table: pa.Table, kinds: Mapping[str, str], picked: Mapping[str, str]) -> alt.Chart:
    """Return the chart of columns, given by what they are: x, y, colour.

    Bars stand where a name has one number, a line where there are times, and else a point for each row.
    Two columns of names are drawn as circles, whose size is the number of rows.
    """
    frame = pd.DataFrame(
        {field: _values(table.column(name).slice(0, MARKS)) for field, name in picked.items()}
    )
    axes = {field: kinds[name] for field, name in picked.items()}
    is_wide = axes["x"] == "N" and frame["x"].nunique() > _SIDE_BY_SIDE
    angle = -40 if is_wide else 0
    encodings: dict[str, Any] = {
        "x": alt.X(
            f"x:{axes['x']}", title=picked["x"], axis=_axis(angle), sort=None, scale=_scale(axes["x"])
        ),
        "y": alt.Y(f"y:{axes['y']}", title=picked["y"], axis=_axis(), sort=None, scale=_scale(axes["y"])),
        "tooltip": [alt.Tooltip(f"{field}:{axes[field]}", title=name) for field, name in picked.items()],
    }
    if "colour" in picked:
        legend = alt.Legend(
            orient="top", title=picked["colour"], symbolLimit=_COLOURS, labelLimit=200,
            labelColor=ink(), titleColor=ink(), labelFontSize=12,
        )  # fmt: skip
        encodings["color"] = alt.Color(f"colour:{axes['colour']}", legend=legend)
    mark = _mark(frame, axes)
    chart = alt.Chart(frame)
    if mark == "bar":
        side = "x" if axes["x"] == "N" else "y"
        number = "y" if side == "x" else "x"
        encodings[number].scale = alt.Undefined  # a bar starts at zero
        if axes.get("colour") == "N":
            offset = alt.XOffset if side == "x" else alt.YOffset
            encodings[f"{side}Offset"] = offset("colour:N", sort=None)
        chart = chart.mark_bar(cornerRadiusEnd=3)
    elif mark == "line":
        chart = chart.mark_line(point={"size": 40}, strokeWidth=1.5)
    elif mark == "circle":
        encodings["size"] = alt.Size("count()", title="rows")
        encodings["tooltip"].append(alt.Tooltip("count()", title="rows"))
        chart = chart.mark_circle(opacity=0.8)
    else:
        chart = chart.mark_point(filled=True, size=45, opacity=0.55)
    return chart.encode(**encodings).properties(height=_HEIGHT)


def _values(column: pa.ChunkedArray) -> list[Any]:
    """Return the values of a column as a browser reads them. Times are texts, of any year."""
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if pa.types.is_date(column.type):  # a browser takes a day without an hour for one in Greenwich
        return [value and f"{value} 00:00:00" for value in column.cast(pa.string()).to_pylist()]
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.string())
    values: list[Any] = column.to_pylist()
    return values


def _mark(frame: pd.DataFrame, axes: Mapping[str, str]) -> str:
    kinds = {axes["x"], axes["y"]}
    if kinds == {"N"}:
        return "circle"
    if "N" in kinds and "Q" in kinds:
        names = [field for field in _FIELDS if axes.get(field) == "N"]
        return "point" if frame[names].duplicated().any() else "bar"
    return "line" if axes["x"] == "T" and axes["y"] == "Q" else "point"


def _scale(kind: str) -> Any:
    return alt.Scale(zero=False, padding=12) if kind == "Q" else alt.Undefined


def _axis(angle: int = 0) -> alt.Axis:
    return alt.Axis(
        labelColor=ink(), titleColor=ink(), titleFontWeight="normal", titleFontSize=13,
        labelFontSize=12, labelLimit=220, labelAngle=angle,
    )  # fmt: skip
