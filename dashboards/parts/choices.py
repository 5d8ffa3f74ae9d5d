"""Widgets whose value is in the address. What the address says of them is checked, and a fault is said."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from parts.text import plain


def choice(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    placeholder: str | None = None,
    width: int = 220,
    has_label: bool = False,
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
    """
    resolved = _full_name(options, key)
    if resolved is None:
        _drop_unknown(label, options, key)
    picked: str | None = st.selectbox(
        label,
        options,
        index=options.index(resolved) if resolved else None if placeholder else 0,
        placeholder=placeholder,
        key=key,
        bind="query-params",
        label_visibility="visible" if has_label else "collapsed",
        width=width,
    )
    return picked if picked in options else None if placeholder else options[0]


def _full_name(options: Sequence[str], key: str) -> str | None:
    """Return the option `judge · criterion` where the address names the judge alone."""
    value = st.query_params.get(key)
    if value is None or value in options:
        return None
    return next((option for option in options if option.startswith(f"{value} · ")), None)


def _drop_unknown(label: str, options: Sequence[str], key: str) -> None:
    """Say which value of the address is none of the options. It does not count."""
    value = st.query_params.get(key)
    if value is not None and value not in options and st.session_state.get(key) not in options:
        drop(f"{label} “{value}” is not known here")


def drop(sentence: str) -> None:
    """Remember what does not count, for `say_dropped`."""
    st.session_state.setdefault("dropped", []).append(sentence)


def say_dropped() -> None:
    """Say in one line which values of the address were dropped."""
    dropped = st.session_state.pop("dropped", [])
    if dropped:
        st.warning(plain(f"Left out: {', '.join(dict.fromkeys(dropped))}."))
