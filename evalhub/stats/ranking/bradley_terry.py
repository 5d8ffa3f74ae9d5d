"""Bradley-Terry: strengths of systems from matches between them.

The log-odds that one system beats another are the difference of their strengths, plus the effects of the
covariates. A tie counts half a win for each side, so the fit is a fractional logit (quasi-likelihood), as in
the win rates of this package. Strengths are log-odds that sum to zero. On the Elo scale they are
1000 + 400 / ln 10 times as much, so that 400 points are odds of ten to one.

The intervals leave out one cluster at a time, in one step from the fit (CR3), with Student's t. The degrees
of freedom are the number of clusters of the system minus one. More than 2,000 clusters are assigned at random
to 2,000 groups.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from evalhub.stats.clusters import Floats
from evalhub.stats.estimate import Estimate
from evalhub.stats.ranking.fitted import FittedStrengths, Unfitted, fit_matches
from evalhub.stats.ranking.matches import Matches, Played, read_matches
from evalhub.stats.ranking.system_estimates import SystemEstimates

ELO_CENTRE = 1_000.0
ELO_UNIT = 400 / math.log(10)


@dataclass(frozen=True, slots=True)
class Rating:
    """The strength of one system, on two scales.

    Args:
        system: Its id.
        strength: Log-odds against the average system. Higher = stronger.
        elo: The same on the Elo scale.
    """

    system: str
    strength: Estimate
    elo: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class BradleyTerry:
    """The fitted model.

    Args:
        ratings: One per system, sorted by id.
        covariates: Name to coefficient, in log-odds per unit. Above 0 = helps the side that has more of it.
        estimates: The strengths with each cluster's influence, for ranks. None without a fit or interval.
        reason: Why the likelihood has no maximum, or the strengths do not compare. None otherwise.
    """

    ratings: tuple[Rating, ...]
    covariates: dict[str, Estimate]
    estimates: SystemEstimates | None
    reason: str | None


def bradley_terry(matches: Matches) -> BradleyTerry:
    """Rate systems by whom they beat.

    Choose it where systems met different opponents, or on different items: win rates then do not compare, and
    strengths do. A difference of 1 in strength means odds of e to 1 for a win.

    Args:
        matches: The verdicts.

    Returns:
        The ratings. A rating is None with a reason for a system without a match that counts. All ratings are
        None where the matches fall into parts that never meet, or where a covariate predicts verdicts
        perfectly. Where systems never lost to the others (or never won) the maximum lies at infinity:
        `reason` names them, each system gets one virtual tie, the method is "bt+prior", and there is no
        interval. Leave those systems out to get one. The ranks of `estimates` are valid all the same.

    Raises:
        InputError: As `read_matches`.

    Source: Bradley & Terry, Biometrika 39, 1952, 324-345. Ties as half a win: Papke & Wooldridge,
        Journal of Applied Econometrics 11, 1996 (fractional logit). Leaving out clusters: Bell & McCaffrey,
        Survey Methodology 28(2), 2002.

    Example:
        >>> wins = [1, 1, 1, 0, 1, 1, 0, 1]
        >>> model = bradley_terry(Matches(wins, ["x"] * 8, ["y"] * 8, range(8)))
        >>> [(row.system, round(row.strength.estimate, 3), round(row.elo.estimate)) for row in model.ratings]
        [('x', 0.549, 1095), ('y', -0.549, 905)]
    """
    played = read_matches(matches)
    fit = fit_matches(played)
    return _unrated(played, fit.reason) if isinstance(fit, Unfitted) else _rated(fit)


def _unrated(played: Played, reason: str) -> BradleyTerry:
    no_estimate = Estimate.none(
        reason, n=len(played.wins), clusters=played.clusters, n_excluded=played.n_excluded
    )
    idle = replace(no_estimate, n=0, clusters=0, reason="no match that counts")
    estimates = [(system, idle if system in played.idle else no_estimate) for system in played.all_systems]
    covariates = dict.fromkeys((*played.names, *played.missing), no_estimate)
    ratings = tuple(Rating(system, estimate, estimate) for system, estimate in estimates)
    return BradleyTerry(ratings, covariates, None, reason)


def _rated(fit: FittedStrengths) -> BradleyTerry:
    strengths = [(system, _strength(fit, system)) for system in fit.played.all_systems]
    ratings = tuple(Rating(system, strength, on_elo_scale(strength)) for system, strength in strengths)
    estimates = None
    if len(fit.influence) and not len(fit.single_cluster):
        influence = fit.influence[:, : fit.size]
        estimates = SystemEstimates(fit.played.systems, fit.beta[: fit.size], influence, fit.entries)
    return BradleyTerry(ratings, _slopes(fit, np.eye(len(fit.beta))), estimates, fit.reason)


def _strength(fit: FittedStrengths, system: str) -> Estimate:
    played = fit.played
    if system in played.idle:
        return Estimate.none("no match that counts", n_excluded=played.n_excluded)
    place, contrast = played.systems.index(system), np.zeros(len(fit.beta))
    contrast[place] = 1.0
    return fit.estimate(contrast, n=int(fit.matches[place]), clusters=int(fit.entries[place]))


def _slopes(fit: FittedStrengths, unit: Floats) -> dict[str, Estimate]:
    played, strengths = fit.played, fit.strengths
    n, clusters, n_excluded = len(played.wins), played.clusters, played.n_excluded
    places = {int(column): fit.size + place for place, column in enumerate(strengths.columns)}
    slopes = {}
    for column, name in enumerate((*played.names, *played.missing)):
        reason = strengths.reasons.get(column) if column < len(played.names) else "not measured in any row"
        if reason:
            slopes[name] = Estimate.none(reason, n=n, clusters=clusters, n_excluded=n_excluded)
        else:
            slopes[name] = fit.estimate(unit[places[column]], n=n, clusters=clusters)
    return slopes


def on_elo_scale(strength: Estimate) -> Estimate:
    """Move a strength in log-odds to the Elo scale, where 400 points are odds of ten to one.

    Example:
        >>> on_elo_scale(Estimate(math.log(10), 0.0, 3.0, 0.95, "any", 9, 9, 0, None)).estimate
        1400.0
    """
    return strength.moved(lambda odds: ELO_CENTRE + ELO_UNIT * odds, scale=ELO_UNIT)
