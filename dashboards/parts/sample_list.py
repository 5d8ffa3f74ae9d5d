"""The list of verdicts: which of them is open, and how one steps from one to the next."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st
from context import Context
from parts.choices import drop, from_address, page_of
from parts.units import Unit, parse_unit, unit_of

from evalhub.analysis import VerdictFilter, verdict_list
from evalhub.report.grids.verdicts import judge_of, label_of, reasons_of, verdict_of

PAGE = 50
"""Verdicts of a page."""

_PAGES_AT_MOST = 10**7
_HEIGHT, _ROWS_IN_SIGHT = 620, 16
_TABLE = "verdicts"
Row = dict[str, Any]


def read_page(context: Context, verdicts: VerdictFilter, order: str) -> tuple[list[Row], int]:
    """Return a page of the verdicts that pass a filter, and how many pass it.

    Another filter or order begins at the first page, and opens the first verdict.
    """
    listing = repr((context.run.id, verdicts, order))
    if st.session_state.setdefault("listing", listing) != listing:
        st.session_state.update({"listing": listing, "page": 1, "unit": None, "of": None})
    page = page_of(_PAGES_AT_MOST, key="page")
    rows, total = _read(context, verdicts, order, page)
    if page > 1 and not rows:
        st.session_state["page"] = 1
        rows, total = _read(context, verdicts, order, 1)
    return rows, total


def _read(context: Context, verdicts: VerdictFilter, order: str, page: int) -> tuple[list[Row], int]:
    return _read_once((str(context.run.path), context.version, verdicts, order, page), context)


@st.cache_resource(max_entries=200, show_spinner="Searching")
def _read_once(key: tuple[str, str, VerdictFilter, str, int], _context: Context) -> tuple[list[Row], int]:
    _, _, verdicts, order, page = key
    return verdict_list(_context.results, verdicts, order=order, page=page, size=PAGE)


def show_list(rows: list[Row]) -> None:
    """Show a page of verdicts. A selected row is opened."""
    if not rows:
        return
    has_samples = any(row["sample"] for row in rows)
    frame = pd.DataFrame(
        [
            {
                "item": row["item_id"],
                "verdict": verdict_of(row),
                "labels": label_of(row),
                "why": reasons_of(row),
                "systems": row["system"] or f"{row['system_a']} / {row['system_b']}",
                **({"sample": row["sample"]} if has_samples else {}),
                "judge": row["judge"],
                "criterion": row["criterion"],
            }
            for row in rows
        ]
    )
    st.session_state["listed"] = [(unit_of(row), judge_of(row)) for row in rows]
    st.dataframe(
        frame,
        hide_index=True,
        on_select=_open_selected,
        selection_mode="single-row",
        key=_TABLE,
        height=_HEIGHT if len(rows) > _ROWS_IN_SIGHT else "content",
        alt="Verdicts. A selected row is shown in full.",
    )


def show_steps(rows: list[Row]) -> None:
    """Show buttons, with keys, that lead to the verdict before and after the open one."""
    if not rows:
        return
    with st.container(horizontal=True):
        st.button("Previous", shortcut="k", on_click=_step, args=(-1,), key="step back")
        st.button("Next", shortcut="j", on_click=_step, args=(1,), key="step on")


def chosen_unit(rows: list[Row]) -> tuple[Unit, str | None] | None:
    """Return the sample that is open, with its judge and criterion: that of the address, else the first."""
    for key in ("unit", "of"):
        if key not in st.session_state:
            st.session_state[key] = from_address(key)
    name = st.session_state["unit"]
    unit = parse_unit(name) if name else None
    if name and unit is None:
        drop(f"Sample “{name}” is not known here")
        st.session_state["unit"] = None
    if unit is not None:
        return unit, st.session_state.get("of")
    if not rows:
        return None
    st.session_state["unit"], st.session_state["of"] = unit_of(rows[0]), judge_of(rows[0])
    first = parse_unit(unit_of(rows[0]))
    return None if first is None else (first, judge_of(rows[0]))


def _open_selected() -> None:
    selected = st.session_state[_TABLE].selection.rows
    if selected:
        _open(selected[0])


def _step(by: int) -> None:
    listed = st.session_state.get("listed", [])
    current = (st.session_state.get("unit"), st.session_state.get("of"))
    place = listed.index(current) + by if current in listed else 0
    if 0 <= place < len(listed):
        _open(place)
        st.session_state[_TABLE] = {"selection": {"rows": [place]}}


def _open(place: int) -> None:
    st.session_state["unit"], st.session_state["of"] = st.session_state["listed"][place]
