"""Win rates against one baseline with length controlled, of all models at hand together.

Each model's log-odds of a win on an item are its strength, an effect of the squashed length difference, and
the item's ease times the model's sensitivity to it. Unlike in `length_control` nothing is known beforehand:
the effects of length lie around a common one, and the items' ease is estimated from how all models fare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Bools, Column, Floats, Ints, categories, codes, floats, same_length
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import DEFAULT, Options, no_ends, with_ends
from evalhub.stats.logit.fit import probabilities
from evalhub.stats.means import mean_estimate
from evalhub.stats.ranking.joint_fit import LEAST_SPREAD, Fitted, System, Verdicts, fit
from evalhub.stats.ranking.length_control import (
    NO_SPREAD,
    in_range,
    inflated,
    rate_ends,
    standard_difference,
)

LEAST_MODELS = 20
FEW_MODELS = f"difficulty not identified: fewer than {LEAST_MODELS} models"
NO_ITEM_EFFECT = "difficulty not identified: the items do not differ beyond chance"
UNCONVERGED = "the fit did not converge"


@dataclass(frozen=True, slots=True)
class LengthControlled:
    """One model's win rate against the baseline, with length controlled and without.

    Args:
        model: The model.
        win_rate: Mean, over all items at hand, of the fitted win probability at no difference in length; in
            [0, 1], higher = better.
        raw: Mean of the model's verdicts, in [0, 1].
        strength: Log-odds of a win on an average item at no difference in length; None where not fitted.
        length_effect: Log-odds by which a much longer response (squashed difference 1) wins more often, above
            0 = the judge favours length; None where not fitted.
        item_effect: Log-odds per standard deviation of the items' ease; None where not fitted.
        note: What the estimate could not take into account; None otherwise.
    """

    model: str
    win_rate: Estimate
    raw: Estimate
    strength: float | None
    length_effect: float | None
    item_effect: float | None
    note: str | None


@dataclass(frozen=True, slots=True)
class JointLengthControl:
    """The length-controlled win rates of all models, from one fit.

    Args:
        models: One result per model, sorted by name.
        ease: By item, how much more often models win there: mean 0, standard deviation 1; empty where the
            items' ease is not identified.
        length_effect: Mean of the models' effects of length, in log-odds; None without a fitted model.
        identified: Whether the items' ease was fitted.
        reason: Why not; None where it was.
    """

    models: tuple[LengthControlled, ...]
    ease: Mapping[str, float]
    length_effect: float | None
    identified: bool
    reason: str | None


def joint_length_controlled(
    wins: Column,
    models: Column,
    items: Column,
    length_model: Column,
    length_baseline: Column,
    *,
    clusters: Column | None = None,
    options: Options = DEFAULT,
) -> JointLengthControl:
    """Estimate the length-controlled win rate of every model against one baseline, in one fit.

    The length difference (model minus baseline) is divided by its standard deviation over the model's items
    and squashed by tanh. Normal penalties: each model's effect of length lies around a common one that the
    data tell (standard deviation .3), its sensitivity to the item around 1 (.15), its strength around 0 (5,
    all but free); the items' ease around 0, with a spread that the data tell. With fewer than 20 models the
    ease is left out, and each result says so.

    Args:
        wins: (n,) probability that the model beats the baseline, in [0, 1], .5 = tie; None = failed.
        models: (n,) model ids.
        items: (n,) item ids; rows of one model and item, such as samples of a judge, count as their mean.
        length_model: (n,) length of the model's response in characters, at least 0; None = missing.
        length_baseline: (n,) length of the baseline's response, likewise.
        clusters: (n,) cluster ids, one per item; None = each item is its own cluster.
        options: Which interval, level, resamples, seed.

    Returns:
        All models. Intervals come from the clusters' influence on the whole fit, in Wilson's form
        ("sandwich-wilson-t"); of `options` they take the level alone. There is no estimate for a model
        without verdicts or with one and the same difference in length, other than 0, on all its items; no
        interval for a model whose verdicts are all equal.

    Raises:
        InputError: The columns differ in length, a value is out of range, a model or item has no id, or an
            item lies in two clusters.

    Source: after Dubois, Galambosi, Liang & Hashimoto, Length-Controlled AlpacaEval, 2024, arXiv 2404.04475,
        with partial pooling in place of its anchors.

    Example:
        >>> found = joint_length_controlled(
        ...     [1, 0, 1, 0.5, 0, 1], ["m"] * 6, range(6), [9, 5, 8, 7, 3, 4], [4, 6, 5, 7, 8, 2]
        ... )
        >>> found.models[0].win_rate.clusters, found.reason
        (6, 'difficulty not identified: fewer than 20 models')
    """
    table = _table(
        wins, models, items, length_model, length_baseline, items if clusters is None else clusters
    )
    rows, columns = np.flatnonzero(table.used.any(axis=1)), np.flatnonzero(table.used.any(axis=0))
    if not len(rows):
        return JointLengthControl(
            tuple(_result(table, row, None, FEW_MODELS, options) for row in range(len(table.models))),
            {}, None, False, FEW_MODELS,
        )  # fmt: skip
    found, reason = _fit(table, rows, columns)
    middle, scale = float(found.ease.mean()), float(found.ease.std()) if found.spread else 1.0
    rates, pulls, doubts = _rates(found)
    parts: dict[int, _Part] = {}
    for place, row in enumerate(rows.tolist()):
        pull = np.zeros(len(table.items))
        pull[columns] = pulls[place]
        theta, phi, psi = found.beta[place].tolist()
        effect = psi * scale if found.spread else None
        parts[row] = _Part(
            float(rates[place]),
            pull,
            float(doubts[place]),
            theta + psi * middle,
            phi,
            effect,
            found.converged,
        )
    return JointLengthControl(
        tuple(_result(table, row, parts.get(row), reason, options) for row in range(len(table.models))),
        dict(
            zip(
                [table.items[column] for column in columns.tolist()],
                ((found.ease - middle) / scale).tolist(),
                strict=True,
            )
        )
        if found.spread
        else {},
        float(found.beta[:, 1].mean()),
        reason is None,
        reason,
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """The rows, as models times items.

    Args:
        models: (m,) sorted ids.
        items: (n,) sorted ids.
        members: (n,) cluster codes of the items.
        wins: (m, n) mean verdict; NaN = none.
        length: (m, n) squashed length difference; NaN = not known.
        constant: (m,) True where the length difference is one and the same number other than 0.
        failed: (m,) rows without verdict or length.
        rows_without_verdict: (m,) rows without verdict.
        used: (m, n) True where both are known.
    """

    models: list[str]
    items: list[str]
    members: Ints
    wins: Floats
    length: Floats
    constant: Bools
    failed: Ints
    rows_without_verdict: Ints
    used: Bools


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
    won = floats(wins)
    in_range(won, "a probability of a win", most=1.0)
    ids = {name: categories(columns[name]) for name in ("models", "items", "clusters")}
    for name, (_, there) in ids.items():
        if not there.all():
            raise InputError(f"a row has no id among its {name}", value=int(np.flatnonzero(~there)[0]))
    model, m = codes(ids["models"][0])
    item, n = codes(ids["items"][0])
    own, base = floats(length_model), floats(length_baseline)
    for lengths in (own, base):
        in_range(lengths, "a length", most=np.inf)
    cells = model * n + item
    values = _cell_means(won, cells, m * n).reshape(m, n)
    both = np.where(np.isnan(own) | np.isnan(base), np.nan, own), np.where(np.isnan(own), np.nan, base)
    lengths_own, lengths_base = (_cell_means(one, cells, m * n).reshape(m, n) for one in both)
    squashed = np.tanh(
        np.stack([standard_difference(*pair) for pair in zip(lengths_own, lengths_base, strict=True)])
        if m
        else np.zeros((0, n))
    )
    known = ~(np.isnan(lengths_own) | np.isnan(lengths_base))
    missing = np.isnan(won) | np.isnan(own) | np.isnan(base)
    return _Table(
        np.unique(ids["models"][0]).tolist(),
        np.unique(ids["items"][0]).tolist(),
        _members(item, n, codes(ids["clusters"][0])[0]),
        values,
        squashed,
        np.asarray((known & np.isnan(squashed)).any(axis=1)),
        np.bincount(model[missing], minlength=m),
        np.bincount(model[np.isnan(won)], minlength=m),
        ~(np.isnan(values) | np.isnan(squashed)),
    )


def _cell_means(values: Floats, cells: Ints, size: int) -> Floats:
    present = ~np.isnan(values)
    counts = np.bincount(cells[present], minlength=size)
    # Sorted, so that the order of the rows changes no bit of a sum.
    order = np.lexsort([values[present], cells[present]])
    sums = np.bincount(cells[present][order], weights=values[present][order], minlength=size)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _members(item: Ints, n: int, cluster: Ints) -> Ints:
    members = np.zeros(n, dtype=np.int64)
    members[item] = cluster
    if np.any(members[item] != cluster):
        raise InputError("an item lies in two clusters")
    return members


def _fit(table: _Table, rows: Ints, columns: Ints) -> tuple[Fitted, str | None]:
    """Fit the models and items that have verdicts, and say why the items' ease was left out, if it was."""
    there = np.ix_(rows, columns)
    used = table.used[there]
    wins, length = (np.where(used, part[there], 0.0) for part in (table.wins, table.length))
    verdicts = Verdicts(wins, used, length)
    if len(rows) < LEAST_MODELS:
        return fit(verdicts, items_vary=False), FEW_MODELS
    found = fit(verdicts, items_vary=True)
    if found.spread <= LEAST_SPREAD:
        return fit(verdicts, items_vary=False), NO_ITEM_EFFECT
    return found, None


