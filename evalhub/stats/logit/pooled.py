"""Logits over pairwise judgments: what moves the win probability, all at once, standard errors clustered.

**Ties.** A win counts 1, a tie one half, a loss 0, as in every win rate of this package, and the logit is
fitted to that number by quasi-maximum likelihood (a fractional logit). Half a vote for each side treats both
sides alike, needs no model of when a judge calls a tie, is the plain binary logit where there is none, and
takes soft verdicts as they are. Only the mean is modelled; the sandwich covariance answers for the rest.

**What is reported.** The coefficient in log-odds per unit, and the average marginal effect on the win
probability (ties half) in percentage points: mean over the rows of the derivative, or, for a covariate with a
contrast, of the change when it goes from `low` to `high` and all else stays. Its variance covers both the
coefficients and the draw of the rows. A logit that leaves out what else makes a pair easy understates
log-odds, by as much as the pairs differ; the average marginal effect hardly moves, so read that one.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Column, floats, same_length
from evalhub.stats.estimate import CONFIDENCE
from evalhub.stats.logit.effects import (
    NO_CONTRASTS,
    Contrasts,
    Effect,
    Fit,
    Part,
    fit_rows,
    read_rows,
    shares,
    to_effects,
)


def pooled_logit(
    wins: Column,
    clusters: Column,
    covariates: Mapping[str, Column],
    *,
    contrasts: Contrasts = NO_CONTRASTS,
    level: float = CONFIDENCE,
) -> dict[str, Effect]:
    """Estimate what each covariate does to the win probability, the others held fixed.

    Args:
        wins: (n,) 1 = side a wins, .5 = tie, 0 = side b wins, or the probability that a wins; None = failed.
        clusters: (n,) cluster ids.
        covariates: Name to (n,) numbers, each signed towards side a; None = missing. A constant is added. No
            dummies of the items beside both orders of each pair: they would double the order's coefficient.
        contrasts: Name to (low, high) for covariates that are reported as a change from low to high.
        level: Confidence level, in (0, 1).

    Returns:
        Name to effect, above 0 = the covariate helps the side that has more of it. Rows with anything missing
        are left out and counted. None with a reason: a covariate that is constant, collinear or
        wholly missing (the rest is still fitted), fewer than 3 clusters, too few rows. Verdicts that a
        covariate predicts perfectly are set aside with it, and counted; the rest is fitted on the others.

    Raises:
        InputError: The columns differ in length, a win lies outside [0, 1], or a contrast names no covariate.

    Source: Papke & Wooldridge, Journal of Applied Econometrics 11, 1996 (fractional logit); Liang & Zeger,
        Biometrika 73(1), 1986 (sandwich); Cameron & Miller, Journal of Human Resources 50(2), 2015, section
        VI (few clusters: CR3 residuals, Student's t with G-1 degrees of freedom).

    Example:
        >>> wins, first = [1, 1, 0, 0.5, 1, 0, 1, 0], [1, -1, -1, 1, 1, -1, 1, -1]
        >>> found = pooled_logit(wins, range(8), {"order": first}, contrasts={"order": (-1, 1)})
        >>> round(found["order"].points.estimate, 9)  # 87.5% when first, 25% when second
        62.5
    """
    _check(contrasts, covariates)
    data = read_rows(wins, clusters, covariates)
    found = to_effects(fit_rows(data, data.wins, contrasts), level)
    return {name: found[name] for name in covariates}


def pooled_logit_difference(
    wins: Column,
    others: Column,
    clusters: Column,
    covariates: Mapping[str, Column],
    *,
    contrasts: Contrasts = NO_CONTRASTS,
    level: float = CONFIDENCE,
) -> dict[str, Effect]:
    """Estimate by how much a covariate moves one set of verdicts more than another on the same rows.

    Args:
        wins: (n,) as in `pooled_logit`.
        others: (n,) the other verdicts of the same rows, such as people's, in the same coding.
        clusters: (n,) cluster ids.
        covariates: As in `pooled_logit`.
        contrasts: As in `pooled_logit`.
        level: Confidence level, in (0, 1).

    Returns:
        Name to effect on `wins` minus effect on `others`; the interval is paired: each cluster's influence on
        the one is taken off its influence on the other. Only rows with both verdicts enter.

    Raises:
        InputError: As `pooled_logit`.

    Source: as `pooled_logit`; the two score equations are stacked.

    Example:
        >>> wins, first = [1, 1, 0, 0.5, 1, 0, 1, 0], [1, -1, -1, 1, 1, -1, 1, -1]
        >>> people = [1, 1, 0, 1, 0, 0, 1, 1]
        >>> order = {"order": first}
        >>> found = pooled_logit_difference(wins, people, range(8), order, contrasts={"order": (-1, 1)})
        >>> round(found["order"].points.estimate, 9)  # 62.5 points here, 25 among people
        37.5
    """
    _check(contrasts, covariates)
    same_length({"wins": wins, "others": others})
    second = floats(others)
    data = read_rows(np.where(np.isnan(second), np.nan, floats(wins)), clusters, covariates)
    one = fit_rows(data, data.wins, contrasts)
    two = fit_rows(data, shares(second[data.rows]), contrasts)
    found = to_effects(_subtract(one, two), level)
    return {name: found[name] for name in covariates}


def _check(contrasts: Contrasts, covariates: Mapping[str, Column]) -> None:
    strange = sorted(set(contrasts) - set(covariates))
    if strange:
        raise InputError("a contrast names no covariate", value=strange, allowed=tuple(covariates))


def _subtract(one: Fit, two: Fit) -> Fit:
    """Subtract the numbers that both fits have, cluster by cluster."""
    parts = {
        name: (_minus(one.parts[name][0], two.parts[name][0]), _minus(one.parts[name][1], two.parts[name][1]))
        for name in one.names
        if name in one.parts and name in two.parts
    }
    return Fit(
        parts,
        {name: f"{reason}, in the other verdicts" for name, reason in two.reasons.items()} | one.reasons,
        one.names,
        min(one.n, two.n),
        min(one.clusters, two.clusters),
        max(one.left_out, two.left_out),
        max(one.coefficients, two.coefficients),
    )


def _minus(one: Part, two: Part) -> Part:
    alone = one.alone or two.alone
    return Part(one.value - two.value, one.influence - two.influence, alone, max(one.noise, two.noise))
