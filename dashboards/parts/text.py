"""Texts of models, datasets and people on a page: nothing in them is read as markup."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from pathlib import Path

import streamlit as st

from evalhub.report.format import escape_markdown, visible

plain = escape_markdown
"""Return a text as one line without effect on the page."""

_HERE = Path(__file__).parent
_FIRST = 20_000
"""A passage shows so many characters until more are asked for. Words are compared in these alone."""
_QUOTE = re.compile(r"[\"“'‘`](.{8,300}?)[\"”'’`]", re.DOTALL)

Span = tuple[int, int, str]
"""First character, the one after the last, and what it is: `quote`, `hit` or `difference`."""

_passage = st.components.v2.component(
    "evalhub.passage",
    css=(_HERE / "passage.css").read_text(encoding="utf-8"),
    js=(_HERE / "passage.js").read_text(encoding="utf-8"),
    isolate_styles=True,
)


def passage(
    text: str | None,
    label: str,
    *,
    key: str,
    note: str = "",
    lines: int = 16,
    exact: bool = False,
    spans: list[Span] | None = None,
) -> None:
    """Show a text whole and as it is: hidden characters visible, never higher than the screen.

    Args:
        text: Any text. None = there is none.
        label: Stands over it.
        key: Names the element on its page.
        note: Stands beside the label.
        lines: It scrolls when it has more.
        exact: Whether it is set in a font of equal widths, as a prompt.
        spans: What is marked in it.
    """
    data = {
        "text": text, "label": visible(label), "note": visible(note) if note else "", "lines": lines,
        "exact": exact, "first": _FIRST, "spans": sorted(spans or []),
    }  # fmt: skip
    _passage(data=data, key=key)


def quotes_in(text: str | None, rationale: str | None) -> list[Span]:
    """Return where a rationale quotes a text."""
    quotes = {match.group(1) for match in _QUOTE.finditer(rationale or "")}
    return [span for quote in quotes for span in _places(text or "", quote, "quote")]


def hits_in(text: str | None, query: str) -> list[Span]:
    """Return where a text has the words that were searched for."""
    return _places((text or "").lower(), query.lower(), "hit") if query else []


def differences(text: str | None, other: str | None) -> list[Span]:
    """Return the words of a text that another does not have at the same place."""
    words, other_words = ([*re.finditer(r"\S+", (side or "")[:_FIRST])] for side in (text, other))
    matcher = SequenceMatcher(
        None, [word.group() for word in words], [word.group() for word in other_words], autojunk=False
    )
    spans: list[Span] = []
    for kind, start, end, _, _ in matcher.get_opcodes():
        if kind in ("delete", "replace") and end > start:
            spans.append((words[start].start(), words[end - 1].end(), "difference"))
    return spans


def _places(text: str, part: str, kind: str) -> list[Span]:
    return [(match.start(), match.end(), kind) for match in re.finditer(re.escape(part), text[:_FIRST])]
