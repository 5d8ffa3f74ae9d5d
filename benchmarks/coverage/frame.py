"""How often intervals hold the truth, over simulated data: the cells, their rules, the table."""

from __future__ import annotations

import os

# The processes below share the cores; the threads of a matrix library would only get in their way.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import Any

import numpy as np

from evalhub.stats import Estimate

SIMULATIONS = 2_000
SEED = 20_261_123


class Rule(Enum):
    """What the coverage of a nominal 95% interval must be."""

    CENTRAL = "93-97%"
    PROPORTION = "92% or more, the group's mean 94-97%"
    SAFE = "93% or more"


@dataclass(frozen=True)
class Cell:
    """One design: draw data, estimate, and hold the interval against the truth.

    `simulate` returns what `pick` takes the estimate from. Cells in a row that share one `simulate` share
    its draws. An estimate without an interval is counted apart.
    """

    name: str
    simulate: Callable[[np.random.Generator], Any]
    truth: float
    rule: Rule = Rule.CENTRAL
    group: str = ""
    pick: Callable[[Any], Estimate] = lambda found: found


@dataclass(frozen=True)
class Covered:
    """What was counted in one cell."""

    cell: Cell
    covered: int
    drawn: int
    offered: int
    below: int
    width: float
    why_none: str
    seconds: float

    @property
    def share(self) -> float:
        return self.covered / self.offered if self.offered else float("nan")

    @property
    def keeps(self) -> bool | None:
        """Whether the rule holds, 2 standard errors of the simulation allowed for; None = not offered.

        An interval that is offered in less than 1 of 20 draws is measured on those draws alone, which
        differ from the rest, so it is not held to the rule.
        """
        if self.offered < 0.05 * self.drawn:
            return None
        slack = 2 * (0.95 * 0.05 / self.offered) ** 0.5
        least = 0.92 if self.cell.rule is Rule.PROPORTION else 0.93
        most = 0.97 if self.cell.rule is Rule.CENTRAL else 1.0
        return least - slack <= self.share <= most + slack


_CELLS: list[Cell] = []


def measure(cells: Iterable[Cell], *, draws: int = SIMULATIONS, seed: int = SEED) -> Iterator[Covered]:
    """Yield what each cell counted; processes share the draws, each draw has a seed of its own."""
    _CELLS[:] = cells
    workers = os.cpu_count() or 1
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        for _, alike in groupby(range(len(_CELLS)), key=lambda number: id(_CELLS[number].simulate)):
            numbers = list(alike)
            started = time.monotonic()
            parts = [(numbers, seed, range(first, draws, 4 * workers)) for first in range(4 * workers)]
            drawn = [one for part in pool.starmap(_some, parts) for one in part]
            seconds = (time.monotonic() - started) / len(numbers)
            for number, found in zip(numbers, zip(*drawn, strict=True), strict=True):
                yield _counted(_CELLS[number], list(found), seconds)


_Found = tuple[float | None, float | None, str]


def _counted(cell: Cell, found: list[_Found], seconds: float) -> Covered:
    ends = [(low, high) for low, high, _ in found if low is not None and high is not None]
    reasons = Counter(why for low, _, why in found if low is None)
    return Covered(
        cell,
        covered=sum(low <= cell.truth <= high for low, high in ends),
        drawn=len(found),
        offered=len(ends),
        below=sum(high < cell.truth for _, high in ends),
        width=float(np.mean([high - low for low, high in ends])) if ends else float("nan"),
        why_none=", ".join(f"{n} x {why}" for why, n in reasons.most_common(2)),
        seconds=seconds,
    )


def _some(numbers: list[int], seed: int, draws: range) -> list[list[_Found]]:
    found = []
    for draw in draws:
        one = _CELLS[numbers[0]].simulate(np.random.default_rng([seed, draw]))
        picked = [_CELLS[number].pick(one) for number in numbers]
        found.append([(part.low, part.high, part.reason or "") for part in picked])
    return found


def show(measured: Iterable[Covered]) -> bool:
    """Print the table as it grows, and say whether every rule holds."""
    print(
        f"{'cell':64} {'truth':>7} {'covered':>8} {'width':>7} {'drawn':>5} {'none':>5} {'high<':>6} "
        f"{'s':>5}",
        flush=True,
    )
    rows = []
    for row in measured:
        rows.append(row)
        mark = {True: "", False: f"  <- not {row.cell.rule.value}", None: "  (hardly ever offered)"}[
            row.keeps
        ]
        print(
            f"{row.cell.name:64} {row.cell.truth:7.3f} {row.share:8.1%} {row.width:7.3f} "
            f"{row.drawn:5d} {row.drawn - row.offered:5d} {row.below / max(row.offered, 1):6.1%} "
            f"{row.seconds:5.0f}{mark}{f'  [{row.why_none}]' if row.why_none else ''}",
            flush=True,
        )
    means_hold = _groups(rows)
    return means_hold and all(row.keeps is not False for row in rows)


def _groups(rows: list[Covered]) -> bool:
    """Print the mean over each group of proportions."""
    grouped = sorted((row for row in rows if row.cell.group), key=lambda row: row.cell.group)
    good = True
    for group, found in groupby(grouped, key=lambda row: row.cell.group):
        shares = [row.share for row in found if row.keeps is not None]
        if not shares:
            continue
        mean = float(np.mean(shares))
        good &= 0.94 <= round(mean, 3) <= 0.97
        print(f"mean over {len(shares)} cells of {group}: {mean:.1%}, least {min(shares):.1%}")
    return good
