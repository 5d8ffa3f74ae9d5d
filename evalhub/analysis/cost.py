"""What judges cost: tokens for each judgment, and judgments a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.results import Results
from evalhub.analysis.tidy import floats, groups, row, table

if TYPE_CHECKING:
    import pandas as pd

NAMED = ("judge", "model", "statistic")

# A completion that several judgments rest on is shared among them.
_TOKENS = """
WITH used AS (
  SELECT judge, j.dataset || '/' || i.cluster AS cluster, unnest(completions) AS key,
    j.row AS judgment
  FROM (SELECT *, row_number() OVER () AS row FROM judgments) j JOIN items i USING (dataset, item_id)
  WHERE j.source = 'generated'
), shared AS (
  SELECT *, 1 / count(*) OVER (PARTITION BY judge, key) AS share FROM used
)
SELECT judge, cluster, judgment, any_value(c.model) AS model,
  sum(share * c.prompt_tokens) AS "prompt tokens", sum(share * c.cached_tokens) AS "cached tokens",
  sum(share * c.completion_tokens) AS "generated tokens"
FROM shared JOIN completions c USING (key)
GROUP BY judge, cluster, judgment ORDER BY ALL
"""

_HERE = """
SELECT judge, count(*) AS n FROM judgments j WHERE j.source = 'generated' AND EXISTS (
  SELECT 1 FROM completions c
  WHERE list_contains(j.completions, c.key) AND coalesce(c.computed_in, '') IN ('', $run)
) GROUP BY judge ORDER BY judge
"""


def cost(results: Results) -> pd.DataFrame:
    """Return each judge's tokens for one judgment, and its judgments a second.

    Statistics: `prompt tokens`, `cached tokens` (of them, read from the prefix cache) and `generated tokens`,
    means over judgments; `judgments a second`, of those computed in this run while its engine was busy, where
    the engine served this judge alone. A completion that several judgments rest on is shared among them.
    """
    tokens = results.sql(_TOKENS)
    rows: list[dict[str, Any]] = []
    models: dict[str, str] = {}
    for (judge, model), found in groups(tokens, "judge", "model"):
        models[judge] = model
        for name in ("prompt tokens", "cached tokens", "generated tokens"):
            mean = stats.mean_estimate(floats(found[name]), found["cluster"].tolist())
            rows.append(row(mean, judge=judge, model=model, statistic=f"{name} a judgment"))
    rows += [
        row(_speed(results, judge, models), judge=judge, model=model, statistic="judgments a second")
        for judge, model in models.items()
    ]
    return table(sorted(rows, key=lambda one: str(one["judge"])), NAMED)


def _speed(results: Results, judge: str, models: dict[str, str]) -> stats.Estimate:
    """Return the judgments of this run by the seconds that the engine was busy; there is no interval."""
    here = results.sql(_HERE, {"run": results.run.id})
    count = sum(int(n) for name, n in zip(here["judge"], here["n"], strict=True) if name == judge)
    engines = [one for one in results.manifest["engines"] if one["model"] == models[judge]]
    busy = sum(float(one.get("seconds_busy") or 0) for one in engines)
    if not count or not busy:
        return stats.Estimate.none("nothing was computed in this run")
    if sum(model == models[judge] for model in models.values()) > 1:
        return stats.Estimate.none("several judges shared the engine")
    reason = "one run, timed once"
    return stats.Estimate(count / busy, None, None, 0.95, "none", count, 1, 0, reason)
