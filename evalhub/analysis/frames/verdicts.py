"""From askings to verdicts: one row per judged pair, one row per rated response."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalhub.analysis.frames.directions import Directions
from evalhub.analysis.frames.juries import pair_juries, rating_juries
from evalhub.analysis.results import FAILED, NOT_APPLICABLE, Results, remembered
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
from evalhub.specs import Combine, Mode, Orders, Positions

if TYPE_CHECKING:
    import pandas as pd

RATING = ("dataset", "judge", "criterion", "item_id", "system", "sample")

# A judge that gave no valid verdict in the whole run stands in coverage and failures alone.
HEARD = f"j.judge IN (SELECT judge FROM judgments WHERE failure IS NULL OR {NOT_APPLICABLE})"

# Length of what a verdict is about: the whole response, or one turn of it.
_CHARS = "if(j.turn IS NULL, {0}.chars, length({0}.turns[j.turn]))"

_PAIRS = f"""
SELECT j.dataset, j.judge, j.criterion, j.item_id, j.system_a, j.system_b, j.sample,
  any_value(i.cluster) AS cluster,
  any_value({_CHARS.format("ra")}) AS chars_a, any_value({_CHARS.format("rb")}) AS chars_b,
  any_value(j.same_family) AS same_family, any_value(j.source) AS source,
  list({{'shown': j.shown, 'row': j.row, 'repeat': j.repeat, 'winner': j.winner, 'p_a': j.p_a,
        'failure': j.failure, 'a': j.logprobs['a'], 'tie': j.logprobs['tie'], 'b': j.logprobs['b']}}
       ORDER BY j.shown, j.row, j.repeat) AS askings
FROM judgments j
JOIN items i USING (dataset, item_id)
LEFT JOIN responses ra
  ON (ra.dataset, ra.item_id, ra.system, ra.sample) = (j.dataset, j.item_id, j.system_a, j.sample)
LEFT JOIN responses rb
  ON (rb.dataset, rb.item_id, rb.system, rb.sample) = (j.dataset, j.item_id, j.system_b, j.sample)
WHERE j.system_a IS NOT NULL AND {HEARD}
GROUP BY ALL ORDER BY ALL
"""

_RATINGS = f"""
SELECT j.dataset, j.judge, j.criterion, j.item_id, j.system, j.sample,
  any_value(i.cluster) AS cluster,
  any_value({_CHARS.format("r")}) AS chars,
  any_value(j.same_family) AS same_family, any_value(j.source) AS source,
  coalesce(list(j.value ORDER BY j.repeat) FILTER (WHERE j.failure IS NULL), []) AS samples,
  -- An average over a part of the askings would be another number.
  CASE WHEN count(*) FILTER (WHERE j.value IS NOT NULL AND j.expected IS NULL) = 0
       THEN avg(j.expected) END AS expected,
  stddev_samp(coalesce(j.expected, j.value)) AS spread, count(*) AS askings,
  count(*) FILTER (WHERE j.{FAILED}) AS failures,
  count(*) FILTER (WHERE j.{NOT_APPLICABLE}) AS not_applicable
FROM judgments j
JOIN items i USING (dataset, item_id)
LEFT JOIN responses r
  ON (r.dataset, r.item_id, r.system, r.sample) = (j.dataset, j.item_id, j.system, j.sample)
