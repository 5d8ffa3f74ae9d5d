"""Sentences on what servers were not sent, and on verdicts without probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evalhub.report.format import count, grouped


def served_notes(data: dict[str, Any]) -> Iterator[str]:
    """Yield one sentence for each judge with hard verdicts and each parameter that was not sent.

    Args:
        data: With the tables `hard_verdicts` and `not_sent`.
    """
    for row in data["hard_verdicts"]:
        how_many = f"{count(row['n'])} of {count(row['of'])} verdicts"
        why = (row["reason"] or "the engine gives no probabilities").removeprefix("hard verdict: ")
        judge = f"{row['judge']} gives no probabilities"
        if row["n"] < row["of"]:
            yield f"{judge} with {how_many} ({why}): these are hard, without p_a and expected scores"
        else:
            yield (
                f"{judge} ({how_many} are hard: {why}): p_a, expected scores, label mass and all that is made"
                " of them are absent"
            )
    for (by_whom, parameter), rows in grouped(data["not_sent"], "by_whom", "parameter"):
        values = list(dict.fromkeys(row["asked_as"] for row in rows))
        asked_as = ", ".join(values[:3]) + (", …" if len(values) > 3 else "")
        n = f"{count(sum(row['n'] for row in rows))} of {count(rows[0]['of'])} completions"
        yield f"{by_whom}: {parameter} ({asked_as} in the suite) was not sent with {n}: the server decided"
