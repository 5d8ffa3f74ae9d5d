"""Ratings, metrics and labels of the same responses side by side, one row for each response."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from evalhub.analysis.frames.directions import Directions, length_names
from evalhub.analysis.frames.labels import criteria, label_criterion, truth
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


def column_directions(
    results: Results, about: Mapping[str, str], names: Sequence[str]
) -> dict[str, bool | None]:
    """Return whether a higher value is better in each column of a frame of `by_response`; None = neither.

    Args:
        results: The run.
        about: What the frame is about.
        names: Its columns of numbers.
    """
    dataset, criterion = about["dataset"], about["label_criterion"]
    directions = Directions(results)
    judges = {
        called: directions.of_judge(dataset, judge, own)
        for called, (judge, own, _) in held(results, ratings(results), dataset, criterion).items()
    }

    def direction(name: str) -> bool | None:
        if name == "labels":
            return directions.of_labels(dataset, criterion)
        if (judge := name.removesuffix(SOFT)) in judges:
            return judges[judge]
        return None if name == LENGTH else directions.of_metric(dataset, name)

    return {name: direction(name) for name in names}


def oriented_by_response(results: Results) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """Yield what `by_response` does with higher = better in every column; the length stays as it is."""
    for about, frame in by_response(results):
        higher = column_directions(results, about, number_columns(frame))
        yield about, frame.assign(**{name: -frame[name] for name, rises in higher.items() if rises is False})


def by_response(results: Results) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """Yield what `side_by_side` returns with several samples of one item and system averaged."""
    for (dataset, criterion, kind), samples in side_by_side(results).items():
        numbers = [name for name in samples if name not in (*_KEY, "cluster")]
        responses = samples.astype(dict.fromkeys(numbers, "float64")).groupby(_RESPONSE, as_index=False)
        about = {"dataset": dataset, "label_criterion": criterion, "annotator_kind": kind}
        yield about, responses[numbers].mean()


def number_columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns of a frame of `by_response` that hold numbers: labels, judges, metrics, length."""
    return [str(name) for name in frame if name not in _RESPONSE]


def raters_of(results: Results, frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return the judges of a frame of `by_response`, and its metrics and the length.

    Args:
        results: The run.
        frame: Its columns are raters, besides the keys and the labels.
    """
    judges = set(ratings(results)["judge"])
    names = [str(name) for name in frame if name not in (*_RESPONSE, "labels")]
    mine = [name for name in names if name.removesuffix(SOFT).partition(": ")[0] in judges]
    return mine, [name for name in names if name not in mine]


def side_by_side(results: Results) -> dict[tuple[str, str, str], pd.DataFrame]:
    """Return, for each labelled criterion, one row per labelled response with every number about it.

    Keys are (dataset, label criterion, kind of annotator). The columns are item_id, system, sample,
    `labels`, cluster, each judge that is held against the criterion (and `JUDGE (soft)`;
    `JUDGE: CRITERION` where several of its criteria are), each metric, and `length` in characters,
    where the texts are known: the judge that reads nothing. Reference systems are left out.
    """
    labels = truth(results)
    labels = labels[labels["label_value"].notna()]
    rated, specs = ratings(results), criteria(results)
    frames = {}
    for (dataset, criterion, kind), found in groups(labels, "dataset", "label_criterion", "annotator_kind"):
        frame = found[[*_KEY, "label_value"]].rename(columns={"label_value": "labels"})
        apart = results.manifest["cards"][dataset].get("reference_systems") or []
        frame = frame[~frame["system"].isin(apart)]
        frame = frame.merge(_clusters(results, dataset), on="item_id", how="inner")
        for called, (_, _, mine) in held(results, rated, dataset, criterion).items():
            columns = {"value": called, "expected": f"{called}{SOFT}"}
            columns = {old: new for old, new in columns.items() if mine[old].notna().any()}
            frame = frame.merge(mine[[*_KEY, *columns]].rename(columns=columns), on=_KEY, how="left")
        if specs[dataset, criterion].turn is None:
            frame = _measured(results, dataset, frame)
        frames[dataset, criterion, kind] = frame.sort_values(_KEY, ignore_index=True)
    return frames


def _measured(results: Results, dataset: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with the metrics and the length, which are those of whole responses."""
    frame = frame.merge(_metrics(results, dataset), on=_KEY, how="left")
    frame = frame.merge(_lengths(results, dataset), on=_KEY, how="left").rename(columns={"chars": LENGTH})
    return frame if frame[LENGTH].notna().any() else frame.drop(columns=LENGTH)


def held(
    results: Results, rated: pd.DataFrame, dataset: str, criterion: str
) -> dict[str, tuple[str, str, pd.DataFrame]]:
    """Return the judges that are held against a labelled criterion, by the name of their column.

    Args:
        results: The run.
        rated: As `ratings` returns it.
        dataset: Of the labels.
        criterion: The labels' criterion.

    Returns:
        Judge, its own criterion, and its ratings.
    """
    found = [
        (judge, name, mine)
        for (judge, name), mine in groups(rated[rated["dataset"] == dataset], "judge", "criterion")
        if label_criterion(results, judge, dataset, name) == criterion
    ]
    times = Counter(judge for judge, _, _ in found)
    return {one[0] if times[one[0]] == 1 else f"{one[0]}: {one[1]}": one for one in found}


def _clusters(results: Results, dataset: str) -> pd.DataFrame:
    return results.sql("SELECT item_id, cluster FROM items WHERE dataset = $dataset", {"dataset": dataset})


def _lengths(results: Results, dataset: str) -> pd.DataFrame:
    query = "SELECT item_id, system, sample, chars FROM responses WHERE dataset = $dataset"
    return results.sql(query, {"dataset": dataset})


def metric_scores(results: Results, dataset: str) -> pd.DataFrame:
    """Return the scores of a dataset's responses under all metrics that are no lengths.

    The length has a column and a rule of its own in the tables that hold metrics against labels.
    """
    lengths = length_names(results.manifest.get("metrics", {}))
    return results.sql(_METRIC_SCORES, {"dataset": dataset, "lengths": lengths})


def _metrics(results: Results, dataset: str) -> pd.DataFrame:
    scores = metric_scores(results, dataset)
    wide = scores.pivot(index=_KEY, columns="metric", values="value").reset_index()
    wide.columns.name = None
    return wide.dropna(axis="columns", how="all") if len(wide) else wide[_KEY]
