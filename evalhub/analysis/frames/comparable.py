"""On which rows the systems of a measure are ranked: those of items that all of them were measured on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from evalhub import stats
from evalhub.analysis.frames.outcomes import withheld_reason
from evalhub.analysis.tables import floats

if TYPE_CHECKING:
    import pandas as pd

SAME_ITEMS = "the same items"
OPPONENTS = "shared opponents"

NO_ITEM = "no item was measured for all of these systems"
NO_OTHER = "no other system was measured on enough of the same items"
TOO_FEW = (
    "measured on {having} of the {common} items that at least half of the systems were measured on: with "
    "fewer than half of these it is not ranked beside the others"
)


_MATCH = ["item_id", "other"]
_COMBINED = {"value": "mean", "lowest": "mean", "highest": "mean", "failed": "sum"}


@dataclass(frozen=True, slots=True)
class Comparable:
    """The rows of one measure that compare.

    Attributes:
        rows: Those by which the systems are ranked.
        basis: `SAME_ITEMS`, or `OPPONENTS` where pairs of systems met on different items.
        why: Why a system is not ranked, by system; empty where all are.
        set_aside: Number of a system's measured items that do not count, by system.
        withheld: Why the numbers of this rater do not rank the systems; None = they do. All rows count where
            it is set.
    """

    rows: pd.DataFrame
    basis: str
    why: dict[str, str] = field(default_factory=dict)
    set_aside: dict[str, int] = field(default_factory=dict)
    withheld: str | None = None


def cells(values: pd.DataFrame, side: str = "system") -> pd.DataFrame:
    """Return one row per system, item and opponent, so that an item of many samples weighs as any other.

    `value` is the mean over the samples that did not fail, missing where all failed. `failed` counts the
    failed samples. `lowest` and `highest` are the means with these at the floor and at the ceiling, missing
    where there is neither.

    Args:
        values: Rows of `measured` under one measure of one rater.
        side: Column of the systems, or of the nights of one system.
    """
    value = values["value"]
    filled = values.assign(
        lowest=value.fillna(values["floor"]), highest=value.fillna(values["ceiling"]), failed=value.isna()
    )
    key = [side, *_MATCH]
    if not filled.duplicated(key).any():
        return filled.assign(failed=filled["failed"].astype(int))
    first = {name: "first" for name in filled.columns if name not in key}
    return filled.groupby(key, as_index=False).agg({**first, **_COMBINED})


def comparable(every: pd.DataFrame) -> Comparable:
    """Return by which cells the systems of one measure are ranked.

    An item counts where every ranked system has a value. A response or verdict that failed is no value: the
    mean of a system that fails on hard items would be one over easy items. A system with a value on fewer
    than half of the items that at least half of the systems have one on is set apart, and so are its
    matches. Where most matches fall on items that some system lacks, and no system is in all matches, all of
    them count: the systems then compare through their shared opponents (Bradley-Terry).

    Args:
        every: The cells of one measure of one rater, see `cells`. All of them count where the rater's
            numbers are withheld.
    """
    if reason := withheld_reason(every):
        return Comparable(every, SAME_ITEMS, withheld=reason)
    return _compare(every[every["value"].notna()])


def planned(values: pd.DataFrame) -> Comparable:
    """Return by which rows the systems would be ranked had nothing failed; failed rows are among them.

    Args:
        values: Rows of `measured` under one measure of one rater.
    """
    return _compare(values)


def comparable_pairs(pairs: pd.DataFrame, *, withheld: str | None) -> Comparable:
    """Return by which pairs the systems are ranked, as `comparable` does.

    Args:
        pairs: Verdicts of one judge, with the columns system_a, system_b, item_id.
        withheld: Why the judge's numbers are withheld, see `withheld_reasons`; None = they are not.
    """
    import pandas as pd

    if withheld:
        return Comparable(pairs, SAME_ITEMS, withheld=withheld)
    a, b = pairs["system_a"], pairs["system_b"]
    compared = _compare(pd.concat([pairs.assign(system=a, other=b), pairs.assign(system=b, other=a)]))
    return replace(compared, rows=pairs[pairs.index.isin(compared.rows.index)])


def _compare(every: pd.DataFrame) -> Comparable:
    rows = every
    why: dict[str, str] = {}
    while True:
        shared = stats.shared_units(rows["system"].tolist(), rows["item_id"].tolist())
        why |= _reasons(shared)
        left = rows[shared.rows & ~rows["other"].isin(shared.apart).to_numpy()]
        if len(left) == len(rows):
            break
        rows = left
    if 2 * len(rows) < len(every) and _drawn_pairs(every):
        return Comparable(every, OPPONENTS)
    items = every.groupby("system")["item_id"].nunique()
    ranked = rows.groupby("system")["item_id"].nunique().reindex(items.index, fill_value=0)
    return Comparable(rows, SAME_ITEMS, why, {str(name): int(n) for name, n in (items - ranked).items()})


def matches_of(rows: pd.DataFrame) -> stats.Matches:
    """Return rows of `measured` that are of pairs as matches, each pair once."""
    won = rows[rows["system"] < rows["other"]]
    return stats.Matches(
        floats(won["value"]), won["system"].tolist(), won["other"].tolist(), won["cluster"].tolist()
    )


def _drawn_pairs(every: pd.DataFrame) -> bool:
    """Say whether the rows are of pairs, and no system is in all of them."""
    pairs = every[every["other"] != ""]
    return not pairs.empty and 2 * pairs["system"].value_counts().max() < len(pairs)


def _reasons(shared: stats.Shared) -> dict[str, str]:
    """Return why systems are not ranked, after one look at what they share."""
    systems = set(shared.having)
    why = {name: TOO_FEW.format(having=shared.having[name], common=shared.common) for name in shared.apart}
    if len(systems) > 1 and not shared.units:
        nobody = NO_ITEM if shared.systems else NO_OTHER
        why |= dict.fromkeys(systems.difference(shared.apart), nobody)
    return why
