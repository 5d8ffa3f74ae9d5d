"""What was found: which is better, may the judge be believed, what to look at, what to do next."""

from typing import Any

import streamlit as st
from drawing import forest
from loading import Selection, plain

from evalhub.analysis import findings_beside, in_order, rows_of
from evalhub.analysis.findings.finding import Question, Verdict
from evalhub.report.outputs.marks import action_of, mark_of
from evalhub.report.plots import Plot, judge_plots, system_plots

selection: Selection = st.session_state["selection"]

COLOURS = {Verdict.GOOD: "green", Verdict.CAUTION: "orange", Verdict.BAD: "red", Verdict.UNKNOWN: "gray"}


def found() -> None:
    """Show the findings about the run and the chosen dataset, under their questions."""
    rows = [
        *rows_of(selection.table("findings")),
        *(finding.as_row() for finding in findings_beside(selection.results)),
    ]
    question = None
    for row in in_order([row for row in rows if row["dataset"] in (None, selection.dataset)]):
        if row["question"] != question:
            question = row["question"]
            st.caption(Question[question.upper()].value)
        verdict = Verdict(row["verdict"])
        st.markdown(f":{COLOURS[verdict]}[**{mark_of(row)}**]  {plain(row['sentence'])}")
        if command := action_of(row):
            st.code(command, language=None, wrap_lines=True)


def pictures(plots: list[Plot], title: str) -> None:
    if plots:
        st.subheader(title, anchor=False)
    for plot in plots:
        st.caption(plain(plot.title))
        st.altair_chart(forest(plot), alt=plot.title)


def reading() -> None:
    """Link to the samples that teach most, each with the sentence that says why."""
    rows = [row for row in rows_of(selection.table("worth_reading")) if row["dataset"] == selection.dataset]
    if rows:
        st.subheader("Worth reading", anchor=False)
    for row in rows:
        st.page_link("views/samples.py", label=plain(row["sentence"]), query_params=_link(row))


def _link(row: dict[str, Any]) -> dict[str, str]:
    return selection.link(item=row["item_id"], judge=row["judge"], criterion=row["criterion"])


manifest = selection.run.manifest
st.title(plain(manifest.title or manifest.suite), anchor=False)
sentences, drawings = st.columns([1.3, 1], gap="large")
with sentences:
    found()
data = {name: rows_of(selection.rows(name)) for name in ("system_summary", "judge_summary")}
with drawings:
    pictures(list(system_plots(data)), "Which is better?")
    pictures(list(judge_plots(data)), "Can the judge be trusted?")
reading()
