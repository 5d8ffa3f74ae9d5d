"""Answers of each system: how many are absent or empty, and how many the token limit cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from evalhub.analysis.results import Results, cached_statistics
from evalhub.records import CUT
from evalhub.texts import is_blank

if TYPE_CHECKING:
    import pandas as pd

WARNED_SHARE = 0.1
"""Share of cut answers of a candidate from which a run warns at once."""

_NO_VISIBLE_ASCII = "text IS NOT NULL AND NOT regexp_matches(text, '[!-~]')"

_COUNTS = f"""
SELECT dataset, system, count(*) AS responses, count(*) - count(text) AS absent,
  count(finish_reason) AS ended, if(ended > 0, count(*) FILTER (WHERE finish_reason = '{CUT}'), NULL) AS cut,
  count(*) FILTER (WHERE finish_reason = '{CUT}' AND failure IS NOT NULL) AS cut_failed
FROM responses GROUP BY ALL ORDER BY ALL
"""


@cached_statistics
def answers(results: Results) -> pd.DataFrame:
    """Return how many answers each system gave, and how many are absent, empty or cut.

    Columns: dataset, system, then counts of its responses.

    - `responses`: all responses.
    - `absent`: those without a text, because they failed or were recorded by their length alone.
    - `empty`: those whose text shows nothing. An empty answer is scored and judged like any other.
    - `ended`: those whose end the engine or the card gives a reason for.
    - `cut`: those of them that ended at the token limit, `max_tokens`. Missing where `ended` is 0. A cut
      answer is judged as it is.
    - `cut_failed`: cut answers that left nothing to judge, such as those that only thought.
    """
    frame = results.sql(_COUNTS)
    texts = results.sql(f"SELECT dataset, system, text FROM responses WHERE {_NO_VISIBLE_ASCII}")
    empty = Counter(
        (dataset, system) for dataset, system, text in texts.itertuples(index=False) if is_blank(text)
    )
    frame["empty"] = [empty[key] for key in zip(frame["dataset"], frame["system"], strict=True)]
    limits = {candidate.id: candidate.sampling.max_tokens for candidate in results.suite.candidates}
    frame["cut"] = frame["cut"].astype("Int64")
    frame["max_tokens"] = frame["system"].map(limits).astype("Int64")
    return frame


def cut_answer_sentences(counts: Iterable[Mapping[str, Any]], min_share: float = 0.0) -> Iterator[str]:
    """Yield one sentence for each candidate with answers that the token limit cut.

    Args:
        counts: Rows with system, ended, cut, cut_failed and max_tokens, as of `answers`.
        min_share: Least share of cut answers for a sentence, in [0, 1].
    """
    ended: Counter[str] = Counter()
    cut: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    limits = {}
    for row in counts:
        ended[row["system"]] += row["ended"]
        cut[row["system"]] += row["cut"] or 0
        failed[row["system"]] += row["cut_failed"]
        limits[row["system"]] = row["max_tokens"]
    for system, number in cut.items():
        if number and number >= min_share * ended[system]:
            limit = limits[system]
            fix = f"; for longer ones set sampling: {{max_tokens: {2 * limit}}}" if limit else ""
            yield (
                f"{system}: {number:,} of {ended[system]:,} answers were cut at the token limit"
                f"{f' of {limit:,}' if limit else ''}, and {_fate(number, failed[system])}{fix}"
            )


def _fate(cut: int, failed: int) -> str:
    """Return in words what happens to cut answers, of which some failed because nothing was left to judge."""
    judged = "are scored and judged as they are"
    if not failed:
        return judged
    failure = "failed, since they were cut before the answer began"
    return failure if failed == cut else f"{judged}, except for {failed:,} that {failure}"
