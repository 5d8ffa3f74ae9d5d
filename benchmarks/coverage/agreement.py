"""Cells of kappa, balanced accuracy, alpha, AC1, the human ceiling and the alternative annotator test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial

import numpy as np
from frame import Cell, Rule
from scipy import special

from evalhub.stats.agreement.alpha import Metric, gwet_ac1, krippendorff_alpha
from evalhub.stats.agreement.alternative import Alignment, alternative_test
from evalhub.stats.agreement.annotators import Measure, ceiling, leave_one_out
from evalhub.stats.agreement.kappa import Weights, balanced_accuracy, cohen_kappa
from evalhub.stats.estimate import Estimate

PER_CLUSTER = 5
DESIGNS = [(n, rho) for n in (30, 100, 1000) for rho in (0.0, 0.3, 0.8)]
MARGINS = {
    "even": (0.5, 0.5),
    "p=.2": (0.2, 0.8),
    "p=.1": (0.1, 0.9),
    "5 levels": (0.05, 0.1, 0.2, 0.35, 0.3),
}
CEILING = (0.02, 0.03, 0.05, 0.2, 0.7)  # a rating of 5 levels, near the ceiling
ALPHA = 0.8**2  # two raters agree beyond chance where both see the truth, under any metric
AGREES = (0.8, 0.7, 0.6)
JUDGE_AGREES = 0.7


def cells() -> Iterator[Cell]:
    """Yield every cell."""
    for n, rho in DESIGNS:
        at = f"n={n} rho={rho}"
        for name, margin in MARGINS.items():
            for kappa in (0.3, 0.6, 0.85) if rho == 0 else (0.6,):
                draw = partial(two, n=n, rho=rho, margin=margin, kappa=kappa)
                yield Cell(f"kappa {kappa} {name} {at}", partial(plain_kappa, draw=draw), kappa)
                recalls = kappa + (1 - kappa) / len(margin)
                balanced = partial(balance, draw=draw)
                # In clusters the parts' own intervals are wide, and their sum the more so.
                rule, group = (Rule.SAFE, "") if rho else (Rule.PROPORTION, f"balanced {at}")
                yield Cell(f"balanced {kappa} {name} {at}", balanced, recalls, rule, group)
        draw = partial(two, n=n, rho=rho, margin=MARGINS["5 levels"], kappa=0.6)
        for weights in (Weights.LINEAR, Weights.QUADRATIC):
            yield Cell(
                f"kappa {weights} 5 levels {at}", partial(plain_kappa, draw=draw, weights=weights), 0.6
            )
        for metric in Metric:
            yield Cell(f"alpha {metric} {at}", partial(alpha, n=n, rho=rho, metric=metric), ALPHA)
        for metric in (Metric.ORDINAL, Metric.INTERVAL):
            top = partial(alpha, n=n, rho=rho, metric=metric, margin=CEILING)
            yield Cell(f"alpha {metric} near the ceiling {at}", top, ALPHA)
        rare = partial(alpha, n=n, rho=rho, metric=Metric.NOMINAL, margin=MARGINS["p=.1"])
        yield Cell(f"alpha nominal p=.1 {at}", rare, ALPHA)
        for name in ("even", "p=.1"):
            ac1 = partial(gwet, n=n, rho=rho, margin=MARGINS[name])
            yield Cell(f"AC1 {name} {at}", ac1, ac1_of(MARGINS[name]))
        for measure in Measure:
            for part in ("human", "difference"):
                one = partial(people, n=n, rho=rho, measure=measure, part=part)
                yield Cell(f"ceiling {part} {measure} {at}", one, people_of(measure, part))
        change = partial(people, n=n, rho=rho, measure=Measure.PEARSON, part="change")
        yield Cell(f"leave one out pearson {at}", change, people_of(Measure.PEARSON, "change"))
        test = partial(people, n=n, rho=rho, measure=Measure.ACCURACY, part="advantage")
        advantage = people_of(Measure.ACCURACY, "advantage")
        yield Cell(f"alt-test advantage {at}", test, advantage, Rule.PROPORTION, f"advantage n={n}")


def clusters_of(n: int, rho: float) -> np.ndarray:
    """Return cluster ids: of one row each where nothing correlates."""
    return np.arange(n) if rho == 0 else np.arange(n) // PER_CLUSTER


def normals(rng: np.random.Generator, clusters: np.ndarray, rho: float) -> np.ndarray:
    """Draw normal numbers that correlate by `rho` within a cluster."""
    shared = rng.standard_normal(int(clusters.max()) + 1)[clusters]
    return rho**0.5 * shared + (1 - rho) ** 0.5 * rng.standard_normal(len(clusters))


def category(
    rng: np.random.Generator, clusters: np.ndarray, *, rho: float, margin: tuple[float, ...]
) -> np.ndarray:
    """Draw categories of these frequencies, alike within a cluster."""
    return np.searchsorted(np.cumsum(margin)[:-1], special.ndtr(normals(rng, clusters, rho)))


def two(
    rng: np.random.Generator, *, n: int, rho: float, margin: tuple[float, ...], kappa: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw judge, labels and clusters; the judge copies the label with probability `kappa`, else it guesses.

    Guesses follow the margin for kappa, so kappa is that probability, whatever its weights.
    """
    clusters = clusters_of(n, rho)
    labels = category(rng, clusters, rho=rho, margin=margin)
    guess = category(rng, clusters, rho=rho, margin=margin)
    copies = special.ndtr(normals(rng, clusters, rho)) < kappa
    return np.where(copies, labels, guess), labels, clusters


