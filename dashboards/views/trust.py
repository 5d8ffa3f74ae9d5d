"""May a judge speak for people?"""

import streamlit as st
from context import Context
from parts.sections import show_findings, show_plots, show_sections
from parts.trust_details import show_calibration, show_confusion, show_labels_needed

from evalhub.analysis.findings.finding import Question
from evalhub.report.plots.estimates import judge_plots
from evalhub.report.tables.places import Place

context: Context = st.session_state["context"]

st.title("Trust", anchor=False)
show_findings(context, Question.TRUST)
show_plots(judge_plots(context.data(("judge_summary",))))
show_confusion(context)
show_calibration(context)
show_labels_needed(context)
show_sections(context, Place.TRUST_VIEW)
