"""Response by response: a metric or a judge's rating against the labels, as points that lead to samples."""

from __future__ import annotations

import hashlib

import pandas as pd
import streamlit as st
from context import Context
from drawing import scatter
from parts.choices import choice
from parts.text import plain
from parts.units import unit_of

from evalhub.analysis import labelled_responses, rows_of
from evalhub.texts import count

_MARKS = 5000
_JITTER = 0.12
_LEVELS_AT_MOST = 12
_POINT = ["item_id", "system", "sample", "x at", "y at", "x", "y"]
_NOT_NUMBERS = ("item_id", "system", "sample", "cluster", "labels")


def show_responses(context: Context) -> None:
    """Show one point for each response that has a label. A selected point opens its sample."""
    frames = {
        f"{criterion} · {kind} labels": frame
        for (dataset, criterion, kind), frame in _frames(context).items()
        if dataset == context.dataset and not frame.empty
    }
    if not frames:
        return
    st.subheader("Response by response", anchor=False)
    with st.container(horizontal=True):
        frame = frames[str(choice("Labels", list(frames), key="labels", width=300, has_label=True))]
        names = [str(name) for name in frame if name not in _NOT_NUMBERS]
        x = str(choice("Against", names, key="across", width=300, has_label=True))
    rows = frame[["item_id", "system", "sample", x, "labels"]].dropna()
    n_without, n_more, rows = len(frame) - len(rows), max(len(rows) - _MARKS, 0), rows.head(_MARKS)
    points = rows.assign(
        **{"x at": _apart(rows, x), "y at": _apart(rows, "labels"), "x": rows[x], "y": rows["labels"]}
    ).astype({"sample": int})
    event = st.vega_lite_chart(
        scatter(rows_of(points[_POINT]), x=x, y="labels"),
        on_select="rerun", key="points", alt=f"{x} against the labels",
    )  # fmt: skip
    not_drawn = f" {count(n_more)} more are not drawn." if n_more else ""
    st.caption(
        f"{count(len(rows))} responses, {count(n_without)} without both numbers.{not_drawn} Levels are "
        "moved a little apart. Select a point to open its sample."
    )
    if selected := event.selection.get("point"):
        point = selected[0]
        query = context.link(unit=unit_of(point), sys=point["system"])
        st.page_link("views/samples.py", label=f"Open {plain(point['item_id'])}", query_params=query)


def _frames(context: Context) -> dict[tuple[str, str, str], pd.DataFrame]:
    key = (str(context.run.path), context.version)
    return _read_frames(key, context)


@st.cache_resource(max_entries=4, show_spinner="Counting")
def _read_frames(key: tuple[str, str], _context: Context) -> dict[tuple[str, str, str], pd.DataFrame]:
    del key
    results = _context.results
    # A run without any label needs none of the frames, which are large.
    return {} if results.labels(columns=["item_id"]).empty else labelled_responses(results)


def _apart(rows: pd.DataFrame, name: str) -> pd.Series:
    """Return a column in which levels that would hide each other are moved a little, always alike."""
    if rows[name].nunique() > _LEVELS_AT_MOST:
        return rows[name]
    keys = (f"{name}|{row.item_id}|{row.system}|{row.sample}" for row in rows.itertuples())
    shifts = [_JITTER * (hashlib.sha256(key.encode()).digest()[0] / 127.5 - 1) for key in keys]
    return rows[name] + shifts
