"""Judging in rounds: after each, a judge is asked no more about two systems whose order is settled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple, cast

from evalhub.judging.aggregate import asking_of, pair_verdict
from evalhub.judging.early_stopping import PAIR, drawn_place, level_of_pair, look
from evalhub.records import Judgment
from evalhub.runner.plan.manifest import planned_facts
from evalhub.runner.plan.plan import Plan
from evalhub.runner.plan.resolve import Resolved, ResolvedJudge
from evalhub.runner.plan.tasks import Cell
from evalhub.runner.progress import Progress
from evalhub.scales import Kind
from evalhub.specs import Combine, Positions
from evalhub.stats.testing.sequential import Sequential, Standing
from evalhub.store import RunWriter

ROUND = 20
"""Clusters of a dataset that are judged between two looks."""


class Pair(NamedTuple):
    """Whom a look is about."""

    dataset: str
    judge: str
    criterion: str
    systems: tuple[str, ...]


class Rounds:
    """What each judge is asked, round by round, and what need not be asked any more.

    A look at the end of a round sees that round and those before it, in the drawn order of the clusters, so
    that a run that goes on, or is made again, settles at the same places.

    Args:
        writer: The run; told of every pair that is settled.
        resolved: The suite.
        planned: What it asks.
        progress: Told of every pair that is settled.

    Attributes:
        plan: What is asked, without what is settled so far.
    """

    def __init__(self, writer: RunWriter, resolved: Resolved, planned: Plan, progress: Progress) -> None:
        self.plan = planned
        self._writer = writer
        self._progress = progress
        self._clusters = {
            (item.dataset, item.item_id): item.cluster for one in resolved.datasets for item in one.items
        }
        self._ranked = {one.card.id for one in resolved.datasets if not one.card.anonymous}
        self._seen: dict[Pair, list[tuple[str | None, str]]] = {}
        self._settled: dict[Pair, Sequential] = {}

    def of(self, judge: ResolvedJudge) -> Iterator[Sequence[Cell]]:
        """Yield the askings of one judge, each round once the one before it is answered."""
        planned = self.plan.cells[judge.spec.id]
        if self.plan.looks is None or judge.rubric.kind is not Kind.PAIRWISE:
            yield planned
            return
        for cells in self._split(judge.spec.seed, planned):
            if wanted := [cell for cell in cells if not self._left_out(cell)]:
                yield wanted
            self._look(judge, cells, self.plan.looks)

    def _split(self, seed: int, cells: Sequence[Cell]) -> Iterator[list[Cell]]:
        """Yield each round's cells, the clusters of every dataset in their drawn order."""
        places = {
            (dataset, cluster): drawn_place(seed, dataset, cluster)
            for dataset, cluster in {(cell.dataset, self._cluster(cell)) for cell in cells}
        }
        numbers: dict[tuple[str, str], int] = {}
        for _, found in groupby(
            sorted(places, key=lambda one: (one[0], places[one])), key=lambda one: one[0]
        ):
            numbers |= {one: number // ROUND for number, one in enumerate(found)}

        def turn(cell: Cell) -> tuple[int, str, str]:
            about = cell.dataset, self._cluster(cell)
            # Where no order is looked for there is nothing to wait for.
            return numbers[about] if cell.dataset in self._ranked else 0, cell.dataset, places[about]

        for _, mine in groupby(sorted(cells, key=turn), key=lambda cell: turn(cell)[0]):
            yield list(mine)

    def _look(self, judge: ResolvedJudge, cells: Sequence[Cell], told: Mapping[str, Any]) -> None:
        """Look at every open pair that a round told something of."""
        fresh = {}
        for pair in self._read(judge, cells):
            if pair not in self._settled:
                winners, clusters = zip(*self._seen[pair], strict=True)
                level = level_of_pair(told, pair.dataset, pair.judge, pair.criterion)
                found = look(winners, clusters, level=level)
                if found.standing is not Standing.OPEN:
                    fresh[pair] = found
        if fresh:
            self._settled |= fresh
            self.plan = self.plan.without_settled(
                self._left_out, [self._fact(pair) for pair in self._settled]
            )
            self._writer.update(**planned_facts(self.plan))
            for pair in fresh:
                self._progress.note(_said(pair, fresh[pair]))

    def _read(self, judge: ResolvedJudge, cells: Sequence[Cell]) -> list[Pair]:
        """Keep the verdicts of a round; return the pairs that they are about."""
        askings: dict[tuple[Pair, str, int], list[Judgment]] = {}
        for cell in cells:
            for pair, key in zip(_pairs(cell), cell.keys, strict=True):
                judgment = cast("Judgment | None", self._writer.get("judgments", key))
                if judgment is not None and pair.dataset in self._ranked:
                    askings.setdefault((pair, cell.item_id, cell.sample), []).append(judgment)
        both, vote = judge.spec.positions is Positions.BOTH, judge.spec.combine is Combine.VOTE
        for (pair, item_id, _), found in askings.items():
            _, winner = pair_verdict([asking_of(one) for one in found], both=both, vote=vote)
            self._seen.setdefault(pair, []).append((winner, self._clusters[pair.dataset, item_id]))
        return list(dict.fromkeys(pair for pair, _, _ in askings))

    def _left_out(self, cell: Cell) -> bool:
        """Whether all that an asking tells is settled; what is answered already stays."""
        return all(pair in self._settled for pair in _pairs(cell)) and not all(
            self._writer.get("judgments", key) for key in cell.keys
        )

    def _fact(self, pair: Pair) -> dict[str, object]:
        found = self._settled[pair]
        return {
            **dict(zip(PAIR, (*pair[:3], *pair.systems), strict=True)),
            "standing": found.standing.value,
            "stopped_at": found.stopped_at,
            "clusters": found.mean.clusters,
        }

    def _cluster(self, cell: Cell) -> str:
        return self._clusters[cell.dataset, cell.item_id]


def _pairs(cell: Cell) -> list[Pair]:
    """Return whom each judgment of an asking is about."""
    return [
        Pair(cell.dataset, cell.judge, part.criterion, tuple(cell.systems[place] for place in part.systems))
        for part in cell.parts
    ]


def _said(pair: Pair, found: Sequential) -> str:
    ahead, behind = pair.systems if found.standing is Standing.FIRST else reversed(pair.systems)
    return (
        f"{pair.judge} on {pair.dataset}, {pair.criterion}: {ahead} is ahead of {behind}, "
        f"settled after {found.stopped_at} clusters"
    )
