"""Planted biases: judges are biased on purpose, and 95% intervals must cover it in 93 to 97% of repeats.

Per repeat 300 items, each with one pair of responses of two families, judged by a judge of either family, in
both orders or in one random order. What drives a verdict, in log-odds:

    quality (as people see it; correlated .3 with length) + the judge's taste for this pair (not observed,
    the same in both orders) + length + first position + own family

Ties follow Davidson's model. Planted and covered is the average marginal effect on the win probability (ties
half), in points: first rather than second; per doubling of length, quality held fixed; own family rather than
the opponent's own. The truth is that effect in the population, integrated over a million pairs, never taken
from a fit. In each run the three biases have different sizes, so one that leaks into another is seen.

Length is asked for with quality held fixed, so quality has to be measured: the table's last lines show what
is found where it is not (no control), or is from 3 votes a pair: the effect of length is then confounded with
that of the quality that comes with it. No larger sample mends that.

    python benchmarks/biases.py [--repeats 2000] [--items 300] [--workers 2]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from evalhub.stats import Askings, BiasKind, Effect, Estimate, covariates, pooled_logit, win_values
from evalhub.stats.bias.askings import CONTRASTS

Floats = NDArray[np.float64]

KINDS = (BiasKind.POSITION, BiasKind.LENGTH, BiasKind.SELF_PREFERENCE)
SIZES = (0.0, 5.0, 10.0, 20.0)
CORRELATION, QUALITY, TASTE, TIES, VOTES = 0.3, 1.0, 0.7, 0.4, 3
LOWEST, HIGHEST = 0.93, 0.97
POPULATION = 1_000_000


class Pairs(NamedTuple):
    """Pairs drawn from the population."""

    quality: Floats
    length: Floats
    taste: Floats


@dataclass(frozen=True)
class Cell:
    """One run: what is planted, how pairs are shown, and what is known of quality."""

    points: tuple[float, ...]
    slopes: tuple[float, ...]
    both: bool
    control: str = "quality"
    items: int = 300


def draw_pairs(count: int, random: np.random.Generator, judges: int = 1) -> Pairs:
    """Draw pairs; taste has one column per judge."""
    quality = random.normal(size=(count, 1))
    other = random.normal(size=(count, 1))
    length = CORRELATION * quality + (1 - CORRELATION**2) ** 0.5 * other
    return Pairs(quality, length, TASTE * random.normal(size=(count, judges)))


def outcome_probabilities(log_odds: Floats) -> tuple[Floats, Floats]:
    """Return the probabilities that a wins and that it is a tie."""
    tie = np.log(TIES) + log_odds / 2
    total = np.logaddexp(np.logaddexp(0, log_odds), tie)
    return np.exp(log_odds - total), np.exp(tie - total)


def win_chance(log_odds: Floats) -> Floats:
    """Return the win probability of a, ties half. One exponential is enough for log-odds below 700."""
    root = np.exp(log_odds / 2)
    win, tie = root**2, TIES * root
    return (win + tie / 2) / (1 + win + tie)


def true_points(slopes: Floats, pairs: Pairs) -> Floats:
    """Integrate the three average marginal effects over the population."""
    order, length, own = slopes
    base = QUALITY * pairs.quality + pairs.taste + length * pairs.length
    step = 1e-4
    found = np.zeros(3)
    for sign in (-1, 1):
        found[0] += np.mean(win_chance(base + sign * own + order) - win_chance(base + sign * own - order)) / 2
        found[2] += np.mean(win_chance(base + sign * order + own) - win_chance(base + sign * order - own)) / 2
        for other in (-1, 1):
            shifted = base + sign * own + other * order
            rise = win_chance(shifted + step) - win_chance(shifted - step)
            found[1] += length * np.mean(rise) / (2 * step) / 4
    return 100 * found


def solve_slopes(points: tuple[float, ...], pairs: Pairs) -> tuple[float, ...]:
    """Find the log-odds whose average marginal effects are the points asked for."""
    goal = np.array(points)
    found = optimize.root(lambda slopes: true_points(slopes, pairs) - goal, goal / 50, tol=1e-6)
    return tuple(float(one) for one in found.x)


def draw_askings(cell: Cell, seed: tuple[int, ...]) -> tuple[Askings, Floats | None]:
    """Draw the judgments of two judges on each pair, and the quality that is controlled for."""
    random = np.random.default_rng(seed)
    pairs = draw_pairs(cell.items, random, judges=2)
    orders = np.array([1.0, -1.0]) if cell.both else random.choice([1.0, -1.0], size=(cell.items, 2, 1))
    shape = (cell.items, 2, 2 if cell.both else 1)
    order = np.broadcast_to(orders, shape)
    own = np.broadcast_to(np.array([[1.0], [-1.0]]), shape)
    sides = random.choice([1.0, -1.0], size=(cell.items, 1, 1))  # which family is side a
    quality, length, taste = (np.broadcast_to(one[:, :, None], shape) for one in pairs)
    planted = cell.slopes[0] * order + cell.slopes[1] * length + cell.slopes[2] * own * sides
    wins, ties = outcome_probabilities(QUALITY * quality + taste + planted)
    uniform = random.random(shape)
    votes = random.binomial(VOTES, special.expit(1.5 * pairs.quality)) / VOTES - 0.5
    seen = np.broadcast_to(votes[:, :, None], shape)
    known = {"quality": quality, "votes": seen, "none": None}[cell.control]
    family = np.where(np.broadcast_to(sides, shape) > 0, "x", "y")
    askings = Askings(
        np.where(uniform < wins, "a", np.where(uniform < wins + ties, "tie", "b")).ravel(),
        np.broadcast_to(np.arange(cell.items)[:, None, None], shape).ravel(),
        shown=np.where(order > 0, "ab", "ba").ravel(),
        chars_a=(1000 * 2 ** (length / 2)).ravel(),
        chars_b=(1000 * 2 ** (-length / 2)).ravel(),
        judge_family=np.where(own > 0, "x", "y").ravel(),
        family_a=family.ravel(),
        family_b=np.where(family == "x", "y", "x").ravel(),
    )
    return askings, None if known is None else known.ravel()


def effects_of(askings: Askings, quality: Floats | None) -> dict[str, Effect]:
    """Fit the pooled logit of the judge's biases, with quality as one more covariate where it is known."""
    columns = covariates(askings) | ({} if quality is None else {"quality": quality})
    wins = win_values(askings.winner)
    return pooled_logit(wins, askings.cluster, columns, contrasts=CONTRASTS)


