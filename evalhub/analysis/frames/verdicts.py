"""From judgments to verdicts: one row per judged pair, one row per rated response."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalhub.analysis.frames.directions import Directions
from evalhub.analysis.frames.juries import pair_juries, rating_juries
from evalhub.analysis.results import FAILED, NOT_APPLICABLE, Results, cached_table
from evalhub.judging import hard_winner, penalise, penalise_score, preference
from evalhub.judging.aggregate import (
    SOFT_SAMPLES,
    equal_pairs,
    order_winner,
    pair_verdict,
    retest,
    spread,
    unanimous_verdict,
)
from evalhub.scales import Winner
from evalhub.specs import Combine, CombineOrders, Mode, Positions

if TYPE_CHECKING:
    import pandas as pd

RATING = ("dataset", "judge", "criterion", "item_id", "system", "sample")

# A judge without any valid verdict in the run appears only in the tables of coverage and failures.
HAS_VERDICT = f"j.judge IN (SELECT judge FROM judgments WHERE failure IS NULL OR {NOT_APPLICABLE})"

# The length of the judged text: the whole response, or one turn of it.
_CHARS = "if(j.turn IS NULL, {0}.chars, length({0}.turns[j.turn]))"

_PAIRS = f"""
SELECT j.dataset, j.judge, j.criterion, j.item_id, j.system_a, j.system_b, j.sample,
  any_value(i.cluster) AS cluster,
  any_value({_CHARS.format("ra")}) AS chars_a, any_value({_CHARS.format("rb")}) AS chars_b,
  any_value(j.same_family) AS same_family, any_value(j.source) AS source,
  list({{'shown': j.shown, 'row': j.row, 'repeat': j.repeat, 'winner': j.winner, 'p_a': j.p_a,
        'failure': j.failure, 'a': j.logprobs['a'], 'tie': j.logprobs['tie'], 'b': j.logprobs['b']}}
       ORDER BY j.shown, j.row, j.repeat) AS pair_judgments
FROM judgments j
JOIN items i USING (dataset, item_id)
LEFT JOIN responses ra
  ON (ra.dataset, ra.item_id, ra.system, ra.sample) = (j.dataset, j.item_id, j.system_a, j.sample)
LEFT JOIN responses rb
  ON (rb.dataset, rb.item_id, rb.system, rb.sample) = (j.dataset, j.item_id, j.system_b, j.sample)
WHERE j.system_a IS NOT NULL AND {HAS_VERDICT}
GROUP BY ALL ORDER BY ALL
"""

_RATINGS = f"""
SELECT j.dataset, j.judge, j.criterion, j.item_id, j.system, j.sample,
  any_value(i.cluster) AS cluster,
  any_value({_CHARS.format("r")}) AS chars,
  any_value(j.same_family) AS same_family, any_value(j.source) AS source,
  coalesce(list(j.value ORDER BY j.repeat) FILTER (WHERE j.failure IS NULL), []) AS samples,
  -- An average over a part of the judgments would be another number.
  CASE WHEN count(*) FILTER (WHERE j.value IS NOT NULL AND j.expected IS NULL) = 0
       THEN avg(j.expected) END AS expected,
  stddev_samp(coalesce(j.expected, j.value)) AS spread, count(*) AS askings,
  count(*) FILTER (WHERE j.{FAILED}) AS failures,
  count(*) FILTER (WHERE j.{NOT_APPLICABLE}) AS not_applicable
FROM judgments j
JOIN items i USING (dataset, item_id)
LEFT JOIN responses r
  ON (r.dataset, r.item_id, r.system, r.sample) = (j.dataset, j.item_id, j.system, j.sample)
