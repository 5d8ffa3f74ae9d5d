"""Reasons why responses and judgments failed, each reason once with its count."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from evalhub.analysis.database.sql import FAILED
from evalhub.analysis.results import Results
from evalhub.analysis.tables import rows_of

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("stage", "source", "failure", "n", "example")
CELL = ("dataset", "criterion")

_REPLY_LENGTH = 80

# The reply that a judge wrote instead of a verdict is part of the reason.
_FAILED = f"""
SELECT 'judgment' AS stage, judge AS source, dataset, criterion, failure, detail,
  CASE WHEN failure = 'parse' AND source = 'generated' AND raw_text <> ''
       THEN left(raw_text, {_REPLY_LENGTH}) END AS reply,
  count(*) AS n
FROM judgments WHERE {FAILED} GROUP BY ALL
UNION ALL
SELECT 'response', system, dataset, NULL, failure, detail, NULL, count(*)
FROM responses WHERE failure IS NOT NULL GROUP BY ALL
ORDER BY ALL
"""

# Codes name the failure and stay in a reason, such as "Error code: 401", "status_code=429",
# "'500 Internal Server Error'" or "[Errno 111]".
_PHRASES = "|".join(re.escape(status.phrase) for status in HTTPStatus)
_CODE = (
    r"(?:http(?:/\d(?:\.\d)?|\w*)|(?<![a-z])status(?:[\s_-]?code)?|(?<![a-z])code|errno|signal)['\"]?"
    r"(?:\s+(?:error|status|code|was|is|of)){0,2}[\s:=(_]*['\"]?-?(?:[a-z]{0,3}\d{1,5}|[45]xx)(?!\w|\.\w)"
    r"|\berror[\s:=(]+[45]\d\d(?!\w|\.\w)|\b(?:got|returned|received)\s+an?\s+[45]\d\d(?!\w)"
    rf"|\b[1-5]\d\d(?=\s+(?:{_PHRASES})\b)"
)
_URL = r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>(),;]+"
_ID = (
    r"(?<=\bid=)[\w-]+|(?<=\bid:\s)[\w-]+|(?<=_id=)[\w-]+|(?<=_id:\s)[\w-]+|(?<=id':\s')[\w-]+|(?<=id\":\s\")[\w-]+"
    r"|\b(?:req|chatcmpl|cmpl|org|proj)[-_]\w{6,}"
)
_DAY = r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6},?\s+"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_DATE = rf"\b(?:{_DAY})?(?:\d{{1,2}}[\s-]{_MONTH}[\s-]\d{{4}}|{_MONTH}\s+\d{{1,2}},?(?:\s+\d{{4}})?)\b"
_NUMBER = r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?"
_AMOUNT = (
    rf"{_NUMBER}\s*(?:bytes?|[kmgt]i?b|b|milliseconds?|seconds?|secs?|minutes?|mins?|hours?|days?|ms|s|m|h)\b"
    rf"|{_NUMBER}%?(?!\w)(?=[\s'\"(),;:=.]|\Z)"
)
_TOKEN = r"[^\s'\"(),;:=]*\d[^\s'\"(),;:=]*"
_VARIES = re.compile(rf"(?P<code>{_CODE})|{_URL}|{_ID}|{_DATE}|{_AMOUNT}|{_TOKEN}", re.IGNORECASE)


def failures(results: Results, *, by: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return the failures by what failed, by whom and why: one row per distinct reason.

    Args:
        results: The run.
        by: Columns of `CELL` by which failures are counted separately. They become the first columns. A
            response has no criterion.

    Columns: of (judgment or response), source, failure (its kind), n, example (the reason in the words of
    the engine or of the parser). Reasons that differ only in numbers or ids are one row, whose example is the
    most frequent of them. The most frequent reason of each kind stands first.
    """
    import pandas as pd

    reasons: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows_of(results.sql(_FAILED)):
        cell = (row[name] or "" for name in by)
        key = (*cell, row["stage"], row["source"], row["failure"], normalise_reason(row["detail"] or ""))
        reasons.setdefault(key, []).append(row)
    rows = [
        (*key[:-1], sum(failure["n"] for failure in variants), _example(variants))
        for key, variants in reasons.items()
    ]
    rows.sort(key=lambda row: (*row[:-2], -row[-2], row[-1] or ""))
    return pd.DataFrame(rows, columns=[*by, *COLUMNS])


def normalise_reason(reason: str) -> str:
    """Replace by "#" what differs between requests: numbers, ids, addresses, dates and amounts.

    Codes stay, since "Error code: 401" and "Error code: 500" are two reasons.

    >>> normalise_reason("HTTP 400: request req_8f2 has 5123 tokens, the limit is 4096")
    'HTTP 400: request # has # tokens, the limit is #'
    >>> normalise_reason("status_code=429, try again in 1.5 seconds, see https://api.example.com/limits")
    'status_code=429, try again in #, see #'
    """
    return _VARIES.sub(lambda match: match["code"] or "#", reason)


def _example(variants: list[dict[str, Any]]) -> str | None:
    row = max(variants, key=lambda failure: failure["n"])
    if row["reply"] is None:
        return None if row["detail"] is None else str(row["detail"])
    return f"{row['detail']}; the answer begins {row['reply']!r}"
