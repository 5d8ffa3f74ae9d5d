"""Agreement of judges, metrics and baseline judges with the labels, and with each other."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.agreement.compared_pairs import ComparedPairs, compared_pairs
from evalhub.analysis.agreement.raters import BASELINE, UNPARSED, Rater
from evalhub.analysis.agreement.rating_levels import criterion_columns, level_columns
from evalhub.analysis.results import Results, cached_statistics
from evalhub.analysis.tables import row, table

if TYPE_CHECKING:
    import pandas as pd

KEYS = (
    "dataset", "label_criterion", "annotator_kind", "rater", "rater_kind", "criterion", "reading",
    "reference_rater", "statistic",
)  # fmt: skip


@cached_statistics
def agreement(results: Results) -> pd.DataFrame:
    """Return the agreement of every rater with the labels, and of raters with each other.

    Statistics: accuracy, balanced accuracy (the mean recall of the labels' categories, also called macro
    recall), Cohen's kappa, macro precision and macro F1, and for levels kappa with quadratic weights.
    Accuracy depends on how common each category is. Kappa corrects for chance agreement, and weighted kappa
    suits ordered levels. Higher is better for all of them.

    One row per dataset, label criterion, kind of annotator, rater, reading, `reference_rater` ("labels" or
    another rater) and statistic. The readings of a pairwise judge are `combined` (both orders, in log-odds),
    `ab` and `ba` (the hard verdict of one order), and `length-penalised` where the run has a length penalty.
    The reading of a pointwise judge is `level`. Judges and metrics are compared with each other by their
    combined readings. The criteria that items bring along are one criterion here, with a row of its own for
    each labelled criterion of a response among those that are counted.

    All raters see the same pairs: the labelled pairs that some judge judged, or all labelled pairs if there
    are no judgments. A label that is a tie is left out, and counted, for a rater that may not give a tie.
    Metrics and baseline judges may give a tie where any judge may. A pair without a verdict is left out too.
    If the card of a recorded judge says `unparsed_as: wrong`, such a pair counts as wrong, except in `ab`
    and `ba`.
    """
    rows = [row for pairs in compared_pairs(results) for row in _rows(pairs)]
    of_items = (columns for columns, _ in criterion_columns(results))
    for keys, ratings, labels, clusters in (*level_columns(results), *of_items):
        keys = {**keys, "reading": "level", "reference_rater": "labels"}
        rows += _statistics(ratings, labels, clusters, keys, (*STATISTICS, _WEIGHTED))
    return table(rows, KEYS)


def _rows(pairs: ComparedPairs) -> list[dict[str, Any]]:
    rows = []
    for rater in pairs.raters:
        labels = pairs.labels_for(rater).tolist()
        for reading in rater.readings:
            keys = {**pairs.keys, **_rater_keys(rater), "reading": reading, "reference_rater": "labels"}
            rows += _statistics(rater.against_labels(reading).tolist(), labels, pairs.clusters, keys)
    names = Counter(rater.name for rater in pairs.raters)
    for first, second in itertools.combinations([r for r in pairs.raters if r.kind != BASELINE], 2):
        reference_rater = second.name if names[second.name] == 1 else f"{second.name}: {second.criterion}"
        keys = {
            **pairs.keys,
            **_rater_keys(first),
            "reading": "combined",
            "reference_rater": reference_rater,
        }
        first_verdicts, second_verdicts = (r.readings["combined"].tolist() for r in (first, second))
        rows += _statistics(first_verdicts, second_verdicts, pairs.clusters, keys)
    return rows


def _rater_keys(rater: Rater) -> dict[str, Any]:
    return {"rater": rater.name, "rater_kind": rater.kind, "criterion": rater.criterion}


def weighted_kappa(first: list[Any], second: list[Any], clusters: list[Any]) -> stats.Estimate:
    """Return kappa with quadratic weights of two raters' levels, on the scale of the levels that occur."""
    scale = sorted({float(level) for level in (*first, *second) if level is not None})
    x, y = ([None if level is None else float(level) for level in column] for column in (first, second))
    return stats.cohen_kappa(x, y, clusters, weights=stats.Weights.QUADRATIC, levels=scale)


_WEIGHTED = ("weighted kappa", weighted_kappa)
_APART = (UNPARSED,)
MACRO = (
    ("macro precision", partial(stats.macro_precision, apart=_APART)),
    ("macro recall", stats.balanced_accuracy),
    ("macro F1", partial(stats.macro_f1, apart=_APART)),
)
STATISTICS: tuple[tuple[str, Callable[..., stats.Estimate]], ...] = (
    ("accuracy", stats.accuracy),
    ("balanced accuracy", stats.balanced_accuracy),
    ("kappa", stats.cohen_kappa),
    *MACRO,
)


def _statistics(
    ratings: list[Any] | str,
    labels: list[Any],
    clusters: list[Any],
    keys: dict[str, Any],
    statistics: Sequence[tuple[str, Callable[..., stats.Estimate]]] = STATISTICS,
) -> list[dict[str, Any]]:
    """Return a row for each statistic. A text as `ratings` is the reason why there are no estimates."""
    return [
        row(
            stats.Estimate.none(ratings, n_excluded=len(labels))
            if isinstance(ratings, str)
            else statistic(ratings, labels, clusters),
            **keys,
            statistic=name,
        )
        for name, statistic in statistics
    ]
