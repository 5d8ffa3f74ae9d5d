"""What the order of the responses does to a judge, and by what their length is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.results import Results
from evalhub.analysis.tidy import groups, row, table, values
from evalhub.analysis.verdicts import HEARD, pair_verdicts, ratings

if TYPE_CHECKING:
    import pandas as pd

NAMED = ("dataset", "judge", "criterion", "statistic")

_ASKINGS = f"""
SELECT j.dataset, j.judge, j.criterion, j.winner, j.shown,
  i.cluster
FROM judgments j JOIN items i USING (dataset, item_id)
WHERE j.system_a IS NOT NULL AND {HEARD}
ORDER BY ALL
"""


def position_bias(results: Results) -> pd.DataFrame:
    """Return the flip rate and the first-position rate of every pairwise judge.

    One row per dataset, judge, criterion and statistic; 0 and .5 mean that order does not matter.
    """
    askings = results.sql(_ASKINGS)
    pairs = pair_verdicts(results)
    rows: list[dict[str, Any]] = []
    for (dataset, judge, criterion), found in groups(askings, "dataset", "judge", "criterion"):
        named = {"dataset": dataset, "judge": judge, "criterion": criterion}
        mine = pairs[
            (pairs["dataset"] == dataset) & (pairs["judge"] == judge) & (pairs["criterion"] == criterion)
        ]
        flips = stats.flip_rate(values(mine["winner_ab"]), values(mine["winner_ba"]), values(mine["cluster"]))
        first = stats.first_position_rate(
            values(found["winner"]), values(found["shown"]), values(found["cluster"])
        )
        rows += [row(flips, **named, statistic="flip rate"), row(first, **named, statistic="first position")]
    return table(rows, NAMED)


def length_penalty(results: Results) -> pd.DataFrame:
    """Return what the run's length penalty measures lengths by; no rows where it has none.

    Columns: dataset, judge, strength, length_spread (standard deviation of the pairs' difference in
    characters), median_chars (the median over items of the median length of an item's responses),
    items. A pairwise judge has a spread, a pointwise one medians.
    """
    import pandas as pd

    strength = float(results.manifest["resolved"]["suite"]["controls"]["length_penalty"])
    rows: list[dict[str, Any]] = []
    for frame in (pair_verdicts(results), ratings(results)) if strength else ():
        for (dataset, judge), found in groups(frame, "dataset", "judge"):
            known = {
                "length_spread": found["length_spread"].iloc[0] if "length_spread" in found else None,
                "median_chars": found.drop_duplicates("item_id")["median_chars"].median()
                if "median_chars" in found
                else None,
            }
            about = {"dataset": dataset, "judge": judge, "strength": strength}
            rows.append({**about, **known, "items": found["item_id"].nunique()})
    columns = ["dataset", "judge", "strength", "length_spread", "median_chars", "items"]
    return pd.DataFrame(rows, columns=columns)
