"""Which askings of one judge a dataset gives, and what of it the judge is not asked."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from evalhub.errors import FamilyError, SpecError
from evalhub.judging import LETTERS, Outline, Part, list_rows, orders, rows
from evalhub.models import NOT_AN_LLM, UNKNOWN
from evalhub.records import Item, digest, prompt_sha256
from evalhub.runner.plan.resolve import Resolved, ResolvedJudge
from evalhub.scales import Kind, Order
from evalhub.sources import Dataset
from evalhub.specs import Card, CrossFamily

OF = {"response": "responses", "response_a": "pairs", "response_b": "pairs", "responses": "lists"}

# What is left out, each by what is counted and why.
NO_INPUT = "items without an input of the rubric"
TRAINED_ON = "items of clusters the judge was trained on"
NOT_CHOSEN = {
    "labelled": "pairs without a label (pairs.by)",
    "baseline": "pairs without the baseline (pairs.by)",
}
OVER_CAP = "pairs over the cap of their item (pairs.cap)"
UNMATCHED = "pairs of which one system has no such sample"
NO_LIST = f"lists of fewer than 2 or more than {len(LETTERS)} responses"
_APART = {
    "same": "of the judge's own family (controls.cross_family)",
    UNKNOWN: "whose family, or the judge's, is unknown (controls.cross_family)",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One planned asking, in terms of ids.

    Attributes:
        row: The order in which a list is shown.
        repeat: Number of the sample.
        parts: The judgments that it ends in.
    """

    judge: str
    dataset: str
    item_id: str
    criterion: str
    systems: tuple[str, ...]
    sample: int
    shown: Order | None
    row: int
    repeat: int
    same_family: bool | None
    parts: tuple[Part, ...]

    @property
    def keys(self) -> tuple[tuple[object, ...], ...]:
        """The keys of the judgments that the asking ends in."""
        return tuple(self._key(part) for part in self.parts)

    def _key(self, part: Part) -> tuple[object, ...]:
        about = [self.systems[place] for place in part.systems]
        system, a, b = (about[0], None, None) if len(about) == 1 else (None, *about)
        return (
            self.dataset, self.judge, part.criterion, self.item_id, system, a, b,
            self.sample, part.shown, self.row, self.repeat,
        )  # fmt: skip


@dataclass(slots=True)
class Systems:
    """Who answers the items of a dataset: families by system, samples by item and system."""

    families: dict[str, tuple[str, ...]] = field(default_factory=dict)
    samples: dict[str, dict[str, set[int]]] = field(default_factory=dict)

    def add(self, item_id: str, system: str, sample: int, families: tuple[str, ...]) -> None:
        """Say that a system answers an item."""
        self.families[system] = tuple(sorted({*self.families.get(system, ()), *families}))
        self.samples.setdefault(item_id, {}).setdefault(system, set()).add(sample)

    def of(self, item_id: str) -> list[str]:
        """Return the systems that answer an item, in bytewise order."""
        return sorted(self.samples.get(item_id, {}), key=str.encode)


