"""By how much one system is better than another, or tonight than last night: paired on the same items."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.instruments import changed
from evalhub.analysis.leaderboard import bounds
from evalhub.analysis.matching import EVEN, matched, matched_pair
from evalhub.analysis.measured import ABOUT, measured
from evalhub.analysis.powered import powered_pairs
from evalhub.analysis.results import Results
from evalhub.analysis.tidy import floats, groups, row, table

if TYPE_CHECKING:
    import pandas as pd

_TESTED = ("p", "p_holm", "test", "finding", "failed", "worst_low", "worst_high")
_VALUES = ["value_first", "value_second"]
NOTHING_SHARED = "the two have no item, or no opponent on one, in common"
SYSTEMS = ("first", "second")
NIGHTS = ("system", "after", "before")

Row = dict[str, Any]
Ends = tuple[float, float] | None
Values = list[float | None]
Told = dict[tuple[str, ...], "_Difference"]


@dataclass(frozen=True, slots=True)
class _Difference:
    """Two systems or nights, cell by cell.

    Attributes:
        cells: As `matched` makes them of `value`, which is missing where it failed.
        bounds: Of the values; None = not known.
        fixed: What the first is held against where that is not the second's cells.
    """

    cells: pd.DataFrame
    bounds: Ends
    fixed: float | None = None

    def made(self) -> stats.Comparison:
        """Compare what neither failed."""
        if not self.cells["both"].any():
            nothing = stats.Estimate.none(NOTHING_SHARED, left_out=self.cells["item_id"].nunique())
            return stats.Comparison.none(nothing, NOTHING_SHARED)
        told = self.cells[_VALUES]
        whole = self.cells.assign(**told.where(told.notna().all(axis=1)))
        return stats.paired_comparison(*self._by_item(whole), bounds=self.bounds)

    def worst_case(self, measured: stats.Estimate) -> stats.WorstCase | None:
        """Say how far the failed cells could move it; None where nothing failed or nothing bounds it."""
        shared = self.cells[self.cells["both"]]
        failed = int(shared[_VALUES].isna().sum().sum())
        if not failed or self.bounds is None:
            return None
        lowest, highest = (
            stats.mean_difference(
                *self._by_item(shared.fillna(dict(zip(_VALUES, ends, strict=True)))), bounds=self.bounds
            )
            for ends in (self.bounds, self.bounds[::-1])
        )
        return stats.WorstCase(measured, lowest, highest, failed)

    def _by_item(self, cells: pd.DataFrame) -> tuple[Values, Values | float, list[str]]:
        """Average both over each item; the last column is its cluster."""
        items = cells.groupby("item_id").agg(
            first=("value_first", "mean"), second=("value_second", "mean"), cluster=("cluster", "first")
        )
        second = floats(items["second"]) if self.fixed is None else self.fixed
        return floats(items["first"]), second, items["cluster"].tolist()


def comparisons(results: Results, *, margin: float | None = None) -> pd.DataFrame:
    """Return the difference of every two systems under every measure, first minus second.

    An item counts once: its value is the mean over samples and, of win rates, over the opponents that both
    met there; a match of the two themselves counts against one half. `p` is of the sign-flip
    test over clusters of items, `p_holm` the same allowing for all pairs of systems under that measure; both
    are missing where there is no test. `finding` is what the interval shows of non-inferiority: the first is
    worse than the second by less than `margin`, in the unit of the measure; higher counts as better.
    Where `failed` cells of either are above 0, [worst_low, worst_high] allows for sampling and for whatever
    these could have come out as. Where people labelled a part of what a judge was asked, the judge's measure
    is also there as `people + judge`: what people would say, with an interval and no test.
    """
    rows: list[Row] = []
    for key, found in groups(measured(results), *ABOUT):
        told: Told = {
            pair: _pair(found, *pair) for pair in itertools.combinations(sorted(set(found["system"])), 2)
        }
        rows += _rows(key, SYSTEMS, told, margin)
    for about, gap in powered_pairs(results):
        untested = {"test": "none", "finding": _finding(gap, margin), "failed": 0}
        rows.append(row(gap, **about, **untested))
    return table(rows, (*ABOUT, *SYSTEMS, *_TESTED))


def nights(after: Results, before: Results, *, margin: float | None = None) -> pd.DataFrame:
    """Return how each system changed between two runs, after minus before, on the items of both.

    The other columns as in `comparisons`; `after` and `before` are the ids of the runs. Items, and opponents
    on an item, that only one of them has are left out; so are labels, and measures whose scale has changed.
    `changed` names what is not the same in a judge or metric: a difference may then be its own.
    """
    earlier = dict(groups(measured(before), *ABOUT))
    rows: list[Row] = []
    for key, found in groups(measured(after), *ABOUT):
        if key not in earlier or found["kind"].iat[0] == "labels" or bounds(found) != bounds(earlier[key]):
            continue
        now, then = (dict(groups(one, "system")) for one in (found, earlier[key]))
        told: Told = {
            (*system, after.run.id, before.run.id): _Difference(
                matched(now[system], then[system], "value"), bounds(found)
            )
            for system in now
            if system in then
        }
        differs = ", ".join(changed(key[ABOUT.index("rater")], after, before)) or None
        rows += [{**one, "changed": differs} for one in _rows(key, NIGHTS, told, margin)]
    return table(rows, (*ABOUT, *NIGHTS, *_TESTED, "changed"))


def _pair(found: pd.DataFrame, first: str, second: str) -> _Difference:
    cells, alone = matched_pair(found, first, second, "value")
    return _Difference(cells, bounds(found), fixed=EVEN if alone else None)


def _rows(key: tuple[str, ...], names: tuple[str, ...], told: Told, margin: float | None) -> Iterator[Row]:
    about = dict(zip(ABOUT, key, strict=True))
    found = [difference.made() for difference in told.values()]
    holm = stats.adjusted([made.p for made in found])
    for (who, difference), made, adjusted in zip(told.items(), found, holm, strict=True):
        named = {**about, "criterion": about["criterion"] or None, **dict(zip(names, who, strict=True))}
        shown = _finding(made.difference, margin)
        tested = {"p": made.p, "p_holm": adjusted, "test": made.test, "finding": shown}
        worst = difference.worst_case(made.difference)
        ends = {"worst_low": worst and worst.low, "worst_high": worst and worst.high}
        yield row(made.difference, **named, **tested, failed=worst.failed if worst else 0, **ends)


def _finding(difference: stats.Estimate, margin: float | None) -> str | None:
    return None if margin is None else stats.finding(difference, margin).value
