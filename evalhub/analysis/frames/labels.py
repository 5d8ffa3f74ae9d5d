"""The annotators' consensus labels, as frames with which verdicts and scores are compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalhub.analysis.results import Results, cached_table
from evalhub.analysis.tables import by_key
from evalhub.records import AnnotatorKind, Label, key_of
from evalhub.scales import Kind, Winner
from evalhub.sources import consensus
from evalhub.specs import CriterionSpec
from evalhub.specs.card import ConsensusRule
from evalhub.store import ADJUDICATED

if TYPE_CHECKING:
    import pandas as pd

_ABOUT = ("dataset", "label_criterion", "item_id", "system", "system_a", "system_b", "sample")
_COLUMNS = (
    "dataset", "label_criterion", "annotator_kind", "item_id", "system", "system_a", "system_b", "sample",
    "label_value", "label_winner", "label_shown",
)  # fmt: skip
_OF_ITEMS = (
    "dataset", "label_criterion", "annotator_kind", "item_id", "system", "sample", "item_criterion",
    "label_value",
)  # fmt: skip


def criteria(results: Results) -> dict[tuple[str, str], CriterionSpec]:
    """Return the criteria of the labels as the cards define them, by dataset and name.

    A criterion of labels that people added is that of the rubric which the labels are about.
    """
    defined = {
        (dataset, name): spec
        for dataset, card in results.cards.items()
        for name, spec in card.criteria.items()
    }
    added = {(label.dataset, label.criterion): label.winner is not None for label in results.added_labels}
    for key, is_pairwise in added.items():
        spec = defined.get(key) or _criterion_of_rubric(results, key[1], is_pairwise=is_pairwise)
        if spec.consensus is None and spec.kind is Kind.POINTWISE:
            # Without a rule, ratings of two annotators count only where they are equal.
            spec = spec.model_copy(update={"consensus": ConsensusRule(annotators="*", by="mean")})
        defined[key] = spec
    return defined


def _criterion_of_rubric(results: Results, name: str, *, is_pairwise: bool) -> CriterionSpec:
    """Return the criterion of labels on a judge's own criterion. Several annotators have a consensus."""
    if is_pairwise:
        levels = tuple(Winner)
        rule = ConsensusRule(annotators="*", by="majority")
        return CriterionSpec(kind=Kind.PAIRWISE, levels=levels, consensus=rule)
    rubrics = (results.rubric(judge) for judge in results.judges)
    of_criterion = [rubric for rubric in rubrics if rubric and name in rubric.criteria]
    scales = [scale for rubric in of_criterion if (scale := rubric.scale_for(name))]
    values = [value for scale in scales for value in scale.values]
    values = values or [label.value for label in results.added_labels if label.value is not None]
    return CriterionSpec(
        kind=Kind.POINTWISE,
        range=(min(values), max(values)),
        higher_is_better=not of_criterion or of_criterion[0].higher_is_better(name),
        consensus=ConsensusRule(annotators="*", by="mean"),
    )


@cached_table
def consensus_labels(results: Results, *, with_uncertainty_sampled: bool = False) -> pd.DataFrame:
    """Return one label per response or pair: the annotators' consensus under the card's rule.

    Labels that were drawn with different probabilities, by the judge's uncertainty, are no uniform sample.
    They count only with `with_uncertainty_sampled`. Labels of the uniform part of a labelling queue, and
    labels without a probability, always count.

    Where annotators differ and somebody decided between them, the decision is the consensus.

    Labels on the criteria of items are those of `criterion_labels`.

    Columns: dataset, label_criterion, annotator_kind, item_id, system, system_a, system_b,
    sample, label_value, label_winner, label_shown (the order in which all annotators saw the pair, if known).
    """
    import pandas as pd

    if with_uncertainty_sampled and not count_uncertainty_sampled(results):
        return consensus_labels(results)
    groups = _by_criterion(results)
    if not with_uncertainty_sampled:
        groups = {key: _uniform_sample(labels) for key, labels in groups.items()}
    rows: list[tuple[Any, ...]] = [
        (
            label.dataset, label.criterion, label.annotator_kind.value, label.item_id, label.system,
            label.system_a, label.system_b, label.sample, label.value,
            label.winner.value if label.winner else None, label.shown.value if label.shown else None,
        )
        for label in _consensus(results, groups)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(_COLUMNS))


