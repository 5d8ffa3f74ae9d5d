"""Every number of a tiny run, worked out by hand."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from evalhub.analysis import (
    Results,
    agreement,
    biases,
    consensus_labels,
    correlations,
    coverage,
    engines,
    exclusions,
    failures,
    judgment_prompt,
    labelled_responses,
    leaderboard,
    length_penalty,
    pair_verdicts,
    ratings,
    reused_completions,
    rows_of,
    sample_details,
)
from evalhub.errors import UnknownNameError
from evalhub.records import Completion, Judgment, Record, Source
from evalhub.scales import Winner

from ..by_hand import HandWriter

Write = Callable[..., Results]
TABLES = (agreement, biases, correlations, coverage, engines, failures, leaderboard, length_penalty,
          pair_verdicts, ratings, reused_completions, consensus_labels)  # fmt: skip


def cell(frame: Any, value: str = "estimate", **named: Any) -> Any:
    """Return the one value of the one row that has all these names."""
    found = [row for row in rows_of(frame) if all(row[name] == wanted for name, wanted in named.items())]
    assert len(found) == 1, (named, found)
    return found[0][value]


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def logit(p: float) -> float:
    return math.log(p / (1 - p))


class TestPairs:
    @pytest.fixture
    def run(self, hand: Any, results: Write) -> Results:
        return results(hand.pairs())

    def test_verdicts(self, hand: Any, run: Results) -> None:
        rows = {row["item_id"]: row for row in rows_of(pair_verdicts(run))}
        # i1: the mean of logit .9 and logit .6 is 1.30135
        assert rows["i1"]["p_a"] == pytest.approx(0.78606, abs=1e-5)
        assert rows["i2"]["p_a"] == pytest.approx(0.56697, abs=1e-5)
        assert rows["i3"]["p_a"] == pytest.approx(0.24660, abs=1e-5)
        assert rows["i4"]["p_a"] is None
        assert [rows[item]["winner"] for item in hand.lengths] == ["a", "a", "b", None]
        assert [rows[item]["winner_ab"] for item in hand.lengths] == ["a", "a", "b", "a"]
        assert [rows[item]["winner_ba"] for item in hand.lengths] == ["a", "b", "b", None]
        assert [rows[item]["askings"] for item in hand.lengths] == [2] * 4

    @pytest.mark.parametrize(
        ("reading", "accuracy", "n", "n_excluded"),
        [("combined", 2 / 3, 3, 1), ("ab", 3 / 4, 4, 0), ("ba", 1.0, 3, 1)],
    )
    def test_accuracy(self, run: Results, reading: str, accuracy: float, n: int, n_excluded: int) -> None:
        named = {"rater": "pw", "reading": reading, "statistic": "accuracy"}
        frame = agreement(run)
        assert cell(frame, **named) == pytest.approx(accuracy)
        assert cell(frame, "n", **named) == n
        assert cell(frame, "n_excluded", **named) == n_excluded
        assert cell(frame, "annotator_kind", **named) == "human"

    def test_kappa(self, run: Results) -> None:
        # said a a b, labelled a b b: observed 2/3, expected 2/3 * 1/3 + 1/3 * 2/3 = 4/9
        assert cell(agreement(run), rater="pw", reading="combined", statistic="kappa") == pytest.approx(0.4)

    def test_the_judges_that_read_nothing_stand_beside(self, run: Results) -> None:
        frame = agreement(run)
        # longer says a b b tie against a b b a
        assert cell(frame, rater="longer", statistic="accuracy") == pytest.approx(3 / 4)
        for rater in ("always-first", "coin", "longer"):
            assert cell(frame, "rater_kind", rater=rater, statistic="accuracy") == "baseline"
            assert cell(frame, "n", rater=rater, statistic="accuracy") == 4

    def test_position_bias(self, run: Results) -> None:
        flips = {"bias": "flips", "statistic": "rate"}
        first = {"bias": "position", "statistic": "rate"}
        assert cell(biases(run), **flips) == pytest.approx(1 / 3)
        assert cell(biases(run), "n_excluded", **flips) == 1
        # chosen first: i1 yes no, i2 yes yes, i3 no yes, i4 yes
        assert cell(biases(run), **first) == pytest.approx(5 / 7)
        assert cell(biases(run), "clusters", **first) == 4

    def test_win_rates(self, run: Results) -> None:
        frame = leaderboard(run)
        assert cell(frame, system="k", rater="pw", measure="win rate") == pytest.approx(2 / 3)
        assert cell(frame, system="m", rater="pw", measure="win rate") == pytest.approx(1 / 3)
        soft = cell(frame, system="k", rater="pw", measure="win rate (soft)")
        assert soft == pytest.approx((0.78606 + 0.56697 + 0.24660) / 3, abs=1e-5)
        assert cell(frame, system="m", rater="pw", measure="win rate (soft)") == pytest.approx(1 - soft)
        assert cell(frame, "n", system="k", rater="pw", measure="win rate") == 3
        assert cell(frame, system="k", rater="human labels", measure="win rate") == 0.5
        for row in rows_of(frame):
            assert 0 <= row["low"] <= row["estimate"] <= row["high"] <= 1

    def test_coverage(self, run: Results) -> None:
        share, mass, nothing = rows_of(coverage(run))
        assert (share["judge"], share["rater_kind"], share["statistic"]) == ("pw", "judge", "coverage")
        assert (share["expected"], share["done"], share["failed"]) == (8, 8, 1)
        assert (share["estimate"], share["n"], share["clusters"]) == (pytest.approx(7 / 8), 8, 4)
        assert (share["low"], share["high"], share["method"]) == (7 / 8, 7 / 8, "census")
        assert mass["statistic"] == "choice mass"
        assert (mass["estimate"], mass["n"], mass["n_excluded"]) == (pytest.approx(math.exp(-0.1)), 7, 1)
        assert (mass["low"], bool(mass["reason"])) == (None, True)  # all the same: no width
        assert (nothing["judge"], nothing["expected"], nothing["done"]) == ("pt", 9, 0)
        assert (nothing["estimate"], nothing["low"]) == (0, None)
        (gone,) = rows_of(exclusions(run))
        assert (gone["judge"], gone["reason"], gone["n"]) == ("pw", "items without an input of the rubric", 2)
        (failed,) = rows_of(failures(run))
        assert (failed["source"], failed["failure"], failed["n"]) == ("pw", "too_long", 1)

    def test_a_metric_is_a_judge_by_the_sign_of_its_difference(self, hand: Any, results: Write) -> None:
        values = {"i1": (0.5, 0.2), "i2": (0.1, 0.4), "i3": (0.3, 0.3 + 1e-15), "i4": (0.2, None)}
        scores = [
            hand.score(item, system, value)
            for item, both in values.items()
            for system, value in zip("km", both, strict=True)
        ]
        frame = agreement(results([*hand.pairs(), *scores]))
        # a b tie None against a b b a; what differs by float noise alone is a tie
        named = {"rater": "rougeL", "statistic": "accuracy"}
        assert cell(frame, **named) == pytest.approx(2 / 3)
        assert cell(frame, "n_excluded", **named) == 1
        assert cell(frame, "rater_kind", **named) == "metric"

    def test_labels_that_tie_where_no_judge_may_are_left_out(self, hand: Any, results: Write) -> None:
        records = [one for one in hand.pairs() if one != hand.won("i1", "a")] + [hand.won("i1", "tie")]
        frame = agreement(results(records))
        named = {"rater": "pw", "reading": "combined", "statistic": "accuracy"}
        assert cell(frame, **named) == pytest.approx(1 / 2)
        assert cell(frame, "n_excluded", **named) == 2

    def test_length_penalty(self, hand: Any, results: Write) -> None:
        run = results(hand.pairs(), resolved={"suite": {"controls": {"length_penalty": 0.5}}})
        extra = {item: a - b for item, (a, b) in hand.lengths.items()}  # 5 -10 -10 0
        spread = math.sqrt(sum(difference**2 for difference in extra.values()) / 4)
        rows = {row["item_id"]: row for row in rows_of(pair_verdicts(run))}
        for item, (first, second) in {"i1": (0.9, 0.6), "i2": (0.8, 0.3), "i3": (0.3, 0.2)}.items():
            before = (logit(first) + logit(second)) / 2
            after = sigmoid(before - 0.5 * math.tanh(extra[item] / spread))
            assert rows[item]["length_spread"] == pytest.approx(spread)
            assert rows[item]["p_a"] == pytest.approx(sigmoid(before))
            assert rows[item]["p_a_penalised"] == pytest.approx(after)
        assert cell(
            agreement(run), rater="pw", reading="length-penalised", statistic="accuracy"
        ) == pytest.approx(2 / 3)
        assert cell(
            leaderboard(run), system="k", rater="pw", measure="win rate (length-penalised)"
        ) == pytest.approx(2 / 3)


class TestRatings:
    LABELS: ClassVar = {"i1": (1, 2, 3), "i2": (1, 3, 2), "i3": (2, 2, 2)}
    SAID: ClassVar = {"i1": (1, 2, 3), "i2": (1, 2, 3), "i3": (3, 2, 1)}

    def records(self, hand: Any) -> list[Record]:
        made: list[Record] = [hand.item(item) for item in self.LABELS]
        for item in self.LABELS:
            for place, system in enumerate("kmn"):
                made += [
                    hand.response(item, system, 10 * (place + 1)),
                    hand.label(item, system, self.LABELS[item][place]),
                    hand.rated(item, system, self.SAID[item][place]),
                    hand.score(item, system, self.LABELS[item][place] / 10),
                ]
        return made

    @pytest.mark.parametrize(
        ("granularity", "coefficient", "value"),
        [
            ("item", "spearman", (1 + 0.5) / 2),
            ("item", "kendall", (1 + 1 / 3) / 2),
            ("item", "pearson", (1 + 0.5) / 2),
            # means: labels 4/3 7/3 7/3, judge 5/3 2 7/3
            ("system", "spearman", 1.5 / math.sqrt(3)),
            ("system", "kendall", 2 / math.sqrt(6)),
            ("system", "pearson", math.sqrt(3) / 2),
        ],
    )
    def test_correlations(
        self, hand: Any, results: Write, granularity: str, coefficient: str, value: float
    ) -> None:
        frame = correlations(results(self.records(hand)))
        named = {"first": "labels", "second": "pt", "granularity": granularity, "coefficient": coefficient}
        assert cell(frame, **named) == pytest.approx(value)
        assert cell(frame, "groups", **named) == (2 if granularity == "item" else 3)
        if granularity == "item":
            assert cell(frame, "n_excluded", **named) == 1

    def test_pooled_pearson(self, hand: Any, results: Write) -> None:
        x = [value for item in self.LABELS for value in self.LABELS[item]]
        y = [value for item in self.LABELS for value in self.SAID[item]]
        # both have mean 2; covariance 2 + 1 + 0, squares 4 and 6
        assert sum((a - 2) * (b - 2) for a, b in zip(x, y, strict=True)) == 3
        frame = correlations(results(self.records(hand)))
        found = cell(frame, first="labels", second="pt", granularity="pooled", coefficient="pearson")
        assert found == pytest.approx(3 / math.sqrt(4 * 6))

    def test_judge_metric_and_labels_are_held_against_each_other(self, hand: Any, results: Write) -> None:
        run = results(self.records(hand))
        (frame,) = labelled_responses(run).values()
        assert list(frame.columns) == [
            "item_id", "system", "sample", "labels", "cluster", "pt", "pt (soft)", "rougeL", "length",
        ]  # fmt: skip
        found = correlations(run)
        named = {"second": "rougeL", "granularity": "pooled", "coefficient": "spearman"}
        assert cell(found, first="labels", **named) == pytest.approx(1)
        pairs = {(row["first"], row["second"]) for row in rows_of(found)}
        assert pairs >= {("pt", "rougeL"), ("rougeL", "length")}

    def test_two_criteria_of_a_judge_may_be_held_against_the_same_labels(
        self, hand: Any, results: Write
    ) -> None:
        second = [replace(one, criterion="style") for one in self.records(hand) if isinstance(one, Judgment)]
        label_criteria = {"pt": {"d": {"quality": "quality", "style": "quality"}}}
        run = results([*self.records(hand), *second], label_criteria=label_criteria)
        (frame,) = labelled_responses(run).values()
        assert {"pt: quality", "pt: quality (soft)", "pt: style", "pt: style (soft)"} <= set(frame.columns)

    def test_mean_scores(self, hand: Any, results: Write) -> None:
        frame = leaderboard(results(self.records(hand)))
        assert cell(frame, system="k", rater="pt", measure="mean score") == pytest.approx(5 / 3)
        assert cell(frame, system="n", rater="human labels", measure="mean label") == pytest.approx(7 / 3)
        assert cell(frame, system="m", rater="rougeL", measure="rougeL") == pytest.approx(0.7 / 3)

    def test_a_failed_rating_is_no_rating(self, hand: Any, results: Write) -> None:
        records = [one for one in self.records(hand) if one != hand.rated("i1", "k", 1)]
        run = results([*records, hand.rated("i1", "k", None)])
        frame = leaderboard(run)
        assert cell(frame, system="k", rater="pt", measure="mean score") == pytest.approx(2)
        assert cell(frame, "n_excluded", system="k", rater="pt", measure="mean score") == 1

    def test_the_length_penalty_of_ratings(self, hand: Any, results: Write) -> None:
        run = results(self.records(hand), resolved={"suite": {"controls": {"length_penalty": 0.5}}})
        rows = {(row["item_id"], row["system"]): row for row in rows_of(ratings(run))}
        # lengths 10 20 30, median 20: n is log2(1.5) doublings over it
        assert rows["i1", "n"]["value_penalised"] == pytest.approx(3 - 0.5 * math.log2(1.5))
        assert rows["i1", "m"]["value_penalised"] == 2
        assert rows["i1", "k"]["value_penalised"] == 1
        board = leaderboard(run)
        assert cell(board, system="n", measure="mean score (length-penalised)") == pytest.approx(
            7 / 3 - 0.5 * math.log2(1.5)
        )

    def test_anonymous_systems_are_never_ranked(self, hand: Any, results: Write) -> None:
        cards = {"d": {"criteria": {"quality": {"kind": "pointwise", "range": [1, 3]}}, "anonymous": True}}
        run = results(self.records(hand), cards=cards)
        assert rows_of(leaderboard(run)) == []
        assert len(correlations(run))


class TestRecordedJudges:
    def test_they_are_held_against_the_labels(self, hand: Any, results: Write) -> None:
        def said(item: str, judge: str, **verdict: Any) -> Judgment:
            return Judgment(
                "d", judge, "overall", item, system_a="k", system_b="m", source=Source.RECORDED, **verdict
            )

        records: list[Record] = [one for one in hand.pairs() if not isinstance(one, Judgment)]
        for item, winner, p in zip(hand.lengths, "abab", (0.9, 0.2, 0.4, 0.5), strict=True):
            records += [said(item, "old", winner=Winner(winner)), said(item, "soft", p_a=p)]
        run = results(records, expected={}, judges={}, label_criteria={}, exclusions={})
        frame = agreement(run)
        # old: a b a b against a b b a; soft: a b b tie
        assert cell(frame, rater="old", reference_rater="labels", statistic="accuracy") == pytest.approx(
            2 / 4
        )
        assert cell(frame, rater="soft", reference_rater="labels", statistic="accuracy") == pytest.approx(
            3 / 4
        )
        assert (
            cell(frame, "rater_kind", rater="old", reference_rater="labels", statistic="accuracy")
            == "recorded judge"
        )
        # the order shown is not known
        order = [row for row in rows_of(biases(run)) if row["bias"] in ("position", "flips")]
        assert {row["estimate"] for row in order} == {None}
        assert all(row["reason"] for row in order)
        shares = rows_of(coverage(run))
        assert [(one["judge"], one["rater_kind"], one["estimate"], one["n"]) for one in shares] == [
            ("old", "recorded judge", 1, 4), ("soft", "recorded judge", 1, 4),
        ]  # fmt: skip


class TestTooLittle:
    def whole(self, run: Results) -> None:
        """Build every table; a missing estimate has its reason, and no number is NaN."""
        for build in TABLES:
            for row in rows_of(build(run)):
                if "reason" in row and (row["estimate"] is None or row["low"] is None):
                    assert row["reason"], row
                assert not any(isinstance(value, float) and math.isnan(value) for value in row.values())

    def test_one_item(self, hand: Any, results: Write) -> None:
        keep = [one for one in hand.pairs() if one.item_id == "i1"]  # type: ignore[union-attr]
        run = results(keep)
        self.whole(run)
        assert cell(agreement(run), rater="pw", reading="combined", statistic="accuracy") == 1.0
        assert cell(agreement(run), "low", rater="pw", reading="combined", statistic="accuracy") is None
        kappa = {"rater": "pw", "reading": "combined", "statistic": "kappa"}
        assert cell(agreement(run), **kappa) is None

    def test_one_item_rated(self, hand: Any, results: Write) -> None:
        run = results(
            [hand.item("i"), hand.response("i", "k"), hand.label("i", "k", 2), hand.rated("i", "k", 2)]
        )
        self.whole(run)
        assert {row["estimate"] for row in rows_of(correlations(run))} == {None}

    def test_no_labels(self, hand: Any, results: Write) -> None:
        run = results([one for one in hand.pairs() if type(one).__name__ != "Label"])
        self.whole(run)
        assert len(agreement(run)) == len(correlations(run)) == len(consensus_labels(run)) == 0
        assert len(leaderboard(run)) > 0

    def test_all_failures(self, hand: Any, results: Write) -> None:
        records = [one for one in hand.pairs() if not isinstance(one, Judgment)]
        run = results(
            [*records, *(hand.asked(item, shown, None) for item in hand.lengths for shown in ("ab", "ba"))]
        )
        self.whole(run)
        assert set(agreement(run)["rater_kind"]) == {"baseline"}
        assert set(leaderboard(run)["rater_kind"]) == {"labels"}
        assert len(biases(run)) == 0
        assert cell(coverage(run), judge="pw", statistic="coverage") == 0

    def test_all_ratings_failed(self, hand: Any, results: Write) -> None:
        records = [hand.item("i1"), hand.item("i2")]
        for item in ("i1", "i2"):
            for system in "kmn":
                records += [
                    hand.response(item, system),
                    hand.label(item, system, 2),
                    hand.rated(item, system, None),
                ]
        run = results(records)
        self.whole(run)
        assert set(leaderboard(run)["rater_kind"]) == {"labels"}
        assert cell(coverage(run), "failed", judge="pt", statistic="coverage") == 6

    @pytest.mark.parametrize("seal", [True, False])
    def test_nothing_at_all(self, results: Write, seal: bool) -> None:
        run = results([], seal=seal, expected={}, cards={})
        self.whole(run)

    def test_scores_that_are_all_absent(self, hand: Any, results: Write) -> None:
        run = results(
            [*hand.pairs(), *(hand.score(item, system, None) for item in hand.lengths for system in "km")]
        )
        self.whole(run)
        assert cell(leaderboard(run), system="k", rater="rougeL", measure="rougeL") is None


class TestReading:
    def test_a_run_is_readable_while_it_is_written(self, desk: Any, hand: Any, results: Write) -> None:
        from evalhub.store import Run, RunWriter

        run = results(hand.pairs()[:-1], seal=False)
        before = cell(agreement(run), "n", rater="pw", reading="ab", statistic="accuracy")
        writer = HandWriter(RunWriter(run.run.path))
        writer.append(hand.pairs()[-1])
        now = Results(Run(writer.path))
        assert cell(agreement(now), "n", rater="pw", reading="ab", statistic="accuracy") == before + 1
        reader = Results(Run(writer.path))
        writer.seal()
        writer.close()
        assert len(reader.judgments()) == 8
        assert rows_of(agreement(reader)) == rows_of(agreement(now))

    def test_one_item_in_full(self, hand: Any, results: Write) -> None:
        asked = Completion("key", "m", '[{"role":"user","content":"?"}]', text="A")
        judged = Judgment("d", "pw", "overall", "i5", system_a="k", system_b="m", completions=("key",))
        run = results([*hand.pairs(), hand.item("i5"), asked, judged])
        sample = sample_details(run, "d", "i5")
        assert judgment_prompt(run, sample["judgments"][0]) == [{"role": "user", "content": "?"}]
        assert len(sample_details(run, "d", "i1", ("k", "m"))["judgments"]) == 2
        assert not sample_details(run, "d", "i1", ("k", "other"))["judgments"]
        with pytest.raises(UnknownNameError, match="did you mean 'i5'"):
            sample_details(run, "d", "i55")
