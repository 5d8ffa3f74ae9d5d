"""The answers of an annotator as buttons with keys. Each is stored before the next unit is shown."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st
from parts.label_unit import show_dispute
from parts.label_work import Memory, Work
from parts.text import plain

from evalhub.errors import StorageError
from evalhub.scales import Level
from evalhub.store import Answer, Decision, Showing, Side
from evalhub.texts import clean

_CONFIDENCES = (("q", "Unsure"), ("w", "Fairly sure"), ("e", "Sure"))
_LONGEST_MEANING = 48
_LONGEST_NOTE = 2000
_NOTHING_TO_UNDO = "There is no answer of yours to take back."
_REPLACED = "You had answered this already, in another window. Your newer answer counts."

HELP = """
- A key answers and shows the next one at once. What you answered is stored, also if the browser closes.
- `z` takes the last answer back and shows it again.
- `q`, `w` and `e` say how sure you are, before the answer. That stays until you change it.
- A note belongs to what is shown. Leave its field with Tab: while you type, keys do not answer.
- `0` says that you cannot decide. That is better than a guess.
- A tenth comes twice, to show how steady the answers are. Answer afresh: the sides are drawn anew.
"""
"""How the page is used, in Markdown."""


@dataclass(frozen=True, slots=True)
class Option:
    """One possible answer.

    Attributes:
        key: The key on the keyboard. "" = there is none left.
        side: The side of a pair that it prefers.
        level: The level of a rating.
    """

    key: str
    label: str
    side: Side | None = None
    level: Level | None = None


_UNDECIDED = Option("0", "Cannot decide")


def options_of(work: Work) -> tuple[Option, ...]:
    """Return the possible answers to a queue, with their keys."""
    guideline = work.task.guideline
    if work.task.queue.is_pairwise:
        sides = [Option("1", "Left", Side.LEFT), Option("3", "Right", Side.RIGHT)]
        if guideline.has_ties:
            sides.insert(1, Option("2", "Tie", Side.TIE))
        return (*sides, _UNDECIDED)
    names = [level.name for level in guideline.levels]
    is_numbered = all(len(name) == 1 and name in "123456789" for name in names)
    levels = [
        Option(level.name, _short(level.meaning) or level.name, level=level)
        if is_numbered
        else Option(str(place) if place < 10 else "", _name(level), level=level)
        for place, level in enumerate(guideline.levels, 1)
    ]
    return (*levels, _UNDECIDED)


def show_details(work: Work, showing: Showing, rows: int) -> None:
    """Show what belongs to an answer before it is given: how sure the annotator is, and a note."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("How sure?", width="content")
        for place, (key, label) in enumerate(_CONFIDENCES, 1):
            st.button(
                label, key=f"confidence-{place}", shortcut=key, on_click=_toggle, args=(work.memory, place),
                type="primary" if work.memory.confidence == place else "secondary",
            )  # fmt: skip
        st.text_input(
            "Note", key=_note_key(showing, rows), placeholder="Note", max_chars=_LONGEST_NOTE,
            label_visibility="collapsed", width=320,
        )  # fmt: skip
        show_undo(work, rows)
    keys = " ".join(option.key for option in options_of(work)[:-1] if option.key) or "1"
    st.caption(f"Keys: {keys} answer · 0 cannot decide · q w e how sure · z undo · Tab leaves the note")


def show_undo(work: Work, rows: int, label: str = "Undo") -> None:
    """Show the button that takes the latest answer back."""
    turn = work.memory.turn
    st.button(
        label, key=f"undo-{rows}", shortcut="z", icon=":material/undo:", on_click=_undo, args=(work, turn)
    )


def show_answers(work: Work, showing: Showing, rows: int) -> None:
    """Show the answers at the lower edge, where they stay while the texts scroll.

    Args:
        work: What the annotator does.
        showing: What is shown.
        rows: The number of steps that are stored. With it the keys of buttons are those of this page alone,
            also after a restart.
    """
    turn = work.memory.turn
    if work.is_adjudication:
        with st.bottom, st.container(horizontal=True, horizontal_alignment="center"):
            show_dispute(work, showing)
    with st.bottom, st.container(horizontal=True, horizontal_alignment="center", gap="small"):
        if not work.task.queue.is_pairwise and not work.task.guideline.levels:
            _show_number(work, showing, rows)
        for place, option in enumerate(options_of(work)):
            arguments = (work, showing, rows, turn, option)
            is_pressed = st.button(
                plain(option.label), key=f"answer-{showing.number}-{rows}-{place}",
                shortcut=option.key or None, on_click=_answer, args=arguments,
                type="tertiary" if option is _UNDECIDED else "secondary",
            )  # fmt: skip
            if is_pressed:
                # The first press after a restart comes before the page that it is about, which is this page.
                _answer(*arguments)
                st.rerun()
    if work.memory.since[0] != turn:
        work.memory.since = (turn, time.monotonic())


def _show_number(work: Work, showing: Showing, rows: int) -> None:
    """Show a field for a rating that is any number of a range."""
    low, high = work.task.guideline.range or (0.0, 1.0)
    value = st.number_input(
        "Rating", low, high, value=None, key=f"number-{showing.number}-{rows}",
        placeholder=f"{low:g} to {high:g}", label_visibility="collapsed", width=160,
    )  # fmt: skip
    option = Option("1", "Store", level=Level("", value, ""))
    st.button(
        option.label, key=f"store-{showing.number}-{rows}", shortcut=option.key, disabled=value is None,
        on_click=_answer, args=(work, showing, rows, work.memory.turn, option),
    )  # fmt: skip


def _note_key(showing: Showing, rows: int) -> str:
    return f"note-{showing.number}-{rows}"


def _name(level: Level) -> str:
    return f"{level.name}: {_short(level.meaning)}" if level.meaning else level.name


def _short(meaning: str) -> str:
    return meaning if len(meaning) <= _LONGEST_MEANING else f"{meaning[:_LONGEST_MEANING].rstrip()}…"


def _answer(work: Work, showing: Showing, rows: int, turn: int, option: Option) -> None:
    """Store an answer."""
    values: dict[str, Any] = {"decision": Decision.CANNOT_DECIDE}
    if option.side is not None:
        values = {"winner": showing.winner(option.side)}
    elif option.level is not None:
        values = {"value": option.level.value}
    shown, since = work.memory.since
    seconds = round(time.monotonic() - since, 2) if shown == turn else None
    note = clean(st.session_state.get(_note_key(showing, rows), "")).strip()
    answer = Answer(confidence=work.memory.confidence, note=note, seconds=seconds, **values)
    _step(work.memory, turn, lambda: _REPLACED if work.session.decide(showing, answer) else "")


def _undo(work: Work, turn: int) -> None:
    """Take the latest answer back."""
    _step(work.memory, turn, lambda: "" if work.session.undo() else _NOTHING_TO_UNDO)


def _step(memory: Memory, turn: int, store: Callable[[], str]) -> None:
    """Store a step, and note what it has to say. A second press on the same page does nothing more."""
    with memory.lock:
        if memory.turn != turn:
            return
        try:
            memory.notice = store()
        except StorageError as error:
            # Without the path of the file, which may tell what is hidden.
            memory.problem = f"{error.problem}; {error.fix}"
            return
        memory.turn = turn + 1


def _toggle(memory: Memory, place: int) -> None:
    memory.confidence = None if memory.confidence == place else place
