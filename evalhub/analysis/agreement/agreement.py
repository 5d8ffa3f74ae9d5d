"""How often judges, metrics and the judges that read nothing say what the labels say, and each other."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.agreement.raters import TRIVIAL, UNPARSED, Rater, raters
from evalhub.analysis.agreement.rating_levels import level_columns
from evalhub.analysis.frames.labels import criteria, label_criterion, truth
from evalhub.analysis.frames.verdicts import pair_verdicts
from evalhub.analysis.results import Results
from evalhub.analysis.tables import PAIR, groups, row, table

if TYPE_CHECKING:
    import pandas as pd

NAMED = (
    "dataset", "label_criterion", "annotator_kind", "rater", "kind", "criterion", "reading", "against",
    "statistic",
)  # fmt: skip


def agreement(results: Results) -> pd.DataFrame:
    """Return the agreement of every rater with the labels, and of raters with each other.

    Statistics: accuracy, balanced accuracy (the mean recall of the labels' categories, also called macro
    recall), Cohen's kappa, macro precision and macro F1, and for levels kappa with quadratic weights.

    One row per dataset, label criterion, kind of annotator, rater, reading, `against` ("labels" or
    another rater) and statistic. The readings of a pairwise judge are `combined` (both orders, in
    log-odds), `ab` and `ba` (the hard verdict of one order alone), and `length-penalised` where the
    run has a penalty; that of a pointwise judge is `level`. All raters see the same pairs: the
    labelled ones that a judge of the run was asked about, or all where none was. Labels that are a
    tie are left out for a rater that may not say tie, and counted; metrics and the judges that read nothing
    may where any judge may. So is a pair that a rater gives no verdict on,
    unless the card of a recorded judge says `unparsed: wrong`: then it is wrong, but not in `ab`
    and `ba`. With each other, judges and metrics are held by their combined readings.
    """
    labelled = _labelled(results)
    rows: list[dict[str, Any]] = []
    if len(labelled):
        verdicts = pair_verdicts(results)
        for key, group in groups(labelled, "dataset", "label_criterion", "annotator_kind"):
            rows += _rows(results, key, group.reset_index(drop=True), verdicts)
    for named, said, labels, clusters in level_columns(results):
        about = {**named, "reading": "level", "against": "labels"}
        rows += _statistics(said, labels, clusters, about, (*STATISTICS, _WEIGHTED))
    return table(rows, NAMED)


def _rows(
    results: Results, key: tuple[str, ...], group: pd.DataFrame, verdicts: pd.DataFrame
) -> list[dict[str, Any]]:
    dataset, criterion, annotator_kind = key
    mine = _mine(results, verdicts, dataset, criterion)
    if len(mine):
        asked = mine[PAIR].drop_duplicates()
        group = group.merge(asked, on=PAIR, how="inner")
    whole = criteria(results)[dataset, criterion].turn is None
    if not whole:
        group = group.assign(chars_a=None, chars_b=None)  # a turn's are not known
    labels = group["label_winner"]
    decided = labels.where(labels != "tie", None)
    clusters = group["cluster"].tolist()
    about = {"dataset": dataset, "label_criterion": criterion, "annotator_kind": annotator_kind}
    everyone = [one for one in raters(results, group, mine) if whole or one.kind != "metric"]
    rows = []
    for rater in everyone:
        for reading in rater.readings:
            named = {**about, **_who(rater), "reading": reading, "against": "labels"}
            said = rater.against_labels(reading).tolist()
            rows += _statistics(said, (labels if rater.ties else decided).tolist(), clusters, named)
    names = Counter(rater.name for rater in everyone)
    for first, second in itertools.combinations([one for one in everyone if one.kind != TRIVIAL], 2):
        against = second.name if names[second.name] == 1 else f"{second.name}: {second.criterion}"
        named = {**about, **_who(first), "reading": "combined", "against": against}
        one, other = (rater.readings["combined"].tolist() for rater in (first, second))
        rows += _statistics(one, other, clusters, named)
    return rows


def _who(rater: Rater) -> dict[str, Any]:
    return {"rater": rater.name, "kind": rater.kind, "criterion": rater.criterion}


def weighted_kappa(said: list[Any], against: list[Any], clusters: list[Any]) -> stats.Estimate:
    """Return kappa with quadratic weights of two columns of levels, whose steps are those that occur."""
    levels = sorted({float(one) for one in (*said, *against) if one is not None})
    one, two = ([None if one is None else float(one) for one in column] for column in (said, against))
    return stats.cohen_kappa(one, two, clusters, weights=stats.Weights.QUADRATIC, levels=levels)


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
    said: list[Any] | str,
    against: list[Any],
    clusters: list[Any],
    named: dict[str, Any],
    statistics: Sequence[tuple[str, Callable[..., stats.Estimate]]] = STATISTICS,
) -> list[dict[str, Any]]:
    """Return a row for each statistic; where `said` is a text, it is the reason why there are none."""
    return [
        row(
            stats.Estimate.none(said, left_out=len(against))
            if isinstance(said, str)
            else statistic(said, against, clusters),
            **named,
            statistic=name,
        )
        for name, statistic in statistics
    ]


def _labelled(results: Results) -> pd.DataFrame:
    """Return the labelled pairs with the length of both responses and the item's cluster."""
    labels = truth(results)
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


def _mine(results: Results, verdicts: pd.DataFrame, dataset: str, criterion: str) -> pd.DataFrame:
    """Return the pair verdicts whose criterion is held against this one."""
    fits = [
        d == dataset and label_criterion(results, j, d, c) == criterion
        for d, j, c in zip(verdicts["dataset"], verdicts["judge"], verdicts["criterion"], strict=True)
    ]
    return verdicts[fits] if len(verdicts) else verdicts
