"""The labelling mode: one queue, blind, and its guideline. `evalhub label` serves it alone."""

from pathlib import Path

import streamlit as st
from parts.label_work import PAGES, open_work

st.set_page_config(
    page_title="evalhub: label", page_icon=str(Path(__file__).parent / "icon.svg"), layout="wide"
)
page = st.navigation(list(PAGES.values()), position="hidden")
work = open_work()
if work is not None:
    st.session_state["work"] = work
    page.run()
