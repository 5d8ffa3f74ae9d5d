"""What each cascade of the suite decides, how well, and what it would have cost.

A cascade is worked out on stored verdicts: every stage has judged every pair of the run, and the cost is
what escalation alone would have spent. Thresholds are set on half of the clusters of items, drawn with a
seed; agreement, shares and cost come from the other half.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.labels import consensus_labels, with_label_criterion
from evalhub.analysis.frames.verdicts import pair_verdicts
from evalhub.analysis.results import Results
from evalhub.analysis.run.cost import engine_time
from evalhub.analysis.run.servers import NO_PROBABILITIES
from evalhub.analysis.tables import PAIR, row, table, values
from evalhub.records import digest

if TYPE_CHECKING:
    import pandas as pd

SEED = 0
DIGITS = 12  # equal confidences differ in the last bits
PEOPLE = "people"
TOGETHER = "all judges"
COSTS = ("judgments", "tokens_in", "tokens_out", "seconds")
NAMED = (
    "dataset", "label_criterion", "annotator_kind", "cascade", "promised_agreement", "promised_confidence",
    "stage", "statistic", "threshold", "threshold_reason", "calibrated_on", "tests_start",
    "disagreement_bound", "asked", "decided", *COSTS, "seconds_reason", "not_used",
)  # fmt: skip

_COSTS = """
WITH pairs AS (
  SELECT judge, criterion, dataset, item_id, system_a, system_b, sample, count(*) AS judgments,
    list_distinct(flatten(list(completions))) AS keys
  FROM judgments WHERE system_a IS NOT NULL GROUP BY ALL
), used AS (
  SELECT pairs.* EXCLUDE (keys), unnest(keys) AS key FROM pairs
), spent AS (
  SELECT used.* EXCLUDE (key), count(*) AS requests, sum(c.prompt_tokens) AS tokens_in,
    sum(c.completion_tokens) AS tokens_out
  FROM used JOIN completions c USING (key) GROUP BY ALL
)
SELECT pairs.* EXCLUDE (keys), spent.requests, spent.tokens_in, spent.tokens_out
FROM pairs LEFT JOIN spent USING (judge, criterion, dataset, item_id, system_a, system_b, sample)
ORDER BY ALL
"""

Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Ground:
    """The labelled pairs of one criterion that every stage judged, and why others are not among them.

    `pairs` has label_winner, cluster, and for the stage k winner_k, p_a_k and what it spent.
    """

    pairs: pd.DataFrame
    not_used: str | None


def cascades(results: Results) -> pd.DataFrame:
    """Return what each stage of each cascade decides: a row for each statistic.

    The statistics are `share` (decided of all pairs, in [0, 1]) and `agreement` (with the labels, on what is
    decided, in [0, 1], higher is better). Stages are the judges in turn, then all of them together, then
    people, who get what is left. Every row also has the stage's threshold (on |p_a - .5| + .5; None with a
    reason: the stage hands on everything), calibrated_on (labelled pairs its threshold rests on, one for
    each cluster), tests_start (the most confident of them, on which its first test is done),
    disagreement_bound (upper confidence bound of the share on which it disagrees with the labels, in [0, 1],
    lower is better), asked and decided (pairs of the other half), and its cost for each pair that it decides:
    judgments, tokens, and seconds in which its engine was busy. `not_used` says which pairs are left out.
    """
    told = results.manifest["resolved"]["suite"].get("cascades", ())
    rows: list[dict[str, Any]] = []
    if told:
        verdicts, labels, costs = pair_verdicts(results), consensus_labels(results), results.sql(_COSTS)
        labels = labels[labels["label_winner"].notna()]
        verdicts = verdicts.merge(costs, on=["judge", "criterion", *PAIR], how="left")
        for cascade in told:
            for about, mine, labelled in _grounds(results, cascade, verdicts, labels):
                named = {
                    **about,
                    "cascade": cascade["id"],
                    "promised_agreement": cascade["agreement"],
                    "promised_confidence": cascade["confidence"],
                }
                ground = _ground(results, cascade["stages"], mine, labelled)
                rows += [{**named, **one} for one in _rows(results, cascade, ground)]
    found = table(rows, NAMED)
    return found.astype(dict.fromkeys(("calibrated_on", "tests_start", "asked", "decided"), "Int64"))


def _grounds(
    results: Results, cascade: Told, verdicts: pd.DataFrame, labels: pd.DataFrame
) -> Iterator[tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]]:
    """Yield dataset, criterion and kind of label, with the stages' verdicts and the labels."""
    mine = with_label_criterion(results, verdicts[verdicts["judge"].isin(cascade["stages"])])
    wanted = cascade["criterion"]
    mine = mine[mine["label_criterion"].isin([wanted]) if wanted else mine["label_criterion"] != ""]
    for (dataset, criterion), said in mine.groupby(["dataset", "label_criterion"], sort=True):
        found = labels[(labels["dataset"] == dataset) & (labels["label_criterion"] == criterion)]
        about = {"dataset": dataset, "label_criterion": criterion}
        kinds = sorted(found["annotator_kind"].unique()) or [None]
        for kind in kinds:
            yield {**about, "annotator_kind": kind}, said, found[found["annotator_kind"] == kind]


