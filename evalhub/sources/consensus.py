"""One consensus label from the labels of several annotators."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from evalhub.records import Label, key_of, sort_key
from evalhub.specs import CriterionSpec

CONSENSUS = "consensus"


def consensus(labels: Iterable[Label], spec: CriterionSpec) -> tuple[Label, ...]:
    """Return one label for each response or pair that the annotators agree on.

    Labels of different kinds of annotators are never mixed: each kind has its own label.

    Args:
        labels: Labels of one criterion, in any order.
        spec: The criterion. Its `consensus` has the rule and the annotators that count. Without `consensus`
            every response has at most one label, which is returned.

    Returns:
        Labels of the annotator "consensus", sorted by key. `majority` needs more than half of the votes for
        one outcome, or there is no label. `mean` and `median` are over the applicable labels. If half of the
        labels or more are not applicable, neither is the consensus.

    Example:
        >>> spec = CriterionSpec(
        ...     kind="pointwise", range=(1, 5), consensus={"annotators": "expert-*", "by": "mean"}
        ... )
        >>> rated = [
        ...     Label("d", "i", "fluency", name, "human", system="s", value=value)
        ...     for name, value in (("expert-1", 4.0), ("expert-2", 5.0), ("crowd-1", 1.0))
        ... ]
        >>> [label.value for label in consensus(rated, spec)]
        [4.5]
    """
    pattern = spec.consensus.annotators if spec.consensus else "*"
    groups: dict[tuple[Any, ...], list[Label]] = defaultdict(list)
    for label in labels:
        if fnmatchcase(label.annotator, pattern):
            groups[(*key_of(label)[:-1], label.annotator_kind)].append(label)
    decisions = (_decide(group, spec) for group in groups.values())
    return tuple(sorted((label for label in decisions if label is not None), key=sort_key))


def _decide(group: Sequence[Label], spec: CriterionSpec) -> Label | None:
    first = group[0]
    by = spec.consensus.by if spec.consensus else "majority"
    # The outcome of a label that is not applicable is None.
    outcomes = [label.value if label.winner is None else label.winner for label in group]
    values = [label.value for label in group if label.value is not None]
    verdict: Any
    if by == "majority":
        verdict, votes = Counter(outcomes).most_common(1)[0]
        if 2 * votes <= len(group):
            return None
    elif 2 * len(values) <= len(group):
        verdict = None
    else:
        verdict = statistics.fmean(values) if by == "mean" else statistics.median(values)
    shown = {label.shown for label in group}
    return Label(
        dataset=first.dataset,
        item_id=first.item_id,
        criterion=first.criterion,
        annotator=CONSENSUS,
        annotator_kind=first.annotator_kind,
        system=first.system,
        system_a=first.system_a,
        system_b=first.system_b,
        sample=first.sample,
        winner=verdict if first.winner is not None else None,
        value=verdict if first.winner is None else None,
        shown=shown.pop() if len(shown) == 1 else None,
        not_applicable=verdict is None,
        item_criterion=first.item_criterion,
    )
