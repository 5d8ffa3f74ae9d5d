"""People and judge together, and what to label next, on runs written by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evalhub import stats
from evalhub.analysis import (
    QueueRequest,
    Results,
    comparisons,
    labelling_queue,
    labels_needed,
    leaderboard,
    prediction_powered,
    rows_of,
)
from evalhub.analysis.frames.labels import count_uncertainty_sampled
from evalhub.errors import InputError, UnknownNameError
from evalhub.records import Label

Write = Callable[..., Results]
ITEMS, LABELLED = 200, 60


def judge_probability(n: int) -> float:
    """Return the judge's probability that k wins item n."""
    return 0.9 if n % 3 else 0.2


def human_winner(n: int) -> str:
    """Return what people say: the judge is wrong on one item in five, for m."""
    return "b" if n % 5 == 0 or judge_probability(n) < 0.5 else "a"


def half_labelled(hand: Any, *, labelled: int = LABELLED, chance: float | None = None) -> list[Any]:
    records: list[Any] = []
    for n in range(ITEMS):
        item = f"i{n:03}"
        records += [hand.item(item), hand.response(item, "k"), hand.response(item, "m")]
        records += [
            hand.asked(item, "ab", judge_probability(n)),
            hand.asked(item, "ba", judge_probability(n)),
        ]
        if n < labelled:
            records.append(replace(hand.won(item, human_winner(n)), probability=chance))
    return records


def by_statistic(results: Results, system: str = "k") -> dict[str, dict[str, Any]]:
    return {row["statistic"]: row for row in rows_of(prediction_powered(results)) if row["system"] == system}