WHERE j.system IS NOT NULL AND {HEARD}
GROUP BY ALL ORDER BY ALL
"""


@remembered
def pair_verdicts(results: Results) -> pd.DataFrame:
    """Return one verdict per judge, criterion and pair, its orders combined.

    Columns: dataset, judge, criterion, item_id, system_a, system_b, sample, cluster, chars_a,
    chars_b, same_family, source, askings, p_a (soft, in [0, 1]), winner (a, tie, b), winner_ab
    and winner_ba (un-swapped, of one order alone), spread (standard deviation of the samples' p_a),
    retest (probability that two samples agree),
    p_a_penalised, winner_penalised. A pair with a failed order has no verdict, nor one that is still
    to be asked in its other order. A recorded judge whose card says `orders: agree` has a verdict for a side
    only where both orders give it, and no p_a. After fewer than 3 sampled rationales p_a is missing: it
    holds given those rationales, and is not called soft. Judges without any valid verdict in the run are
    left out; juries follow the judges (`source` is jury).
    """
    import pandas as pd

    frame = results.sql(_PAIRS)
    askings, judges = frame.pop("askings"), frame["judge"]
    both = _judges(results, positions=Positions.BOTH)
    voting, soft = _judges(results, combine=Combine.VOTE), soft_judges(results)
    agreeing = _agreeing(results)
    found = [
        unanimous_verdict(one)
        if (dataset, judge) in agreeing
        else pair_verdict(one, two_orders=judge in both, vote=judge in voting)
        for dataset, judge, one in zip(frame["dataset"], judges, askings, strict=True)
    ]
    frame["askings"] = [len(one) for one in askings]
    frame["winner_ab"] = [order_winner(one, "ab") for one in askings]
    frame["winner_ba"] = [order_winner(one, "ba") for one in askings]
    frame["spread"] = pd.array([spread(one) for one in askings], dtype="Float64")
    frame["retest"] = pd.array([retest(one) for one in askings], dtype="Float64")
    frame["chances"] = pd.Series([one[0] for one in found], dtype=object)
    frame["winner"] = pd.Series([one[1] for one in found], dtype=object)
    frame["soft"] = judges.isin(soft) if len(frame) else []
    return _read(pair_juries(results, frame), _penalty(results))


def _read(frame: pd.DataFrame, strength: float) -> pd.DataFrame:
    """Replace chances and winner by what is read from them, before and after the length penalty."""
    import pandas as pd

    frame["extra_chars"] = frame["chars_a"].astype("Float64") - frame["chars_b"].astype("Float64")
    # The root mean square, since which of the two systems is a depends on their names alone.
    spreads = frame.groupby(["dataset", "judge"])["extra_chars"].transform(
        lambda extra: (extra**2).mean() ** 0.5
    )
    frame["length_spread"] = spreads.astype("Float64")
    verdicts = [
        _readings(chances, winner, strength, None if pd.isna(extra) else (extra, width))
        for chances, winner, extra, width in zip(
            frame.pop("chances"), frame["winner"], frame["extra_chars"], frame["length_spread"], strict=True
        )
    ]
    names = ("p_a", "winner", "p_a_penalised", "winner_penalised")
    for place, name in enumerate(names):
        frame[name] = [verdict[place] for verdict in verdicts]
    hard_only = ~frame.pop("soft").astype(bool)
    for name in ("p_a", "p_a_penalised"):
        frame[name] = frame[name].astype("Float64").mask(hard_only)
    return frame


def all_soft(verdicts: pd.DataFrame) -> bool:
    """Return whether each verdict of some pairs has a probability, so that no mean is one of a part of them.

    Args:
        verdicts: One row per pair, or per asking of one, with winner and p_a.
    """
    decided = verdicts["winner"].notna()
    return bool(decided.any() and verdicts.loc[decided, "p_a"].notna().all())


@remembered
def ratings(results: Results) -> pd.DataFrame:
    """Return one rating per judge, criterion and response, its askings averaged.

    Columns: dataset, judge, criterion, item_id, system, sample, cluster, chars, same_family, source, value
    (plain levels), expected (probability-weighted), spread (standard deviation of the samples), retest
    (probability that two samples agree), value_penalised, median_chars (of the item's responses, that the
    penalty counts from), askings, failures, not_applicable (whether half of the askings or more found that
    the criterion does not apply; else those are left out of the means). A response with a failed asking has
    no rating. After fewer than 3 sampled rationales expected is missing. Judges without any valid verdict in
    the run are left out; juries follow the judges.
    """
    frame = _rated(results, results.sql(_RATINGS))
    frame = rating_juries(results, frame)
    medians = frame.groupby(["dataset", "judge", "criterion", "item_id"])["chars"].transform("median")
    frame["median_chars"] = medians.astype("Float64")
    frame["value_penalised"] = _penalised_values(results, frame)
    return frame


def _rated(results: Results, frame: pd.DataFrame) -> pd.DataFrame:
    """Replace the samples of each response by what is read from all of them together."""
    voting, soft = _judges(results, combine=Combine.VOTE), soft_judges(results)
    levels = [list(samples) for samples in frame.pop("samples")]
    none, asked, failed = frame["not_applicable"], frame["askings"], frame["failures"] > 0
    frame["retest"] = [
        None if lacking or count < 2 else equal_pairs([*samples, *[None] * empty])
        for samples, empty, count, lacking in zip(levels, none, asked, failed, strict=True)
    ]
    frame["not_applicable"] = ~failed & (2 * none >= asked)
    rated = ~failed & ~frame["not_applicable"]
    frame["value"] = [
        _level(samples, judge in voting) if known else None
        for judge, samples, known in zip(frame["judge"], levels, rated, strict=True)
    ]
    for name in ("value", "retest"):
        frame[name] = frame[name].astype("float64")
    frame.loc[~rated | ~frame["judge"].isin(soft), "expected"] = None
    return frame


def _penalised_values(results: Results, frame: pd.DataFrame) -> list[float | None]:
    """Return each rating after the length penalty; under one, a response of unknown length has none."""
    strength, higher = _penalty(results), Directions(results).of_judges(frame)
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
    """Return the run's own judges of which the manifest says these facts."""
    return {
        judge
        for judge, told in results.manifest["judges"].items()
        if all(told.get(name) == value for name, value in facts.items())
    }


def _agreeing(results: Results) -> set[tuple[str, str]]:
    """Return the datasets and recorded judges whose verdicts need both orders to agree."""
    return {
        (dataset, judge)
        for dataset, card in results.manifest["cards"].items()
        for judge, recorded in (card.get("judges") or {}).items()
        if recorded.get("orders") == Orders.AGREE
    }


def soft_judges(results: Results) -> set[str]:
    """Return the judges whose probabilities do not hang on one or two sampled rationales."""
    given = {
        judge
        for judge, told in results.manifest["judges"].items()
        if told.get("mode", Mode.DIRECT) != Mode.DIRECT and told.get("samples", 1) < SOFT_SAMPLES
    }
    return set(results.sql("SELECT DISTINCT judge FROM judgments")["judge"]) - given


def _penalty(results: Results) -> float:
    return float(results.manifest["resolved"]["suite"]["controls"]["length_penalty"])


def _readings(
    chances: dict[str, float] | None,
    winner: Winner | None,
    strength: float,
    lengths: tuple[float, float] | None,
) -> tuple[float | None, str | None, float | None, str | None]:
    if chances is None:
        said = winner.value if winner else None
        # Without a probability there is nothing that a length penalty could lower.
        return None, said, None, said if strength == 0 else None
    soft, hard = preference(chances), hard_winner(chances).value
    if strength == 0:
        return soft, hard, soft, hard
    if lengths is None:
        return soft, hard, None, None
    shifted = penalise(chances, strength, extra=float(lengths[0]), spread=float(lengths[1]))
    return soft, hard, preference(shifted), hard_winner(shifted).value


def _level(values: Sequence[float], vote: bool) -> float:
    """Return the mean of the samples' levels, or the one with the most votes (the mean of several such)."""
    return statistics.fmean(statistics.multimode(values) if vote else values)
