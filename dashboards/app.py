"""The dashboard: all runs of a folder, from a sentence down to one verdict."""

from pathlib import Path

import streamlit as st
from context import choose
from parts.address import show_address
from parts.choices import begin_page, say_dropped
from parts.indexing import show_indexing
from parts.live import show_state
from parts.navigation import READY_AT_ONCE, make_pages, show_navigation

# A Material icon would be fetched from a font server: the tab's icon is a file of ours.
st.set_page_config(page_title="evalhub", page_icon=str(Path(__file__).parent / "icon.svg"), layout="wide")

sections = make_pages()
page = st.navigation([page for pages in sections.values() for page in pages], position="hidden")
begin_page(page.url_path)
toolbar = st.container(horizontal=True, vertical_alignment="center")
notice = st.container()
context = choose(toolbar)
show_navigation(sections, context)
if context is not None:
    st.session_state["context"] = context
    show_state(context.run)
    if context.has_tables or page.url_path in READY_AT_ONCE:
        page.run()
    else:
        st.title(page.title, anchor=False)
        if context.run.finished:
            show_indexing(context)
        else:
            st.info("The tables of a run of this size are made when it ends. Samples, Runs and SQL work now.")
    with toolbar:
        show_address(context)
with notice:
    say_dropped()
