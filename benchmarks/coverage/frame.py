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

import numpy as np

from evalhub.stats import Estimate

SIMULATIONS = 2_000


class Rule(Enum):
    """What the coverage of a nominal 95% interval must be."""

    CENTRAL = "93-97%"
    PROPORTION = "92% or more, the group's mean 94-97%"
    SAFE = "93% or more"


@dataclass(frozen=True)
class Cell:
    """One design: draw data, estimate, and hold the interval against the truth.

    `simulate` may return None for an interval that is not offered; it is counted apart.
    """

    name: str
    simulate: Callable[[np.random.Generator], Estimate]
    truth: float
    rule: Rule = Rule.CENTRAL
    group: str = ""
    simulations: int = SIMULATIONS


@dataclass(frozen=True)
class Covered:
    """What was counted in one cell."""

    cell: Cell
    covered: int
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
        if self.offered < 0.05 * self.cell.simulations:
            return None
        slack = 2 * (0.95 * 0.05 / self.offered) ** 0.5
        least = 0.92 if self.cell.rule is Rule.PROPORTION else 0.93
        most = 0.97 if self.cell.rule is Rule.CENTRAL else 1.0
        return least - slack <= self.share <= most + slack


_CELLS: list[Cell] = []


def measure(cells: Iterable[Cell], *, simulations: int | None = None) -> Iterator[Covered]:
    """Yield what each cell counted; processes share the draws, each draw has a seed of its own."""
    _CELLS[:] = cells
    workers = os.cpu_count() or 1
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        for number, cell in enumerate(_CELLS):
            started = time.monotonic()
            total = simulations or cell.simulations
            parts = [(number, range(first, total, 4 * workers)) for first in range(4 * workers)]
            found = [one for part in pool.starmap(_some, parts) for one in part]
            ends = [(one[1], one[2]) for one in found if one[1] is not None]
            reasons = Counter(one[3] for one in found if one[1] is None)
            yield Covered(
                cell,
                covered=sum(low <= cell.truth <= high for low, high in ends),
                offered=len(ends),
                below=sum(high < cell.truth for _, high in ends),
                width=float(np.mean([high - low for low, high in ends])) if ends else float("nan"),
                why_none=", ".join(f"{n} x {why}" for why, n in reasons.most_common(2)),
                seconds=time.monotonic() - started,
            )


def _some(number: int, draws: range) -> list[tuple[float | None, float | None, float | None, str]]:
    found = []
    for draw in draws:
        one = _CELLS[number].simulate(np.random.default_rng([20_261_123, draw]))
        found.append((one.estimate, one.low, one.high, one.reason or ""))
    return found


def show(measured: Iterable[Covered]) -> bool:
    """Print the table as it grows, and say whether every rule holds."""
    print(
        f"{'cell':64} {'truth':>7} {'covered':>8} {'width':>7} {'none':>5} {'high<':>6} {'s':>5}", flush=True
    )
    rows = []
    for row in measured:
        rows.append(row)
        none = row.why_none if row.why_none else ""
        mark = {True: "", False: f"  <- not {row.cell.rule.value}", None: "  (hardly ever offered)"}[
            row.keeps
        ]
        missing = sum(int(part.split(" x ")[0]) for part in none.split(", ") if " x " in part)
        print(
            f"{row.cell.name:64} {row.cell.truth:7.3f} {row.share:8.1%} {row.width:7.3f} {missing:5d} "
            f"{row.below / max(row.offered, 1):6.1%} {row.seconds:5.0f}{mark}{f'  [{none}]' if none else ''}",
            flush=True,
        )
    return all(row.keeps is not False for row in rows) and _groups(rows)


def _groups(rows: list[Covered]) -> bool:
    """Print the mean over each group of proportions."""
    grouped = sorted((row for row in rows if row.cell.group), key=lambda row: row.cell.group)
    good = True
    for group, found in groupby(grouped, key=lambda row: row.cell.group):
        shares = [row.share for row in found]
        mean = float(np.mean(shares))
        good &= 0.94 <= round(mean, 3) <= 0.97
        print(f"mean over {len(shares)} cells of {group}: {mean:.1%}, least {min(shares):.1%}")
    return good
