"""From askings to verdicts: one row per judged pair, one row per rated response."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalhub.analysis.results import Results
from evalhub.judging import combine_orders, hard_winner, penalised, penalised_score, preference
from evalhub.scales import Winner
from evalhub.specs import Positions

if TYPE_CHECKING:
    import pandas as pd

PAIR = ("dataset", "judge", "criterion", "item_id", "system_a", "system_b", "sample")
RATING = ("dataset", "judge", "criterion", "item_id", "system", "sample")

# A judge that gave no valid verdict in the whole run stands in coverage and failures alone.
HEARD = "j.judge IN (SELECT judge FROM judgments WHERE failure IS NULL)"

_PAIRS = f"""
SELECT j.dataset, j.judge, j.criterion, j.item_id, j.system_a, j.system_b, j.sample,
  any_value(i.cluster) AS cluster,
  any_value(ra.chars) AS chars_a, any_value(rb.chars) AS chars_b,
  any_value(j.same_family) AS same_family, any_value(j.source) AS source,
  list({{'shown': j.shown, 'winner': j.winner, 'p_a': j.p_a, 'failure': j.failure,
        'a': j.logprobs['a'], 'tie': j.logprobs['tie'], 'b': j.logprobs['b']}}
       ORDER BY j.shown, j.repeat) AS askings
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
  any_value(r.chars) AS chars, any_value(j.same_family) AS same_family, any_value(j.source) AS source,
  avg(j.value) AS value, avg(j.expected) AS expected, count(*) AS askings, count(j.failure) AS failures
FROM judgments j
JOIN items i USING (dataset, item_id)
LEFT JOIN responses r
  ON (r.dataset, r.item_id, r.system, r.sample) = (j.dataset, j.item_id, j.system, j.sample)
