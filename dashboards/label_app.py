"""The labelling mode: one queue, blind, and its guideline. `evalhub label` serves it alone."""

from pathlib import Path

import streamlit as st
from parts.label_work import PAGES, open_work

st.set_page_config(
    page_title="evalhub: label", page_icon=str(Path(__file__).parent / "icon.svg"), layout="wide"
)
# Each reader gets pages of its own: Streamlit notes in a page whether it may run now.
label = st.Page(PAGES["label"], title="Label", default=True)
page = st.navigation([label, st.Page(PAGES["guideline"], title="Guideline")], position="hidden")
work = open_work()
if work is not None:
    st.session_state["work"] = work
    page.run()
