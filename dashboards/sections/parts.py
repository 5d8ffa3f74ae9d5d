"""What the sections of the judges' page share: rows of one label, reasons, and forests side by side."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from drawing import forest
from loading import plain


def only(rows: pd.DataFrame, against: tuple[str, str]) -> pd.DataFrame:
    mine = (rows["label_criterion"] == against[0]) & (rows["annotator_kind"] == against[1])
    return rows[mine].copy()


def between(counts: pd.Series) -> str:
    """Return the smallest and the largest of some counts in words."""
    ends = sorted({int(count) for count in counts})
    return " to ".join(f"{count:,}" for count in dict.fromkeys((ends[0], ends[-1]))) if ends else "0"


def reasons(*tables: pd.DataFrame) -> None:
    for reason in pd.concat(tables)["reason"].dropna().unique():
        st.caption(f"– or a hollow point: {plain(reason)}")


def across(
    rows: pd.DataFrame, titles: dict[str, tuple[str, float]], *, bounds: tuple[float, float] | None
) -> None:
    """Draw one forest for each bias, side by side; the first one names the judges."""
    columns = st.columns([1.35, *[1] * (len(titles) - 1)])
    for place, ((bias, (title, middle)), column) in enumerate(zip(titles.items(), columns, strict=True)):
        found = rows[rows["bias"] == bias]
        if found.empty:
            continue
        column.altair_chart(
            forest(
                found, name="who", title=title, bounds=bounds, middle=middle, kind="kind", names=place == 0
            ),
            alt=f"{title} of each pairwise judge",
        )
        column.caption(f"n {between(found['n'])}")
