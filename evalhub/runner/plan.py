"""Which askings a suite needs, decided before anything is spent."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from evalhub.errors import FamilyError, SpecError, UnknownNameError
from evalhub.judging import orders
from evalhub.models import UNKNOWN
from evalhub.records import Item, digest
from evalhub.runner.resolve import Resolved, ResolvedJudge
from evalhub.scales import Kind, Order
from evalhub.sources import Dataset
from evalhub.specs import Card, CrossFamily

NOT_AN_LLM = "none"

_APART = {
    "same": "the judge is of the response's family",
    UNKNOWN: "the judge may be of the response's family: one of them is unknown",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One planned asking, in terms of ids."""

    judge: str
    dataset: str
    item_id: str
    criterion: str
    systems: tuple[str, ...]
    sample: int
    shown: Order | None
    repeat: int
    same_family: bool | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a suite needs.

    Attributes:
        cells: The askings of each judge, item by item, both orders together.
        generations: Number of responses that are to be made.
        skipped: What is not judged, by judge, dataset and reason.
        against: The labels' criterion by judge, dataset and rubric criterion, where there is one.
        over_budget: Askings that the budget leaves out.
    """

    cells: Mapping[str, tuple[Cell, ...]]
    generations: int
    skipped: Mapping[str, Mapping[str, Mapping[str, int]]]
    against: Mapping[str, Mapping[str, Mapping[str, str]]]
    over_budget: int = 0

    @property
    def judgments(self) -> int:
        """Number of planned askings."""
        return sum(map(len, self.cells.values()))


@dataclass(slots=True)
class _Systems:
    """Who answers the items of a dataset: families by system, samples by item and system."""

    families: dict[str, tuple[str, ...]] = field(default_factory=dict)
    samples: dict[str, dict[str, set[int]]] = field(default_factory=dict)

    def add(self, item_id: str, system: str, sample: int, families: tuple[str, ...]) -> None:
        self.families[system] = tuple(sorted({*self.families.get(system, ()), *families}))
        self.samples.setdefault(item_id, {}).setdefault(system, set()).add(sample)

    def of(self, item_id: str) -> list[str]:
        return sorted(self.samples.get(item_id, {}), key=str.encode)


def plan(resolved: Resolved) -> Plan:
    """Return every asking that the suite needs, under its controls and its budget.

    Raises:
        FamilyError: A judge shares a family with a response it would judge, under `require`.
        SpecError: A judge has nothing to judge, or the name of a recorded judge.
        UnknownNameError: A judge is held against labels, or a baseline, that no dataset has.
    """
    _check_judges(resolved)
    _check_datasets(resolved)
    cells: dict[str, list[Cell]] = {}
    skipped: dict[str, dict[str, dict[str, int]]] = {}
    against: dict[str, dict[str, dict[str, str]]] = {}
    for dataset in resolved.datasets:
        systems = _systems(resolved, dataset)
        for judge in resolved.judges:
            found, left_out, links = _judge_cells(resolved, judge, dataset, systems)
            cells.setdefault(judge.spec.id, []).extend(found)
            skipped.setdefault(judge.spec.id, {})[dataset.card.id] = left_out
            against.setdefault(judge.spec.id, {})[dataset.card.id] = links
    for judge_id, found in cells.items():
        if not found:
            raise SpecError(
                "the judge has nothing to judge",
                where=f"{resolved.path}:judges.{judge_id}",
                value=skipped[judge_id],
            )
    kept, over = _within(resolved.suite.budget.judgments, cells)
    generations = sum(
        len(dataset.items) * candidate.spec.samples
        for dataset in resolved.datasets
        for candidate in resolved.candidates
    )
    return Plan(kept, generations, skipped, against, over)


def _check_datasets(resolved: Resolved) -> None:
    """Refuse two datasets of one id, and recorded scores that a metric of the suite would compute."""
    ids = [dataset.card.id for dataset in resolved.datasets]
    computed = {column.name for _, metric in resolved.metrics for column in metric.score([], [])}
    for dataset in resolved.datasets:
        if ids.count(dataset.card.id) > 1:
            raise SpecError("two datasets have one id", where=str(resolved.path), value=dataset.card.id)
        clash = sorted(computed & {score.metric for score in dataset.scores})
        if clash:
            raise SpecError(
                "the card records scores of a metric that the suite computes",
                where=f"{resolved.path}:metrics",
                value=clash[0],
                fix="leave one of the two out",
            )


def label_criterion(card: Card, criterion: str, kind: Kind, against: Mapping[str, str]) -> str | None:
    """Return the criterion of the labels that a rubric's criterion is held against.

    The suite's word first, then the criterion of the same name, then the only one of the
    same kind; None where that leaves a choice, or where this dataset has no such labels.
    """
    fitting = [name for name, spec in card.criteria.items() if spec.kind is kind]
    wanted = against.get(criterion, criterion)
    if wanted in fitting:
        return wanted
    return fitting[0] if len(fitting) == 1 and criterion not in against else None


def _check_judges(resolved: Resolved) -> None:
    """Hold each judge's name and labels against what the datasets have."""
    systems = {one.system for dataset in resolved.datasets for one in dataset.responses}
    systems |= {one.spec.id for one in resolved.candidates}
    for judge in resolved.judges:
        where = f"{resolved.path}:judges.{judge.spec.id}"
        baseline = judge.spec.pairs.baseline
        if baseline is not None and baseline not in systems:
            raise UnknownNameError("system", baseline, systems, where=f"{where}.pairs.baseline")
        recorded = {one.judge for dataset in resolved.datasets for one in dataset.judgments}
        if judge.spec.id in recorded:
            raise SpecError(
                "a judge has the id of a recorded judge",
                where=where,
                value=judge.spec.id,
                fix="give the judge another id",
            )
        known = {
            name
            for dataset in resolved.datasets
            for name, spec in dataset.card.criteria.items()
            if spec.kind is judge.protocol.kind
        }
        for label in judge.spec.against.values():
            if label not in known:
                kind = f"{judge.protocol.kind} criterion of the labels"
                raise UnknownNameError(kind, label, known, where=f"{where}.against")


