"""Cascades as grids: what each stage decides, how well, and at which cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalhub.report.format import Footnotes, Grid, Row, grouped, interval, visible
from evalhub.report.grids.columns import Data
from evalhub.texts import ABSENT, count, number

HALVES = (
    "the thresholds are set on half of the clusters of items, and everything else is measured on the other "
    "half. tests from is the number of the most confident labelled items that the first test takes. "
    "disagrees at most is the upper confidence bound of how often the stage decides against the labels. each "
    "is the cost per pair that the stage decides, as if it had judged only the pairs handed on to it"
)

MONEY = "money is for 1,000 pairs that the stage decides, in the unit of the suite's prices"

_HEAD = (
    "stage", "threshold", "set on", "tests\nfrom", "disagrees\nat most", "decided", "share", "agreement",
    "judgments\neach", "tokens in\neach", "tokens out\neach", "seconds\neach",
)  # fmt: skip


def cascade_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per cascade and labelled criterion: a stage per line, people last.

    Args:
        data: As `report_data` returns it.
        notes: Takes the reasons of what is absent, and what the numbers rest on.
    """
    key = ("cascade", "dataset", "label_criterion", "annotator_kind")
    priced = any(row["money"] is not None for row in data["cascades"])
    for (name, dataset, criterion, kind), rows in grouped(data["cascades"], *key):
        first = rows[0]
        promise = (
            f"agree {first['promised_agreement']:.0%} with {first['promised_confidence']:.0%} confidence"
        )
        marks = " ".join(filter(None, (notes.mark(HALVES), notes.mark(first["not_used"]))))
        title = f"{name}: {promise} · {dataset} · {criterion} · {kind or 'no'} labels {marks}"
        lines = tuple(_stage(statistics, notes, priced) for _, statistics in grouped(rows, "stage"))
        yield Grid(title, (*_HEAD, f"money for\n1,000 {notes.mark(MONEY)}") if priced else _HEAD, lines)


def _stage(rows: Sequence[Row], notes: Footnotes, priced: bool) -> tuple[str, ...]:
    share, *agreement = rows
    money = None if share["money"] is None else 1000 * share["money"]
    return (
        visible(share["stage"]),
        number(share["threshold"], 3) + notes.mark(share["threshold_reason"]),
        count(share["calibrated_on"]),
        count(share["tests_start"]),
        number(share["disagreement_bound"], 3),
        f"{count(share['decided'])} of {count(share['asked'])}",
        interval(share, notes),
        interval(agreement[0], notes) if agreement else ABSENT,
        *(number(share[name], 1) for name in ("judgments", "tokens_in", "tokens_out")),
        number(share["seconds"], 2) + notes.mark(share["seconds_reason"]),
        *([number(money) + notes.mark(share["money_reason"])] if priced else []),
    )
