"""The effects of position, length, style and family on a judge: raw rates, one pooled logit, and both beyond
people.

**Length and quality.** Longer answers are often better ones, so a raw rate or a slope measures preference for
length together with what comes with it. "Beyond people" is the judge's slope minus people's on the same
pairs: by how much more the judge follows length than people do.

**Self-preference.** What a judge gives its own family and other judges do not. With response families as main
effects this is a difference in differences, pooled over the judges.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evalhub.stats.bias.askings import (
    CONTRASTS,
    UNCROSSED,
    Askings,
    BiasKind,
    covariates,
    order_signs,
    own_signs,
)
from evalhub.stats.clusters import Column, Floats, codes, floats, take
from evalhub.stats.estimate import Estimate
from evalhub.stats.logit.effects import Contrasts, Effect
from evalhub.stats.logit.pooled import pooled_logit, pooled_logit_difference
from evalhub.stats.means import mean_estimate
from evalhub.stats.ranking.preference import first_position_rate, flip_rate, win_values

NO_PEOPLE = "no human verdicts on these pairs"
PEOPLES_ORDER = "the order in which people saw the pairs is not known"
OWN_ORDER = "people saw the pairs in an order of their own"
ONE_ORDER = "people saw each pair in one order"
NO_COVARIATE = "a flip is no covariate: see position"


def controlled(askings: Askings, *, soft: bool = False) -> dict[BiasKind, Effect]:
    """Estimate every bias in one pooled logit, each with the others held fixed.

    Args:
        askings: The judgments.
        soft: Whether `p_a` is used instead of the hard verdicts.

    Returns:
        BiasKind to effect. Above 0 = the side that has more of it wins more often. An effect is None with a
        reason where something was not measured, or where it cannot be separated from another effect: the own
        family needs at least 2 judge families that judge the same 2 response families.

    Raises:
        InputError: A column has a value that is not allowed.

    Source: Dubois et al., Length-controlled AlpacaEval, 2024 (one logit). Panickssery et al., LLM evaluators
        recognize and favor their own generations, 2024 (self-preference). See `pooled_logit`.

    Example:
        >>> pairs = Askings(["a", "b", "a", "b"], range(4), chars_a=[9, 9, 5, 4], chars_b=[5] * 4)
        >>> controlled(pairs)[BiasKind.POSITION].points.reason
        'not measured in any row'
    """
    columns = covariates(askings)
    wins, contrasts = _wins(askings, soft=soft), _contrasts(columns)
    return _by_kind(pooled_logit(wins, askings.cluster, columns, contrasts=contrasts), askings)


def controlled_beyond_people(askings: Askings, *, soft: bool = False) -> dict[BiasKind, Effect]:
    """Estimate how much each effect on the judge exceeds the effect on people, on the same pairs.

    Args:
        askings: The judgments. Those without a human verdict are left out.
        soft: Whether `p_a` is used instead of the hard verdicts.

    Returns:
        BiasKind to effect, judge minus people, paired by cluster. None for the position, which is the judge's
        order in both fits.

    Raises:
        InputError: A column has a value that is not allowed.

    Source: see `pooled_logit_difference`.

    Example:
        >>> controlled_beyond_people(Askings(["a"], [1]))[BiasKind.LENGTH].points.reason
        'no human verdicts on these pairs'
    """
    if askings.people is None or not askings.texts(askings.people)[1].any():
        return {kind: _none(NO_PEOPLE, askings) for kind in BiasKind}
    columns = covariates(askings)
    effects = pooled_logit_difference(
        _wins(askings, soft=soft),
        win_values(askings.people),
        askings.cluster,
        columns,
        contrasts=_contrasts(columns),
    )
    return _by_kind(effects, askings) | {BiasKind.POSITION: _none(OWN_ORDER, askings)}


def raw_rate(askings: Askings, kind: BiasKind, *, soft: bool = False) -> tuple[Estimate, Estimate, Estimate]:
    """Estimate the raw rate of one bias: of the judge, of people on the same rows, and their difference.

    Args:
        askings: The judgments.
        kind: Which bias.
        soft: Whether `p_a` is used instead of the hard verdicts. Position and flips are always hard.

    Returns:
        The judge's rate, people's, and judge minus people, paired over the rows that have both. A rate is how
        often the side that has more of it wins, in [0, 1], ties one half, .5 = no pull. The rate of position
        leaves ties out. The rate of flips is the share of pairs whose verdict changes with the order.

    Raises:
        InputError: A column has a value that is not allowed.

    Example:
        >>> pairs = Askings(["a", "a", "b"], [1, 2, 3], chars_a=[9, 5, 5], chars_b=[5, 9, 5])
        >>> rate, people, _ = raw_rate(pairs, BiasKind.LENGTH)
        >>> rate.estimate, rate.n_excluded, people.reason  # a pair of equal lengths is left out
        (0.5, 1, 'no human verdicts on these pairs')
    """
    if kind is BiasKind.FLIPS:
        no_estimate = Estimate.none(ONE_ORDER, n=askings.n)
        return _flips(askings), no_estimate, no_estimate
    signs = _SIGNS[kind](askings)
    position = kind is BiasKind.POSITION
    values = _towards(_wins(askings, soft=soft and not position), signs, ties=not position)
    rate = mean_estimate(values, askings.cluster, bounds=(0, 1))
    if position and askings.shown is not None:
        rate = first_position_rate(askings.winner, askings.shown, askings.cluster)
    if askings.people is None or not askings.texts(askings.people)[1].any():
        no_estimate = Estimate.none(NO_PEOPLE, n_excluded=askings.n)
        return rate, no_estimate, no_estimate
    people_signs = order_signs(askings, people=True) if position else signs
    if position and np.isnan(people_signs).all():
        no_estimate = Estimate.none(PEOPLES_ORDER, n_excluded=askings.n)
        return rate, no_estimate, no_estimate
    people_values = _towards(win_values(askings.people), people_signs, ties=not position)
    people_values = np.where(np.isnan(values), np.nan, people_values)
    return (
        rate,
        mean_estimate(people_values, askings.cluster, bounds=(0, 1)),
        mean_estimate(values - people_values, askings.cluster, bounds=(-1, 1)),
    )


def _flips(askings: Askings) -> Estimate:
    """Match the k-th judgment of a pair in one order with its k-th in the other."""
    if askings.pair is None:
        return Estimate.none("which askings are of one pair is not known")
    signs = order_signs(askings)
    rows = np.flatnonzero(~np.isnan(signs))
    pairs, _ = codes(take(askings.pair, rows))
    first = signs[rows] > 0
    order = np.lexsort((~first, pairs))
    blocks = 2 * pairs[order] + ~first[order]
    starts = np.searchsorted(blocks, blocks)
    keys = pairs[order] * len(rows) + np.arange(len(rows)) - starts
    is_first = first[order]
    _, ab, ba = np.intersect1d(keys[is_first], keys[~is_first], assume_unique=True, return_indices=True)
    if not len(ab):
        return Estimate.none("no pair was asked in both orders", n_excluded=askings.n)
    ab, ba = rows[order][is_first][ab], rows[order][~is_first][ba]
    winner = np.asarray(askings.winner, dtype=object)
    return flip_rate(winner[ab], winner[ba], take(askings.cluster, ab))


def _sign_function(name: str) -> Callable[[Askings], Floats]:
    def signs(askings: Askings) -> Floats:
        a, b = (askings.numbers(getattr(askings, f"{name}_{side}")) for side in "ab")
        return np.asarray(np.sign(a - b), dtype=np.float64)

    return signs


_SIGNS: dict[BiasKind, Callable[[Askings], Floats]] = {
    BiasKind.POSITION: order_signs,
    BiasKind.LENGTH: _sign_function("chars"),
    BiasKind.LISTS: _sign_function("lists"),
    BiasKind.MARKDOWN: _sign_function("markdown"),
    BiasKind.SELF_PREFERENCE: own_signs,
}


def _towards(wins: Floats, signs: Floats, *, ties: bool) -> Floats:
    """Return what the verdicts count for the side that has more. NaN where neither has more."""
    if not ties:
        wins = np.where(wins == 0.5, np.nan, wins)
    return np.where(signs > 0, wins, np.where(signs < 0, 1 - wins, np.nan))


def _wins(askings: Askings, *, soft: bool) -> Floats:
    if not soft:
        return win_values(askings.winner)
    return floats([None] * askings.n if askings.p_a is None else askings.p_a)


def _contrasts(columns: dict[str, Column]) -> Contrasts:
    return {kind: contrast for kind, contrast in CONTRASTS.items() if kind in columns}


def _by_kind(effects: dict[str, Effect], askings: Askings) -> dict[BiasKind, Effect]:
    reasons = {BiasKind.FLIPS: NO_COVARIATE, BiasKind.SELF_PREFERENCE: UNCROSSED}
    return {kind: effects[kind] if kind in effects else _none(reasons[kind], askings) for kind in BiasKind}


def _none(reason: str, askings: Askings) -> Effect:
    no_estimate = Estimate.none(reason, n_excluded=askings.n)
    return Effect(no_estimate, no_estimate)
