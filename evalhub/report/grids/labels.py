"""How many labels an interval needs, as grids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from evalhub.report.format import ABSENT, Footnotes, Grid, count, grouped, number, visible
from evalhub.report.outputs.terminal import say, section, wide

_ABOUT = ("dataset", "label_criterion", "judge", "measure")
_HEAD = ("system", "labelled", "correlation", "labels alone", "labels beside the judge")


def print_needed(rows: Sequence[dict[str, Any]], *, width: float) -> None:
    """Print how many labels each system needs, one table for each judge and measure.

    Args:
        rows: As `labels_needed` returns them, as plain values.
        width: Of the interval, from end to end.
    """
    console, notes = wide(), Footnotes()
    section(console, f"Labels for an interval {width:g} wide", _needed(rows, notes))
    say(console, ["correlation: of the judge's verdicts with the labels at hand.", *notes.lines()])


def _needed(rows: Sequence[dict[str, Any]], notes: Footnotes) -> Iterator[Grid]:
    for about, found in grouped(rows, *_ABOUT):
        lines = tuple(
            (
                visible(row["system"]),
                f"{count(row['labelled'])} of {count(row['rows'])}",
                number(row["correlation"]),
                *(_count(row[name], row["reason"], notes) for name in ("alone", "with_judge")),
            )
            for row in found
        )
        yield Grid(" · ".join(map(visible, about)), _HEAD, lines, 1)


def _count(labels: float | None, reason: str | None, notes: Footnotes) -> str:
    return f"{ABSENT}{notes.mark(reason)}" if labels is None else count(labels)
