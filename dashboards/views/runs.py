"""All runs of the folder, and one of them: its state, coverage, failures, engines and cost."""

import pandas as pd
import streamlit as st
from context import Context, runs_of
from parts.engines import show_engines
from parts.sections import show_findings, show_sections
from parts.text import plain

from evalhub.analysis.findings.finding import Question
from evalhub.report.tables.places import Place
from evalhub.store import Run, runs_root, tags_of
from evalhub.texts import count

context: Context = st.session_state["context"]

LISTED = 200


def row_of(run: Run) -> dict[str, object]:
    """Return a run as a line of the list."""
    coverage = run.manifest.coverage
    judged = sum(entry.judgments for entry in coverage.values())
    expected = sum(run.manifest.expected.values())
    return {
        "run": run.id,
        "suite": run.manifest.suite,
        "state": run.state.value,
        "begun": f"{run.manifest.created:.16}".replace("T", " "),
        "judgments": judged if run.finished else None,
        "planned": expected,
        "valid": sum(entry.valid for entry in coverage.values()) if run.finished else None,
        "seconds": round(run.manifest.seconds, 1) if run.manifest.seconds else None,
        "tags": ", ".join(tags_of(run)),
    }


def show_list() -> None:
    runs = list(runs_of(runs_root()).values())
    frame = pd.DataFrame([row_of(run) for run in runs[:LISTED]])
    # A selected row belongs to one list.
    key = f"runs {len(runs)} {runs[0].id}"
    event = st.dataframe(
        frame, hide_index=True, on_select="rerun", selection_mode="single-row", key=key,
        height=min(38 + 35 * len(frame), 320), alt="All runs, the newest first",
    )  # fmt: skip
    if len(runs) > LISTED:
        st.caption(
            f"{count(len(runs) - LISTED)} older runs are not listed. `evalhub runs --limit 0` lists all."
        )
    if event.selection.rows:
        name = runs[event.selection.rows[0]].id
        st.page_link("views/brief.py", label=f"Open {plain(name)}", query_params={"run": name})


st.title("Runs", anchor=False)
show_list()
st.subheader(plain(context.run.id), anchor=False)
if context.has_tables:
    show_findings(context, Question.CONCLUSIVE, Question.MEASURED)
    show_sections(context, Place.RUNS_VIEW, opened=["Coverage and failures"])
    show_engines(context)
st.caption("This checks every file of the run against its hash:")
st.code(f"evalhub verify {context.run.id}", language=None)