def repeat_cell(cell: Cell, seeds: list[tuple[int, ...]]) -> Floats:
    """Return (repeats, kinds, 3): estimate, low and high, in points; NaN where there is none."""
    found = np.full((len(seeds), len(KINDS), 3), np.nan)
    for row, seed in enumerate(seeds):
        effects = effects_of(*draw_askings(cell, seed))
        for column, kind in enumerate(KINDS):
            one: Estimate = effects[kind].points
            if one.estimate is not None and one.low is not None and one.high is not None:
                found[row, column] = one.estimate, one.low, one.high
    return found


def run_cell(cell: Cell, *, repeats: int, seed: int, pool: ProcessPoolExecutor | None = None) -> Floats:
    """Repeat a cell, in chunks where there is a pool; the same seeds give the same numbers."""
    seeds = [(seed, repeat) for repeat in range(repeats)]
    if pool is None:
        return repeat_cell(cell, seeds)
    chunks = [seeds[start : start + 100] for start in range(0, repeats, 100)]
    return np.concatenate(list(pool.map(repeat_cell, [cell] * len(chunks), chunks)))


def planted_cells(*, items: int = 300, population: int = POPULATION) -> list[Cell]:
    """Return the runs in which each bias takes each size once per design, beside others of other sizes."""
    pairs = draw_pairs(population, np.random.default_rng(1))
    cells = []
    for turn in range(len(SIZES)):
        points = tuple(SIZES[(turn + place) % len(SIZES)] for place in range(len(KINDS)))
        slopes = solve_slopes(points, pairs)
        cells += [Cell(points, slopes, both, items=items) for both in (True, False)]
    return cells


def summary(cell: Cell, found: Floats) -> Iterator[tuple[str, float]]:
    """Yield one line per bias, and its coverage."""
    design = "both orders" if cell.both else "one random order"
    for place, (kind, truth) in enumerate(zip(KINDS, cell.points, strict=True)):
        estimate, low, high = found[:, place].T
        coverage = float(np.mean((low <= truth) & (truth <= high)))
        wide, none = np.nanmean(high - low), int(np.isnan(estimate).sum())
        line = (
            f"{kind:<11} {design:<17} {cell.control:<8} {cell.items:>5} {truth:>7.1f} "
            f"{np.nanmean(estimate):>8.2f} {wide:>7.2f} {coverage:>9.1%} {none:>5}"
        )
        yield line, coverage


def main() -> int:
    """Print the table; 1 where an interval covers too rarely or too often."""
    parser = argparse.ArgumentParser(description="Plant biases and count how often the intervals cover them.")
    parser.add_argument("--repeats", type=int, default=2_000)
    parser.add_argument("--items", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    cells = planted_cells(items=options.items)
    ten = [cell for cell in cells if cell.points[1] == 10]
    confounded = [replace(cell, control=control) for control in ("votes", "none") for cell in ten]
    small = [replace(cell, items=30) for cell in ten]
    print(f"{options.repeats} repeats a line; points of win probability, intervals of 95%")
    print(
        f"{'bias':<11} {'design':<17} {'control':<8} {'items':>5} {'planted':>7} {'found':>8} {'width':>7} "
        f"{'covered':>9} {'none':>5}"
    )
    missed = 0
    with ProcessPoolExecutor(options.workers) as pool:
        for number, cell in enumerate([*cells, *small, *confounded]):
            found = run_cell(cell, repeats=options.repeats, seed=number, pool=pool)
            for place, (line, coverage) in enumerate(summary(cell, found)):
                if cell in confounded and KINDS[place] is not BiasKind.LENGTH:
                    continue
                counts = cell in cells
                missed += counts and not LOWEST <= coverage <= HIGHEST
                print(line + ("" if counts else "   no goal: for comparison"), flush=True)
    print(f"{missed} of {len(cells) * len(KINDS)} planted cells outside {LOWEST:.0%} to {HIGHEST:.0%}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
