"""What judges wanted to say instead of a verdict, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from evalhub.report.shape import count, number, visible


def wishes(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Say which judges gave their allowed answers little probability, and what they wanted to say.

    Args:
        rows: Of the table `choice_mass`.
    """
    for row in rows:
        if not row["low"]:
            continue
        judge, mass = visible(row["judge"]), number(row["mass"])
        sentence = f"judge {judge} gave its allowed answers a mean probability of {mass}"
        if row["token"] is not None:
            token = visible(repr(row["token"]))
            sentence += (
                f"; it most often wanted to say {token} ({count(row['token_n'])} of {count(row['n'])})"
            )
        if row["thinks"]:
            sentence += "; its model thinks before it answers, so ask it with mode: think"
        yield sentence
