"""How do all systems stand, by whom, and does it hold?"""

import streamlit as st
from context import Context
from parts.rankings import show_standings
from parts.sections import show_findings, show_sections

from evalhub.analysis.findings.finding import Question
from evalhub.report.tables.places import Place

context: Context = st.session_state["context"]

st.title("Ranking", anchor=False)
show_findings(context, Question.CONCLUSIVE, Question.BEST)
show_standings(context)
show_sections(context, Place.RANKING_VIEW)
