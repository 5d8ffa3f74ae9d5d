"""Row 30: where only some responses have labels, each number is that of the labelled ones alone.

The oracle is a run that holds nothing but what is labelled. Fewer than three labels, and labels that are all
alike, leave a statistic undefined with its reason.
"""

import math
import os
import random
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from evalhub.analysis import Results, agreement, correlations, rows_of
from evalhub.records import Label, Record

ITEMS = [f"i{number:02}" for number in range(14)]
LABELS = range(len(ITEMS)) if os.environ.get("EVALHUB_FULL") else (0, 2, 9)
Write = Callable[[Iterable[Record]], Results]


def records(hand: Any, rng: random.Random) -> list[Record]:
    """Return items with verdicts, ratings, scores and labels, all drawn."""
    drawn: list[Record] = []
    for name in ITEMS:
        drawn += [hand.item(name), *(hand.response(name, system, rng.randrange(5, 50)) for system in "km")]
        drawn += [hand.asked(name, order, rng.choice([0.1, 0.3, 0.6, 0.9, None])) for order in ("ab", "ba")]
        for system in "km":
            drawn += [
                hand.rated(name, system, rng.choice([1.0, 2.0, 3.0, None])),
                hand.score(name, system, rng.choice([rng.random(), None])),
                hand.label(name, system, rng.choice([1.0, 2.0, 3.0])),
            ]
        drawn.append(hand.won(name, rng.choice(["a", "b", "tie"])))
    return drawn


def numbers(results: Results) -> list[dict[str, Any]]:
    """Return the statistics against labels, without what is counted as left out."""
    rows = [
        {name: value for name, value in row.items() if name != "n_excluded"}
        for table in (agreement, correlations)
        for row in rows_of(table(results))
    ]
    return [row for row in rows if row.get("reference_rater", "labels") == "labels"]


@pytest.mark.parametrize("labels", LABELS)
def test_numbers_are_those_of_the_labelled_ones_alone(hand: Any, results: Write, labels: int) -> None:
    rng = random.Random(labels)
    everything = records(hand, rng)
    labelled = set(rng.sample(ITEMS, labels))
    partly = [record for record in everything if not isinstance(record, Label) or record.item_id in labelled]
    alone = [record for record in everything if getattr(record, "item_id", None) in labelled]
    found, expected = numbers(results(partly)), numbers(results(alone))
    assert found == expected
    assert bool(found) == bool(labelled)
    for row in found:
        assert row["n"] <= 2 * len(labelled)
        assert row["estimate"] is not None or row["reason"]
        assert not [value for value in row.values() if isinstance(value, float) and math.isnan(value)]


@pytest.mark.parametrize("value", [1.0, 3.0])
def test_labels_that_are_all_alike_correlate_with_nothing(hand: Any, results: Write, value: float) -> None:
    drawn = [record for record in records(hand, random.Random(1)) if not isinstance(record, Label)]
    labels = [hand.label(name, system, value) for name in ITEMS[:6] for system in "km"]
    rows = [
        row
        for row in rows_of(correlations(results([*drawn, *labels])))
        if "labels" in (row["first"], row["second"])
    ]
    assert rows
    assert {row["estimate"] for row in rows} == {None}
    assert all(row["reason"] for row in rows)
