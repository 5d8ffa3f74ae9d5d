"""What position, length, style and family do to a judge: raw rates, one pooled logit, and both beyond people.

**Length and quality.** Longer answers are often better ones, so that a raw rate, and a slope without a
control, is preference for length and for what comes with it. There are two ways to part them, and they answer
different questions. With `quality` the slope is what length does among pairs that people think equally far
apart; it is unbiased as far as that margin is what the judge reacts to, and a margin of few votes takes away
only part. "Beyond people" is the judge's slope minus people's on the same pairs, both without `quality`: by
how much more the judge follows length than people do.

**Own family.** What a judge gives its own family and other judges do not give it: with response families as
main effects a difference in differences, pooled over the judges.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evalhub.stats.bias.askings import (
    CONTRASTS,
    UNCROSSED,
    Askings,
    Kind,
    covariates,
    order_signs,
    own_signs,
)
from evalhub.stats.clusters import Column, Floats, floats
from evalhub.stats.estimate import CONFIDENCE, Estimate
from evalhub.stats.intervals import Options
from evalhub.stats.logit.effects import Contrasts, Effect
from evalhub.stats.logit.pooled import pooled_logit, pooled_logit_difference
from evalhub.stats.means import mean_estimate
from evalhub.stats.ranking.preference import first_position_rate, flip_rate, win_values

NO_PEOPLE = "no human verdicts on these pairs"
PEOPLES_ORDER = "the order in which people saw the pairs is not known"
OWN_ORDER = "people saw the pairs in an order of their own"
ONE_ORDER = "people saw each pair in one order"
NO_COVARIATE = "a flip is no covariate: see position"


@dataclass(frozen=True, slots=True)
class Bias:
    """One bias of a judge, raw, controlled, and both minus what people did on the same pairs.

    Args:
        kind: Which bias.
        rate: How often the side that has more of it wins, in [0, 1], ties one half, .5 = no pull; position's
            leaves ties out; for flips the share of pairs whose verdict changes with the order.
        people: The same rate of people on the same rows.
        beyond: Rate minus people's, paired, in [-1, 1].
        effect: From one pooled logit with all covariates; above 0 = in favour.
        effect_beyond: That effect minus people's, paired, both without the quality control.
    """

    kind: Kind
    rate: Estimate
    people: Estimate
    beyond: Estimate
    effect: Effect
    effect_beyond: Effect


def judge_biases(askings: Askings, *, soft: bool = False, level: float = CONFIDENCE) -> tuple[Bias, ...]:
    """Measure every bias of a judge, or of several pooled.

    Args:
        askings: The askings.
        soft: Whether `p_a` is used instead of the hard verdicts; position's rate and flips stay hard.
        level: Confidence level, in (0, 1).

    Returns:
        One entry per kind, in their order; None with a reason where something was not measured or cannot be
        told apart: own family's effect unless at least 2 judge families cross 2 response families.

    Raises:
        InputError: A column holds what it may not.

    Source: Dubois et al., Length-controlled AlpacaEval, 2024 (one logit); Panickssery et al., LLM evaluators
        recognize and favor their own generations, 2024 (self-preference); the logit's sources.

    Example:
        >>> shown, said = ["ab", "ba"] * 4, ["a", "b", "a", "a", "b", "b", "a", "b"]
        >>> pairs = [1, 1, 2, 2, 3, 3, 4, 4]
        >>> position = judge_biases(Askings(said, pairs, shown=shown, pair=pairs))[0]
        >>> position.rate.estimate, position.effect.points.estimate
        (0.75, 50.0)
    """
    effects = controlled(askings, soft=soft, level=level)
    beyond = controlled_beyond_people(askings, soft=soft, level=level)
    return tuple(
        Bias(kind, *raw_rate(askings, kind, soft=soft, level=level), effects[kind], beyond[kind])
        for kind in Kind
    )


def controlled(askings: Askings, *, soft: bool = False, level: float = CONFIDENCE) -> dict[Kind, Effect]:
    """Estimate every bias in one pooled logit, each with the others held fixed.

    Args:
        askings: The askings.
        soft: Whether `p_a` is used instead of the hard verdicts.
        level: Confidence level, in (0, 1).

    Returns:
        Kind to effect.

    Raises:
        InputError: A column holds what it may not.

    Source: see `pooled_logit`.

    Example:
        >>> found = controlled(Askings(["a", "b", "a", "b"], range(4), chars_a=[9, 9, 5, 4], chars_b=[5] * 4))
        >>> found[Kind.POSITION].points.reason
        'not measured in any row'
    """
    columns = covariates(askings)
    found = pooled_logit(
        _wins(askings, soft=soft), askings.cluster, columns, contrasts=_contrasts(columns), level=level
    )
    return _by_kind(found, askings, level)


def controlled_beyond_people(
    askings: Askings, *, soft: bool = False, level: float = CONFIDENCE
) -> dict[Kind, Effect]:
    """Estimate by how much each effect on the judge exceeds that on people, on the same pairs.

    Args:
        askings: The askings; those without a human verdict are left out.
        soft: Whether `p_a` is used instead of the hard verdicts.
        level: Confidence level, in (0, 1).

    Returns:
        Kind to effect, judge minus people, paired by cluster; `quality` is in neither fit. None for the
        position, which is the judge's order in both fits.

    Raises:
        InputError: A column holds what it may not.

    Source: see `pooled_logit_difference`.

    Example:
        >>> controlled_beyond_people(Askings(["a"], [1]))[Kind.LENGTH].points.reason
        'no human verdicts on these pairs'
    """
    if askings.people is None or not askings.texts(askings.people)[1].any():
        return {kind: _none(NO_PEOPLE, askings, level) for kind in Kind}
    columns = covariates(askings, quality=False)
    found = pooled_logit_difference(
        _wins(askings, soft=soft),
        win_values(askings.people),
        askings.cluster,
        columns,
        contrasts=_contrasts(columns),
        level=level,
    )
    return _by_kind(found, askings, level) | {Kind.POSITION: _none(OWN_ORDER, askings, level)}


def raw_rate(
    askings: Askings, kind: Kind, *, soft: bool = False, level: float = CONFIDENCE
) -> tuple[Estimate, Estimate, Estimate]:
    """Estimate the raw rate of one bias: of the judge, of people on the same rows, and their difference.

    Args:
        askings: The askings.
        kind: Which bias.
        soft: Whether `p_a` is used instead of the hard verdicts; not for position and flips.
        level: Confidence level, in (0, 1).

    Returns:
        The judge's rate, people's, and judge minus people, paired over the rows that have both.

    Raises:
        InputError: A column holds what it may not.

    Example:
        >>> pairs = Askings(["a", "a", "b"], [1, 2, 3], chars_a=[9, 5, 5], chars_b=[5, 9, 5])
        >>> rate, people, _ = raw_rate(pairs, Kind.LENGTH)
        >>> rate.estimate, rate.left_out, people.reason  # two of equal length say nothing
        (0.5, 1, 'no human verdicts on these pairs')
    """
    options = Options(level=level)
    if kind is Kind.FLIPS:
        none = Estimate.none(ONE_ORDER, n=askings.n, level=level)
        return _flips(askings, options), none, none
    signs = _SIGNS[kind](askings)
    position = kind is Kind.POSITION
    values = _towards(_wins(askings, soft=soft and not position), signs, ties=not position)
    rate = mean_estimate(values, askings.cluster, bounds=(0, 1), options=options)
    if position and askings.shown is not None:
        rate = first_position_rate(askings.winner, askings.shown, askings.cluster, options=options)
    if askings.people is None or not askings.texts(askings.people)[1].any():
        none = Estimate.none(NO_PEOPLE, left_out=askings.n, level=level)
        return rate, none, none
    their_signs = order_signs(askings, people=True) if position else signs
    if position and np.isnan(their_signs).all():
        none = Estimate.none(PEOPLES_ORDER, left_out=askings.n, level=level)
        return rate, none, none
    theirs = _towards(win_values(askings.people), their_signs, ties=not position)
    theirs = np.where(np.isnan(values), np.nan, theirs)
    return (
        rate,
        mean_estimate(theirs, askings.cluster, bounds=(0, 1), options=options),
        mean_estimate(values - theirs, askings.cluster, bounds=(-1, 1), options=options),
    )


def _flips(askings: Askings, options: Options) -> Estimate:
    """Match the k-th asking of a pair in one order with its k-th in the other."""
    if askings.pair is None:
        return Estimate.none("which askings are of one pair is not known", level=options.level)
    signs = order_signs(askings)
    pairs, _ = askings.texts(askings.pair)
    rows: dict[float, dict[tuple[str, int], int]] = {1.0: {}, -1.0: {}}
    counts: dict[tuple[str, float], int] = {}
    for row in np.flatnonzero(~np.isnan(signs)).tolist():
        key = (str(pairs[row]), float(signs[row]))
        counts[key] = counts.get(key, 0) + 1
        rows[key[1]][key[0], counts[key]] = row
    both = sorted(rows[1.0].keys() & rows[-1.0].keys())
    one, two = ([rows[order][key] for key in both] for order in (1.0, -1.0))
    if not both:
        return Estimate.none("no pair was asked in both orders", left_out=askings.n, level=options.level)
    winner = np.asarray(askings.winner, dtype=object)
    return flip_rate(winner[one], winner[two], np.asarray(askings.cluster)[one], options=options)


def _difference(name: str) -> Callable[[Askings], Floats]:
    def signs(askings: Askings) -> Floats:
        one, two = (getattr(askings, f"{name}_{side}") for side in "ab")
        return np.asarray(np.sign(askings.numbers(one) - askings.numbers(two)), dtype=np.float64)

    return signs


_SIGNS: dict[Kind, Callable[[Askings], Floats]] = {
    Kind.POSITION: order_signs,
    Kind.LENGTH: _difference("chars"),
    Kind.LISTS: _difference("lists"),
    Kind.MARKDOWN: _difference("markdown"),
    Kind.OWN_FAMILY: own_signs,
}


def _towards(wins: Floats, signs: Floats, *, ties: bool) -> Floats:
    """Return what the verdicts count for the side that has more; NaN where neither has."""
    if not ties:
        wins = np.where(wins == 0.5, np.nan, wins)
    return np.where(signs > 0, wins, np.where(signs < 0, 1 - wins, np.nan))


def _wins(askings: Askings, *, soft: bool) -> Floats:
    return floats(_column(askings.p_a, askings)) if soft else win_values(askings.winner)


def _column(column: Column | None, askings: Askings) -> Column:
    return [None] * askings.n if column is None else column


def _contrasts(columns: dict[str, Column]) -> Contrasts:
    return {kind: contrast for kind, contrast in CONTRASTS.items() if kind in columns}


def _by_kind(found: dict[str, Effect], askings: Askings, level: float) -> dict[Kind, Effect]:
    reasons = {Kind.FLIPS: NO_COVARIATE, Kind.OWN_FAMILY: UNCROSSED}
    return {kind: found[kind] if kind in found else _none(reasons[kind], askings, level) for kind in Kind}


def _none(reason: str, askings: Askings, level: float) -> Effect:
    none = Estimate.none(reason, left_out=askings.n, level=level)
    return Effect(none, none)
