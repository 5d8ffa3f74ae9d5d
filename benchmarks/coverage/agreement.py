"""Cells of kappa, balanced accuracy, alpha, AC1, the human ceiling and the alternative annotator test."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from operator import attrgetter

import numpy as np
from frame import Cell, Rule
from means import clusters_of, normals, uniforms

from evalhub.stats.agreement.alpha import Measurement, gwet_ac1, krippendorff_alpha
from evalhub.stats.agreement.alternative import Alignment, alternative_test
from evalhub.stats.agreement.annotators import AgreementMeasure, JudgeVersusHumans, ceiling, leave_one_out
from evalhub.stats.agreement.kappa import Weights, balanced_accuracy, cohen_kappa
from evalhub.stats.estimate import Estimate

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
    """Yield every cell: n items, of one row each or, where rows correlate, of several."""
    for n, rho in DESIGNS:
        at = f"n={n} rho={rho}"
        yield from with_labels(n, rho, at)
        yield from among_raters(n, rho, at)
        yield from among_people(n, rho, at)


def with_labels(n: int, rho: float, at: str) -> Iterator[Cell]:
    """Yield kappa and balanced accuracy; a guess of the margin finds 1 of k, the mean over the categories."""
    for name, margin in MARGINS.items():
        for kappa in (0.3, 0.6, 0.85) if rho == 0 else (0.6,):
            draw = partial(two, n=n, rho=rho, margin=margin, kappa=kappa)
            yield Cell(f"kappa {kappa} {name} {at}", draw, kappa, pick=kappa_of)
            recalls = kappa + (1 - kappa) / len(margin)
            # In clusters the parts' own intervals are wide, and their sum the more so.
            rule, group = (Rule.SAFE, "") if rho else (Rule.PROPORTION, f"balanced {at}")
            yield Cell(f"balanced {kappa} {name} {at}", draw, recalls, rule, group, balance_of)
    draw = partial(two, n=n, rho=rho, margin=MARGINS["5 levels"], kappa=0.6)
    pick = partial(kappa_of, weights=Weights.QUADRATIC)
    yield Cell(f"kappa quadratic 5 levels {at}", draw, 0.6, pick=pick)


def among_raters(n: int, rho: float, at: str) -> Iterator[Cell]:
    """Yield alpha and AC1."""
    draw = partial(several, n=n, rho=rho, margin=MARGINS["5 levels"])
    for measurement in Measurement:
        yield Cell(f"alpha {measurement} {at}", draw, ALPHA, pick=partial(alpha_of, measurement=measurement))
    draw = partial(several, n=n, rho=rho, margin=CEILING)
    for measurement in (Measurement.ORDINAL, Measurement.INTERVAL):
        pick = partial(alpha_of, measurement=measurement)
        yield Cell(f"alpha {measurement} near the ceiling {at}", draw, ALPHA, pick=pick)
    for name in ("even", "p=.1"):
        draw, truth = partial(several, n=n, rho=rho, margin=MARGINS[name]), true_ac1(MARGINS[name])
        nominal = partial(alpha_of, measurement=Measurement.NOMINAL)
        yield Cell(f"alpha nominal {name} {at}", draw, ALPHA, pick=nominal)
        yield Cell(f"AC1 {name} {at}", draw, truth, pick=ac1_of)


def among_people(n: int, rho: float, at: str) -> Iterator[Cell]:
    """Yield the human ceiling, who moves the consensus, and the alternative annotator test."""
    for measure in AgreementMeasure:
        draw = partial(beside_people, n=n, rho=rho, measure=measure)
        for part in ("human", "difference"):
            name, truth = f"ceiling {part} {measure} {at}", true_of_people(measure, part)
            yield Cell(name, draw, truth, pick=attrgetter(part))
    draw = partial(without_one, n=n, rho=rho)
    truth = true_of_people(AgreementMeasure.SPEARMAN, "change")
    yield Cell(f"leave one out spearman {at}", draw, truth, Rule.SAFE)
    draw, truth = partial(advantage, n=n, rho=rho), true_of_people(AgreementMeasure.ACCURACY, "advantage")
    yield Cell(f"alt-test advantage {at}", draw, truth, Rule.PROPORTION, f"advantage n={n}")


def category(
    rng: np.random.Generator, clusters: np.ndarray, *, rho: float, margin: tuple[float, ...]
) -> np.ndarray:
    """Draw categories of these frequencies, alike within a cluster."""
    return np.searchsorted(np.cumsum(margin)[:-1], uniforms(rng, clusters, rho))


def two(
    rng: np.random.Generator, *, n: int, rho: float, margin: tuple[float, ...], kappa: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw judge, labels and clusters; the judge copies the label with probability `kappa`, else it guesses.

    Guesses follow the margin for kappa, so kappa is that probability, whatever its weights.
    """
    clusters = clusters_of(n, rho)
    labels = category(rng, clusters, rho=rho, margin=margin)
    guess = category(rng, clusters, rho=rho, margin=margin)
    copies = uniforms(rng, clusters, rho) < kappa
    return np.where(copies, labels, guess), labels, clusters


