"""What judges wanted to say instead of a verdict, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from evalhub.report.format import count, number, visible


def wishes(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Say which judges gave their allowed answers little probability, and what they wanted to say.

    A dataset and criterion of a judge is named where the judge's mean over all of them is not low.

    Args:
        rows: Of the table `choice_mass`.
    """
    low = [row for row in rows if row["low"]]
    whole = {(row.get("run"), row["judge"]) for row in low if not row["dataset"]}
    for row in low:
        if row["dataset"] and (row.get("run"), row["judge"]) in whole:
            continue
        judge, mass = visible(row["judge"]), number(row["mass"])
        cell = f" on {visible(row['dataset'])} · {visible(row['criterion'])}" if row["dataset"] else ""
        sentence = f"judge {judge} gave its allowed answers{cell} a mean probability of {mass}"
        if row["token"] is not None:
            token = visible(repr(row["token"]))
            sentence += (
                f"; it most often wanted to say {token} ({count(row['token_n'])} of {count(row['n'])})"
            )
        if row["thinks"]:
            sentence += "; its model thinks before it answers, so ask it with mode: think"
        yield sentence