def systems_of(resolved: Resolved, dataset: Dataset) -> Systems:
    """Return who answers the items of a dataset: recorded systems with their texts, or with the
    failures that stand for them, and the candidates.

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


def judge_cells(
    resolved: Resolved, judge: ResolvedJudge, dataset: Dataset, systems: Systems
) -> tuple[list[Cell], dict[str, int], dict[str, str]]:
    """Return the askings of one judge on one dataset, what is left out, and the labels held against.

    Raises:
        FamilyError: The judge shares a family with a response it would judge, under `require`.
    """
    links = {
        criterion: label
        for criterion in judge.criteria
        if (label := label_criterion(dataset.card, criterion, judge.rubric.kind, judge.spec.against))
        is not None
    }
    of = OF[judge.rubric.shows[0]]
    left_out: Counter[str] = Counter()
    needed = tuple(name for name in judge.rubric.inputs if name not in judge.protocol.writes)
    groups: list[tuple[Item, tuple[str, ...], int]] = []
    labelled = _labelled_pairs(dataset, set(links.values()))
    trained_on = _trained_clusters(judge, dataset)
    for item in dataset.items:
        if not has_inputs(item, needed):
            left_out[NO_INPUT] += 1
            continue
        if item.cluster in trained_on:
            left_out[TRAINED_ON] += 1
            continue
        for group, sample, why in _groups(judge, item, systems, labelled):
            if why is not None:
                left_out[why] += 1
                continue
            relation = _relation(judge, group, systems)
            if relation == "apart" or _allowed(resolved, judge, group, relation):
                groups.append((item, group, sample))
            else:
                left_out[f"{of} {_APART[relation]}"] += 1
    return _cells(judge, groups, systems), dict(left_out), links


def _trained_clusters(judge: ResolvedJudge, dataset: Dataset) -> set[str]:
    """Return the clusters of which the judge has seen any item in training."""
    trained_on = judge.runs.model.trained_on if judge.runs.model else frozenset()
    return {item.cluster for item in dataset.items if trained_on and prompt_sha256(item) in trained_on}


def label_criterion(card: Card, criterion: str, kind: Kind, against: Mapping[str, str]) -> str | None:
    """Return the criterion of the labels that a rubric's criterion is held against.

    The suite's word first, then the criterion of the same name, then the only one of the
    same kind; None where that leaves a choice, or where this dataset has no such labels. A judge sees a whole
    response, so labels of one turn are not held against it.
    """
    fitting = [name for name, spec in card.criteria.items() if spec.kind is kind and spec.turn is None]
    wanted = against.get(criterion, criterion)
    if wanted in fitting:
        return wanted
    return fitting[0] if len(fitting) == 1 and criterion not in against else None


def _groups(
    judge: ResolvedJudge,
    item: Item,
    systems: Systems,
    labelled: set[tuple[str, str, str]],
) -> Iterator[tuple[tuple[str, ...], int, str | None]]:
    """Yield each response or pair of an item, with why it is not wanted."""
    groups: Iterator[tuple[tuple[str, ...], str | None]]
    if judge.rubric.kind is Kind.POINTWISE:
        groups = (((system,), None) for system in systems.of(item.item_id))
    elif judge.rubric.shows == ("responses",):
        whole = tuple(systems.of(item.item_id))
        groups = iter([(whole, None if 2 <= len(whole) <= len(LETTERS) else NO_LIST)])
    else:
        groups = _pairs(judge, item, systems, labelled)
    for group, why in groups:
        samples = [systems.samples[item.item_id][system] for system in group]
        shared = set.intersection(*samples)
        for sample in sorted(set.union(*samples)):
            yield group, sample, why or (None if sample in shared else UNMATCHED)


def _pairs(
    judge: ResolvedJudge,
    item: Item,
    systems: Systems,
    labelled: set[tuple[str, str, str]],
) -> Iterator[tuple[tuple[str, ...], str | None]]:
    choice = judge.spec.pairs
    pairs = list(itertools.combinations(systems.of(item.item_id), 2))
    chosen = pairs
    if choice.by == "labelled":
        chosen = [pair for pair in pairs if (item.item_id, *pair) in labelled]
    elif choice.by == "baseline":
        chosen = [pair for pair in pairs if choice.baseline in pair]
    why_not = dict.fromkeys(pairs, NOT_CHOSEN.get(choice.by)) | dict.fromkeys(chosen)
    if choice.cap is not None and choice.cap < len(chosen):
        drawn = random.Random(digest([judge.spec.seed, item.item_id])).sample(chosen, choice.cap)
        why_not |= dict.fromkeys(chosen, OVER_CAP) | dict.fromkeys(drawn)
    yield from why_not.items()


def _cells(
    judge: ResolvedJudge, groups: list[tuple[Item, tuple[str, ...], int]], systems: Systems
) -> list[Cell]:
    return [
        Cell(
            judge=judge.spec.id,
            dataset=item.dataset,
            item_id=item.item_id,
            criterion=criterion,
            systems=group,
            sample=sample,
            shown=order,
            row=row,
            repeat=repeat,
            same_family={"apart": False, "same": True}.get(_relation(judge, group, systems)),
            parts=judge.protocol.parts(Outline(judge.rubric, criterion, len(group), order, row)),
        )
        for (item, group, sample), views in zip(groups, _views(judge, groups), strict=True)
        for criterion in judge.criteria
        for repeat in range(judge.spec.samples)
        for order, row in views
    ]


def _views(
    judge: ResolvedJudge, groups: list[tuple[Item, tuple[str, ...], int]]
) -> list[list[tuple[Order | None, int]]]:
    """Return how each group is shown: the orders of a pair, or the rows of a list."""
    spec = judge.spec
    if judge.rubric.shows == ("responses",):
        return [
            [(None, row) for row in list_rows(spec.positions, _rows(judge, group), [spec.seed, item.item_id])]
            for item, group, _ in groups
        ]
    if judge.rubric.kind is Kind.POINTWISE or judge.protocol.both_orders:
        return [[(None, 0)]] * len(groups)
    pairs = [(item.item_id, group[0], group[1]) for item, group, _ in groups]
    return [[(order, 0) for order in shown] for shown in orders(spec.positions, pairs, spec.seed)]


def _rows(judge: ResolvedJudge, group: tuple[str, ...]) -> int:
    return len(rows(len(group))) if judge.rubric.shows == ("responses",) else 1


def _labelled_pairs(dataset: Dataset, criteria: set[str]) -> set[tuple[str, str, str]]:
    return {
        (label.item_id, label.system_a, label.system_b)
        for label in dataset.labels
        if label.system_a and label.system_b and label.turn is None
        if not criteria or label.criterion in criteria
    }


def has_inputs(item: Item, inputs: tuple[str, ...]) -> bool:
    """Whether an item has what a rubric shows besides the responses."""
    has = {"question": item.turns, "context": item.context, "reference": item.references}
    return all(has.get(name, True) for name in inputs)


def _relation(judge: ResolvedJudge, group: tuple[str, ...], systems: Systems) -> str:
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
