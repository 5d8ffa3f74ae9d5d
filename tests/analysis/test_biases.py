"""What the table of biases says of runs written by hand: whose rows count, once, and whose are people."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from evalhub.analysis import Results, biases, rows_of
from evalhub.analysis.bias.bias import ALL_JUDGES
from evalhub.analysis.frames.families import family_names
from evalhub.records import AnnotatorKind, FailureKind, Judgment, Label, Record, Response, Source
from evalhub.scales import Order, Winner

Write = Callable[..., Results]
ORDERS = ("ab", "ba")


def told(run: Results, bias: str, statistic: str, judge: str = "pw", reading: str = "hard") -> dict[str, Any]:
    """Return the one row of these names."""
    names = {"judge": judge, "bias": bias, "statistic": statistic, "reading": reading}
    (found,) = [row for row in rows_of(biases(run)) if all(row[name] == names[name] for name in names)]
    return found


def said(item: str, shown: str | None, winner: str | None, judge: str = "pw", **facts: Any) -> Judgment:
    """Return one asking of k against m, hard unless it says p_a."""
    return Judgment(
        "d",
        judge,
        "overall",
        item,
        system_a="k",
        system_b="m",
        shown=Order(shown) if shown else None,
        winner=Winner(winner) if winner else None,
        failure=None if winner else FailureKind.ENGINE,
        **facts,
    )


def answer(item: str, system: str, text: str | None, family: str = "none", chars: int = 10) -> Response:
    return Response(
        "d", item, system, text=text, chars=chars if text is None else len(text), families=(family,)
    )


def items(hand: Any, count: int, **texts: str) -> list[Record]:
    """Return items answered by k and m; k is the longer one, in the first half of the items."""
    records: list[Record] = []
    for place in range(count):
        name = f"i{place:02}"
        long, short = ("k", "m") if place < count / 2 else ("m", "k")
        records += [hand.item(name), answer(name, long, texts.get("long", "x" * 40))]
        records.append(answer(name, short, texts.get("short", "y" * 10)))
    return records


def longer_wins(count: int, right: int, judge: str = "pw") -> Iterator[Judgment]:
    """Yield verdicts of both orders that name the longer response on the first `right` of every 10 items."""
    for place in range(count):
        longer, other = ("a", "b") if place < count / 2 else ("b", "a")
        for shown in ORDERS:
            yield said(f"i{place:02}", shown, longer if place % 10 < right else other, judge)


class TestRates:
    def test_longer_wins_beside_people(self, hand: Any, results: Write) -> None:
        records = [*items(hand, 20), *longer_wins(20, 8)]
        # people name the longer one on 6 of every 10 items
        for one in longer_wins(20, 6):
            if one.shown is Order.AB and one.winner:
                records.append(hand.won(one.item_id, one.winner.value))
        run = results(records)
        rate, people, beyond = (told(run, "length", name) for name in ("rate", "people", "beyond people"))
        assert (rate["estimate"], rate["n"], rate["clusters"]) == (pytest.approx(0.8), 40, 20)
        assert people["estimate"] == pytest.approx(0.6)
        assert beyond["estimate"] == pytest.approx(0.2)
        assert beyond["low"] < 0.2 < beyond["high"]
        effect, excess = (told(run, "length", name) for name in ("effect", "effect beyond people"))
        # all pairs differ by a factor of 4, two doublings: the derivative of the logit is below the slope
        # of the rates, which rise from .2 to .8 over four doublings
        assert 0 < effect["estimate"] < 100 * 0.6 / 4 * 1.5
        assert 0 < excess["estimate"] < effect["estimate"]
        assert told(run, "length", "log-odds")["estimate"] == pytest.approx(math.log(4) / 2)

    def test_people_are_human(self, hand: Any, results: Write) -> None:
        def constructed(label: Label) -> Label:
            return replace(label, annotator_kind=AnnotatorKind.CONSTRUCTED)

        records = [*items(hand, 10), *longer_wins(10, 8)]
        run = results([*records, *(constructed(hand.won(f"i{n:02}", "a")) for n in range(10))])
        for name in ("people", "beyond people", "effect beyond people"):
            row = told(run, "length", name)
            assert row["estimate"] is None
            assert row["reason"] == "the labels are constructed, not people's"
        assert told(run, "length", "rate")["estimate"] == pytest.approx(0.8)

    def test_people_s_order_is_their_own(self, hand: Any, results: Write) -> None:
        records = [*items(hand, 10), *longer_wins(10, 8)]
        people = [
            replace(hand.won(f"i{n:02}", "a" if n % 2 else "b"), shown=Order.AB if n % 2 else Order.BA)
            for n in range(10)
        ]
        known = results([*records, *people])
        assert told(known, "position", "people")["estimate"] == 1
        assert told(known, "position", "rate")["estimate"] == 0.5

    def test_without_labels(self, hand: Any, results: Write) -> None:
        run = results([*items(hand, 10), *longer_wins(10, 8)])
        assert told(run, "length", "people")["reason"] == "no human verdicts on these pairs"
        assert told(run, "length", "effect beyond people")["reason"] == "no human verdicts on these pairs"

    def test_layout(self, hand: Any, results: Write) -> None:
        run = results([*items(hand, 10, long="- one\n- two\n# three", short="plain"), *longer_wins(10, 8)])
        for bias in ("lists", "markdown"):
            assert told(run, bias, "rate")["estimate"] == pytest.approx(0.8)
        # length, lists and markdown go together here, and none of them can be told from the others
        assert "collinear" in told(run, "lists", "effect")["reason"]

    def test_layout_is_not_known_without_the_text(self, hand: Any, results: Write) -> None:
        records: list[Record] = []
        for place in range(6):
            name = f"i{place:02}"
            records += [hand.item(name), answer(name, "k", None, chars=20 + place), answer(name, "m", "y")]
            records += [said(name, shown, "a") for shown in ORDERS]
        run = results(records)
        assert told(run, "lists", "rate")["n"] == 0
        assert told(run, "lists", "effect")["reason"] == "not measured in any row"
        assert told(run, "length", "rate")["estimate"] == 1


class TestWhatCounts:
    def test_failures_and_ties(self, hand: Any, results: Write) -> None:
        ends = {"i00": ("a", "b"), "i01": ("tie", "a"), "i02": (None, "a"), "i03": ("tie", "tie")}
        records = items(hand, 4)
        for item, winners in ends.items():
            records += [said(item, shown, winner) for shown, winner in zip(ORDERS, winners, strict=True)]
        run = results(records)
        flips, first = told(run, "flips", "rate"), told(run, "position", "rate")
        # a tie in one order alone is a flip; the pair with a failed order is left out
        assert (flips["estimate"], flips["n"], flips["n_excluded"]) == (pytest.approx(2 / 3), 3, 1)
        # i00 first twice, i01 and i02 once second
        assert (first["estimate"], first["n"], first["n_excluded"]) == (pytest.approx(2 / 4), 4, 4)
        longer = told(run, "length", "rate")
        # k is longer on i00 and i01, m on i02 and i03: 1 0 .5 1, then 0 .5 .5
        assert (longer["estimate"], longer["n"]) == (pytest.approx(3.5 / 7), 7)

    def test_samples_never_count_as_n(self, hand: Any, results: Write) -> None:
        def sampled(item: str, shown: str, *chances: float) -> Iterator[Judgment]:
            for repeat, chance in enumerate(chances):
                logs = {"a": math.log(chance), "b": math.log(1 - chance)}
                winner = "a" if chance > 0.5 else "b"
                yield said(item, shown, winner, repeat=repeat, p_a=chance, logprobs=logs)

        records = items(hand, 4)
        for place in range(4):
            records += sampled(f"i{place:02}", "ab", 0.45, 0.45, 0.9)
            records += sampled(f"i{place:02}", "ba", 0.4, 0.4, 0.4)
        run = results(records)
        # the mean of the samples says a in the one order, though two of three say b
        assert told(run, "position", "rate")["estimate"] == 1
        assert told(run, "position", "rate")["n"] == 8
        assert (told(run, "flips", "rate")["estimate"], told(run, "flips", "rate")["n"]) == (1, 4)
        soft = told(run, "length", "rate", reading="soft")
        # .6 and .4 for a, who is longer on half of the items
        assert (soft["estimate"], soft["n"]) == (pytest.approx(0.5), 8)

    def test_one_failed_sample_fails_its_order(self, hand: Any, results: Write) -> None:
        records = items(hand, 3)
        for place in range(3):
            records += [said(f"i{place:02}", shown, "a", repeat=n) for shown in ORDERS for n in range(2)]
        records.append(said("i02", "ba", None, repeat=2))
        run = results(records)
        assert (told(run, "flips", "rate")["n"], told(run, "flips", "rate")["n_excluded"]) == (2, 1)

    def test_rows_of_a_list_are_one_asking_for_each_order(self, hand: Any, results: Write) -> None:
        # a list of 3 is shown in 6 rows, and a pair stands in either order in 3 of them
        records = items(hand, 4)
        for place in range(4):
            for row in range(6):
                chance = 0.7 if row % 2 else 0.6
                logs = {"a": math.log(chance), "b": math.log(1 - chance)}
                shown = ORDERS[row % 2]
                records.append(said(f"i{place:02}", shown, "a", repeat=row, p_a=chance, logprobs=logs))
        run = results(records)
        assert (told(run, "position", "rate")["estimate"], told(run, "position", "rate")["n"]) == (0.5, 8)
        assert (told(run, "flips", "rate")["estimate"], told(run, "flips", "rate")["n"]) == (0, 4)

    def test_an_order_that_is_not_known_tells_nothing_of_position(self, hand: Any, results: Write) -> None:
        records = items(hand, 20)
        for one in longer_wins(20, 8, "old"):
            if one.shown is Order.AB:
                records.append(replace(one, shown=None, source=Source.RECORDED))
        run = results(records, judges={}, label_criteria={}, expected={}, exclusions={})
        for bias in ("position", "flips"):
            assert told(run, bias, "rate", "old")["estimate"] is None
            assert told(run, bias, "rate", "old")["reason"]
        assert told(run, "position", "effect", "old")["reason"] == "not measured in any row"
        assert told(run, "length", "rate", "old")["estimate"] == pytest.approx(0.8)
        assert told(run, "length", "effect", "old")["estimate"] > 0

    def test_probabilities_are_read_where_every_verdict_is_the_first(self, hand: Any, results: Write) -> None:
        records = items(hand, 12)
        for place in range(12):
            pull = 0.4 if place < 6 else -0.4
            for shown, first in zip(ORDERS, (2, -2), strict=True):
                chance = 1 / (1 + math.exp(-(first + pull + 0.01 * (place % 3))))
                logs = {"a": math.log(chance), "b": math.log(1 - chance)}
                winner = "a" if shown == "ab" else "b"
                records.append(said(f"i{place:02}", shown, winner, p_a=chance, logprobs=logs))
        run = results(records)
        assert "perfectly" in told(run, "length", "effect")["reason"]
        # 4 for two doublings each way, in log-odds .2 for one
        soft = told(run, "length", "log-odds", reading="soft")
        assert soft["estimate"] == pytest.approx(0.2, abs=0.005)
        order = told(run, "position", "log-odds", reading="soft")
        assert order["estimate"] == pytest.approx(2, abs=0.02)

    def test_one_sampled_rationale_is_not_soft(self, hand: Any, results: Write) -> None:
        records = [*items(hand, 10), *(replace(one, p_a=0.7) for one in longer_wins(10, 8))]
        run = results(records, judges={"pw": {"rubric": "pair", "mode": "explain", "samples": 1}})
        assert {row["reading"] for row in rows_of(biases(run))} == {"hard"}


class TestFamilies:
    def crossed(self, hand: Any, own: int, judges: dict[str, str]) -> list[Record]:
        """Two families answer 20 items, and each judge names its own on `own` of every 10."""
        records: list[Record] = []
        for place in range(20):
            name = f"i{place:02}"
            records += [
                hand.item(name),
                answer(name, "k", "one answer", "qwen"),
                answer(name, "m", "the other!", "smollm"),
            ]
            for judge, family in judges.items():
                mine, other = ("a", "b") if family == "qwen" else ("b", "a")
                verdict = mine if (place + len(family)) % 10 < own else other
                records += [said(name, shown, verdict, judge) for shown in ORDERS]
        return records

    def manifest(self, judges: dict[str, str]) -> dict[str, Any]:
        rubrics = {judge: {"rubric": "pair", "families": [family]} for judge, family in judges.items()}
        return {
            "judges": rubrics,
            "label_criteria": {judge: {"d": {"overall": "overall"}} for judge in judges},
        }

    def test_own_family_is_pooled_over_the_judges(self, hand: Any, results: Write) -> None:
        judges = {"q": "qwen", "s": "smollm"}
        run = results(self.crossed(hand, 7, judges), **self.manifest(judges))
        pooled = told(run, "self-preference", "effect", ALL_JUDGES)
        assert (pooled["n"], pooled["clusters"]) == (80, 20)
        # 70% of the time its own, wherever it stands: from 30% to 70%
        assert pooled["estimate"] == pytest.approx(40)
        assert pooled["low"] < 40 < pooled["high"]
        for judge in judges:
            assert told(run, "self-preference", "rate", judge)["estimate"] == pytest.approx(0.7)

    @pytest.mark.parametrize(
        "judges", [{"q": "qwen"}, {"q": "qwen", "r": "qwen"}, {"q": "qwen", "l": "llama"}]
    )
    def test_uncrossed(self, hand: Any, results: Write, judges: dict[str, str]) -> None:
        run = results(self.crossed(hand, 7, judges), **self.manifest(judges))
        effect = told(run, "self-preference", "effect", ALL_JUDGES)
        if "l" in judges:  # both judge both families, and one of them has its own among them
            assert effect["estimate"] is not None
        else:
            assert effect["estimate"] is None
            assert "at least 2 judge families" in effect["reason"]
        assert told(run, "self-preference", "rate", "q")["estimate"] == pytest.approx(0.7)

    def test_an_unknown_family_is_nobody_s(self, hand: Any, results: Write) -> None:
        judges = {"q": "unknown", "s": "smollm"}
        run = results(self.crossed(hand, 7, judges), **self.manifest(judges))
        assert told(run, "self-preference", "rate", "q")["n"] == 0
        assert told(run, "self-preference", "rate", "s")["n"] == 40

    def test_names_are_equal_where_an_ancestor_is_shared(self) -> None:
        distilled, none, unknown = ("deepseek", "qwen"), ("none",), ("unknown",)
        rows = [
            (("qwen",), distilled, ("llama",)),
            (("qwen",), ("deepseek",), distilled),
            (("llama",), distilled, ("deepseek",)),
            (none, none, ("qwen",)),
            (unknown, ("qwen",), none),
            (("llama",), unknown, ("llama",)),
            (("llama", "unknown"), ("llama",), ("qwen",)),
        ]
        for row, (mine, *sides) in zip(rows, family_names(rows), strict=True):
            own, *theirs = (set(one) - {"none", "unknown"} for one in row)
            for side, families, given in zip(sides, theirs, row[1:], strict=True):
                if own & families:
                    assert side == mine
                elif given == none:
                    assert side == "none" != mine
                elif "unknown" in {*row[0], *given}:
                    assert side is None
                else:
                    assert side not in (None, mine)
        same, other = family_names(rows)[0], family_names(rows)[2]
        assert same[1] == other[1]


def test_no_pairwise_judge_no_rows(hand: Any, results: Write) -> None:
    frame = biases(results([hand.item("i"), hand.response("i", "k"), hand.rated("i", "k", 2)]))
    assert len(frame) == 0
    assert {"bias", "reading", "statistic", "estimate", "reason"} <= set(frame)
