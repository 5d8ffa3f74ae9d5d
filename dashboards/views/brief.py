"""What was found: which is better, may the judge be believed, what to look at, what to do next."""

import streamlit as st
from context import Context
from parts.sections import show_findings, show_plots
from parts.text import plain
from parts.units import unit_of

from evalhub.report.grids.verdicts import judge_of
from evalhub.report.plots.estimates import judge_plots, system_plots

context: Context = st.session_state["context"]


def show_reading() -> None:
    """Link to the samples that teach most, each with the sentence that says why."""
    rows = context.rows("worth_reading")
    if rows:
        st.subheader("Worth reading", anchor=False)
    for row in rows:
        query = context.link(unit=unit_of(row), of=judge_of(row), judge=row["judge"], crit=row["criterion"])
        label = plain(f"{row['item_id']}: {row['sentence']}")
        st.page_link("views/samples.py", label=label, icon=":material/article:", query_params=query)


manifest = context.run.manifest
st.title(plain(manifest.title or manifest.suite), anchor=False)
sentences, drawings = st.columns([1.3, 1], gap="large")
with sentences:
    show_findings(context, titled=True)
data = context.data(("system_summary", "judge_summary"))
with drawings:
    if systems := list(system_plots(data)):
        st.subheader("Which is better?", anchor=False)
        show_plots(systems, across=1)
    if judges := list(judge_plots(data)):
        st.subheader("Can the judge be trusted?", anchor=False)
        show_plots(judges, across=1)
show_reading()
