"""From rows to effects: what is read, what is fitted, and the influence of each cluster on each number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Bools, Column, Floats, Ints, codes, floats, same_length
from evalhub.stats.estimate import MIN_CLUSTERS, Estimate
from evalhub.stats.intervals import NO_WIDTH, NOISE, TOO_FEW, t_quantile
from evalhub.stats.logit.fit import Solution, probabilities, solve
from evalhub.stats.logit.sandwich import Influence, cluster_influence

METHOD = "logit-cluster-t"
Contrasts = Mapping[str, tuple[float, float]]
NO_CONTRASTS: Contrasts = {}


@dataclass(frozen=True, slots=True)
class Effect:
    """What one covariate does, on two scales.

    Args:
        log_odds: Coefficient of the logit, per unit of the covariate.
        points: Average marginal effect on the win probability, in percentage points, in [-100, 100].
    """

    log_odds: Estimate
    points: Estimate


@dataclass(frozen=True, slots=True)
class Part:
    """A number with what each cluster did to it.

    Args:
        value: The number.
        influence: (G,) by how much it falls when a cluster is left out; its variance is the sum of their
            squares times (G - 1) / G.
        alone: Whether one cluster alone tells it, so that it cannot be left out.
        noise: Half a width below which there is only rounding.
    """

    value: float
    influence: Floats
    alone: bool = False
    noise: float = 0.0


@dataclass(frozen=True, slots=True)
class Fit:
    """Both numbers of each covariate, or why there are none, and what they rest on.

    Args:
        parts: Name to coefficient (log-odds) and average marginal effect (percentage points).
        reasons: Name to reason, for every covariate without parts.
        names: All covariates, in the order given.
        n: Rows fitted.
        clusters: Clusters among them.
        left_out: Rows given but not fitted.
        coefficients: Coefficients fitted, the constant and nuisances among them.
    """

    parts: dict[str, tuple[Part, Part]]
    reasons: dict[str, str]
    names: tuple[str, ...]
    n: int
    clusters: int
    left_out: int
    coefficients: int


@dataclass(frozen=True, slots=True)
class Data:
    """The rows that are whole, and the columns that were measured at all.

    Args:
        rows: (N,) True where a given row is whole.
        wins: (n,) outcomes in [0, 1].
        members: (n,) cluster codes 0 … G-1.
        names: Columns of the matrix.
        matrix: (n, k) covariates.
        missing: Covariates measured in no row.
        left_out: Rows that are not whole.
    """

    rows: Bools
    wins: Floats
    members: Ints
    names: tuple[str, ...]
    matrix: Floats
    missing: tuple[str, ...]
    left_out: int


def read_rows(wins: Column, clusters: Column, covariates: Mapping[str, Column]) -> Data:
    """Keep the rows that lack nothing; a column that was measured nowhere does not cost them.

    Args:
        wins: (N,) numbers in [0, 1]; None = failed.
        clusters: (N,) cluster ids.
        covariates: Name to (N,) numbers; None = missing.

    Returns:
        The whole rows.

    Raises:
        InputError: The columns differ in length, or a win lies outside [0, 1].

    Example:
        >>> read_rows([1, None, 0], ["q1", "q2", "q3"], {"x": [1, 2, 3], "y": [None] * 3}).missing
        ('y',)
    """
    same_length({"wins": wins, "clusters": clusters, **covariates})
    outcomes = floats(wins)
    columns = {name: floats(column) for name, column in covariates.items()}
    measured = {name: column for name, column in columns.items() if not np.isnan(column).all()}
    matrix = np.column_stack([np.empty((len(outcomes), 0)), *measured.values()])
    rows = ~np.isnan(outcomes) & ~np.isnan(matrix).any(axis=1)
    return Data(
        rows,
        shares(outcomes[rows]),
        codes(np.asarray(clusters)[rows])[0],
        tuple(measured),
        matrix[rows],
        tuple(name for name in columns if name not in measured),
        int(len(rows) - rows.sum()),
    )


def shares(values: Floats) -> Floats:
    """Clip float noise around [0, 1], and refuse what lies further out.

    Args:
        values: (n,) numbers; NaN stays.

    Returns:
        (n,) in [0, 1].

    Raises:
        InputError: A value lies outside.

    Example:
        >>> shares(np.array([1 + 1e-12, 0.5])).tolist()
        [1.0, 0.5]
    """
    clipped = np.clip(values, 0.0, 1.0)
    strange = np.abs(values - clipped) > 1e-9
    if strange.any():
        raise InputError("a win lies outside its bounds", value=float(values[strange][0]), allowed="0 to 1")
    return clipped


def fit_rows(data: Data, wins: Floats, contrasts: Contrasts) -> Fit:
    """Fit the logit, and give each cluster its influence on every number.

    Args:
        data: The rows.
        wins: (n,) their outcomes, in [0, 1].
        contrasts: Name to (low, high), for covariates reported as a change.

    Returns:
        The numbers that are identified, and why the others are not.

    Example:
        >>> data = read_rows([1, 0, 1, 0, 1], range(5), {"x": [2, 1, 2, 2, 1], "one": [1] * 5})
        >>> fit_rows(data, data.wins, {}).reasons
        {'one': 'the same in every row'}
    """
    reasons = dict.fromkeys(data.missing, "not measured in any row")
    names = tuple(data.names) + tuple(data.missing)
    clusters = len(np.unique(data.members))
    refused = _refused(wins, clusters)
    if refused:
        reasons |= dict.fromkeys(data.names, refused)
        return Fit({}, reasons, names, len(wins), clusters, data.left_out, 0)
    found = solve(wins, data.matrix, data.names)
    reasons |= {data.names[column]: reason for column, reason in found.reasons.items()}
    members = data.members[found.rows]
    clusters = len(np.unique(members))
    coefficients = found.design.matrix.shape[1]
    about = (len(members), clusters, data.left_out + int((~found.rows).sum()), coefficients)
    if clusters < MIN_CLUSTERS or len(members) <= coefficients:
        why = TOO_FEW if clusters < MIN_CLUSTERS else "no more rows than coefficients"
        reasons |= {name: why for name in data.names if name not in reasons}
    kept = [
        (place, data.names[column])
        for place, column in enumerate(found.design.columns.tolist())
        if column >= 0 and data.names[column] not in reasons
    ]
    influence = cluster_influence(found, members, int(data.members.max()) + 1) if kept else None
    parts = {
        name: _parts(found, place, members, influence, contrasts.get(name))
        for place, name in kept
        if influence is not None
    }
    return Fit(parts, reasons, names, *about)


def _refused(wins: Floats, clusters: int) -> str | None:
    if not len(wins):
        return "nothing was measured"
    if clusters < MIN_CLUSTERS:
        return TOO_FEW
    return "every verdict is the same" if wins.min() == wins.max() else None


def _parts(
    found: Solution,
    place: int,
    members: Ints,
    moved: Influence,
    contrast: tuple[float, float] | None,
) -> tuple[Part, Part]:
    """Return a covariate's coefficient and average marginal effect, with their influences."""
    scale = found.design.scales[place]
    alone = bool(moved.alone[place])
    each, gradient = _marginal(found, place, contrast)
    value = float(each.mean())
    groups = len(np.unique(members))
    draw = np.bincount(members, weights=each - value, minlength=len(moved.values)) / len(each)
    change = moved.values @ gradient + draw * groups / (groups - 1)
    with np.errstate(over="ignore"):
        odds, pulled = found.beta[place] / scale, moved.values[:, place] / scale
    slope = Part(float(odds), pulled, alone, NOISE / float(scale))
    noise = 100 * NOISE / (scale if contrast is None else 1.0)
    return slope, Part(100 * value, 100 * change, alone, noise)


