"""What do ROUGE and other metrics see of what people see?"""

import streamlit as st
from context import Context
from parts.responses import show_responses
from parts.sections import show_findings, show_plots, show_sections

from evalhub.analysis.findings.finding import Question
from evalhub.report.plots.estimates import agreement_plots, correlation_plots
from evalhub.report.tables.places import Place

context: Context = st.session_state["context"]

st.title("Metrics", anchor=False)
show_findings(context, Question.METRICS)
plots = [
    *agreement_plots(context.data(("agreement",))),
    *correlation_plots(context.data(("correlations", "leaderboard"))),
]
if plots:
    show_plots(plots, across=2)
else:
    st.info("This dataset has no labels in the run, so no metric can be held against people.")
show_responses(context)
show_sections(context, Place.METRICS_VIEW)