WHERE j.system IS NOT NULL AND {HEARD}
GROUP BY ALL ORDER BY ALL
"""


def pair_verdicts(results: Results) -> pd.DataFrame:
    """Return one verdict per judge, criterion and pair, its orders combined.

    Columns: dataset, judge, criterion, item_id, system_a, system_b, sample, cluster, chars_a,
    chars_b, same_family, source, askings, p_a (soft, in [0, 1]), winner (a, tie, b), winner_ab
    and winner_ba (un-swapped, of one order alone), p_a_penalised, winner_penalised. A pair with
    a failed order has no verdict, nor one that is still to be asked in its other order.
    Judges without any valid verdict in the run are left out.
    """
    import pandas as pd

    grouped = results.sql(_PAIRS)
    strength = float(results.manifest["resolved"]["suite"]["controls"]["length_penalty"])
    judges = results.manifest["judges"]
    both = {judge for judge, facts in judges.items() if facts.get("positions") == Positions.BOTH}
    combined = [
        _combined(askings) if judge not in both or len(_by_order(askings)) == 2 else (None, None)
        for judge, askings in zip(grouped["judge"], grouped["askings"], strict=True)
    ]
    frame = grouped.drop(columns="askings")
    frame["askings"] = [len(askings) for askings in grouped["askings"]]
    frame["winner_ab"] = [_winner_shown(askings, "ab") for askings in grouped["askings"]]
    frame["winner_ba"] = [_winner_shown(askings, "ba") for askings in grouped["askings"]]
    frame["extra_chars"] = frame["chars_a"].astype("Float64") - frame["chars_b"].astype("Float64")
    spread = frame.groupby(["dataset", "judge"])["extra_chars"].transform(lambda extra: extra.std(ddof=0))
    frame["length_spread"] = spread.astype("Float64")
    verdicts = []
    for (chances, winner), extra, width in zip(
        combined, frame["extra_chars"], frame["length_spread"], strict=True
    ):
        verdicts.append(_readings(chances, winner, strength, None if pd.isna(extra) else (extra, width)))
    names = ("p_a", "winner", "p_a_penalised", "winner_penalised")
    for place, name in enumerate(names):
        frame[name] = [verdict[place] for verdict in verdicts]
    for name in ("p_a", "p_a_penalised"):
        frame[name] = frame[name].astype("Float64")
    return frame


def ratings(results: Results) -> pd.DataFrame:
    """Return one rating per judge, criterion and response, its askings averaged.

    Columns: dataset, judge, criterion, item_id, system, sample, cluster, chars, same_family,
    source, value (plain levels), expected (probability-weighted), value_penalised, median_chars
    (of the item's responses, that the penalty counts from), askings, failures. A response with a
    failed asking has no rating. Judges without any valid verdict in the run are left out.
    """
    frame = results.sql(_RATINGS)
    failed = frame["failures"] > 0
    frame.loc[failed, ["value", "expected"]] = None
    strength = float(results.manifest["resolved"]["suite"]["controls"]["length_penalty"])
    medians = frame.groupby(["dataset", "judge", "criterion", "item_id"])["chars"].transform("median")
    frame["median_chars"] = medians.astype("Float64")
    frame["value_penalised"] = [
        None
        if value is None or math.isnan(value)
        else value
        if not (chars and median and chars == chars and median == median)
        else penalised_score(float(value), strength, chars=int(chars), median=float(median))
        for value, chars, median in zip(
            frame["value"].astype(float), frame["chars"].astype(float), medians.astype(float), strict=True
        )
    ]
    return frame


def _combined(askings: Sequence[Mapping[str, Any]]) -> tuple[dict[str, float] | None, Winner | None]:
    if any(one["failure"] for one in askings):
        return None, None
    if all(_present(one["a"]) for one in askings):
        names = ("a", "tie", "b") if _present(askings[0]["tie"]) else ("a", "b")
        return _averaged(askings, [{name: one[name] for name in names} for one in askings])
    if all(_present(one["p_a"]) for one in askings):
        return _averaged(askings, [_as_logs(float(one["p_a"])) for one in askings])
    winners = {one["winner"] for one in askings}
    return None, Winner(winners.pop()) if len(winners) == 1 else Winner.TIE


def _averaged(
    askings: Sequence[Mapping[str, Any]], logs: Sequence[Mapping[str, float]]
) -> tuple[dict[str, float], Winner]:
    """Average log-probabilities within each order, then over orders: what a position adds cancels."""
    orders = [
        {name: sum(logs[at][name] for at in places) / len(places) for name in logs[0]}
        for places in _by_order(askings).values()
    ]
    chances = combine_orders(orders)
    return chances, hard_winner(chances)


def _by_order(askings: Sequence[Mapping[str, Any]]) -> dict[str | None, list[int]]:
    """Return the places of the askings of each order."""
    found: dict[str | None, list[int]] = {}
    for at, one in enumerate(askings):
        found.setdefault(one["shown"], []).append(at)
    return found


def _readings(
    chances: dict[str, float] | None,
    winner: Winner | None,
    strength: float,
    lengths: tuple[float, float] | None,
) -> tuple[float | None, str | None, float | None, str | None]:
    if chances is None:
        said = winner.value if winner else None
        return None, said, None, said
    soft, hard = preference(chances), hard_winner(chances).value
    if strength == 0 or lengths is None:
        return soft, hard, soft, hard
    shifted = penalised(chances, strength, extra=float(lengths[0]), spread=float(lengths[1]))
    return soft, hard, preference(shifted), hard_winner(shifted).value


def _winner_shown(askings: Sequence[Mapping[str, Any]], order: str) -> str | None:
    mine = [one for one in askings if one["shown"] == order]
    if len(mine) < 2:
        return mine[0]["winner"] if mine else None
    winner = _combined(mine)[1]
    return winner.value if winner else None


def _as_logs(p_a: float) -> dict[str, float]:
    clipped = min(max(p_a, 1e-12), 1 - 1e-12)
    return {"a": math.log(clipped), "b": math.log1p(-clipped)}


def _present(value: Any) -> bool:
    return value is not None and value == value
