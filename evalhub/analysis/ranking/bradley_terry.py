"""Systems rated by whom they beat: Bradley-Terry on the Elo scale, plain and with biases held fixed."""

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
from evalhub.analysis.frames.outcomes import ABOUT, WIN_RATE, early_stop_reason, outcomes
from evalhub.analysis.results import Results
from evalhub.analysis.tables import groups, row, table

if TYPE_CHECKING:
    import pandas as pd

_RATER = ("dataset", "kind", "rater", "criterion")
NAMED = (*_RATER, "system", "measure")
BEATS = (*_RATER, "first", "second", "statistic")
ELO = "Elo"
CONTROLLED = "Elo (controlled)"
LEAST = 3

Row = dict[str, Any]


def strengths(results: Results) -> pd.DataFrame:
    """Return the rating of each system by each rater of pairs of at least 3 systems.

    `Elo` is Bradley-Terry's strength on the Elo scale (1000 = the average system, 400 points = odds of ten
    to one), a tie counting half; `Elo (controlled)` is the same from the judge's askings, with what order,
    length, lists and Markdown do to them held fixed (and the judges' own family, in the rows of `all judges`,
    where judge families cross response families). Both are of the comparable pairs (see `select_comparable`).
    Where a system never lost or never won the reason says so. No intervals where judging stopped early.
    """
    rows: list[Row] = []
    for about, compared in _matches(results):
        rows += _ratings(results, matches_of(compared.rows), about, ELO)
        rows += _apart(compared, about, ELO)
    for about, compared in _controlled(results):
        rows += _ratings(results, _match_columns(compared.rows), about, CONTROLLED)
        rows += _apart(compared, about, CONTROLLED)
    return table(rows, NAMED)


def beats(results: Results) -> pd.DataFrame:
    """Return for every two systems how often the first beats the second, a tie counting half.

    Statistics: `observed`, the win rate in the pairs of these two, and `modelled`, the probability under
    Bradley-Terry from the pairs of all systems. No intervals where judging stopped early.
    """
    rows = [
        row(
            _fixed(results, about, getattr(one, name)),
            **about,
            first=one.first,
            second=one.second,
            statistic=name,
        )
        for about, compared in _matches(results)
        for one in stats.p_beats(matches_of(compared.rows))
        if one.first < one.second
        for name in ("observed", "modelled")
    ]
    return table(rows, BEATS)


def _fixed(results: Results, about: Row, estimate: stats.Estimate) -> stats.Estimate:
    """Withdraw the interval of a fixed number of items where judging stopped early."""
    why = early_stop_reason(results, about["dataset"], about["rater"], about["criterion"])
    return estimate.without_interval(why) if why and estimate.low is not None else estimate


def _apart(compared: Comparable, about: Row, measure: str) -> Iterator[Row]:
    """Yield the systems that are not rated, each with its reason."""
    for system, why in sorted(compared.reasons.items()):
        yield row(stats.Estimate.none(why), **about, system=system, measure=measure)


def _ratings(results: Results, matches: stats.Matches, about: Row, measure: str) -> Iterator[Row]:
    found = stats.bradley_terry(matches)
    for rating in found.ratings:
        told = row(_fixed(results, about, rating.elo), **about, system=rating.system, measure=measure)
        yield {**told, "reason": found.reason or told["reason"]}


def _matches(results: Results) -> Iterator[tuple[Row, Comparable]]:
    """Yield each rater of pairs, with the rows by which it ranks the systems."""
    values = outcomes(results)
    for key, found in groups(values[values["measure"] == WIN_RATE], *ABOUT):
        if found["system"].nunique() >= LEAST:
            about = dict(zip(_RATER, (key[0], key[1], key[2], key[3] or None), strict=True))
            early = early_stop_reason(results, key[0], key[2], key[3])
            yield about, select_comparable(item_outcomes(found), early=early)


def _controlled(results: Results) -> Iterator[tuple[Row, Comparable]]:
    """Yield each judge, and all of them, with the askings by which it ranks, and what may bias them."""
    import pandas as pd

    ranked = set(outcomes(results)["dataset"])
    for (dataset, criterion), together in order_verdicts_by_criterion(results):
        if dataset not in ranked or len({*together["system_a"], *together["system_b"]}) < LEAST:
            continue
        judges = {}
        for (judge,), found in groups(together, "judge"):
            early = early_stop_reason(results, dataset, judge, criterion)
            judges[judge] = Comparable(found, SAME_ITEMS) if early else select_comparable_pairs(found)
        if len(judges) > 1:
            rows = pd.concat([one.rows for one in judges.values()])
            rated = {*rows["system_a"], *rows["system_b"]}
            reasons = [reason for one in judges.values() for reason in one.reasons.items()]
            why = {system: reason for system, reason in reasons if system not in rated}
            judges[ALL_JUDGES] = Comparable(rows, SAME_ITEMS, why)
        for judge, compared in judges.items():
            yield {"dataset": dataset, "kind": "judge", "rater": judge, "criterion": criterion}, compared


def _match_columns(found: pd.DataFrame) -> stats.Matches:
    columns = verdict_columns(found)
    return stats.Matches(
        stats.win_values(columns.winner),
        found["system_a"].tolist(),
        found["system_b"].tolist(),
        columns.cluster,
        covariates=stats.covariates(columns, quality=False),
    )