def _marginal(found: Solution, place: int, contrast: tuple[float, float] | None) -> tuple[Floats, Floats]:
    """Return each row's marginal effect, and the gradient of their mean in the coefficients."""
    design, beta = found.design, found.beta
    predictor = design.matrix @ beta
    if contrast is None:
        fitted = probabilities(predictor)
        steep, slope = fitted * (1 - fitted), beta[place] / design.scales[place]
        gradient = slope * ((steep * (1 - 2 * fitted)) @ design.matrix) / len(fitted)
        gradient[place] += steep.mean() / design.scales[place]
        return steep * slope, gradient
    each, gradient = np.zeros(len(predictor)), np.zeros(len(beta))
    for sign, value in zip((-1.0, 1.0), contrast, strict=True):
        moved = (value - design.centres[place]) / design.scales[place]
        fitted = probabilities(predictor + (moved - design.matrix[:, place]) * beta[place])
        steep = fitted * (1 - fitted)
        change = steep @ design.matrix / len(fitted)
        change[place] = moved * steep.mean()
        each, gradient = each + sign * fitted, gradient + sign * change
    return each, gradient


def to_effects(fit: Fit, level: float) -> dict[str, Effect]:
    """Turn influences into standard errors, and those into intervals.

    Args:
        fit: The numbers with their influences.
        level: Confidence level, in (0, 1).

    Returns:
        Name to effect, in the order of the covariates.

    Example:
        >>> part = Part(0.5, np.array([0.1, -0.1, 0.1, -0.1]))
        >>> found = to_effects(Fit({"x": (part, part)}, {}, ("x",), 8, 4, 0, 2), 0.95)["x"].log_odds
        >>> round(found.width, 3), found.method
        (1.102, 'logit-cluster-t')
    """
    found = {}
    for name in fit.names:
        if name in fit.parts:
            found[name] = Effect(*(_estimate(part, fit, level) for part in fit.parts[name]))
        else:
            none = Estimate.none(
                fit.reasons[name],
                n=fit.n,
                clusters=fit.clusters,
                left_out=fit.left_out,
                level=level,
                method=METHOD,
            )
            found[name] = Effect(none, none)
    return found


def _estimate(part: Part, fit: Fit, level: float) -> Estimate:
    about = {"n": fit.n, "clusters": fit.clusters, "left_out": fit.left_out}
    largest = float(np.abs(part.influence).max()) or 1.0
    squares = float(np.sum((part.influence / largest) ** 2))
    error = largest * ((fit.clusters - 1) / fit.clusters * squares) ** 0.5
    if not np.isfinite([part.value, error]).all():
        return Estimate.none("beyond the range of numbers", level=level, method=METHOD, **about)
    half = t_quantile(level, fit.clusters - 1) * error
    whole = Estimate(
        part.value, part.value - half, part.value + half, level, METHOD, **about, reason=None,
        standard_error=error,
    )  # fmt: skip
    if part.alone:
        return whole.without_interval("one cluster alone tells it")
    if fit.clusters <= fit.coefficients:
        return whole.without_interval("no more clusters than coefficients")
    return whole.without_interval(NO_WIDTH) if half <= part.noise else whole
