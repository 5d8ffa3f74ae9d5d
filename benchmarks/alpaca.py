"""Length-controlled win rates: the joint fit against the published way on simulated leaderboards.

The published way knows each item's difficulty and holds the two effects with anchors; the joint fit knows
neither. The simulated worlds are like AlpacaEval 2: 805 items; strengths from -5 to 1.5; effects of length of
1.5, standard deviation .35; responses of 400 to 2,600 characters on average; a judge nearly sure of itself.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from dataclasses import dataclass

import numpy as np
from scipy import special, stats
from sklearn.linear_model import LogisticRegression

from evalhub.stats.ranking.joint_length import JointLengthControl, joint_length_controlled
from evalhub.stats.ranking.length_control import standard_difference

ITEMS = 805
FOLDS = 5
PENALTIES = np.logspace(-4, 4, 10)
ANCHOR_WEIGHT = 0.1
CERTAIN = 0.3
SEEDS = 5


@dataclass(frozen=True)
class Anchors:
    """Rows whose strength is the baseline's: verdicts, standardised length differences, item difficulties."""

    wins: np.ndarray
    length: np.ndarray
    difficulty: np.ndarray


@dataclass(frozen=True)
class World:
    """One leaderboard: (models, items) verdicts and lengths, and what made them."""

    wins: np.ndarray
    own: np.ndarray
    base: np.ndarray
    difficulty: np.ndarray
    anchors: Anchors
    truth: np.ndarray


@dataclass(frozen=True)
class Kind:
    """What a simulated leaderboard is like.

    `noise` is the standard deviation of what neither model describes; `tied` how much the items' ease goes
    with the baseline's length; `pulled` what the anchors' effect of length exceeds the models' by.
    """

    name: str
    models: int = 50
    weak: bool = False
    noise: float = 0.0
    tied: float = 0.0
    pulled: float = 0.0


KINDS = (
    Kind("50 models"),
    Kind("20 models", 20),
    Kind("30 models", 30),
    Kind("100 models", 100),
    Kind("19 models, difficulty left out", 19),
    Kind("50 weak models", weak=True),
    Kind("50 models, noise of 1 log-odds", noise=1.0),
    Kind("50 models, ease goes with the baseline's length", tied=-0.4),
    Kind("50 models, anchors pull up by .4", pulled=0.4),
)


def world(kind: Kind, seed: int) -> World:
    """Draw one leaderboard."""
    rng = np.random.default_rng([7, seed])
    m = kind.models
    shared, base_own = rng.standard_normal(ITEMS), rng.standard_normal(ITEMS)

    def lengths(mean: float, spread: float, common: float, own: np.ndarray) -> np.ndarray:
        normal = common**0.5 * shared + (1 - common) ** 0.5 * own
        return np.maximum(1, np.round(mean * np.exp(spread * normal - spread**2 / 2)))

    base = lengths(2050, 0.5, 0.6, base_own)
    longer = (np.log(base) - np.log(base).mean()) / np.log(base).std()
    ease = 1.5 * (kind.tied * longer + (1 - kind.tied**2) ** 0.5 * rng.standard_normal(ITEMS))
    strength = rng.uniform(-4.7, -2, m) if kind.weak else np.clip(rng.normal(-1.7, 1.6, m), -4.8, 1.5)
    effect = np.clip(1.5 - 0.08 * (strength + 1.7) + 0.33 * rng.standard_normal(m), 0.2, 2.4)
    sensitivity = np.clip(rng.normal(0.93, 0.18, m), 0.4, 1.25)
    own = np.stack(
        [
            lengths(
                rng.uniform(400, 2600),
                rng.uniform(0.45, 0.9),
                rng.uniform(0.3, 0.7),
                rng.standard_normal(ITEMS),
            )
            for _ in range(m)
        ]
    )
    fixed = strength[:, None] + sensitivity[:, None] * ease
    squashed = np.stack([np.tanh(standard_difference(one, base)) for one in own])
    noise = kind.noise * rng.standard_normal((m, ITEMS))
    anchored = [
        (standard_difference(lengths(mean, 0.5, 0.8, rng.standard_normal(ITEMS)), base), theta, psi)
        for mean, theta, psi in ((2900, 0.2, 0.8), (1150, -0.3, 0.7))
    ]
    chances = [
        special.expit(theta + (1.5 + kind.pulled) * np.tanh(gap) + psi * ease) for gap, theta, psi in anchored
    ]
    anchors = Anchors(
        soften(rng, np.concatenate(chances)),
        np.concatenate([gap for gap, _, _ in anchored]),
        np.tile(ease, 2),
    )
    wins = soften(rng, special.expit(fixed + effect[:, None] * squashed + noise))
    return World(wins, own, base, ease, anchors, special.expit(fixed).mean(axis=1))