@dataclass(frozen=True, slots=True)
class _Part:
    """What the fit says about one model; `pull` is by item, `doubt` the variance that the penalties hide."""

    rate: float
    pull: Floats
    doubt: float
    strength: float
    length_effect: float
    item_effect: float | None
    converged: bool


def _result(
    table: _Table, row: int, part: _Part | None, note: str | None, options: Options
) -> LengthControlled:
    wins, used = table.wins[row], table.used[row]
    there = ~np.isnan(wins)
    failed = int(table.failed[row])
    raw = mean_estimate(wins[there], table.members[there], bounds=(0, 1), options=options)
    raw = replace(raw, left_out=int(table.rows_without_verdict[row]))
    name = table.models[row]
    n, clusters = int(used.sum()), len(np.unique(table.members[used]))
    if part is None:
        reason = NO_SPREAD if table.constant[row] and there.any() else "nothing was measured"
        win_rate = Estimate.none(reason, level=options.level, n=n, clusters=clusters, left_out=failed)
        return LengthControlled(name, win_rate, raw, None, None, None, note)
    ends = rate_ends(part.rate, part.pull, table.members, wins, used, level=options.level, doubt=part.doubt)
    if not part.converged:
        ends = no_ends(UNCONVERGED)
    win_rate = with_ends(part.rate, ends, level=options.level, n=n, clusters=clusters, left_out=failed)
    return LengthControlled(name, win_rate, raw, part.strength, part.length_effect, part.item_effect, note)


