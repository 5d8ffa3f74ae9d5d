"""Bradley-Terry ratings of systems on the Elo scale, and the probability that one system beats another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.bias.bias import ALL_JUDGES
from evalhub.analysis.frames.comparable import (
    SAME_ITEMS,
    Comparable,
    item_outcomes,
    matches_of,
    select_comparable,
    select_comparable_pairs,
)
from evalhub.analysis.frames.orders import order_verdicts_by_criterion, verdict_columns
from evalhub.analysis.frames.outcomes import ABOUT, WIN_RATE, outcomes, withheld_reasons
from evalhub.analysis.results import Results
from evalhub.analysis.tables import groups, row, table

if TYPE_CHECKING:
    import pandas as pd

_RATER = ("dataset", "rater_kind", "rater", "criterion")
COLUMNS = (*_RATER, "system", "measure")
PAIR_COLUMNS = (*_RATER, "first", "second", "statistic")
ELO = "Elo"
CONTROLLED = "Elo (controlled)"
MIN_SYSTEMS = 3

Row = dict[str, Any]


def bradley_terry_ratings(results: Results) -> pd.DataFrame:
    """Return the rating of each system by each rater of pairs of at least 3 systems.

    `Elo` is the Bradley-Terry strength on the Elo scale: 1000 is the average system, and 400 points are odds
    of ten to one. A tie counts half. `Elo (controlled)` comes from the judge's single orders and holds their
    biases fixed: position, length, lists and Markdown. In the rows of `all judges` it also holds the judges'
    own family fixed, where judge families cross response families. Both use the pairs that compare (see
    `select_comparable`). Choose it over a win rate where systems met different opponents.

    A system that never lost or never won has a reason that says so. There are no intervals where judging
    stopped early.
    """
    rows: list[Row] = []
    for rater, compared in _compared_by_rater(results):
        rows += _rating_rows(matches_of(compared.rows), compared.withheld, rater, ELO)
        rows += _unrated_rows(compared, rater, ELO)
    for rater, compared in _orders_by_judge(results):
        rows += _rating_rows(_controlled_matches(compared.rows), compared.withheld, rater, CONTROLLED)
        rows += _unrated_rows(compared, rater, CONTROLLED)
    return table(rows, COLUMNS)


def win_probabilities(results: Results) -> pd.DataFrame:
    """Return for every two systems how often the first beats the second, in [0, 1]. A tie counts half.

    Statistics: `observed`, the win rate in the pairs of these two systems, and `modelled`, the probability
    under Bradley-Terry from the pairs of all systems. There are no intervals where judging stopped early.
    """
    rows = [
        row(
            _without_withheld_interval(getattr(pair, statistic), compared.withheld),
            **rater,
            first=pair.first,
            second=pair.second,
            statistic=statistic,
        )
        for rater, compared in _compared_by_rater(results)
        for pair in stats.p_beats(matches_of(compared.rows))
        if pair.first < pair.second
        for statistic in ("observed", "modelled")
    ]
    return table(rows, PAIR_COLUMNS)


def _without_withheld_interval(estimate: stats.Estimate, withheld: str | None) -> stats.Estimate:
    """Remove the interval where it is withheld. It holds only for a fixed number of items."""
    return estimate.without_interval(withheld) if withheld and estimate.low is not None else estimate


def _unrated_rows(compared: Comparable, rater: Row, measure: str) -> Iterator[Row]:
    """Yield the systems that are not rated, each with its reason."""
    for system, reason in sorted(compared.reasons.items()):
        yield row(stats.Estimate.none(reason), **rater, system=system, measure=measure)


def _rating_rows(matches: stats.Matches, withheld: str | None, rater: Row, measure: str) -> Iterator[Row]:
    fit = stats.bradley_terry(matches)
    for rating in fit.ratings:
        elo = _without_withheld_interval(rating.elo, withheld)
        rating_row = row(elo, **rater, system=rating.system, measure=measure)
        yield {**rating_row, "reason": fit.reason or rating_row["reason"]}


def _compared_by_rater(results: Results) -> Iterator[tuple[Row, Comparable]]:
    """Yield each rater of pairs, with the rows by which it ranks the systems."""
    all_rows = outcomes(results)
    for key, win_rates in groups(all_rows[all_rows["measure"] == WIN_RATE], *ABOUT):
        if win_rates["system"].nunique() >= MIN_SYSTEMS:
            rater = dict(zip(_RATER, (key[0], key[1], key[2], key[3] or None), strict=True))
            yield rater, select_comparable(item_outcomes(win_rates))


def _orders_by_judge(results: Results) -> Iterator[tuple[Row, Comparable]]:
    """Yield each judge, and all judges together, with the pairs and orders by which it ranks the systems."""
    all_rows = outcomes(results)
    ranked, withheld = set(all_rows["dataset"]), withheld_reasons(all_rows)
    for (dataset, criterion), orders in order_verdicts_by_criterion(results):
        if dataset not in ranked or len({*orders["system_a"], *orders["system_b"]}) < MIN_SYSTEMS:
            continue
        by_judge = {}
        for (judge,), judge_orders in groups(orders, "judge"):
            reason = withheld.get((dataset, judge, criterion))
            by_judge[judge] = select_comparable_pairs(judge_orders, withheld=reason)
        if len(by_judge) > 1:
            by_judge[ALL_JUDGES] = _pooled(list(by_judge.values()))
        for judge, compared in by_judge.items():
            yield (
                {"dataset": dataset, "rater_kind": "judge", "rater": judge, "criterion": criterion},
                compared,
            )


def _pooled(by_judge: list[Comparable]) -> Comparable:
    """Pool the rows of several judges. A system is unrated where no judge rates it."""
    import pandas as pd

    rows = pd.concat([compared.rows for compared in by_judge])
    rated = {*rows["system_a"], *rows["system_b"]}
    reasons = {
        system: reason
        for compared in by_judge
        for system, reason in compared.reasons.items()
        if system not in rated
    }
    return Comparable(rows, SAME_ITEMS, reasons)


def _controlled_matches(orders: pd.DataFrame) -> stats.Matches:
    columns = verdict_columns(orders)
    return stats.Matches(
        stats.win_values(columns.winner),
        orders["system_a"].tolist(),
        orders["system_b"].tolist(),
        columns.cluster,
        covariates=stats.covariates(columns),
    )
