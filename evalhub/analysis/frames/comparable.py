"""Which rows rank the systems of a measure: those of the items on which all systems have a value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from evalhub import stats
from evalhub.analysis.frames.outcomes import withheld_reason
from evalhub.analysis.tables import ids, numbers

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
    """The rows of one measure by which its systems can be compared.

    Attributes:
        rows: The rows that rank the systems.
        basis: `SAME_ITEMS`, or `OPPONENTS` where pairs of systems met on different items.
        reasons: Why a system is not ranked, by system. Empty where all systems are ranked.
        n_not_shared: Number of a system's measured items that do not count, by system.
        withheld: Why the rater's numbers do not rank the systems. All rows count then. None = they do.
    """

    rows: pd.DataFrame
    basis: str
    reasons: dict[str, str] = field(default_factory=dict)
    n_not_shared: dict[str, int] = field(default_factory=dict)
    withheld: str | None = None


def item_outcomes(values: pd.DataFrame, side: str = "system") -> pd.DataFrame:
    """Average the samples of each system, item and opponent, so that every item has the same weight.

    Returns one row per system, item and opponent. `value` is the mean over the samples that did not fail,
    missing where all failed. `failed` counts the failed samples. `lowest` and `highest` are the means with
    failed samples at the floor and at the ceiling, missing where these are not known.

    Args:
        values: Rows of `outcomes` under one measure of one rater.
        side: Column of the systems, or of the runs of one system.
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


def select_comparable(rows: pd.DataFrame) -> Comparable:
    """Select the rows that rank the systems of one measure.

    An item counts where every ranked system has a value. A failed response or verdict is no value. Otherwise
    a system that fails on hard items would get a mean over easy items.

    Common items are those on which at least half of the systems have a value. A system with a value on fewer
    than half of the common items is not ranked, and its matches do not count.

    If most matches are on items that some system lacks, and no system is in all matches, then all matches
    count. The systems are then compared through shared opponents (Bradley-Terry).

    Args:
        rows: The rows of one measure of one rater, see `item_outcomes`. All of them count where the rater's
            numbers are withheld.
    """
    if reason := withheld_reason(rows):
        return Comparable(rows, SAME_ITEMS, withheld=reason)
    return _compare(rows[rows["value"].notna()])


def select_planned(values: pd.DataFrame) -> Comparable:
    """Select the rows that would rank the systems had nothing failed. Failed rows are included.

    Args:
        values: Rows of `outcomes` under one measure of one rater.
    """
    return _compare(values)


def select_comparable_pairs(pairs: pd.DataFrame, *, withheld: str | None) -> Comparable:
    """Select the pairs that rank the systems, by the rule of `select_comparable`.

    Args:
        pairs: Verdicts of one judge, with the columns system_a, system_b, item_id.
        withheld: Why the judge's numbers are withheld, see `withheld_reasons`. None = they are not.
    """
    import pandas as pd

    if withheld:
        return Comparable(pairs, SAME_ITEMS, withheld=withheld)
    a, b = pairs["system_a"], pairs["system_b"]
    compared = _compare(pd.concat([pairs.assign(system=a, other=b), pairs.assign(system=b, other=a)]))
    return replace(compared, rows=pairs[pairs.index.isin(compared.rows.index)])


def _compare(candidates: pd.DataFrame) -> Comparable:
    rows = candidates
    reasons: dict[str, str] = {}
    # To leave out a system also leaves out its matches, which changes what the remaining systems share.
    while True:
        shared = stats.shared_units(ids(rows["system"]), ids(rows["item_id"]))
        reasons |= _reasons(shared)
        remaining = rows[shared.rows & ~rows["other"].isin(shared.apart).to_numpy()]
        if len(remaining) == len(rows):
            break
        rows = remaining
    if 2 * len(rows) < len(candidates) and _is_partial_design(candidates):
        return Comparable(candidates, OPPONENTS)
    items = candidates.groupby("system")["item_id"].nunique()
    ranked = rows.groupby("system")["item_id"].nunique().reindex(items.index, fill_value=0)
    n_not_shared = {str(name): int(n) for name, n in (items - ranked).items()}
    return Comparable(rows, SAME_ITEMS, reasons, n_not_shared)


def matches_of(rows: pd.DataFrame) -> stats.Matches:
    """Return the rows of `outcomes` that come from pairs as matches, each pair once."""
    matches = rows[rows["system"].astype(str) < rows["other"].astype(str)]
    return stats.Matches(
        numbers(matches["value"]),
        ids(matches["system"]),
        ids(matches["other"]),
        ids(matches["cluster"]),
    )


def _is_partial_design(rows: pd.DataFrame) -> bool:
    """Return whether the rows come from pairs and no system is in all pairs."""
    pairs = rows[rows["other"] != ""]
    return not pairs.empty and 2 * pairs["system"].value_counts().max() < len(pairs)


def _reasons(shared: stats.Shared) -> dict[str, str]:
    """Return why systems are not ranked, by system."""
    systems = set(shared.having)
    reasons = {
        name: TOO_FEW.format(having=shared.having[name], common=shared.common) for name in shared.apart
    }
    if len(systems) > 1 and not shared.units:
        reason = NO_ITEM if shared.systems else NO_OTHER
        reasons |= dict.fromkeys(systems.difference(shared.apart), reason)
    return reasons
