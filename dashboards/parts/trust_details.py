"""What a judge's agreement with the labels is made of: how sure it is, and what it confuses."""

from __future__ import annotations

from typing import Any

import streamlit as st
from context import Context
from drawing import curve, forest
from parts.choices import choice
from parts.sections import alt_of, show_table
from parts.text import plain

from evalhub.analysis import labels_needed, rows_of
from evalhub.report.format import Footnotes
from evalhub.report.grids.comparisons import labels_needed_grids
from evalhub.report.grids.raters import rater_name
from evalhub.report.plots.estimates import judge_plot
from evalhub.texts import count

Row = dict[str, Any]
_LEVELS_AT_MOST = 12


def show_calibration(context: Context) -> None:
    """Show whether a judge that is sure is right: a curve for each judge, and its Brier score."""
    bins, scores = context.rows("reliability"), context.rows("calibration")
    if not bins:
        return
    st.subheader("When a judge is sure, is it right?", anchor=False)
    points = [{**row, "who": rater_name(row["rater"], row["criterion"])} for row in bins]
    left, right = st.columns([1.3, 1], gap="large")
    left.vega_lite_chart(
        curve(points, name="who", x="predicted", across="how sure it says it is", up="how often it is right"),
        alt="How often the labels agree with verdicts of a confidence, for each judge",
        key="calibration",
    )
    with right:
        for statistic in dict.fromkeys(row["statistic"] for row in scores):
            rows = [row for row in scores if row["statistic"] == statistic]
            names = [rater_name(row["rater"], row["criterion"]) for row in rows]
            plot = judge_plot(statistic, rows, names, neutral=0.25)
            st.vega_lite_chart(forest(plot), alt=alt_of(plot), key=f"score {statistic}")
        st.caption(
            "On the dashed line a judge is as often right as it says. The Brier score is the mean squared "
            "distance of its probability from the label. 0 is best, and a coin gets 0.25."
        )


def show_confusion(context: Context) -> None:
    """Show which verdicts of one judge meet which labels, and link to those that differ."""
    # A jury's verdicts are made of its members', and are not counted here.
    juries = {jury.id for jury in context.run.manifest.juries}
    judges = [
        row for row in context.rows("judge_summary") if row["label_criterion"] and row["judge"] not in juries
    ]
    if not judges:
        return
    st.subheader("Where judge and labels differ", anchor=False)
    keys = {rater_name(row["judge"], row["criterion"]): (row["judge"], row["criterion"]) for row in judges}
    judge, criterion = keys[str(choice("Judge", list(keys), key="judged", width=340, hint="judge"))]
    rows = [
        row for row in context.rows("confusions") if (row["judge"], row["criterion"]) == (judge, criterion)
    ]
    verdicts = sorted({row["verdict"] for row in rows}, key=_level_order)
    if not rows:
        st.caption("The judge has no verdict on what has a label.")
    elif max(len(verdicts), len({row["label"] for row in rows})) <= _LEVELS_AT_MOST:
        table = {label: dict.fromkeys(verdicts, "0") for label in dict.fromkeys(row["label"] for row in rows)}
        for row in rows:
            table[row["label"]][row["verdict"]] = count(row["n"])
        show_table(
            [
                {"labels": label, **{f"judge: {verdict}": n for verdict, n in line.items()}}
                for label, line in table.items()
            ],
            alt=f"Labels against verdicts of {judge}",
        )
        if {"a", "b"} & set(verdicts):
            st.caption("Of a pair, a is the system whose name comes first.")
    query = context.link(judge=judge, crit=criterion, people="differ")
    st.page_link(
        "views/samples.py", label="Read the verdicts that differ", icon=":material/article:",
        query_params=query,
    )  # fmt: skip


def _level_order(name: str) -> tuple[bool, float, str]:
    """Return the key that sorts numbers by their size, and names behind them."""
    try:
        return False, float(name), ""
    except ValueError:
        return True, 0.0, name


def show_labels_needed(context: Context) -> None:
    """Show how many more labels an interval of a chosen width needs."""
    if context.results.database.is_large or not any(row["n"] for row in context.rows("judge_summary")):
        return
    st.subheader("How many more labels?", anchor=False)
    width = st.slider("Width of the interval", 0.02, 0.5, 0.1, 0.01, key="width", width=340)
    notes = Footnotes()
    rows = [
        row
        for row in rows_of(labels_needed(context.results, width=width))
        if row["dataset"] == context.dataset
    ]
    for grid in labels_needed_grids({"labels_needed": rows}, notes):
        show_table([dict(zip(grid.head, row, strict=True)) for row in grid.rows], alt="Labels needed")
    for line in notes.lines():
        st.caption(plain(line))
