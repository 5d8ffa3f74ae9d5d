"""The probability that one system beats another: as the model has it, and as it was seen head to head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalhub.stats.clusters import Ints
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import DEFAULT, Options
from evalhub.stats.logit.fit import probabilities
from evalhub.stats.means import mean_estimate
from evalhub.stats.ranking.fitted import Fitted, Refused, fit_matches
from evalhub.stats.ranking.matches import Matches, Played, read_matches


@dataclass(frozen=True, slots=True)
class Beats:
    """How often one system beats another, a tie counting half; in [0, 1], .5 = equal.

    Args:
        first: Id of the system whose wins count.
        second: Id of its opponent.
        modelled: Probability under Bradley-Terry, from the matches of all systems; every covariate 0.
        observed: Win rate in the matches of these two, unweighted.
    """

    first: str
    second: str
    modelled: Estimate
    observed: Estimate


def p_beats(matches: Matches, *, options: Options = DEFAULT) -> tuple[Beats, ...]:
    """Estimate for every ordered pair of systems how often the first beats the second.

    Args:
        matches: The verdicts.
        options: Which interval, level, resamples, seed.

    Returns:
        S · (S - 1) rows, sorted by first and second. None with a reason: `modelled` where the model has no
        fit, `observed` where the two never met.

    Raises:
        InputError: As `read_matches`.

    Source: Bradley & Terry, Biometrika 39, 1952, 324-345.

    Example:
        >>> x_beats_y = p_beats(Matches([1, 1, 1, 0], ["x"] * 4, ["y"] * 4, range(4)))[0]
        >>> round(x_beats_y.modelled.estimate, 9), x_beats_y.observed.estimate
        (0.75, 0.75)
    """
    played = read_matches(matches)
    fit = fit_matches(played, options)
    met = _by_pair(played)
    size, found = len(played.systems), {}
    for one in range(size):
        for two in range(one + 1, size):
            modelled = _modelled(fit, played, one, two)
            observed = _observed(played, met.get(one * size + two), one, options)
            first, second = played.systems[one], played.systems[two]
            found[first, second] = Beats(first, second, modelled, observed)
            found[second, first] = Beats(second, first, _mirrored(modelled), _mirrored(observed))
    return tuple(found[pair] for pair in sorted(found))


def _by_pair(played: Played) -> dict[int, Ints]:
    """Return the rows in which each two systems met."""
    size = len(played.systems)
    pairs = np.minimum(played.first, played.second) * size + np.maximum(played.first, played.second)
    order = np.argsort(pairs, kind="stable")
    names, starts = np.unique(pairs[order], return_index=True)
    return dict(zip(names.tolist(), np.split(order, starts[1:]), strict=False))


def _observed(played: Played, rows: Ints | None, one: int, options: Options) -> Estimate:
    if rows is None:
        return Estimate.none("the two never met", level=options.level)
    wins = np.where(played.first[rows] == one, played.wins[rows], 1 - played.wins[rows])
    return mean_estimate(wins, played.members[rows], bounds=(0, 1), options=options)


def _modelled(fit: Fitted | Refused, played: Played, one: int, two: int) -> Estimate:
    if isinstance(fit, Refused):
        return Estimate.none(fit.reason)
    contrast = np.zeros(len(fit.beta))
    contrast[[one, two]] = 1.0, -1.0
    odds = fit.estimate(contrast, n=len(played.wins), clusters=int(fit.entries[[one, two]].min()))
    return odds.moved(lambda number: float(probabilities(np.array(number))))


def _mirrored(share: Estimate) -> Estimate:
    return share.moved(lambda number: 1 - number, scale=1)
