"""Is the promise of a cascade kept? "At least 80% agreement with people, with 90% confidence", simulated.

Per generator 500 calibrations on 1,000 labelled items. Thresholds are then judged on the population, of which
the true probability that a judge agrees is known: a promise is broken where any stage agrees with people on
less than 80% of what it decides there. Goals: broken in at most 63 of 500 (10% and two standard errors), and
a decided share of at least 70% of the oracle's. The oracle knows the population and takes the thresholds
under which every stage keeps the promise and most is decided.

The generators differ in what a judge's confidence is worth. Where a judge hardly keeps the promise at any
threshold, 1,000 labels cannot show that it does; such lines have no goal for the share.

    python benchmarks/cascade.py [--repeats 500] [--items 1000]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from evalhub.stats import Promise, StageVerdicts, decided_at, set_thresholds

Floats = NDArray[np.float64]
# For each stage its confidences, the probabilities that it agrees given them, and whether it does.
Drawn = tuple[Floats, Floats, Floats]
Draw = Callable[[np.random.Generator, int], Drawn]

PROMISE = Promise(agreement=0.8, confidence=0.9)
POPULATION = 200_000
LEAST_SHARE = 0.7


@dataclass(frozen=True)
class Generator:
    """A kind of judges; `share_goal` says whether the decided share is held against the oracle's."""

    name: str
    draw: Draw
    share_goal: bool = True


def one_stage(confidence: Floats, agreement: Floats, random: np.random.Generator) -> Drawn:
    """Return one judge who agrees with these probabilities."""
    agrees = random.random(len(confidence)) < agreement
    return confidence[None], agreement[None], agrees[None].astype(float)


def calibrated(random: np.random.Generator, n: int) -> Drawn:
    """Confidence is the probability to agree."""
    confidence = 0.5 + 0.5 * random.beta(1.2, 1, n)
    return one_stage(confidence, confidence, random)


def overconfident(random: np.random.Generator, n: int) -> Drawn:
    """Nearly always sure, and at its surest right in 92%."""
    confidence = 0.5 + 0.5 * random.beta(4, 1, n)
    return one_stage(confidence, 0.5 + 0.42 * (2 * confidence - 1) ** 3, random)


def barely(random: np.random.Generator, n: int) -> Drawn:
    """As overconfident, and at its surest right in 87%."""
    confidence = 0.5 + 0.5 * random.beta(4, 1, n)
    return one_stage(confidence, 0.5 + 0.37 * (2 * confidence - 1) ** 3, random)


def uninformative(level: float) -> Draw:
    """Confidence says nothing; the judge agrees in `level` of all items."""

    def draw(random: np.random.Generator, n: int) -> Drawn:
        return one_stage(0.5 + 0.5 * random.beta(2, 2, n), np.full(n, level), random)

    return draw


def two_stages(random: np.random.Generator, n: int) -> Drawn:
    """A weak and a strong judge who find the same items hard, each calibrated."""
    hard = random.normal(size=(1, n))
    skill = np.array([[0.6], [1.1]])
    chance = special.expit(np.abs(skill * (random.normal(size=(2, n)) - hard)))
    return chance, chance, (random.random((2, n)) < chance).astype(float)


def opposed_stages(random: np.random.Generator, n: int) -> Drawn:
    """The second judge tends to be wrong where the first is right: setting one threshold tilts the other."""
    chance = 0.5 + 0.5 * random.beta(2, 2, (2, n))
    uniform = random.random(n)
    agrees = np.array([uniform < chance[0], 1 - uniform < chance[1]])
    return chance, chance, agrees.astype(float)


GENERATORS = (
    Generator("calibrated", calibrated),
    Generator("overconfident", overconfident),
    Generator("barely good enough", barely, share_goal=False),
    Generator("uninformative, .75", uninformative(0.75)),
    Generator("uninformative, .799", uninformative(0.799)),
    Generator("uninformative, .85", uninformative(0.85)),
    Generator("two stages", two_stages),
    Generator("two opposed stages", opposed_stages),
)


