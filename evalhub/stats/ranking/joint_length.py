"""Win rates against one baseline with length controlled, of all models at once.

A model's log-odds of a win on an item are its strength, an effect of the squashed length difference, and the
item's ease times the model's sensitivity to it. Nothing is assumed beforehand: the effects of length lie
around a common one, and the items' ease is estimated from how all models fare.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import (
    Bools,
    Column,
    Floats,
    Ints,
    categories,
    cluster_of_units,
    codes,
    floats,
    same_length,
    within_bounds,
)
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import no_ends, with_ends
from evalhub.stats.logit.fit import probabilities
from evalhub.stats.means import mean_estimate
from evalhub.stats.ranking.joint_fit import LEAST_SPREAD, JointFit, System, Verdicts, fit
from evalhub.stats.ranking.length_control import NO_SPREAD, inflated, rate_ends, standard_difference

LEAST_MODELS = 20
FEW_MODELS = f"difficulty not identified: fewer than {LEAST_MODELS} models"
NO_ITEM_EFFECT = "difficulty not identified: the items do not differ beyond chance"
UNCONVERGED = "the fit did not converge"


@dataclass(frozen=True, slots=True)
class LengthControlled:
    """One model's win rate against the baseline, with length controlled and without.

    Args:
        model: The model.
        win_rate: Mean, over all items, of the fitted win probability at no difference in length. In [0, 1],
            higher = better.
        raw: Mean of the model's verdicts, in [0, 1].
        length_effect: Log-odds by which a much longer response (squashed difference 1) wins more often. Above
            0 = the judge favours length. None where not fitted.
        note: What the estimate could not take into account. None otherwise.
    """

    model: str
    win_rate: Estimate
    raw: Estimate
    length_effect: float | None
    note: str | None


@dataclass(frozen=True, slots=True)
class JointLengthControl:
    """The length-controlled win rates of all models, from one fit.

    Args:
        models: One result per model, sorted by name.
        length_effect: Mean of the models' effects of length, in log-odds. None without a fitted model.
        reason: Why the items' ease was not fitted. None where it was.
    """

    models: tuple[LengthControlled, ...]
    length_effect: float | None
    reason: str | None


def joint_length_controlled(
    wins: Column,
    models: Column,
    items: Column,
    length_model: Column,
    length_baseline: Column,
    *,
    clusters: Column | None = None,
) -> JointLengthControl:
    """Estimate the length-controlled win rate of every model against one baseline, in one fit.

    Choose it where models differ in how long they write and all met the same baseline. The result is the win
    rate that the model would have with responses as long as the baseline's.

    The length difference (model minus baseline) is divided by its standard deviation over the model's items
    and squashed by tanh. Coefficients have normal penalties. Each model's effect of length lies around a
    common one that the data determine (standard deviation .3), its sensitivity to the item around 1 (.15),
    its strength around 0 (5, all but free). The items' ease lies around 0, with a spread that the data
    determine. With fewer than 20 models the ease is left out, and each result has a note about it.

    Args:
        wins: (n,) probability that the model beats the baseline, in [0, 1], .5 = tie. None = failed.
        models: (n,) model ids.
        items: (n,) item ids. Rows of one model and item, such as samples of a judge, count as their mean.
        length_model: (n,) length of the model's response in characters, at least 0. None = missing.
        length_baseline: (n,) length of the baseline's response, likewise.
        clusters: (n,) cluster ids, one per item. None = each item is its own cluster.

    Returns:
        All models. Intervals come from the clusters' influence on the whole fit, in Wilson's form
        ("sandwich-wilson-t"). There is no estimate for a model without verdicts, or whose difference in
        length is the same number other than 0 on all items. There is no interval for a model whose verdicts
        are all equal.

    Raises:
        InputError: The columns differ in length, a value is out of range, a model or item has no id, or an
            item lies in two clusters.

    Source: after Dubois, Galambosi, Liang & Hashimoto, Length-Controlled AlpacaEval, 2024, arXiv 2404.04475,
        with partial pooling in place of its anchors.

    Example:
        >>> control = joint_length_controlled(
        ...     [1, 0, 1, 0.5, 0, 1], ["m"] * 6, range(6), [9, 5, 8, 7, 3, 4], [4, 6, 5, 7, 8, 2]
        ... )
        >>> control.models[0].win_rate.clusters, control.reason
        (6, 'difficulty not identified: fewer than 20 models')
    """
    table = _table(
        wins, models, items, length_model, length_baseline, items if clusters is None else clusters
    )
    rows, columns = np.flatnonzero(table.complete.any(axis=1)), np.flatnonzero(table.complete.any(axis=0))
    if not len(rows):
        results = tuple(_result(table, row, None, FEW_MODELS) for row in range(len(table.models)))
        return JointLengthControl(results, None, FEW_MODELS)
    fitted, reason = _fit(table, rows, columns)
    rates, pulls, variances = _rates(fitted)
    parts: dict[int, _Part] = {}
    for place, row in enumerate(rows.tolist()):
        pull = np.zeros(table.complete.shape[1])
        pull[columns] = pulls[place]
        effect = float(fitted.beta[place, 1])
        parts[row] = _Part(float(rates[place]), pull, float(variances[place]), effect, fitted.converged)
    results = tuple(_result(table, row, parts.get(row), reason) for row in range(len(table.models)))
    return JointLengthControl(results, float(fitted.beta[:, 1].mean()), reason)


@dataclass(frozen=True, slots=True)
class _Table:
    """The rows, as models times items.

    Args:
        models: (m,) sorted ids.
        members: (n,) cluster codes of the items.
        wins: (m, n) mean verdict. NaN = no verdict.
        length: (m, n) squashed length difference. NaN = unknown.
        constant: (m,) True where the length difference is the same number other than 0 on all items.
        failed: (m,) rows without verdict or length.
        rows_without_verdict: (m,) rows without verdict.
        complete: (m, n) True where verdict and length are present.
    """

    models: list[str]
    members: Ints
    wins: Floats
    length: Floats
    constant: Bools
    failed: Ints
    rows_without_verdict: Ints
    complete: Bools


def _table(
    wins: Column,
    models: Column,
    items: Column,
    length_model: Column,
    length_baseline: Column,
    clusters: Column,
) -> _Table:
    columns = {
        "wins": wins, "models": models, "items": items, "length_model": length_model,
        "length_baseline": length_baseline, "clusters": clusters,
    }  # fmt: skip
    same_length(columns)
    shares = within_bounds(floats(wins), (0, 1), "win")
    ids = {name: categories(columns[name]) for name in ("models", "items", "clusters")}
    for name, (_, present) in ids.items():
        if not present.all():
            raise InputError(f"a row has no id among its {name}", value=int(np.flatnonzero(~present)[0]))
    model, m = codes(ids["models"][0])
    item, n = codes(ids["items"][0])
    response, baseline = (
        within_bounds(floats(column), (0, np.inf), "length") for column in (length_model, length_baseline)
    )
    cells = model * n + item
    values = _cell_means(shares, cells, m * n).reshape(m, n)
    lengths_own, lengths_base = (
        _cell_means(np.where(np.isnan(other), np.nan, column), cells, m * n).reshape(m, n)
        for column, other in ((response, baseline), (baseline, response))
    )
    squashed = np.tanh(
        np.stack([standard_difference(*pair) for pair in zip(lengths_own, lengths_base, strict=True)])
        if m
        else np.zeros((0, n))
    )
    has_lengths = ~(np.isnan(lengths_own) | np.isnan(lengths_base))
    missing = np.isnan(shares) | np.isnan(response) | np.isnan(baseline)
    return _Table(
        np.unique(ids["models"][0]).tolist(),
        cluster_of_units(item, np.unique(ids["items"][0]).tolist(), codes(ids["clusters"][0])[0]),
        values,
        squashed,
        np.asarray((has_lengths & np.isnan(squashed)).any(axis=1)),
        np.bincount(model[missing], minlength=m),
        np.bincount(model[np.isnan(shares)], minlength=m),
        ~(np.isnan(values) | np.isnan(squashed)),
    )


def _cell_means(values: Floats, cells: Ints, size: int) -> Floats:
    present = ~np.isnan(values)
    counts = np.bincount(cells[present], minlength=size)
    # Sorted, so that the order of the rows changes no bit of a sum.
    order = np.lexsort([values[present], cells[present]])
    sums = np.bincount(cells[present][order], weights=values[present][order], minlength=size)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _fit(table: _Table, rows: Ints, columns: Ints) -> tuple[JointFit, str | None]:
    """Fit the models and items that have verdicts, and give the reason where the items' ease is left out."""
    cells = np.ix_(rows, columns)
    complete = table.complete[cells]
    wins, length = (np.where(complete, part[cells], 0.0) for part in (table.wins, table.length))
    verdicts = Verdicts(wins, complete, length)
    if len(rows) < LEAST_MODELS:
        return fit(verdicts, items_vary=False), FEW_MODELS
    fitted = fit(verdicts, items_vary=True)
    if fitted.spread <= LEAST_SPREAD:
        return fit(verdicts, items_vary=False), NO_ITEM_EFFECT
    return fitted, None


