"""By how much one system is better than another, or tonight than last night: paired on the same items."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.comparable import item_outcomes
from evalhub.analysis.frames.directions import direction_of
from evalhub.analysis.frames.outcomes import ABOUT, bounds_of, early_stop_reason, outcomes
from evalhub.analysis.people.prediction_powered import prediction_powered_differences
from evalhub.analysis.ranking.comparability import changed
from evalhub.analysis.ranking.data_changes import DataChange, data_change
from evalhub.analysis.results import Results
from evalhub.analysis.tables import floats, groups, row, table

if TYPE_CHECKING:
    import pandas as pd

_ABOUT = (*ABOUT, "higher_is_better")
_TESTED = ("p", "p_holm", "test", "finding", "failed", "worst_low", "worst_high")
NOTHING_SHARED = "the two have no item, or no opponent on one, in common"
ALL_CHANGED = "no item that both have is the same in both runs"
OTHER_SCALE = "the scale is not the same in both runs"
SYSTEMS = ("first", "second")
# In this order; no opponent has such a name.
AFTER, BEFORE = "\0after", "\0before"
NIGHTS = ("system", "after", "before")
_CHANGED = ("changed", "changed_data", "changed_items", "changed_labels")

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
        why_not: Why the cells do not compare; None = they do.
    """

    first: pd.DataFrame
    second: pd.DataFrame
    bounds: Ends
    lacking: int
    why_not: str | None

    def made(self) -> stats.Comparison:
        """Compare what neither failed."""
        if why := self.why_not or self.nothing(NOTHING_SHARED):
            return stats.Comparison.none(stats.Estimate.none(why, left_out=self.lacking), why)
        one, two = (floats(side["value"]) for side in (self.first, self.second))
        made = stats.paired_comparison(one, two, self._clusters, items=self._items, bounds=self.bounds)
        left_out = made.difference.left_out + self.lacking
        return replace(made, difference=replace(made.difference, left_out=left_out))

    def nothing(self, why: str) -> str | None:
        """Return why, where the two have nothing in common."""
        return None if len(self.first) else why

    @property
    def failed(self) -> int:
        """Failed verdicts or scores of either in what they have in common."""
        return int(self.first["failed"].sum() + self.second["failed"].sum())

    def worst_case(self, estimate: stats.Estimate) -> stats.WorstCase | None:
        """Say how far the failed cells could move it; None where nothing failed or nothing bounds it."""
        if not self.failed or self.bounds is None or self.why_not:
            return None
        first, second = (
            (floats(side["lowest"]), floats(side["highest"])) for side in (self.first, self.second)
        )
        return stats.worst_case_difference(
            estimate, first, second, self._clusters, items=self._items, failed=self.failed, bounds=self.bounds
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
    the first is worse than the second by less than `margin`, in the unit of the measure. `higher_is_better`
    says which direction is worse; there is no finding where it is missing.
    Where `failed` cells of either are above 0 and the values have bounds, [worst_low, worst_high]
    allows for sampling and for whatever these could have come out as. Where people labelled a part of what a
    judge was asked, the judge's measure is also there as `people + judge`: what people would say, with an
    interval and no test; every row counts once there.
    """
    rows: list[Row] = []
    for key, found in groups(outcomes(results), *ABOUT):
        early = early_stop_reason(results, key[0], key[2], key[3])
        rows += _rows((*key, direction_of(found)), SYSTEMS, _differences(found, "system", early), margin)
    for about, gap in prediction_powered_differences(results):
        untested = {"test": "none", "finding": _finding(gap, margin, about["higher_is_better"])}
        rows.append(row(gap, **about, **untested))
    return _table(rows, (*_ABOUT, *SYSTEMS, *_TESTED))


def nights(after: Results, before: Results, *, margin: float | None = None) -> pd.DataFrame:
    """Return how each system changed between two runs, after minus before, on the items of both.

    The other columns as in `comparisons`; `after` and `before` are the ids of the runs. Items, and opponents
    on an item, that only one of them has are left out, and so are items whose prompt, context or references
    changed (`changed_items` counts those of the system), and labels. `changed` names what is not the same in
    a judge or metric: a difference may then be its own. `changed_data` names what is not the same in the
    dataset, and `changed_labels` counts the labels of it that are not. None where the scale or
    its direction has changed.
    """
    earlier = dict(groups(outcomes(before), *ABOUT))
    changes: dict[str, DataChange] = {}
    rows: list[Row] = []
    for key, found in groups(outcomes(after), *ABOUT):
        if key not in earlier or found["kind"].iat[0] == "labels":
            continue
        if (dataset := key[0]) not in changes:
            changes[dataset] = data_change(dataset, after, before)
        change = changes[dataset]
        early = [early_stop_reason(run, dataset, key[2], key[3]) for run in (after, before)]
        scales = [(bounds_of(side), direction_of(side)) for side in (found, earlier[key])]
        scale = OTHER_SCALE if scales[0] != scales[1] else None
        why_not = next(filter(None, (*early, scale)), None)
        told, left_out = _since(found, earlier[key], change, why_not)
        differences: Told = {(name, after.run.id, before.run.id): one for name, one in told.items()}
        facts = {
            "changed": ", ".join(changed(key, after, before)) or None,
            "changed_data": ", ".join(change.what) or None,
            "changed_labels": change.labels,
        }
        for one in _rows((*key, direction_of(found)), NIGHTS, differences, margin):
            rows.append({**one, **facts, "changed_items": left_out[one["system"]]})
    return _table(rows, (*_ABOUT, *NIGHTS, *_TESTED, *_CHANGED))


def _since(
    after: pd.DataFrame, before: pd.DataFrame, change: DataChange, why_not: str | None
) -> tuple[dict[str, _Difference], dict[str, int]]:
    """Return each system then and now, without the items that changed, and how many of it these are."""
    import pandas as pd

    told, left_out = {}, {}
    both = pd.concat([after.assign(night=AFTER), before.assign(night=BEFORE)])
    for (system,), mine in groups(both, "system"):
        if mine["night"].nunique() < 2:
            continue
        same = mine[~mine["item_id"].isin(change.items)]
        aside = mine["item_id"].nunique() - same["item_id"].nunique()
        if same["night"].nunique() == 2:
            (pair,) = _differences(same, "night", why_not).values()
        else:
            nothing = same[:0].assign(failed=False)
            pair = _Difference(nothing, nothing, bounds_of(mine), same["item_id"].nunique(), why_not)
        if aside:
            pair = replace(pair, lacking=pair.lacking + aside, why_not=why_not or pair.nothing(ALL_CHANGED))
        told[system], left_out[system] = pair, aside
    return told, left_out


def _table(rows: list[Row], named: tuple[str, ...]) -> pd.DataFrame:
    frame = table(rows, named)
    frame["failed"] = frame["failed"].astype("Int64")
    return frame


def _differences(found: pd.DataFrame, side: str, early: str | None) -> Told:
    """Return every two sides, samples averaged."""
    ends = bounds_of(found)
    every = item_outcomes(found, side)
    met = stats.Matching(every[side].tolist(), every["item_id"].tolist(), every["other"].tolist())
    told: Told = {}
    for pair in itertools.combinations(met.sides, 2):
        one, two, _ = met.pair(*pair)
        told[pair] = _Difference(every.iloc[one], every.iloc[two], ends, met.lacking(*pair), early)
    return told


def _rows(key: tuple[Any, ...], names: tuple[str, ...], told: Told, margin: float | None) -> Iterator[Row]:
    about = dict(zip(_ABOUT, key, strict=True))
    found = [difference.made() for difference in told.values()]
    holm = stats.adjusted([made.p for made in found])
    for (who, difference), made, adjusted in zip(told.items(), found, holm, strict=True):
        named = {**about, "criterion": about["criterion"] or None, **dict(zip(names, who, strict=True))}
        shown = _finding(made.difference, margin, about["higher_is_better"])
        tested = {"p": made.p, "p_holm": adjusted, "test": made.test, "finding": shown}
        worst = difference.worst_case(made.difference)
        ends = {"worst_low": worst and worst.low, "worst_high": worst and worst.high}
        yield row(made.difference, **named, **tested, failed=difference.failed, **ends)


def _finding(difference: stats.Estimate, margin: float | None, higher_is_better: bool | None) -> str | None:
    if margin is None or higher_is_better is None:
        return None
    return stats.finding(difference if higher_is_better else difference.negated(), margin).value
