"""Every verdict as a list, and one sample in full beside it."""

import streamlit as st
from context import Context
from parts.choices import choice
from parts.filters import show_filters
from parts.sample import show_sample
from parts.sample_list import PAGE, chosen_unit, show_list, show_steps

from evalhub.analysis import verdict_list
from evalhub.analysis.run.verdict_list import ORDERS
from evalhub.texts import count

context: Context = st.session_state["context"]


def page_number() -> int:
    """Return the page of the list, which its widget below the list decides."""
    number = str(st.session_state.get("page") or st.query_params.get("page") or 1)
    return int(number) if number.isdigit() and 0 < int(number) < 10**9 else 1


st.title("Samples", anchor=False)
verdicts = show_filters(context)
listing, detail = st.columns([1, 1.45], gap="medium")
with listing:
    heading = st.container(horizontal=True, vertical_alignment="center")
    with heading:
        total_shown = st.empty()
        order = choice("Order", list(ORDERS), key="order", width=130)
    rows, total = verdict_list(context.results, verdicts, order=str(order), page=page_number(), size=PAGE)
    total_shown.markdown(f"**{count(total)}** verdicts")
    show_list(rows)
    pages = max(1, -(-total // PAGE))
    if pages > 1:
        st.pagination(pages, key="page", bind="query-params", max_visible_pages=5)
with detail:
    unit = chosen_unit(rows)
    if unit is None:
        st.info("No verdict passes these filters.")
    else:
        show_steps(rows)
        show_sample(context, *unit)
