"""The facts of ratings: one row per judge, criterion and response, with the judge's samples combined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from evalhub.analysis.database.pairs import BATCH, append
from evalhub.analysis.database.rules import Rules
from evalhub.analysis.database.sql import FAILED, NOT_APPLICABLE
from evalhub.judging.aggregate import equal_pairs, level

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

RATING_KEY = ("dataset", "judge", "criterion", "item_id", "system", "sample")
CRITERION_KEY = (*RATING_KEY, "item_criterion")
"""The key of a judge's answer on one criterion of an item."""


def create_ratings(database: duckdb.DuckDBPyConnection, judgments: str, rules: Rules) -> str:
    """Return a query for the facts of all ratings, sorted by their key.

    Columns: the key (dataset, judge, criterion, item_id, system, sample), turn, same_family, source, askings
    (number of judgments), valid (number of those that did not fail), failures, rated (whether there is a
    value), not_applicable, value, expected, spread and retest as in `ratings`. `expected` is there also for a
    judge of few samples. Answers on the criteria of items are in a table of their own.

    Args:
        database: Gets the tables rating_samples and sampled_ratings, which the query reads.
        judgments: A relation in SQL with the columns of judgments.
        rules: How the samples of judges are combined.
    """
    rows = f"{_with_item_criterion(database, judgments)} WHERE system IS NOT NULL AND item_criterion IS NULL"
    return _create(database, rows, rules, RATING_KEY)


def create_criterion_ratings(database: duckdb.DuckDBPyConnection, judgments: str, rules: Rules) -> str:
    """Return a query for the facts of all answers on the criteria of items, sorted by their key.

    The columns are those of `create_ratings`, and item_criterion, the id of the item's criterion. The
    arguments are those of `create_ratings`.
    """
    rows = f"{_with_item_criterion(database, judgments)} WHERE item_criterion IS NOT NULL"
    return _create(database, rows, rules, CRITERION_KEY)


def _with_item_criterion(database: duckdb.DuckDBPyConnection, judgments: str) -> str:
    """Return the judgments with a column that old files lack."""
    if "item_criterion" in database.sql(f"FROM {judgments} LIMIT 0").columns:
        return f"FROM {judgments}"
    return f"FROM (SELECT *, NULL::VARCHAR AS item_criterion FROM {judgments})"


def _create(database: duckdb.DuckDBPyConnection, rows: str, rules: Rules, key: Sequence[str]) -> str:
    names = ", ".join(key)
    database.execute(f"CREATE OR REPLACE TABLE rating_samples AS {_samples(rows, names)}")
    database.execute(
        "CREATE OR REPLACE TABLE sampled_ratings AS "
        f"SELECT {names}, NULL::DOUBLE AS value, NULL::DOUBLE AS retest FROM rating_samples LIMIT 0"
    )
    if database.execute("SELECT count(*) FROM rating_samples WHERE askings > 1").fetchall()[0][0]:
        append(database, "sampled_ratings", _sampled_values(database, rules, key))
    columns = f"""{names}, turn, same_family, source, askings, valid, failures,
  rated, failures = 0 AND NOT rated AS not_applicable, if(rated, expected, NULL) AS expected, spread"""
    return f"""
    SELECT {columns}, if(rated, samples[1], NULL) AS value, NULL::DOUBLE AS retest
    FROM rating_samples WHERE askings = 1
    UNION ALL BY NAME
    SELECT {columns}, value, retest FROM rating_samples JOIN sampled_ratings USING ({names})
    ORDER BY {names}"""


def _samples(rows: str, names: str) -> str:
    """Return a query for one row per response, with the levels of the judge's samples."""
    return f"""
    SELECT *, failures = 0 AND 2 * inapplicable < askings AS rated
    FROM (
      SELECT {names}, max(turn) AS turn, max(same_family) AS same_family, max(source) AS source,
        count(*) AS askings, count(*) FILTER (failure IS NULL OR {NOT_APPLICABLE}) AS valid,
        count(*) FILTER ({FAILED}) AS failures, count(*) FILTER ({NOT_APPLICABLE}) AS inapplicable,
        coalesce(list(value ORDER BY repeat) FILTER (failure IS NULL), []) AS samples,
        -- An average over a part of the judgments would be another number.
        CASE WHEN count(*) FILTER (value IS NOT NULL AND expected IS NULL) = 0
             THEN list_avg(list(expected ORDER BY "row", repeat)) END AS expected,
        list_stddev_samp(list(coalesce(expected, value) ORDER BY "row", repeat)) AS spread
      {rows} GROUP BY ALL
    )"""


def _sampled_values(
    database: duckdb.DuckDBPyConnection, rules: Rules, key_names: Sequence[str]
) -> Iterator[pa.Table]:
    """Yield the value and the retest of each response with several judgments, a batch at a time."""
    import pyarrow as pa

    schema = database.sql("FROM sampled_ratings").to_arrow_table().schema
    database.execute(
        f"SELECT {', '.join(key_names)}, samples, rated, failures, inapplicable "
        "FROM rating_samples WHERE askings > 1"
    )
    while rows := database.fetchmany(BATCH):
        facts = [
            {
                **dict(zip(key_names, key, strict=True)),
                "value": level(samples, vote=key[1] in rules.voting) if rated else None,
                "retest": None if failures else _retest(samples, inapplicable),
            }
            for *key, samples, rated, failures, inapplicable in rows
        ]
        yield pa.Table.from_pylist(facts, schema)


def _retest(samples: Sequence[float], inapplicable: int) -> float:
    """Return the probability that two judgments agree. Two that find that none applies agree."""
    return equal_pairs([*samples, *[None] * inapplicable])
