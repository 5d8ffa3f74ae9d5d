"""The judging tasks of one judge on a dataset, and counts of what it does not judge."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from evalhub.errors import FamilyError, SpecError
from evalhub.judging import (
    LIST_LETTERS,
    PlannedJudgment,
    TaskOutline,
    choose_list_orders,
    choose_orders,
    list_orders,
)
from evalhub.models import NOT_AN_LLM, UNKNOWN
from evalhub.records import Item, digest
from evalhub.runner.plan.datasets import SuiteDataset
from evalhub.runner.plan.links import label_criteria
from evalhub.runner.plan.resolve import Resolved, ResolvedJudge
from evalhub.runner.plan.task_groups import PlannedTask, Questions, TaskGroup, Tasks, View
from evalhub.scales import Order, Shape
from evalhub.specs import CrossFamily

SHARD_TASKS = 4096
"""Number of tasks after which a new shard begins. A task counts once for each criterion of its item."""

# How many outlines of tasks are kept. Where items name their criteria, nearly all outlines differ.
_OUTLINES = 1024

# Why a part of a dataset is not judged. Each reason names what is counted.
NO_INPUT = "items without an input of the rubric"
NO_CRITERIA = "items without criteria of their own"
TRAINED_ON = "items of clusters the judge was trained on"
NOT_CHOSEN = {
    "labelled": "pairs without a label (pairs.by)",
    "baseline": "pairs without the baseline (pairs.by)",
}
OVER_CAP = "pairs over the cap of their item (pairs.cap)"
UNMATCHED = "pairs of which one system has no such sample"
NO_LIST = f"lists of fewer than 2 or more than {len(LIST_LETTERS)} responses"
_UNRELATED = "unrelated"
_SAME_FAMILY = "same"
_RELATED = {
    _SAME_FAMILY: "of the judge's own family (controls.cross_family)",
    UNKNOWN: "whose family, or the judge's, is unknown (controls.cross_family)",
}


@dataclass(frozen=True, slots=True)
class _Group:
    """The responses of one item that are judged together."""

    item: Item
    systems: tuple[str, ...]
    sample: int


@dataclass(slots=True)
class Systems:
    """The systems that answer the items of a dataset: families by system, samples by item and system."""

    families: dict[str, tuple[str, ...]] = field(default_factory=dict)
    samples: dict[str, dict[str, frozenset[int]]] = field(default_factory=dict)
    _shared: dict[frozenset[int], frozenset[int]] = field(default_factory=dict)

    def add(self, item_id: str, system: str, sample: int, families: tuple[str, ...]) -> None:
        """Add a system's answer to an item."""
        if not {*families} <= {*self.families.get(system, ())} or system not in self.families:
            self.families[system] = tuple(sorted({*self.families.get(system, ()), *families}))
        by_system = self.samples.setdefault(item_id, {})
        numbers = by_system.get(system, frozenset()) | {sample}
        by_system[system] = self._shared.setdefault(numbers, numbers)

    def of(self, item_id: str) -> list[str]:
        """Return the systems that answer an item, in bytewise order."""
        return sorted(self.samples.get(item_id, {}), key=str.encode)


def collect_systems(resolved: Resolved, dataset: SuiteDataset) -> Systems:
    """Return the systems that answer a dataset: recorded systems and candidates.

    A recorded system counts where its text is known, or the failure that stands for its text.

    Raises:
        SpecError: A candidate has the id of a recorded system.
    """
    systems = Systems()
    for response in dataset.responses:
        if response.text is not None or response.failure is not None:
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


