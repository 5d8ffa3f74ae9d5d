"""What a run that is not finished does now, read every two seconds."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from parts.text import plain

from evalhub.store import Run, SignOfLife, State, read_heartbeat
from evalhub.texts import count

_MINUTE = 60


def show_state(run: Run) -> None:
    """Show how far an unfinished run is. No ranking is claimed of it."""
    if run.finished:
        return
    if run.state is State.RUNNING:
        _follow(str(run.path))
        return
    effect = "repeats what failed in a new run" if run.state is State.STOPPED else "continues it"
    st.warning(
        f"This run is {run.state.value}. The numbers cover the records written so far. "
        f"The same `evalhub run` {effect}.",
        icon=":material/pause_circle:",
    )


@st.fragment(run_every="2s")
def _follow(path: str) -> None:
    """Show the last sign of life, and read the page again when the run has ended."""
    run = Run(Path(path))
    sign = read_heartbeat(run.path)
    if sign is None or run.state is not State.RUNNING:
        st.rerun(scope="app")
    st.progress(_share(sign), text=f"Running: {_in_words(sign)}")


def _share(sign: SignOfLife) -> float:
    total = sign.counts.total
    return min(sign.counts.steps / total, 1.0) if total else 0.0


def _in_words(sign: SignOfLife) -> str:
    counts = sign.counts
    of_total = f" of {count(counts.total)}" if counts.total else ""
    parts = [f"{plain(counts.stage)}, {count(counts.steps)}{of_total}"]
    if counts.cache_hits:
        parts.append(f"{count(counts.cache_hits)} taken from earlier runs")
    if counts.failures:
        parts.append(f"{count(counts.failures)} failed")
    minutes = sign.elapsed / _MINUTE
    parts.append(f"{minutes:.0f} minutes so far" if minutes >= 1 else f"{sign.elapsed:.0f} s so far")
    if sign.age > 4:
        parts.append(f"no sign of life for {sign.age:.0f} s")
    return " · ".join(parts)
