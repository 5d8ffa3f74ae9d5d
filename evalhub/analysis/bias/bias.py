"""Biases of pairwise judges (position, length, style, self-preference), and the length penalty's scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.orders import order_verdicts_by_criterion, verdict_columns
from evalhub.analysis.frames.verdicts import all_soft, pair_verdicts, ratings
from evalhub.analysis.results import Results, cached_statistics
from evalhub.analysis.tables import groups, row, table
from evalhub.records import AnnotatorKind
from evalhub.stats import BiasKind
from evalhub.stats.bias.biases import NO_PEOPLE
from evalhub.stats.estimate import CONFIDENCE

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("dataset", "judge", "criterion", "bias", "reading", "statistic")
ALL_JUDGES = "all judges"
BY_CONSTRUCTION = "by construction"
HARD, SOFT = "hard", "soft"

_RATES = ("rate", "people", "beyond people")
_STATISTICS = {
    HARD: (*_RATES, "effect", "effect beyond people", "log-odds"),
    SOFT: ("rate", "effect", "log-odds"),
}
# Biases of which one judge has fewer statistics.
_JUDGE_STATISTICS = {
    (BiasKind.FLIPS, HARD): ("rate",),
    (BiasKind.FLIPS, SOFT): (),
    (BiasKind.POSITION, SOFT): ("effect", "log-odds"),
    (BiasKind.SELF_PREFERENCE, HARD): _RATES,
    (BiasKind.SELF_PREFERENCE, SOFT): ("rate",),
}
# Of all judges together only the effect of the own family is shown.
_POOLED_STATISTICS: Mapping[tuple[BiasKind, str], Sequence[str]] = {
    (kind, reading): ()
    for kind in BiasKind
    if kind is not BiasKind.SELF_PREFERENCE
    for reading in (HARD, SOFT)
}
_NOT_PEOPLE = {
    AnnotatorKind.CONSTRUCTED.value: "the labels are constructed, not people's",
    AnnotatorKind.MODEL.value: "the labels are a model's, not people's",
}


@cached_statistics
def biases(results: Results) -> pd.DataFrame:
    """Return how order, length, layout and family change the verdicts of every pairwise judge.

    One row per dataset, judge, criterion, bias, reading and statistic. The biases are `position` (first
    rather than second), `flips`, `length`, `lists`, `markdown` and `self-preference`. The statistics are

    - `rate`: how often the side that has more of it wins, in [0, 1]. .5 = no bias. Ties are left out for
      `position`. For `flips` it is the share of pairs whose verdict changes with the order, 0 = none.
      A judge whose verdict cannot depend on the order has exactly 0 (`method` is `BY_CONSTRUCTION`).
    - `people` and `beyond people`: the same rate of people on the same pairs, and the judge's rate minus
      theirs. Only labels of kind human are people.
    - `effect`: the effect in one logit model with all the other biases, in percentage points of the win
      probability: of the first position, of twice the length, of all list items or marks instead of an equal
      share, of the own family instead of the opponent's. `log-odds` is its coefficient.
    - `effect beyond people`: the judge's effect minus people's on the same pairs. It removes what makes
      longer answers better, as far as people see it. No measure of quality is controlled for.

    `reading` is `hard` (the verdict) or `soft` (the win probability, where the judge gives one). Human
    verdicts are hard, so soft rows have no human statistics. A judge that nearly always picks the first
    response is uninformative in `hard` but may still be informative in `soft`.

    One observation is a pair in one order. Samples of an order are averaged first, and items are the
    clusters. A pair whose order is not known does not count for position. The effect of the own family is
    identified only where judges of 2 families judge the same 2 families. It is pooled over the judges of a
    dataset and criterion, in rows whose judge is `all judges`.

    A run of attacks has no rows, because its verdicts are also about made-up responses.
    """
    if results.is_attack:
        return table([], COLUMNS)
    reasons = _reasons_without_people(results)
    rows: list[dict[str, Any]] = []
    for (dataset, criterion), orders in order_verdicts_by_criterion(results):
        for (judge,), judge_orders in groups(orders, "judge"):
            key_columns = {"dataset": dataset, "judge": judge, "criterion": criterion}
            reason = reasons.get((dataset, judge_orders["label_criterion"].iloc[0]), NO_PEOPLE)
            facts = results.judges.get(judge)
            orderless = facts is not None and facts.positions is None
            rows += _rows(judge_orders, key_columns, reason, _JUDGE_STATISTICS, orderless=orderless)
        key_columns = {"dataset": dataset, "judge": ALL_JUDGES, "criterion": criterion}
        rows += _rows(orders, key_columns, reason, _POOLED_STATISTICS)
    return table(rows, COLUMNS)


def _rows(
    orders: pd.DataFrame,
    key_columns: dict[str, str],
    reason: str,
    statistics: Mapping[tuple[BiasKind, str], Sequence[str]],
    *,
    orderless: bool = False,
) -> Iterator[dict[str, Any]]:
    """Yield the rows of one judge.

    Args:
        orders: Rows of `order_verdicts_by_criterion`.
        key_columns: Dataset, judge and criterion.
        reason: Why there are no people's verdicts.
        statistics: Names of the statistics by bias and reading, where they are not those of `_STATISTICS`.
        orderless: Whether the judge's verdict cannot depend on an order.
    """
    columns = verdict_columns(orders)
    effects_beyond_people = stats.controlled_beyond_people(columns)
    for reading in (HARD, SOFT) if all_soft(orders) else (HARD,):
        soft = reading == SOFT
        effects = stats.controlled(columns, soft=soft)
        for kind in BiasKind:
            if not (names := statistics.get((kind, reading), _STATISTICS[reading])):
                continue
            estimates = dict(zip(_RATES, stats.raw_rate(columns, kind, soft=soft), strict=True))
            estimates |= {"effect": effects[kind].points, "log-odds": effects[kind].log_odds}
            estimates["effect beyond people"] = effects_beyond_people[kind].points
            if kind is BiasKind.FLIPS and orderless:
                estimates["rate"] = _no_flips(orders)
            for name in names:
                estimate = estimates[name]
                if estimate.reason == NO_PEOPLE:
                    estimate = replace(estimate, reason=reason)
                yield row(estimate, **key_columns, bias=kind.value, reading=reading, statistic=name)


def _no_flips(orders: pd.DataFrame) -> stats.Estimate:
    """Return the rate of changed verdicts of a judge that sees no order: 0, whatever it judges."""
    valid = orders[orders["winner"].notna()]
    counts = {"n": len(valid), "clusters": valid["cluster"].nunique(), "n_excluded": len(orders) - len(valid)}
    return stats.Estimate(0.0, 0.0, 0.0, CONFIDENCE, BY_CONSTRUCTION, **counts, reason=None)


def _reasons_without_people(results: Results) -> dict[tuple[str, str], str]:
    """Return why labelled pairs have no people's verdicts, by dataset and criterion."""
    labels = results.sql(
        "SELECT DISTINCT dataset, criterion, annotator_kind FROM labels WHERE winner IS NOT NULL ORDER BY ALL"
    )
    rows = zip(labels["dataset"], labels["criterion"], labels["annotator_kind"], strict=True)
    return {
        (dataset, criterion): _NOT_PEOPLE[kind] for dataset, criterion, kind in rows if kind in _NOT_PEOPLE
    }


def length_penalty(results: Results) -> pd.DataFrame:
    """Return the lengths that the run's length penalty is scaled by. There are no rows without a penalty.

    Columns: dataset, judge, strength, length_spread (root mean square of the pairs' difference in
    characters), median_chars (the median over items of the median length of an item's responses),
    items. A pairwise judge has a spread, a pointwise judge has medians.
    """
    import pandas as pd

    strength = results.length_penalty
    rows: list[dict[str, Any]] = []
    for frame in (pair_verdicts(results), ratings(results)) if strength else ():
        for (dataset, judge), verdicts in groups(frame, "dataset", "judge"):
            spread = verdicts["length_spread"].iloc[0] if "length_spread" in verdicts else None
            median = (
                verdicts.drop_duplicates("item_id")["median_chars"].median()
                if "median_chars" in verdicts
                else None
            )
            items = verdicts["item_id"].nunique()
            rows.append(
                {
                    "dataset": dataset, "judge": judge, "strength": strength, "length_spread": spread,
                    "median_chars": median, "items": items,
                }
            )  # fmt: skip
    columns = ["dataset", "judge", "strength", "length_spread", "median_chars", "items"]
    return pd.DataFrame(rows, columns=columns)
