"""What of a run's verdicts is listed: boxes above the list, each of which is in the address."""

from __future__ import annotations

import streamlit as st
from context import Context
from parts.choices import choice, drop, from_address, removable, search, switch
from parts.units import Unit

from evalhub.analysis import VerdictFilter, filter_options, rows_of
from evalhub.analysis.run.verdict_list import CHOICES
from evalhub.report.grids.verdicts import judge_of

_BOXES = {
    "judge": ("Judge", "judge", "any judge"),
    "criterion": ("Criterion", "crit", "any criterion"),
    "system": ("System", "sys", "any system"),
    "tag": ("Tag", "tag", "any tag"),
    "failure": ("Failure", "fail", "failed or not"),
}
_FIXED = {
    "verdict": ("Verdict", "verdict", "any verdict"),
    "sureness": ("How sure the judge is", "sure", "sure or torn"),
    "labels": ("Verdict and labels", "people", "any labels"),
}
"""The boxes: name of the filter, its label, its parameter of the address, and what the empty box says."""


def _options(context: Context) -> dict[str, list[str]]:
    """Return what there is to choose from. It is counted once for a run and dataset."""
    options = _count_options((str(context.run.path), context.version, context.dataset), context)
    if context.results.database.is_large:
        # To look into all judgments takes seconds. The table, once it is made, has those of all datasets.
        rows = context.rows("failures") if context.has_tables else ()
        return {**options, "failure": sorted({row["failure"] for row in rows if row["stage"] == "judgment"})}
    return options


@st.cache_resource(max_entries=20, show_spinner="Counting")
def _count_options(key: tuple[str, str, str], _context: Context) -> dict[str, list[str]]:
    with_failures = not _context.results.database.is_large
    return filter_options(_context.results, key[-1], with_failures=with_failures)


def judges_of_unit(context: Context, unit: Unit) -> list[str]:
    """Return the judges, with their criteria, that judge pairs or responses, as the unit is one."""
    facts = "pair_facts" if len(unit.systems) == 2 else "rating_facts"
    return _count_judges((str(context.run.path), context.version, context.dataset, facts), context)


@st.cache_resource(max_entries=40, show_spinner="Counting")
def _count_judges(key: tuple[str, str, str, str], _context: Context) -> list[str]:
    _, _, dataset, facts = key
    query = f"SELECT DISTINCT judge, criterion FROM {facts} WHERE dataset = $dataset ORDER BY ALL"
    return [judge_of(row) for row in rows_of(_context.results.sql(query, {"dataset": dataset}))]


def show_filters(context: Context) -> VerdictFilter:
    """Show the filters of verdicts and return what is chosen in them."""
    options = _options(context)
    with st.container(horizontal=True, vertical_alignment="center"):
        item = removable("Item", key="item")
        text = search("Search", key="q", placeholder="search all texts")
        values = {
            name: choice(label, options[name], key=key, placeholder=empty, width=170)
            for name, (label, key, empty) in _BOXES.items()
            if len(options[name]) > (name not in ("failure", "tag")) or from_address(key)
        }
        values |= {
            name: choice(label, list(CHOICES[name]), key=key, placeholder=empty, width=150)
            for name, (label, key, empty) in _FIXED.items()
        }
        turns = switch("changes with the order", key="turns")
    if values["verdict"] in ("won", "lost") and not values.get("system"):
        drop(f"Verdict “{values['verdict']}” needs a system")
        values["verdict"] = None
    return VerdictFilter(dataset=context.dataset, item_id=item, text=text, turns=turns, **values)
