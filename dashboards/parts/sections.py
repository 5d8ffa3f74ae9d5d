"""Sentences, pictures and tables of the report's registry, as elements of a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from urllib.parse import parse_qsl

import pandas as pd
import streamlit as st
from context import Context
from drawing import forest
from parts.text import plain

from evalhub.analysis.findings.finding import Question, Verdict
from evalhub.report.format import Footnotes, Grid, Row
from evalhub.report.outputs.marks import action_of, mark_of
from evalhub.report.plots.estimates import Plot
from evalhub.report.plots.standing import band_note
from evalhub.report.tables.places import Place, Section
from evalhub.report.tables.registry import sections_of

_COLOURS = {Verdict.GOOD: "green", Verdict.CAUTION: "orange", Verdict.BAD: "red", Verdict.UNKNOWN: "gray"}
_ROWS_AT_MOST = 40
"""A longer table scrolls in a grid."""


def show_findings(context: Context, *questions: Question, titled: bool = False) -> None:
    """Show the findings about the run and the dataset that answer some questions, or any question.

    Args:
        context: What the page is about.
        questions: The questions. None = all.
        titled: Whether the questions stand over their answers.
    """
    rows = [row for row in context.findings() if not questions or _question(row) in questions]
    for question, group in groupby(rows, _question):
        if titled:
            st.subheader(question.value, anchor=False)
        answers = list(group)
        for row in answers:
            colour = _COLOURS[Verdict(row["verdict"])]
            st.markdown(f":{colour}[**{mark_of(row)}**]  {plain(row['sentence'])}")
            if command := action_of(row):
                st.code(command, language=None, wrap_lines=True)
        if titled:
            _show_link(context, answers)


def _question(row: Row) -> Question:
    return Question[row["question"].upper()]


def _show_link(context: Context, rows: Sequence[Row]) -> None:
    """Lead to the page that shows more of what a question's first answer rests on."""
    link = next((row["link"] for row in rows if row["link"]), None)
    if link:
        name, _, query = link.partition("?")
        st.page_link(
            f"views/{name}.py",
            label=f"{name.capitalize()}: more",
            icon=":material/arrow_forward:",
            query_params=context.link() | dict(parse_qsl(query)),
        )


def show_plots(plots: Iterable[Plot], *, across: int = 2) -> None:
    """Draw plots beside each other. On a narrow screen they stand below each other."""
    for place, plot in enumerate(plots := list(plots)):
        if place % across == 0:
            columns = st.columns(min(across, len(plots)), gap="large")
        with columns[place % across]:
            st.markdown(f"**{plain(plot.title)}**")
            if plot.warning:
                st.markdown(f":red[{plain(plot.warning)}]")
            st.vega_lite_chart(forest(plot), alt=alt_of(plot), key=f"plot {plot.title} {plot.axis}")
            if note := band_note(plot.bands):
                st.caption(note)


def alt_of(plot: Plot) -> str:
    """Return what a plot shows in words: its title, and the first estimates."""
    lines = [line for line in plot.lines if line.row["estimate"] is not None]
    estimates = ", ".join(f"{line.name} {line.row['estimate']:.2f}" for line in lines[:8])
    return f"{plot.title}: {estimates or 'no estimate'}. {plot.warning}".strip()


def show_section(context: Context, section: Section, *, expanded: bool = False) -> None:
    """Show the tables of a section in a box, which makes them when it is opened."""
    tables = [name for name in section.tables if name != "leaderboard"] or section.tables
    if not any(context.rows(name) for name in tables):
        return
    box = st.expander(section.title, expanded=expanded, on_change="rerun", key=f"section {section.title}")
    if not box.open:
        return
    with box:
        notes = Footnotes()
        data = context.data(section.tables)
        grids = list(section.grids(data, notes))
        for grid in grids:
            show_grid(grid, has_title=grid.title not in ("", context.dataset, section.title))
        if not grids:
            st.caption("There is too little data for this table.")
        for line in (*notes.lines(), *section.notes(data)):
            st.caption(plain(line))


def show_sections(context: Context, place: Place, *, opened: Sequence[str] = ()) -> None:
    """Show the sections of a view.

    Args:
        context: What the page is about.
        place: The view.
        opened: Titles of the sections that are open at first.
    """
    for section in sections_of(place):
        show_section(context, section, expanded=section.title in opened)


def show_grid(grid: Grid, *, has_title: bool = True) -> None:
    """Show a grid as a table, and a long one in a box that scrolls."""
    if has_title and grid.title:
        st.caption(plain(grid.title))
    show_table(
        [dict(zip(_heads(grid.head), row, strict=True)) for row in grid.rows], alt=grid.title or "Table"
    )


def show_table(rows: Sequence[Row], *, alt: str) -> None:
    """Show rows of texts as a table that is as wide as its content."""
    if not rows:
        return
    if len(rows) > _ROWS_AT_MOST:
        st.dataframe(pd.DataFrame(rows), hide_index=True, alt=alt, height=420)
        return
    escaped = [{plain(name): plain(value) for name, value in row.items()} for row in rows]
    st.table(pd.DataFrame(escaped), hide_index=True, width="content", border="horizontal")


def _heads(heads: Sequence[str]) -> list[str]:
    """Return headings on one line each. Equal ones are told apart by invisible spaces."""
    lines: list[str] = []
    for heading in heads:
        line = heading.replace("\n", " · ") or " "
        while line in lines:
            line += " "
        lines.append(line)
    return lines
