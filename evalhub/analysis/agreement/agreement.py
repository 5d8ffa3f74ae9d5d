"""Agreement of judges, metrics and baseline judges with the labels, and with each other."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.agreement.raters import BASELINE, UNPARSED, Rater, raters
from evalhub.analysis.agreement.rating_levels import level_columns
from evalhub.analysis.frames.labels import consensus_labels, criteria, label_criterion
from evalhub.analysis.frames.verdicts import pair_verdicts
from evalhub.analysis.results import Results, cached_statistics
from evalhub.analysis.tables import PAIR, groups, row, table

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
    combined readings.

    All raters see the same pairs: the labelled pairs that some judge judged, or all labelled pairs if there
    are no judgments. A label that is a tie is left out, and counted, for a rater that may not give a tie.
    Metrics and baseline judges may give a tie where any judge may. A pair without a verdict is left out too.
    If the card of a recorded judge says `unparsed_as: wrong`, such a pair counts as wrong, except in `ab`
    and `ba`.
    """
    labelled = _labelled(results)
    rows: list[dict[str, Any]] = []
    if len(labelled):
        verdicts = pair_verdicts(results)
        for key, group in groups(labelled, "dataset", "label_criterion", "annotator_kind"):
            rows += _rows(results, key, group.reset_index(drop=True), verdicts)
    for keys, ratings, labels, clusters in level_columns(results):
        keys = {**keys, "reading": "level", "reference_rater": "labels"}
        rows += _statistics(ratings, labels, clusters, keys, (*STATISTICS, _WEIGHTED))
    return table(rows, KEYS)


def _rows(
    results: Results, key: tuple[str, ...], group: pd.DataFrame, verdicts: pd.DataFrame
) -> list[dict[str, Any]]:
    dataset, criterion, annotator_kind = key
    criterion_verdicts = _verdicts_of_criterion(results, verdicts, dataset, criterion)
    if len(criterion_verdicts):
        judged_pairs = criterion_verdicts[PAIR].drop_duplicates()
        group = group.merge(judged_pairs, on=PAIR, how="inner")
    is_whole_response = criteria(results)[dataset, criterion].turn is None
    if not is_whole_response:
        group = group.assign(chars_a=None, chars_b=None)  # the length of a turn is not known
    labels = group["label_winner"]
    decided = labels.where(labels != "tie", None)
    clusters = group["cluster"].tolist()
    group_keys = {"dataset": dataset, "label_criterion": criterion, "annotator_kind": annotator_kind}
    group_raters = [
        rater
        for rater in raters(results, group, criterion_verdicts)
        if is_whole_response or rater.kind != "metric"
    ]
    rows = []
    for rater in group_raters:
        for reading in rater.readings:
            keys = {**group_keys, **_rater_keys(rater), "reading": reading, "reference_rater": "labels"}
            ratings = rater.against_labels(reading).tolist()
            rows += _statistics(ratings, (labels if rater.ties else decided).tolist(), clusters, keys)
    names = Counter(rater.name for rater in group_raters)
    for first, second in itertools.combinations([r for r in group_raters if r.kind != BASELINE], 2):
        reference_rater = second.name if names[second.name] == 1 else f"{second.name}: {second.criterion}"
        keys = {**group_keys, **_rater_keys(first), "reading": "combined", "reference_rater": reference_rater}
        first_verdicts, second_verdicts = (r.readings["combined"].tolist() for r in (first, second))
        rows += _statistics(first_verdicts, second_verdicts, clusters, keys)
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


def _labelled(results: Results) -> pd.DataFrame:
    """Return the labelled pairs with the length of both responses and the item's cluster."""
    labels = consensus_labels(results)
    pairs = labels[labels["label_winner"].notna()]
    lengths = results.sql(
        "SELECT dataset, item_id, system, sample, chars FROM responses WHERE failure IS NULL"
    )
    clusters = results.sql("SELECT dataset, item_id, cluster FROM items")
    side = ["dataset", "item_id", "sample"]
    for name in ("a", "b"):
        renamed = lengths.rename(columns={"system": f"system_{name}", "chars": f"chars_{name}"})
        pairs = pairs.merge(renamed, on=[*side, f"system_{name}"], how="left")
    return pairs.merge(clusters, on=["dataset", "item_id"], how="left").sort_values(PAIR)


def _verdicts_of_criterion(
    results: Results, verdicts: pd.DataFrame, dataset: str, criterion: str
) -> pd.DataFrame:
    """Return the pair verdicts that are compared with the labels of a criterion."""
    fits = [
        d == dataset and label_criterion(results, j, d, c) == criterion
        for d, j, c in zip(verdicts["dataset"], verdicts["judge"], verdicts["criterion"], strict=True)
    ]
    return verdicts[fits] if len(verdicts) else verdicts
