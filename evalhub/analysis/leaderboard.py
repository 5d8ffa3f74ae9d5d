"""Which system is better: win rates, mean scores and metrics, each with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub import stats
from evalhub.analysis.measured import ABOUT, measured
from evalhub.analysis.results import Results
from evalhub.analysis.settled import stopped_early
from evalhub.analysis.tidy import floats, groups, row, table

if TYPE_CHECKING:
    import pandas as pd

NAMED = ("dataset", "system", "rater", "kind", "criterion", "measure")


def leaderboard(results: Results) -> pd.DataFrame:
    """Return every number that ranks a system, one row each: the means of `measured`.

    A win rate is against the other systems that the rater compared it with; a tie counts half. None where
    judging stopped early, sooner for some pairs than for others.
    """
    rows = []
    for key, found in groups(measured(results), *ABOUT, "system"):
        named = dict(zip((*ABOUT, "system"), key, strict=True))
        if why := stopped_early(results, named["dataset"], named["rater"], named["criterion"]):
            estimate = stats.Estimate.none(why)
        else:
            values = floats(found["value"])
            estimate = stats.mean_score(values, found["cluster"].tolist(), bounds=bounds(found))
        rows.append(row(estimate, **{**named, "criterion": named["criterion"] or None}))
    return table(rows, NAMED)


def bounds(found: pd.DataFrame) -> tuple[float, float] | None:
    """Return the lowest and highest value that there can be in rows of `measured`; None = not known."""
    (floor,), (ceiling,) = floats(found["floor"][:1]), floats(found["ceiling"][:1])
    return None if floor is None or ceiling is None else (floor, ceiling)
