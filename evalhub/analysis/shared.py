"""On which rows the systems of a measure are ranked: those of items that all of them were measured on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from evalhub import stats
from evalhub.analysis.tidy import floats

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


@dataclass(frozen=True, slots=True)
class Comparable:
    """The rows of one measure that compare.

    Attributes:
        rows: Rows of `measured` by which the systems are ranked.
        basis: `SAME_ITEMS`, or `OPPONENTS` where pairs of systems met on different items.
        why: Why a system is not ranked, by system; empty where all are.
        set_aside: Number of a system's items that do not count, by system.
    """

    rows: pd.DataFrame
    basis: str
    why: dict[str, str] = field(default_factory=dict)
    set_aside: dict[str, int] = field(default_factory=dict)


def comparable(found: pd.DataFrame) -> Comparable:
    """Return by which rows the systems of one measure are ranked.

    An item counts where every ranked system was measured on it; a failed row was measured. A system on fewer
    than half of the items that at least half of the systems were measured on is set apart, and so are its
    matches. Where most matches fall on items that some system lacks, and no system is in all matches, all of
    them count: the systems then compare through their shared opponents (Bradley-Terry).

    Args:
        found: Rows of `measured` under one measure of one rater.
    """
    rows = found
    why: dict[str, str] = {}
    while True:
        shared = stats.shared_units(rows["system"].tolist(), rows["item_id"].tolist())
        why |= _reasons(shared)
        left = rows[shared.rows & ~rows["other"].isin(shared.apart).to_numpy()]
        if len(left) == len(rows):
            break
        rows = left
    if 2 * len(rows) < len(found) and _drawn_pairs(found):
        return Comparable(found, OPPONENTS)
    items = found.groupby("system")["item_id"].nunique()
    ranked = rows.groupby("system")["item_id"].nunique().reindex(items.index, fill_value=0)
    return Comparable(rows, SAME_ITEMS, why, {str(name): int(n) for name, n in (items - ranked).items()})


def comparable_pairs(pairs: pd.DataFrame) -> Comparable:
    """Return by which pairs the systems are ranked, as `comparable` does; a row has system_a and system_b."""
    import pandas as pd

    a, b = pairs["system_a"], pairs["system_b"]
    sides = [pairs.assign(system=a, other=b), pairs.assign(system=b, other=a)]
    compared = comparable(pd.concat(sides))
    return replace(compared, rows=pairs[pairs.index.isin(compared.rows.index)])


def matches_of(rows: pd.DataFrame) -> stats.Matches:
    """Return rows of `measured` that are of pairs as matches, each pair once."""
    won = rows[rows["system"] < rows["other"]]
    return stats.Matches(
        floats(won["value"]), won["system"].tolist(), won["other"].tolist(), won["cluster"].tolist()
    )


def _drawn_pairs(found: pd.DataFrame) -> bool:
    """Say whether the rows are of pairs, and no system is in all of them."""
    pairs = found[found["other"] != ""]
    return not pairs.empty and 2 * pairs["system"].value_counts().max() < len(pairs)


def _reasons(shared: stats.Shared) -> dict[str, str]:
    """Return why systems are not ranked, after one look at what they share."""
    systems = set(shared.having)
    why = {name: TOO_FEW.format(having=shared.having[name], common=shared.common) for name in shared.apart}
    if len(systems) > 1 and not shared.units:
        nobody = NO_ITEM if shared.systems else NO_OTHER
        why |= dict.fromkeys(systems.difference(shared.apart), nobody)
    return why