@cached_table
def criterion_labels(results: Results) -> pd.DataFrame:
    """Return one label per response and criterion of its item: the consensus, as in `consensus_labels`.

    Columns: dataset, label_criterion, annotator_kind, item_id, system, sample, item_criterion, label_value
    (missing where the annotators find that the criterion does not apply).
    """
    import pandas as pd

    rows = [
        (
            label.dataset, label.criterion, label.annotator_kind.value, label.item_id, label.system,
            label.sample, label.item_criterion, label.value,
        )
        for label in _consensus(results, _by_criterion(results, of_items=True))
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(_OF_ITEMS))


def _consensus(results: Results, groups: Mapping[tuple[str, str], list[Label]]) -> Iterator[Label]:
    specs = criteria(results)
    for key, labels in sorted(groups.items()):
        yield from consensus(_adjudicate(labels), specs[key])


def _adjudicate(labels: list[Label]) -> list[Label]:
    """Return labels of which each annotator of an adjudicated unit gives the decision.

    So the decision is the consensus by any rule of a card, and an annotator whom the rule leaves out does not
    bring it in. A decision counts only while annotators differ.
    """
    decisions = {key_of(label)[:-1]: label for label in labels if label.annotator == ADJUDICATED}
    if not decisions:
        return labels
    answers: dict[tuple[Any, ...], set[Any]] = defaultdict(set)
    for label in labels:
        if label.annotator != ADJUDICATED:
            answers[key_of(label)[:-1]].add((label.winner, label.value, label.not_applicable))
    labels = [
        label for label in labels if label.annotator != ADJUDICATED or len(answers[key_of(label)[:-1]]) > 1
    ]
    decisions = {key: label for key, label in decisions.items() if len(answers[key]) > 1}
    keyed = ((decisions.get(key_of(label)[:-1]), label) for label in labels)
    return [
        replace(label, winner=decision.winner, value=decision.value, not_applicable=False)
        if decision and label.annotator_kind is decision.annotator_kind
        else label
        for decision, label in keyed
    ]


def count_uncertainty_sampled(results: Results) -> int:
    """Count the labels that were drawn by uncertainty, which `consensus_labels` leaves out by default."""
    return sum(len(labels) - len(_uniform_sample(labels)) for labels in _by_criterion(results).values())


def _by_criterion(results: Results, *, of_items: bool = False) -> dict[tuple[str, str], list[Label]]:
    """Return the labels of each criterion: those on responses and pairs, or those on criteria of items."""
    groups: dict[tuple[str, str], list[Label]] = defaultdict(list)
    for label in results.label_records():
        if (label.item_criterion is not None) is of_items:
            groups[label.dataset, label.criterion].append(label)
    return groups


def _uniform_sample(labels: list[Label]) -> list[Label]:
    if len({label.probability for label in labels} - {None}) < 2:
        return labels
    return [label for label in labels if label.probability is None or label.uniform]


def gold_labels(results: Results) -> pd.DataFrame:
    """Return one consensus label per response or pair: the human one, else the one by construction.

    Labels of models never count as gold. The columns are those of `consensus_labels`.
    """
    labels = consensus_labels(results)
    rank = labels["annotator_kind"].map({AnnotatorKind.HUMAN: 0, AnnotatorKind.CONSTRUCTED: 1})
    ranked = labels.assign(rank=rank)[rank.notna()].sort_values("rank", kind="stable")
    return ranked.drop(columns="rank").drop_duplicates(list(_ABOUT)).reset_index(drop=True)


def label_criterion(results: Results, judge: str, dataset: str, criterion: str) -> str | None:
    """Return the labels' criterion with which a judge's criterion is compared. None = there is none.

    The run's plan decides. The criteria of a recorded judge are those of the labels.
    """
    planned = results.manifest.label_criteria.get(judge)
    if planned is None:
        return criterion
    if name := planned.get(dataset, {}).get(criterion):
        return name
    is_added = any((label.dataset, label.criterion) == (dataset, criterion) for label in results.added_labels)
    return criterion if is_added else None


def with_label_criterion(results: Results, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return verdicts or ratings with the column `label_criterion`, "" where there is no such criterion."""
    names = by_key(
        verdicts, ("judge", "dataset", "criterion"), lambda *key: label_criterion(results, *key) or ""
    )
    return verdicts.assign(label_criterion=names.astype("category"))
