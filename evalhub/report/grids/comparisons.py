"""Differences between systems or nights, and the rankings of every variant, as grids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from evalhub.report.format import (
    ABSENT,
    Footnotes,
    Grid,
    Row,
    count,
    grouped,
    interval,
    measure,
    number,
    p_value,
    pivot,
    visible,
)
from evalhub.report.outputs.terminal import INTERVALS, say, section, wide

_ABOUT = ("dataset", "rater", "criterion", "measure")
_TESTS = "p: sign-flip test over clusters; Holm: the same, allowing for all systems under the measure."

_FAILED = "with failures: the interval that allows for whatever the failed cells could have come out as."

Rows = Sequence[dict[str, Any]]


def print_comparisons(rows: Rows) -> None:
    """Print differences, one table for each measure.

    Args:
        rows: As `comparisons` or `nights` returns them, as plain values.
    """
    notes = Footnotes()
    console = wide()
    section(console, "Differences, paired on the items that both have", _differences(rows, notes))
    failed = [_FAILED] if any(row["failed"] for row in rows) else []
    say(console, [INTERVALS, _TESTS, *failed, *_changed(rows), *notes.lines()])


def _changed(rows: Rows) -> Iterator[str]:
    """Say which datasets, judges and metrics are not the same in both runs."""
    for dataset, what, items in dict.fromkeys(
        (row["dataset"], row.get("changed_data"), bool(row.get("changed_items"))) for row in rows
    ):
        if what:
            aside = ": the items that changed are left out" if items else ""
            yield f"• {visible(dataset)} is not the same in both runs ({visible(what)}){aside}."
    for rater, what in dict.fromkeys((row["rater"], row.get("changed")) for row in rows):
        if what:
            yield f"• {rater} is not the same in both runs ({what}): a difference may be its own."


def _differences(rows: Rows, notes: Footnotes) -> Iterator[Grid]:
    for key, found in grouped(rows, *_ABOUT):
        nights = "system" in found[0]
        names = ("system",) if nights else ("first", "second")
        failed = any(row["failed"] for row in found)
        lines = tuple(
            (
                *(visible(row[name]) for name in names),
                interval(row, notes),
                p_value(row["p"]),
                p_value(row["p_holm"]),
                count(row["n"]),
                count(row["left_out"]),
                *([_failures(row)] if failed else []),
                *([row["finding"]] if row["finding"] else []),
            )
            for row in found
        )
        what = f"{found[0]['after']} minus {found[0]['before']}" if nights else ""
        head = (*names, "difference" if nights else "first minus second", "p", "Holm", "n", "left out")
        more = (*(("with failures",) if failed else ()), *(("first is",) if found[0]["finding"] else ()))
        title = _title([*key[:-1], measure(found[0]), what])
        yield Grid(title, (*head, *more), lines, len(names))


def _failures(row: Row) -> str:
    if row["failed"] == 0:
        return "none failed"
    if row["worst_low"] is None:
        return ABSENT
    return f"[{number(row['worst_low'])}, {number(row['worst_high'])}]"


def print_raters(differences: Rows, accuracies: Rows) -> None:
    """Print how much better one rater goes with the labels than another, and how each ranks systems.

    Args:
        differences: As `correlation_differences` returns them, as plain values.
        accuracies: As `ranking_accuracies` returns them, as plain values.
    """
    console, notes = wide(), Footnotes()
    section(console, "Correlation with the labels, first minus second", _raters(differences, notes))
    section(console, "Two systems in the order of the labels", _orders(accuracies, notes))
    test = "Holm: p of swapping the two raters' scores (Pearson: Williams' t), allowing for a whole table."
    say(console, [INTERVALS, test, *notes.lines()])


_LABELS = ("dataset", "label_criterion", "annotator_kind")


def _raters(rows: Rows, notes: Footnotes) -> Iterator[Grid]:
    for (*about, at, coefficient), found in grouped(rows, *_LABELS, "at", "coefficient"):
        lines = tuple(
            (
                visible(row["first"]),
                visible(row["second"]),
                interval(row, notes),
                p_value(row["p_holm"]),
                count(row["n"]),
            )
            for row in found
        )
        title = _title([*about[:2], f"{about[2]} labels", f"{coefficient}, {at}"])
        yield Grid(title, ("first", "second", "difference", "Holm", "n"), lines, 2)


def _orders(rows: Rows, notes: Footnotes) -> Iterator[Grid]:
    for about, found in grouped(rows, *_LABELS):
        title = _title([*about[:2], f"{about[2]} labels"])
        yield pivot(found, notes, title=title, names={"rater": "rater"}, across=("statistic",))


def _title(key: Sequence[Any]) -> str:
    return " · ".join(dict.fromkeys(str(part) for part in key if part))


def print_sensitivity(rows: Rows) -> None:
    """Print how each variant ranks the systems, beside the reference.

    Args:
        rows: As `sensitivity` returns them, as plain values.
    """
    notes = Footnotes()
    console = wide()
    section(console, "Rankings of the same systems", _rankings(rows, notes))
    lines = [
        "tau: Kendall's tau-b with the ranking held against; swapped: pairs in the opposite order.",
        "moves furthest: places up (+) or down (-); the same ranks may hide behind wide intervals.",
    ]
    say(console, [*lines, *notes.lines()])


def _rankings(rows: Rows, notes: Footnotes) -> Iterator[Grid]:
    for (dataset, _, reference), found in grouped(rows, "dataset", "about", "reference"):
        lines = tuple(
            (
                visible(row["variant"]),
                f"{number(row['kendall'])}{notes.mark(row['reason'])}",
                f"{count(row['swapped'])} of {count(row['pairs'])}",
                ABSENT if row["mover"] is None else f"{visible(row['mover'])} {row['move']:+g}",
                visible(", ".join(row["winners"])) or ABSENT,
                visible(", ".join(row["missing"])) or ABSENT,
            )
            for row in found
        )
        head = ("variant", "tau", "swapped", "moves furthest", "best", "only in one of the two")
        yield Grid(f"{dataset}, held against {reference}", head, lines, 1)
