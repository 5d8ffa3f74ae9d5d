"""Why responses and judgments failed, each reason once with its count."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from evalhub.analysis.results import FAILED, Results
from evalhub.analysis.tidy import rows_of

if TYPE_CHECKING:
    import pandas as pd

NAMED = ("of", "by_whom", "failure", "n", "example")
CELL = ("dataset", "criterion")

_REPLY_LENGTH = 80

# What a judge wrote in place of a verdict is part of the reason.
_FAILED = f"""
SELECT 'judgment' AS "of", judge AS by_whom, dataset, criterion, failure, detail,
  CASE WHEN failure = 'parse' AND source = 'generated' AND raw_text <> ''
       THEN left(raw_text, {_REPLY_LENGTH}) END AS reply,
  count(*) AS n
FROM judgments WHERE {FAILED} GROUP BY ALL
UNION ALL
SELECT 'response', system, dataset, NULL, failure, detail, NULL, count(*)
FROM responses WHERE failure IS NOT NULL GROUP BY ALL
ORDER BY ALL
"""

_VARIES = re.compile(r"(HTTP \d{3})|[^\s'\"(),;:=]*\d[^\s'\"(),;:=]*")


def failures(results: Results, *, by: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return the failures by what failed, by whom and why: one row per distinct reason.

    Args:
        results: The run.
        by: Of `CELL`, the columns that stand before the others and whose failures are counted apart; a
            response has no criterion.

    Columns: of (judgment or response), by_whom, failure (its kind), n, example (the reason in the engine's or
    the reader's own words; of several that differ in numbers or ids alone, the most frequent). The most
    frequent reason of each kind stands first.
    """
    import pandas as pd

    reasons: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows_of(results.sql(_FAILED)):
        cell = (row[name] or "" for name in by)
        key = (*cell, row["of"], row["by_whom"], row["failure"], alike(row["detail"] or ""))
        reasons.setdefault(key, []).append(row)
    rows = [(*key[:-1], sum(row["n"] for row in same), _example(same)) for key, same in reasons.items()]
    rows.sort(key=lambda row: (*row[:-2], -row[-2], row[-1] or ""))
    return pd.DataFrame(rows, columns=[*by, *NAMED])


def alike(reason: str) -> str:
    """Return a reason without its numbers and ids, which differ from request to request; a status stays.

    >>> alike("HTTP 400: request req_8f2 has 5123 tokens, the limit is 4096")
    'HTTP 400: request # has # tokens, the limit is #'
    """
    return _VARIES.sub(lambda match: match[1] or "#", reason)


def _example(same: list[dict[str, Any]]) -> str | None:
    row = max(same, key=lambda row: row["n"])
    if row["reply"] is None:
        return None if row["detail"] is None else str(row["detail"])
    return f"{row['detail']}; the answer begins {row['reply']!r}"
