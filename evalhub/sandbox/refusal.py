"""What the child process cannot accept, as the parts of one sentence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class Refused(Exception):
    """The job cannot be done; the arguments are those of an error of `evalhub.errors`.

    Args:
        where: The key of the card, or the file and line that hold the problem.
        what: The problem.
        more: `value`, `allowed` and `fix`; `kind` for an unknown name; `excerpt` for text of several lines.
    """

    def __init__(self, where: str, what: str, **more: Any) -> None:
        self.reply = {"where": where, "what": what, **more}
        super().__init__(what)

    def inside(self, place: str) -> Refused:
        """Return the same refusal with its place inside another one, such as a line inside a file."""
        reply = dict(self.reply)
        where, what = reply.pop("where"), reply.pop("what")
        return Refused(f"{place}{where}", what, **reply)


def unknown_column(name: str, known: Iterable[str], where: str = "") -> Refused:
    """Return that a file lacks a declared column; the nearest name is offered."""
    return Refused(where, "no row has this column", kind="column", value=name, allowed=sorted(set(known)))


def one_line(error: Exception) -> str:
    """Return DuckDB's message without its drawing of the query, as one line."""
    text = str(error).split("\nLINE ")[0].split("\nTry setting")[0]
    text = " ".join(text.split())
    return text if len(text) <= 300 else text[:300] + "…"


def drawing(error: Exception) -> str:
    """Return the line of a query that DuckDB's message shows, with the caret below it; empty without one."""
    _, sign, rest = str(error).partition("\nLINE ")
    return f"LINE {rest.rstrip()}" if sign else ""
