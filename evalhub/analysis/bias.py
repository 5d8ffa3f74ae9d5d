"""What the order of the responses does to a judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.results import Results
from evalhub.analysis.tidy import groups, row, table, values
from evalhub.analysis.verdicts import pair_verdicts

if TYPE_CHECKING:
    import pandas as pd

NAMED = ("dataset", "judge", "criterion", "statistic")

_ASKINGS = """
SELECT j.dataset, j.judge, j.criterion, j.winner, j.shown,
  i.cluster
FROM judgments j JOIN items i USING (dataset, item_id)
WHERE j.system_a IS NOT NULL
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
