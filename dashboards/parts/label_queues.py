"""The queues beside the labels: how far annotators are with each, and how many labels an interval needs."""

from __future__ import annotations

import shlex
from pathlib import Path

import streamlit as st
from context import Context
from parts.sections import show_grid, show_table
from parts.text import plain

from evalhub.analysis import (
    AnnotatorProgress,
    count_undecided_disputes,
    labels_needed,
    queue_progress,
    rows_of,
)
from evalhub.errors import EvalhubError
from evalhub.report.format import Footnotes, Row
from evalhub.report.tables.places import Place
from evalhub.report.tables.registry import sections_of
from evalhub.store import (
    ADJUDICATED,
    LabelEntry,
    LabelQueue,
    labels_folder,
    read_entries,
    read_labels,
    read_queue,
)
from evalhub.texts import ABSENT, count

_LISTED = 20
_WIDTH = 0.1


def show_need(context: Context, judge: str, criterion: str) -> None:
    """Show how many labels an interval needs, with and without the judge. A large run would take too long."""
    if context.results.database.is_large:
        return
    box = st.expander("How many labels are needed?", on_change="rerun", key="labels needed")
    if not box.open:
        return
    with box:
        subject = (context.dataset, judge, criterion)
        rows = [
            row
            for row in _need(str(context.run.path), context.version, context)
            if (row["dataset"], row["judge"], row["criterion"]) == subject
        ]
        if not rows:
            st.caption("Nobody labelled what this judge judged, so there is no pilot. Begin with 50.")
            return
        st.caption(f"For an interval that is {_WIDTH:.2f} wide from end to end:")
        notes = Footnotes()
        for section in sections_of(Place.LABELS):
            for grid in section.grids({"labels_needed": rows}, notes):
                show_grid(grid, has_title=False)
        for line in notes.lines():
            st.caption(plain(line))


@st.cache_resource(max_entries=20, show_spinner="Counting")
def _need(path: str, version: str, _context: Context) -> list[Row]:
    del path, version
    return list(rows_of(labels_needed(_context.results, width=_WIDTH)))


def show_queues(folder: Path, runs: Path) -> None:
    """Show the newest queues of a folder, each with how far its annotators are. No label is shown."""
    paths = sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime, reverse=True)
    if not paths:
        return
    st.subheader("Queues", anchor=False)
    labels = labels_folder(runs)
    entries = read_entries(labels)
    for path in paths[:_LISTED]:
        try:
            queue = _queue(str(path), path.stat().st_mtime_ns)
        except EvalhubError as error:
            st.caption(plain(f"{path.name} is no queue: {error}"))
            continue
        _show_queue(path, queue, entries, runs)
    if len(paths) > _LISTED:
        st.caption(f"{count(len(paths) - _LISTED)} older queues are not listed.")


@st.cache_resource(max_entries=50, show_spinner=False)
def _queue(path: str, modified: int) -> LabelQueue:
    del modified
    return read_queue(Path(path))


def _show_queue(path: Path, queue: LabelQueue, entries: list[LabelEntry], runs: Path) -> None:
    units = "pairs" if queue.is_pairwise else "responses"
    with st.container(border=True):
        st.markdown(
            f"**{plain(queue.name)}** · {count(len(queue.units))} {units} of {plain(queue.dataset)} · "
            f"{plain(queue.criterion)}"
        )
        annotators = [line for line in queue_progress(queue, entries) if line.annotator != ADJUDICATED]
        if annotators:
            total = len(queue.units)
            show_table([_line(line, total) for line in annotators], alt=f"Progress of {queue.name}")
        else:
            st.caption("Nobody began yet.")
        command = ["evalhub", "label", str(path), "--runs", str(runs)]
        st.code(shlex.join(command), language=None)
        open_disputes = count_undecided_disputes(queue, read_labels(labels_folder(runs), [queue.dataset]))
        if open_disputes:
            st.caption(f"Annotators differ on {count(open_disputes)}. This decides between them:")
            st.code(shlex.join([*command, "--adjudicate"]), language=None)


def _line(line: AnnotatorProgress, total: int) -> Row:
    estimate = line.self_agreement
    ends = "" if estimate.low is None else f" [{estimate.low:.2f}, {estimate.high:.2f}]"
    share = ABSENT if estimate.estimate is None else f"{estimate.estimate:.2f}{ends}"
    return {
        "annotator": line.annotator,
        "labelled": f"{count(line.labelled)} of {count(total)}",
        "cannot decide": count(line.undecided),
        "labelled twice": count(estimate.n),
        "same both times": share,
    }
