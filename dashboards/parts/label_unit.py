"""A unit as an annotator sees it: texts without names, and how far the work is."""

from __future__ import annotations

from collections import Counter

import streamlit as st
from parts.label_work import PAGES, Work
from parts.text import passage, plain

from evalhub.scales import Winner
from evalhub.store import Progress, Showing

_LONGEST_QUESTION = 400


def show_header(work: Work, progress: Progress) -> None:
    """Show the queue, the guideline's version, how far the work is and how long the rest takes."""
    handled, total = len(progress.entries), len(progress.showings)
    place = f"{min(handled + 1, total)} of {total}" if handled < total else f"all {total} done"
    title = f"Queue {plain(work.task.title)}" if work.task.title else f"Queue of {work.units}"
    parts = [f"**{'Adjudication · ' if work.is_adjudication else ''}{title}**"]
    if version := work.task.guideline.version:
        parts.append(f"guideline {plain(version)}")
    parts.append(place)
    if handled < total and progress.minutes_left is not None:
        parts.append(f"about {max(1, round(progress.minutes_left))} min left")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(" · ".join(parts), width="content")
        st.page_link(PAGES["guideline"], label="Guideline", icon=":material/menu_book:", width="content")


def show_messages(work: Work) -> None:
    """Show once what the last step has to say."""
    memory = work.memory
    if memory.problem:
        st.error(plain(memory.problem))
    if memory.notice:
        st.info(plain(memory.notice))
    memory.problem = memory.notice = ""


def show_unit(work: Work, showing: Showing) -> None:
    """Show the question, the prompt and the responses. Nothing in it names a system."""
    guideline, unit = work.task.guideline, showing.unit
    question = " ".join(part for part in (guideline.title, guideline.criterion) if part)
    if question:
        st.markdown(plain(question[:_LONGEST_QUESTION]))
    passage(unit.prompt, "Prompt", key="prompt", lines=6)
    for number, document in enumerate(unit.context, 1):
        label = f"Context {number}" if len(unit.context) > 1 else "Context"
        passage(document, label, key=f"context-{number}", lines=6)
    for number, reference in enumerate(unit.references, 1):
        label = f"Right answer {number}" if len(unit.references) > 1 else "Right answer"
        passage(reference, label, key=f"reference-{number}", lines=6)
    if not unit.is_pair:
        passage(showing.texts[0], "Response", key="response", lines=14)
        return
    for column, text, label in zip(st.columns(2), showing.texts, ("Left", "Right"), strict=True):
        with column:
            passage(text, label, key=label.lower(), lines=14)


def show_dispute(work: Work, showing: Showing) -> None:
    """Show what the annotators of a unit say, without their names and in the order of the answers."""
    names = {level.value: level.name for level in work.task.guideline.levels}
    answers = Counter(
        showing.side(entry.winner).value
        if isinstance(entry.winner, Winner)
        else names.get(entry.value, f"{entry.value:g}" if entry.value is not None else "")
        for entry in work.disputed.get(showing.unit.key, ())
    )
    order = ["left", "tie", "right", *names.values()]
    order += sorted(answers.keys() - set(order))
    phrases = [
        f"{answers[answer]} {'say' if answers[answer] > 1 else 'says'} **{plain(answer)}**"
        for answer in order
        if answer in answers
    ]
    st.markdown(f"The annotators differ: {', '.join(phrases)}.", width="content")
