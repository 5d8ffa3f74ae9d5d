"""Queues to label: make one, and see how far annotators are. Labelling itself happens in the blind app."""

import shlex
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st
from context import Context
from parts.label_queues import show_need, show_queues
from parts.sections import show_section
from parts.text import plain

from evalhub.analysis import QueueRequest, labelling_queue
from evalhub.errors import EvalhubError
from evalhub.report.tables.registry import SECTIONS
from evalhub.store import new_queue_path, queues_folder, runs_root, write_queue

context: Context = st.session_state["context"]

AGREEMENT = ("How far people agree", "Two annotators on what both labelled")
UNITS = 50


def judged() -> list[tuple[str, str]]:
    """Return the judges of the dataset with their criteria."""
    of_dataset = "SELECT judge, criterion FROM {}_facts WHERE dataset = $dataset"
    query = f"{of_dataset.format('pair')} UNION {of_dataset.format('rating')} ORDER BY ALL"
    frame = context.results.sql(query, {"dataset": context.dataset})
    return list(frame.itertuples(index=False, name=None))


def write_new(judge: str, criterion: str, number: int) -> Path:
    """Draw a queue as `evalhub labels queue` does, and write it beside the labels."""
    rows = labelling_queue(context.results, QueueRequest(judge, criterion, context.dataset, number))
    day = datetime.now(UTC).date().isoformat()
    path = new_queue_path(queues_folder(runs_root()), context.dataset, rows[0]["criterion"], day)
    write_queue(path, rows)
    return path


def show_form() -> None:
    """Show what a queue is drawn by, and draw it."""
    choices = judged()
    if not choices:
        st.info("No judge judged this dataset, so there is no verdict to draw by.")
        return
    names = [f"{judge} · {criterion}" for judge, criterion in choices]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Judge and criterion", names, key="queue judge", width=340)
        number = st.number_input("Units", 1, 100_000, UNITS, key="queue units", width=140)
        draws = st.button("Make the queue", key="queue draw")
    st.caption(
        "A fifth is drawn evenly and the rest by the judge's doubt. What people labelled already is left out."
    )
    judge, criterion = choices[names.index(name)]
    show_need(context, judge, criterion)
    if not draws:
        return
    try:
        with st.spinner("Drawing"):
            path = write_new(judge, criterion, number)
    except EvalhubError as error:
        st.error(plain(str(error)))
        return
    st.success("The queue is written. This command opens it for labelling, blind:")
    st.code(shlex.join(["evalhub", "label", str(path), "--runs", str(runs_root())]), language=None)


st.title("Label", anchor=False)
st.warning(
    "Verdicts are a click away on these pages, and whoever has seen them is no longer blind. So labelling "
    "happens in an app of its own, which shows one queue and nothing else.",
    icon=":material/visibility_off:",
)
st.subheader("A new queue", anchor=False)
show_form()
show_queues(queues_folder(runs_root()), runs_root())
if context.has_tables:
    for section in SECTIONS:
        if section.title in AGREEMENT:
            show_section(context, section)
