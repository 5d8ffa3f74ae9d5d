"""Which rater goes best with people, on a run written by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from evalhub.analysis import Results, correlation_differences, correlations, ranking_accuracies, rows_of

Write = Callable[..., Results]
JUDGED = {"k": (3, 2, 3, 3, 2), "l": (2, 2, 2, 1, 2), "m": (1, 1, 1, 2, 1)}
LABELS = {"k": (3, 3, 3, 2, 3), "l": (2, 2, 2, 3, 2), "m": (1, 1, 1, 1, 1)}
ROUGE = {"k": (0.1, 0.5, 0.2, 0.4, 0.3), "l": (0.3, 0.2, 0.5, 0.1, 0.3), "m": (0.2, 0.4, 0.1, 0.5, 0.2)}


@pytest.fixture
def run(hand: Any, results: Write) -> Results:
    records: list[Any] = [hand.item(f"i{n}") for n in range(1, 6)]
    for system, values in JUDGED.items():
        for n, value in enumerate(values, 1):
            item = f"i{n}"
            records += [hand.response(item, system), hand.rated(item, system, value)]
            records += [hand.label(item, system, LABELS[system][n - 1])]
            records += [hand.score(item, system, ROUGE[system][n - 1])]
    return results(records)


def test_the_difference_is_that_of_the_two_correlations(run: Results) -> None:
    by_columns = {
        (row["first"], row["second"], row["granularity"], row["coefficient"]): row["estimate"]
        for row in rows_of(correlations(run))
    }
    rows = [row for row in rows_of(correlation_differences(run)) if row["second"] == "rougeL"]
    assert {(row["first"], row["granularity"]) for row in rows} == {
        (judge, at) for judge in ("pt", "pt (soft)") for at in ("pooled", "item", "system")
    }
    for row in rows:
        if row["granularity"] == "system":
            assert "fewer than" in row["reason"]
            continue
        keys = (row["granularity"], row["coefficient"])
        difference = by_columns["labels", row["first"], *keys] - by_columns["labels", "rougeL", *keys]
        assert row["estimate"] == pytest.approx(difference)
        assert row["p"] is None or 0 < row["p"] <= row["p_holm"] <= 1


def test_no_judge_is_held_against_itself(run: Results) -> None:
    pairs = {(row["first"], row["second"]) for row in rows_of(correlation_differences(run))}
    assert ("pt", "pt (soft)") not in pairs


def test_ranking_accuracy(run: Results) -> None:
    rows = {(row["rater"], row["statistic"]): row for row in rows_of(ranking_accuracies(run))}
    # of 15 pairs within items the judge ties three that people order, and turns none round but one
    right = rows["pt", "within items"]
    by_hand = 0
    for n in range(5):
        for first, second in (("k", "l"), ("k", "m"), ("l", "m")):
            judged, true = (side[first][n] - side[second][n] for side in (JUDGED, LABELS))
            by_hand += (judged > 0) - (judged < 0) == (true > 0) - (true < 0)
    assert right["estimate"] == pytest.approx(by_hand / 15)
    assert right["pairs"] == 15
    assert rows["pt", "between systems"]["estimate"] == 1


def test_nothing_is_labelled(hand: Any, results: Write) -> None:
    run = results([hand.item("i1"), hand.response("i1", "k"), hand.rated("i1", "k", 2)])
    assert correlation_differences(run).empty
    assert ranking_accuracies(run).empty
