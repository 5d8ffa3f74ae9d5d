"""Findings on a terminal: a mark for the verdict, the sentence, and the command that shows or mends more."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from evalhub.analysis.findings.finding import Question, Verdict
from evalhub.report.format import visible
from evalhub.report.outputs.marks import action_of, mark_of
from evalhub.texts import count

_STYLES = {Verdict.GOOD: "green", Verdict.CAUTION: "yellow", Verdict.BAD: "bold red", Verdict.UNKNOWN: "cyan"}
_ALWAYS = Question.CONCLUSIVE.name.lower()
_INDENT = "  "
_INTERVAL = re.compile(r"\S+ \[[^\]]*\]")
_NO_BREAK = "\u00a0"
# What stands first when not all findings fit: what is wrong, then what is certain.
_URGENCY = [Verdict.BAD, Verdict.GOOD, Verdict.CAUTION, Verdict.UNKNOWN]

Rows = Sequence[dict[str, Any]]


def print_findings(console: Console, findings: Rows, *, most_lines: int | None = None) -> None:
    """Print findings under their questions.

    Args:
        console: Where.
        findings: Rows of `findings`, in order.
        most_lines: How many lines they may take. Then the less urgent ones are left out and counted. None =
            all are printed.
    """
    shown = findings if most_lines is None else _fitting(findings, console.width, most_lines)
    question = None
    for finding in shown:
        if finding["question"] != question:
            question = finding["question"]
            console.print()
            console.print(Text(Question[question.upper()].value, style="bold"))
        for line in _lines(finding, console.width):
            console.print(line)
    if len(shown) < len(findings):
        rest = count(len(findings) - len(shown))
        console.print(Text(f"{_INDENT}{rest} further findings: evalhub report --full", style="dim"))


def _lines(finding: dict[str, Any], width: int) -> Iterator[Text]:
    verdict = Verdict(finding["verdict"])
    sentence = _INTERVAL.sub(_joined, visible(finding["sentence"]))
    for place, line in enumerate(textwrap.wrap(sentence, width - len(_INDENT), break_on_hyphens=False)):
        text = Text(f"{mark_of(finding)} " if place == 0 else _INDENT, style=_STYLES[verdict])
        yield text.append(line.replace(_NO_BREAK, " "), style="default")
    if command := action_of(finding):
        yield Text(f"{_INDENT}{visible(command)}", style="dim")


def _joined(interval: re.Match[str]) -> str:
    """Return an estimate and its interval without a place to break the line."""
    return interval.group().replace(" ", _NO_BREAK)


def _fitting(findings: Rows, width: int, most_lines: int) -> Rows:
    """Return the findings that fit, each question's most urgent first, in their order."""
    places_shown: set[int] = set()
    free = most_lines
    questions: set[str] = set()
    for place in _by_urgency(findings):
        finding = findings[place]
        size = len(list(_lines(finding, width))) + (0 if finding["question"] in questions else 2)
        if size <= free or finding["question"] == _ALWAYS:
            free -= size
            places_shown.add(place)
            questions.add(finding["question"])
    return [finding for place, finding in enumerate(findings) if place in places_shown]


def _by_urgency(findings: Rows) -> Iterable[int]:
    """Return the places of findings: the first of each question, then the second of each, and so on."""
    by_question: dict[str, list[int]] = {}
    for place, finding in enumerate(findings):
        by_question.setdefault(finding["question"], []).append(place)
    turns: list[tuple[int, int, int]] = []
    for order, places in enumerate(by_question.values()):
        places.sort(key=lambda place: _URGENCY.index(Verdict(findings[place]["verdict"])))
        turns += [(turn, order, place) for turn, place in enumerate(places)]
    return [place for _, _, place in sorted(turns)]
