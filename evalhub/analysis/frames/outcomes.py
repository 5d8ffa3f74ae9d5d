"""Outcomes: the values whose means rank the systems, one row per system, item and measure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial, reduce
from operator import and_
from typing import TYPE_CHECKING, Any

from evalhub.analysis.frames.directions import Directions
from evalhub.analysis.frames.labels import consensus_labels, count_uncertainty_sampled, criteria
from evalhub.analysis.frames.verdicts import pair_verdicts, ratings
from evalhub.analysis.results import Results, cached_table
from evalhub.analysis.tables import by_key, floats, groups, stacked
from evalhub.scales import Scale, Winner

if TYPE_CHECKING:
    import pandas as pd

ABOUT = ("dataset", "rater_kind", "rater", "criterion", "measure")
COLUMNS = (
    *ABOUT, "system", "other", "item_id", "sample", "cluster", "value", "floor", "ceiling",
    "higher_is_better", "withheld",
)  # fmt: skip

_TEXTS = (*ABOUT, "system", "other", "item_id", "cluster")
_NUMBERS = dict.fromkeys(("value", "floor", "ceiling"), "float64")
_TYPES: dict[str, Any] = {**_NUMBERS, "higher_is_better": object}

WIN_RATE = "win rate"
MEAN_SCORE = "mean score"
SOFT = "{} (soft)"
PENALISED = "{} (length-penalised)"

_POINTS_A = {winner.value: winner.points for winner in Winner}
_POINTS_B = {winner.value: winner.swapped().points for winner in Winner}
# A failed response has no score. It counts as failed under each metric of the suite, as under each judge.
_SCORES = """
WITH known AS (SELECT * FROM scores WHERE criterion IS NULL),
failed AS (
  SELECT DISTINCT k.metric, r.dataset, r.system, r.item_id, r.sample
  FROM (SELECT DISTINCT dataset, metric FROM known WHERE source = 'generated') k
  JOIN responses r USING (dataset)
  ANTI JOIN known USING (dataset, metric, system, item_id, sample)
  WHERE r.failure IS NOT NULL
)
SELECT s.dataset, s.metric AS rater, s.metric AS measure, s.system, s.item_id, s.sample, s.value, i.cluster
FROM (SELECT dataset, metric, system, item_id, sample, value FROM known
  UNION ALL BY NAME SELECT *, NULL AS value FROM failed) s
