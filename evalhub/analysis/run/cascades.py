"""Cascades of the suite: the share of pairs that each stage decides, its agreement with labels, its cost.

A cascade is evaluated on stored verdicts. Every stage has judged every pair of the run, and the cost is that
of the judgments to which escalation would have led. Thresholds are set on half of the clusters of items,
drawn with a seed. Agreement, shares and cost come from the other half.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.labels import consensus_labels, with_label_criterion
from evalhub.analysis.frames.verdicts import pair_verdicts
from evalhub.analysis.results import Results
from evalhub.analysis.run.cost import NO_BATCH_PRICE, NO_COUNTS, UNCOUNTED, engine_time, money_of, price_of
from evalhub.analysis.run.servers import NO_PROBABILITIES
from evalhub.analysis.tables import PAIR, row, table, values
from evalhub.records import digest
from evalhub.specs import CascadeUse

if TYPE_CHECKING:
    import pandas as pd

SEED = 0
DIGITS = 12  # equal confidences differ in the last bits
PEOPLE = "people"
ALL_STAGES = "all judges"
COSTS = ("judgments", "tokens_in", "tokens_out", "seconds", "money")
_REASONS = ("seconds_reason", "money_reason")
_BATCHED = ("batched_in", "batched_out", "batched_cached")
_COUNTS = ("judgments", "requests", "tokens_in", "tokens_out", "tokens_cached", "uncounted", *_BATCHED)
COLUMNS = (
    "dataset", "label_criterion", "annotator_kind", "cascade", "promised_agreement", "promised_confidence",
    "stage", "statistic", "threshold", "threshold_reason", "calibrated_on", "tests_start",
    "disagreement_bound", "asked", "decided", *COSTS, *_REASONS, "not_used",
)  # fmt: skip

_COSTS = f"""
WITH pairs AS (
  SELECT judge, criterion, dataset, item_id, system_a, system_b, sample, count(*) AS judgments,
    list_distinct(flatten(list(completions))) AS keys
  FROM judgments WHERE system_a IS NOT NULL GROUP BY ALL
), used AS (
  SELECT pairs.* EXCLUDE (keys), unnest(keys) AS key FROM pairs
), spent AS (
  SELECT used.* EXCLUDE (key), count(*) AS requests, sum(c.prompt_tokens) AS tokens_in,
    sum(c.completion_tokens) AS tokens_out, sum(c.cached_tokens) AS tokens_cached, {UNCOUNTED} AS uncounted,
    sum(c.prompt_tokens) FILTER (WHERE c.batch) AS batched_in,
    sum(c.completion_tokens) FILTER (WHERE c.batch) AS batched_out,
    sum(c.cached_tokens) FILTER (WHERE c.batch) AS batched_cached
  FROM used JOIN completions c USING (key) GROUP BY ALL
)
SELECT pairs.* EXCLUDE (keys), requests, tokens_in, tokens_out, tokens_cached, uncounted, batched_in,
  batched_out, batched_cached
