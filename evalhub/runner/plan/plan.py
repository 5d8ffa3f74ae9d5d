"""Which askings a suite needs, decided before anything is spent."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evalhub.errors import SpecError, UnknownNameError
from evalhub.judging.early_stopping import SETTLED, drawn_place
from evalhub.runner.plan.cascades import check_cascades
from evalhub.runner.plan.juries import jury_facts
from evalhub.runner.plan.rater_names import check_raters
from evalhub.runner.plan.resolve import Resolved, metric_columns
from evalhub.runner.plan.tasks import Cell, judge_cells, systems_of
from evalhub.scales import Kind
from evalhub.sources import Dataset

OVER_BUDGET = "judgments over the budget"

Cells = Mapping[str, tuple[Cell, ...]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a suite needs.

    Attributes:
        cells: The askings of each judge, item by item, both orders together.
        generations: Number of responses that are to be made.
        skipped: What no asking was planned for, by judge, dataset, and what and why in words.
        against: The labels' criterion by judge, dataset and rubric criterion, where there is one.
        beyond: The askings of each judge that the budget leaves out.
        juries: What each jury decides.
        looks: Where pairs may be settled: the level, the seed of each judge, how many pairs make up an order,
            and the settled pairs.
        settled: The askings of each judge that need not be asked, as the order is settled.
    """

    cells: Cells
    generations: int
    skipped: Mapping[str, Mapping[str, Mapping[str, int]]]
    against: Mapping[str, Mapping[str, Mapping[str, str]]]
    beyond: Cells = field(default_factory=dict)
    juries: list[dict[str, Any]] = field(default_factory=list)
    looks: Mapping[str, Any] | None = None
    settled: Cells = field(default_factory=dict)

    @property
    def judgments(self) -> int:
        """Number of planned judgments."""
        return sum(map(judgments_of, self.cells.values()))

    @property
    def over_budget(self) -> int:
        """Number of judgments that the budget leaves out."""
        return sum(map(judgments_of, self.beyond.values()))

    @property
    def left_out(self) -> dict[str, dict[str, dict[str, int]]]:
        """What is not judged, by judge, dataset, and what and why in words; what was planned first too."""
        found = {
            judge: {dataset: dict(reasons) for dataset, reasons in by_dataset.items()}
            for judge, by_dataset in self.skipped.items()
        }
        for why, left in ((OVER_BUDGET, self.beyond), (SETTLED, self.settled)):
            for judge, cells in left.items():
                for cell in cells:
                    reasons = found[judge][cell.dataset]
                    reasons[why] = reasons.get(why, 0) + len(cell.parts)
        return found

    def followed_by(self, more: Cells) -> Plan:
        """Return the plan with askings that were only known once its own were answered."""
        judges = dict.fromkeys([*self.cells, *more])
        return replace(self, cells={one: (*self.cells.get(one, ()), *more.get(one, ())) for one in judges})

    def without_settled(self, settled: Callable[[Cell], bool], pairs: list[dict[str, object]]) -> Plan:
        """Return the plan without what need not be asked any more, and with the pairs that are settled."""
        left = {
            judge: tuple(filter(settled, (*cells, *self.beyond.get(judge, ()))))
            for judge, cells in self.cells.items()
        }
        rest = [
            {judge: tuple(cell for cell in found if not settled(cell)) for judge, found in cells.items()}
            for cells in (self.cells, self.beyond)
        ]
        return replace(
            self,
            cells=rest[0],
            beyond=rest[1],
            looks={**(self.looks or {}), "pairs": pairs},
            settled={judge: (*self.settled.get(judge, ()), *cells) for judge, cells in left.items()},
        )

    def with_done(self, done: Callable[[Cell], bool]) -> Plan:
        """Return the plan with what was asked before the budget was lowered: it is there, and counts."""
        again = {judge: tuple(filter(done, cells)) for judge, cells in self.beyond.items()}
        return replace(
            self,
            cells={judge: cells + again.get(judge, ()) for judge, cells in self.cells.items()},
            beyond={
                judge: tuple(cell for cell in cells if not done(cell)) for judge, cells in self.beyond.items()
            },
        )


def judgments_of(cells: Iterable[Cell]) -> int:
    """Return the number of judgments that askings end in."""
    return sum(len(cell.parts) for cell in cells)


