"""By how much one system is better than another, or tonight than last night: paired on the same items."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.leaderboard import bounds
from evalhub.analysis.measured import ABOUT, measured
from evalhub.analysis.results import Results
from evalhub.analysis.tidy import floats, groups, row, table

if TYPE_CHECKING:
    import pandas as pd

_TESTED = ("p", "p_holm", "test", "finding")
SYSTEMS = ("first", "second")
NIGHTS = ("system", "after", "before")

Row = dict[str, Any]
Told = dict[tuple[str, ...], stats.Comparison]


def comparisons(results: Results, *, margin: float | None = None) -> pd.DataFrame:
    """Return the difference of every two systems under every measure, first minus second.

    An item counts once: its value is the mean over a system's opponents and samples. `p` is of the sign-flip
    test over clusters of items, `p_holm` the same allowing for all pairs of systems under that measure; both
    are missing where there is no test. `finding` is what the interval shows of non-inferiority: the first is
    worse than the second by less than `margin`, in the unit of the measure; higher counts as better.
    """
    rows: list[Row] = []
    for key, found in groups(measured(results), *ABOUT):
        sides = _sides(found)
        told: Told = {
            pair: stats.common_comparison(*(sides[one] for one in pair), bounds=bounds(found))
            for pair in itertools.combinations(sides, 2)
        }
        rows += _rows(key, SYSTEMS, told, margin)
    return table(rows, (*ABOUT, *SYSTEMS, *_TESTED))


def nights(after: Results, before: Results, *, margin: float | None = None) -> pd.DataFrame:
    """Return how each system changed between two runs, after minus before, on the items of both.

    Tests and `finding` as in `comparisons`; `after` and `before` are the ids of the runs. Items that only one
    of them has are left out and counted.
    """
    earlier = dict(groups(measured(before), *ABOUT))
    rows: list[Row] = []
    for key, found in groups(measured(after), *ABOUT):
        now, then = _sides(found), _sides(earlier[key]) if key in earlier else {}
        told: Told = {
            (system, after.run.id, before.run.id): stats.common_comparison(
                side, then[system], bounds=bounds(found)
            )
            for system, side in now.items()
            if system in then
        }
        rows += _rows(key, NIGHTS, told, margin)
    return table(rows, (*ABOUT, *NIGHTS, *_TESTED))


def _sides(found: pd.DataFrame) -> dict[str, stats.Measured]:
    """Return each system's value and cluster by item; an item whose every cell failed has no value."""
    sides = {}
    for (system,), mine in groups(found, "system"):
        items = mine.groupby("item_id").agg(value=("value", "mean"), cluster=("cluster", "first"))
        sides[system] = stats.Measured(
            floats(items["value"]), items.index.tolist(), items["cluster"].tolist()
        )
    return sides


def _rows(key: tuple[str, ...], names: tuple[str, ...], told: Told, margin: float | None) -> Iterator[Row]:
    about = dict(zip(ABOUT, key, strict=True))
    holm = stats.adjusted([made.p for made in told.values()])
    for (who, made), adjusted in zip(told.items(), holm, strict=True):
        named = {**about, "criterion": about["criterion"] or None, **dict(zip(names, who, strict=True))}
        shown = None if margin is None else stats.finding(made.difference, margin).value
        tested = {"p": made.p, "p_holm": adjusted, "test": made.test, "finding": shown}
        yield row(made.difference, **named, **tested)
