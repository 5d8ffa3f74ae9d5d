"""The systems' means on the items of one tag, counted from facts, so that a large run answers at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.comparable import item_outcomes, select_comparable
from evalhub.analysis.frames.outcomes import MEAN_SCORE, WIN_RATE
from evalhub.analysis.frames.sides import SIDES
from evalhub.analysis.results import Results
from evalhub.analysis.tables import groups, ids, numbers, row, table

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("dataset", "judge", "criterion", "tag", "measure", "system")

_OUTCOMES = f"""
SELECT if(opponent IS NULL, '{MEAN_SCORE}', '{WIN_RATE}') AS measure,
  system, coalesce(opponent, '') AS other, item_id, cluster, sample, value
FROM ({SIDES}) JOIN (
  SELECT dataset, item_id, cluster FROM items WHERE dataset = $dataset AND list_contains(tags, $tag)
) USING (dataset, item_id)
WHERE dataset = $dataset AND judge = $judge AND criterion = $criterion
ORDER BY ALL"""


def tag_means(results: Results, dataset: str, judge: str, criterion: str, tag: str) -> pd.DataFrame:
    """Return the mean outcome of each system by one judge on the items of one tag, with intervals.

    These are the rows of the leaderboard of that tag, for win rates and mean scores. There are none where
    judging stopped early.

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
    if frame.empty or results.manifest.early_stopping is not None:
        return table(rows, COLUMNS)
    (measure,) = frame["measure"].unique()
    bounds = (0.0, 1.0) if measure == WIN_RATE else _bounds(results, judge, criterion)
    floor, ceiling = bounds or (None, None)
    cells = item_outcomes(frame.assign(floor=floor, ceiling=ceiling, withheld=None))
    compared = select_comparable(cells)
    for (system,), _ in groups(cells, "system"):
        shared = compared.rows[compared.rows["system"] == system]
        reason = compared.reasons.get(system)
        estimate = (
            stats.Estimate.none(reason)
            if reason
            else stats.mean_estimate(numbers(shared["value"]), ids(shared["cluster"]), bounds=bounds)
        )
        rows.append(row(estimate, **values, measure=measure, system=system))
    return table(rows, COLUMNS)


def _bounds(results: Results, judge: str, criterion: str) -> tuple[float, float] | None:
    rubric = results.rubric(judge)
    scale = rubric.scale_for(criterion) if rubric else None
    return (min(scale.values), max(scale.values)) if scale and scale.values else None
