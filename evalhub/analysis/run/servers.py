"""Sampling parameters that servers were not sent, and verdicts that came without probabilities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from evalhub.analysis.results import Results
from evalhub.texts import count, make_printable

if TYPE_CHECKING:
    import pandas as pd

NO_PROBABILITIES = "the judge gives no probabilities"

_NOT_SENT = """
WITH asked AS (
  SELECT DISTINCT 'judge' AS role, judge AS source, unnest(completions) AS key FROM judgments
  UNION SELECT DISTINCT 'candidate', system, unnest(completions) FROM responses
), answered AS (
  SELECT role, source, unsent, count(*) OVER (PARTITION BY role, source) AS total
  FROM asked JOIN completions USING (key) WHERE failure IS NULL
), named AS (SELECT role, source, total, unnest(unsent) AS setting FROM answered)
SELECT role, source, split_part(setting, ' ', 1) AS parameter, split_part(setting, ' ', 2) AS value,
  count(*) AS n, any_value(total) AS total
FROM named GROUP BY ALL ORDER BY ALL
"""

_HARD = """
SELECT judge, count(*) FILTER (hard) AS n, count(*) AS total,
  min(detail) FILTER (hard) AS reason
FROM (
  SELECT *, p_a IS NULL AND expected IS NULL AS hard FROM judgments
  WHERE source = 'generated' AND failure IS NULL
) GROUP BY judge HAVING n > 0 ORDER BY judge
"""


def unsent_parameters(results: Results) -> pd.DataFrame:
    """Return the sampling parameters of the suite that were not sent to a server, because it refuses them.

    Columns: role (candidate or judge), source, parameter, value (the value), n (completions without it),
    of (all answered completions of that candidate or judge).
    """
    # Nearly all runs send all, and then no completion need be joined with who asked for it.
    any_unsent = results.sql("SELECT count(*) AS n FROM completions WHERE len(unsent) > 0")["n"][0]
    return results.sql(_NOT_SENT if any_unsent else f"FROM ({_NOT_SENT}) LIMIT 0")


def hard_verdicts(results: Results) -> pd.DataFrame:
    """Return the judges whose verdicts came without probabilities.

    Columns: judge, n (verdicts without probabilities), of (all its valid verdicts), reason.
    """
    return results.sql(_HARD)


def hard_verdict_sentences(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield one sentence for each judge of `hard_verdicts`."""
    for row in rows:
        n_of_total = f"{count(row['n'])} of {count(row['total'])} verdicts"
        reason = (row["reason"] or "the engine gives no probabilities").removeprefix("hard verdict: ")
        judge = f"{row['judge']} gave no probabilities with {n_of_total} ({make_printable(reason)})"
        if row["n"] < row["total"]:
            yield f"{judge}. These verdicts are hard and have neither p_a nor expected scores"
        else:
            yield (
                f"{judge}. All its verdicts are hard, so p_a, expected scores, choice mass and all numbers "
                "made of them are absent"
            )


def unsent_parameter_sentences(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield one sentence for each candidate or judge and parameter of `unsent_parameters`."""
    for (model, parameter), group in groupby(rows, key=lambda row: (row["source"], row["parameter"])):
        of_parameter = list(group)
        values = list(dict.fromkeys(row["value"] for row in of_parameter))
        setting = ", ".join(values[:3]) + (", …" if len(values) > 3 else "")
        n = sum(row["n"] for row in of_parameter)
        n_of_total = f"{count(n)} of {count(of_parameter[0]['total'])} completions"
        yield (
            f"{model}: {parameter} ({setting} in the suite) was not sent with {n_of_total}. The server chose "
            "its own value"
        )