FROM pairs LEFT JOIN spent USING (judge, criterion, dataset, item_id, system_a, system_b, sample)
ORDER BY ALL
"""

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _LabelledPairs:
    """The labelled pairs of one criterion that every stage judged.

    Attributes:
        pairs: Columns label_winner, cluster, and for stage k winner_k, p_a_k and its costs.
        not_used: How many labelled pairs are not used and why. None = all are.
    """

    pairs: pd.DataFrame
    not_used: str | None


def cascades(results: Results) -> pd.DataFrame:
    """Return what each stage of each cascade decides, one row per stage and statistic.

    Statistics: `share` (decided of all pairs, in [0, 1]) and `agreement` (with the labels, on the decided
    pairs, in [0, 1], higher is better). Stages are the judges in turn, then all of them together, then
    people, who get the undecided pairs.

    Every row also has

    - threshold: of the stage, on |p_a - .5| + .5. None with a reason: the stage hands on every pair.
    - calibrated_on: labelled pairs that the threshold is set on, one for each cluster.
    - tests_start: the number of the most confident pairs on which the first test is done.
    - disagreement_bound: upper confidence bound of the share on which the stage disagrees with the labels, in
      [0, 1], lower is better.
    - asked and decided: pairs of the other half.
    - judgments, tokens, seconds of engine time and money for each pair that the stage decides.
    - not_used: which pairs are left out.
    """
    specs = results.suite.cascades
    rows: list[dict[str, Any]] = []
    if specs:
        verdicts, labels, costs = pair_verdicts(results), consensus_labels(results), results.sql(_COSTS)
        labels = labels[labels["label_winner"].notna()]
        verdicts = verdicts.merge(costs, on=["judge", "criterion", *PAIR], how="left")
        for cascade in specs:
            for key, stage_verdicts, stage_labels in _by_criterion(results, cascade, verdicts, labels):
                key_columns = {
                    **key,
                    "cascade": cascade.id,
                    "promised_agreement": cascade.agreement,
                    "promised_confidence": cascade.confidence,
                }
                labelled = _labelled_pairs(results, cascade.stages, stage_verdicts, stage_labels)
                rows += [{**key_columns, **values} for values in _rows(results, cascade, labelled)]
    frame = table(rows, COLUMNS)
    return frame.astype(dict.fromkeys(("calibrated_on", "tests_start", "asked", "decided"), "Int64"))


def _by_criterion(
    results: Results, cascade: CascadeUse, verdicts: pd.DataFrame, labels: pd.DataFrame
) -> Iterator[tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]]:
    """Yield dataset, criterion and kind of label, with the stages' verdicts and the labels."""
    verdicts = with_label_criterion(results, verdicts[verdicts["judge"].isin(cascade.stages)])
    criterion = cascade.criterion
    applies = (
        verdicts["label_criterion"].isin([criterion]) if criterion else verdicts["label_criterion"] != ""
    )
    by_criterion = verdicts[applies].groupby(["dataset", "label_criterion"], sort=True)
    for (dataset, label_criterion), of_criterion in by_criterion:
        is_label = (labels["dataset"] == dataset) & (labels["label_criterion"] == label_criterion)
        criterion_labels = labels[is_label]
        key = {"dataset": dataset, "label_criterion": label_criterion}
        for kind in sorted(criterion_labels["annotator_kind"].unique()) or [None]:
            of_kind = criterion_labels[criterion_labels["annotator_kind"] == kind]
            yield {**key, "annotator_kind": kind}, of_criterion, of_kind


def _labelled_pairs(
    results: Results, stages: Sequence[str], verdicts: pd.DataFrame, labels: pd.DataFrame
) -> _LabelledPairs:
    clusters = verdicts[[*PAIR, "cluster"]].drop_duplicates(PAIR)
    pairs = labels[[*PAIR, "label_winner"]].merge(clusters, on=PAIR)
    not_used = {"labelled pairs were not put to every judge": len(pairs)}
    for stage, judge in enumerate(stages):
        columns = ["winner", "p_a", *_COUNTS]
        of_judge = verdicts.loc[verdicts["judge"] == judge, [*PAIR, *columns]]
        pairs = pairs.merge(of_judge.rename(columns={name: f"{name}_{stage}" for name in columns}), on=PAIR)
    not_used["labelled pairs were not put to every judge"] -= len(pairs)
    rubrics = [results.rubric(judge) for judge in stages]
    if not any(rubric.ties for rubric in rubrics if rubric):
        ties = pairs["label_winner"] == "tie"
        not_used["pairs are ties to the labels and no judge may say so"] = int(ties.sum())
        pairs = pairs[~ties]
    return _LabelledPairs(
        pairs.sort_values(PAIR).reset_index(drop=True),
        ", ".join(f"{n} {reason}" for reason, n in not_used.items() if n) or None,
    )


def _rows(results: Results, cascade: CascadeUse, labelled: _LabelledPairs) -> Iterator[dict[str, Any]]:
    pairs, judges = labelled.pairs, cascade.stages
    in_setting_half = _setting_half(pairs["cluster"])
    setting, test = pairs[in_setting_half], pairs[~in_setting_half].reset_index(drop=True)
    promise = stats.Promise(cascade.agreement, cascade.confidence)
    clusters = values(setting["cluster"])
    thresholds = stats.set_thresholds(_judged(setting, judges), clusters, promise=promise, seed=SEED)
    cutoffs = [threshold.value for threshold in thresholds]
    judged = _judged(test, judges)
    outcomes = stats.evaluate_cascade(judged, cutoffs, values(test["cluster"]))
    deciding_stage = stats.decided_at([verdicts.confidence for verdicts in judged], cutoffs)
    costs: list[dict[str, Any]] = []
    for stage, (judge, threshold) in enumerate(zip(judges, thresholds, strict=True)):
        costs.append(_cost(results, judge, test[deciding_stage >= stage], stage))
        stage_columns = {
            "stage": judge,
            "threshold": threshold.value,
            "threshold_reason": _reason_if_hard(setting, stage) or threshold.reason,
            "calibrated_on": threshold.n,
            "tests_start": threshold.start,
            "disagreement_bound": threshold.upper_bound,
            "not_used": labelled.not_used,
        }
        yield from _stage_rows(outcomes.stages[stage], stage_columns, costs[-1])
    if len(judges) > 1:
        stage_columns = {"stage": ALL_STAGES, "not_used": labelled.not_used}
        yield from _stage_rows(outcomes.combined, stage_columns, _total_cost(costs))
    n = int((deciding_stage == len(judges)).sum())
    stage_columns = {"stage": PEOPLE, "not_used": labelled.not_used, "asked": n, "decided": n}
    yield row(outcomes.people, **stage_columns, statistic="share")