def plain_kappa(
    rng: np.random.Generator, *, draw: Callable[..., tuple], weights: Weights = Weights.NONE
) -> Estimate:
    return cohen_kappa(*draw(rng), weights=weights, levels=None)


def balance(rng: np.random.Generator, *, draw: Callable[..., tuple]) -> Estimate:
    """Estimate balanced accuracy; a guess of the margin is right in 1 of k on average over the categories."""
    return balanced_accuracy(*draw(rng))


def several(
    rng: np.random.Generator, *, n: int, rho: float, margin: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw values, units, raters and clusters of 3 raters, each of whom sees the truth in 8 of 10."""
    clusters = clusters_of(n, rho)
    truth = category(rng, clusters, rho=rho, margin=margin)
    said = [
        np.where(rng.random(n) < 0.8, truth, category(rng, clusters, rho=0.0, margin=margin))
        for _ in range(3)
    ]
    gone = rng.random((3, n)) < 0.1
    values = np.where(gone, np.nan, np.stack(said)).reshape(-1)
    return values, np.tile(np.arange(n), 3), np.repeat(np.arange(3), n), np.tile(clusters, 3)


def alpha(
    rng: np.random.Generator,
    *,
    n: int,
    rho: float,
    metric: Metric,
    margin: tuple[float, ...] = MARGINS["5 levels"],
) -> Estimate:
    values, units, raters, clusters = several(rng, n=n, rho=rho, margin=margin)
    return krippendorff_alpha(values, units, raters, clusters=clusters, metric=metric)


def gwet(rng: np.random.Generator, *, n: int, rho: float, margin: tuple[float, ...]) -> Estimate:
    values, units, raters, clusters = several(rng, n=n, rho=rho, margin=margin)
    return gwet_ac1(values, units, raters, clusters=clusters, levels=[0.0, 1.0])


def ac1_of(margin: tuple[float, ...]) -> float:
    by_chance = sum(p**2 for p in margin)
    observed = 0.64 + 0.36 * by_chance
    chance = 1 - by_chance
    return (observed - chance) / (1 - chance)


def people(
    rng: np.random.Generator,
    *,
    n: int,
    rho: float,
    measure: Measure,
    part: str,
    clusters: np.ndarray | None = None,
) -> Estimate:
    """Estimate one of the things that 3 people and a judge are measured by."""
    clusters = clusters_of(n, rho) if clusters is None else clusters
    if measure is Measure.ACCURACY:
        truth = category(rng, clusters, rho=rho, margin=(0.3, 0.3, 0.4))
        said = [
            np.where(special.ndtr(normals(rng, clusters, rho)) < share, truth, rng.integers(0, 3, n)).astype(
                float
            )
            for share in (*AGREES, JUDGE_AGREES)
        ]
    else:
        truth = normals(rng, clusters, rho)
        said = [truth + noise * normals(rng, clusters, rho) for noise in (0.6, 0.8, 1.0, 0.8)]
    values, judge = np.concatenate(said[:3]), np.tile(said[3], 3)
    who = {"annotators": np.repeat(np.arange(3), n), "clusters": np.tile(clusters, 3)}
    units = np.tile(np.arange(n), 3)
    if part == "advantage":
        return alternative_test(values, judge, units, **who, alignment=Alignment.ACCURACY).advantage
    if part == "change":
        return leave_one_out(values, judge, units, **who, measure=measure)[2].change
    mean = ceiling(values, judge, units, **who, measure=measure).mean
    return mean.human if part == "human" else mean.difference


@cache
def people_of(measure: Measure, part: str) -> float:
    """Return what a very large draw gives, which stands in for the truth."""
    n = 200_000
    rng, few = np.random.default_rng(99), np.arange(n) // 20_000
    found = people(rng, n=n, rho=0.0, measure=measure, part=part, clusters=few)
    assert found.estimate is not None
    return found.estimate