@dataclass(frozen=True, slots=True)
class _Part:
    """The fitted numbers of one model: `pull` is by item, `extra_variance` comes from the penalties."""

    rate: float
    pull: Floats
    extra_variance: float
    length_effect: float
    converged: bool


def _result(table: _Table, row: int, part: _Part | None, note: str | None) -> LengthControlled:
    wins, cells = table.wins[row], table.complete[row]
    present = ~np.isnan(wins)
    raw = mean_estimate(wins[present], table.members[present], bounds=(0, 1))
    raw = replace(raw, n_excluded=int(table.rows_without_verdict[row]))
    counts = {
        "n": int(cells.sum()),
        "clusters": len(np.unique(table.members[cells])),
        "n_excluded": int(table.failed[row]),
    }
    if part is None:
        reason = NO_SPREAD if table.constant[row] and present.any() else "nothing was measured"
        return LengthControlled(
            table.models[row], with_ends(None, no_ends(reason), **counts), raw, None, note
        )
    ends = rate_ends(part.rate, part.pull, table.members, wins, cells, extra_variance=part.extra_variance)
    if not part.converged:
        ends = no_ends(UNCONVERGED)
    win_rate = with_ends(part.rate, ends, **counts)
    return LengthControlled(table.models[row], win_rate, raw, part.length_effect, note)


