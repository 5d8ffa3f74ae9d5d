"""Which rater of responses goes best with people: differences of correlations, and ranking accuracy."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.responses import SOFT, oriented_by_response, raters_of
from evalhub.analysis.results import Results
from evalhub.analysis.tables import floats, row, table

if TYPE_CHECKING:
    import pandas as pd

_ABOUT = ("dataset", "label_criterion", "annotator_kind")
DIFFERENCES = (*_ABOUT, "first", "second", "at", "coefficient", "p", "p_holm", "test")
ACCURACIES = (*_ABOUT, "rater", "statistic", "epsilon", "pairs")

_AT = (
    (stats.Level.POOLED, stats.Coefficient.SPEARMAN),
    (stats.Level.ITEM, stats.Coefficient.SPEARMAN),
    (stats.Level.SYSTEM, stats.Coefficient.PEARSON),
)
_SWAPS = 500

Row = dict[str, Any]


def correlation_differences(results: Results) -> pd.DataFrame:
    """Return how much better one rater goes with the labels than another, on the same responses.

    First minus second, for every judge and another judge, a metric or the length: Spearman pooled and within
    items, Pearson between systems, of values with higher = better. `p_holm` allows for all pairs at one
    level.
    """
    rows: list[Row] = []
    for about, frame in oriented_by_response(results):
        judges, others = raters_of(results, frame)
        apart = [pair for pair in itertools.combinations(judges, 2) if len(set(map(_judge, pair))) > 1]
        pairs = [*apart, *itertools.product(judges, others)]
        for level, kind in _AT:
            found = [_difference(frame, *pair, level=level, kind=kind) for pair in pairs]
            holm = stats.adjusted([one.p for one in found])
            for (first, second), one, adjusted in zip(pairs, found, holm, strict=True):
                named = {
                    **about, "first": first, "second": second, "at": level.value, "coefficient": kind.value,
                    "p": one.p, "p_holm": adjusted, "test": one.test,
                }  # fmt: skip
                rows.append(row(one.difference, **named))
    return table(rows, DIFFERENCES)


def _judge(rater: str) -> str:
    return rater.removesuffix(SOFT).partition(": ")[0]


def _difference(
    frame: pd.DataFrame, first: str, second: str, *, level: stats.Level, kind: stats.Coefficient
) -> stats.Comparison:
    return stats.correlation_difference(
        floats(frame[first]), floats(frame[second]), floats(frame["labels"]), **_ids(frame),
        level=level, kind=kind, resamples=_SWAPS,
    )  # fmt: skip


def ranking_accuracies(results: Results) -> pd.DataFrame:
    """Return how often each rater orders two systems as the labels do, the better one first.

    Statistics: `within items` (equal scores tie), `within items, ties calibrated` (scores less than an
    epsilon apart tie too, the epsilon chosen on other clusters; `epsilon` is the one that is best on all) and
    `between systems` (by their means).
    """
    rows: list[Row] = []
    for about, frame in oriented_by_response(results):
        for rater in itertools.chain(*raters_of(results, frame)):
            for statistic, estimate, facts in _accuracies(frame, rater):
                rows.append(row(estimate, **about, rater=rater, statistic=statistic, **facts))
    return table(rows, ACCURACIES)


def _accuracies(frame: pd.DataFrame, rater: str) -> Iterator[tuple[str, stats.Estimate, Row]]:
    scores = floats(frame[rater]), floats(frame["labels"])
    found = stats.ranking_accuracy(*scores, **_ids(frame))
    facts = {"epsilon": None, "pairs": found.pairs}
    yield "within items", found.uncalibrated, facts
    yield "within items, ties calibrated", found.calibrated, {**facts, "epsilon": found.epsilon}
    yield "between systems", stats.system_accuracy(*scores, **_ids(frame)), facts


def _ids(frame: pd.DataFrame) -> Row:
    return {
        "items": frame["item_id"].tolist(),
        "systems": frame["system"].tolist(),
        "clusters": frame["cluster"].tolist(),
    }
