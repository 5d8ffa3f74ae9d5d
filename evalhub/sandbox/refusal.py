"""Why the child process refuses a job, as the parts of one error sentence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class Refused(Exception):
    """The job cannot be done. The arguments become those of an error of `evalhub.errors`.

    Args:
        where: The key of the card, or the file and line that hold the problem.
        problem: The problem in a few words.
        details: `value`, `allowed`, `fix`, `kind` for an unknown name, `excerpt` for text of several lines.
    """

    def __init__(self, where: str, problem: str, **details: Any) -> None:
        self.reply = {"where": where, "problem": problem, **details}
        super().__init__(problem)

    def inside(self, place: str) -> Refused:
        """Return the same refusal with a longer place, such as the file that holds the line."""
        reply = dict(self.reply)
        where, problem = reply.pop("where"), reply.pop("problem")
        return Refused(f"{place}{where}", problem, **reply)


def unknown_column(name: str, columns: Iterable[str], where: str = "") -> Refused:
    """Return the refusal of a file that lacks a declared column. It offers the nearest name."""
    return Refused(where, "no row has this column", kind="column", value=name, allowed=sorted(set(columns)))


def to_one_line(error: Exception) -> str:
    """Return DuckDB's message as one line, without its excerpt of the query."""
    text = str(error).split("\nLINE ")[0].split("\nTry setting")[0]
    text = " ".join(text.split())
    return text if len(text) <= 300 else text[:300] + "…"


def excerpt_of(error: Exception) -> str:
    """Return the line of the query that DuckDB's message shows, with the caret below it, or an empty text."""
    _, sign, tail = str(error).partition("\nLINE ")
    return f"LINE {tail.rstrip()}" if sign else ""
