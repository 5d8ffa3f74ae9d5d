"""The facts of pairs: one row per judge, criterion, pair and sample, with both orders combined.

SQL follows the rule of `evalhub.judging.aggregate`, to the last bit, where each order has one judgment.
Python combines several samples, and the rare pairs whose orders list different outcomes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from evalhub.analysis.database.rules import Rules
from evalhub.analysis.database.sql import NOT_APPLICABLE, text_list, tuple_list, with_sum
from evalhub.judging import SIDES
from evalhub.judging.aggregate import (
    JudgmentRows,
    order_verdict,
    pair_verdict,
    retest,
    spread,
    unanimous_verdict,
)
from evalhub.judging.probabilities import LEAST, TIE_WIDTH

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

PLACES = ("ab", "ba", "any")
"""The orders in which a pair is shown. `any` stands for an order that is not known."""

PAIR_KEY = ("dataset", "judge", "criterion", "item_id", "system_a", "system_b", "sample")

_KEY = ", ".join(PAIR_KEY)
BATCH = 4_096
_LOWEST = "'-inf'::DOUBLE"


def create_pairs(database: duckdb.DuckDBPyConnection, judgments: str, rules: Rules) -> str:
    """Return a query for the facts of all pairs, sorted by their key.

    Columns: the key (dataset, judge, criterion, item_id, system_a, system_b, sample), turn, same_family,
    source, askings (number of judgments), valid (number of those with a verdict), chance_a, chance_tie and
    chance_b (probabilities that sum to 1, missing for hard verdicts), winner (a, tie, b), for each of
    `PLACES` askings_*, winner_* and p_* (that a wins, un-swapped), spread and retest as in `pair_verdicts`.

    Args:
        database: Gets the tables that the query reads: pair_orders, and sampled_pairs if SQL cannot combine
            all pairs.
        judgments: A relation in SQL with the columns of judgments.
        rules: How verdicts are combined.
    """
    database.execute(f"CREATE OR REPLACE TABLE pair_orders AS {_orders(judgments, rules)}")
    plain = _combined("SELECT * FROM pair_orders WHERE plain", rules)
    if not database.execute("SELECT count(*) FROM pair_orders WHERE NOT plain").fetchall()[0][0]:
        return f"FROM ({plain}) ORDER BY {_KEY}"
    database.execute(f"CREATE OR REPLACE TABLE sampled_pairs AS SELECT * FROM ({plain}) LIMIT 0")
    append(database, "sampled_pairs", _sampled_facts(database, judgments, rules))
    return f"FROM ({plain}) UNION ALL BY NAME FROM sampled_pairs ORDER BY {_KEY}"


def append(database: duckdb.DuckDBPyConnection, name: str, batches: Iterable[pa.Table]) -> None:
    """Append rows to a table. They are at hand before it is touched, because they may come from a query."""
    import pyarrow as pa

    database.register("incoming", pa.concat_tables(batches))
    database.execute(f"INSERT INTO {name} BY NAME FROM incoming")
    database.unregister("incoming")


def _orders(judgments: str, rules: Rules) -> str:
    """Return a query for one row per pair: its judgment of each order, and whether SQL can combine them."""
    logs = f"""
    SELECT *,
      if(rounded, ln(greatest(p_a, {LEAST})), listed_a) AS log_a,
      if(rounded, ln(greatest(1 - p_a, {LEAST})), listed_b) AS log_b,
      greatest(log_a, listed_tie, log_b) AS top
    FROM (
      SELECT *, coalesce(listed_a, listed_tie, listed_b) IS NULL AND NOT isnan(p_a) AS rounded
      FROM (
        SELECT {_KEY}, coalesce(shown, 'any') AS place, repeat, turn, winner, failure, same_family, source,
          if(isnan(p_a), NULL, p_a) AS p_a, {_listed("a")}, {_listed("tie")}, {_listed("b")}
        FROM {judgments} WHERE system_a IS NOT NULL
      )
    )"""
    weights = f"""
    SELECT *, {_weight("log_a")} AS weight_a, {_weight("listed_tie")} AS weight_tie,
      {_weight("log_b")} AS weight_b
    FROM ({logs})"""
    shares = with_sum(weights, "weight", "weight_a", "weight_tie", "weight_b")
    by_place = ", ".join(
        f"""count(*) FILTER (place = '{place}') AS askings_{place},
        max(winner) FILTER (place = '{place}') AS winner_{place},
        max(p_a) FILTER (place = '{place}' AND failure IS NULL) AS p_{place}"""
        for place in PLACES
    )
    means = ", ".join(f"sum(log_{name}) / count(*) AS log_{name}" for name in SIDES)
    absent = " OR ".join(
        f"bool_or(log_{name} = {_LOWEST}) <> bool_and(log_{name} = {_LOWEST})" for name in SIDES
    )
    agreeing = "false" if not rules.agreeing else f"(dataset, judge) IN ({tuple_list(rules.agreeing)})"
    return f"""
    SELECT {_KEY}, max(turn) AS turn, max(same_family) AS same_family, max(source) AS source,
      count(*) AS askings, count(*) FILTER (failure IS NULL OR {NOT_APPLICABLE}) AS valid,
      count(failure) AS failures, count(DISTINCT place) AS places, {by_place},
      bool_and(weight > 0) AND count(weight) = count(*) AS soft, {means}, bool_or(has_tie) AS has_tie,
      sum(CASE winner WHEN 'a' THEN 1 WHEN 'b' THEN -1 ELSE 0 END) AS net,
      count(*) = places AND places <= 2 AND min(repeat) = max(repeat) AND NOT {agreeing}
        AND NOT bool_or(coalesce(top = 'inf'::DOUBLE, false))
        AND NOT (soft AND failures = 0 AND ({absent})) AS plain
    FROM (
      SELECT *, listed_tie IS NOT NULL AS has_tie,
        {", ".join(f"{_log(f'weight_{name} / weight')} AS log_{name}" for name in SIDES)}
      FROM (SELECT * EXCLUDE (log_a, log_b) FROM ({shares}))
    )
    GROUP BY {_KEY}"""


def _listed(name: str) -> str:
    return f"if(isnan(logprobs['{name}']), NULL, logprobs['{name}']) AS listed_{name}"


def _weight(log: str) -> str:
    """Return the weight of an outcome: 0 if it is not listed, NULL without any probability."""
    return f"""CASE WHEN top IS NULL THEN NULL WHEN {log} IS NULL THEN 0
      WHEN top = {_LOWEST} THEN 1 ELSE exp({log} - top) END"""


def _log(share: str) -> str:
    return f"if({share} > 0, ln({share}), {_LOWEST})"


def _combined(orders: str, rules: Rules) -> str:
    """Return a query for the verdicts of pairs with one judgment in each order."""
    two_orders = f"judge IN ({text_list(rules.two_orders)})" if rules.two_orders else "false"
    complete = f"failures = 0 AND (places = 2 OR NOT {two_orders})"
    weights = f"""
    SELECT *, exp(log_a - top) AS weight_a, if(has_tie, exp(log_tie - top), 0) AS weight_tie,
      exp(log_b - top) AS weight_b
    FROM (
      SELECT *, {complete} AS complete,
        if(has_tie, greatest(log_a, log_tie, log_b), greatest(log_a, log_b)) AS top
      FROM ({orders})
    )"""
    shares = with_sum(weights, "weight", "weight_a", "weight_tie", "weight_b")
    chances = ", ".join(
        f"if(soft AND complete{' AND has_tie' * (name == 'tie')}, weight_{name} / weight, NULL) "
        f"AS chance_{name}"
        for name in SIDES
    )
    by_place = ", ".join(f"askings_{place}, winner_{place}, p_{place}" for place in PLACES)
    return f"""
    SELECT {_KEY}, turn, same_family, source, askings, valid, chance_a, chance_tie, chance_b,
      CASE
        WHEN NOT complete THEN NULL
        WHEN NOT soft THEN CASE sign(net) WHEN 1 THEN 'a' WHEN -1 THEN 'b' ELSE 'tie' END
        WHEN chance_tie >= greatest(chance_a, chance_b) THEN 'tie'
        WHEN abs(chance_a - chance_b) < {2 * TIE_WIDTH} THEN 'tie'
        WHEN chance_a > chance_b THEN 'a'
        ELSE 'b'
      END AS winner,
      {by_place}, NULL::DOUBLE AS spread, NULL::DOUBLE AS retest
    FROM (SELECT *, {chances} FROM ({shares}))"""


def _sampled_facts(database: duckdb.DuckDBPyConnection, judgments: str, rules: Rules) -> Iterator[pa.Table]:
    """Yield the facts of the pairs that SQL does not combine, a batch at a time."""
    import pyarrow as pa

    schema = database.sql("FROM sampled_pairs").to_arrow_table().schema
    database.execute(f"""
    SELECT {_KEY}, max(turn), max(same_family), max(source),
      count(*) FILTER (failure IS NULL OR {NOT_APPLICABLE}),
      list({{'shown': shown, 'row': "row", 'repeat': repeat, 'winner': winner, 'p_a': p_a,
             'failure': failure, 'a': logprobs['a'], 'tie': logprobs['tie'], 'b': logprobs['b']}}
           ORDER BY shown, "row", repeat)
    FROM {judgments} SEMI JOIN (FROM pair_orders WHERE NOT plain) USING ({_KEY}) GROUP BY ALL""")
    names = [*PAIR_KEY, "turn", "same_family", "source", "valid"]
    while rows := database.fetchmany(BATCH):
        facts = [
            {**dict(zip(names, row[:-1], strict=True)), **_sampled_verdict(row[0], row[1], row[-1], rules)}
            for row in rows
        ]
        yield pa.Table.from_pylist(facts, schema)


def _sampled_verdict(dataset: str, judge: str, judgments: JudgmentRows, rules: Rules) -> dict[str, Any]:
    if (dataset, judge) in rules.agreeing:
        chances, winner = unanimous_verdict(judgments)
    else:
        chances, winner = pair_verdict(
            judgments, two_orders=judge in rules.two_orders, vote=judge in rules.voting
        )
    facts: dict[str, Any] = {
        "askings": len(judgments),
        **{f"chance_{name}": (chances or {}).get(name) for name in SIDES},
        "winner": winner and winner.value,
        "spread": spread(judgments),
        "retest": retest(judgments),
    }
    for place in PLACES:
        of_place = [judgment for judgment in judgments if (judgment["shown"] or "any") == place]
        winner_of_place, p_a = order_verdict(of_place)
        facts |= {f"askings_{place}": len(of_place), f"winner_{place}": winner_of_place, f"p_{place}": p_a}
    return facts
