"""Ranks, Elo ratings, settled orders and length-controlled win rates as grids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from evalhub.analysis.direction import length_names
from evalhub.analysis.shared import OPPONENTS
from evalhub.report.shape import (
    ABSENT,
    Footnotes,
    Grid,
    Row,
    count,
    direction,
    grouped,
    interval,
    measure,
    number,
    p_value,
    pivot,
    visible,
)

_RATER = ("dataset", "kind", "rater", "criterion")
UNSHARED = "Items that not all systems share"


def rank_grids(data: dict[str, Any], notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per dataset: each system's rank under each rater, with its interval."""
    for (dataset,), rows in grouped(data["ranks"], "dataset"):
        # Ranks by length say nothing of quality. The penalised and soft ones are in report.json.
        shown = [row for row in _without_lengths(rows, data) if "(" not in row["measure"]]
        columns = dict.fromkeys((row["rater"], row["criterion"], row["measure"]) for row in shown)
        cells = {(row["system"], row["rater"], row["criterion"], row["measure"]): row for row in shown}
        systems = list(dict.fromkeys(row["system"] for row in shown))
        lines = tuple(
            (visible(system), *(_rank(cells.get((system, *column)), notes) for column in columns))
            for system in systems
        )
        head = ("\n".join(visible(part) for part in dict.fromkeys(column) if part) for column in columns)
        if len(systems) > 1:
            yield Grid(dataset, ("system", *head), lines, 1)


def _without_lengths(rows: Iterable[Row], data: dict[str, Any]) -> Iterator[Row]:
    lengths = length_names(data["metrics"])
    return (row for row in rows if row["rater"] not in lengths)


def _rank(row: Row | None, notes: Footnotes) -> str:
    if row is None:
        return ""
    if row["rank"] is None:
        return f"{ABSENT}{notes.mark(row['reason'])}"
    ends = f"[{row['low']}, {row['high']}]" if row["low"] is not None else f"[{ABSENT}]"
    return f"{row['rank']} {ends}{notes.mark(row['reason'])}"


