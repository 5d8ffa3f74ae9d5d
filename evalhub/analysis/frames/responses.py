"""Ratings, metrics and labels of the same responses, one row per response."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from evalhub.analysis.frames.directions import Directions, length_names
from evalhub.analysis.frames.labels import consensus_labels, criteria, label_criterion
from evalhub.analysis.frames.verdicts import ratings
from evalhub.analysis.results import Results
from evalhub.analysis.tables import groups
from evalhub.specs.rater_names import LENGTH

if TYPE_CHECKING:
    import pandas as pd

SOFT = " (soft)"


_METRIC_SCORES = """
SELECT dataset, item_id, system, sample, metric, value FROM scores
WHERE criterion IS NULL AND NOT list_contains($lengths, metric) AND dataset = $dataset
"""


_KEY = ["item_id", "system", "sample"]

_RESPONSE = ["item_id", "system", "cluster"]


class JudgeRatings(NamedTuple):
    """The ratings of a judge under one of its criteria.

    Attributes:
        name: Id of the judge.
        criterion: The judge's criterion.
        ratings: Its rows of `ratings`.
    """

    name: str
    criterion: str
    ratings: pd.DataFrame


def column_directions(
    results: Results, keys: Mapping[str, str], names: Sequence[str]
) -> dict[str, bool | None]:
    """Return whether a higher value is better in each column of a frame of `averaged_responses`.

    Args:
        results: The run.
        keys: Dataset, label criterion and kind of annotator of the frame.
        names: The frame's columns of numbers.

    Returns:
        True, False, or None where neither direction is better, by column.
    """
    dataset, criterion = keys["dataset"], keys["label_criterion"]
    directions = Directions(results)
    judges = {
        column: directions.of_judge(dataset, judge.name, judge.criterion)
        for column, judge in judges_of_criterion(results, ratings(results), dataset, criterion).items()
    }

    def direction(name: str) -> bool | None:
        if name == "labels":
            return directions.of_labels(dataset, criterion)
        if (judge := name.removesuffix(SOFT)) in judges:
            return judges[judge]
        return None if name == LENGTH else directions.of_metric(dataset, name)

    return {name: direction(name) for name in names}


def oriented_responses(results: Results) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """Yield the frames of `averaged_responses` with all columns turned so that higher is better.

    The length has no direction and stays as it is.
    """
    for keys, frame in averaged_responses(results):
        directions = column_directions(results, keys, number_columns(frame))
        lower_is_better = [name for name, higher in directions.items() if higher is False]
        yield keys, frame.assign(**{name: -frame[name] for name in lower_is_better})


def averaged_responses(results: Results) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """Yield the keys and frames of `labelled_responses`, averaged over the samples of an item and system."""
    for (dataset, criterion, kind), samples in labelled_responses(results).items():
        numbers = [name for name in samples if name not in (*_KEY, "cluster")]
        responses = samples.astype(dict.fromkeys(numbers, "float64")).groupby(_RESPONSE, as_index=False)
        keys = {"dataset": dataset, "label_criterion": criterion, "annotator_kind": kind}
        yield keys, responses[numbers].mean()


def number_columns(frame: pd.DataFrame) -> list[str]:
    """Return the number columns of a frame of `averaged_responses`: labels, judges, metrics and length."""
    return [str(name) for name in frame if name not in _RESPONSE]


def judges_and_metrics(results: Results, frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return the names of two groups of columns of a frame of `averaged_responses`.

    Args:
        results: The run.
        frame: A frame of `averaged_responses`. Its columns are raters, besides the keys and the labels.

    Returns:
        The columns of judges, and those of metrics and the length.
    """
    ids = set(ratings(results)["judge"])
    names = [str(name) for name in frame if name not in (*_RESPONSE, "labels")]
    judges = [name for name in names if name.removesuffix(SOFT).partition(": ")[0] in ids]
    return judges, [name for name in names if name not in judges]


