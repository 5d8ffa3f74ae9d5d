"""What judges cost: tokens for each judgment, and judgments a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.results import Results
from evalhub.analysis.tables import floats, groups, row, table

if TYPE_CHECKING:
    import pandas as pd

NAMED = ("judge", "model", "statistic")

# A completion that several judgments rest on is shared among them.
_TOKENS = """
WITH used AS (
  SELECT judge, j.dataset || '/' || i.cluster AS cluster, unnest(completions) AS key,
    j.place AS judgment
  FROM (SELECT *, row_number() OVER () AS place FROM judgments) j JOIN items i USING (dataset, item_id)
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
    """Return each judge's tokens for one judgment, and its judgments a second, over all its datasets.

    Statistics: `prompt tokens`, `cached tokens` (of them, read from the prefix cache) and `generated tokens`,
    means over judgments; `judgments a second`, of those computed in this run while its engine was busy, where
    the engine served this judge alone. A completion that several judgments rest on is shared among them.
    """
    rows: list[dict[str, Any]] = []
    here = results.sql(_HERE, {"run": results.run.id})
    computed = dict(zip(here["judge"], here["n"], strict=True))
    for (judge, model), found in groups(results.sql(_TOKENS), "judge", "model"):
        named = {"judge": judge, "model": model}
        for name in ("prompt tokens", "cached tokens", "generated tokens"):
            mean = stats.mean_estimate(floats(found[name]), found["cluster"].tolist())
            rows.append(row(mean, **named, statistic=f"{name} a judgment"))
        speed = _speed(int(computed.get(judge, 0)), engine_time(results, judge))
        rows.append(row(speed, **named, statistic="judgments a second"))
    return table(rows, NAMED)


def _speed(judgments: int, time: tuple[float, int] | str) -> stats.Estimate:
    """Return the judgments of this run by the seconds that the engine was busy; there is no interval."""
    if not judgments:
        return stats.Estimate.none("nothing was computed in this run")
    if isinstance(time, str):
        return stats.Estimate.none(time)
    return stats.Estimate(
        judgments / time[0], None, None, 0.95, "none", judgments, 1, 0, "one run, timed once"
    )


def engine_time(results: Results, judge: str) -> tuple[float, int] | str:
    """Return the seconds that the judge's engine was busy and its requests, or why nobody knows.

    An engine that served another judge or a candidate too has no time that is the judge's own.
    """
    engines = [engine for engine in results.manifest["engines"] if judge in engine.get("serves", ())]
    others = sorted({name for engine in engines for name in engine["serves"]} - {judge})
    if others:
        return f"the time of its engine is shared with {', '.join(others)}"
    busy, requests = (
        sum(engine.get(name) or 0 for engine in engines) for name in ("seconds_busy", "requests")
    )
    return (busy, requests) if busy and requests else f"no engine measured the time of {judge}"
