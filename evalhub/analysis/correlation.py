"""Ratings, metrics and labels of the same responses side by side: each with people, and with each other."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.direction import OPPOSED, Directions, length_names
from evalhub.analysis.results import Results
from evalhub.analysis.tidy import floats, groups, row, table
from evalhub.analysis.truth import criteria, label_criterion, truth
from evalhub.analysis.verdicts import ratings

if TYPE_CHECKING:
    import pandas as pd

NAMED = (
    "dataset", "label_criterion", "annotator_kind", "x", "y", "x_higher_is_better", "y_higher_is_better",
    "at", "coefficient", "reading", "groups",
)  # fmt: skip

SOFT = " (soft)"
LENGTH = "length"
AGREES, OPPOSES = "agrees", "opposes"

_METRIC_SCORES = """
SELECT dataset, item_id, system, sample, metric, value FROM scores
WHERE criterion IS NULL AND NOT list_contains($lengths, metric) AND dataset = $dataset
"""

NO_RATERS = frozenset({"item_id", "system", "sample", "cluster", "labels", LENGTH})
"""Columns of `side_by_side` that no judge and no metric can be called."""

_KEY = ["item_id", "system", "sample"]
_RESPONSE = ["item_id", "system", "cluster"]


def correlations(results: Results) -> pd.DataFrame:
    """Return the correlation of every rating and metric with the labels, and with each other.

    One row per dataset, label criterion, kind of annotator, pair of columns, level (`at`) and coefficient.
    Levels: `pooled` over all responses, `item` (within each item across systems, then averaged: the "summary
    level"), `system` (of the systems' means). Several samples of one item and system are averaged first. The
    correlation is that of the values as they are. `reading` allows for their directions: `agrees` or
    `opposes` where the interval is on one side of 0, None where it is not or where one of the two has no
    direction. `groups` is the number of items or systems that entered, `left_out` the groups that are
    constant or too small.
    """
    rows: list[dict[str, Any]] = []
    for about, frame in by_response(results):
        numbers = _numbers(frame)
        higher = column_directions(results, about, numbers)
        for x, y in itertools.combinations(numbers, 2):
            found = stats.correlate(
                floats(frame[x]),
                floats(frame[y]),
                items=frame["item_id"].tolist(),
                systems=frame["system"].tolist(),
                clusters=frame["cluster"].tolist(),
            )
            known = None not in (higher[x], higher[y])
            named = {
                **about,
                "x": x,
                "y": y,
                "x_higher_is_better": higher[x],
                "y_higher_is_better": higher[y],
            }
            for one in found:
                estimate, reading = one.estimate, None
                if known:
                    estimate, reading = _read(estimate, opposed=higher[x] is not higher[y])
                rows.append(
                    row(
                        estimate, **named, at=one.level.value, coefficient=one.coefficient.value,
                        reading=reading, groups=estimate.n,
                    )
                )  # fmt: skip
    return table(rows, NAMED)


def _read(estimate: stats.Estimate, *, opposed: bool) -> tuple[stats.Estimate, str | None]:
    """Return a correlation that says where its two run in opposite directions, and what it shows."""
    if estimate.estimate is None:
        return estimate, None
    oriented = estimate
    if opposed:
        oriented = estimate.negated()
        estimate = replace(estimate, reason="; ".join(filter(None, (estimate.reason, OPPOSED))))
    if oriented.low is None or oriented.high is None:
        return estimate, None
    return estimate, AGREES if oriented.low > 0 else OPPOSES if oriented.high < 0 else None


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
        higher = column_directions(results, about, _numbers(frame))
        yield about, frame.assign(**{name: -frame[name] for name, rises in higher.items() if rises is False})


def by_response(results: Results) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """Yield what `side_by_side` returns with several samples of one item and system averaged."""
    for (dataset, criterion, kind), samples in side_by_side(results).items():
        numbers = [name for name in samples if name not in (*_KEY, "cluster")]
        responses = samples.astype(dict.fromkeys(numbers, "float64")).groupby(_RESPONSE, as_index=False)
        about = {"dataset": dataset, "label_criterion": criterion, "annotator_kind": kind}
        yield about, responses[numbers].mean()


def _numbers(frame: pd.DataFrame) -> list[str]:
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