def kappa_of(drawn: tuple[np.ndarray, ...], weights: Weights = Weights.NONE) -> Estimate:
    return cohen_kappa(*drawn, weights=weights)


def balance_of(drawn: tuple[np.ndarray, ...]) -> Estimate:
    return balanced_accuracy(*drawn)


def several(
    rng: np.random.Generator, *, n: int, rho: float, margin: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw values, units, raters and clusters of 3 raters, each of whom sees the truth in 8 of 10."""
    clusters = clusters_of(n, rho)
    rows = len(clusters)
    truth = category(rng, clusters, rho=rho, margin=margin)
    said = [
        np.where(rng.random(rows) < 0.8, truth, category(rng, clusters, rho=0.0, margin=margin))
        for _ in range(3)
    ]
    gone = rng.random((3, rows)) < 0.1
    values = np.where(gone, np.nan, np.stack(said)).reshape(-1)
    return values, np.tile(np.arange(rows), 3), np.repeat(np.arange(3), rows), np.tile(clusters, 3)


def alpha_of(drawn: tuple[np.ndarray, ...], measurement: Measurement) -> Estimate:
    values, units, raters, clusters = drawn
    return krippendorff_alpha(values, units, raters, clusters=clusters, measurement=measurement)


def ac1_of(drawn: tuple[np.ndarray, ...]) -> Estimate:
    values, units, raters, clusters = drawn
    return gwet_ac1(values, units, raters, clusters=clusters, levels=[0.0, 1.0])


def true_ac1(margin: tuple[float, ...]) -> float:
    by_chance = sum(p**2 for p in margin)
    observed = 0.64 + 0.36 * by_chance
    chance = 1 - by_chance
    return (observed - chance) / (1 - chance)


def three_people(
    rng: np.random.Generator, clusters: np.ndarray, *, rho: float, measure: AgreementMeasure
) -> dict[str, np.ndarray]:
    """Draw what 3 people and a judge say of each row."""
    rows = len(clusters)
    if measure is AgreementMeasure.ACCURACY:
        truth = category(rng, clusters, rho=rho, margin=(0.3, 0.3, 0.4))
        said = [
            np.where(uniforms(rng, clusters, rho) < share, truth, rng.integers(0, 3, rows)).astype(float)
            for share in (*AGREES, JUDGE_AGREES)
        ]
    else:
        truth = normals(rng, clusters, rho)
        said = [truth + noise * normals(rng, clusters, rho) for noise in (0.6, 0.8, 1.0, 0.8)]
    return {
        "values": np.concatenate(said[:3]),
        "judge": np.tile(said[3], 3),
        "units": np.tile(np.arange(rows), 3),
        "annotators": np.repeat(np.arange(3), rows),
        "clusters": np.tile(clusters, 3),
    }


def beside_people(
    rng: np.random.Generator, *, n: int, rho: float, measure: AgreementMeasure
) -> JudgeVersusHumans:
    drawn = three_people(rng, clusters_of(n, rho), rho=rho, measure=measure)
    return ceiling(**drawn, measure=measure).mean


def without_one(rng: np.random.Generator, *, n: int, rho: float) -> Estimate:
    ratings = three_people(rng, clusters_of(n, rho), rho=rho, measure=AgreementMeasure.SPEARMAN)
    return leave_one_out(**ratings, measure=AgreementMeasure.SPEARMAN)[2].change


def advantage(rng: np.random.Generator, *, n: int, rho: float) -> Estimate:
    drawn = three_people(rng, clusters_of(n, rho), rho=rho, measure=AgreementMeasure.ACCURACY)
    return alternative_test(**drawn, alignment=Alignment.ACCURACY).advantage


@cache
def true_of_people(measure: AgreementMeasure, part: str) -> float:
    """Return what a very large draw gives, which stands in for the truth."""
    drawn = many_people(measure)
    if part == "advantage":
        found = alternative_test(**drawn, alignment=Alignment.ACCURACY).advantage
    elif part == "change":
        found = leave_one_out(**drawn, measure=measure)[2].change
    else:
        found = getattr(true_values(measure), part)
    return float(found.estimate)


@cache
def true_values(measure: AgreementMeasure) -> JudgeVersusHumans:
    return ceiling(**many_people(measure), measure=measure).mean


def many_people(measure: AgreementMeasure) -> dict[str, np.ndarray]:
    """Draw 200,000 rows in 10 clusters, which is quick."""
    drawn = three_people(np.random.default_rng(99), np.arange(200_000), rho=0.0, measure=measure)
    return drawn | {"clusters": drawn["clusters"] // 20_000}
