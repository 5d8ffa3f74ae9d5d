"""What is only noise: how a judge's verdicts differ when it is asked the same again."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.verdicts import pair_verdicts, ratings
from evalhub.analysis.results import Results
from evalhub.analysis.tables import PAIR, RESPONSE, floats, groups, row, table
from evalhub.scales import Winner

if TYPE_CHECKING:
    import pandas as pd

KEYS = ("dataset", "criterion", "again", "statistic")
ALL = "all askings"
_SMALLEST = "smallest difference"
_POINTS = {winner.value: winner.points for winner in Winner}
_QUANTILE = 1.959963984540054


def noise(results: Results) -> pd.DataFrame:
    """Return how far the verdicts of a judge differ between askings. Each judge of the run is an asking.

    One row per dataset, criterion, asking (`again`) and statistic. A pair counts with its orders combined.

    - `flips`: share of units whose verdict is not that of the first asking, in [0, 1].
    - `spread` (`again` = all askings): mean standard deviation of a unit's value over the askings. A win is
      1, a tie 0.5, a loss 0. A rating counts in its own unit.
    - `smallest difference` (all askings): the difference of two means over `n` such units that noise alone
      exceeds in 5% of cases. A smaller difference between two runs is no more than noise. It shrinks with
      the root of n.
    """
    rows: list[dict[str, Any]] = []
    for (dataset, criterion), frame, askings in _by_criterion(results):
        keys = {"dataset": dataset, "criterion": criterion}
        clusters = frame["cluster"].tolist()
        first = floats(frame[askings[0]])
        for again in askings[1:]:
            flips = [_differs(*pair) for pair in zip(first, floats(frame[again]), strict=True)]
            estimate = stats.mean_estimate(flips, clusters, bounds=(0.0, 1.0))
            rows.append(row(estimate, **keys, again=again, statistic="flips"))
        variances = [_variance(unit) for unit in frame[askings].itertuples(index=False, name=None)]
        deviations = [None if variance is None else math.sqrt(variance) for variance in variances]
        spread = stats.mean_estimate(deviations, clusters, bounds=None)
        if spread.low is not None:  # no deviation is negative
            spread = replace(spread, low=max(spread.low, 0.0))
        rows.append(row(spread, **keys, again=ALL, statistic="spread"))
        rows.append(row(_smallest_difference(variances, clusters), **keys, again=ALL, statistic=_SMALLEST))
    return table(rows, KEYS)


def flaky_verdicts(results: Results) -> pd.DataFrame:
    """Return the units whose verdict is not the same in all askings, those that differ most first.

    Columns: dataset, criterion, item_id, systems, one column for each asking, and `spread`.
    """
    import pandas as pd

    frames = []
    for (dataset, criterion), frame, askings in _by_criterion(results):
        units = list(frame[askings].itertuples(index=False, name=None))
        spreads = [math.sqrt(variance) if (variance := _variance(unit)) else 0.0 for unit in units]
        flaky = frame.assign(dataset=dataset, criterion=criterion, spread=spreads)
        columns = ["dataset", "criterion", "item_id", "systems", *askings, "spread"]
        frames.append(flaky[flaky["spread"] > 0][columns])
    if not frames:
        return pd.DataFrame(columns=["dataset", "criterion", "item_id", "systems", "spread"])
    order = ["spread", "dataset", "criterion", "item_id", "systems"]
    return pd.concat(frames, ignore_index=True).sort_values(
        order, ascending=[False, True, True, True, True], ignore_index=True
    )


def _by_criterion(results: Results) -> Iterator[tuple[tuple[str, ...], pd.DataFrame, list[str]]]:
    """Yield the value of each unit in each asking, a column for each, in the order of the run's judges."""
    askings = list(results.manifest.judges)
    pairs = pair_verdicts(results)
    pairs = pairs.assign(value=pairs["winner"].map(_POINTS).astype("Float64"))
    for units, frame in ((PAIR, pairs), (RESPONSE, ratings(results))):
        systems = [name for name in units if name.startswith("system")]
        for key, rows in groups(frame, "dataset", "criterion"):
            wide = rows.pivot_table(
                index=[*units, "cluster"], columns="judge", values="value", observed=True, dropna=False
            )
            wide = wide.reindex(columns=askings).dropna(how="all").reset_index()
            names = wide[systems].astype(str).agg(" | ".join, axis=1)
            yield key, wide.assign(systems=names), askings


def _differs(first: float | None, again: float | None) -> float | None:
    return None if first is None or again is None else float(first != again)


def _variance(unit: tuple[Any, ...]) -> float | None:
    """Return the variance of a unit's value over its askings. None for fewer than two."""
    present = [float(value) for value in unit if value == value and value is not None]  # NaN is not itself
    if len(present) < 2:
        return None
    return statistics.variance(present)


def _smallest_difference(variances: list[float | None], clusters: list[Any]) -> stats.Estimate:
    """Return the largest difference of two means that noise alone explains, with its own interval.

    Units of one cluster are taken to vary alone, because a judge is asked for each anew.
    """
    mean = stats.mean_estimate(variances, clusters, bounds=None)
    if mean.estimate is None or not mean.n:
        return stats.Estimate.none(mean.reason or "no unit was asked twice", n_excluded=mean.n_excluded)
    size = mean.n

    def difference(variance: float | None) -> float | None:
        return None if variance is None else _QUANTILE * math.sqrt(2 * max(variance, 0.0) / size)

    return stats.Estimate(
        estimate=difference(mean.estimate),
        low=difference(mean.low),
        high=difference(mean.high),
        confidence=mean.confidence,
        method=mean.method,
        n=size,
        clusters=mean.clusters,
        n_excluded=mean.n_excluded,
        reason=mean.reason,
    )
