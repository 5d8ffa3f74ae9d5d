"""The pages, and the sidebar that leads to them. Each link pins the run and the dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.navigation.page import StreamlitPage

if TYPE_CHECKING:
    from context import Context

_VIEWS = {
    "Today": {
        "brief": ("Brief", "lightbulb", "What was found, what it rests on, and what to read."),
    },
    "Results": {
        "ranking": ("Ranking", "leaderboard", "How the systems stand, by whom, and whether it holds."),
        "compare": (
            "Compare",
            "compare_arrows",
            "Two runs or two systems: what changed, and where.",
        ),
        "trends": ("Trends", "timeline", "The main numbers of a suite, run by run."),
    },
    "Judges": {
        "trust": ("Trust", "handshake", "Whether a judge may stand in for people."),
        "biases": ("Biases", "balance", "What pulls a judge's verdicts, and what fools it."),
        "metrics": ("Metrics", "straighten", "What ROUGE and other metrics see of what people see."),
    },
    "Evidence": {
        "samples": ("Samples", "article", "Every verdict, with its responses, rationale and labels."),
        "label": ("Label", "edit_note", "Label pairs and responses yourself."),
    },
    "Machine": {
        "runs": ("Runs", "dns", "All runs: their state, coverage, engines and cost."),
        "library": ("Library", "library_books", "The rubrics, datasets and suites of a run."),
        "sql": ("SQL", "database", "Ask a run's tables in SQL."),
    },
}


def make_pages() -> dict[str, list[StreamlitPage]]:
    """Return the pages of each section, in order, for one reader.

    Streamlit notes in a page whether it may run now, so no two readers may share one.
    """
    return {
        section: [
            st.Page(f"views/{name}.py", title=title, icon=f":material/{icon}:", default=name == "brief")
            for name, (title, icon, _) in views.items()
        ]
        for section, views in _VIEWS.items()
    }


# Streamlit marks the page that is open and the link that has the focus in the same way.
_FOCUS = """<style>[data-testid="stPageLink-NavLink"]:focus-visible
{ outline: 2px solid currentColor; outline-offset: -2px; }</style>"""
_HELP = {title: text for views in _VIEWS.values() for title, _, text in views.values()}

READY_AT_ONCE = frozenset({"samples", "label", "runs", "library", "sql"})
"""The pages that need no table that is made at the end of a run."""


def show_navigation(sections: dict[str, list[StreamlitPage]], context: Context | None) -> None:
    """Show the sections in the sidebar. Before there is a run, the links lead to the pages alone."""
    with st.sidebar:
        st.html(_FOCUS)
        for section, pages in sections.items():
            st.caption(section.upper())
            for page in pages:
                st.page_link(
                    page,
                    query_params=context.link() if context else None,
                    help=_HELP[page.title],
                    width="stretch",
                )
