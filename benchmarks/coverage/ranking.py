"""Cells of strengths, of who beats whom and of ranks: items as clusters, verdicts of one item correlated."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from operator import itemgetter

import numpy as np
from frame import Cell, Rule
from scipy import special

from evalhub.stats.estimate import Estimate
from evalhub.stats.ranking.beats import p_beats
from evalhub.stats.ranking.bradley_terry import bradley_terry
from evalhub.stats.ranking.matches import Matches
from evalhub.stats.ranking.ranks import rank_intervals
from evalhub.stats.ranking.system_estimates import SystemEstimates, system_means

TIES = 0.2
SHAPES = {"equal": 0.0, "close": 1.0, "apart": 6.0}  # from the first to the last, in log-odds


def cells() -> Iterator[Cell]:
    """Yield every cell."""
    for systems in (8, 16):
        for n in (30, 100, 1000):
            for rho in (0.0, 0.3, 0.8):
                about = f"S={systems} n={n} rho={rho}"
                given = {"systems": systems, "n": n, "rho": rho}
                truth = strengths(systems, 2.0)
                best = partial(strength, **given)
                yield Cell(f"strength of the best {about}", best, truth[0])
                if systems == 8:
                    won = float(special.expit(truth[0] - truth[3]))
                    yield Cell(f"p_beats {about}", partial(beats, **given), won)
                for shape in SHAPES:
                    for what in ("scores", "strengths"):
                        draw = partial(ranked, **given, shape=shape, what=what)
                        for part in ("all ranks", "best's rank", "middle's rank"):
                            name, pick = f"{part} of {what}, {shape}, {about}", itemgetter(part)
                            yield Cell(name, draw, 0.0, Rule.SAFE, pick=pick)


def strengths(systems: int, spread: float) -> np.ndarray:
    """Return strengths that sum to zero, the first the best."""
    return np.linspace(spread / 2, -spread / 2, systems)


def matches(rng: np.random.Generator, truth: np.ndarray, *, n: int, rho: float) -> Matches:
    """Draw as many matches per item as systems, each of two at random; Bradley-Terry holds with ties half.

    Within an item a system that does well does well in all of its matches, by `rho`.
    """
    size = len(truth)
    item = np.repeat(np.arange(n), size)
    first = rng.integers(0, size, len(item))
    second = (first + rng.integers(1, size, len(item))) % size
    form = rng.standard_normal((n, size))
    shared = (form[item, first] - form[item, second]) / 2**0.5
    luck = special.ndtr(rho**0.5 * shared + (1 - rho) ** 0.5 * rng.standard_normal(len(item)))
    odds = special.expit(truth[first] - truth[second])
    # A tie takes as much from a win as from a loss, so that its half leaves the mean as it was.
    tie = TIES * np.minimum(odds, 1 - odds)
    wins = np.where(luck > 1 - odds + tie, 1.0, np.where(luck > 1 - odds - tie, 0.5, 0.0))
    return Matches(wins, first, second, item)


def strength(rng: np.random.Generator, *, systems: int, n: int, rho: float) -> Estimate:
    """Estimate the strength of the best system."""
    return bradley_terry(matches(rng, strengths(systems, 2.0), n=n, rho=rho)).ratings[0].strength


def beats(rng: np.random.Generator, *, systems: int, n: int, rho: float) -> Estimate:
    """Estimate how often the first beats the fourth."""
    drawn = matches(rng, strengths(systems, 2.0), n=n, rho=rho)
    return next(one.modelled for one in p_beats(drawn) if (one.first, one.second) == ("0", "3"))


def ranked(
    rng: np.random.Generator, *, systems: int, n: int, rho: float, shape: str, what: str
) -> dict[str, Estimate]:
    """Say whether the simultaneous rank intervals all hold, and the marginal ones of two systems."""
    truth = strengths(systems, SHAPES[shape])
    if what == "scores":
        estimates = scored(rng, truth, n=n, rho=rho)
    else:
        found = bradley_terry(matches(rng, truth, n=n, rho=rho))
        if found.estimates is None:
            none = Estimate.none(found.reason or "a system is told by one item alone")
            return {"all ranks": none, "best's rank": none, "middle's rank": none}
        estimates = found.estimates
    ranks = {int(one.system): one for one in rank_intervals(estimates)}
    together = [_holds(truth, place, (ranks[place].low_all, ranks[place].high_all)) for place in ranks]
    width = float(np.mean([(one.high_all or 0) - (one.low_all or 0) for one in ranks.values()]))
    parts = {"all ranks": _as_estimate(all(together), width)}
    for name, place in (("best's rank", 0), ("middle's rank", systems // 2)):
        low, high = ranks[place].low, ranks[place].high
        parts[name] = _as_estimate(_holds(truth, place, (low, high)), (high or 0) - (low or 0))
    return parts


def _as_estimate(held: bool, width: float) -> Estimate:
    """Return an interval of the same width: from 0 on where it held, else from 1 on."""
    low = 0.0 if held else 1.0
    return Estimate(low, low, low + width, 0.95, "ranks", 1, 1, 0, None)


def _holds(truth: np.ndarray, place: int, ends: tuple[int | None, int | None]) -> bool:
    """Say whether the interval holds every rank that a tie leaves open."""
    better, worse = (truth > truth[place] + 1e-12).sum(), (truth < truth[place] - 1e-12).sum()
    low, high = ends
    return low is not None and high is not None and low <= 1 + better and len(truth) - worse <= high


def scored(rng: np.random.Generator, truth: np.ndarray, *, n: int, rho: float) -> SystemEstimates:
    """Draw one score of every system on every item; `rho` of the spread is the item's."""
    size = len(truth)
    luck = rho**0.5 * rng.standard_normal((n, 1)) + (1 - rho) ** 0.5 * rng.standard_normal((n, size))
    levels = np.clip(np.round(3 + truth / 3 + luck), 1, 5)
    return system_means(levels.ravel(), np.tile(np.arange(size), n), np.repeat(np.arange(n), size))