def _systems(resolved: Resolved, dataset: Dataset) -> _Systems:
    systems = _Systems()
    for response in dataset.responses:
        if response.text is not None:
            systems.add(response.item_id, response.system, response.sample, response.families)
    for candidate in resolved.candidates:
        if candidate.spec.id in systems.families:
            raise SpecError(
                "a candidate has the id of a recorded system",
                where=f"{resolved.path}:candidates",
                value=candidate.spec.id,
                fix="give the candidate another id",
            )
        for item in dataset.items:
            for sample in range(candidate.spec.samples):
                systems.add(item.item_id, candidate.spec.id, sample, candidate.runs.families)
    return systems


def _judge_cells(
    resolved: Resolved, judge: ResolvedJudge, dataset: Dataset, systems: _Systems
) -> tuple[list[Cell], dict[str, int], dict[str, str]]:
    card, spec, kind = dataset.card, judge.spec, judge.protocol.kind
    links = {
        criterion: label
        for criterion in judge.criteria
        if (label := label_criterion(card, criterion, kind, spec.against)) is not None
    }
    left_out: Counter[str] = Counter()
    groups: list[tuple[Item, tuple[str, ...], int]] = []
    labelled = _labelled_pairs(dataset, set(links.values()))
    for item in dataset.items:
        if not has_inputs(item, judge.rubric.inputs):
            left_out["the item lacks an input"] += 1
            continue
        for group, sample in _groups(judge, item, systems, labelled):
            relation = _relation(judge, group, systems)
            if relation == "apart" or _allowed(resolved, judge, group, relation):
                groups.append((item, group, sample))
            else:
                left_out[_APART[relation]] += 1
    return _cells(judge, groups, systems), dict(left_out), links


def _cells(
    judge: ResolvedJudge, groups: list[tuple[Item, tuple[str, ...], int]], systems: _Systems
) -> list[Cell]:
    shown: list[tuple[Order | None, ...]] = [(None,)] * len(groups)
    if judge.protocol.kind is Kind.PAIRWISE:
        pairs = [(item.item_id, *group) for item, group, _ in groups]
        shown = list(orders(judge.spec.positions, pairs, judge.spec.seed))  # type: ignore[arg-type]
    return [
        Cell(
            judge=judge.spec.id,
            dataset=item.dataset,
            item_id=item.item_id,
            criterion=criterion,
            systems=group,
            sample=sample,
            shown=order,
            repeat=repeat,
            same_family={"apart": False, "same": True}.get(_relation(judge, group, systems)),
        )
        for (item, group, sample), order_set in zip(groups, shown, strict=True)
        for criterion in judge.criteria
        for repeat in range(judge.spec.samples)
        for order in order_set
    ]


