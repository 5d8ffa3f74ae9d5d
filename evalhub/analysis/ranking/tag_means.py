"""The systems' means on the items of one tag, counted from facts, so that a large run answers at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.outcomes import MEAN_SCORE, WIN_RATE
from evalhub.analysis.frames.sides import SIDES
from evalhub.analysis.results import Results
from evalhub.analysis.tables import groups, ids, numbers, row, table

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("dataset", "judge", "criterion", "tag", "measure", "system")

# The samples of an item are averaged first, as in the leaderboard.
_OUTCOMES = f"""
SELECT if(opponent IS NULL, '{MEAN_SCORE}', '{WIN_RATE}') AS measure,
  system, item_id, opponent, cluster, avg(value) AS value
FROM ({SIDES}) JOIN (
  SELECT dataset, item_id, cluster FROM items WHERE dataset = $dataset AND list_contains(tags, $tag)
) USING (dataset, item_id)
WHERE dataset = $dataset AND judge = $judge AND criterion = $criterion AND value IS NOT NULL
GROUP BY ALL ORDER BY ALL"""


def tag_means(results: Results, dataset: str, judge: str, criterion: str, tag: str) -> pd.DataFrame:
    """Return the mean outcome of each system by one judge on the items of one tag, with intervals.

    A win rate is over the system's pairs with all others, a mean score over its responses. Where all systems
    were judged on the same items, this is the leaderboard of that tag. Where they were not, the leaderboard
    by tag takes the items that they share, and these means do not.

    Args:
        results: The run.
        dataset: Id of the dataset.
        judge: Id of a judge. A jury has no facts.
        criterion: A criterion of the judge.
        tag: A tag of items.
    """
    values = {"dataset": dataset, "judge": judge, "criterion": criterion, "tag": tag}
    frame = results.sql(_OUTCOMES, values)
    rows: list[dict[str, Any]] = []
    for (measure, system), group in groups(frame, "measure", "system"):
        bounds = (0.0, 1.0) if measure == WIN_RATE else _bounds(results, judge, criterion)
        estimate = stats.mean_estimate(numbers(group["value"]), ids(group["cluster"]), bounds=bounds)
        rows.append(row(estimate, **values, measure=measure, system=system))
    return table(rows, COLUMNS)


def _bounds(results: Results, judge: str, criterion: str) -> tuple[float, float] | None:
    rubric = results.rubric(judge)
    scale = rubric.scale_for(criterion) if rubric else None
    return (min(scale.values), max(scale.values)) if scale and scale.values else None
