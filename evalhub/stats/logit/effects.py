"""From rows to effects: reading the columns, fitting the logit, and the influence of each cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evalhub.stats.clusters import (
    Bools,
    Column,
    Floats,
    Ints,
    codes,
    floats,
    same_length,
    take,
    within_bounds,
)
from evalhub.stats.estimate import CONFIDENCE, MIN_CLUSTERS, Estimate
from evalhub.stats.intervals import NO_WIDTH, NOISE, TOO_FEW, t_quantile
from evalhub.stats.logit.fit import Solution, probabilities, solve
from evalhub.stats.logit.sandwich import Influence, cluster_influence

METHOD = "logit-cluster-t"
Contrasts = Mapping[str, tuple[float, float]]
NO_CONTRASTS: Contrasts = {}


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of one covariate, on two scales.

    Args:
        log_odds: Coefficient of the logit, per unit of the covariate.
        points: Average marginal effect on the win probability, in percentage points, in [-100, 100].
    """

    log_odds: Estimate
    points: Estimate


@dataclass(frozen=True, slots=True)
class Part:
    """A number with each cluster's influence on it.

    Args:
        value: The number.
        influence: (G,) by how much it falls when a cluster is left out. Its variance is the sum of their
            squares times (G - 1) / G.
        single_cluster: Whether only one cluster identifies it, so that this cluster cannot be left out.
        noise: Half-widths up to here are rounding errors.
    """

    value: float
    influence: Floats
    single_cluster: bool = False
    noise: float = 0.0


@dataclass(frozen=True, slots=True)
class Fit:
    """Both numbers of each covariate, or the reason why there are none.

    Args:
        parts: Name to coefficient (log-odds) and average marginal effect (percentage points).
        reasons: Name to reason, for every covariate without parts.
        names: All covariates, in their order.
        n: Rows fitted.
        clusters: Clusters among them.
        n_excluded: Rows that were not fitted.
        coefficients: Coefficients fitted, the constant and nuisances among them.
    """

    parts: dict[str, tuple[Part, Part]]
    reasons: dict[str, str]
    names: tuple[str, ...]
    n: int
    clusters: int
    n_excluded: int
    coefficients: int


@dataclass(frozen=True, slots=True)
class Data:
    """The complete rows, and the columns that have a value in some row.

    Args:
        rows: (N,) True where a row is complete.
        wins: (n,) outcomes in [0, 1].
        members: (n,) cluster codes 0 … G-1.
        names: Columns of the matrix.
        matrix: (n, k) covariates.
        missing: Covariates measured in no row.
        n_excluded: Incomplete rows.
    """

    rows: Bools
    wins: Floats
    members: Ints
    names: tuple[str, ...]
    matrix: Floats
    missing: tuple[str, ...]
    n_excluded: int


def read_rows(wins: Column, clusters: Column, covariates: Mapping[str, Column]) -> Data:
    """Keep the complete rows. A covariate that was measured in no row is set aside and costs no rows.

    Args:
        wins: (N,) numbers in [0, 1]. None = failed.
        clusters: (N,) cluster ids.
        covariates: Name to (N,) numbers. None = missing.

    Returns:
        The complete rows.

    Raises:
        InputError: The columns differ in length, or a win lies outside [0, 1].
    """
    same_length({"wins": wins, "clusters": clusters, **covariates})
    outcomes = floats(wins)
    columns = {name: floats(column) for name, column in covariates.items()}
    measured = {name: column for name, column in columns.items() if not np.isnan(column).all()}
    matrix = np.column_stack([np.empty((len(outcomes), 0)), *measured.values()])
    rows = ~np.isnan(outcomes) & ~np.isnan(matrix).any(axis=1)
    return Data(
        rows,
        within_bounds(outcomes[rows], (0, 1), "win"),
        codes(take(clusters, rows))[0],
        tuple(measured),
        matrix[rows],
        tuple(name for name in columns if name not in measured),
        int(len(rows) - rows.sum()),
    )


def fit_rows(data: Data, wins: Floats, contrasts: Contrasts) -> Fit:
    """Fit the logit, and return each cluster's influence on every number.

    Args:
        data: The rows.
        wins: (n,) their outcomes, in [0, 1].
        contrasts: Name to (low, high), for covariates reported as a change.

    Returns:
        The numbers that are identified, and the reasons of the others.
    """
    reasons = dict.fromkeys(data.missing, "not measured in any row")
    names = tuple(data.names) + tuple(data.missing)
    clusters = len(np.unique(data.members))
    refusal = _reason_against_fit(wins, clusters)
    if refusal:
        reasons |= dict.fromkeys(data.names, refusal)
        return Fit({}, reasons, names, len(wins), clusters, data.n_excluded, 0)
    solution = solve(wins, data.matrix, data.names)
    reasons |= {data.names[column]: reason for column, reason in solution.reasons.items()}
    members = data.members[solution.rows]
    clusters = len(np.unique(members))
    coefficients = solution.design.matrix.shape[1]
    n_excluded = data.n_excluded + int((~solution.rows).sum())
    if clusters < MIN_CLUSTERS or len(members) <= coefficients:
        reason = TOO_FEW if clusters < MIN_CLUSTERS else "no more rows than coefficients"
        reasons |= {name: reason for name in data.names if name not in reasons}
    places = [
        (place, data.names[column])
        for place, column in enumerate(solution.design.columns.tolist())
        if column >= 0 and data.names[column] not in reasons
    ]
    parts = {}
    if places:
        influence = cluster_influence(solution, members, int(data.members.max()) + 1)
        parts = {
            name: _parts(solution, place, members, influence, contrasts.get(name)) for place, name in places
        }
    return Fit(parts, reasons, names, len(members), clusters, n_excluded, coefficients)