JOIN items i USING (dataset, item_id) ORDER BY ALL
"""
Bounds = tuple[float | None, float | None]


@cached_table
def outcomes(results: Results, *, with_uncertainty_sampled: bool = False) -> pd.DataFrame:
    """Return the value that each judge, metric and kind of label gives each system on each item.

    Columns: dataset, kind (judge, metric, labels), rater, criterion ("" = none), measure, system, other (the
    opponent, "" where the value is of one response), item_id, sample, cluster, value (missing = failed),
    floor and ceiling (bounds of the values, missing = not known), higher_is_better (missing = neither),
    withheld (why the rater's numbers do not rank the systems, None = they do). The value is 1 for a win, 0.5
    for a tie and 0 for a loss, or a probability, a rating, a score. A response to which the criterion does
    not apply has no row.

    Measures: `win rate`, `win rate (soft)`, `mean score`, `mean score (soft)`, each metric, and `mean label`.
    Where the run has a length penalty, win rate and mean score also come after the penalty. Only the
    datasets of `Results.ranked_datasets` have rows. Labels that were drawn by the judge's uncertainty enter
    only with `with_uncertainty_sampled`.
    """
    import pandas as pd

    if with_uncertainty_sampled and not count_uncertainty_sampled(results):
        return outcomes(results)
    ranked = results.ranked_datasets
    label_rows = partial(_label_rows, with_uncertainty_sampled=with_uncertainty_sampled)
    parts = [
        frame[frame["dataset"].isin(ranked)]
        for source in (_pair_rows, _rating_rows, _metric_rows, label_rows)
        for frame in source(results)
    ]
    parts = [frame for frame in parts if len(frame)]
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    frame = stacked([_complete(part) for part in parts])
    frame["withheld"] = _reasons(results, frame)
    return frame


def _complete(part: pd.DataFrame) -> pd.DataFrame:
    """Return rows with all columns: texts as categories, "" where there is no criterion or opponent."""
    part = part.reindex(columns=list(COLUMNS)).astype(_TYPES)
    for name in ("criterion", "other"):
        if part[name].isna().all():
            part[name] = ""
    return part.astype(dict.fromkeys(_TEXTS, "category"))


def _pair_rows(results: Results) -> Iterator[pd.DataFrame]:
    pairs = pair_verdicts(results).assign(rater_kind="judge").rename(columns={"judge": "rater"})
    yield _wins(pairs, "winner", WIN_RATE)
    soft = pairs[_has_any(pairs, "p_a")]
    yield _sides(soft, SOFT.format(WIN_RATE), soft["p_a"], 1 - soft["p_a"])
    if results.length_penalty:
        yield _wins(pairs, "winner_penalised", PENALISED.format(WIN_RATE))


def _has_any(frame: pd.DataFrame, column: str) -> pd.Series[bool]:
    """Mark each row whose judge has a value of this column anywhere under the criterion."""
    present = frame[column].notna()
    return present.groupby([frame[name] for name in ("dataset", "rater", "criterion")]).transform("any")


def _wins(pairs: pd.DataFrame, winner: str, measure: str) -> pd.DataFrame:
    return _sides(pairs, measure, pairs[winner].map(_POINTS_A), pairs[winner].map(_POINTS_B))


def _sides(pairs: pd.DataFrame, measure: str, a: pd.Series[float], b: pd.Series[float]) -> pd.DataFrame:
    """Return each pair twice, once for each of its systems."""
    import pandas as pd

    rows = pairs.assign(measure=measure, floor=0.0, ceiling=1.0, higher_is_better=True)
    rows_a = rows.assign(system=pairs["system_a"], other=pairs["system_b"], value=a.astype("float64"))
    rows_b = rows.assign(system=pairs["system_b"], other=pairs["system_a"], value=b.astype("float64"))
    return pd.concat([rows_a, rows_b], ignore_index=True)


def _rating_rows(results: Results) -> Iterator[pd.DataFrame]:
    rated = ratings(results)
    rated = rated.assign(rater_kind="judge", higher_is_better=Directions(results).of_judges(rated))
    rated = rated[~rated["not_applicable"].astype(bool)].rename(columns={"judge": "rater"})
    measures = {MEAN_SCORE: "value", SOFT.format(MEAN_SCORE): "expected"}
    if results.length_penalty:
        measures[PENALISED.format(MEAN_SCORE)] = "value_penalised"
    for measure, column in measures.items():
        rows = rated[_has_any(rated, column)] if column == "expected" else rated
        rows = rows.assign(measure=measure, value=rows[column].astype("float64"))
        for (judge, criterion), group in groups(rows, "rater", "criterion"):
            # A recorded judge has no rubric. A penalised score may lie outside the scale.
            rubric = None if column == "value_penalised" else results.rubric(judge)
            if rubric and rubric.has_item_criteria:
                for (dataset,), of_dataset in groups(group, "dataset"):
                    floor, ceiling = results.cards[dataset].score_bounds or (None, None)
                    yield of_dataset.assign(floor=floor, ceiling=ceiling)
                continue
            floor, ceiling = _ends(rubric.scale_for(criterion) if rubric else None)
            yield group.assign(floor=floor, ceiling=ceiling)


def _ends(scale: Scale | None) -> Bounds:
    return (min(scale.values), max(scale.values)) if scale else (None, None)


def _metric_rows(results: Results) -> Iterator[pd.DataFrame]:
    scores = results.coded_sql(_SCORES)
    directions = Directions(results)
    for (dataset, metric), group in groups(scores, "dataset", "rater"):
        floor, ceiling = directions.bounds_of_metric(dataset, metric) or (None, None)
        higher = directions.of_metric(dataset, metric)
        yield group.assign(rater_kind="metric", floor=floor, ceiling=ceiling, higher_is_better=higher)


def _label_rows(results: Results, *, with_uncertainty_sampled: bool = False) -> Iterator[pd.DataFrame]:
    clusters = results.sql("SELECT dataset, item_id, cluster FROM items")
    labels = consensus_labels(results, with_uncertainty_sampled=with_uncertainty_sampled)
    labels = labels.merge(clusters, on=["dataset", "item_id"])
    labels = labels.assign(
        rater_kind="labels", criterion=labels["label_criterion"], rater=labels["annotator_kind"] + " labels"
    )
    specs = criteria(results)
    rated = labels[labels["label_value"].notna()]
    for (dataset, criterion), group in groups(rated, "dataset", "criterion"):
        spec = specs[dataset, criterion]
        floor, ceiling = spec.range or _ends(spec.scale)
        rows = group.assign(measure="mean label", value=group["label_value"], floor=floor, ceiling=ceiling)
        yield rows.assign(higher_is_better=spec.higher_is_better)
    yield _wins(labels[labels["label_winner"].notna()], "label_winner", WIN_RATE)


STOPPED_EARLY = (
    "judging stopped where the order was settled, sooner for some pairs; read the sequential tests"
)


def _reasons(results: Results, frame: pd.DataFrame) -> pd.Series[Any]:
    """Return for each row why its rater's numbers are withheld. None = they are not.

    A pair that is decided early has fewer judgments, so means over all judgments are biased.
    """
    stopping = results.manifest.early_stopping
    early = {(pair.dataset, pair.judge, pair.criterion) for pair in (stopping.pairs if stopping else ())}
    return by_key(
        frame, ("dataset", "rater", "criterion"), lambda *key: STOPPED_EARLY if key in early else None
    )


def rows_of_measure(results: Results, measure: Sequence[str]) -> pd.DataFrame:
    """Return the rows of `outcomes` of one measure.

    Args:
        results: The run.
        measure: Dataset, kind of rater, rater, criterion and measure.
    """
    rows = outcomes(results)
    are_equal = (rows[name] == value for name, value in zip(ABOUT, measure, strict=True))
    return rows[reduce(and_, are_equal)]


def withheld_reason(rows: pd.DataFrame) -> str | None:
    """Return why the numbers of one rater, criterion and measure are withheld. None = they are not.

    Args:
        rows: Rows of `outcomes` of one dataset, rater and criterion, at least one.
    """
    reason = rows["withheld"].iat[0]
    return reason if isinstance(reason, str) else None


def withheld_reasons(all_rows: pd.DataFrame) -> dict[tuple[str, str, str], str | None]:
    """Return `withheld_reason` by dataset, rater and criterion, for tables that are not made of outcomes.

    Args:
        all_rows: All rows of `outcomes`.
    """
    key = ["dataset", "rater", "criterion"]
    rows = all_rows.drop_duplicates(key)
    reasons = [reason if isinstance(reason, str) else None for reason in rows["withheld"]]
    return dict(zip(rows[key].itertuples(index=False, name=None), reasons, strict=True))


def bounds_of(rows: pd.DataFrame) -> tuple[float, float] | None:
    """Return the lowest and highest possible value of rows of `outcomes`. None = not known."""
    (floor,), (ceiling,) = floats(rows["floor"][:1]), floats(rows["ceiling"][:1])
    return None if floor is None or ceiling is None else (floor, ceiling)
