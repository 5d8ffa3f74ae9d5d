"""What the views share: grids as frames, rows of one label, reasons, and plots side by side."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from drawing import forest
from loading import plain

from evalhub.report.format import Grid
from evalhub.report.plots import Plot
from evalhub.texts import count


def grid_frame(grid: Grid) -> pd.DataFrame:
    """Return a grid as a frame with each heading on one line."""
    return pd.DataFrame(grid.rows, columns=[heading.replace("\n", " · ") for heading in grid.head])


def only(rows: pd.DataFrame, label_keys: tuple[str, str]) -> pd.DataFrame:
    """Return the rows about one label criterion and kind of annotator."""
    matches = (rows["label_criterion"] == label_keys[0]) & (rows["annotator_kind"] == label_keys[1])
    return rows[matches].copy()


def between(counts: pd.Series) -> str:
    """Return the smallest and the largest of some counts in words."""
    ends = sorted({int(n) for n in counts})
    return " to ".join(map(count, dict.fromkeys((ends[0], ends[-1])))) if ends else "0"


def reasons(*tables: pd.DataFrame) -> None:
    for reason in pd.concat(tables)["reason"].dropna().unique():
        st.caption(f"– or a hollow point: {plain(reason)}")


def plots_side_by_side(plots: Sequence[Plot], alt: str) -> None:
    """Draw plots of the same lines side by side. The first plot names the lines."""
    if not plots:
        return
    columns = st.columns([1.35, *[1] * (len(plots) - 1)])
    for place, (plot, column) in enumerate(zip(plots, columns, strict=True)):
        column.altair_chart(forest(plot, names=place == 0), alt=f"{plot.title} {alt}")
        column.caption(f"n {between(pd.Series([line.row['n'] for line in plot.lines]))}")