def labelled_responses(results: Results) -> dict[tuple[str, str, str], pd.DataFrame]:
    """Return, for each labelled criterion, one row per labelled response with its label, ratings and scores.

    Keys are (dataset, label criterion, kind of annotator). The columns are item_id, system, sample,
    `labels`, cluster, each judge that is compared with the criterion, `JUDGE (soft)` for its expected
    ratings, each metric, and `length` in characters, where the texts are known. A judge with several criteria
    for these labels has one column `JUDGE: CRITERION` for each. Reference systems are left out.
    """
    labels = consensus_labels(results)
    labels = labels[labels["label_value"].notna()]
    rated, specs = ratings(results), criteria(results)
    frames = {}
    for (dataset, criterion, kind), group in groups(labels, "dataset", "label_criterion", "annotator_kind"):
        frame = group[[*_KEY, "label_value"]].rename(columns={"label_value": "labels"})
        reference_systems = results.cards[dataset].reference_systems
        frame = frame[~frame["system"].isin(reference_systems)]
        frame = frame.merge(_clusters(results, dataset), on="item_id", how="inner")
        for column, judge in judges_of_criterion(results, rated, dataset, criterion).items():
            columns = {"value": column, "expected": f"{column}{SOFT}"}
            columns = {old: new for old, new in columns.items() if judge.ratings[old].notna().any()}
            values = judge.ratings[[*_KEY, *columns]].rename(columns=columns)
            frame = frame.merge(values, on=_KEY, how="left")
        if specs[dataset, criterion].turn is None:
            frame = _with_metrics(results, dataset, frame)
        frames[dataset, criterion, kind] = frame.sort_values(_KEY, ignore_index=True)
    return frames


def _with_metrics(results: Results, dataset: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with the metrics and the length, which exist only for whole responses."""
    frame = frame.merge(_metrics(results, dataset), on=_KEY, how="left")
    frame = frame.merge(_lengths(results, dataset), on=_KEY, how="left").rename(columns={"chars": LENGTH})
    return frame if frame[LENGTH].notna().any() else frame.drop(columns=LENGTH)


def judges_of_criterion(
    results: Results, rated: pd.DataFrame, dataset: str, criterion: str
) -> dict[str, JudgeRatings]:
    """Return the judges that are compared with a labelled criterion, by the name of their column.

    Args:
        results: The run.
        rated: As `ratings` returns it.
        dataset: The dataset of the labels.
        criterion: The labels' criterion.
    """
    judges = [
        JudgeRatings(judge, judge_criterion, group)
        for (judge, judge_criterion), group in groups(
            rated[rated["dataset"] == dataset], "judge", "criterion"
        )
        if label_criterion(results, judge, dataset, judge_criterion) == criterion
    ]
    counts = Counter(judge.name for judge in judges)
    return {
        judge.name if counts[judge.name] == 1 else f"{judge.name}: {judge.criterion}": judge
        for judge in judges
    }


def _clusters(results: Results, dataset: str) -> pd.DataFrame:
    return results.sql("SELECT item_id, cluster FROM items WHERE dataset = $dataset", {"dataset": dataset})


def _lengths(results: Results, dataset: str) -> pd.DataFrame:
    query = "SELECT item_id, system, sample, chars FROM responses WHERE dataset = $dataset"
    return results.sql(query, {"dataset": dataset})


def metric_scores(results: Results, dataset: str) -> pd.DataFrame:
    """Return the scores of a dataset's responses under all metrics that are no lengths.

    The length has a column and a rule of its own in the tables that hold metrics against labels.
    """
    lengths = length_names(results.manifest.metrics)
    return results.sql(_METRIC_SCORES, {"dataset": dataset, "lengths": lengths})


def _metrics(results: Results, dataset: str) -> pd.DataFrame:
    scores = metric_scores(results, dataset)
    wide = scores.pivot(index=_KEY, columns="metric", values="value").reset_index()
    wide.columns.name = None
    return wide.dropna(axis="columns", how="all") if len(wide) else wide[_KEY]
