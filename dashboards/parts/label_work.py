"""Who labels what in the labelling mode. The command says it, and the page asks for the annotator's name."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st
from parts.text import plain

from evalhub.analysis import LabelTask, label_task
from evalhub.errors import EvalhubError
from evalhub.store import (
    ADJUDICATED,
    LabelEntry,
    LabelSession,
    check_annotator,
    disputed_showings,
    disputes,
    labels_folder,
    read_labels,
    runs_root,
    showings,
)
from evalhub.texts import count

PAGES = {"label": "labelling/label.py", "guideline": "labelling/guideline.py"}
"""The only pages of the labelling mode, by their files."""


@dataclass(slots=True)
class Memory:
    """What a browser remembers from one answer to the next.

    It is one object in the session state. Streamlit may end a callback at each access to the session state if
    another key was pressed meanwhile, and may run the callbacks of two keys at once. So a step is stored and
    noted here without such an access, by whoever holds the lock.

    Attributes:
        turn: The number of steps so far. A key that was pressed on an earlier page is about that page.
        since: When the page of the turn appeared.
        confidence: How sure the annotator is, from 1 to 3.
        notice, problem: What the last step has to say, once.
        lock: Held while a step is stored and noted.
    """

    turn: int = 0
    since: tuple[int, float] = (-1, 0.0)
    confidence: int | None = None
    notice: str = ""
    problem: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class Work:
    """What one person does with a queue.

    Attributes:
        memory: What the person's browser remembers.
        disputed: In adjudication, the labels of each unit on which annotators differ.
    """

    task: LabelTask
    session: LabelSession
    memory: Memory
    disputed: dict[tuple[Any, ...], tuple[LabelEntry, ...]] = field(default_factory=dict)

    @property
    def is_adjudication(self) -> bool:
        """Whether the person decides between annotators."""
        return bool(self.session.adjudicator)

    @property
    def noun(self) -> str:
        """What a unit is called on the page."""
        return "pair" if self.task.queue.is_pairwise else "response"

    @property
    def units(self) -> str:
        """How many units the queue has."""
        return counted(len(self.task.queue.units), self.noun)


def counted(number: int, noun: str) -> str:
    """Return a number of things in words, such as `1 pair`."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def open_work() -> Work | None:
    """Return what the person at this browser does. Ask for the name, where nobody gave one yet."""
    path = Path(os.environ["EVALHUB_LABEL_QUEUE"])
    try:
        task = _task(str(path), path.stat().st_mtime_ns, str(runs_root()))
    except (EvalhubError, OSError):
        # The message would name the file, and its name may tell what is hidden.
        st.error("The queue cannot be read. Start the command again: it says what is wrong.")
        return None
    folder = labels_folder(runs_root())
    name = _name(task, folder)
    if name is None:
        return None
    memory: Memory = st.session_state.setdefault("memory", Memory())
    if not os.environ.get("EVALHUB_LABEL_ADJUDICATE"):
        return Work(task, _session(str(path), path.stat().st_mtime_ns, str(runs_root()), name), memory)
    disputed = disputes(task.queue, read_labels(folder, [task.queue.dataset]))
    session = LabelSession(
        folder=folder, queue=task.queue.name, annotator=ADJUDICATED, adjudicator=name,
        showings=disputed_showings(task.queue, name, disputed), guideline=task.guideline.version,
    )  # fmt: skip
    return Work(task, session, memory, disputed)


@st.cache_resource(max_entries=20, show_spinner=False)
def _task(path: str, modified: int, runs: str) -> LabelTask:
    del modified
    return label_task(Path(path), Path(runs))


@st.cache_resource(max_entries=100, show_spinner=False)
def _session(path: str, modified: int, runs: str, annotator: str) -> LabelSession:
    task = _task(path, modified, runs)
    return LabelSession(
        folder=labels_folder(Path(runs)), queue=task.queue.name, annotator=annotator,
        showings=showings(task.queue, annotator), guideline=task.guideline.version,
    )  # fmt: skip


def _name(task: LabelTask, folder: Path) -> str | None:
    """Return the name of the person: the command's, or that of the address, which a reload keeps."""
    if name := os.environ.get("EVALHUB_LABEL_ANNOTATOR"):
        return name
    name = st.session_state.get("name") or st.query_params.get("annotator")
    problem = ""
    if name:
        problem = _problem(folder, name)
        if not problem:
            st.session_state["name"] = name
            if st.query_params.get("annotator") != name:
                st.query_params["annotator"] = name
            return str(name)
    _ask(task, problem)
    return None


def _problem(folder: Path, name: str) -> str:
    try:
        check_annotator(folder, name)
    except EvalhubError as error:
        return str(error)
    return ""


def _ask(task: LabelTask, problem: str) -> None:
    """Ask for the name. It is stored with each label, so that two people never count as one."""
    st.title(f"Queue {plain(task.title)}" if task.title else "A queue to label", anchor=False)
    with st.form("who", width=420):
        name = st.text_input("Your name", help="Letters, digits and . _ @ + - without spaces.")
        begins = st.form_submit_button("Begin")
    if problem:
        st.error(plain(problem))
    if begins:
        st.session_state["name"] = name.strip()
        if name.strip():
            st.rerun()
    st.caption("You see no system, no judge's verdict and no other label. Each answer is stored at once.")