def plan_tasks(
    resolved: Resolved, judge: ResolvedJudge, dataset: SuiteDataset, systems: Systems
) -> tuple[Tasks, dict[str, int]]:
    """Return a judge's tasks on a dataset, and counts of what is left out.

    Raises:
        FamilyError: The judge shares a family with a response it would judge, under `require`.
    """
    links = label_criteria(judge, dataset)
    exclusions: Counter[str] = Counter()
    inputs = tuple(name for name in judge.rubric.inputs if name not in judge.protocol.writes)
    groups: list[_Group] = []
    labelled = _labelled_pairs(dataset, set(links.values()))
    trained_on = dataset.clusters_with(judge.runs.model.trained_on if judge.runs.model else ())
    for item in dataset.items:
        if not has_inputs(item, inputs):
            exclusions[NO_INPUT] += 1
            continue
        if judge.rubric.has_item_criteria and not item.criteria:
            exclusions[NO_CRITERIA] += 1
            continue
        if item.cluster in trained_on:
            exclusions[TRAINED_ON] += 1
            continue
        for group, reason in _groups(judge, item, systems, labelled):
            if reason is not None:
                exclusions[reason] += 1
                continue
            relation = _relation(judge, group, systems)
            if relation == _UNRELATED or _may_judge(resolved, judge, group, relation):
                groups.append(group)
            else:
                exclusions[f"{judge.rubric.shape}s {_RELATED[relation]}"] += 1
    return _task_groups(judge, dataset.id, groups, systems), dict(exclusions)


def plan_responses(
    judge: ResolvedJudge, item: Item, families: Mapping[str, tuple[str, ...]]
) -> Iterator[PlannedTask]:
    """Yield a judge's tasks on some responses to one item, which belongs to no dataset of a suite.

    Args:
        judge: The judge, with the criteria that are asked.
        item: The item.
        families: The model families of each system that answers, the systems in bytewise order.
    """
    group = _Group(item, tuple(families), 0)
    yield from _task_groups(judge, item.dataset, [group], Systems(families=dict(families)))


def cut_shards(work: Iterable[tuple[str, int]]) -> list[int]:
    """Return the number of the shard of each piece of work, from 1. A cluster is never cut.

    Args:
        work: The cluster and the size of each piece, in the order of the work.
    """
    shards: dict[str, int] = {}
    number, size = 1, 0
    places = []
    for cluster, amount in work:
        if cluster not in shards and size >= SHARD_TASKS:
            number, size = number + 1, 0
        place = shards.setdefault(cluster, number)
        size += amount if place == number else 0
        places.append(place)
    return places


def _groups(
    judge: ResolvedJudge,
    item: Item,
    systems: Systems,
    labelled: set[tuple[str, str, str]],
) -> Iterator[tuple[_Group, str | None]]:
    """Yield each response, pair or list of an item, with the reason if it is left out."""
    candidates: Iterator[tuple[tuple[str, ...], str | None]]
    if judge.rubric.shape is Shape.RESPONSE:
        candidates = (((system,), None) for system in systems.of(item.item_id))
    elif judge.rubric.shape is Shape.LIST:
        names = tuple(systems.of(item.item_id))
        candidates = iter([(names, None if 2 <= len(names) <= len(LIST_LETTERS) else NO_LIST)])
    else:
        candidates = _pairs(judge, item, systems, labelled)
    for names, reason in candidates:
        samples = [systems.samples[item.item_id][system] for system in names]
        shared = frozenset.intersection(*samples)
        for sample in sorted(frozenset.union(*samples)):
            yield _Group(item, names, sample), reason or (None if sample in shared else UNMATCHED)


def _pairs(
    judge: ResolvedJudge,
    item: Item,
    systems: Systems,
    labelled: set[tuple[str, str, str]],
) -> Iterator[tuple[tuple[str, ...], str | None]]:
    choice = judge.spec.pairs
    pairs = list(itertools.combinations(systems.of(item.item_id), 2))
    selection = pairs
    if choice.by == "labelled":
        selection = [pair for pair in pairs if (item.item_id, *pair) in labelled]
    elif choice.by == "baseline":
        selection = [pair for pair in pairs if choice.baseline in pair]
    reasons = dict.fromkeys(pairs, NOT_CHOSEN.get(choice.by)) | dict.fromkeys(selection)
    if choice.cap is not None and choice.cap < len(selection):
        draw = random.Random(digest([judge.spec.seed, item.item_id])).sample(selection, choice.cap)
        reasons |= dict.fromkeys(selection, OVER_CAP) | dict.fromkeys(draw)
    yield from reasons.items()