def _ground(results: Results, stages: Sequence[str], said: pd.DataFrame, labels: pd.DataFrame) -> _Ground:
    pairs = labels[[*PAIR, "label_winner"]].merge(said[[*PAIR, "cluster"]].drop_duplicates(PAIR), on=PAIR)
    unused = {"labelled pairs were not put to every judge": len(pairs)}
    for place, judge in enumerate(stages):
        columns = ["winner", "p_a", "judgments", "requests", "tokens_in", "tokens_out"]
        own = said.loc[said["judge"] == judge, [*PAIR, *columns]]
        pairs = pairs.merge(own.rename(columns={name: f"{name}_{place}" for name in columns}), on=PAIR)
    unused["labelled pairs were not put to every judge"] -= len(pairs)
    rubrics = [results.rubric(judge) for judge in stages]
    if not any(rubric.ties for rubric in rubrics if rubric):
        ties = pairs["label_winner"] == "tie"
        unused["pairs are ties to the labels and no judge may say so"] = int(ties.sum())
        pairs = pairs[~ties]
    return _Ground(
        pairs.sort_values(PAIR).reset_index(drop=True),
        ", ".join(f"{n} {why}" for why, n in unused.items() if n) or None,
    )


def _rows(results: Results, cascade: Told, ground: _Ground) -> Iterator[dict[str, Any]]:
    pairs, judges = ground.pairs, cascade["stages"]
    setting = _setting_half(pairs["cluster"])
    half, rest = pairs[setting], pairs[~setting].reset_index(drop=True)
    promise = stats.Promise(cascade["agreement"], cascade["confidence"])
    clusters = values(half["cluster"])
    thresholds = stats.set_thresholds(_judged(half, judges), clusters, promise=promise, seed=SEED)
    least = [one.value for one in thresholds]
    judged = _judged(rest, judges)
    found = stats.measure(judged, least, values(rest["cluster"]))
    at = stats.decided_at([one.confidence for one in judged], least)
    spent: list[dict[str, Any]] = []
    for place, (judge, threshold) in enumerate(zip(judges, thresholds, strict=True)):
        spent.append(_spent(results, judge, rest[at >= place], place))
        said = {
            "stage": judge,
            "threshold": threshold.value,
            "threshold_reason": _silent(half, place) or threshold.reason,
            "calibrated_on": threshold.n,
            "tests_start": threshold.start,
            "disagreement_bound": threshold.bound,
            "not_used": ground.not_used,
        }
        yield from _both(found.stages[place], said, spent[-1])
    if len(judges) > 1:
        said = {"stage": TOGETHER, "not_used": ground.not_used}
        yield from _both(found.together, said, _sum(spent))
    left = int((at == len(judges)).sum())
    said = {"stage": PEOPLE, "not_used": ground.not_used, "asked": left, "decided": left}
    yield row(found.people, **said, statistic="share")


def _setting_half(clusters: pd.Series[Any]) -> pd.Series[Any]:
    """Return which pairs set thresholds: those of every second cluster, in an order drawn with a seed."""
    drawn = sorted({str(name) for name in clusters}, key=lambda name: digest([SEED, name]))
    return clusters.astype(str).isin(drawn[::2])


def _judged(pairs: pd.DataFrame, judges: Sequence[str]) -> list[stats.Judged]:
    """Return what each stage says of the pairs; one without a verdict or a probability is not confident."""
    found = []
    for place in range(len(judges)):
        said, p_a = values(pairs[f"winner_{place}"]), values(pairs[f"p_a_{place}"])
        confidence = [
            None if winner is None or p is None else round(min(1.0, abs(p - 0.5) + 0.5), DIGITS)
            for winner, p in zip(said, p_a, strict=True)
        ]
        right = [float(a == b) for a, b in zip(said, pairs["label_winner"], strict=True)]
        found.append(stats.Judged(confidence, right))
    return found


def _silent(pairs: pd.DataFrame, place: int) -> str | None:
    if pairs[f"winner_{place}"].notna().any() and pairs[f"p_a_{place}"].isna().all():
        return NO_PROBABILITIES
    return None


def _both(outcome: stats.Outcome, said: Told, spent: Told) -> Iterator[dict[str, Any]]:
    """Yield the rows of both statistics, the cost as that of each decided pair."""
    each: dict[str, Any] = {
        name: None if spent[name] is None or not outcome.decided else spent[name] / outcome.decided
        for name in COSTS
    }
    named = {**said, "asked": outcome.asked, "decided": outcome.decided, **each}
    named["seconds_reason"] = spent["seconds_reason"]
    yield row(outcome.share, **named, statistic="share")
    yield row(outcome.agreement, **named, statistic="agreement")


def _spent(results: Results, judge: str, asked: pd.DataFrame, place: int) -> dict[str, Any]:
    """Return what the judge spends on these pairs."""
    totals: dict[str, Any] = {}
    for name in ("judgments", "requests", "tokens_in", "tokens_out"):
        known = asked[f"{name}_{place}"].dropna()
        totals[name] = int(known.sum()) if len(known) or asked.empty else None
    time, requests = engine_time(results, judge), totals["requests"]
    if isinstance(time, str):
        return {**totals, "seconds": None, "seconds_reason": time}
    seconds = None if requests is None else requests * time[0] / time[1]
    return {**totals, "seconds": seconds, "seconds_reason": None}


def _sum(spent: Sequence[Told]) -> dict[str, Any]:
    """Add up what the stages spend; what one of them does not know is not known."""
    reasons = dict.fromkeys(one["seconds_reason"] for one in spent if one["seconds_reason"])
    totals = {
        name: None if any(one[name] is None for one in spent) else sum(one[name] for one in spent)
        for name in COSTS
    }
    return {**totals, "seconds_reason": "; ".join(reasons) or None}