class TestPowered:
    def test_it_says_what_the_estimators_say(self, hand: Any, results: Write) -> None:
        rows = by_statistic(results(half_labelled(hand)))
        labels = [float(human_winner(n) == "a") if n < LABELLED else None for n in range(ITEMS)]
        verdicts = [judge_probability(n) for n in range(ITEMS)]
        clusters = [f"i{n:03}" for n in range(ITEMS)]
        mean = stats.powered_mean(labels, verdicts, clusters, bounds=(0, 1))
        combined = rows["people + judge"]
        assert combined["estimate"] == pytest.approx(mean.estimate.estimate)
        assert (combined["low"], combined["high"]) == pytest.approx((mean.estimate.low, mean.estimate.high))
        assert (combined["labelled"], combined["verdicts"]) == (LABELLED, ITEMS)
        assert combined["labels_worth"] > LABELLED
        labels_only = rows["people alone"]
        assert labels_only["estimate"] == pytest.approx(sum(labels[:LABELLED]) / LABELLED)  # type: ignore[arg-type]
        assert combined["high"] - combined["low"] < labels_only["high"] - labels_only["low"]
        # the judge alone is wrong about k by what it gives away
        assert rows["judge alone"]["low"] > combined["estimate"]
        assert set(rows) == {
            "people + judge",
            "people alone",
            "judge alone",
            "calibrated",
            "corrected, unlabelled rows",
        }

    def test_the_difference_of_two_systems_that_met(self, hand: Any, results: Write) -> None:
        run = results(half_labelled(hand))
        (difference,) = [row for row in rows_of(comparisons(run)) if row["rater_kind"] == "people + judge"]
        combined = by_statistic(run)["people + judge"]
        assert (difference["first"], difference["second"], difference["test"]) == ("k", "m", "none")
        assert difference["estimate"] == pytest.approx(2 * combined["estimate"] - 1)
        assert difference["high"] - difference["low"] == pytest.approx(
            2 * (combined["high"] - combined["low"]), rel=0.05
        )

    def test_the_difference_of_two_systems_that_were_rated(self, hand: Any, results: Write) -> None:
        rng = np.random.default_rng(4)
        records: list[Any] = []
        by_system: dict[str, list[tuple[float, float | None]]] = {"k": [], "m": []}
        for n in range(ITEMS):
            records.append(hand.item(f"i{n:03}"))
            for system, minimum in (("k", 2), ("m", 1)):
                verdict = float(minimum + rng.integers(0, 2))
                label = max(1.0, verdict - float(rng.integers(0, 2))) if n < LABELLED else None
                by_system[system].append((verdict, label))
                records += [hand.response(f"i{n:03}", system), hand.rated(f"i{n:03}", system, verdict)]
                records += [] if label is None else [hand.label(f"i{n:03}", system, label)]
        (difference,) = [
            row for row in rows_of(comparisons(results(records))) if row["rater_kind"] == "people + judge"
        ]
        sides = [
            ([label for _, label in by_system[name]], [verdict for verdict, _ in by_system[name]])
            for name in "km"
        ]
        expected = stats.powered_difference(sides[0], sides[1], [f"i{n:03}" for n in range(ITEMS)]).estimate
        assert difference["measure"] == "mean score (soft), people + judge"
        assert (difference["estimate"], difference["low"]) == pytest.approx((expected.estimate, expected.low))
        assert (difference["n"], difference["failed"], difference["p"]) == (ITEMS, None, None)

    def test_labels_drawn_by_doubt_of_each_system_give_no_difference(self, hand: Any, results: Write) -> None:
        records: list[Any] = []
        for n in range(20):
            records.append(hand.item(f"i{n}"))
            for system in "km":
                records += [hand.response(f"i{n}", system), hand.rated(f"i{n}", system, 1 + n % 3)]
                if n < 10:
                    label = hand.label(f"i{n}", system, 1 + n % 2)
                    records.append(replace(label, probability=0.5 if n % 2 else 0.9, uniform=False))
        (difference,) = [
            row for row in rows_of(comparisons(results(records))) if row["rater_kind"] == "people + judge"
        ]
        assert difference["estimate"] is None
        assert "drawn by doubt" in difference["reason"]

    def test_the_two_sides_of_a_pair_mirror_each_other(self, hand: Any, results: Write) -> None:
        run = results(half_labelled(hand))
        first, second = (by_statistic(run, system)["people + judge"]["estimate"] for system in "km")
        assert first + second == pytest.approx(1)

    def test_stored_probabilities_are_weighted_by(self, hand: Any, results: Write) -> None:
        records = half_labelled(hand, chance=0.5)
        rare = [
            replace(record, probability=0.1) if isinstance(record, Label) and record.winner == "b" else record
            for record in records
        ]
        plain, weighted = (
            by_statistic(results(labels))["people alone"]["estimate"] for labels in (records, rare)
        )
        labels = [human_winner(n) for n in range(LABELLED)]
        share = labels.count("a") / 0.5 / (labels.count("a") / 0.5 + labels.count("b") / 0.1)
        assert plain == pytest.approx(labels.count("a") / LABELLED)
        assert weighted == pytest.approx(share)

    def test_labels_drawn_by_doubt_count_only_where_they_are_weighted(
        self, hand: Any, results: Write
    ) -> None:
        def redrawn(label: Label) -> Label:
            n = int(label.item_id[1:])
            return replace(label, probability=0.1 if n % 2 else 0.5, uniform=n % 4 == 0)

        records = [redrawn(record) if isinstance(record, Label) else record for record in half_labelled(hand)]
        uniform = [record for record in records if isinstance(record, Label) and record.uniform]
        run = results(records)
        rows = [
            row for row in rows_of(leaderboard(run)) if (row["rater_kind"], row["system"]) == ("labels", "k")
        ]
        assert [row["n"] for row in rows] == [len(uniform)]
        estimates = by_statistic(run)
        assert estimates["people + judge"]["labelled"] == LABELLED
        assert "drawn by doubt" in estimates["corrected, unlabelled rows"]["reason"]
        assert {row["reason"] for row in rows_of(labels_needed(run, width=0.2))} == {
            "labels drawn by doubt are no pilot for evenly drawn ones"
        }

    @pytest.mark.parametrize(("other_probability", "count"), [(0.4, LABELLED), (0.2, LABELLED // 2)])
    def test_labels_without_a_probability_count_as_evenly_drawn(
        self, hand: Any, results: Write, other_probability: float, count: int
    ) -> None:
        """Every second label has a probability, all the same or two kinds of them."""

        def redrawn(label: Label) -> Label:
            n = int(label.item_id[1:])
            return replace(label, probability=(0.4 if n % 4 == 1 else other_probability)) if n % 2 else label

        run = results(
            [redrawn(record) if isinstance(record, Label) else record for record in half_labelled(hand)]
        )
        assert {row["n"] for row in rows_of(leaderboard(run)) if row["rater_kind"] == "labels"} == {count}
        assert count_uncertainty_sampled(run) == LABELLED - count

    @pytest.mark.parametrize("labelled", [0, ITEMS])
    def test_there_is_nothing_to_combine(self, hand: Any, results: Write, labelled: int) -> None:
        assert prediction_powered(results(half_labelled(hand, labelled=labelled))).empty

    def test_too_few_labels_have_a_reason(self, hand: Any, results: Write) -> None:
        estimate = by_statistic(results(half_labelled(hand, labelled=2)))["people + judge"]
        assert (estimate["estimate"], estimate["low"]) == (None, None)
        assert estimate["reason"]


class TestNeeded:
    def test_a_judge_saves_labels(self, hand: Any, results: Write) -> None:
        row = next(
            row
            for row in rows_of(labels_needed(results(half_labelled(hand)), width=0.25))
            if row["system"] == "k"
        )
        assert (row["labelled"], row["rows"]) == (LABELLED, ITEMS)
        assert 25 <= row["with_judge"] < row["alone"] <= ITEMS

    def test_labels_that_never_vary_are_no_pilot(self, hand: Any, results: Write) -> None:
        records = [record for record in half_labelled(hand) if getattr(record, "annotator", None) is None]
        records += [hand.won(f"i{n:03}", "a") for n in range(LABELLED)]
        (row, _) = rows_of(labels_needed(results(records), width=0.2))
        assert row["alone"] is None
        assert "all the same" in row["reason"]


class TestQueue:
    def test_what_is_labelled_is_left_out_and_doubt_is_drawn_more_often(
        self, hand: Any, results: Write
    ) -> None:
        run = results(half_labelled(hand))
        rows = labelling_queue(run, QueueRequest("pw", "overall", "d", n=30, seed=3))
        assert len(rows) == 30
        numbers = [int(row["item_id"][1:]) for row in rows]
        assert min(numbers) >= LABELLED
        assert {row["criterion"] for row in rows} == {"overall"}
        chance = {n: row["probability"] for n, row in zip(numbers, rows, strict=True)}
        doubtful = {chance[n] for n in numbers if judge_probability(n) == 0.2}
        sure = {chance[n] for n in numbers if judge_probability(n) == 0.9}
        assert min(doubtful) > max(sure) >= 0.05
        assert rows == labelling_queue(run, QueueRequest("pw", "overall", "d", n=30, seed=3))
        assert rows != labelling_queue(run, QueueRequest("pw", "overall", "d", n=30, seed=4))

    def test_ratings_are_drawn_evenly(self, hand: Any, results: Write) -> None:
        records = [record for n in range(40) for record in (hand.item(f"i{n}"), hand.response(f"i{n}", "k"))]
        records += [hand.rated(f"i{n}", "k", n % 3 + 1) for n in range(40)]
        rows = labelling_queue(results(records), QueueRequest("pt", "quality", "d", n=10))
        assert {row["probability"] for row in rows} == {0.25}
        assert {row["system"] for row in rows} == {"k"}

    def test_bad_wishes(self, hand: Any, results: Write) -> None:
        run = results(half_labelled(hand))
        with pytest.raises(UnknownNameError, match="unknown judge, got 'nobody'"):
            labelling_queue(run, QueueRequest("nobody", "overall", "d", n=10))
        with pytest.raises(InputError, match="too few for each of 140 items"):
            labelling_queue(run, QueueRequest("pw", "overall", "d", n=3))