def _groups(
    judge: ResolvedJudge,
    item: Item,
    systems: _Systems,
    labelled: set[tuple[str, str, str]],
) -> Iterable[tuple[tuple[str, ...], int]]:
    if judge.protocol.kind is Kind.POINTWISE:
        wanted: list[tuple[str, ...]] = [(system,) for system in systems.of(item.item_id)]
    else:
        wanted = _pairs(judge, item, systems, labelled)
    for group in wanted:
        shared = set.intersection(*(systems.samples[item.item_id][system] for system in group))
        for sample in sorted(shared):
            yield group, sample


def _pairs(
    judge: ResolvedJudge,
    item: Item,
    systems: _Systems,
    labelled: set[tuple[str, str, str]],
) -> list[tuple[str, ...]]:
    choice = judge.spec.pairs
    pairs: list[tuple[str, ...]] = list(itertools.combinations(systems.of(item.item_id), 2))
    if choice.by == "labelled":
        pairs = [pair for pair in pairs if (item.item_id, *pair) in labelled]
    elif choice.by == "baseline":
        pairs = [pair for pair in pairs if choice.baseline in pair]
    if choice.cap is not None and choice.cap < len(pairs):
        rng = random.Random(digest([judge.spec.seed, item.item_id]))
        pairs = sorted(rng.sample(pairs, choice.cap))
    return pairs


def _labelled_pairs(dataset: Dataset, criteria: set[str]) -> set[tuple[str, str, str]]:
    return {
        (label.item_id, label.system_a, label.system_b)
        for label in dataset.labels
        if label.system_a and label.system_b and (not criteria or label.criterion in criteria)
    }


def has_inputs(item: Item, inputs: tuple[str, ...]) -> bool:
    """Whether an item has what a rubric shows besides the responses."""
    has = {"question": item.turns, "context": item.context, "reference": item.references}
    return all(has.get(name, True) for name in inputs)


def _relation(judge: ResolvedJudge, group: tuple[str, ...], systems: _Systems) -> str:
    """Return "apart", "same" or "unknown": how the judge is related to the responses."""
    own = set(judge.runs.families) - {NOT_AN_LLM}
    theirs = set().union(*(systems.families[system] for system in group)) - {NOT_AN_LLM}
    if (own & theirs) - {UNKNOWN}:
        return "same"
    return UNKNOWN if theirs and UNKNOWN in own | theirs else "apart"


def _allowed(resolved: Resolved, judge: ResolvedJudge, group: tuple[str, ...], relation: str) -> bool:
    rule = resolved.suite.controls.cross_family
    if rule is CrossFamily.ALLOW:
        return True
    if rule is CrossFamily.EXCLUDE:
        return False
    shares = "shares a family with" if relation == "same" else "may share a family with"
    raise FamilyError(
        f"the judge ({', '.join(judge.runs.families)}) {shares} the system {' or '.join(group)}",
        where=f"{resolved.path}:judges.{judge.spec.id}",
        value=judge.spec.model,
        allowed="a judge of another family",
        fix="choose another judge, name the families, or set controls.cross_family to exclude or allow",
    )


def _within(budget: int | None, cells: dict[str, list[Cell]]) -> tuple[dict[str, tuple[Cell, ...]], int]:
    """Cut each judge's askings to its share of the budget, never within an item."""
    total = sum(map(len, cells.values()))
    if budget is None or total <= budget:
        return {judge: tuple(found) for judge, found in cells.items()}, 0
    kept = {}
    for judge, found in cells.items():
        share = budget * len(found) // total
        groups = itertools.groupby(found, key=lambda cell: (cell.dataset, cell.item_id))
        taken: list[Cell] = []
        for _, group in groups:
            whole = list(group)
            if len(taken) + len(whole) > share:
                break
            taken += whole
        kept[judge] = tuple(taken)
    return kept, total - sum(map(len, kept.values()))
