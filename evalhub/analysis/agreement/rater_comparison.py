"""Which rater of responses agrees best with people: differences of correlations, and ranking accuracy."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.responses import SOFT, judges_and_metrics, oriented_responses
from evalhub.analysis.results import Results, cached_statistics
from evalhub.analysis.tables import floats, row, table

if TYPE_CHECKING:
    import pandas as pd

_LABEL_KEYS = ("dataset", "label_criterion", "annotator_kind")
DIFFERENCES = (*_LABEL_KEYS, "first", "second", "granularity", "coefficient", "p", "p_holm", "test")
ACCURACIES = (*_LABEL_KEYS, "rater", "statistic", "epsilon", "pairs")

_DIFFERENCES = (
    (stats.Granularity.POOLED, stats.Coefficient.SPEARMAN),
    (stats.Granularity.ITEM, stats.Coefficient.SPEARMAN),
    (stats.Granularity.SYSTEM, stats.Coefficient.PEARSON),
)
_SWAPS = 500

Row = dict[str, Any]


@cached_statistics
def correlation_differences(results: Results) -> pd.DataFrame:
    """Return the difference of two raters' correlations with the labels, on the same responses.

    One row per pair of a judge and another judge, metric or the length. The difference is first minus second.
    Above 0 the first rater agrees better with the labels. The correlations are Spearman's, pooled and within
    items, and Pearson's between systems, of values turned so that higher is better. `p_holm` is adjusted for
    all pairs at one level.
    """
    rows: list[Row] = []
    for frame_keys, frame in oriented_responses(results):
        judges, metrics = judges_and_metrics(results, frame)
        judge_pairs = [pair for pair in itertools.combinations(judges, 2) if len(set(map(_judge, pair))) > 1]
        pairs = [*judge_pairs, *itertools.product(judges, metrics)]
        for granularity, kind in _DIFFERENCES:
            comparisons = [_difference(frame, *pair, granularity=granularity, kind=kind) for pair in pairs]
            holm = stats.adjusted([comparison.p for comparison in comparisons])
            for (first, second), comparison, adjusted in zip(pairs, comparisons, holm, strict=True):
                keys = {
                    **frame_keys, "first": first, "second": second, "granularity": granularity.value,
                    "coefficient": kind.value, "p": comparison.p, "p_holm": adjusted, "test": comparison.test,
                }  # fmt: skip
                rows.append(row(comparison.difference, **keys))
    return table(rows, DIFFERENCES)


def _judge(rater: str) -> str:
    return rater.removesuffix(SOFT).partition(": ")[0]


def _difference(
    frame: pd.DataFrame, first: str, second: str, *, granularity: stats.Granularity, kind: stats.Coefficient
) -> stats.Comparison:
    return stats.correlation_difference(
        floats(frame[first]), floats(frame[second]), floats(frame["labels"]), **_ids(frame),
        granularity=granularity, kind=kind, resamples=_SWAPS,
    )  # fmt: skip


def ranking_accuracies(results: Results) -> pd.DataFrame:
    """Return how often each rater orders two systems as the labels do. 1 = always, higher is better.

    Statistics: `within items` (equal scores tie), `within items, ties calibrated` and `between systems` (by
    their means). With calibrated ties, scores less than an epsilon apart tie too. The epsilon is fitted on
    other clusters, and the column `epsilon` shows the best one over all clusters.
    """
    rows: list[Row] = []
    for frame_keys, frame in oriented_responses(results):
        for rater in itertools.chain(*judges_and_metrics(results, frame)):
            for statistic, estimate, facts in _accuracies(frame, rater):
                rows.append(row(estimate, **frame_keys, rater=rater, statistic=statistic, **facts))
    return table(rows, ACCURACIES)


def _accuracies(frame: pd.DataFrame, rater: str) -> Iterator[tuple[str, stats.Estimate, Row]]:
    scores = floats(frame[rater]), floats(frame["labels"])
    accuracy = stats.ranking_accuracy(*scores, **_ids(frame))
    facts = {"epsilon": None, "pairs": accuracy.pairs}
    yield "within items", accuracy.uncalibrated, facts
    yield "within items, ties calibrated", accuracy.calibrated, {**facts, "epsilon": accuracy.epsilon}
    yield "between systems", stats.system_accuracy(*scores, **_ids(frame)), facts


def _ids(frame: pd.DataFrame) -> Row:
    return {
        "items": frame["item_id"].tolist(),
        "systems": frame["system"].tolist(),
        "clusters": frame["cluster"].tolist(),
    }
