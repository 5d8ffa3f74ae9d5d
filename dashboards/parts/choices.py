"""Widgets whose value is in the address. What the address says of them is checked, and a fault is said.

A page takes its values from the address when it is opened. From then on the widgets decide, and the address
follows them: it is replaced and never pushed, so that Back leads to the page before. Streamlit's own binding
of widgets to the address adds an entry to the browser's history at each change of the page.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from parts.text import plain

_ADDRESS = "in the address"
_DROPPED = "dropped"


def begin_page(name: str) -> None:
    """Forget what was chosen on another page. What the address of this page says counts."""
    if st.session_state.get("view") != name:
        for key in [key for key in st.session_state if not str(key).startswith("asked ")]:
            del st.session_state[key]
        st.session_state["view"] = name
    st.session_state[_ADDRESS] = {}


def from_address(key: str) -> str | None:
    """Return what the address says of a parameter when the page is opened. None = nothing."""
    return st.query_params.get(key)


def put_into_address(key: str, value: str | None) -> None:
    """Put a parameter into the address. None takes it out."""
    if value not in (None, ""):
        st.session_state[_ADDRESS][key] = value


def address() -> dict[str, str]:
    """Return the parameters of the page's address."""
    return dict(st.session_state.get(_ADDRESS, {}))


def choice(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    placeholder: str | None = None,
    width: int = 220,
    has_label: bool = False,
    hint: str | None = None,
) -> str | None:
    """Return the option that is chosen in a box or in the address.

    Args:
        label: What is chosen.
        options: At least one.
        key: Name of the parameter in the address.
        placeholder: Stands in the box while nothing is chosen, in which case None is returned. Without it,
            the first option is chosen.
        width: Of the box, in pixels.
        has_label: Whether the label stands over the box.
        hint: Another parameter of the address, which may name the first word of the option.
    """
    default = None if placeholder else options[0]
    if key not in st.session_state:
        st.session_state[key] = _first_value(label, options, key, hint) or default
    elif st.session_state[key] not in options:
        st.session_state[key] = default
    picked: str | None = st.selectbox(
        label,
        options,
        index=None if placeholder else 0,
        placeholder=placeholder,
        key=key,
        label_visibility="visible" if has_label else "collapsed",
        width=width,
    )
    put_into_address(key, picked if picked != default else None)
    return picked


def search(label: str, *, key: str, placeholder: str, width: int = 260) -> str:
    """Return the words in a box or in the address."""
    st.session_state.setdefault(key, from_address(key) or "")
    text = st.text_input(
        label, type="search", placeholder=placeholder, key=key, label_visibility="collapsed", width=width
    )
    put_into_address(key, text)
    return text or ""


def switch(label: str, *, key: str) -> bool:
    """Return whether a switch is on, on the page or in the address."""
    st.session_state.setdefault(key, from_address(key) == "true")
    is_on = st.toggle(label, key=key)
    put_into_address(key, "true" if is_on else None)
    return is_on


def removable(label: str, *, key: str) -> str | None:
    """Return a value that only the address sets. A button takes it out again."""
    st.session_state.setdefault(key, from_address(key))
    value: str | None = st.session_state[key]
    if value:
        st.button(plain(f"{label} {value} ✕"), on_click=_remove, args=(key,), key=f"{key} remove")
    put_into_address(key, value)
    return value or None


def _remove(key: str) -> None:
    st.session_state[key] = None


def page_of(pages: int, *, key: str) -> int:
    """Return the number of the page of a list, which `show_pages` changes below the list."""
    if key not in st.session_state:
        number = from_address(key) or "1"
        st.session_state[key] = int(number) if number.isascii() and number.isdigit() else 1
    st.session_state[key] = min(max(st.session_state[key], 1), pages)
    return int(st.session_state[key])


def show_pages(pages: int, *, key: str) -> None:
    """Show the pages of a list."""
    if pages > 1:
        page = int(st.session_state[key])
        # A key of its own for each page, because a page may also be turned from elsewhere.
        widget = f"{key} of {pages}, {page}"
        st.pagination(
            pages, default=page, key=widget, max_visible_pages=5, on_change=_turn, args=(key, widget)
        )
        put_into_address(key, str(page) if page > 1 else None)


def _turn(key: str, widget: str) -> None:
    st.session_state[key] = st.session_state[widget]


def drop(sentence: str) -> None:
    """Remember what does not count, for `say_dropped`."""
    st.session_state.setdefault(_DROPPED, []).append(sentence)


def say_dropped() -> None:
    """Say in one line which values of the address were dropped."""
    dropped = st.session_state.pop(_DROPPED, [])
    if dropped:
        st.warning(plain(f"Left out: {', '.join(dict.fromkeys(dropped))}."))


def _first_value(label: str, options: Sequence[str], key: str, hint: str | None) -> str | None:
    """Return the option that the address names when the page is opened. None where it names none."""
    value = from_address(key)
    if value in options:
        return value
    # `judge · criterion` may be named by its judge alone.
    first_words = [word for word in (value, from_address(hint) if hint else None) if word]
    for word in first_words:
        if option := next((option for option in options if option.startswith(f"{word} · ")), None):
            return option
    if value is not None:
        drop(f"{label} “{value}” is not known here")
    return None
