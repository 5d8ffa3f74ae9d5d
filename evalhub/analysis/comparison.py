"""By how much one system is better than another, or tonight than last night: paired on the same items."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.instruments import changed
from evalhub.analysis.leaderboard import bounds
from evalhub.analysis.measured import ABOUT, measured
from evalhub.analysis.powered import powered_pairs
from evalhub.analysis.results import Results
from evalhub.analysis.settled import stopped_early
from evalhub.analysis.tidy import floats, groups, row, table

if TYPE_CHECKING:
    import pandas as pd

_TESTED = ("p", "p_holm", "test", "finding", "failed", "worst_low", "worst_high")
NOTHING_SHARED = "the two have no item, or no opponent on one, in common"
_HOW = {"cluster": "first", "value": "mean", "lowest": "mean", "highest": "mean", "failed": "sum"}
SYSTEMS = ("first", "second")
# In this order; no opponent has such a name.
AFTER, BEFORE = "\0after", "\0before"
NIGHTS = ("system", "after", "before")

Row = dict[str, Any]
Ends = tuple[float, float] | None
Told = dict[tuple[str, ...], "_Difference"]


@dataclass(frozen=True, slots=True)
class _Difference:
    """The cells of two systems or nights on the same items, row by row.

    Attributes:
        first: Rows of the first.
        second: Rows of the second.
        bounds: Of the values; None = not known.
        lacking: Items that only one of both has.
        early: Why the cells are not comparable, as judging stopped early; None = they are.
    """

    first: pd.DataFrame
    second: pd.DataFrame
    bounds: Ends
    lacking: int
    early: str | None

    def made(self) -> stats.Comparison:
        """Compare what neither failed."""
        if why := self.early or (None if len(self.first) else NOTHING_SHARED):
            return stats.Comparison.none(stats.Estimate.none(why, left_out=self.lacking), why)
        one, two = (floats(side["value"]) for side in (self.first, self.second))
        made = stats.paired_comparison(one, two, self._clusters, items=self._items, bounds=self.bounds)
        left_out = made.difference.left_out + self.lacking
        return replace(made, difference=replace(made.difference, left_out=left_out))

    @property
    def failed(self) -> int:
        """Failed verdicts or scores of either in what they have in common."""
        return int(self.first["failed"].sum() + self.second["failed"].sum())

    def worst_case(self, measured: stats.Estimate) -> stats.WorstCase | None:
        """Say how far the failed cells could move it; None where nothing failed or nothing bounds it."""
        if not self.failed or self.bounds is None or self.early:
            return None
        first, second = (
            (floats(side["lowest"]), floats(side["highest"])) for side in (self.first, self.second)
        )
        return stats.worst_case_difference(
            measured, first, second, self._clusters, items=self._items, failed=self.failed, bounds=self.bounds
        )

    @property
    def _items(self) -> list[str]:
        return self.first["item_id"].tolist()

    @property
    def _clusters(self) -> list[str]:
        return self.first["cluster"].tolist()


def comparisons(results: Results, *, margin: float | None = None) -> pd.DataFrame:
    """Return the difference of every two systems under every measure, first minus second.

    An item counts once: its value is the mean over samples and, of win rates, over the opponents that both
    met there, each other among them; a match in which either failed is left out of both. `p` is of the
    sign-flip test over clusters of items, `p_holm` the same allowing for all pairs of systems under that
    measure; both are missing where there is no test. `finding` is what the interval shows of non-inferiority:
    the first is worse than the second by less than `margin`, in the unit of the measure; higher counts as
    better. Where `failed` cells of either are above 0 and the values have bounds, [worst_low, worst_high]
    allows for sampling and for whatever these could have come out as. Where people labelled a part of what a
    judge was asked, the judge's measure is also there as `people + judge`: what people would say, with an
    interval and no test; every row counts once there.
    """
    rows: list[Row] = []
    for key, found in groups(measured(results), *ABOUT):
        early = stopped_early(results, key[0], key[2], key[3])
        rows += _rows(key, SYSTEMS, _differences(found, "system", early), margin)
    for about, gap in powered_pairs(results):
        untested = {"test": "none", "finding": _finding(gap, margin)}
        rows.append(row(gap, **about, **untested))
    return _table(rows, (*ABOUT, *SYSTEMS, *_TESTED))


def nights(after: Results, before: Results, *, margin: float | None = None) -> pd.DataFrame:
    """Return how each system changed between two runs, after minus before, on the items of both.

    The other columns as in `comparisons`; `after` and `before` are the ids of the runs. Items, and opponents
    on an item, that only one of them has are left out; so are labels, and measures whose scale has changed.
    `changed` names what is not the same in a judge or metric: a difference may then be its own.
    """
    import pandas as pd

    earlier = dict(groups(measured(before), *ABOUT))
    rows: list[Row] = []
    for key, found in groups(measured(after), *ABOUT):
        if key not in earlier or found["kind"].iat[0] == "labels" or bounds(found) != bounds(earlier[key]):
            continue
        one, other = (stopped_early(run, key[0], key[2], key[3]) for run in (after, before))
        early = one or other
        both = pd.concat([found.assign(night=AFTER), earlier[key].assign(night=BEFORE)])
        told: Told = {
            (system, after.run.id, before.run.id): one
            for (system,), mine in groups(both, "system")
            for one in _differences(mine, "night", early).values()
        }
        differs = ", ".join(changed(key[2], key[4], after, before)) or None
        rows += [{**one, "changed": differs} for one in _rows(key, NIGHTS, told, margin)]
    return _table(rows, (*ABOUT, *NIGHTS, *_TESTED, "changed"))


def _table(rows: list[Row], named: tuple[str, ...]) -> pd.DataFrame:
    frame = table(rows, named)
    frame["failed"] = frame["failed"].astype("Int64")
    return frame


def _differences(found: pd.DataFrame, side: str, early: str | None) -> Told:
    """Return every two sides, samples averaged: without the failed ones, with these lowest, and highest."""
    ends = bounds(found)
    low, high = ends or (float("nan"), float("nan"))
    value = found["value"]
    filled = found.assign(lowest=value.fillna(low), highest=value.fillna(high), failed=value.isna())
    cells = filled.groupby([side, "item_id", "other"], as_index=False).agg(_HOW)
    met = stats.Matching(cells[side].tolist(), cells["item_id"].tolist(), cells["other"].tolist())
    told: Told = {}
    for pair in itertools.combinations(met.sides, 2):
        one, two, _ = met.pair(*pair)
        told[pair] = _Difference(cells.iloc[one], cells.iloc[two], ends, met.lacking(*pair), early)
    return told


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
        yield row(made.difference, **named, **tested, failed=difference.failed, **ends)


def _finding(difference: stats.Estimate, margin: float | None) -> str | None:
    return None if margin is None else stats.finding(difference, margin).value
