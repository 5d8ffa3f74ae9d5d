"""Differences of systems and nights, and rankings under every variant, worked out by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evalhub.analysis import Results, comparisons, leaderboard, ranks, rows_of, run_comparison, sensitivity

Write = Callable[..., Results]


def only_row(frame: Any, **facts: Any) -> dict[str, Any]:
    (row,) = [row for row in rows_of(frame) if all(row[name] == value for name, value in facts.items())]
    return row


def rated(hand: Any, ratings: dict[str, tuple[float | None, ...]]) -> list[Any]:
    """Return items i1, i2, ... with each system's ratings."""
    count = max(map(len, ratings.values()))
    records = [hand.item(f"i{n}") for n in range(1, count + 1)]
    for system, values in ratings.items():
        for n, value in enumerate(values, 1):
            records += [hand.response(f"i{n}", system), hand.rated(f"i{n}", system, value)]
    return records


class TestComparisons:
    def test_pairs(self, hand: Any, results: Write) -> None:
        # k wins i1 and i2, m wins i3, i4 failed: 2 / 3 minus 1 / 3, and of 8 sign patterns all are as far
        row = only_row(comparisons(results(hand.pairs())), rater="pw", measure="win rate")
        assert (row["first"], row["second"]) == ("k", "m")
        assert row["estimate"] == pytest.approx(1 / 3)
        assert (row["n"], row["n_excluded"]) == (3, 1)
        assert (row["p"], row["test"]) == (1.0, "sign-flip-exact")

    def test_what_failed_could_have_come_out_anyhow(self, hand: Any, results: Write) -> None:
        # of four matches k wins two and m one; the failed one could have been won by either
        row = only_row(comparisons(results(hand.pairs())), rater="pw", measure="win rate")
        assert row["failed"] == 2  # each side of the match
        assert row["worst_low"] < 2 / 4 - 2 / 4 < row["estimate"] < 3 / 4 - 1 / 4 < row["worst_high"]
        rows = rated(hand, {"k": (3, 3, 2, 3, 3, None), "m": (1, 2, 2, 1, 1, 1)})
        row = only_row(comparisons(results(rows)), measure="mean score")
        assert row["failed"] == 1
        assert row["worst_low"] < 7 / 6 < 9 / 6 < row["worst_high"]
        run = results(rated(hand, {"k": (3, 2, 3), "m": (1, 2, 2)}))
        all_valid = only_row(comparisons(run), measure="mean score")
        assert (all_valid["failed"], all_valid["worst_low"], all_valid["worst_high"]) == (0, None, None)

    def test_all_samples_count_however_many_the_other_has(self, hand: Any, results: Write) -> None:
        records: list[Any] = []
        for item in "abcd":
            records += [hand.item(item), hand.response(item, "m"), hand.rated(item, "m", 2)]
            for sample, value in enumerate((3, 1, 1)):
                records += [
                    replace(record, sample=sample)
                    for record in (hand.response(item, "k"), hand.rated(item, "k", value))
                ]
        run = results(records)
        row = only_row(comparisons(run), measure="mean score")
        assert row["estimate"] == pytest.approx(5 / 3 - 2)
        first = results([row for row in records if getattr(row, "sample", 0) == 0])
        row = only_row(run_comparison(first, run), measure="mean score", system="k")
        assert row["estimate"] == pytest.approx(3 - 5 / 3)

    def test_failures_are_counted_without_bounds_too(self, hand: Any, results: Write) -> None:
        records: list[Any] = []
        for n in range(4):
            records.append(hand.item(f"i{n}"))
            for system, value in (("k", None if n == 0 else 2.0), ("m", 1.0)):
                records += [hand.response(f"i{n}", system), hand.score(f"i{n}", system, value)]
        row = only_row(comparisons(results(records)), rater_kind="metric")
        assert (row["n"], row["n_excluded"], row["failed"]) == (3, 1, 1)
        assert (row["worst_low"], row["worst_high"]) == (None, None)

    def test_only_opponents_that_both_met_count(self, hand: Any, results: Write) -> None:
        # b beats y head to head; b also meets a strong z, and y a weak a: their win rates say the opposite
        records: list[Any] = []
        for n in range(40):
            item = f"i{n}"
            records += [hand.item(item), *(hand.response(item, system) for system in "abyz")]
            for pair, wins in (("by", n % 3 > 0), ("bz", False), ("ay", False)):
                p = 0.9 if wins else 0.1
                records += [hand.asked(item, shown, p, pair=pair) for shown in ("ab", "ba")]
        run = results(records)
        board = {
            row["system"]: row["estimate"]
            for row in rows_of(leaderboard(run))
            if (row["rater"], row["measure"]) == ("pw", "win rate")
        }
        assert board["b"] < board["y"]
        row = only_row(comparisons(run), rater="pw", measure="win rate", first="b", second="y")
        assert row["estimate"] == pytest.approx(26 / 40 - 14 / 40)
        places = {row["system"]: row["rank"] for row in rows_of(ranks(run)) if row["measure"] == "win rate"}
        assert places["b"] < places["y"]
        apart = only_row(comparisons(run), rater="pw", measure="win rate", first="a", second="z")
        assert (apart["estimate"], apart["reason"]) == (
            None,
            "the two have no item, or no opponent on one, in common",
        )

    def test_a_match_that_failed_for_one_counts_for_neither(self, hand: Any, results: Write) -> None:
        # b and y lose to the strong z; y's verdicts there failed on half of the items: still no difference
        records: list[Any] = []
        for n in range(20):
            item = f"i{n}"
            records += [hand.item(item), *(hand.response(item, system) for system in "abyz")]
            for pair, p in (("ab", 0.1), ("ay", 0.1), ("bz", 0.1), ("yz", None if n % 2 else 0.1)):
                records += [hand.asked(item, shown, p, pair=pair) for shown in ("ab", "ba")]
        row = only_row(comparisons(results(records)), rater="pw", measure="win rate", first="b", second="y")
        assert (row["estimate"], row["n"], row["n_excluded"], row["failed"]) == (0, 20, 0, 10)

    def test_two_systems_differ_as_their_win_rates_do(self, hand: Any, results: Write) -> None:
        run = results(hand.pairs())
        row = only_row(comparisons(run), rater="pw", measure="win rate")
        rate = only_row(leaderboard(run), rater="pw", measure="win rate", system="k")
        ends = [2 * rate[end] - 1 for end in ("low", "high")]
        assert [row[end] for end in ("low", "high")] == pytest.approx(ends)

    def test_ratings_and_holm(self, hand: Any, results: Write) -> None:
        ratings = {"k": (3, 3, 3, 3, 3, 3), "l": (1, 1, 1, 1, 1, 1), "m": (3, 1, 3, 1, 3, None)}
        frame = comparisons(results(rated(hand, ratings)))
        changes = {
            (row["first"], row["second"]): row
            for row in rows_of(frame)
            if (row["rater"], row["measure"]) == ("pt", "mean score")
        }
        assert [round(row["estimate"], 3) for row in changes.values()] == [2, 0.8, -1.2]
        # 2 of 64 patterns, 2 of 4, 2 of 8; Holm: times 3, 2, 1, never falling
        assert [row["p"] for row in changes.values()] == [0.03125, 0.5, 0.25]
        assert [row["p_holm"] for row in changes.values()] == [0.09375, 0.5, 0.5]
        assert [row["n_excluded"] for row in changes.values()] == [0, 1, 1]
        assert changes["k", "l"]["low"] > 0

    def test_one_item_has_no_interval_and_no_test(self, hand: Any, results: Write) -> None:
        row = only_row(comparisons(results(rated(hand, {"k": (3,), "m": (1,)}))), measure="mean score")
        assert (row["estimate"], row["low"], row["p"]) == (2, None, None)
        assert row["reason"] == "fewer than 3 clusters"

    def test_one_system_has_no_difference(self, hand: Any, results: Write) -> None:
        assert comparisons(results(rated(hand, {"k": (3, 2, 1)}))).empty


