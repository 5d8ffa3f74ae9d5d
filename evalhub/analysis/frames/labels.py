"""What the annotators say together, as frames that verdicts and scores are held against."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from evalhub.analysis.results import Results, remembered
from evalhub.records import AnnotatorKind, Label
from evalhub.sources import consensus
from evalhub.specs import CriterionSpec
from evalhub.specs.base import validate

if TYPE_CHECKING:
    import pandas as pd

_ABOUT = ("dataset", "label_criterion", "item_id", "system", "system_a", "system_b", "sample")
_COLUMNS = (
    "dataset", "label_criterion", "annotator_kind", "item_id", "system", "system_a", "system_b", "sample",
    "label_value", "label_winner", "label_shown",
)  # fmt: skip


def criteria(results: Results) -> dict[tuple[str, str], CriterionSpec]:
    """Return each criterion that labels may have, by dataset and name."""
    return {
        (dataset, name): validate(CriterionSpec, spec, f"{results.run.id}: cards.{dataset}.criteria.{name}")
        for dataset, card in results.manifest["cards"].items()
        for name, spec in card.get("criteria", {}).items()
    }


@remembered
def truth(results: Results, *, drawn: bool = False) -> pd.DataFrame:
    """Return one label per response or pair: the annotators' consensus under the card's rule.

    Labels that were drawn by doubt, with different probabilities, are no fair sample: they count only with
    `drawn`; those of the even part, and those without a probability, always do.

    Columns: dataset, label_criterion, annotator_kind, item_id, system, system_a, system_b,
    sample, label_value, label_winner, label_shown (the order in which all annotators saw the pair, if known).
    """
    import pandas as pd

    if drawn and not drawn_by_doubt(results):
        return truth(results)
    groups = _by_criterion(results)
    if not drawn:
        groups = {key: _evenly_drawn(labels) for key, labels in groups.items()}
    specs = criteria(results)
    rows: list[tuple[Any, ...]] = [
        (
            one.dataset, one.criterion, one.annotator_kind.value, one.item_id, one.system, one.system_a,
            one.system_b, one.sample, one.value, one.winner.value if one.winner else None,
            one.shown.value if one.shown else None,
        )
        for key, labels in sorted(groups.items())
        for one in consensus(labels, specs[key])
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def drawn_by_doubt(results: Results) -> int:
    """Count the labels that `truth` leaves out, as they were drawn with different probabilities."""
    return sum(len(labels) - len(_evenly_drawn(labels)) for labels in _by_criterion(results).values())


def _by_criterion(results: Results) -> dict[tuple[str, str], list[Label]]:
    groups: dict[tuple[str, str], list[Label]] = defaultdict(list)
    for label in results.label_records():
        groups[label.dataset, label.criterion].append(label)
    return groups


def _evenly_drawn(labels: list[Label]) -> list[Label]:
    if len({label.probability for label in labels} - {None}) < 2:
        return labels
    return [label for label in labels if label.probability is None or label.uniform]


def ground(results: Results) -> pd.DataFrame:
    """Return `truth` with one label for each response or pair: people's word before what is true by
    construction, and never a model's.
    """
    labels = truth(results)
    rank = labels["annotator_kind"].map({AnnotatorKind.HUMAN: 0, AnnotatorKind.CONSTRUCTED: 1})
    ranked = labels.assign(rank=rank)[rank.notna()].sort_values("rank", kind="stable")
    return ranked.drop(columns="rank").drop_duplicates(list(_ABOUT)).reset_index(drop=True)


def label_criterion(results: Results, judge: str, dataset: str, criterion: str) -> str | None:
    """Return the labels' criterion that a judge's criterion is held against, as the run planned it.

    A recorded judge's criteria are the labels' own.
    """
    planned = results.manifest["against"].get(judge)
    if planned is None:
        return criterion
    found: str | None = planned.get(dataset, {}).get(criterion)
    return found


def with_label_criterion(results: Results, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return verdicts or ratings with a column `label_criterion`, "" where there is none to hold against."""
    import pandas as pd

    keys = zip(verdicts["judge"], verdicts["dataset"], verdicts["criterion"], strict=True)
    held = [label_criterion(results, *key) or "" for key in keys]
    return verdicts.assign(label_criterion=pd.Series(held, index=verdicts.index, dtype=object))
