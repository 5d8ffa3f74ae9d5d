"""The probability that one system beats another: as modelled, and as observed head to head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalhub.stats.clusters import Ints
from evalhub.stats.estimate import Estimate
from evalhub.stats.logit.fit import probabilities
from evalhub.stats.means import mean_estimate
from evalhub.stats.ranking.fitted import FittedStrengths, Unfitted, fit_matches
from evalhub.stats.ranking.matches import Matches, Played, read_matches


@dataclass(frozen=True, slots=True)
class Beats:
    """How often one system beats another, a tie counting half. In [0, 1], .5 = equal.

    Args:
        first: Id of the system whose wins count.
        second: Id of its opponent.
        modelled: Probability under Bradley-Terry, from the matches of all systems, every covariate 0.
        observed: Win rate in the matches of these two, unweighted.
    """

    first: str
    second: str
    modelled: Estimate
    observed: Estimate


def p_beats(matches: Matches) -> tuple[Beats, ...]:
    """Estimate for every ordered pair of systems how often the first beats the second.

    `modelled` uses all matches and has the narrower interval. Where it lies far from `observed`, the two
    systems do not fit on one scale of strength.

    Args:
        matches: The verdicts.

    Returns:
        S · (S - 1) rows, sorted by first and second. `modelled` is None with a reason where the model has no
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
    fit = fit_matches(played)
    rows = _rows_of_pairs(played)
    size, beats = len(played.systems), {}
    for i in range(size):
        for j in range(i + 1, size):
            modelled = _modelled(fit, played, i, j)
            observed = _observed(played, rows.get(i * size + j), i)
            first, second = played.systems[i], played.systems[j]
            beats[first, second] = Beats(first, second, modelled, observed)
            beats[second, first] = Beats(second, first, _mirrored(modelled), _mirrored(observed))
    return tuple(beats[pair] for pair in sorted(beats))


def _rows_of_pairs(played: Played) -> dict[int, Ints]:
    """Return the rows of each two systems that met, by i · S + j."""
    size = len(played.systems)
    pairs = np.minimum(played.first, played.second) * size + np.maximum(played.first, played.second)
    order = np.argsort(pairs, kind="stable")
    names, starts = np.unique(pairs[order], return_index=True)
    return dict(zip(names.tolist(), np.split(order, starts[1:]), strict=False))


def _observed(played: Played, rows: Ints | None, system: int) -> Estimate:
    if rows is None:
        return Estimate.none("the two never met")
    wins = np.where(played.first[rows] == system, played.wins[rows], 1 - played.wins[rows])
    return mean_estimate(wins, played.members[rows], bounds=(0, 1))


def _modelled(fit: FittedStrengths | Unfitted, played: Played, i: int, j: int) -> Estimate:
    if isinstance(fit, Unfitted):
        return Estimate.none(fit.reason)
    contrast = np.zeros(len(fit.beta))
    contrast[[i, j]] = 1.0, -1.0
    odds = fit.estimate(contrast, n=len(played.wins), clusters=int(fit.entries[[i, j]].min()))
    return odds.moved(lambda number: float(probabilities(np.array(number))))


def _mirrored(share: Estimate) -> Estimate:
    return share.moved(lambda number: 1 - number, scale=1)