def _rates(found: Fitted) -> tuple[Floats, Floats, Floats]:
    """Return each model's (m,) rate, (m, n) by how much each item pulls it, and (m,) what the penalties hide.

    A penalty narrows the spread of a coefficient and biases it; where the coefficients are spread as the
    penalty says, the mean square of that bias is what is added here.
    """
    system = System.of(found)
    m, n = found.verdicts.wins.shape
    strength, _, sensitivity = found.beta.T
    rates = probabilities(strength[:, None] + sensitivity[:, None] * found.ease)
    steep = rates * (1 - rates) / n
    # How the rates follow the coefficients: by themselves, and through the items' ease, which follows them.
    slope = np.zeros((m, 3, m))
    every = np.arange(m)
    slope[every, 0, every] = steep.sum(axis=1)
    slope[every, 2, every] = steep @ found.ease
    flat = slope.reshape(m, 3 * m) - (steep * sensitivity[:, None] / system.curvature) @ system.cross.T
    solved = np.linalg.inv(system.schur)
    blocks = solved.reshape(3, m, 3, m)[:, every, :, every]
    leverage = np.einsum("jmn,kmn,mjk->mn", system.features, system.features, blocks, optimize=True)
    fitted = system.weights * leverage
    scores = (system.features * inflated(system.residuals, fitted)).reshape(3 * m, n)
    means, pulled = rates.mean(axis=1), flat @ solved
    doubts = np.einsum("mj,jk,mk->m", pulled, system.penalty, pulled, optimize=True)
    return means, (rates - means[:, None]) / n + pulled @ scores, doubts