def _rates(fitted: JointFit) -> tuple[Floats, Floats, Floats]:
    """Return each model's (m,) rate, the (m, n) pull of each item, and (m,) the variance from the penalties.

    A penalty narrows the spread of a coefficient and biases it. Where the coefficients are spread as the
    penalty assumes, the mean square of that bias is the variance added here.
    """
    system = System.of(fitted)
    m, n = fitted.verdicts.wins.shape
    strength, _, sensitivity = fitted.beta.T
    rates = probabilities(strength[:, None] + sensitivity[:, None] * fitted.ease)
    steep = rates * (1 - rates) / n
    # How the rates follow the coefficients: directly, and through the items' ease, which follows them.
    slope = np.zeros((m, 3, m))
    models = np.arange(m)
    slope[models, 0, models] = steep.sum(axis=1)
    slope[models, 2, models] = steep @ fitted.ease
    flat = slope.reshape(m, 3 * m) - (steep * sensitivity[:, None] / system.curvature) @ system.cross.T
    solved = np.linalg.inv(system.schur)
    blocks = solved.reshape(3, m, 3, m)[:, models, :, models]
    leverage = np.einsum("jmn,kmn,mjk->mn", system.features, system.features, blocks, optimize=True)
    scores = (system.features * inflated(system.residuals, system.weights * leverage)).reshape(3 * m, n)
    means, pulls = rates.mean(axis=1), flat @ solved
    variances = np.einsum("mj,jk,mk->m", pulls, system.penalty, pulls, optimize=True)
    return means, (rates - means[:, None]) / n + pulls @ scores, variances
