"""What the SQL page is made of: ready questions, the tables, the editor and the answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import streamlit as st
from parts.choices import choice
from parts.sections import show_table
from parts.sql_chart import show_chart
from parts.sql_files import csv_bytes, parquet_bytes, python_code
from parts.text import plain
from streamlit import config

from evalhub.analysis.database.facts import FACTS
from evalhub.analysis.run.query import QueryLimits, QueryResult, run_query
from evalhub.analysis.run.query_child import Cut
from evalhub.errors import EvalhubError
from evalhub.texts import count

if TYPE_CHECKING:
    from context import Context

QUERIES = Path(__file__).parents[1] / "queries"

MEANINGS: Mapping[str, str] = {
    "items": "prompts, references and tags",
    "responses": "what each system answered",
    "judgments": "each answer of a judge: one order, one of its samples",
    "labels": "the verdicts of people and other annotators",
    "scores": "the value of each metric for each response",
    "completions": "what engines read and wrote",
    "pair_facts": "each judge on each pair, both orders combined",
    "rating_facts": "each judge on each response, its samples combined",
    "criterion_facts": "each judge on each criterion of an item, its samples combined",
    "cells": "counts and sums by judge, system, tag and cluster",
}
"""What each table of a run holds."""

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_LIMITS = QueryLimits()
_EDITOR = "query"
_ROWS_IN_VIEW = 14
_HEIGHT = 520
_CUTS = {
    Cut.ROWS: "There are more: an answer has this many rows at most.",
    Cut.SIZE: f"There are more: an answer has {_LIMITS.size >> 20} MiB at most.",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A query that is ready to run.

    Attributes:
        title: What it answers.
        note: What its columns mean.
        query: The text of its file below these two lines.
    """

    title: str
    note: str
    query: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a query, or why there is none. It stays on the page until another query runs."""

    run: Path
    query: str
    result: QueryResult | EvalhubError


def is_loopback() -> bool:
    """Return whether nobody but this machine reaches the server."""
    return config.get_option("server.address") in _LOOPBACK


def read_questions(folder: Path = QUERIES) -> dict[str, Question]:
    """Return the ready questions of a folder by their titles.

    The first line of a file is a comment with the title, and the second one with the meaning of the columns.
    """
    questions = {}
    for path in sorted(folder.glob("*.sql")):
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        comments = [line.removeprefix("--").strip() for line in takewhile(_is_comment, lines[:2])]
        title, note = [*comments, "", ""][:2]
        title = title or path.stem.replace("_", " ")
        if title in questions:
            title = f"{title} ({path.name})"
        questions[title] = Question(title, note, "\n".join(lines[len(comments) :]))
    return dict(sorted(questions.items()))


def _is_comment(line: str) -> bool:
    return line.startswith("--")


def pick_question() -> None:
    """Let the reader pick a ready question, in a box or by the address, which fills the editor."""
    questions = read_questions()
    if not questions:
        return
    title = choice("Question", list(questions), key="question", placeholder="Ready questions", width=400)
    if title != st.session_state.get("question in editor"):
        st.session_state["question in editor"] = title
        if title is not None:
            st.session_state[_EDITOR] = questions[title].query
            st.session_state.pop("answer", None)
    if title is not None and questions[title].note:
        st.caption(plain(questions[title].note))


def show_tables(context: Context) -> None:
    """Show each table with its meaning. Its columns are read when it is opened."""
    for name, meaning in MEANINGS.items():
        label = f"**{plain(name)}** {meaning}"
        box = st.expander(label, on_change="rerun", key=f"table {name}", type="compact")
        if not box.open:
            continue
        with box:
            _show_columns(context, name)


def _show_columns(context: Context, name: str) -> None:
    if not context.has_tables and name in (*FACTS, "cells"):
        st.caption("Its columns show when the run has ended.")
        return
    try:
        columns = _columns(str(context.run.path), context.version, name, context)
    except EvalhubError as error:
        st.caption(plain(error))
        return
    show_table([{"column": column, "type": kind} for column, kind in columns], alt=f"Columns of {name}")


@st.cache_data(max_entries=100, show_spinner=False)
def _columns(path: str, version: str, name: str, _context: Context) -> list[tuple[str, str]]:
    del path, version
    rows = _context.results.sql(f"DESCRIBE {name}")
    return list(rows[["column_name", "column_type"]].itertuples(index=False, name=None))


def ask(context: Context) -> None:
    """Show the editor, and run its query when the reader presses Run, and at no other time."""
    with st.form("editor", border=False):
        query = st.text_area(
            "Query",
            key=_EDITOR,
            height=260,
            persist_state="session",
            placeholder="SELECT judge, count(*) AS judgments FROM judgments GROUP BY judge",
            label_visibility="collapsed",
        )
        is_pressed = st.form_submit_button("Run")
    if is_pressed:
        st.session_state.pop("answer", None)
        st.session_state["answer"] = Answer(context.run.path, query, _run(context.run.path, query))


def _run(path: Path, query: str) -> QueryResult | EvalhubError:
    """Return the answer to a query, or its error. A reader who leaves the page ends it."""
    place, start = st.empty(), time.monotonic()

    def show_progress() -> None:  # Streamlit ends a script of a reader who left when it draws something
        place.caption(f"Running for {time.monotonic() - start:.0f} s")

    show_progress()
    try:
        return run_query(path, query, limits=_LIMITS, pulse=show_progress)
    except EvalhubError as error:
        return error.with_traceback(None)  # which would keep the frames of this run alive
    finally:
        place.empty()


def show_answer(context: Context) -> None:
    """Show the answer to the last query on this run: its rows, a chart, and the way to take it along."""
    answer: Answer | None = st.session_state.get("answer")
    if answer is None or answer.run != context.run.path:
        return
    result = answer.result
    if isinstance(result, EvalhubError):
        sentence = result.sentence()
        st.error(plain(sentence[0].upper() + sentence[1:]))
        for note in filter(None, getattr(result, "__notes__", ())):
            st.code(note, language=None)
        return
    st.markdown(f"**{count(result.table.num_rows)} rows** in {result.seconds:.1f} s")
    if cut := _CUTS.get(result.cut):
        st.caption(cut)
    rows, chart, code = st.tabs(["Rows", "Chart", "As Python"], on_change="rerun", key="answer as")
    if rows.open:
        with rows:
            _show_rows(result.table)
    if chart.open:
        with chart:
            show_chart(result.table)
    if code.open:
        code.code(python_code(answer.run, answer.query), language="python")


def _show_rows(table: pa.Table) -> None:
    st.dataframe(
        table,
        hide_index=True,
        alt="The rows of the answer",
        height="content" if table.num_rows <= _ROWS_IN_VIEW else _HEIGHT,
    )
    with st.container(horizontal=True):
        st.download_button(
            "CSV",
            lambda: csv_bytes(table),
            "answer.csv",
            "text/csv",
            on_click="ignore",
            help="Texts that a spreadsheet would run as a formula start with an apostrophe.",
        )
        st.download_button("Parquet", lambda: parquet_bytes(table), "answer.parquet", on_click="ignore")