@dataclass(frozen=True)
class Population:
    """What thresholds do to very many items."""

    confidence: Floats
    chance: Floats

    def judge(self, thresholds: list[float | None]) -> tuple[float, float]:
        """Return the lowest agreement of any stage (1 where nothing is decided), and the decided share."""
        at = decided_at(list(self.confidence), thresholds)
        decided = [right[at == place] for place, right in enumerate(self.chance)]
        lowest = min((float(right.mean()) for right in decided if len(right)), default=1.0)
        return lowest, float((at < len(thresholds)).mean())

    def oracle(self) -> float:
        """Return the largest share that can be decided with the promise kept by every stage."""
        if len(self.confidence) == 1:
            return self._largest(self.confidence[0], self.chance[0])
        shares = []
        for quantile in np.linspace(0, 1, 101):
            first = self.confidence[0] >= np.quantile(self.confidence[0], quantile)
            if self.chance[0][first].mean() >= PROMISE.agreement:
                rest = self._largest(self.confidence[1][~first], self.chance[1][~first])
                shares.append(first.mean() + rest * (1 - first.mean()))
        return float(max(shares, default=0.0))

    def _largest(self, confidence: Floats, chance: Floats) -> float:
        order = np.argsort(-confidence)
        running = np.cumsum(chance[order]) / np.arange(1, len(order) + 1)
        kept = np.flatnonzero(running >= PROMISE.agreement)
        return float((kept[-1] + 1) / len(order)) if len(kept) else 0.0


@dataclass(frozen=True)
class Found:
    """What came of one generator."""

    broken: int
    share: float
    oracle: float


def simulate(generator: Generator, *, repeats: int, items: int, seed: int) -> Found:
    """Calibrate again and again, and judge every calibration on the population."""
    random = np.random.default_rng([seed, 0])
    population = Population(*generator.draw(random, POPULATION)[:2])
    broken, shares = 0, []
    for repeat in range(repeats):
        confidence, _, agrees = generator.draw(np.random.default_rng([seed, 1, repeat]), items)
        stages = [StageVerdicts(sure, right) for sure, right in zip(confidence, agrees, strict=True)]
        found = set_thresholds(stages, range(items), promise=PROMISE)
        lowest, share = population.judge([one.value for one in found])
        broken += lowest < PROMISE.agreement
        shares.append(share)
    return Found(broken, float(np.mean(shares)), population.oracle())


def at_most(repeats: int) -> int:
    """Return how often a promise may be broken: its error and two standard errors."""
    error = 1 - PROMISE.confidence
    return int(repeats * error + 2 * (repeats * error * (1 - error)) ** 0.5)


def main() -> int:
    """Print the table; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description="Count broken promises of cascades.")
    parser.add_argument("--repeats", type=int, default=500)
    parser.add_argument("--items", type=int, default=1_000)
    options = parser.parse_args()
    print(
        f"at least {PROMISE.agreement:.0%} agreement with {PROMISE.confidence:.0%} confidence, "
        f"{options.items} labels, {options.repeats} calibrations; at most {at_most(options.repeats)} broken"
    )
    print(f"{'judges':<20} {'broken':>6} {'decided':>8} {'oracle':>7} {'of it':>6}")
    missed = 0
    for number, generator in enumerate(GENERATORS):
        found = simulate(generator, repeats=options.repeats, items=options.items, seed=number)
        ratio = found.share / found.oracle if found.oracle else None
        goal = generator.share_goal and ratio is not None
        missed += found.broken > at_most(options.repeats)
        missed += goal and ratio is not None and ratio < LEAST_SHARE
        of_it = "–" if ratio is None else f"{ratio:.0%}"
        note = "" if goal else "   no goal for the share"
        numbers = f"{found.broken:>6} {found.share:>8.1%} {found.oracle:>7.1%} {of_it:>6}"
        print(f"{generator.name:<20} {numbers}{note}", flush=True)
    print(f"{missed} goals missed")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
