"""The cost of judges: tokens for each judgment, their price, and judgments a second."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.results import Results, cached_statistics
from evalhub.analysis.tables import groups, ids, numbers, row, rows_of, table
from evalhub.specs.suite import Price
from evalhub.stats.clusters import Column

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("judge", "model", "statistic")
PER = 1000
MONEY = f"money for {PER:,} judgments"
NO_COUNTS = "the server gives no numbers of tokens"
NO_BATCH_PRICE = "answers came in batches, and the suite gives no price of them, as in `price: {batch: 0.5}`"
NO_BATCH_TIME = "answers came in batches, whose time is that of the server's queue"

UNCOUNTED = "count(*) FILTER (c.failure IS NULL AND (c.prompt_tokens IS NULL OR c.completion_tokens IS NULL))"
"""Counts the answers of `completions c` of which the server gives no numbers of tokens."""

# The tokens of a completion that several judgments use are shared among them.
_TOKENS = f"""
WITH used AS (
  SELECT judge, j.dataset || '/' || i.cluster AS cluster, unnest(completions) AS key,
    j.place AS judgment
  FROM (SELECT *, row_number() OVER () AS place FROM judgments) j JOIN items i USING (dataset, item_id)
  WHERE j.source = 'generated'
), shared AS (
  SELECT *, 1 / count(*) OVER (PARTITION BY judge, key) AS share FROM used
)
SELECT judge, cluster, any_value(c.model) AS model,
  sum(share * c.prompt_tokens) AS "prompt tokens", sum(share * c.cached_tokens) AS "cached tokens",
  sum(share * c.completion_tokens) AS "generated tokens", {UNCOUNTED} > 0 AS uncounted,
  sum(share * c.prompt_tokens) FILTER (WHERE c.batch) AS batched_prompt,
  sum(share * c.cached_tokens) FILTER (WHERE c.batch) AS batched_cached,
  sum(share * c.completion_tokens) FILTER (WHERE c.batch) AS batched_generated
