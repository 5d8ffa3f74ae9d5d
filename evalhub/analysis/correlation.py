"""Ratings, metrics and labels of the same responses side by side: each with people, and with each other."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.results import Results
from evalhub.analysis.tidy import floats, groups, row, table
from evalhub.analysis.truth import label_criterion, truth
from evalhub.analysis.verdicts import ratings

if TYPE_CHECKING:
    import pandas as pd

NAMED = ("dataset", "label_criterion", "annotator_kind", "x", "y", "at", "coefficient", "groups")

LENGTH = "length"

_KEY = ["item_id", "system", "sample"]


def correlations(results: Results) -> pd.DataFrame:
    """Return the correlation of every rating and metric with the labels, and with each other.

    One row per dataset, label criterion, kind of annotator, pair of columns, level (`at`) and
    coefficient. Levels: `pooled` over all responses, `item` (within each item across systems,
    then averaged: the "summary level"), `system` (of the systems' means). `groups` is the number
    of items or systems that entered, `left_out` the groups that are constant or too small.
    """
    rows: list[dict[str, Any]] = []
    for (dataset, criterion, kind), frame in side_by_side(results).items():
        for x, y in itertools.combinations([name for name in frame if name not in (*_KEY, "cluster")], 2):
            found = stats.correlate(
                floats(frame[x]),
                floats(frame[y]),
                items=frame["item_id"].tolist(),
                systems=frame["system"].tolist(),
                clusters=frame["cluster"].tolist(),
            )
            for one in found:
                rows.append(
                    row(
                        one.estimate, dataset=dataset, label_criterion=criterion, annotator_kind=kind,
                        x=x, y=y, at=one.level.value, coefficient=one.coefficient.value,
                        groups=one.estimate.n,
                    )
                )  # fmt: skip
    return table(rows, NAMED)


def side_by_side(results: Results) -> dict[tuple[str, str, str], pd.DataFrame]:
    """Return, for each labelled criterion, one row per labelled response with every number about it.

    Keys are (dataset, label criterion, kind of annotator). The columns are item_id, system, sample,
    `labels`, cluster, each judge that is held against the criterion (and `JUDGE (soft)`;
    `JUDGE: CRITERION` where several of its criteria are), each metric, and `length` in characters:
    the judge that reads nothing.
    """
    labels = truth(results)
    labels = labels[labels["label_value"].notna()]
    rated = ratings(results)
    frames = {}
    for (dataset, criterion, kind), found in groups(labels, "dataset", "label_criterion", "annotator_kind"):
        frame = found[[*_KEY, "label_value"]].rename(columns={"label_value": "labels"})
        frame = frame.merge(_responses(results, dataset), on=_KEY, how="inner")
        held = {
            (judge, name): mine
            for (judge, name), mine in groups(rated[rated["dataset"] == dataset], "judge", "criterion")
            if label_criterion(results, judge, dataset, name) == criterion
        }
        times = Counter(judge for judge, _ in held)
        for (judge, name), mine in held.items():
            called = judge if times[judge] == 1 else f"{judge}: {name}"
            columns = {"value": called, "expected": f"{called} (soft)"}
            columns = {old: new for old, new in columns.items() if mine[old].notna().any()}
            frame = frame.merge(mine[[*_KEY, *columns]].rename(columns=columns), on=_KEY, how="left")
        frame = frame.merge(_metrics(results, dataset), on=_KEY, how="left")
        frame[LENGTH] = frame.pop("chars")
        frames[dataset, criterion, kind] = frame.sort_values(_KEY, ignore_index=True)
    return frames


def _responses(results: Results, dataset: str) -> pd.DataFrame:
    """Return the responses of a dataset that are held against references: key, cluster and length."""
    apart = results.manifest["cards"][dataset].get("reference_systems") or []
    return results.sql(
        "SELECT r.item_id, r.system, r.sample, i.cluster, r.chars FROM responses r "
        "JOIN items i USING (dataset, item_id) "
        "WHERE dataset = $dataset AND NOT list_contains($apart::VARCHAR[], r.system)",
        {"dataset": dataset, "apart": list(apart)},
    )


def _metrics(results: Results, dataset: str) -> pd.DataFrame:
    scores = results.sql(
        "SELECT item_id, system, sample, metric, value FROM scores "
        "WHERE dataset = $dataset AND criterion IS NULL AND metric NOT IN ('chars', 'words')",
        {"dataset": dataset},
    )
    wide = scores.pivot(index=_KEY, columns="metric", values="value").reset_index()
    wide.columns.name = None
    return wide.dropna(axis="columns", how="all") if len(wide) else wide[_KEY]