WHERE j.system IS NOT NULL AND {HAS_VERDICT}
GROUP BY ALL ORDER BY ALL
"""


@cached_table
def pair_verdicts(results: Results) -> pd.DataFrame:
    """Return one verdict per judge, criterion and pair, its orders combined.

    Columns: dataset, judge, criterion, item_id, system_a, system_b, sample, cluster, chars_a,
    chars_b, same_family, source, askings, p_a (soft, in [0, 1]), winner (a, tie, b), winner_ab
    and winner_ba (un-swapped, of one order alone), spread (standard deviation of the samples' p_a),
    retest (probability that two samples agree), p_a_penalised, winner_penalised.

    A pair has no verdict if one of its orders failed or is not judged yet. A recorded judge whose card says
    `combine_orders: agree` has a verdict for a side only where both orders give it, and no p_a. With fewer
    than 3 sampled rationales p_a is missing, because it depends on those few rationales. Judges without any
    valid verdict in the run are left out. Juries follow the judges (`source` is jury).
    """
    import pandas as pd

    frame = results.sql(_PAIRS)
    pairs, judges = frame.pop("pair_judgments"), frame["judge"]
    two_order_judges = _judges(results, positions=Positions.BOTH)
    voting, soft = _judges(results, combine=Combine.VOTE), soft_judges(results)
    agreeing = _judges_with_agreed_orders(results)
    verdicts = [
        unanimous_verdict(judgments)
        if (dataset, judge) in agreeing
        else pair_verdict(judgments, two_orders=judge in two_order_judges, vote=judge in voting)
        for dataset, judge, judgments in zip(frame["dataset"], judges, pairs, strict=True)
    ]
    frame["askings"] = [len(judgments) for judgments in pairs]
    frame["winner_ab"] = [order_winner(judgments, "ab") for judgments in pairs]
    frame["winner_ba"] = [order_winner(judgments, "ba") for judgments in pairs]
    frame["spread"] = pd.array([spread(judgments) for judgments in pairs], dtype="Float64")
    frame["retest"] = pd.array([retest(judgments) for judgments in pairs], dtype="Float64")
    frame["chances"] = pd.Series([chances for chances, _ in verdicts], dtype=object)
    frame["winner"] = pd.Series([winner for _, winner in verdicts], dtype=object)
    frame["soft"] = judges.isin(soft) if len(frame) else []
    return _with_penalised_columns(pair_juries(results, frame), results.length_penalty)


def _with_penalised_columns(frame: pd.DataFrame, strength: float) -> pd.DataFrame:
    """Replace `chances` by p_a, and add p_a and winner after the length penalty."""
    import pandas as pd

    frame["extra_chars"] = frame["chars_a"].astype("Float64") - frame["chars_b"].astype("Float64")
    # The root mean square, since which of the two systems is a depends on their names alone.
    spreads = frame.groupby(["dataset", "judge"])["extra_chars"].transform(
        lambda extra: (extra**2).mean() ** 0.5
    )
    frame["length_spread"] = spreads.astype("Float64")
    readings = [
        _readings(chances, winner, strength, None if pd.isna(extra) else (extra, width))
        for chances, winner, extra, width in zip(
            frame.pop("chances"), frame["winner"], frame["extra_chars"], frame["length_spread"], strict=True
        )
    ]
    names = ("p_a", "winner", "p_a_penalised", "winner_penalised")
    for place, name in enumerate(names):
        frame[name] = [reading[place] for reading in readings]
    hard_only = ~frame.pop("soft").astype(bool)
    for name in ("p_a", "p_a_penalised"):
        frame[name] = frame[name].astype("Float64").mask(hard_only)
    return frame


def all_soft(verdicts: pd.DataFrame) -> bool:
    """Return whether every verdict has a probability, so that a mean of p_a covers all of them.

    Args:
        verdicts: One row per pair, or per pair and order, with winner and p_a.
    """
    decided = verdicts["winner"].notna()
    return bool(decided.any() and verdicts.loc[decided, "p_a"].notna().all())


@cached_table
def ratings(results: Results) -> pd.DataFrame:
    """Return one rating per judge, criterion and response, averaged over the judge's samples.

    Columns: dataset, judge, criterion, item_id, system, sample, cluster, chars, same_family, source, value
    (plain levels), expected (probability-weighted), spread (standard deviation of the samples), retest
    (probability that two samples agree), value_penalised, median_chars (median length of the item's
    responses, from which the penalty counts), askings (number of judgments), failures, not_applicable.

    `not_applicable` is true where at least half of the judgments say that the criterion does not apply.
    Otherwise those judgments are left out of the means. A response with a failed judgment has no rating. With
    fewer than 3 sampled rationales `expected` is missing. Judges without any valid verdict in the run are
    left out. Juries follow the judges.
    """
    frame = _rated(results, results.sql(_RATINGS))
    frame = rating_juries(results, frame)
    medians = frame.groupby(["dataset", "judge", "criterion", "item_id"])["chars"].transform("median")
    frame["median_chars"] = medians.astype("Float64")
    frame["value_penalised"] = _penalised_values(results, frame)
    return frame


def _rated(results: Results, frame: pd.DataFrame) -> pd.DataFrame:
    """Replace the samples of each response by value, retest and not_applicable."""
    voting, soft = _judges(results, combine=Combine.VOTE), soft_judges(results)
    levels = [list(samples) for samples in frame.pop("samples")]
    not_applicable, judgments, failed = frame["not_applicable"], frame["askings"], frame["failures"] > 0
    frame["retest"] = [
        None if has_failure or total < 2 else equal_pairs([*samples, *[None] * empty])
        for samples, empty, total, has_failure in zip(levels, not_applicable, judgments, failed, strict=True)
    ]
    frame["not_applicable"] = ~failed & (2 * not_applicable >= judgments)
    rated = ~failed & ~frame["not_applicable"]
    frame["value"] = [
        _level(samples, judge in voting) if is_rated else None
        for judge, samples, is_rated in zip(frame["judge"], levels, rated, strict=True)
    ]
    for name in ("value", "retest"):
        frame[name] = frame[name].astype("float64")
    frame.loc[~rated | ~frame["judge"].isin(soft), "expected"] = None
    return frame


def _penalised_values(results: Results, frame: pd.DataFrame) -> list[float | None]:
    """Return each rating after the length penalty. With a penalty, a response of unknown length has none."""
    strength, higher = results.length_penalty, Directions(results).of_judges(frame)
    columns = (frame[name].astype("float64") for name in ("value", "chars", "median_chars"))
    return [
        None
        if math.isnan(value)
        else value
        if strength == 0
        else None
        if math.isnan(chars)
        else penalise_score(value, strength, chars=int(chars), median=median, higher_is_better=rises)
        for value, chars, median, rises in zip(*columns, higher, strict=True)
    ]


def _judges(results: Results, **facts: str) -> set[str]:
    """Return the run's own judges whose manifest entry has these facts."""
    return {
        judge
        for judge, entry in results.judges.items()
        if all(getattr(entry, name) == value for name, value in facts.items())
    }


def _judges_with_agreed_orders(results: Results) -> set[tuple[str, str]]:
    """Return the datasets and recorded judges whose verdicts need both orders to agree."""
    return {
        (dataset, judge)
        for dataset, card in results.cards.items()
        for judge, recorded in card.judges.items()
        if recorded.combine_orders is CombineOrders.AGREE
    }


def soft_judges(results: Results) -> set[str]:
    """Return the judges whose probabilities do not depend on one or two sampled rationales."""
    few_samples = {
        judge
        for judge, entry in results.judges.items()
        if entry.mode is not Mode.DIRECT and entry.samples < SOFT_SAMPLES
    }
    return set(results.sql("SELECT DISTINCT judge FROM judgments")["judge"]) - few_samples


def _readings(
    chances: dict[str, float] | None,
    winner: Winner | None,
    strength: float,
    lengths: tuple[float, float] | None,
) -> tuple[float | None, str | None, float | None, str | None]:
    if chances is None:
        verdict = winner.value if winner else None
        # A length penalty lowers a probability. A verdict without one cannot be penalised.
        return None, verdict, None, verdict if strength == 0 else None
    soft, hard = preference(chances), hard_winner(chances).value
    if strength == 0:
        return soft, hard, soft, hard
    if lengths is None:
        return soft, hard, None, None
    shifted = penalise(chances, strength, extra=float(lengths[0]), spread=float(lengths[1]))
    return soft, hard, preference(shifted), hard_winner(shifted).value


def _level(values: Sequence[float], vote: bool) -> float:
    """Return the mean of the samples' levels, or with votes the most frequent level (the mean of several)."""
    return statistics.fmean(statistics.multimode(values) if vote else values)
