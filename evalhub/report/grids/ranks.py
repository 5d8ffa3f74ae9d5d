"""Ranks, Elo ratings and orders of systems as grids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from evalhub.report.format import Footnotes, Grid, Row, direction, grouped, interval, p_value, pivot, visible
from evalhub.report.grids.columns import Data, decimal, heading, line_grids, share, text, whole
from evalhub.report.grids.leaderboard import measure_cell, without_lengths
from evalhub.texts import ABSENT, count, number

_RATER = ("dataset", "rater_kind", "rater", "criterion")
_COLUMN = ("rater", "criterion", "measure")


def rank_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per dataset: each system's rank under each rater, with its interval.

    Penalised and soft ranks are in report.json.
    """
    for (dataset,), rows in grouped(data["ranks"], "dataset"):
        shown = [row for row in without_lengths(rows, data) if "(" not in row["measure"]]
        cells = {(row["system"], *(row[name] for name in _COLUMN)): row for row in shown}
        columns = dict.fromkeys(key[1:] for key in cells)
        systems = list(dict.fromkeys(row["system"] for row in shown))
        lines = tuple(
            (visible(system), *(_rank(cells.get((system, *column)), notes) for column in columns))
            for system in systems
        )
        head = ("\n".join(visible(part) for part in dict.fromkeys(column) if part) for column in columns)
        if len(systems) > 1:
            yield Grid(dataset, ("system", *head), lines, 1)


def _rank(row: Row | None, notes: Footnotes) -> str:
    if row is None:
        return ""
    if row["rank"] is None:
        return f"{ABSENT}{notes.mark(row['reason'])}"
    ends = f"[{row['low']}, {row['high']}]" if row["low"] is not None else f"[{ABSENT}]"
    return f"{row['rank']} {ends}{notes.mark(row['reason'])}"


def strength_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield two grids per rater of pairs: Elo as it is and with the judge's biases held fixed, then how often
    each system would beat the next."""
    pairs = dict(grouped(data["win_probabilities"], *_RATER))
    for key, rows in grouped(data["bradley_terry"], *_RATER):
        rows.sort(key=lambda row: (row["measure"], -(row["estimate"] or 0)))
        title = " · ".join(str(part) for part in (key[0], *key[2:]) if part)
        yield pivot(rows, notes, title=title, names={"system": "system"}, across=("measure",))
        order = list(dict.fromkeys(row["system"] for row in rows))
        steps = list(_steps(order, pairs.get(key, [])))
        if steps:
            names = {"system": "system", "next": "beats the next"}
            yield pivot(steps, notes, title=title, names=names, across=("statistic",))


def _steps(order: Sequence[str], pairs: Sequence[Row]) -> Iterator[Row]:
    """Yield the rows of each system and the next worse one, from the view of the better of the two."""
    for better, worse in pairwise(order):
        for row in pairs:
            if (row["first"], row["second"]) == (better, worse):
                yield {**row, "system": better, "next": worse}
            elif (row["first"], row["second"]) == (worse, better):
                turned = {name: _complement(row[source]) for name, source in _TURNED.items()}
                yield {**row, **turned, "system": better, "next": worse}


_TURNED = {"estimate": "estimate", "low": "high", "high": "low"}


def _complement(probability: float | None) -> float | None:
    return None if probability is None else 1 - probability


def _ahead(row: Row, _: Footnotes) -> str:
    return ABSENT if row["decision"] == "open" else visible(row[row["decision"]])


sequential_grids = line_grids(
    "sequential_tests",
    {
        "first": text("first"), "second": text("second"), "ahead": _ahead, "win rate of first": interval,
        "settled after": whole("stopped_at"), "clusters": whole("clusters"),
        "p": lambda row, _: p_value(row["p"]),
    },
    names=3,
    by=("dataset", "judge", "criterion"),
)  # fmt: skip


def prediction_powered_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per judge: people's mean for every system, from few labels and many verdicts."""
    for key, rows in grouped(data["prediction_powered"], "dataset", "label_criterion", "judge", "measure"):
        title = " · ".join([*map(visible, key), *filter(None, [direction(rows[0])])])
        lines = [
            {**row, "labels": share("labelled", "verdicts")(row, notes), "worth": count(row["labels_worth"])}
            for row in rows
        ]
        names = {"system": "system", "labels": "labelled", "worth": "worth labels"}
        yield pivot(lines, notes, title=title, names=names, across=("statistic",))


def length_control_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per judge with one baseline: win rates against it, as they are and length-controlled."""
    for key, rows in grouped(data["length_controlled"], "dataset", "judge", "criterion", "baseline"):
        dataset, judge, criterion, baseline = key
        title = heading(dataset, judge, criterion, f"against {visible(baseline)}")
        yield pivot(rows, notes, title=title, names={"system": "system"}, across=("measure",))


def _bounds(row: Mapping[str, float | None], _: Footnotes) -> str:
    return f"{number(row['lowest'])} to {number(row['highest'])}"


def _ends(row: Row, notes: Footnotes) -> str:
    return interval(row, notes).partition(" ")[2]


worst_case_grids = line_grids(
    "worst_case_bounds",
    {
        "rater": text("rater"), "criterion": text("criterion"), "system": text("system"),
        "measure": measure_cell, "failed": share("failed", "n"), "measured": decimal("estimate"),
        "could be": _bounds, "with sampling": _ends,
    },
    names=4,
    by=("dataset",),
)  # fmt: skip
