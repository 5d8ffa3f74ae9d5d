"""Logits over pairwise judgments: all influences on the win probability at once, standard errors clustered.

**Ties.** A win counts 1, a tie one half, a loss 0, as in every win rate of this package, and the logit is
fitted to that number by quasi-maximum likelihood (a fractional logit). Half a win for each side treats both
sides alike, needs no model of when a judge calls a tie, is the plain binary logit where there is no tie, and
takes soft verdicts as they are. Only the mean is modelled. The sandwich covariance accounts for the rest.

**Output.** The coefficient in log-odds per unit, and the average marginal effect on the win probability (ties
half) in percentage points: the mean over the rows of the derivative. For a covariate with a contrast it is
the mean change when the covariate goes from `low` to `high` and all else stays. Its variance covers both the
coefficients and the draw of the rows. A logit that lacks what else makes a pair easy understates log-odds, by
as much as the pairs differ. The average marginal effect hardly moves, so prefer it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Column, floats, same_length, within_bounds
from evalhub.stats.logit.effects import (
    NO_CONTRASTS,
    Contrasts,
    Effect,
    Fit,
    Part,
    fit_rows,
    read_rows,
    to_effects,
)


def pooled_logit(
    wins: Column,
    clusters: Column,
    covariates: Mapping[str, Column],
    *,
    contrasts: Contrasts = NO_CONTRASTS,
) -> dict[str, Effect]:
    """Estimate the effect of each covariate on the win probability, the others held fixed.

    Args:
        wins: (n,) 1 = side a wins, .5 = tie, 0 = side b wins, or the probability that a wins. None = failed.
        clusters: (n,) cluster ids.
        covariates: Name to (n,) numbers, each signed towards side a. None = missing. A constant is added. Do
            not add dummies of the items where each pair is judged in both orders: they would double the
            order's coefficient.
        contrasts: Name to (low, high) for covariates that are reported as a change from low to high.

    Returns:
        Name to effect, above 0 = the covariate helps the side that has more of it. Rows with anything missing
        are left out and counted. An effect is None with a reason for a covariate that is constant, collinear
        or wholly missing (the others are still fitted), with fewer than 3 clusters, or with too few rows.
        Verdicts that a covariate predicts perfectly are set aside with it and counted.

    Raises:
        InputError: The columns differ in length, a win lies outside [0, 1], or a contrast has the name of no
            covariate.

    Source: Papke & Wooldridge, Journal of Applied Econometrics 11, 1996 (fractional logit). Liang & Zeger,
        Biometrika 73(1), 1986 (sandwich). Cameron & Miller, Journal of Human Resources 50(2), 2015, section
        VI (few clusters: CR3 residuals, Student's t with G-1 degrees of freedom).

    Example:
        >>> wins, first = [1, 1, 0, 0.5, 1, 0, 1, 0], [1, -1, -1, 1, 1, -1, 1, -1]
        >>> effects = pooled_logit(wins, range(8), {"order": first}, contrasts={"order": (-1, 1)})
        >>> round(effects["order"].points.estimate, 9)  # 87.5% when first, 25% when second
        62.5
    """
    _check(contrasts, covariates)
    data = read_rows(wins, clusters, covariates)
    effects = to_effects(fit_rows(data, data.wins, contrasts))
    return {name: effects[name] for name in covariates}


def pooled_logit_difference(
    wins: Column,
    reference: Column,
    clusters: Column,
    covariates: Mapping[str, Column],
    *,
    contrasts: Contrasts = NO_CONTRASTS,
) -> dict[str, Effect]:
    """Estimate how much more a covariate moves one set of verdicts than another on the same rows.

    Args:
        wins: (n,) as in `pooled_logit`.
        reference: (n,) the other verdicts of the same rows, such as people's, in the same coding.
        clusters: (n,) cluster ids.
        covariates: As in `pooled_logit`.
        contrasts: As in `pooled_logit`.

    Returns:
        Name to effect on `wins` minus effect on `reference`. The interval is paired: each cluster's influence
        on the second effect is subtracted from its influence on the first. Only rows with both verdicts
        enter.

    Raises:
        InputError: As `pooled_logit`.

    Source: as `pooled_logit`, with the two score equations stacked.

    Example:
        >>> wins, first = [1, 1, 0, 0.5, 1, 0, 1, 0], [1, -1, -1, 1, 1, -1, 1, -1]
        >>> people, order = [1, 1, 0, 1, 0, 0, 1, 1], {"order": first}
        >>> effects = pooled_logit_difference(wins, people, range(8), order, contrasts={"order": (-1, 1)})
        >>> round(effects["order"].points.estimate, 9)  # 62.5 points for the judge, 25 for people
        37.5
    """
    _check(contrasts, covariates)
    same_length({"wins": wins, "reference": reference})
    second = floats(reference)
    data = read_rows(np.where(np.isnan(second), np.nan, floats(wins)), clusters, covariates)
    fits = [
        fit_rows(data, outcomes, contrasts)
        for outcomes in (data.wins, within_bounds(second[data.rows], (0, 1), "win"))
    ]
    effects = to_effects(_subtract(*fits))
    return {name: effects[name] for name in covariates}


def _check(contrasts: Contrasts, covariates: Mapping[str, Column]) -> None:
    strange = sorted(set(contrasts) - set(covariates))
    if strange:
        raise InputError("a contrast names no covariate", value=strange, allowed=tuple(covariates))


def _subtract(first: Fit, second: Fit) -> Fit:
    """Subtract the numbers that both fits have, cluster by cluster."""
    parts = {
        name: (_minus(first.parts[name][0], second.parts[name][0]),
               _minus(first.parts[name][1], second.parts[name][1]))
        for name in first.names
        if name in first.parts and name in second.parts
    }  # fmt: skip
    return Fit(
        parts,
        {name: f"{reason}, in the other verdicts" for name, reason in second.reasons.items()} | first.reasons,
        first.names,
        min(first.n, second.n),
        min(first.clusters, second.clusters),
        max(first.n_excluded, second.n_excluded),
        max(first.coefficients, second.coefficients),
    )


def _minus(first: Part, second: Part) -> Part:
    single = first.single_cluster or second.single_cluster
    value, influence = first.value - second.value, first.influence - second.influence
    return Part(value, influence, single, max(first.noise, second.noise))
