"""The layout of a text, which a judge may favour whatever the text says."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ITEM = re.compile(r"^[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+\S", re.MULTILINE)
# Each mark with the sign that it must hold. Without the sign the pattern is not tried.
_MARKS = tuple(
    (sign, re.compile(pattern, re.MULTILINE))
    for sign, pattern in (
        ("#", r"^ {0,3}#{1,6}[ \t]+\S"),
        ("**", r"\*\*(?=[^\s*])[^*\n]+\*\*"),
        ("__", r"(?<!\w)__(?=[^\s_])[^_\n]+__(?!\w)"),
        ("|", r"^[ \t]*(?:\|[ \t]*)?:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)+(?:\|[ \t]*)?$"),
    )
)


@dataclass(frozen=True, slots=True)
class Style:
    """Counts of layout marks in a text.

    Attributes:
        lists: Items of lists, at least 0.
        markdown: Headers, bold spans, code fences and tables, at least 0.
    """

    lists: int
    markdown: int


def style(text: str) -> Style:
    """Count the list items and the marks of Markdown in a text, without those between code fences.

    Args:
        text: A response, without think text.

    Returns:
        Both counts. A fence that is never closed holds the rest of the text.

    Source: the features of Li, Angelopoulos & Chiang, Does style matter? LMSYS blog, 2024, with fences and
        tables beside headers and bold spans.

    Example:
        >>> style("# Steps\\n1. **Wash** it.\\n2. Dry it.")
        Style(lists=2, markdown=2)
        >>> style("No list - and 2 * 3 ** 4 is arithmetic.")
        Style(lists=0, markdown=0)
    """
    prose, fences = _outside_fences(text.replace("\r\n", "\n"))
    return Style(
        lists=len(_ITEM.findall(prose)),
        markdown=fences + sum(len(mark.findall(prose)) for sign, mark in _MARKS if sign in prose),
    )


def _outside_fences(text: str) -> tuple[str, int]:
    """Return the text without what is fenced, and the number of fences."""
    if "```" not in text and "~~~" not in text:
        return text, 0
    prose: list[str] = []
    fence, fences = "", 0
    for line in text.split("\n"):
        fence_match = _FENCE.match(line)
        if fence:
            closes = (
                fence_match and fence_match[1].startswith(fence) and not line[fence_match.end() :].strip()
            )
            fence = "" if closes else fence
        elif fence_match:
            fence, fences = fence_match[1], fences + 1
        else:
            prose.append(line)
    return "\n".join(prose), fences