class TestNights:
    def test_only_the_items_of_both(self, hand: Any, results: Write) -> None:
        before = results(rated(hand, {"k": (1, 2, 1, 2), "gone": (1, 1, 1, 1)}))
        after = results(rated(hand, {"k": (2, 3, 3, 2, 3), "new": (1, 1, 1, 1, 1)}))
        row = only_row(run_comparison(after, before), measure="mean score")
        assert (row["system"], row["after"], row["before"]) == ("k", after.run.id, before.run.id)
        assert (row["estimate"], row["n"], row["n_excluded"]) == (1.0, 4, 1)

    def test_the_same_night_twice_differs_in_nothing(self, hand: Any, results: Write) -> None:
        run = results(hand.pairs())
        frame = run_comparison(run, run)
        assert set(frame["estimate"]) == {0}
        assert set(frame["p"]) == {1}

    def test_another_judge_of_the_same_name_is_told(self, hand: Any, results: Write) -> None:
        model = {"model": "big", "content_hash": "1", "engine": "vllm", "settings": {"dtype": "bfloat16"}}
        no_penalty = {"suite": {"controls": {"length_penalty": 0}}}
        before = results(hand.pairs(), resolved={**no_penalty, "models": {"pw": model}})
        changed_model = {**model, "content_hash": "2"}
        after = results(hand.pairs(), resolved={**no_penalty, "models": {"pw": changed_model}})
        assert set(run_comparison(after, before)["changed"]) == {"model"}
        assert run_comparison(after, after)["changed"].isna().all()

    @pytest.mark.parametrize(
        ("mode", "change", "changed"),
        [
            ("direct", {"sampling": {"temperature": 0.7}}, "sampling"),
            ("direct", {"pairs": {"by": "all"}}, "pairs"),
            ("explain", {"rationale_tokens": 64}, "rationale tokens"),
            ("think", {"think_tokens": 64, "think_extensions": 1}, "think tokens, think extensions"),
            ("direct", {"rationale_tokens": 64, "think_tokens": 64, "think_extensions": 1}, None),
            ("explain", {"think_tokens": 64}, None),
        ],
    )
    def test_a_judge_that_is_asked_differently_is_told(
        self, hand: Any, results: Write, mode: str, change: dict[str, Any], changed: str | None
    ) -> None:
        use = {"id": "pw", "mode": mode, "sampling": {"temperature": 0.0}, "pairs": {"by": "labelled"}}
        first, second = (
            results(hand.pairs(), resolved={"suite": {"controls": {"length_penalty": 0}, "judges": [judge]}})
            for judge in (use, use | change)
        )
        assert set(run_comparison(second, first)["changed"]) == {changed}

    def test_another_least_choice_mass_is_told(self, hand: Any, results: Write) -> None:
        controls = [{"length_penalty": 0, "min_choice_mass": floor} for floor in (0.05, 0.5)]
        first, second = (
            results(hand.pairs(), resolved={"suite": {"controls": limits, "judges": [{"id": "pw"}]}})
            for limits in controls
        )
        assert set(run_comparison(second, first)["changed"]) == {"least choice mass"}

    def test_another_length_penalty_is_told(self, hand: Any, results: Write) -> None:
        weak, strong = (
            {"suite": {"controls": {"length_penalty": strength}}, "models": {}} for strength in (0.5, 5)
        )
        frame = run_comparison(results(hand.pairs(), resolved=strong), results(hand.pairs(), resolved=weak))
        changes = {row["measure"]: row["changed"] for row in rows_of(frame) if row["rater_kind"] == "judge"}
        assert changes["win rate (length-penalised)"] == "length penalty"
        assert (changes["win rate"], changes["win rate (soft)"]) == (None, None)


