"""Bradley-Terry: strengths of systems from matches between them.

The log-odds that one system beats another are the difference of their strengths, plus what the covariates
do. A tie counts half a win for each side, so the fit is a fractional logit (quasi-likelihood), as in the win
rates of this package. Strengths are log-odds that sum to zero, or stand against a baseline; on the Elo scale
they are 1000 + 400 / ln 10 times as much, so that 400 points are odds of ten to one.

The intervals leave out one cluster at a time, in one step from the fit (CR3), with Student's t on the
clusters of the system less one. Beyond 2,000 clusters these are dealt at random into 2,000 groups.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from evalhub.errors import UnknownNameError
from evalhub.stats.clusters import Floats
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import DEFAULT, Options
from evalhub.stats.ranking.fitted import Fitted, Refused, fit_matches
from evalhub.stats.ranking.matches import Matches, Played, read_matches
from evalhub.stats.ranking.standing import Standing

ELO_CENTRE = 1_000.0
ELO_UNIT = 400 / math.log(10)


@dataclass(frozen=True, slots=True)
class Rating:
    """The strength of one system, on two scales.

    Args:
        system: Its id.
        strength: Log-odds against the average system, or the baseline; higher = stronger.
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
        covariates: Name to coefficient, in log-odds per unit; above 0 = helps the side that has more of it.
        standing: The strengths with each cluster's influence, for ranks; None without a fit or interval.
        reason: What kept the likelihood from a maximum, or the strengths from being comparable; None without.
    """

    ratings: tuple[Rating, ...]
    covariates: dict[str, Estimate]
    standing: Standing | None
    reason: str | None


def bradley_terry(
    matches: Matches, *, baseline: str | None = None, options: Options = DEFAULT
) -> BradleyTerry:
    """Rate systems by whom they beat.

    Args:
        matches: The verdicts.
        baseline: Id of the system whose strength is 0; None = the strengths sum to zero.
        options: Which interval, level, resamples, seed.

    Returns:
        The ratings. None with a reason: systems without a match that counts, and all of them where the
        matches fall into parts that never meet, or a covariate predicts verdicts perfectly. Where systems
        never lost to the rest (or never won) the maximum lies at infinity: `reason` names them, each system
        gets one virtual tie, the method is "bt+prior", and there is no interval: leave those systems out to
        get one. The ranks of `standing` hold all the same.

    Raises:
        InputError: As `read_matches`; a baseline that is not among the systems.

    Source: Bradley & Terry, Biometrika 39, 1952, 324-345; ties as half a win: Papke & Wooldridge,
        Journal of Applied Econometrics 11, 1996 (fractional logit); leaving out clusters: Bell & McCaffrey,
        Survey Methodology 28(2), 2002.

    Example:
        >>> won, games = [1, 1, 1, 0, 1, 1, 0, 1], range(8)
        >>> found = bradley_terry(Matches(won, ["x"] * 8, ["y"] * 8, games))
        >>> [(one.system, round(one.strength.estimate, 3), round(one.elo.estimate)) for one in found.ratings]
        [('x', 0.549, 1095), ('y', -0.549, 905)]
    """
    played = read_matches(matches)
    known = sorted((*played.systems, *played.idle))
    if baseline is not None and baseline not in known:
        raise UnknownNameError("system", baseline, known)
    fit = fit_matches(played, options)
    return _none(played, fit.reason, options) if isinstance(fit, Refused) else _rated(fit, baseline)


def _none(played: Played, reason: str, options: Options) -> BradleyTerry:
    n, clusters, left_out = len(played.wins), played.clusters, played.left_out
    none = Estimate.none(reason, n=n, clusters=clusters, left_out=left_out, level=options.level)
    systems = sorted((*played.systems, *played.idle))
    never = replace(none, n=0, clusters=0, reason="no match that counts")
    chosen = {system: never if system in played.idle else none for system in systems}
    covariates = dict.fromkeys((*played.names, *played.missing), none)
    return BradleyTerry(
        tuple(Rating(system, one, one) for system, one in chosen.items()), covariates, None, reason
    )


def _rated(fit: Fitted, baseline: str | None) -> BradleyTerry:
    played = fit.played
    unit = np.eye(len(fit.beta))
    ratings = []
    for system in sorted((*played.systems, *played.idle)):
        strength = _strength(fit, system, baseline)
        ratings.append(Rating(system, strength, on_elo_scale(strength)))
    standing = None
    if len(fit.influence) and not len(fit.alone):
        standing = Standing(played.systems, fit.beta[: fit.size], fit.influence[:, : fit.size], fit.entries)
    return BradleyTerry(tuple(ratings), _slopes(fit, unit), standing, fit.reason)


def _strength(fit: Fitted, system: str, baseline: str | None) -> Estimate:
    played = fit.played
    if system in played.idle or baseline in played.idle:
        why = f"{'the baseline has ' if system not in played.idle else ''}no match that counts"
        return Estimate.none(why, left_out=played.left_out, level=fit.options.level)
    place, contrast = played.systems.index(system), np.zeros(len(fit.beta))
    contrast[place] = 1.0
    if baseline is not None:
        contrast[played.systems.index(baseline)] -= 1.0
    strength = fit.estimate(contrast, n=int(fit.matches[place]), clusters=int(fit.entries[place]))
    return strength.without_interval("the baseline is 0 by definition") if system == baseline else strength


def _slopes(fit: Fitted, unit: Floats) -> dict[str, Estimate]:
    played, found = fit.played, fit.found
    n, clusters, left_out, level = len(played.wins), played.clusters, played.left_out, fit.options.level
    places = {int(column): fit.size + place for place, column in enumerate(found.columns)}
    slopes = {}
    for column, name in enumerate((*played.names, *played.missing)):
        why = found.reasons.get(column) if column < len(played.names) else "not measured in any row"
        if why:
            slopes[name] = Estimate.none(why, n=n, clusters=clusters, left_out=left_out, level=level)
        else:
            slopes[name] = fit.estimate(unit[places[column]], n=n, clusters=clusters)
    return slopes


def on_elo_scale(strength: Estimate) -> Estimate:
    """Move a strength to the Elo scale: 1000 + 400 / ln 10 times the log-odds.

    Args:
        strength: An estimate in log-odds.

    Returns:
        The same estimate; 400 points are odds of ten to one.

    Example:
        >>> on_elo_scale(Estimate(math.log(10), 0.0, 3.0, 0.95, "any", 9, 9, 0, None)).estimate
        1400.0
    """
    return strength.moved(lambda odds: ELO_CENTRE + ELO_UNIT * odds, scale=ELO_UNIT)