def soften(rng: np.random.Generator, chances: np.ndarray) -> np.ndarray:
    """Draw a judge's probabilities, nearly all close to 0 or 1, whose mean is the chance."""
    return rng.beta(np.maximum(CERTAIN * chances, 1e-9), np.maximum(CERTAIN * (1 - chances), 1e-9))


def columns(drawn: World) -> tuple[np.ndarray, ...]:
    """Return the rows of a leaderboard: wins, models, items and the two lengths."""
    m = len(drawn.wins)
    return (
        drawn.wins.ravel(),
        np.repeat([f"m{model:03}" for model in range(m)], ITEMS),
        np.tile([f"i{item:03}" for item in range(ITEMS)], m),
        drawn.own.ravel(),
        np.tile(drawn.base, m),
    )


def published(world: World) -> np.ndarray:
    """Return each model's rate by AlpacaEval 2's own model (Dubois et al. 2024, arXiv 2404.04475)."""
    rates = [anchored_rate(wins, lengths, world) for wins, lengths in zip(world.wins, world.own, strict=True)]
    return np.array(rates, dtype=np.float64)


def anchored_rate(wins: np.ndarray, chars: np.ndarray, world: World) -> float:
    """Return one model's mean win probability at no difference in length, from a lasso logit.

    The logit has a strength, an effect of the squashed length difference and one of the item's known
    difficulty. The anchors have no strength. The penalty is chosen over 5 folds of items.
    """
    length = np.tanh(standard_difference(chars, world.base))
    anchors = world.anchors
    design = np.concatenate(
        [
            np.column_stack([length, world.difficulty, np.ones(ITEMS)]),
            np.column_stack([np.tanh(anchors.length), anchors.difficulty, np.zeros(len(anchors.wins))]),
        ]
    )
    outcomes = np.concatenate([wins, anchors.wins])
    weights = np.concatenate([np.ones(ITEMS), np.full(len(anchors.wins), ANCHOR_WEIGHT)])
    folds = np.concatenate([np.arange(ITEMS) % FOLDS, np.arange(len(anchors.wins)) % FOLDS])
    losses = np.zeros(len(PENALTIES))
    for fold in range(FOLDS):
        fit, test = folds != fold, folds == fold
        for i, penalty in enumerate(PENALTIES):
            predictor = design[test] @ lasso(design[fit], outcomes[fit], weights[fit], penalty)
            losses[i] += (
                weights[test] @ (np.logaddexp(0, predictor) - outcomes[test] * predictor) / test.sum()
            )
    beta = lasso(design, outcomes, weights, float(PENALTIES[np.argmin(losses)]))
    return float(special.expit(world.difficulty * beta[1] + beta[2]).mean())


def lasso(design: np.ndarray, outcomes: np.ndarray, weights: np.ndarray, penalty: float) -> np.ndarray:
    """Fit a lasso logit without intercept to fractional outcomes: each row enters as a win and as a loss."""
    model = LogisticRegression(l1_ratio=1.0, C=penalty, solver="liblinear", fit_intercept=False, tol=1e-6)
    sides = np.repeat([1, 0], len(outcomes))
    shares = np.concatenate([weights * outcomes, weights * (1 - outcomes)])
    return model.fit(np.tile(design, (2, 1)), sides, sample_weight=shares).coef_[0]


def rates_of(found: JointLengthControl) -> np.ndarray:
    """Return each model's rate, in percent of 1."""
    return np.array([model.win_rate.estimate for model in found.models], dtype=np.float64)


def compare() -> None:
    """Print how far the joint fit lies from the published way and from the truth, in points of 100."""
    head = ("joint-pub", "worst", "Spearman", "raw-pub", "joint-true", "pub-true", "length", "seconds")
    print(f"{f'mean absolute difference over {SEEDS} seeds':52}" + "".join(f"{one:>11}" for one in head))
    for kind in KINDS:
        rows = []
        for seed in range(SEEDS):
            drawn = world(kind, seed)
            known, started = published(drawn), time.perf_counter()
            found = joint_length_controlled(*columns(drawn))
            seconds, rates = time.perf_counter() - started, rates_of(found)
            gaps = (rates - known, drawn.wins.mean(axis=1) - known, rates - drawn.truth, known - drawn.truth)
            apart = [100 * float(np.abs(gap).mean()) for gap in gaps]
            worst, rank = 100 * float(np.abs(gaps[0]).max()), float(stats.spearmanr(rates, known)[0])
            rows.append([apart[0], worst, rank, *apart[1:], found.length_effect or 0.0, seconds])
        print(f"{kind.name:52}" + "".join(f"{value:11.3f}" for value in np.mean(rows, axis=0)), flush=True)


if __name__ == "__main__":
    compare()
