"""The dashboard: all runs of a folder, from a leaderboard down to one verdict."""

from pathlib import Path

import streamlit as st
from loading import choose

# A Material icon would be fetched from a font server: the tab's icon is a file of ours.
st.set_page_config(page_title="evalhub", page_icon=str(Path(__file__).parent / "icon.svg"), layout="wide")

page = st.navigation(
    [
        st.Page(
            "views/brief.py",
            title="Brief",
            icon=":material/lightbulb:",
            help="What was found: sentences first, then what they rest on and what to read.",
        ),
        st.Page(
            "views/overview.py",
            title="Overview",
            icon=":material/leaderboard:",
            help="Which system is better, with intervals; coverage, failures and what the engines did.",
        ),
        st.Page(
            "views/judges.py",
            title="Judges and people",
            icon=":material/balance:",
            help="Whether judges and metrics can be trusted: agreement and correlation with the labels.",
        ),
        st.Page(
            "views/samples.py",
            title="Samples",
            icon=":material/article:",
            help="One item in full: prompt, responses as shown, the judge's prompt, verdict and rationale.",
        ),
    ],
    position="top",
)
selection = choose()
if selection is not None:
    st.session_state["selection"] = selection
    page.run()
