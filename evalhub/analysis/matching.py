"""The cells that two systems or two nights have in common: the same item, opponent and sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

EVEN = 0.5
_CELL = ["item_id", "other", "sample"]
_SIDES = ("first", "second")


def matched(first: pd.DataFrame, second: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the cells of two sides beside each other; ratings have no opponent.

    Args:
        first: Rows of `measured` of one system.
        second: Rows of the other, or of another night.
        columns: What to put side by side.

    Returns:
        Columns item_id, other, sample, cluster, both (whether both have the cell), and of each of `columns`
        two, such as value_first and value_second, missing where one of both lacks the cell.
    """
    told = ["cluster", *columns]
    cells = first[[*_CELL, *told]].merge(
        second[[*_CELL, *told]],
        on=_CELL, how="outer", suffixes=[f"_{side}" for side in _SIDES], indicator="both",
    )  # fmt: skip
    values = [f"{column}_{side}" for column in columns for side in _SIDES]
    cells["both"] = cells["both"] == "both"
    cells["cluster"] = cells["cluster_first"].fillna(cells["cluster_second"])
    cells[values] = cells[values].where(cells["both"])
    return cells[[*_CELL, "cluster", "both", *values]]


def matched_pair(found: pd.DataFrame, first: str, second: str, *columns: str) -> tuple[pd.DataFrame, bool]:
    """Return two systems' cells against the opponents that both met on an item, and their own matches.

    Args:
        found: Rows of `measured`.
        first: A system.
        second: Another.
        columns: As for `matched`.

    Returns:
        The cells, as of `matched`, where a match of the two themselves has one half on the second's side; and
        whether there are no others.
    """
    import pandas as pd

    one, two = (found[found["system"] == name] for name in (first, second))
    met = one["other"] == second
    cells = matched(one[~met], two[two["other"] != first], *columns)
    if not met.any():
        return cells, False
    direct = one.loc[met, [*_CELL, "cluster"]].assign(both=True)
    for column in columns:
        direct[f"{column}_first"], direct[f"{column}_second"] = one.loc[met, column], EVEN
    return (pd.concat([cells, direct]), False) if cells["both"].any() else (direct, True)