def _reason_against_fit(wins: Floats, clusters: int) -> str | None:
    if not len(wins):
        return "nothing was measured"
    if clusters < MIN_CLUSTERS:
        return TOO_FEW
    return "every verdict is the same" if wins.min() == wins.max() else None


def _parts(
    solution: Solution,
    place: int,
    members: Ints,
    influence: Influence,
    contrast: tuple[float, float] | None,
) -> tuple[Part, Part]:
    """Return a covariate's coefficient and average marginal effect, with their influences."""
    scale = solution.design.scales[place]
    single = bool(influence.single[place])
    effects, gradient = _marginal_effects(solution, place, contrast)
    value = float(effects.mean())
    groups = len(np.unique(members))
    draw = np.bincount(members, weights=effects - value, minlength=len(influence.values)) / len(effects)
    change = influence.values @ gradient + draw * groups / (groups - 1)
    with np.errstate(over="ignore"):
        odds, pull = solution.beta[place] / scale, influence.values[:, place] / scale
    slope = Part(float(odds), pull, single, NOISE / float(scale))
    noise = 100 * NOISE / (scale if contrast is None else 1.0)
    return slope, Part(100 * value, 100 * change, single, noise)


def _marginal_effects(
    solution: Solution, place: int, contrast: tuple[float, float] | None
) -> tuple[Floats, Floats]:
    """Return each row's marginal effect, and the gradient of their mean in the coefficients."""
    design, beta = solution.design, solution.beta
    predictor = design.matrix @ beta
    if contrast is None:
        fitted = probabilities(predictor)
        steep, slope = fitted * (1 - fitted), beta[place] / design.scales[place]
        gradient = slope * ((steep * (1 - 2 * fitted)) @ design.matrix) / len(fitted)
        gradient[place] += steep.mean() / design.scales[place]
        return steep * slope, gradient
    effects, gradient = np.zeros(len(predictor)), np.zeros(len(beta))
    for sign, value in zip((-1.0, 1.0), contrast, strict=True):
        standard = (value - design.centres[place]) / design.scales[place]
        fitted = probabilities(predictor + (standard - design.matrix[:, place]) * beta[place])
        steep = fitted * (1 - fitted)
        change = steep @ design.matrix / len(fitted)
        change[place] = standard * steep.mean()
        effects, gradient = effects + sign * fitted, gradient + sign * change
    return effects, gradient


def to_effects(fit: Fit) -> dict[str, Effect]:
    """Turn influences into standard errors, and those into intervals.

    Args:
        fit: The numbers with their influences.

    Returns:
        Name to effect, in the order of the covariates.
    """
    effects = {}
    for name in fit.names:
        if name in fit.parts:
            effects[name] = Effect(*(_estimate(part, fit) for part in fit.parts[name]))
        else:
            no_estimate = Estimate.none(
                fit.reasons[name], n=fit.n, clusters=fit.clusters, n_excluded=fit.n_excluded, method=METHOD
            )
            effects[name] = Effect(no_estimate, no_estimate)
    return effects


def _estimate(part: Part, fit: Fit) -> Estimate:
    counts = {"n": fit.n, "clusters": fit.clusters, "n_excluded": fit.n_excluded}
    largest = float(np.abs(part.influence).max()) or 1.0
    squares = float(np.sum((part.influence / largest) ** 2))
    error = largest * ((fit.clusters - 1) / fit.clusters * squares) ** 0.5
    if not np.isfinite([part.value, error]).all():
        return Estimate.none("beyond the range of numbers", method=METHOD, **counts)
    half = t_quantile(CONFIDENCE, fit.clusters - 1) * error
    estimate = Estimate(
        part.value, part.value - half, part.value + half, CONFIDENCE, METHOD, **counts, reason=None,
        standard_error=error,
    )  # fmt: skip
    if part.single_cluster:
        return estimate.without_interval("one cluster alone tells it")
    if fit.clusters <= fit.coefficients:
        return estimate.without_interval("no more clusters than coefficients")
    return estimate.without_interval(NO_WIDTH) if half <= part.noise else estimate
