"""Means of systems as grids: a system for each line, judges, labels and metrics across."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from evalhub.analysis.frames.directions import further_lengths, length_names
from evalhub.report.format import Footnotes, Grid, Row, direction, grouped, interval, measure, pivot
from evalhub.report.grids.columns import Cell, Data, line_grids, text, whole
from evalhub.store import MetricFacts
from evalhub.texts import count
from evalhub.words import label

RAW = {"win rate (length-penalised)": "win rate", "mean score (length-penalised)": "mean score"}
UNSHARED = "Items that not all systems share"

_KINDS = {"judge": 0, "labels": 1, "metric": 2}


def leaderboard_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield the means of systems, then their means over items that not all of them share."""
    yield from mean_grids(data, notes)
    yield from unshared_grids(data, notes)


def mean_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per dataset, the best system first."""
    shown = [row for row in data["leaderboard"] if row["measure"] not in hidden_measures(data)]
    for (dataset,), rows in grouped(shown, "dataset"):
        rows.sort(key=lambda row: _KINDS.get(row["rater_kind"], len(_KINDS)))
        lines = _ranked_systems(rows)
        rows = [{**row, "direction": direction(row), "measure": label(row["measure"])} for row in rows]
        across = ("rater", "criterion", "measure", "direction")
        yield pivot(rows, notes, title=dataset, names={"system": "system"}, across=across, lines=lines)


def _ranked_systems(rows: list[Row]) -> list[tuple[str, ...]]:
    """Return the systems under the first measure of a judge, the best first."""
    judged = [row for row in rows if row["rater_kind"] == "judge"] or rows
    _, first = next(grouped(judged, "rater", "criterion", "measure"))
    places = {row["system"]: best_first(row) for row in first}
    systems = sorted({row["system"] for row in rows})
    return [(name,) for name in sorted(systems, key=lambda name: (name not in places, places.get(name, ())))]


def best_first(row: Row) -> tuple[Any, ...]:
    """Return the key that sorts rows of the leaderboard by rank, those without a rank last."""
    rank, estimate = row["rank"], row["estimate"]
    worse = 1 if row["higher_is_better"] is False else -1
    return (rank is None, rank or 0, estimate is None, worse * (estimate or 0))


def hidden_measures(data: Data) -> list[str]:
    """Return the measures without a column of their own: penalised ones, and further lengths."""
    return [*RAW, *further_lengths(_metrics(data))]


def without_lengths(rows: Iterable[Row], data: Data) -> list[Row]:
    """Return the rows that rank systems by quality, which a length does not."""
    lengths = length_names(_metrics(data))
    return [row for row in rows if row["rater"] not in lengths]


def _metrics(data: Data) -> dict[str, MetricFacts]:
    return {name: MetricFacts(**facts) for name, facts in data.get("metrics", {}).items()}


def unshared_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per dataset: means over all items of a system, where other systems lack some."""
    rows = [row for row in without_lengths(data["leaderboard"], data) if row["n_not_shared"]]
    for grid in _unshared({"leaderboard": rows}, notes):
        yield Grid(f"{grid.title} · {UNSHARED}", grid.head, grid.rows, grid.names)


def _mean_over_all(row: Row, notes: Footnotes) -> str:
    ends = {"estimate": row["unshared"], "low": row["unshared_low"], "high": row["unshared_high"]}
    return interval({**ends, "reason": None}, notes)


def measure_cell(row: Row, _: Footnotes) -> str:
    """Show a row's measure, with a note where the lower is better."""
    return measure(row)


_BY_RATER: dict[str, Cell] = {
    "rater": text("rater"), "criterion": text("criterion"), "system": text("system"), "measure": measure_cell,
}  # fmt: skip

_unshared = line_grids(
    "leaderboard",
    {
        **_BY_RATER,
        "items set aside": whole("n_not_shared"),
        "mean over all its items": _mean_over_all,
        "n": whole("unshared_n"),
    },
    names=4,
    by=("dataset",),
)


def length_penalty_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per dataset: each judge's number before and after the length penalty."""
    rows = data["leaderboard"]
    penalised = {_subject(row, RAW[row["measure"]]): row for row in rows if row["measure"] in RAW}
    raw = [row for row in rows if _subject(row, row["measure"]) in penalised]
    for (dataset,), group in grouped(raw, "dataset"):
        lines = tuple(
            (
                text("rater")(row, notes),
                text("system")(row, notes),
                measure(row),
                interval(row, notes),
                interval(penalised[_subject(row, row["measure"])], notes),
                count(row["n"]),
            )
            for row in group
        )
        yield Grid(dataset, ("judge", "system", "measure", "raw", "length-penalised", "n"), lines, 3)


def _subject(row: Row, measure: str) -> tuple[Any, ...]:
    return (row["dataset"], row["rater"], row["criterion"], row["system"], measure)
