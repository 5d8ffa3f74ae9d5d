"""Row 28: a prompt that leaves room for one token is judged, one word more is a failure of its own.

The policy is to fail: no text is cut, so that both sides of a pair are shown whole or not at all.
"""

from collections import Counter
from typing import Any

import pytest

from evalhub.analysis import Results, rows_of
from evalhub.records import Judgment
from evalhub.store import Run

from ..conftest import PAIR_JUDGE, RATE_JUDGE


def judgments(run: Run) -> list[Judgment]:
    return [record for record in run.records("judgments") if isinstance(record, Judgment)]


def prompt_words(run: Run) -> dict[str, int]:
    """Return the length in words of the prompt about each item."""
    rows = rows_of(
        Results(run).sql(
            "SELECT item_id, prompt_tokens FROM judgments, unnest(completions) AS used(key) "
            "JOIN completions USING (key)"
        )
    )
    return {row["item_id"]: row["prompt_tokens"] for row in rows}


@pytest.mark.parametrize("judge", [PAIR_JUDGE, RATE_JUDGE], ids=["pair", "rating"])
def test_lengths_at_the_limit(desk: Any, judge: dict[str, Any]) -> None:
    """The response to each item has one word more than that to the item before."""
    items = range(1, 60)
    desk.dataset(
        items=len(items),
        responses=[
            {"item_id": f"i{n - 1:03}", "system": system, "family": "alpha",
             "text": " ".join([system, *["word"] * (n if system == "k" else 1)])}
            for n in items
            for system in ("k", "m")
        ],
    )  # fmt: skip
    desk.suite(judges=[judge])
    lengths = prompt_words(desk.run())
    limit = sorted(lengths.values())[len(items) // 2] + 1
    desk.runs = desk.folder / "limited"
    engine = {"type": "scripted", "script": {"max_length": limit}}
    desk.suite(judges=[{**judge, "engine": engine}], controls={"min_coverage": 0})
    run = desk.run()
    outcomes: dict[str, Counter[Any]] = {}
    for judgment in judgments(run):
        outcomes.setdefault(judgment.item_id, Counter())[judgment.failure] += 1
    assert outcomes.keys() == lengths.keys()
    if judge is PAIR_JUDGE:
        # Both orders of a pair have one length, so both are judged or neither is.
        assert outcomes == {
            item_id: Counter({None if words + 1 <= limit else "too_long": 2})
            for item_id, words in lengths.items()
        }
        assert {lengths[name] - limit for name in lengths} >= {-2, -1, 0}
    assert 10 < sum(counts["too_long"] for counts in outcomes.values()) < len(judgments(run))