FROM shared JOIN completions c USING (key)
GROUP BY judge, cluster, judgment ORDER BY ALL
"""

_COMPUTED_HERE = """
WITH used AS (
  SELECT judge, place, unnest(completions) AS key
  FROM (SELECT *, row_number() OVER () AS place FROM judgments WHERE source = 'generated')
)
SELECT judge, count(DISTINCT place) AS n FROM used JOIN completions c USING (key)
WHERE coalesce(c.computed_in, '') IN ('', $run) GROUP BY judge ORDER BY judge
"""


@cached_statistics
def judgment_tokens(results: Results) -> pd.DataFrame:
    """Return the part of `cost` that is the same for every run of the same judgments: tokens and money."""
    rows: list[dict[str, Any]] = []
    for (judge, model), judgments in groups(results.coded_sql(_TOKENS), "judge", "model"):
        clusters = ids(judgments["cluster"])
        estimates = {
            f"{name} a judgment": stats.mean_estimate(numbers(judgments[name]), clusters)
            for name in ("prompt tokens", "cached tokens", "generated tokens")
        }
        estimates[MONEY] = _money(judgments, clusters, price_of(results, str(judge)))
        rows += [row(value, judge=judge, model=model, statistic=name) for name, value in estimates.items()]
    return table(rows, COLUMNS)


def _money(judgments: pd.DataFrame, clusters: Column, price: Price | str) -> stats.Estimate:
    """Return the mean price of judgments, those left out of which a completion has no numbers of tokens."""
    if isinstance(price, str):
        return stats.Estimate.none(price)
    names = ("prompt tokens", "generated tokens", "cached tokens")
    all_tokens = zip(*(numbers(judgments[name]) for name in names), strict=True)
    names = ("batched_prompt", "batched_generated", "batched_cached")
    in_batches = zip(*(map(_or_zero, numbers(judgments[name])) for name in names), strict=True)
    prices: list[float | None] = []
    for tokens, batched, uncounted in zip(all_tokens, in_batches, judgments["uncounted"], strict=True):
        if uncounted or isnan(tokens[0]):
            prices.append(None)
            continue
        money = money_of(price, tuple(map(_or_zero, tokens)), batched)
        if money is None:
            return stats.Estimate.none(NO_BATCH_PRICE)
        prices.append(PER * money)
    estimate = stats.mean_estimate(prices, clusters)
    if estimate.estimate is None:
        return stats.Estimate.none(NO_COUNTS, n_excluded=estimate.n_excluded)
    return estimate


def money_of(price: Price, tokens: Sequence[float], batched: Sequence[float]) -> float | None:
    """Return the price of tokens, some of which come from batches. None where theirs is not known.

    Args:
        price: The price.
        tokens: Those of prompts, the generated ones, and those of prompts that were cached.
        batched: The part of each that comes from batches.
    """
    prompt, generated, cached = (total - part for total, part in zip(tokens, batched, strict=True))
    if not any(batched):
        return price.money(prompt, generated, cached=cached)
    if price.batch is None:
        return None
    singles = price.money(max(prompt, 0.0), max(generated, 0.0), cached=max(cached, 0.0))
    return singles + price.money(batched[0], batched[1], cached=batched[2], in_batch=True)


def _or_zero(tokens: float) -> float:
    return 0.0 if isnan(tokens) else tokens


def cost(results: Results) -> pd.DataFrame:
    """Return each judge's tokens for one judgment, and its judgments a second, over all its datasets.

    Statistics: `prompt tokens`, `cached tokens` (prompt tokens read from the prefix cache) and `generated
    tokens`, means over judgments. The tokens of a completion that several judgments use are shared among
    them. `money for 1,000 judgments` is their price, known where the suite gives the judge one and the server
    the numbers of tokens. `judgments a second` counts the judgments computed in this run while the engine was
    busy. It is known where the engine served this judge alone.
    """
    computed = _count_computed_here(results)
    rows: list[dict[str, Any]] = []
    for (judge, model), tokens in groups(judgment_tokens(results), "judge", "model"):
        speed = _speed(computed.get(judge, 0), engine_time(results, judge))
        speed_row = row(speed, judge=judge, model=model, statistic="judgments a second")
        rows += [*rows_of(tokens), speed_row]
    return table(rows, COLUMNS)


def _count_computed_here(results: Results) -> dict[str, int]:
    """Return how many judgments of each judge this run computed. None where all come from earlier runs."""
    parts = results.manifest.parts
    if results.run.finished and all(part.computed_in or not part.rows.get("judgments") for part in parts):
        return {}
    counts = results.sql(_COMPUTED_HERE, {"run": results.run.id})
    return {str(judge): int(n) for judge, n in zip(counts["judge"], counts["n"], strict=True)}


def _speed(judgments: int, time: tuple[float, int] | str) -> stats.Estimate:
    """Return the judgments of this run by the seconds that the engine was busy, without an interval."""
    if not judgments:
        return stats.Estimate.none("nothing was computed in this run")
    if isinstance(time, str):
        return stats.Estimate.none(time)
    return stats.Estimate(
        judgments / time[0], None, None, 0.95, "none", judgments, 1, 0, "one run, timed once"
    )


def price_of(results: Results, judge: str) -> Price | str:
    """Return what the suite gives as the price of a judge's tokens, or why it is unknown."""
    price = next((use.price for use in results.suite.judges if use.id == judge), None)
    return price or f"no price of its tokens is known: the suite gives {judge} no `price`"


def engine_time(results: Results, judge: str) -> tuple[float, int] | str:
    """Return the busy seconds of the judge's engine and its number of requests, or why they are unknown.

    They are unknown where the engine also served another judge or a candidate.
    """
    engines = [engine for engine in results.manifest.engines if judge in engine.get("serves", ())]
    if any(engine.get("batches") is not None for engine in engines):
        return NO_BATCH_TIME
    sharers = sorted({name for engine in engines for name in engine["serves"]} - {judge})
    if sharers:
        return f"the time of its engine is shared with {', '.join(sharers)}"
    busy, requests = (
        sum(engine.get(name) or 0 for engine in engines) for name in ("seconds_busy", "requests")
    )
    return (busy, requests) if busy and requests else f"no engine measured the time of {judge}"
