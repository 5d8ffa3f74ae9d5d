"""A against B: one run against an earlier one, or two systems of a run."""

import streamlit as st
from context import Context
from parts.comparisons import choose_base, show_run_comparison, show_system_comparison
from parts.sections import show_findings

from evalhub.analysis.findings.finding import Question

context: Context = st.session_state["context"]

st.title("Compare", anchor=False)
show_findings(context, Question.CHANGE)
base = choose_base(context)
if base is None:
    show_system_comparison(context)
else:
    show_run_comparison(context, base)
