"""By how much one system is better than another, or tonight than last night: paired on the same items."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.instruments import changed
from evalhub.analysis.leaderboard import bounds
from evalhub.analysis.measured import ABOUT, measured
from evalhub.analysis.results import Results
from evalhub.analysis.tidy import floats, groups, row, table

if TYPE_CHECKING:
    import pandas as pd

_TESTED = ("p", "p_holm", "test", "finding", "failed", "worst_low", "worst_high")
SYSTEMS = ("first", "second")
NIGHTS = ("system", "after", "before")

Row = dict[str, Any]
Ends = tuple[float, float] | None
Told = dict[tuple[str, ...], "_Difference"]


@dataclass(frozen=True, slots=True)
class _Difference:
    """The rows of two systems or nights on what both have, and the bounds of their values."""

    first: pd.DataFrame
    second: pd.DataFrame
    bounds: Ends

    def made(self) -> stats.Comparison:
        """Compare what did not fail."""
        return stats.common_comparison(_side(self.first), _side(self.second), bounds=self.bounds)

    def worst_case(self, measured: stats.Estimate) -> stats.WorstCase | None:
        """Say how far the failed cells could move it; None where nothing failed or nothing bounds it."""
        failed = _failed(self.first) + _failed(self.second)
        if not failed or self.bounds is None:
            return None
        lowest, highest = (
            stats.common_comparison(
                _side(self.first, failed=one), _side(self.second, failed=other), bounds=self.bounds
            ).difference
            for one, other in (self.bounds, self.bounds[::-1])
        )
        return stats.WorstCase(measured, lowest, highest, failed)


def comparisons(results: Results, *, margin: float | None = None) -> pd.DataFrame:
    """Return the difference of every two systems under every measure, first minus second.

    An item counts once: its value is the mean over samples and, of win rates, over the opponents that both
    met there; a match of the two themselves counts against one half. `p` is of the sign-flip
    test over clusters of items, `p_holm` the same allowing for all pairs of systems under that measure; both
    are missing where there is no test. `finding` is what the interval shows of non-inferiority: the first is
    worse than the second by less than `margin`, in the unit of the measure; higher counts as better.
    Where `failed` cells of either are above 0, [worst_low, worst_high] allows for sampling and for whatever
    these could have come out as.
    """
    rows: list[Row] = []
    for key, found in groups(measured(results), *ABOUT):
        told: Told = {
            pair: _Difference(*_pair(found, *pair), bounds(found))
            for pair in itertools.combinations(sorted(set(found["system"])), 2)
        }
        rows += _rows(key, SYSTEMS, told, margin)
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
        now, then = _shared(found, earlier[key])
        told: Told = {
            (system, after.run.id, before.run.id): _Difference(
                now[now["system"] == system], then[then["system"] == system], bounds(found)
            )
            for system in sorted(set(now["system"]) & set(then["system"]))
        }
        differs = ", ".join(changed(key[ABOUT.index("rater")], after, before)) or None
        rows += [{**one, "changed": differs} for one in _rows(key, NIGHTS, told, margin)]
    return table(rows, (*ABOUT, *NIGHTS, *_TESTED, "changed"))


_MATCH = ["system", "item_id", "other", "sample"]


def _pair(found: pd.DataFrame, first: str, second: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of two systems against the opponents that both met on an item."""
    import pandas as pd

    one, two = (found[found["system"] == name] for name in (first, second))
    direct = one[one["other"] == second]
    on = ["item_id", "other", "sample"]
    one, two = one.merge(two[on], on=on), two.merge(one[on], on=on)
    half = direct.assign(value=direct["value"].where(direct["value"].isna(), 0.5), held=0.5)
    return (pd.concat([one, direct]), pd.concat([two, half])) if len(direct) else (one, two)


def _shared(now: pd.DataFrame, then: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of two runs that have the same opponent on the same item; ratings have none."""
    if not (now["other"] != "").any():
        return now, then
    return now.merge(then[_MATCH], on=_MATCH), then.merge(now[_MATCH], on=_MATCH)


def _side(rows: pd.DataFrame, *, failed: float | None = None) -> stats.Measured:
    """Return one system's value and cluster by item, failed cells left out, or as if they had come out so."""
    if failed is not None:
        rows = rows.assign(value=rows["value"].fillna(_held(rows)).fillna(failed))
    items = rows.groupby("item_id").agg(value=("value", "mean"), cluster=("cluster", "first"))
    return stats.Measured(floats(items["value"]), items.index.tolist(), items["cluster"].tolist())


def _held(rows: pd.DataFrame) -> pd.Series[float]:
    """Return what a cell counts as whatever came out: the one half of a match of the two themselves."""
    return rows.reindex(columns=["held"])["held"].astype("float64")


def _failed(rows: pd.DataFrame) -> int:
    return int((rows["value"].isna() & _held(rows).isna()).sum())


def _rows(key: tuple[str, ...], names: tuple[str, ...], told: Told, margin: float | None) -> Iterator[Row]:
    about = dict(zip(ABOUT, key, strict=True))
    found = [difference.made() for difference in told.values()]
    holm = stats.adjusted([made.p for made in found])
    for (who, difference), made, adjusted in zip(told.items(), found, holm, strict=True):
        named = {**about, "criterion": about["criterion"] or None, **dict(zip(names, who, strict=True))}
        shown = None if margin is None else stats.finding(made.difference, margin).value
        tested = {"p": made.p, "p_holm": adjusted, "test": made.test, "finding": shown}
        worst = difference.worst_case(made.difference)
        ends = {"worst_low": worst and worst.low, "worst_high": worst and worst.high}
        yield row(made.difference, **named, **tested, failed=worst.failed if worst else 0, **ends)