def _task_groups(judge: ResolvedJudge, dataset: str, groups: list[_Group], systems: Systems) -> Tasks:

    @lru_cache(_OUTLINES)  # nearly all tasks of a judge share theirs
    def plan_judgments(
        criterion: str, responses: int, order: Order | None, row: int, item_criteria: tuple[str, ...]
    ) -> tuple[PlannedJudgment, ...]:
        return judge.protocol.plan(TaskOutline(judge.rubric, criterion, responses, order, row, item_criteria))

    questions = Questions(judge.spec.id, dataset, judge.criteria, judge.spec.samples, plan_judgments)
    all_views = _views(judge, groups)
    samples = len(judge.criteria) * judge.spec.samples
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    ids = [_ids_of_criteria(judge, group.item, shared) for group in groups]
    sizes = [
        (group.item.cluster, samples * len(views) * max(1, len(criteria)))
        for group, views, criteria in zip(groups, all_views, ids, strict=True)
    ]
    return Tasks(
        TaskGroup(
            questions,
            group.item.item_id,
            group.systems,
            group.sample,
            same_family={_UNRELATED: False, _SAME_FAMILY: True}.get(_relation(judge, group, systems)),
            views=views,
            shard=shard,
            item_criteria=criteria,
        )
        for group, views, shard, criteria in zip(groups, all_views, cut_shards(sizes), ids, strict=True)
    )


def _ids_of_criteria(
    judge: ResolvedJudge, item: Item, shared: dict[tuple[str, ...], tuple[str, ...]]
) -> tuple[str, ...]:
    """Return the ids of an item's criteria, where the judge asks these. Equal ones are one object."""
    if not judge.rubric.has_item_criteria:
        return ()
    ids = tuple(criterion.id for criterion in item.criteria)
    return shared.setdefault(ids, ids)


def _views(judge: ResolvedJudge, groups: list[_Group]) -> Iterable[tuple[View, ...]]:
    """Return how each group is shown. Equal views are one object, since there are few of them."""
    spec = judge.spec
    views: Iterable[Iterable[View]]
    if judge.rubric.shape is Shape.LIST:
        views = (
            (
                (None, row)
                for row in choose_list_orders(
                    spec.positions, len(list_orders(len(group.systems))), [spec.seed, group.item.item_id]
                )
            )
            for group in groups
        )
    elif not judge.protocol.uses_positions(judge.rubric):
        views = [((None, 0),)] * len(groups)
    else:
        pairs = [(group.item.item_id, group.systems[0], group.systems[1]) for group in groups]
        views = (((order, 0) for order in shown) for shown in choose_orders(spec.positions, pairs, spec.seed))
    shared: dict[tuple[View, ...], tuple[View, ...]] = {}
    return [shared.setdefault(view, view) for view in map(tuple, views)]


def _labelled_pairs(dataset: SuiteDataset, criteria: set[str]) -> set[tuple[str, str, str]]:
    return {
        (label.item_id, label.system_a, label.system_b)
        for label in dataset.labels
        if label.system_a and label.system_b and label.turn is None
        if not criteria or label.criterion in criteria
    }


def has_inputs(item: Item, inputs: tuple[str, ...]) -> bool:
    """Return whether an item has the data that a rubric shows besides the responses."""
    data = {"question": item.turns, "context": item.context, "reference": item.references}
    return all(data.get(name, True) for name in inputs)


def _relation(judge: ResolvedJudge, group: _Group, systems: Systems) -> str:
    """Return whether judge and responses share a model family: a key of `_RELATED`, or unrelated."""
    judge_families = set(judge.runs.families) - {NOT_AN_LLM}
    families = set().union(*(systems.families[system] for system in group.systems)) - {NOT_AN_LLM}
    if (judge_families & families) - {UNKNOWN}:
        return _SAME_FAMILY
    return UNKNOWN if families and UNKNOWN in judge_families | families else _UNRELATED


def _may_judge(resolved: Resolved, judge: ResolvedJudge, group: _Group, relation: str) -> bool:
    rule = resolved.suite.controls.cross_family
    if rule is CrossFamily.ALLOW:
        return True
    if rule is CrossFamily.EXCLUDE:
        return False
    shares = "shares a family with" if relation == _SAME_FAMILY else "may share a family with"
    raise FamilyError(
        f"the judge ({', '.join(judge.runs.families)}) {shares} the system {' or '.join(group.systems)}",
        where=f"{resolved.path}:judges.{judge.spec.id}",
        value=judge.spec.model,
        allowed="a judge of another family",
        fix="choose another judge, name the families, or set controls.cross_family to exclude or allow",
    )
