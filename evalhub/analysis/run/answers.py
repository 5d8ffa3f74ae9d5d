"""What each system answered: how many answers are empty, and how many the token limit cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from evalhub.analysis.results import Results
from evalhub.records import CUT
from evalhub.texts import is_blank

if TYPE_CHECKING:
    import pandas as pd

MANY = 0.1
"""Share of a candidate's answers from which a run says at once that they were cut."""

_UNSEEN = "text IS NOT NULL AND NOT regexp_matches(text, '[!-~]')"

_ANSWERED = f"""
SELECT dataset, system, count(*) AS responses, count(*) - count(text) AS absent,
  count(finish_reason) AS ended, if(ended > 0, count(*) FILTER (WHERE finish_reason = '{CUT}'), NULL) AS cut,
  count(*) FILTER (WHERE finish_reason = '{CUT}' AND failure IS NOT NULL) AS cut_failed
FROM responses GROUP BY ALL ORDER BY ALL
"""


def answers(results: Results) -> pd.DataFrame:
    """Return what each system answered: dataset, system, and counts of responses.

    `responses` counts all, `absent` those without a text (failed, or recorded by their length alone), `empty`
    those whose text shows nothing. An empty answer is an answer: it is scored and judged like any other.
    `ended` counts those of which the engine, or the card, says why they end, and `cut` those of them that
    ended at the token limit, `max_tokens`. Where nothing is known `cut` is missing. An answer that was cut is
    judged as it is. `cut_failed` counts those of which nothing is left to judge, such as thoughts alone.
    """
    frame = results.sql(_ANSWERED)
    unseen = results.sql(f"SELECT dataset, system, text FROM responses WHERE {_UNSEEN}")
    empty = Counter(
        (dataset, system) for dataset, system, text in unseen.itertuples(index=False) if is_blank(text)
    )
    frame["empty"] = [empty[key] for key in zip(frame["dataset"], frame["system"], strict=True)]
    candidates = results.manifest["resolved"]["suite"].get("candidates", ())
    limits = {one["id"]: one["sampling"]["max_tokens"] for one in candidates}
    frame["cut"] = frame["cut"].astype("Int64")
    frame["max_tokens"] = frame["system"].map(limits).astype("Int64")
    return frame


def cut_answers(counts: Iterable[Mapping[str, Any]], least: float = 0.0) -> Iterator[str]:
    """Yield one sentence for each candidate with answers that the token limit cut.

    Args:
        counts: Rows with system, ended, cut, cut_failed and max_tokens, as of `answers`.
        least: Share of the answers from which it is said.
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
        if number and number >= least * ended[system]:
            limit = limits[system]
            fix = f"; for longer ones set sampling: {{max_tokens: {2 * limit}}}" if limit else ""
            yield (
                f"{system}: {number:,} of {ended[system]:,} answers were cut at the token limit"
                f"{f' of {limit:,}' if limit else ''}, and {_what_becomes(number, failed[system])}{fix}"
            )


def _what_becomes(cut: int, failed: int) -> str:
    """Say what becomes of answers that were cut, some of them before there was anything to judge."""
    judged = "are scored and judged as they are"
    if not failed:
        return judged
    lost = "failed, since they were cut before the answer began"
    return lost if failed == cut else f"{judged}, except for {failed:,} that {lost}"