def plan(resolved: Resolved) -> Plan:
    """Return every asking that the suite needs, under its controls and its budget.

    Raises:
        FamilyError: A judge shares a family with a response it would judge, under `require`.
        SpecError: A judge has nothing to judge, or the name of a recorded judge; or an item has no prompt.
        UnknownNameError: A judge is held against labels, or a baseline, that no dataset has.
    """
    _check_judges(resolved)
    _check_datasets(resolved)
    check_raters(resolved)
    _check_prompts(resolved)
    _check_system_prompts(resolved)
    cells: dict[str, list[Cell]] = {}
    skipped: dict[str, dict[str, dict[str, int]]] = {}
    against: dict[str, dict[str, dict[str, str]]] = {}
    for dataset in resolved.datasets:
        systems = systems_of(resolved, dataset)
        for judge in resolved.judges:
            found, left_out, links = judge_cells(resolved, judge, dataset, systems)
            if resolved.suite.budget.settled is not None:
                found = _drawn(found, judge.spec.seed, dataset)
            cells.setdefault(judge.spec.id, []).extend(found)
            skipped.setdefault(judge.spec.id, {})[dataset.card.id] = left_out
            against.setdefault(judge.spec.id, {})[dataset.card.id] = links
    check_cascades(resolved, against)
    for judge_id, found in cells.items():
        if not found:
            raise SpecError(
                "the judge has nothing to judge",
                where=f"{resolved.path}:judges.{judge_id}",
                value="; ".join(_said(dataset, why) for dataset, why in skipped[judge_id].items()),
            )
    kept, beyond = within(resolved.suite.budget.judgments, cells)
    generations = sum(
        len(dataset.items) * candidate.spec.samples
        for dataset in resolved.datasets
        for candidate in resolved.candidates
    )
    juries = jury_facts(resolved, against)
    return Plan(kept, generations, skipped, against, beyond, juries, _looks(resolved, cells))


def _drawn(cells: list[Cell], seed: int, dataset: Dataset) -> list[Cell]:
    """Return the askings in the drawn order of their clusters, so that a budget cuts off the last looks."""
    places = {item.item_id: drawn_place(seed, dataset.card.id, item.cluster) for item in dataset.items}
    return sorted(cells, key=lambda cell: places[cell.item_id])


def _looks(resolved: Resolved, cells: Mapping[str, Sequence[Cell]]) -> dict[str, Any] | None:
    level = resolved.suite.budget.settled
    if level is None:
        return None
    seeds = {one.spec.id: one.spec.seed for one in resolved.judges if one.rubric.kind is Kind.PAIRWISE}
    together = {judge: _together(cells[judge]) for judge in seeds}
    return {"level": level, "seeds": seeds, "together": together, "pairs": []}


def _together(cells: Iterable[Cell]) -> dict[str, dict[str, int]]:
    """Count the pairs of systems that make up one order, by dataset and criterion."""
    pairs: dict[tuple[str, str], set[frozenset[str]]] = {}
    for cell in cells:
        for part in cell.parts:
            systems = frozenset(cell.systems[place] for place in part.systems)
            pairs.setdefault((cell.dataset, part.criterion), set()).add(systems)
    counts: dict[str, dict[str, int]] = {}
    for (dataset, criterion), found in pairs.items():
        counts.setdefault(dataset, {})[criterion] = len(found)
    return counts


def _check_datasets(resolved: Resolved) -> None:
    """Refuse two datasets or scores of one name, and recorded scores that the suite would compute."""
    ids = [dataset.card.id for dataset in resolved.datasets]
    names = [name for use, metric in resolved.metrics for name in use.names(metric_columns(metric)).values()]
    for name in names:
        if names.count(name) > 1:
            raise SpecError(
                "two metrics give a score of one name",
                where=f"{resolved.path}:metrics",
                value=name,
                fix="give one of them another id",
            )
    computed = set(names)
    for dataset in resolved.datasets:
        if ids.count(dataset.card.id) > 1:
            raise SpecError(
                "two datasets have one id",
                where=str(resolved.path),
                value=dataset.card.id,
                fix="give one of them an id of its own: {id: MINE, dataset: NAME}",
            )
        clash = sorted(computed & {score.metric for score in dataset.scores})
        if clash:
            raise SpecError(
                "the card records scores of a metric that the suite computes",
                where=f"{resolved.path}:metrics",
                value=clash[0],
                fix="leave one of the two out",
            )


