"""The decisions of gates on drawn scores, without runs.

False alarms, the power at a loss of 5 points, and changes that are split into what the judge and what the
system did. An item is answered well with a chance of 60%. Half of the answers are drawn anew each night, so
the paired differences have a standard deviation of .49.

    python benchmarks/decisions.py [--nights 2000] [--seed 0]
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from functools import partial

import numpy as np

from evalhub import stats
from evalhub.gates.split import NAMING_CONFIDENCE
from evalhub.stats import GateState
from evalhub.stats.clusters import Floats
from evalhub.stats.estimate import CONFIDENCE

QUALITY, REDRAWN, MARGIN, LOSS = 0.6, 0.5, 0.05, 0.05
SIZES = (250, 500, 785, 1_000, 1_340, 2_000)
ERRORS = (0.05, 0.005)
SPLIT_ITEMS, SHIFT = 600, 0.12


def draw_night(rng: np.random.Generator, items: int, lost: float) -> tuple[Floats, Floats]:
    """Return (n,) scores of a night after which the system lost so many points, and of the night before."""
    places = rng.random(items)
    again = np.where(rng.random(items) < REDRAWN, rng.random(items), places)
    return (again < QUALITY - lost).astype(float), (places < QUALITY).astype(float)


def decide_night(nights: list[tuple[Floats, Floats]], error: float, margin: float) -> int:
    """Return the exit code of a night whose gates, one for each system, share an error."""
    intervals = [partial(_change, after, before) for after, before in nights]
    changes = stats.holm_changes(intervals, [margin] * len(nights), error)
    states = {stats.decide(change, margin) for change in changes}
    return 1 if GateState.FAIL in states else 3 if GateState.INCONCLUSIVE in states else 0


def _change(after: Floats, before: Floats, confidence: float) -> stats.Estimate:
    return stats.mean_difference(after, before, range(len(after)), bounds=(0, 1), confidence=confidence)


def split_night(rng: np.random.Generator, lost: float, moved: float) -> tuple[dict[str, bool], str]:
    """Return whether the intervals of 95% of judge and system hold what they did, and the cause at 99%.

    Args:
        rng: The draws.
        lost: The loss of the system.
        moved: By how much less of the same answers the judge calls good.
    """
    places = rng.random(SPLIT_ITEMS)
    again = np.where(rng.random(SPLIT_ITEMS) < REDRAWN, rng.random(SPLIT_ITEMS), places)
    before, rejudged = ((places < share).astype(float) for share in (QUALITY, QUALITY - moved))
    after = (again < QUALITY - lost - moved).astype(float)
    sides = {"judge": (rejudged, before, -moved), "system": (after, rejudged, -lost)}
    holds, causes = {}, []
    for name, (later, earlier, truth) in sides.items():
        change = _change(later, earlier, CONFIDENCE)
        holds[name] = (change.low or 0.0) <= truth <= (change.high or 0.0)
        change = _change(later, earlier, NAMING_CONFIDENCE)
        if (change.low or 0.0) > 0 or (change.high or 0.0) < 0:
            causes.append(name)
    return holds, " and ".join(causes)


def print_splits(rng: np.random.Generator, nights: int) -> None:
    """Print how often the parts of a change hold their truth, and how often the cause is named."""
    print(f"{nights:,} nights each on {SPLIT_ITEMS} items with a shift of {SHIFT}: the parts of the change")
    for cause, lost, moved in (
        ("judge", 0.0, SHIFT),
        ("system", SHIFT, 0.0),
        ("judge and system", SHIFT, SHIFT),
    ):
        splits = [split_night(rng, lost, moved) for _ in range(nights)]
        judge, system = (np.mean([holds[name] for holds, _ in splits]) for name in ("judge", "system"))
        print(
            f"  {cause:<16} interval of the judge holds {judge:.3f}, of the system {system:.3f}, "
            f"cause named {np.mean([text == cause for _, text in splits]):.3f}",
            flush=True,
        )


def main() -> int:
    """Print how often nights end with each exit code."""
    parser = argparse.ArgumentParser(description="Decide gates on drawn scores.")
    parser.add_argument("--nights", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    print(f"{options.nights:,} nights without a change: exit codes")
    for gates in (1, 12):
        for error in ERRORS:
            for items in (400, 2_000):
                counts = Counter(
                    decide_night([draw_night(rng, items, 0.0) for _ in range(gates)], error, MARGIN)
                    for _ in range(options.nights)
                )
                print(
                    f"  gates {gates:>2}, error {error:<5}, items {items:>5,}: "
                    f"exit 1 {counts[1] / options.nights:.4f} (at most {error / 2:.4f}), "
                    f"exit 3 {counts[3] / options.nights:.3f}",
                    flush=True,
                )
    print(f"{options.nights:,} nights with a loss of {LOSS} at a margin of {MARGIN}: exit 1")
    for items in SIZES:
        shares = []
        for error in ERRORS:
            reds = sum(
                decide_night([draw_night(rng, items, LOSS)], error, MARGIN) == 1
                for _ in range(options.nights)
            )
            shares.append(f"{reds / options.nights:.3f} at {error}")
        print(f"  items {items:>5,}: {', '.join(shares)}", flush=True)
    print_splits(rng, options.nights)
    return 0


if __name__ == "__main__":
    sys.exit(main())
