"""Every verdict as a list, and one sample in full beside it."""

import streamlit as st
from context import Context
from parts.choices import choice, show_pages
from parts.filters import show_filters
from parts.sample import show_sample
from parts.sample_list import PAGE, chosen_unit, read_page, show_list, show_steps

from evalhub.analysis.run.verdict_list import ORDERS
from evalhub.texts import count

context: Context = st.session_state["context"]

st.title("Samples", anchor=False)
verdicts = show_filters(context)
listing, detail = st.columns([1, 1.45], gap="medium")
with listing:
    heading = st.container(horizontal=True, vertical_alignment="center")
    with heading:
        total_shown = st.empty()
        order = choice("Order", list(ORDERS), key="order", width=130)
    rows, total = read_page(context, verdicts, str(order))
    total_shown.markdown(f"**{count(total)}** verdicts")
    show_list(rows)
    show_pages(max(1, -(-total // PAGE)), key="page")
with detail:
    unit = chosen_unit(rows)
    if unit is None:
        st.info("No verdict passes these filters.")
    else:
        show_steps(rows)
        show_sample(context, *unit, rows)
