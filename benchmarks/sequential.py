"""Stopping once the order is settled: false alarms, items until the stop, and the interval at the stop.

Each run looks after every item, up to 1,000. Goals: without a difference at most 5% of 500 runs raise an
alarm, 2 standard errors of the simulation allowed for; a paired difference of .10 with a standard deviation
of .5 is settled after a median of at most 300 items; the interval holds the difference in at least 93% of the
runs at a stop that the data chose.

    python benchmarks/sequential.py [--runs 500] [--items 1000]
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable

import numpy as np
from statsmodels.stats.power import TTestPower

from evalhub.stats.testing.sequential import Decision, sequential_comparison

MEDIAN, COVERED = 300, 0.93

Draw = Callable[[np.random.Generator, int], np.ndarray]


def three(mean: float, square: float) -> Draw:
    """Return draws of -1, 0 and 1 with a mean and a mean square."""
    chances = [(square - mean) / 2, 1 - square, (square + mean) / 2]
    return lambda rng, n: rng.choice([-1.0, 0.0, 1.0], p=chances, size=n)


def clipped(centre: float, spread: float) -> Draw:
    """Return normal draws, cut at -1 and 1."""
    return lambda rng, n: np.clip(rng.normal(centre, spread, n), -1.0, 1.0)


# Cutting at -1 and 1 moves a normal of .1034 and .5373 to a mean of .10 and a standard deviation of .50.
CELLS: dict[str, tuple[Draw, float]] = {
    "A/A, verdicts, a quarter decided": (three(0.0, 0.25), 0.0),
    "A/A, verdicts, all decided": (three(0.0, 1.0), 0.0),
    "A/A, ratings": (clipped(0.0, 0.3), 0.0),
    "difference .10, s.d. .50, verdicts": (three(0.1, 0.26), 0.1),
    "difference .10, s.d. .50, ratings": (clipped(0.1034, 0.5373), 0.1),
    "difference .10, s.d. .99, all decided": (three(0.1, 1.0), 0.1),
    "difference .05, s.d. .30, verdicts": (three(0.05, 0.0925), 0.05),
    "difference .30, s.d. .95, all decided": (three(0.3, 1.0), 0.3),
}


def run(draw: Draw, truth: float, *, runs: int, items: int) -> tuple[list[int], int, int, list[float]]:
    """Return the stops (items + 1 = open), wrong orders, intervals that hold, and widths at the stop."""
    stops, wrong, held, widths = [], 0, 0, []
    for seed in range(runs):
        values = draw(np.random.default_rng([11, seed]), items)
        found = sequential_comparison(values, range(items))
        stops.append(found.stopped_at or items + 1)
        wrong += found.decision is (Decision.SECOND if truth > 0 else Decision.FIRST)
        seen = min(stops[-1], items)
        mean = sequential_comparison(values[:seen], range(seen)).mean
        low, high = float(mean.low or 0.0), float(mean.high or 0.0)
        held += low <= truth <= high
        widths.append(high - low)
    return stops, wrong, held, widths


def fixed_items(effect: float) -> int:
    """Return the items of a t test that finds an effect, in standard deviations, with a power of .8."""
    return math.ceil(TTestPower().solve_power(effect_size=effect, alpha=0.05, power=0.8))


def main() -> None:
    """Print the table; exit 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--items", type=int, default=1_000)
    asked = parser.parse_args()
    good = True
    allowed = asked.runs * 0.05 + 2 * (asked.runs * 0.05 * 0.95) ** 0.5
    print(f"{asked.runs} runs, up to {asked.items} items, a look after every one\n")
    print(f"{'cell':40} {'stopped':>8} {'median':>7} {'wrong':>6} {'covered':>8} {'width':>6} {'fixed n':>8}")
    for name, (draw, truth) in CELLS.items():
        stops, wrong, held, widths = run(draw, truth, runs=asked.runs, items=asked.items)
        stopped = sum(stop <= asked.items for stop in stops)
        median = int(np.median(stops))
        sample = draw(np.random.default_rng(0), 100_000)
        fixed = fixed_items(truth / float(sample.std())) if truth else "-"
        told = f"> {asked.items}" if median > asked.items else str(median)
        keeps = held / asked.runs >= COVERED - 2 * (0.95 * 0.05 / asked.runs) ** 0.5
        keeps &= stopped <= allowed if not truth else median <= MEDIAN or "s.d. .50" not in name
        good &= keeps
        print(
            f"{name:40} {stopped / asked.runs:8.1%} {told:>7} {wrong:6d} {held / asked.runs:8.1%} "
            f"{np.mean(widths):6.3f} {fixed:>8}{'' if keeps else '  <- missed'}"
        )
    values = three(0.1, 0.26)(np.random.default_rng(0), asked.items)
    started = time.perf_counter()
    for _ in range(10):
        sequential_comparison(values, range(asked.items))
    seconds = (time.perf_counter() - started) / 10
    print(f"sequential_comparison: {1000 * seconds:.1f} ms for {asked.items} items")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
