"""Cells of length-controlled win rates from one joint fit.

The model that is measured has a fixed strength; its effect of length is drawn anew each time, as the joint
fit supposes: an interval holds on average over models, not for one whose effect of length is far from the
others'.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from frame import Cell, Rule
from scipy import special

from evalhub.stats import Estimate
from evalhub.stats.ranking.joint_length import joint_length_controlled

SPREAD = 1.4  # of the items' ease
CERTAIN = 0.3  # a judge's probabilities: most lie below .05 or above .95


def cells() -> Iterator[Cell]:
    """Yield every cell."""
    points, weights = np.polynomial.hermite_e.hermegauss(80)
    for models, items in ((1, 100), (1, 400), (4, 30), (4, 100), (4, 805), (20, 100), (20, 300), (50, 300)):
        # At 30 items a rate of .09 hardly ever comes with the wins that an interval needs.
        for strength in (-3.0, -1.0, 0.8)[items < 100 :]:
            truth = float(weights @ special.expit(strength + SPREAD * points) / weights.sum())
            name = f"joint length control, models={models} items={items} rate={truth:.2f}"
            draw = partial(joint, models=models, items=items, strength=strength)
            group = f"joint, models={models}, items={items}"
            yield Cell(name, draw, truth, Rule.PROPORTION, group)


def lengths(rng: np.random.Generator, shared: np.ndarray, mean: np.ndarray, spread: float) -> np.ndarray:
    """Draw lognormal lengths, (models, items), that go together on an item."""
    own = rng.standard_normal((len(mean), len(shared)))
    return mean[:, None] * np.exp(spread * (0.7 * shared + 0.71 * own) - spread**2 / 2)


def soften(rng: np.random.Generator, chances: np.ndarray) -> np.ndarray:
    """Draw a judge's probabilities, nearly all close to 0 or 1, whose mean is the chance."""
    return rng.beta(np.maximum(CERTAIN * chances, 1e-9), np.maximum(CERTAIN * (1 - chances), 1e-9))


def standard(own: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Return the standardised length differences, by row."""
    gap = own - base
    return gap / gap.std(axis=1, ddof=1, keepdims=True)


def joint(rng: np.random.Generator, *, models: int, items: int, strength: float) -> Estimate:
    """Estimate the first model's rate among others."""
    ease, shared = SPREAD * rng.standard_normal(items), rng.standard_normal(items)
    base = lengths(rng, shared, np.array([2050.0]), 0.5)
    own = lengths(rng, shared, rng.uniform(400, 2600, models), 0.6)
    strengths = np.concatenate([[strength], rng.uniform(-4, 1, models - 1)])
    effects = rng.normal(1.4, 0.3, models)
    sensitivities = np.concatenate([[1.0], rng.normal(1.0, 0.15, models - 1)])
    log_odds = (
        strengths[:, None] + effects[:, None] * np.tanh(standard(own, base)) + sensitivities[:, None] * ease
    )
    wins = soften(rng, special.expit(log_odds))
    found = joint_length_controlled(
        wins.ravel(),
        np.repeat([f"m{model:03}" for model in range(models)], items),
        np.tile(np.arange(items), models),
        own.ravel(),
        np.tile(base[0], models),
    )
    return found.models[0].win_rate
