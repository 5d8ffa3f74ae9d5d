"""Ask a run's tables in SQL. A query runs when Run is pressed, in a process that can do no harm."""

import streamlit as st
from context import Context
from parts.sql import ask, is_loopback, pick_question, show_answer, show_tables

context: Context = st.session_state["context"]

st.title("SQL", anchor=False)
if is_loopback():
    left, right = st.columns([1, 2.4], gap="large")
    with left:
        pick_question()
        st.caption("TABLES")
        show_tables(context)
    with right:
        ask(context)
        show_answer(context)
else:
    st.info(
        "SQL works only on a dashboard that other machines cannot reach, as `evalhub dashboard` starts it."
    )