def unshared_grids(data: dict[str, Any], notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per dataset: means over all items of a system, where other systems lack some."""
    rows = [row for row in _without_lengths(data["leaderboard"], data) if row["set_aside"]]
    for (dataset,), found in grouped(rows, "dataset"):
        lines = tuple(
            (
                visible(row["rater"]),
                visible(row["criterion"]),
                visible(row["system"]),
                measure(row),
                count(row["set_aside"]),
                _unshared(row, notes),
                count(row["unshared_n"]),
            )
            for row in found
        )
        head = ("rater", "criterion", "system", "measure", "items set aside", "mean over all its items", "n")
        yield Grid(f"{dataset} · {UNSHARED}", head, lines, 4)


def _unshared(row: Row, notes: Footnotes) -> str:
    ends = {"estimate": row["unshared"], "low": row["unshared_low"], "high": row["unshared_high"]}
    return interval({**ends, "reason": None}, notes)


def on_what_they_rank(data: dict[str, Any]) -> Iterator[str]:
    """Say in one sentence per dataset where the systems of a leaderboard were not measured on the same items.

    Args:
        data: With the tables `leaderboard` and the run's `metrics`.
    """
    ranked = list(_without_lengths(data["leaderboard"], data))
    for (dataset,), found in grouped((row for row in ranked if row["set_aside"]), "dataset"):
        raters = ", ".join(dict.fromkeys(visible(row["rater"]) for row in found))
        yield (
            f"{visible(dataset)}: {raters} did not measure all systems on the same items, or failed on some. "
            f'The systems are ranked on the items that they share (see "{UNSHARED}")'
        )
    for (dataset,), found in grouped((row for row in ranked if row["basis"] == OPPONENTS), "dataset"):
        raters = ", ".join(dict.fromkeys(visible(row["rater"]) for row in found))
        yield (
            f"{visible(dataset)}: the systems met on different items in the pairs of {raters}: their win "
            "rates do not compare, and their ranks hold through shared opponents (Bradley-Terry)"
        )


def strength_grids(data: dict[str, Any], notes: Footnotes) -> Iterator[Grid]:
    """Yield two grids per rater of pairs: Elo as it is and with the judge's biases held fixed, then how often
    each system would beat the next."""
    pairs = dict(grouped(data["beats"], *_RATER))
    for key, rows in grouped(data["strengths"], *_RATER):
        rows.sort(key=lambda row: (row["measure"], -(row["estimate"] or 0)))
        title = " · ".join(str(part) for part in (key[0], *key[2:]) if part)
        yield pivot(rows, notes, title=title, names={"system": "system"}, across=("measure",))
        order = list(dict.fromkeys(row["system"] for row in rows))
        steps = list(_steps(order, pairs.get(key, [])))
        if steps:
            names = {"system": "system", "next": "beats the next"}
            yield pivot(steps, notes, title=title, names=names, across=("statistic",))


def _steps(order: Sequence[str], pairs: Sequence[Row]) -> Iterator[Row]:
    """Yield the rows of each system and the one behind it, as the better of the two sees them."""
    for better, worse in pairwise(order):
        for row in pairs:
            if (row["first"], row["second"]) == (better, worse):
                yield {**row, "system": better, "next": worse}
            elif (row["first"], row["second"]) == (worse, better):
                turned = {to: _less(row[of]) for to, of in _TURNED.items()}
                yield {**row, **turned, "system": better, "next": worse}


_TURNED = {"estimate": "estimate", "low": "high", "high": "low"}


def _less(share: float | None) -> float | None:
    return None if share is None else 1 - share


def length_grids(data: dict[str, Any], notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per judge with one baseline: win rates against it, as they are and length-controlled."""
    for key, rows in grouped(data["length_controlled"], "dataset", "judge", "criterion", "baseline"):
        dataset, judge, criterion, baseline = map(visible, key)
        title = f"{dataset} · {judge} · {criterion} · against {baseline}"
        yield pivot(rows, notes, title=title, names={"system": "system"}, across=("measure",))


def settled_grids(data: dict[str, Any], notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per judge that stopped where the order was settled: who is ahead of whom."""
    for key, rows in grouped(data["settled"], "dataset", "judge", "criterion"):
        lines = tuple(
            (
                visible(row["first"]),
                visible(row["second"]),
                ABSENT if row["standing"] == "open" else visible(row[row["standing"]]),
                interval(row, notes),
                count(row["stopped_at"]),
                count(row["clusters"]),
                p_value(row["p"]),
            )
            for row in rows
        )
        head = ("first", "second", "ahead", "win rate of first", "settled after", "clusters", "p")
        yield Grid(" · ".join(map(visible, key)), head, lines, 3)


def powered_grids(data: dict[str, Any], notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per judge: what people would say of every system, from few labels and many verdicts."""
    for key, rows in grouped(data["powered"], "dataset", "label_criterion", "judge", "measure"):
        title = " · ".join([*map(visible, key), *filter(None, [direction(rows[0])])])
        lines = [
            {
                **row,
                "labels": f"{count(row['labelled'])} of {count(row['verdicts'])}",
                "worth": count(row["labels_worth"]),
            }
            for row in rows
        ]
        names = {"system": "system", "labels": "labelled", "worth": "worth labels"}
        yield pivot(lines, notes, title=title, names=names, across=("statistic",))


def worst_grids(data: dict[str, Any], notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per dataset: how far failed cells could move each number."""
    for (dataset,), rows in grouped(data["worst_cases"], "dataset"):
        lines = tuple(
            (
                visible(row["rater"]),
                visible(row["criterion"]),
                visible(row["system"]),
                measure(row),
                f"{count(row['failed'])} of {count(row['n'])}",
                number(row["estimate"]),
                f"{number(row['lowest'])} to {number(row['highest'])}",
                interval({**row, "estimate": row["estimate"]}, notes).partition(" ")[2],
            )
            for row in rows
        )
        head = ("rater", "criterion", "system", "measure", "failed", "measured", "could be", "with sampling")
        yield Grid(dataset, head, lines, 4)