def _check_prompts(resolved: Resolved) -> None:
    """Refuse items without a prompt where something is generated or judged."""
    users = [part.id for part in (*resolved.suite.candidates, *resolved.suite.judges)]
    for dataset in resolved.datasets:
        silent = [item.item_id for item in dataset.items if not item.turns]
        if silent and users:
            raise SpecError(
                f"{len(silent)} of {len(dataset.items)} items have no prompt, which {users[0]} needs",
                where=f"{resolved.path}:datasets.{dataset.card.id}",
                value=silent[0],
                fix="return a prompt in the card's items, or leave candidates and judges out of the suite",
            )


def _check_system_prompts(resolved: Resolved) -> None:
    """Refuse a candidate's system prompt beside an item that brings its own."""
    for candidate in resolved.candidates:
        for item in (item for dataset in resolved.datasets for item in dataset.items):
            if candidate.spec.system_prompt and any(role == "system" for role, _ in item.messages):
                raise SpecError(
                    "the candidate has a system_prompt, and an item has a system message of its own "
                    f"(dataset {item.dataset!r}, item {item.item_id!r})",
                    where=f"{resolved.path}:candidates.{candidate.spec.id}.system_prompt",
                    fix="leave system_prompt out, or leave the system message out in the card's SELECT",
                )


def _check_judges(resolved: Resolved) -> None:
    """Hold each judge's name and labels against what the datasets have."""
    systems = {one.system for dataset in resolved.datasets for one in dataset.responses}
    systems |= {one.spec.id for one in resolved.candidates}
    for judge in resolved.judges:
        where = f"{resolved.path}:judges.{judge.spec.id}"
        baseline = judge.spec.pairs.baseline
        if baseline is not None and baseline not in systems:
            raise UnknownNameError("system", baseline, systems, where=f"{where}.pairs.baseline")
        known = {
            name
            for dataset in resolved.datasets
            for name, spec in dataset.card.criteria.items()
            if spec.kind is judge.rubric.kind and spec.turn is None
        }
        for label in judge.spec.against.values():
            if label not in known:
                kind = f"{judge.rubric.kind} criterion of the labels"
                raise UnknownNameError(kind, label, known, where=f"{where}.against")


def within(budget: int | None, cells: Mapping[str, list[Cell]]) -> tuple[Cells, Cells]:
    """Split askings into those that a budget carries, and those beyond it.

    The judges go through the same items side by side, and an item is never cut. Items that
    different judges judge, or of different datasets, take turns, so that no judge waits for another's.

    Args:
        budget: The judgments that may be spent; None for any number.
        cells: The askings of each judge, item by item.
    """
    left = sum(map(judgments_of, cells.values())) if budget is None else budget
    taken: set[tuple[str, str, str]] = set()
    for judge, item, size in _turns(cells):
        left -= size
        if left < 0:
            break
        taken.add((judge, *item))
    split = {
        whole: {
            judge: tuple(cell for cell in found if ((judge, cell.dataset, cell.item_id) in taken) is whole)
            for judge, found in cells.items()
        }
        for whole in (True, False)
    }
    return split[True], split[False]


def _turns(cells: Mapping[str, list[Cell]]) -> Iterator[tuple[str, tuple[str, str], int]]:
    """Yield each judge's items with their number of askings, in the order in which a budget is spent."""
    items: dict[tuple[str, str], Counter[str]] = {}
    for judge, found in cells.items():
        for cell in found:
            items.setdefault((cell.dataset, cell.item_id), Counter())[judge] += len(cell.parts)
    alike: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for item, sizes in items.items():
        alike.setdefault((item[0], *sizes), []).append(item)
    for turn in itertools.zip_longest(*alike.values()):
        for item in filter(None, turn):
            for judge, size in items[item].items():
                yield judge, item, size


def _said(dataset: str, left_out: dict[str, int]) -> str:
    """Return in words why a dataset leaves a judge nothing."""
    told = ", ".join(f"{n} {what}" for what, n in left_out.items())
    return f"{dataset}: {told or 'too few responses to the same item'}"
