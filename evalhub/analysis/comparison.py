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

    An item counts once: its value is the mean over samples and, of win rates, over the opponents that both
    met there; a match of the two themselves counts against one half. `p` is of the sign-flip
    test over clusters of items, `p_holm` the same allowing for all pairs of systems under that measure; both
    are missing where there is no test. `finding` is what the interval shows of non-inferiority: the first is
    worse than the second by less than `margin`, in the unit of the measure; higher counts as better.
    """
    rows: list[Row] = []
    for key, found in groups(measured(results), *ABOUT):
        told: Told = {
            pair: stats.common_comparison(*_pair(found, *pair), bounds=bounds(found))
            for pair in itertools.combinations(sorted(set(found["system"])), 2)
        }
        rows += _rows(key, SYSTEMS, told, margin)
    return table(rows, (*ABOUT, *SYSTEMS, *_TESTED))


def nights(after: Results, before: Results, *, margin: float | None = None) -> pd.DataFrame:
    """Return how each system changed between two runs, after minus before, on the items of both.

    Tests and `finding` as in `comparisons`; `after` and `before` are the ids of the runs. Items, and
    opponents on an item, that only one of them has are left out; so are labels, and measures whose scale has
    changed.
    """
    earlier = dict(groups(measured(before), *ABOUT))
    rows: list[Row] = []
    for key, found in groups(measured(after), *ABOUT):
        if key not in earlier or found["kind"].iat[0] == "labels" or bounds(found) != bounds(earlier[key]):
            continue
        now, then = _shared(found, earlier[key])
        told: Told = {
            (system, after.run.id, before.run.id): stats.common_comparison(
                _side(now[now["system"] == system]),
                _side(then[then["system"] == system]),
                bounds=bounds(found),
            )
            for system in sorted(set(now["system"]) & set(then["system"]))
        }
        rows += _rows(key, NIGHTS, told, margin)
    return table(rows, (*ABOUT, *NIGHTS, *_TESTED))


_MATCH = ["system", "item_id", "other", "sample"]


def _pair(found: pd.DataFrame, first: str, second: str) -> tuple[stats.Measured, stats.Measured]:
    """Return the values of two systems, item by item, against the opponents that both met there."""
    import pandas as pd

    one, two = (found[found["system"] == name] for name in (first, second))
    direct = one[one["other"] == second]
    on = ["item_id", "other", "sample"]
    one, two = one.merge(two[on], on=on), two.merge(one[on], on=on)
    half = direct.assign(value=direct["value"].where(direct["value"].isna(), 0.5))
    if not len(direct):
        return _side(one), _side(two)
    return _side(pd.concat([one, direct])), _side(pd.concat([two, half]))


def _shared(now: pd.DataFrame, then: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of two runs that have the same opponent on the same item; ratings have none."""
    if not (now["other"] != "").any():
        return now, then
    return now.merge(then[_MATCH], on=_MATCH), then.merge(now[_MATCH], on=_MATCH)


def _side(rows: pd.DataFrame) -> stats.Measured:
    """Return one system's value and cluster by item; an item whose every cell failed has no value."""
    items = rows.groupby("item_id").agg(value=("value", "mean"), cluster=("cluster", "first"))
    return stats.Measured(floats(items["value"]), items.index.tolist(), items["cluster"].tolist())


def _rows(key: tuple[str, ...], names: tuple[str, ...], told: Told, margin: float | None) -> Iterator[Row]:
    about = dict(zip(ABOUT, key, strict=True))
    holm = stats.adjusted([made.p for made in told.values()])
    for (who, made), adjusted in zip(told.items(), holm, strict=True):
        named = {**about, "criterion": about["criterion"] or None, **dict(zip(names, who, strict=True))}
        shown = None if margin is None else stats.finding(made.difference, margin).value
        tested = {"p": made.p, "p_holm": adjusted, "test": made.test, "finding": shown}
        yield row(made.difference, **named, **tested)
