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


def said(n: int) -> float:
    """Return the judge's probability that k wins item n."""
    return 0.9 if n % 3 else 0.2


def won(n: int) -> str:
    """Return what people say: the judge is wrong on one item in five, for m."""
    return "b" if n % 5 == 0 or said(n) < 0.5 else "a"


def half(hand: Any, *, labelled: int = LABELLED, chance: float | None = None) -> list[Any]:
    made: list[Any] = []
    for n in range(ITEMS):
        item = f"i{n:03}"
        made += [hand.item(item), hand.response(item, "k"), hand.response(item, "m")]
        made += [hand.asked(item, "ab", said(n)), hand.asked(item, "ba", said(n))]
        if n < labelled:
            made.append(replace(hand.won(item, won(n)), probability=chance))
    return made


def by_statistic(results: Results, system: str = "k") -> dict[str, dict[str, Any]]:
    return {row["statistic"]: row for row in rows_of(prediction_powered(results)) if row["system"] == system}


class TestPowered:
    def test_it_says_what_the_estimators_say(self, hand: Any, results: Write) -> None:
        rows = by_statistic(results(half(hand)))
        labels = [float(won(n) == "a") if n < LABELLED else None for n in range(ITEMS)]
        verdicts = [said(n) for n in range(ITEMS)]
        clusters = [f"i{n:03}" for n in range(ITEMS)]
        found = stats.powered_mean(labels, verdicts, clusters, bounds=(0, 1))
        both = rows["people + judge"]
        assert both["estimate"] == pytest.approx(found.estimate.estimate)
        assert (both["low"], both["high"]) == pytest.approx((found.estimate.low, found.estimate.high))
        assert (both["labelled"], both["verdicts"]) == (LABELLED, ITEMS)
        assert both["labels_worth"] > LABELLED
        alone = rows["people alone"]
        assert alone["estimate"] == pytest.approx(sum(labels[:LABELLED]) / LABELLED)  # type: ignore[arg-type]
        assert both["high"] - both["low"] < alone["high"] - alone["low"]
        # the judge alone is wrong about k by what it gives away
        assert rows["judge alone"]["low"] > both["estimate"]
        assert set(rows) == {
            "people + judge",
            "people alone",
            "judge alone",
            "calibrated",
            "corrected, unlabelled rows",
        }

    def test_the_difference_of_two_systems_that_met(self, hand: Any, results: Write) -> None:
        run = results(half(hand))
        (found,) = [row for row in rows_of(comparisons(run)) if row["kind"] == "people + judge"]
        both = by_statistic(run)["people + judge"]
        assert (found["first"], found["second"], found["test"]) == ("k", "m", "none")
        assert found["estimate"] == pytest.approx(2 * both["estimate"] - 1)
        assert found["high"] - found["low"] == pytest.approx(2 * (both["high"] - both["low"]), rel=0.05)

    def test_the_difference_of_two_systems_that_were_rated(self, hand: Any, results: Write) -> None:
        rng = np.random.default_rng(4)
        made: list[Any] = []
        told: dict[str, list[tuple[float, float | None]]] = {"k": [], "m": []}
        for n in range(ITEMS):
            made.append(hand.item(f"i{n:03}"))
            for system, least in (("k", 2), ("m", 1)):
                verdict = float(least + rng.integers(0, 2))
                label = max(1.0, verdict - float(rng.integers(0, 2))) if n < LABELLED else None
                told[system].append((verdict, label))
                made += [hand.response(f"i{n:03}", system), hand.rated(f"i{n:03}", system, verdict)]
                made += [] if label is None else [hand.label(f"i{n:03}", system, label)]
        (found,) = [row for row in rows_of(comparisons(results(made))) if row["kind"] == "people + judge"]
        sides = [([label for _, label in told[one]], [said for said, _ in told[one]]) for one in "km"]
        known = stats.powered_difference(sides[0], sides[1], [f"i{n:03}" for n in range(ITEMS)]).estimate
        assert found["measure"] == "mean score (soft), people + judge"
        assert (found["estimate"], found["low"]) == pytest.approx((known.estimate, known.low))
        assert (found["n"], found["failed"], found["p"]) == (ITEMS, None, None)

    def test_labels_drawn_by_doubt_of_each_system_give_no_difference(self, hand: Any, results: Write) -> None:
        made: list[Any] = []
        for n in range(20):
            made.append(hand.item(f"i{n}"))
            for system in "km":
                made += [hand.response(f"i{n}", system), hand.rated(f"i{n}", system, 1 + n % 3)]
                if n < 10:
                    label = hand.label(f"i{n}", system, 1 + n % 2)
                    made.append(replace(label, probability=0.5 if n % 2 else 0.9, uniform=False))
        (found,) = [row for row in rows_of(comparisons(results(made))) if row["kind"] == "people + judge"]
        assert found["estimate"] is None
        assert "drawn by doubt" in found["reason"]

    def test_the_two_sides_of_a_pair_mirror_each_other(self, hand: Any, results: Write) -> None:
        run = results(half(hand))
        one, other = (by_statistic(run, system)["people + judge"]["estimate"] for system in "km")
        assert one + other == pytest.approx(1)

    def test_stored_probabilities_are_weighted_by(self, hand: Any, results: Write) -> None:
        made = half(hand, chance=0.5)
        rare = [
            replace(one, probability=0.1) if isinstance(one, Label) and one.winner == "b" else one
            for one in made
        ]
        plain, weighted = (by_statistic(results(one))["people alone"]["estimate"] for one in (made, rare))
        labels = [won(n) for n in range(LABELLED)]
        share = labels.count("a") / 0.5 / (labels.count("a") / 0.5 + labels.count("b") / 0.1)
        assert plain == pytest.approx(labels.count("a") / LABELLED)
        assert weighted == pytest.approx(share)

    def test_labels_drawn_by_doubt_count_only_where_they_are_weighted(
        self, hand: Any, results: Write
    ) -> None:
        def drawn(label: Label) -> Label:
            n = int(label.item_id[1:])
            return replace(label, probability=0.1 if n % 2 else 0.5, uniform=n % 4 == 0)

        made = [drawn(one) if isinstance(one, Label) else one for one in half(hand)]
        even = [one for one in made if isinstance(one, Label) and one.uniform]
        run = results(made)
        rows = [row for row in rows_of(leaderboard(run)) if (row["kind"], row["system"]) == ("labels", "k")]
        assert [row["n"] for row in rows] == [len(even)]
        found = by_statistic(run)
        assert found["people + judge"]["labelled"] == LABELLED
        assert "drawn by doubt" in found["corrected, unlabelled rows"]["reason"]
        assert {row["reason"] for row in rows_of(labels_needed(run, width=0.2))} == {
            "labels drawn by doubt are no pilot for evenly drawn ones"
        }

    @pytest.mark.parametrize(("other", "kept"), [(0.4, LABELLED), (0.2, LABELLED // 2)])
    def test_labels_without_a_probability_count_as_evenly_drawn(
        self, hand: Any, results: Write, other: float, kept: int
    ) -> None:
        """Every second label has a probability, all the same or two kinds of them."""

        def drawn(label: Label) -> Label:
            n = int(label.item_id[1:])
            return replace(label, probability=(0.4 if n % 4 == 1 else other)) if n % 2 else label

        run = results([drawn(one) if isinstance(one, Label) else one for one in half(hand)])
        assert {row["n"] for row in rows_of(leaderboard(run)) if row["kind"] == "labels"} == {kept}
        assert count_uncertainty_sampled(run) == LABELLED - kept

    @pytest.mark.parametrize("labelled", [0, ITEMS])
    def test_there_is_nothing_to_combine(self, hand: Any, results: Write, labelled: int) -> None:
        assert prediction_powered(results(half(hand, labelled=labelled))).empty

    def test_too_few_labels_have_a_reason(self, hand: Any, results: Write) -> None:
        found = by_statistic(results(half(hand, labelled=2)))["people + judge"]
        assert (found["estimate"], found["low"]) == (None, None)
        assert found["reason"]


class TestNeeded:
    def test_a_judge_saves_labels(self, hand: Any, results: Write) -> None:
        row = next(
            row for row in rows_of(labels_needed(results(half(hand)), width=0.25)) if row["system"] == "k"
        )
        assert (row["labelled"], row["rows"]) == (LABELLED, ITEMS)
        assert 25 <= row["with_judge"] < row["alone"] <= ITEMS

    def test_labels_that_never_vary_are_no_pilot(self, hand: Any, results: Write) -> None:
        made = [one for one in half(hand) if getattr(one, "annotator", None) is None]
        made += [hand.won(f"i{n:03}", "a") for n in range(LABELLED)]
        (row, _) = rows_of(labels_needed(results(made), width=0.2))
        assert row["alone"] is None
        assert "all the same" in row["reason"]


class TestQueue:
    def test_what_is_labelled_is_left_out_and_doubt_is_drawn_more_often(
        self, hand: Any, results: Write
    ) -> None:
        run = results(half(hand))
        rows = labelling_queue(run, QueueRequest("pw", "overall", "d", n=30, seed=3))
        assert len(rows) == 30
        numbers = [int(row["item_id"][1:]) for row in rows]
        assert min(numbers) >= LABELLED
        assert {row["criterion"] for row in rows} == {"overall"}
        chance = {n: row["probability"] for n, row in zip(numbers, rows, strict=True)}
        doubtful = {chance[n] for n in numbers if said(n) == 0.2}
        sure = {chance[n] for n in numbers if said(n) == 0.9}
        assert min(doubtful) > max(sure) >= 0.05
        assert rows == labelling_queue(run, QueueRequest("pw", "overall", "d", n=30, seed=3))
        assert rows != labelling_queue(run, QueueRequest("pw", "overall", "d", n=30, seed=4))

    def test_ratings_are_drawn_evenly(self, hand: Any, results: Write) -> None:
        made = [one for n in range(40) for one in (hand.item(f"i{n}"), hand.response(f"i{n}", "k"))]
        made += [hand.rated(f"i{n}", "k", n % 3 + 1) for n in range(40)]
        rows = labelling_queue(results(made), QueueRequest("pt", "quality", "d", n=10))
        assert {row["probability"] for row in rows} == {0.25}
        assert {row["system"] for row in rows} == {"k"}

    def test_bad_wishes(self, hand: Any, results: Write) -> None:
        run = results(half(hand))
        with pytest.raises(UnknownNameError, match="no judge of that name, got 'nobody'"):
            labelling_queue(run, QueueRequest("nobody", "overall", "d", n=10))
        with pytest.raises(InputError, match="too few for each of 140 items"):
            labelling_queue(run, QueueRequest("pw", "overall", "d", n=3))
