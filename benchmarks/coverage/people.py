"""Cells of labels and a judge together: prediction-powered means, corrected shares, calibrated means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from frame import Cell, Rule
from means import CEILING
from scipy import special

from evalhub.stats.estimate import Estimate
from evalhub.stats.people.calibrated import calibrated_mean
from evalhub.stats.people.misclassification import corrected_share
from evalhub.stats.people.powered import powered_difference, powered_mean
from evalhub.stats.people.sampling import inclusion_probabilities

PER_CLUSTER = 5
RATING = float(CEILING @ np.arange(1, 6))


@dataclass(frozen=True)
class Rows:
    """How many rows are labelled of how many, and how they go together.

    `whole` labels whole clusters; else single rows. `skill` is the correlation of the normal scores behind
    labels and verdicts.
    """

    n: int
    rho: float = 0.0
    skill: float = 0.8
    whole: bool = False

    @property
    def name(self) -> str:
        return f"n={self.n} rho={self.rho}{' whole' if self.whole else ''} skill={self.skill}"

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return normal scores of labels and verdicts, clusters, and which rows are labelled."""
        rows = min(20 * self.n, 4_000)
        clusters = np.arange(rows) // (PER_CLUSTER if self.rho else 1)
        true, noise = (normals(rng, clusters, self.rho) for _ in range(2))
        labelled = np.zeros(rows, dtype=bool)
        if self.whole:
            labelled[np.isin(clusters, rng.permutation(rows // PER_CLUSTER)[: self.n // PER_CLUSTER])] = True
        else:
            labelled[rng.permutation(rows)[: self.n]] = True
        return true, self.skill * true + (1 - self.skill**2) ** 0.5 * noise, clusters, labelled


def cells() -> Iterator[Cell]:
    """Yield every cell."""
    for n in (30, 100, 150, 1000):
        for rho, whole in ((0.0, False), (0.3, False), (0.8, False), (0.3, True), (0.8, True)):
            if (whole and n < 150) or (n == 150 and not whole):
                continue  # 6 and 20 whole clusters: not offered; 150 rows are 30 of them
            for skill in (0.0, 0.9) if rho == 0 else (0.8,):
                rows = Rows(n, rho, skill, whole)
                group = f"powered, {rows.name}"
                for p in (0.05, 0.1, 0.5, 0.9):
                    yield Cell(
                        f"powered p={p} {rows.name}",
                        partial(share, rows=rows, p=p),
                        p,
                        Rule.PROPORTION,
                        group,
                    )
                yield Cell(f"powered 5 levels {rows.name}", partial(levels, rows=rows), RATING)
                yield Cell(f"powered difference {rows.name}", partial(difference, rows=rows), 0.1)
    for n in (30, 100):
        yield Cell(f"powered, judge wrong one way in 3%, n={n}", partial(sharp, n=n), 0.5, Rule.SAFE)
    for n in (100, 300):
        yield Cell(f"powered, sampled by doubt, n={n}", partial(sampled, n=n), 0.3, Rule.SAFE)
    for n in (100, 300):
        for rho in (0.0, 0.8):
            for skill in (0.6, 0.9):
                rows = Rows(n, rho, skill, rho > 0)
                for p in (0.1, 0.5, 0.9):
                    draw = partial(corrected, rows=rows, p=p)
                    yield Cell(f"corrected share p={p} {rows.name}", draw, p, Rule.PROPORTION)
                draw = partial(calibrated, rows=rows)
                yield Cell(f"calibrated p=0.3 {rows.name}", draw, 0.3, Rule.PROPORTION)


def normals(rng: np.random.Generator, clusters: np.ndarray, rho: float) -> np.ndarray:
    """Draw standard normal numbers that correlate by `rho` within a cluster."""
    shared = rng.standard_normal(int(clusters.max()) + 1)[clusters]
    return rho**0.5 * shared + (1 - rho) ** 0.5 * rng.standard_normal(len(clusters))


def hidden(values: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Return the labels, missing where a row is not labelled."""
    return np.where(labelled, values, np.nan)


def share(rng: np.random.Generator, *, rows: Rows, p: float) -> Estimate:
    true, said, clusters, labelled = rows.draw(rng)
    right, judge = (special.ndtr(one) < p for one in (true, said))
    return powered_mean(hidden(right, labelled), judge, clusters, bounds=(0, 1)).estimate


def levels(rng: np.random.Generator, *, rows: Rows) -> Estimate:
    true, said, clusters, labelled = rows.draw(rng)
    steps = np.cumsum(CEILING)[:-1]
    label, judge = (1.0 + np.searchsorted(steps, special.ndtr(one)) for one in (true, said))
    return powered_mean(hidden(label, labelled), judge, clusters, bounds=(1, 5)).estimate


def difference(rng: np.random.Generator, *, rows: Rows) -> Estimate:
    """Two systems that are right in 60% and 50%, on the same items."""
    true, said, clusters, labelled = rows.draw(rng)
    other, heard, _, _ = rows.draw(rng)
    systems = []
    for normal, verdict, p in (
        (true, said, 0.6),
        (0.5 * true + 0.75**0.5 * other, 0.5 * said + 0.75**0.5 * heard, 0.5),
    ):
        systems.append((hidden(special.ndtr(normal) < p, labelled), special.ndtr(verdict) < p))
    return powered_difference(systems[0], systems[1], clusters).estimate


def sharp(rng: np.random.Generator, *, n: int) -> Estimate:
    """A judge so good that few labels may show no error."""
    right = rng.random(2_000) < 0.5
    judge = right | (rng.random(2_000) < 0.06)
    labelled = np.arange(2_000) < n
    return powered_mean(hidden(right, labelled), judge, np.arange(2_000), bounds=(0, 1)).estimate


def sampled(rng: np.random.Generator, *, n: int) -> Estimate:
    """Rows are labelled by the doubt of a judge's probability, which is calibrated."""
    chance = rng.beta(0.6, 1.4, 2_000)
    right = rng.random(2_000) < chance
    inclusion = inclusion_probabilities(np.sqrt(chance * (1 - chance)), n=n)
    labelled = rng.random(2_000) < inclusion
    labels, rows = hidden(right, labelled), np.arange(2_000)
    return powered_mean(labels, chance, rows, bounds=(0, 1), inclusion=inclusion).estimate


def corrected(rng: np.random.Generator, *, rows: Rows, p: float) -> Estimate:
    """A judge whose errors depend on the label alone; half of the labelled rows are right, whatever p."""
    true, said, clusters, labelled = rows.draw(rng)
    right = special.ndtr(true) < np.where(labelled, 0.5, p)
    noise = special.ndtr((said - rows.skill * true) / (1 - rows.skill**2) ** 0.5)
    judge = np.where(noise < rows.skill, right, ~right)
    return corrected_share(hidden(right, labelled), judge, clusters)


def calibrated(rng: np.random.Generator, *, rows: Rows) -> Estimate:
    true, said, clusters, labelled = rows.draw(rng)
    right = special.ndtr(true) > 0.7
    scores = np.round(special.ndtr(said), 2)
    return calibrated_mean(hidden(right, labelled), scores, clusters, bounds=(0, 1))
