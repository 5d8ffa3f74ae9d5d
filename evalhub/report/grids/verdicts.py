"""A verdict, a label and their orders in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalhub.texts import count, number

Row = Mapping[str, Any]
_FIRST = {"ab": "system_a", "ba": "system_b"}


def judge_of(row: Row) -> str:
    """Return the judge and the criterion of a verdict."""
    return f"{row['judge']} · {row['criterion']}"


def verdict_of(row: Row) -> str:
    """Return a verdict: the winner with its probability, or the value."""
    if row["failed"]:
        return "none"
    if row["system"]:
        return "not applicable" if row["value"] is None else number(row["value"])
    winner = _name(row, row["winner"])
    return winner if row["p_a"] is None else f"{winner} {number(row['sureness'])}"


def label_of(row: Row) -> str:
    """Return the consensus of the labels. Empty where there is none."""
    if row["label_winner"]:
        return _name(row, row["label_winner"])
    return "" if row["label_value"] is None else number(row["label_value"])


def reasons_of(row: Row) -> str:
    """Return why a verdict is worth a look."""
    reasons = {"≠ labels": row["differs"], "⇄ order": row["turns"], "! failed": row["failed"]}
    return ", ".join(name for name, is_so in reasons.items() if is_so)


def first_shown(judgment: Row) -> str:
    """Return whose response a judgment shows first. Empty of a rating."""
    first = _FIRST.get(judgment["shown"] or "")
    return f"{judgment[first]} shown first" if first else ""


def orders_of(row: Row) -> str:
    """Return what each order alone says, and whether both say the same."""
    if row["system"]:
        failures = f", {count(row['failures'])} failed" if row["failures"] else ""
        return f"{count(row['askings'])} judgments{failures}" if row["askings"] > 1 else ""
    parts = []
    for order, first in _FIRST.items():
        if winner := row[f"winner_{order}"]:
            p = row[f"p_{order}"]
            sureness = "" if p is None else f" {number(max(p, 1 - p))}"
            parts.append(f"{row[first]} first: {_name(row, winner)}{sureness}")
    if len(parts) == 2:
        parts.append("the order decides" if row["turns"] else "the same in both orders")
    return " · ".join(parts)


def _name(row: Row, winner: str) -> str:
    return str({"a": row["system_a"], "b": row["system_b"]}.get(winner, "tie"))
