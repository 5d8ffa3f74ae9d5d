"""Differences between systems or runs, and the rankings of every variant, as grids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from evalhub.report.format import Footnotes, Grid, Row, grouped, interval, measure, p_value, pivot, visible
from evalhub.report.grids.columns import Cell, Data, line_grids, share, text, whole
from evalhub.texts import ABSENT, count, number

TESTS = "p is of a sign-flip test over clusters. Holm is p adjusted for all systems under the measure."
RATER_TESTS = (
    "Holm is the p-value of swapping the two raters' scores (for Pearson, of Williams' t-test), adjusted for "
    "all rows of a table."
)
ACCURACY_TESTS = (
    "The difference of the shares of pairs on which the rater gives the label. Holm is the p-value of the "
    "sign-flip test over clusters, adjusted for all raters that are compared with the same second one."
)
BALANCED = (
    "Pairs whose better response is the longer one count one half, and those whose better response is the "
    "shorter one the other half."
)
RANKING_NOTES = (
    "tau is Kendall's tau-b with the reference ranking. swapped counts the pairs in the opposite order.",
    "moves furthest shows places up (+) or down (-). Wide intervals may hide that the ranks are the same.",
)

_FAILED = "with failures is the interval that allows for every value that the failed cells could have had."
_LABELLED = ("dataset", "label_criterion", "annotator_kind")


def comparison_notes(data: Data) -> Iterator[str]:
    """Yield the tests, and which datasets, judges and metrics are not the same in both runs."""
    rows = data["comparisons"]
    yield TESTS
    if any(row["failed"] for row in rows):
        yield _FAILED
    for dataset, changes, items in dict.fromkeys(
        (row["dataset"], row.get("changed_data"), bool(row.get("changed_items"))) for row in rows
    ):
        if changes:
            aside = ". The items that changed are left out" if items else ""
            yield f"• {visible(dataset)} is not the same in both runs ({visible(changes)}){aside}."
    for rater, changes in dict.fromkeys((row["rater"], row.get("changed")) for row in rows):
        if changes:
            yield f"• {rater} is not the same in both runs ({changes}). That alone may cause a difference."


def comparison_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per measure: how far two systems differ, or each system between two runs."""
    for key, rows in grouped(data["comparisons"], "dataset", "rater", "criterion", "measure"):
        between_runs = "system" in rows[0]
        names = ("system",) if between_runs else ("first", "second")
        columns: dict[str, Cell] = {
            **{name: text(name) for name in names},
            "difference" if between_runs else "first minus second": interval,
            "p": _p("p"),
            "Holm": _p("p_holm"),
            "n": whole("n"),
            "left out": whole("n_excluded"),
        }
        if any(row["failed"] for row in rows):
            columns["with failures"] = _failures
        if rows[0]["finding"]:
            columns["first is"] = lambda row, _: str(row["finding"])
        lines = tuple(tuple(cell(row, notes) for cell in columns.values()) for row in rows)
        minus = f"{rows[0]['after']} minus {rows[0]['before']}" if between_runs else ""
        yield Grid(_title([*key[:-1], measure(rows[0]), minus]), tuple(columns), lines, len(names))


def _p(name: str) -> Cell:
    return lambda row, _: p_value(row[name])


def _failures(row: Row, _: Footnotes) -> str:
    if row["failed"] == 0:
        return "none failed"
    if row["worst_low"] is None:
        return ABSENT
    return f"[{number(row['worst_low'])}, {number(row['worst_high'])}]"


def _title(parts: Sequence[Any]) -> str:
    return " · ".join(dict.fromkeys(str(part) for part in parts if part))


_DIFFERENCES = line_grids(
    "rows",
    {
        "first": text("first"), "second": text("second"), "difference": interval, "Holm": _p("p_holm"),
        "n": whole("n"),
    },
    names=2,
)  # fmt: skip


def correlation_difference_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per labelled criterion, level and coefficient: how two raters' correlations differ."""
    for (*key, at, coefficient), rows in grouped(
        data["correlation_differences"], *_LABELLED, "granularity", "coefficient"
    ):
        title = _title([*key[:2], f"{key[2]} labels", f"{coefficient}, {at}"])
        for grid in _DIFFERENCES({"rows": rows}, notes):
            yield Grid(title, grid.head, grid.rows, grid.names)


def accuracy_difference_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per labelled criterion: how much more often one rater of pairs agrees than another."""
    for key, rows in grouped(data["accuracy_differences"], *_LABELLED):
        for grid in _DIFFERENCES({"rows": rows}, notes):
            yield Grid(_title([*key[:2], f"{key[2]} labels"]), grid.head, grid.rows, grid.names)


_BALANCED_DIFFERENCES = line_grids(
    "rows",
    {"first": text("first"), "second": text("second"), "difference": interval, "n": whole("n")},
    names=2,
)


def balanced_difference_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per labelled criterion: the same with length held fixed."""
    for key, rows in grouped(data["length_balanced_differences"], *_LABELLED):
        for grid in _BALANCED_DIFFERENCES({"rows": rows}, notes):
            yield Grid(_title([*key[:2], f"{key[2]} labels"]), grid.head, grid.rows, grid.names)


def ranking_accuracy_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per labelled criterion: how often each rater orders two systems as the labels do."""
    for key, rows in grouped(data["ranking_accuracies"], *_LABELLED):
        title = _title([*key[:2], f"{key[2]} labels"])
        yield pivot(rows, notes, title=title, names={"rater": "rater"}, across=("statistic",))


def _tau(row: Row, notes: Footnotes) -> str:
    return f"{number(row['kendall'])}{notes.mark(row['reason'])}"


def _moved(row: Row, _: Footnotes) -> str:
    return (
        ABSENT if row["moved_system"] is None else f"{visible(row['moved_system'])} {row['moved_ranks']:+g}"
    )


def _listed(name: str) -> Cell:
    return lambda row, _: visible(", ".join(row[name])) or ABSENT


_RANKINGS = line_grids(
    "rows",
    {
        "variant": text("variant"), "tau": _tau, "swapped": share("swapped", "pairs"),
        "moves furthest": _moved, "best": _listed("winners"), "only in one of the two": _listed("missing"),
    },
    names=1,
)  # fmt: skip


def sensitivity_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per reference: how each variant ranks the systems."""
    for (dataset, _, reference), rows in grouped(data["sensitivity"], "dataset", "subject", "reference"):
        for grid in _RANKINGS({"rows": rows}, notes):
            yield Grid(f"{dataset}, held against {reference}", grid.head, grid.rows, grid.names)


def _labels(name: str) -> Cell:
    def cell(row: Row, notes: Footnotes) -> str:
        return f"{ABSENT}{notes.mark(row['reason'])}" if row[name] is None else count(row[name])

    return cell


labels_needed_grids = line_grids(
    "labels_needed",
    {
        "system": text("system"), "labelled": share("labelled", "rows"),
        "correlation": lambda row, _: number(row["correlation"]), "labels alone": _labels("alone"),
        "labels beside the judge": _labels("with_judge"),
    },
    names=1,
    by=("dataset", "label_criterion", "judge", "measure"),
)  # fmt: skip
