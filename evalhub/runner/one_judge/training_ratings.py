"""From the labels of a run to the ratings that a head learns from: their prompts, positions and lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evalhub.analysis import Results
from evalhub.analysis.frames.labels import gold_labels
from evalhub.analysis.tables import rows_of
from evalhub.errors import InputError
from evalhub.judging import ORDINAL, Judge, Task
from evalhub.records import Item, Request, RequestKind, Response
from evalhub.runner.one_judge.training_pairs import as_embedding
from evalhub.runner.one_judge.training_rows import dev_rows, draw_examples
from evalhub.scales import Scale
from evalhub.specs import CriterionSpec, Rubric

RATINGS = "ratings"
NOT_APPLICABLE = "ratings that say the criterion does not apply"


@dataclass(frozen=True, slots=True)
class TrainingRating:
    """A response with the level that it has.

    Attributes:
        cluster: The cluster of its item.
        criterion: The criterion of its label.
        position: The label's place among the rubric's levels, 0 for the worst. The consensus of several
            annotators may lie between two levels.
        response: With a text.
    """

    cluster: str
    item: Item
    criterion: str
    position: float
    response: Response

    @property
    def dataset(self) -> str:
        """The dataset of its item."""
        return self.item.dataset

    @property
    def chars(self) -> int:
        """The length of the response."""
        return len(self.response.text or "")


def training_ratings(
    results: Results,
    criteria: Mapping[str, str],
    rubric: Rubric,
    criterion: str,
    *,
    seed: int = 0,
    limit: int | None = None,
) -> tuple[list[TrainingRating], Counter[str]]:
    """Return the rated responses of the dev clusters, and why others are left out.

    Args:
        results: A run that holds the datasets.
        criteria: For each dataset the criterion of its labels.
        rubric: The rubric whose levels are learned.
        criterion: One of its criteria.
        seed: Seed of the draw of dev clusters where a dataset brings no split, and of the draw of ratings.
        limit: Most ratings of each dataset. None for all.

    Raises:
        InputError: There are no labels, none of them may be learned from, or they have another scale.
    """
    scale = rubric.scale_for(criterion) or Scale(())
    label_values = {
        dataset: values_of_levels(scale, results.cards[dataset].criteria[name], f"{dataset}:{name}")
        for dataset, name in criteria.items()
    }
    rows, not_applicable = _labels(results, criteria)
    usable_rows, exclusions = dev_rows(results, rows, ("system",), rubric.inputs, seed=seed, noun=RATINGS)
    ratings = []
    for entry in usable_rows:
        position = position_of(entry.row["label_value"], label_values[entry.item.dataset])
        (response,) = entry.responses
        name = entry.row["label_criterion"]
        ratings.append(TrainingRating(entry.cluster, entry.item, name, position, response))
    exclusions += Counter({NOT_APPLICABLE: not_applicable})
    return draw_examples(ratings, exclusions, seed=seed, limit=limit, noun=RATINGS)


def values_of_levels(scale: Scale, labels: CriterionSpec, name: str) -> tuple[float, ...]:
    """Return the label that stands for each level of a rubric, the worst first.

    Levels stand for one another by their rank. Labels of a range have the rubric's levels where it begins
    and ends with them.

    Args:
        scale: The rubric's levels.
        labels: The criterion of the labels.
        name: What names the labels.

    Raises:
        InputError: The number of levels, or the range, is another one.

    Example:
        >>> from evalhub.specs.levels import scale_of
        >>> labels = CriterionSpec(kind="pointwise", levels={"bad": "It is wrong", "good": "It is right"})
        >>> values_of_levels(scale_of({1: "rude", 2: "kind"}), labels, "set:overall")
        (0.0, 1.0)
    """
    values = scale.values
    if labels.scale is not None:
        if len(labels.scale.values) == len(values):
            return labels.scale.values
        text = f"{len(labels.scale.values)} levels"
    else:
        low, high = labels.range or (0.0, 0.0)
        if (low, high, labels.higher_is_better) == (min(values), max(values), scale.higher_is_better):
            return values
        best = "" if labels.higher_is_better else ", lower is better"
        text = f"numbers from {low:g} to {high:g}{best}"
    direction = "" if scale.higher_is_better else ", lower is better"
    raise InputError(
        "the labels have another scale than the rubric",
        where="--on",
        value=f"{name}: {text}",
        allowed=f"{len(values)} levels, or numbers from {min(values):g} to {max(values):g}{direction}",
        fix="name a rubric with the levels of the labels",
    )


def position_of(label: float, values: tuple[float, ...]) -> float:
    """Return the place of a label among levels, in [0, levels - 1]. Between two levels it is proportional.

    Args:
        label: Between the lowest and the highest value.
        values: The label that stands for each level, rising or falling.

    Example:
        >>> position_of(4.5, (5.0, 3.0, 1.0))
        0.25
    """
    import numpy as np

    sign = 1.0 if values[0] < values[-1] else -1.0
    return float(np.interp(sign * label, sign * np.array(values), np.arange(len(values))))


def rating_request(rubric: Rubric, criterion: str, rating: TrainingRating) -> Request:
    """Return the request of the hidden states at the end of the prompt that a head judges by.

    Args:
        rubric: A pointwise rubric.
        criterion: One of its criteria.
        rating: The response.
    """
    judge = Judge("training", rubric, "training", asks=RequestKind.REWARD)
    steps = ORDINAL.ask(Task(judge, rating.item, criterion, (rating.response,)))
    (request,) = next(steps)
    steps.close()
    return as_embedding(request)


def _labels(results: Results, criteria: Mapping[str, str]) -> tuple[list[dict[str, Any]], int]:
    """Return the consensus of each rated response, and how many say that the criterion does not apply."""
    rows = list(_consensus(results, criteria))
    rated_rows = [row for row in rows if row["label_value"] is not None]
    return rated_rows, len(rows) - len(rated_rows)


def _consensus(results: Results, criteria: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the consensus of each response: that of people, else the one by construction."""
    for row in rows_of(gold_labels(results)):
        if row["system"] is not None and criteria.get(row["dataset"]) == row["label_criterion"]:
            yield row
