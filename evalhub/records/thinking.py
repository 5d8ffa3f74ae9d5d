"""Think text, split from the answer of a system.

Think text is at the beginning: one or several blocks between tags, with only white space before and between
them. A closing tag without an opening one ends think text too, because the prompt may have opened it. Tags
further down, and tags within backticks, belong to the answer.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from evalhub.texts import is_blank

_TAG = re.compile(r"(?P<open><|\[)(?P<slash>/?)(?P<name>[A-Za-z][\w:.-]*)(?P<close>>|\])")


@dataclass(frozen=True, slots=True)
class ThinkTags:
    """The two texts around think text.

    Tags such as `<think>` and `[THINK]` match in any case, `<think>` also with attributes. Any other text
    matches literally.

    Attributes:
        opened: Whether the prompt ends with the opening tag. A text without a closing tag was then cut.
    """

    open: str
    close: str
    opened: bool = False


THINK_TAGS = (ThinkTags("<think>", "</think>"), ThinkTags("<thinking>", "</thinking>"))


@dataclass(frozen=True, slots=True)
class Thought:
    """A text, split into answer and think text.

    Attributes:
        answer: The text without think text. None if the text ends within think text.
        reasoning: The think text, or None.
    """

    answer: str | None
    reasoning: str | None = None


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where a tag stands in a text."""

    start: int
    end: int
    closes: bool


def closing_tag(opening: str) -> str | None:
    """Return the closing tag of an opening tag. None for a text that is not a tag.

    >>> closing_tag("<reasoning>"), closing_tag("[THINK]"), closing_tag("analysis")
    ('</reasoning>', '[/THINK]', None)
    """
    tag = _TAG.fullmatch(opening)
    return f"{tag['open']}/{tag['name']}{tag['close']}" if tag and not tag["slash"] else None


def split_thinking(
    text: str, tags: Sequence[ThinkTags] = THINK_TAGS, *, opened: bool = False, anywhere: bool = False
) -> Thought:
    """Split a text into the answer and the think text before it.

    Args:
        text: The text as the model wrote it.
        tags: The tags around think text. Without any, the whole text is the answer.
        opened: Whether the prompt ends with an opening tag.
        anywhere: Whether blocks within and after the answer are think text too.

    Example:
        >>> split_thinking("<think>2 and 2</think>\\n\\n4")
        Thought(answer='4', reasoning='2 and 2')
        >>> split_thinking("2 and 2</think>4")
        Thought(answer='4', reasoning='2 and 2')
        >>> split_thinking("<think>2 and")
        Thought(answer=None, reasoning='2 and')
        >>> split_thinking("Think between <think> and </think>.")
        Thought(answer='Think between <think> and </think>.', reasoning=None)
    """
    marks = deque(_marks(text, tuple(tags)))
    opened = opened or any(pair.opened for pair in tags) or bool(marks and marks[0].closes)
    inside = bool(tags) and opened and not _goes_on(text, 0, marks, anywhere=False)
    answers: list[str] = []
    thoughts: list[str] = []
    start = 0
    while inside or _goes_on(text, start, marks, anywhere=anywhere):
        mark = _closing(marks) if inside else marks.popleft()
        if mark is None:
            return Thought(None, _joined([*thoughts, text[start:]]))
        (thoughts if inside else answers).append(text[start : mark.start])
        start, inside = mark.end, not mark.closes
    if start == 0:
        return Thought(text)
    answer = _joined([*answers, text[start:]]) if anywhere else text[start:].lstrip()
    return Thought(answer, _joined(thoughts))


def join_reasoning(turns: Iterable[str | None]) -> str | None:
    """Return the think text of several turns as one text. None if no turn has any."""
    texts = [text for text in turns if text is not None]
    return "\n\n".join(filter(None, texts)) if texts else None


def has_tags(text: str, tags: Sequence[ThinkTags] = THINK_TAGS) -> bool:
    """Return whether a text has a tag outside of backticks."""
    return bool(_marks(text, tuple(tags)))


def _goes_on(text: str, start: int, marks: deque[_Mark], *, anywhere: bool) -> bool:
    """Return whether the next tag begins a block of think text."""
    if not marks or anywhere:
        return bool(marks)
    return not marks[0].closes and is_blank(text[start : marks[0].start])


def _closing(marks: deque[_Mark]) -> _Mark | None:
    """Remove the marks of an open block and return its closing mark. None if it has none.

    Blocks within it are closed first, as long as closing tags follow each other.
    """
    depth, last = 1, None
    while marks and (last is None or (depth > 0 and marks[0].closes)):
        mark = marks.popleft()
        depth += -1 if mark.closes else 1
        last = mark if mark.closes else last
    return last


def _joined(pieces: list[str]) -> str:
    return "\n".join(stripped for piece in pieces if (stripped := piece.strip()))


def _marks(text: str, tags: tuple[ThinkTags, ...]) -> list[_Mark]:
    if not tags:
        return []
    return [
        _Mark(tag.start(), tag.end(), tag.lastgroup == "closing")
        for tag in _pattern(tags).finditer(text)
        if not text.endswith("`", 0, tag.start()) or not text.startswith("`", tag.end())
    ]


@cache
def _pattern(tags: tuple[ThinkTags, ...]) -> re.Pattern[str]:
    """Return the pattern of all tags. Longer texts come first, as one tag may begin with another."""
    forms = [(pair.close, "closing") for pair in tags] + [(pair.open, "opening") for pair in tags]
    groups: dict[str, list[str]] = {"closing": [], "opening": []}
    for text, group in sorted(forms, key=lambda pair: -len(pair[0])):
        groups[group].append(_tag_pattern(text))
    return re.compile("|".join(f"(?P<{name}>{'|'.join(patterns)})" for name, patterns in groups.items()))


def _tag_pattern(tag: str) -> str:
    form = _TAG.fullmatch(tag)
    if form is None:
        return re.escape(tag)
    begin, end = re.escape(form["open"] + form["slash"]), re.escape(form["close"])
    attributes = r"(?:\s[^<>]*(?<!/))?" if begin == "<" else r"\s*"
    return f"(?i:{begin}{re.escape(form['name'])}{attributes}{end})"