class TestSensitivity:
    def test_every_way_to_rank(self, hand: Any, results: Write) -> None:
        ratings = {"k": (3, 3, 3), "l": (2, 2, None), "m": (1, 2, 2)}
        labels = [hand.label("i1", system, value) for system, value in zip("klm", (1, 2, 3), strict=True)]
        frame = sensitivity([results([*rated(hand, ratings), *labels])])
        assert set(frame["reference"]) == {"pt · quality · mean score"}
        failed = only_row(frame, variant="pt · quality · mean score · failures counted as the worst")
        # l falls from 2 to (2 + 2 + 1) / 3, where m is: a tie, so no swap
        assert (failed["swapped"], failed["winner_changes"]) == (0, False)
        people = only_row(frame, rater_kind="labels")
        assert (people["kendall"], people["swapped"], people["winners"]) == (-1, 3, ["m"])
        assert people["winner_changes"]

    def test_systems_that_only_one_has(self, hand: Any, results: Write) -> None:
        labels = [hand.label("i1", "k", 1), hand.label("i1", "extra", 2)]
        records = [*rated(hand, {"k": (3, 3), "m": (1, 1)}), hand.response("i1", "extra"), *labels]
        row = only_row(sensitivity([results(records)]), rater_kind="labels")
        assert row["missing"] == ["extra", "m"]
        assert (row["kendall"], row["reason"]) == (None, "fewer than 2 systems are in both")

    def test_nothing_is_ranked(self, hand: Any, results: Write) -> None:
        assert sensitivity([results([hand.item("i1")])]).empty
