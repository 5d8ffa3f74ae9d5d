"""How long a leaderboard takes: 200 models on 805 items, each step timed, with peak memory."""

from __future__ import annotations

import os

# More threads than cores slow the many small products down.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import resource
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from scipy import special

from evalhub.stats.means import mean_estimate
from evalhub.stats.ranking.beats import p_beats
from evalhub.stats.ranking.bradley_terry import bradley_terry
from evalhub.stats.ranking.joint_length import joint_length_controlled
from evalhub.stats.ranking.matches import Matches
from evalhub.stats.ranking.ranks import rank_intervals
from evalhub.stats.ranking.system_estimates import system_means

MODELS, ITEMS = 200, 805
SECONDS, GIB = 60.0, 2.0
Result = TypeVar("Result")


def main() -> None:
    """Time each step, and exit 1 beyond the limits."""
    drawn = matches(np.random.default_rng(0))
    wins, first = np.asarray(drawn.wins), np.asarray(drawn.first)
    item = np.asarray(drawn.clusters)
    started = time.monotonic()
    timed("win rates", lambda: [win_rates(wins, first, item, model) for model in np.unique(first)])
    shares = timed("estimates of win rates", lambda: system_means(wins, first, item))
    timed("rank intervals of win rates", lambda: rank_intervals(shares))
    found = timed("Bradley-Terry, jackknife", lambda: bradley_terry(drawn))
    if found.estimates is None:
        raise SystemExit("no estimates")
    estimates = found.estimates
    timed("rank intervals of strengths", lambda: rank_intervals(estimates))
    timed("p_beats, all pairs", lambda: p_beats(drawn))
    own, base = lengths(np.random.default_rng(1))
    timed("length-controlled win rates", lambda: joint_length_controlled(wins, first, item, own, base))
    seconds = time.monotonic() - started
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{'all':40} {seconds:7.1f} s, {time.process_time():7.1f} s of CPU, peak {gib:.2f} GiB")
    raise SystemExit(0 if seconds < SECONDS and gib < GIB else 1)


def timed(what: str, step: Callable[[], Result]) -> Result:
    """Run one step and print how long it took."""
    started, worked = time.monotonic(), time.process_time()
    result = step()
    seconds, cpu = time.monotonic() - started, time.process_time() - worked
    print(f"{what:40} {seconds:7.1f} s, {cpu:7.1f} s of CPU", flush=True)
    return result


def win_rates(wins: np.ndarray, first: np.ndarray, item: np.ndarray, model: str) -> object:
    """Estimate one model's win rate over its opponents."""
    own = first == model
    return mean_estimate(wins[own], item[own], bounds=(0, 1))


def lengths(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw the length of each model's response to each item, and of the baseline's."""
    usual = rng.gamma(6, 250, ITEMS)
    mean = np.exp(rng.normal(0, 0.4, MODELS))
    own = usual[:, None] * mean * np.exp(rng.normal(0, 0.5, (ITEMS, MODELS)))
    return own.ravel(), np.repeat(usual, MODELS)


def matches(rng: np.random.Generator) -> Matches:
    """Let every model meet a random one on every item."""
    item = np.repeat(np.arange(ITEMS), MODELS)
    first = np.tile(np.arange(MODELS), ITEMS)
    second = (first + rng.integers(1, MODELS, len(first))) % MODELS
    strengths = rng.normal(size=MODELS)
    won = rng.random(len(item)) < special.expit(strengths[first] - strengths[second])
    wins = np.where(rng.random(len(item)) < 0.1, 0.5, won)
    names = np.array([f"model-{number:03}" for number in range(MODELS)])
    return Matches(wins, names[first], names[second], item)


if __name__ == "__main__":
    main()
