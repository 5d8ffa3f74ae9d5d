"""From judgments to verdicts: one row per judged pair, one row per rated response."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evalhub.analysis.database.pairs import PAIR_KEY
from evalhub.analysis.database.ratings import RATING_KEY
from evalhub.analysis.frames.directions import Directions
from evalhub.analysis.frames.juries import pair_juries, rating_juries
from evalhub.analysis.results import Results, cached_table
from evalhub.judging import SIDES, penalise, penalise_score
from evalhub.judging.aggregate import SOFT_SAMPLES
from evalhub.judging.probabilities import TIE_WIDTH
from evalhub.specs import Mode

if TYPE_CHECKING:
    import pandas as pd

# A judge without any valid verdict in the run appears only in the tables of coverage and failures.
HAS_VERDICT = """f.judge IN (
  SELECT judge FROM (SELECT judge, valid FROM pair_facts UNION ALL SELECT judge, valid FROM rating_facts)
  GROUP BY judge HAVING sum(valid) > 0
)"""

# The length of the judged text: the whole response, or one turn of it.
_CHARS = "if(f.turn IS NULL, {0}.chars, length({0}.turns[f.turn]))"

_PAIRS = f"""
SELECT f.dataset, f.judge, f.criterion, f.item_id, f.system_a, f.system_b, f.sample, i.cluster,
  {_CHARS.format("ra")} AS chars_a, {_CHARS.format("rb")} AS chars_b,
  f.same_family, f.source, f.askings, f.winner_ab, f.winner_ba, f.spread, f.retest,
  f.chance_a, f.chance_tie, f.chance_b, f.winner
FROM pair_facts f
JOIN items i USING (dataset, item_id)
LEFT JOIN responses ra
  ON (ra.dataset, ra.item_id, ra.system, ra.sample) = (f.dataset, f.item_id, f.system_a, f.sample)
LEFT JOIN responses rb
  ON (rb.dataset, rb.item_id, rb.system, rb.sample) = (f.dataset, f.item_id, f.system_b, f.sample)
WHERE {HAS_VERDICT}
ORDER BY {", ".join(f"f.{name}" for name in PAIR_KEY)}
"""

_RATINGS = f"""
SELECT f.dataset, f.judge, f.criterion, f.item_id, f.system, f.sample, i.cluster,
  {_CHARS.format("r")} AS chars, f.same_family, f.source, f.expected, f.spread, f.askings, f.failures,
  f.not_applicable, f.retest, f.value
FROM rating_facts f
JOIN items i USING (dataset, item_id)
LEFT JOIN responses r
  ON (r.dataset, r.item_id, r.system, r.sample) = (f.dataset, f.item_id, f.system, f.sample)
WHERE {HAS_VERDICT}
ORDER BY {", ".join(f"f.{name}" for name in RATING_KEY)}
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
    frame = results.coded_sql(_PAIRS).astype({"spread": "Float64", "retest": "Float64"})
    frame["soft"] = ~frame["judge"].isin(few_sample_judges(results))
    return _with_penalised_columns(pair_juries(results, frame), results.length_penalty)


def _with_penalised_columns(frame: pd.DataFrame, strength: float) -> pd.DataFrame:
    """Replace the probabilities of the outcomes by p_a, and add p_a and winner after the length penalty."""
    frame["extra_chars"] = frame["chars_a"].astype("Float64") - frame["chars_b"].astype("Float64")
    # The root mean square, since which of the two systems is a depends on their names alone.
    spreads = frame.groupby(["dataset", "judge"])["extra_chars"].transform(
        lambda extra: (extra**2).mean() ** 0.5
    )
    frame["length_spread"] = spreads.astype("Float64")
    chances = {name: frame.pop(f"chance_{name}") for name in SIDES}
    soft, hard_verdicts = frame.pop("soft").astype(bool), frame["winner"]
    frame["p_a"], frame["winner"] = _readings(chances, hard_verdicts)
    if strength:
        # A length penalty lowers a probability. A verdict without one cannot be penalised.
        chances = _penalised_chances(chances, strength, frame["extra_chars"], frame["length_spread"])
        hard_verdicts = hard_verdicts.mask(hard_verdicts.notna())
    frame["p_a_penalised"], frame["winner_penalised"] = _readings(chances, hard_verdicts)
    for name in ("p_a", "p_a_penalised"):
        frame[name] = frame[name].astype("Float64").where(soft)
    return frame


def _readings(
    chances: Mapping[str, pd.Series[float]], hard_verdicts: pd.Series[str]
) -> tuple[pd.Series[float], pd.Series[Any]]:
    """Return `preference` and `hard_winner` of each row, or its hard verdict without probabilities."""
    a, tie, b = chances["a"], chances["tie"], chances["b"]
    half = (a - b) / 2
    soft = (0.5 + half).where(half >= 0, 1 - (0.5 - half))
    is_tie = (tie >= a.where(a > b, b)) | ((a - b).abs() < 2 * TIE_WIDTH)
    winner = hard_verdicts.astype("str").where(a.isna(), "b").mask(a > b, "a").mask(is_tie, "tie")
    return soft, winner.astype("category")


def _penalised_chances(
    chances: Mapping[str, pd.Series[float]],
    strength: float,
    extra: pd.Series[float],
    spread: pd.Series[float],
) -> dict[str, pd.Series[float]]:
    """Return the probabilities of each row after the length penalty. None where a length is not known."""
    import pandas as pd

    rows = [
        {}
        if math.isnan(a) or pd.isna(length)
        else penalise(
            {"a": a, "b": b} if math.isnan(tie) else {"a": a, "tie": tie, "b": b},
            strength, extra=float(length), spread=float(width),
        )
        for a, tie, b, length, width in zip(*(chances[name] for name in SIDES), extra, spread, strict=True)
    ]  # fmt: skip
    return {
        name: pd.Series([row.get(name) for row in rows], index=extra.index, dtype="float64") for name in SIDES
    }


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
    frame = results.coded_sql(_RATINGS)
    frame["expected"] = frame["expected"].mask(frame["judge"].isin(few_sample_judges(results)))
    frame = rating_juries(results, frame)
    medians = frame.groupby(["dataset", "judge", "criterion", "item_id"])["chars"].transform("median")
    frame["median_chars"] = medians.astype("Float64")
    frame["value_penalised"] = _penalised_values(results, frame)
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


def few_sample_judges(results: Results) -> set[str]:
    """Return the judges whose probabilities depend on one or two sampled rationales."""
    return {
        judge
        for judge, entry in results.judges.items()
        if entry.mode is not Mode.DIRECT and entry.samples < SOFT_SAMPLES
    }