def _setting_half(clusters: pd.Series[Any]) -> pd.Series[Any]:
    """Return which pairs set thresholds: those of every second cluster, in an order drawn with a seed."""
    order = sorted({str(name) for name in clusters}, key=lambda name: digest([SEED, name]))
    return clusters.astype(str).isin(order[::2])


def _judged(pairs: pd.DataFrame, judges: Sequence[str]) -> list[stats.StageVerdicts]:
    """Return the confidence and the correctness of each stage on the pairs.

    A stage is not confident on a pair where it has no verdict or no probability.
    """
    judged = []
    for stage in range(len(judges)):
        winners, p_a = values(pairs[f"winner_{stage}"]), values(pairs[f"p_a_{stage}"])
        confidence = [
            None if winner is None or p is None else round(min(1.0, abs(p - 0.5) + 0.5), DIGITS)
            for winner, p in zip(winners, p_a, strict=True)
        ]
        right = [float(a == b) for a, b in zip(winners, pairs["label_winner"], strict=True)]
        judged.append(stats.StageVerdicts(confidence, right))
    return judged


def _reason_if_hard(pairs: pd.DataFrame, stage: int) -> str | None:
    """Return why a stage has no threshold where it gives verdicts and no probabilities."""
    if pairs[f"winner_{stage}"].notna().any() and pairs[f"p_a_{stage}"].isna().all():
        return NO_PROBABILITIES
    return None


def _stage_rows(outcome: stats.StageOutcome, stage_columns: Facts, cost: Facts) -> Iterator[dict[str, Any]]:
    """Yield the rows of both statistics, with the cost of each decided pair."""
    cost_per_pair: dict[str, Any] = {
        name: None if cost[name] is None or not outcome.n_decided else cost[name] / outcome.n_decided
        for name in COSTS
    }
    columns = {**stage_columns, "asked": outcome.n, "decided": outcome.n_decided, **cost_per_pair}
    columns |= {name: cost[name] for name in _REASONS}
    yield row(outcome.share, **columns, statistic="share")
    yield row(outcome.agreement, **columns, statistic="agreement")


def _cost(results: Results, judge: str, pairs: pd.DataFrame, stage: int) -> dict[str, Any]:
    """Return the cost of these pairs for the judge."""
    totals: dict[str, Any] = {}
    for name in _COUNTS:
        counts = pairs[f"{name}_{stage}"].dropna()
        totals[name] = int(counts.sum()) if len(counts) or pairs.empty else None
    totals |= _money(results, judge, totals)
    time, requests = engine_time(results, judge), totals["requests"]
    if isinstance(time, str):
        return {**totals, "seconds": None, "seconds_reason": time}
    seconds = None if requests is None else requests * time[0] / time[1]
    return {**totals, "seconds": seconds, "seconds_reason": None}


def _money(results: Results, judge: str, totals: Facts) -> dict[str, Any]:
    price = price_of(results, judge)
    if isinstance(price, str):
        return {"money": None, "money_reason": price}
    if totals["uncounted"] != 0 or totals["tokens_in"] is None:
        return {"money": None, "money_reason": NO_COUNTS}
    tokens = [totals[name] or 0 for name in ("tokens_in", "tokens_out", "tokens_cached")]
    money = money_of(price, tokens, [totals[name] or 0 for name in _BATCHED])
    return {"money": money, "money_reason": NO_BATCH_PRICE if money is None else None}


def _total_cost(costs: Sequence[Facts]) -> dict[str, Any]:
    """Add up the costs of the stages. A total is None where it is None for some stage."""
    reasons = {
        name: "; ".join(dict.fromkeys(cost[name] for cost in costs if cost[name])) or None
        for name in _REASONS
    }
    totals = {
        name: None if any(cost[name] is None for cost in costs) else sum(cost[name] for cost in costs)
        for name in COSTS
    }
    return {**totals, **reasons}
