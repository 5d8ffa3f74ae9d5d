"""What an annotator reads when all is decided: how steady the answers are, and what comes next."""

from __future__ import annotations

import streamlit as st
from parts.label_answers import show_undo
from parts.label_work import Work, counted

from evalhub.analysis import self_agreement
from evalhub.store import Decision, Progress
from evalhub.texts import count

_ENOUGH = 10
_WIDTH = 480


def show_end(work: Work, progress: Progress) -> None:
    """Show what was decided. No judge is compared here: other annotators may still label this queue."""
    if work.is_adjudication:
        _show_adjudicated(work, progress)
    else:
        _show_labelled(work, progress)
    if progress.entries:
        show_undo(work, progress.rows, "Take the last answer back")


def _show_labelled(work: Work, progress: Progress) -> None:
    firsts = [entry for entry in progress.entries.values() if not entry.repeat]
    undecided = sum(entry.decision is Decision.CANNOT_DECIDE for entry in firsts)
    st.title("All is labelled. Thank you.", anchor=False)
    sentence = f"Your labels: **{count(progress.labelled)}** of {counted(len(firsts), work.noun)}."
    st.markdown(f"{sentence} On {count(undecided)} you could not decide." if undecided else sentence)
    st.subheader("How steady are the answers?", anchor=False)
    _show_steadiness(work, progress)
    st.subheader("What comes next", anchor=False)
    st.markdown("The labels are stored, and every table uses them from now on. To read them there:")
    st.code("evalhub report", language=None, width=_WIDTH)
    st.markdown("To take them to another tool:")
    st.code("evalhub labels export labels.csv", language=None, width=_WIDTH)
    st.markdown("A second annotator shows how far people agree. Give the same queue to somebody else.")


def _show_steadiness(work: Work, progress: Progress) -> None:
    estimate = self_agreement(list(progress.entries.values()))
    if estimate.estimate is None:
        st.markdown(f"No {work.noun} was labelled twice, so this is not known.")
        return
    has_ends = estimate.low is not None and estimate.high is not None
    ends = f" [{estimate.low:.2f}, {estimate.high:.2f}]" if has_ends else ""
    st.markdown(
        f"{counted(estimate.n, work.noun)} came twice. The share on which your answer was the same: "
        f"**{estimate.estimate:.2f}**{ends}."
    )
    if estimate.n < _ENOUGH:
        st.caption(
            "So few say little about you." + (" The interval is that of the true share." if ends else "")
        )


def _show_adjudicated(work: Work, progress: Progress) -> None:
    if not progress.showings:
        st.title("There is nothing to decide", anchor=False)
        st.markdown(f"No {work.noun} of this queue has two labels that differ.")
        return
    decided = sum(entry.decision is Decision.LABEL for entry in progress.entries.values())
    st.title("All is decided. Thank you.", anchor=False)
    st.markdown(
        f"Decisions: **{count(decided)}** of {counted(len(progress.showings), work.noun)}. A decision is the "
        f"consensus of its {work.noun} from now on. How far annotators agree is counted without it."
    )
    st.code("evalhub report", language=None, width=_WIDTH)
