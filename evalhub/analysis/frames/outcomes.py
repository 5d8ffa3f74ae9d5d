"""The values whose means rank the systems: one row per system, item and measure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from evalhub.analysis.frames.directions import Directions
from evalhub.analysis.frames.labels import criteria, drawn_by_doubt, truth
from evalhub.analysis.frames.verdicts import pair_verdicts, ratings
from evalhub.analysis.results import Results, remembered
from evalhub.analysis.tables import floats, groups
from evalhub.scales import Scale

if TYPE_CHECKING:
    import pandas as pd

ABOUT = ("dataset", "kind", "rater", "criterion", "measure")
COLUMNS = (
    *ABOUT, "system", "other", "item_id", "sample", "cluster", "value", "floor", "ceiling",
    "higher_is_better", "withheld",
)  # fmt: skip

WIN_RATE = "win rate"
MEAN_SCORE = "mean score"
SOFT = "{} (soft)"
PENALISED = "{} (length-penalised)"

_WINS = {"a": {"a": 1.0, "tie": 0.5, "b": 0.0}, "b": {"a": 0.0, "tie": 0.5, "b": 1.0}}
# A response that failed has no score: under each metric of the suite it failed, as under each judge.
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


@remembered
def measured(results: Results, *, drawn: bool = False) -> pd.DataFrame:
    """Return what judges, metrics and people said of each system, item by item.

    Columns: dataset, kind (judge, metric, labels), rater, criterion ("" = none), measure, system, other (the
    opponent; "" where the value is of the response alone), item_id, sample, cluster, value (a win 1, a tie
    one half, a loss 0; a probability; a rating; missing = failed), floor and ceiling (of the values; missing
    = not known), higher_is_better (missing = neither), withheld (why the rater's numbers do not rank the
    systems; None = they do). A response to which the criterion does not apply has no row.
    Measures: `win rate` and `win rate (soft)`, `mean score` and `mean score (soft)`, both after the length
    penalty where the run has one, each metric, `mean label`. Datasets whose systems are anonymous are
    not ranked, nor is a run of attacks. Labels drawn by doubt enter where `drawn` is set, else those of the
    even part alone.
    """
    import pandas as pd

    if drawn and not drawn_by_doubt(results):
        return measured(results)
    cards = results.manifest["cards"]
    ranked = (
        [] if "attack" in results.manifest else [n for n, card in cards.items() if not card.get("anonymous")]
    )
    parts = [
        frame[frame["dataset"].isin(ranked)]
        for part in (_pairs, _ratings, _metrics, partial(_labels, drawn=drawn))
        for frame in part(results)
    ]
    parts = [frame for frame in parts if len(frame)]
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    frame = pd.concat([part.reindex(columns=list(COLUMNS)) for part in parts], ignore_index=True)
    for name in ("value", "floor", "ceiling"):
        frame[name] = frame[name].astype("float64")
    frame["higher_is_better"] = frame["higher_is_better"].astype(object)
    for name in ("criterion", "other"):
        frame[name] = frame[name].astype(object).fillna("")
    frame["withheld"] = _reasons(results, frame)
    return frame


def _pairs(results: Results) -> Iterator[pd.DataFrame]:
    pairs = pair_verdicts(results).assign(kind="judge").rename(columns={"judge": "rater"})
    yield _wins(pairs, "winner", WIN_RATE)
    soft = pairs[_any_of(pairs, "p_a")]
    yield _sides(soft, SOFT.format(WIN_RATE), soft["p_a"], 1 - soft["p_a"])
    if _has_penalty(results):
        yield _wins(pairs, "winner_penalised", PENALISED.format(WIN_RATE))


def _any_of(frame: pd.DataFrame, column: str) -> pd.Series[bool]:
    """Say of each row whether its judge gave this column at all for the criterion."""
    given = frame[column].notna()
    return given.groupby([frame[name] for name in ("dataset", "rater", "criterion")]).transform("any")


def _wins(pairs: pd.DataFrame, winner: str, measure: str) -> pd.DataFrame:
    return _sides(pairs, measure, pairs[winner].map(_WINS["a"]), pairs[winner].map(_WINS["b"]))


def _sides(pairs: pd.DataFrame, measure: str, a: pd.Series[float], b: pd.Series[float]) -> pd.DataFrame:
    """Return each pair twice, once as each of its systems sees it."""
    import pandas as pd

    said = pairs.assign(measure=measure, floor=0.0, ceiling=1.0, higher_is_better=True)
    one = said.assign(system=pairs["system_a"], other=pairs["system_b"], value=a.astype("float64"))
    two = said.assign(system=pairs["system_b"], other=pairs["system_a"], value=b.astype("float64"))
    return pd.concat([one, two], ignore_index=True)


def _ratings(results: Results) -> Iterator[pd.DataFrame]:
    rated = ratings(results)
    rated = rated.assign(kind="judge", higher_is_better=Directions(results).of_judges(rated))
    rated = rated[~rated["not_applicable"].astype(bool)].rename(columns={"judge": "rater"})
    measures = {MEAN_SCORE: "value", SOFT.format(MEAN_SCORE): "expected"}
    if _has_penalty(results):
        measures[PENALISED.format(MEAN_SCORE)] = "value_penalised"
    for measure, column in measures.items():
        found = rated[_any_of(rated, column)] if column == "expected" else rated
        told = found.assign(measure=measure, value=found[column].astype("float64"))
        for (judge, criterion), mine in groups(told, "rater", "criterion"):
            # A recorded judge has no rubric, and a penalised score may leave the scale.
            rubric = None if column == "value_penalised" else results.rubric(judge)
            floor, ceiling = _ends(rubric.scale_for(criterion) if rubric else None)
            yield mine.assign(floor=floor, ceiling=ceiling)


def _ends(scale: Scale | None) -> Bounds:
    return (min(scale.values), max(scale.values)) if scale else (None, None)


def _metrics(results: Results) -> Iterator[pd.DataFrame]:
    scores = results.sql(_SCORES)
    directions = Directions(results)
    for (dataset, metric), found in groups(scores, "dataset", "rater"):
        floor, ceiling = directions.bounds_of_metric(dataset, metric) or (None, None)
        higher = directions.of_metric(dataset, metric)
        yield found.assign(kind="metric", floor=floor, ceiling=ceiling, higher_is_better=higher)


def _labels(results: Results, *, drawn: bool = False) -> Iterator[pd.DataFrame]:
    clusters = results.sql("SELECT dataset, item_id, cluster FROM items")
    labels = truth(results, drawn=drawn).merge(clusters, on=["dataset", "item_id"])
    labels = labels.assign(
        kind="labels", criterion=labels["label_criterion"], rater=labels["annotator_kind"] + " labels"
    )
    specs = criteria(results)
    rated = labels[labels["label_value"].notna()]
    for (dataset, criterion), mine in groups(rated, "dataset", "criterion"):
        spec = specs[dataset, criterion]
        floor, ceiling = spec.range or _ends(spec.scale)
        told = mine.assign(measure="mean label", value=mine["label_value"], floor=floor, ceiling=ceiling)
        yield told.assign(higher_is_better=spec.higher_is_better)
    yield _wins(labels[labels["label_winner"].notna()], "label_winner", WIN_RATE)


def _has_penalty(results: Results) -> bool:
    return bool(results.manifest["resolved"]["suite"]["controls"]["length_penalty"])


STOPPED_EARLY = "judging stopped where the order was settled, sooner for some pairs; read the table Settled"


def _reasons(results: Results, frame: pd.DataFrame) -> pd.Series[Any]:
    """Return for each row why its rater's numbers are withheld; None = they are not.

    A judge that stopped early judged some pairs of systems less often than others.
    """
    import pandas as pd

    pairs = (results.manifest.get("settled") or {}).get("pairs", ())
    early = {(pair["dataset"], pair["judge"], pair["criterion"]) for pair in pairs}
    keys = zip(frame["dataset"], frame["rater"], frame["criterion"], strict=True)
    reasons = [STOPPED_EARLY if key in early else None for key in keys]
    return pd.Series(reasons, index=frame.index, dtype=object)


def withheld_reason(rows: pd.DataFrame) -> str | None:
    """Return why the numbers of one rater, criterion and measure are withheld; None = they are not.

    Args:
        rows: Rows of `measured` of one dataset, rater and criterion; at least one.
    """
    reason = rows["withheld"].iat[0]
    return reason if isinstance(reason, str) else None


def withheld_reasons(all_rows: pd.DataFrame) -> dict[tuple[str, str, str], str | None]:
    """Return `withheld_reason` by dataset, rater and criterion, for tables that are not made of outcomes.

    Args:
        all_rows: All rows of `measured`.
    """
    key = ["dataset", "rater", "criterion"]
    rows = all_rows.drop_duplicates(key)
    reasons = [reason if isinstance(reason, str) else None for reason in rows["withheld"]]
    return dict(zip(rows[key].itertuples(index=False, name=None), reasons, strict=True))


def bounds(found: pd.DataFrame) -> tuple[float, float] | None:
    """Return the lowest and highest value that there can be in rows of `measured`; None = not known."""
    (floor,), (ceiling,) = floats(found["floor"][:1]), floats(found["ceiling"][:1])
    return None if floor is None or ceiling is None else (floor, ceiling)
