"""Findings where nothing varies, little is labelled, or several judges, criteria and kinds of labels meet."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from evalhub import stats
from evalhub.analysis import Results, findings, rows_of, system_summary, trust
from evalhub.analysis.findings.attacked import describe_attacks
from evalhub.analysis.findings.changes import describe_changes
from evalhub.analysis.findings.finding import Verdict
from evalhub.analysis.findings.people import describe_trust
from evalhub.analysis.findings.rankings import _places, rankings
from evalhub.analysis.tables import row
from evalhub.records import Record

Write = Callable[..., Results]
ITEMS = 40
MEANS = {"a": 0.9, "b": 0.7, "c": 0.5, "d": 0.3}


def sentences(results: Results, question: str) -> list[tuple[str, str]]:
    return [
        (row["verdict"], row["sentence"]) for row in rows_of(findings(results)) if row["question"] == question
    ]


def responses(hand: Any, items: int = ITEMS) -> Iterator[Record]:
    for n in range(items):
        yield hand.item(f"i{n:03}")
        yield from (hand.response(f"i{n:03}", system) for system in "km")


def test_a_judge_that_an_attack_always_fools_is_never_called_safe() -> None:
    """A placebo that never wins has no standard error. Its interval still shows the difference."""
    net = stats.paired_difference([1] * 36 + [0] * 4, [0] * 40, list(range(40)))
    assert net.standard_error is None
    rows = [
        {**row(net), "attack": "one", "statistic": "net"},
        {**row(net), "attack": "all attacks", "statistic": "net"},
    ]
    finding = describe_attacks("d", "j", rows, [])
    assert finding.verdict is Verdict.BAD
    assert "won 0.90 [0.74, 0.96] more often than a harmless text" in finding.sentence


def test_a_judge_that_always_takes_the_first_has_a_bias(hand: Any, results: Write) -> None:
    records = list(responses(hand))
    for n in range(ITEMS):
        shown = ("ab", "ba")[n % 2]
        records.append(hand.asked(f"i{n:03}", shown, 0.9 if shown == "ab" else 0.1))
    run = results(records, expected={"pw": ITEMS})
    ((verdict, sentence),) = sentences(run, "bias")
    assert verdict == "caution"
    assert "the response shown first wins in 1.00" in sentence


def test_one_item_tests_no_bias(hand: Any, results: Write) -> None:
    records = [*responses(hand, 1), hand.asked("i000", "ab", 0.9), hand.asked("i000", "ba", 0.9)]
    run = results(records, expected={"pw": 2})
    assert sentences(run, "bias") == []
    assert [verdict for verdict, _ in sentences(run, "best")] == ["not known"]


def test_a_judge_that_is_always_right_is_useful(hand: Any, results: Write) -> None:
    records = list(responses(hand))
    for n in range(ITEMS):
        for system, value in (("k", 1.0 + n % 3), ("m", 3.0 - n % 3)):
            records.append(hand.rated(f"i{n:03}", system, value))
            records.append(hand.label(f"i{n:03}", system, value))
    run = results(records, expected={"pt": 80})
    assert {row["trust"] for row in rows_of(trust(run)) if row["judge"] == "pt"} == {"useful"}


@pytest.mark.parametrize("labelled", [1, 2])
def test_a_few_labels_do_not_take_the_place_of_the_judge(hand: Any, results: Write, labelled: int) -> None:
    records = list(responses(hand))
    for n in range(ITEMS):
        for system, value in (("k", 3.0), ("m", 1.0 + (n % 4 == 0))):
            records.append(hand.rated(f"i{n:03}", system, value))
            if n < labelled:
                records.append(hand.label(f"i{n:03}", system, value))
    run = results(records, expected={"pt": 80})
    shown = sentences(run, "best")
    verdicts = [verdict for verdict, sentence in shown if sentence.startswith("By pt, k is better")]
    assert verdicts == ["good"]


@pytest.mark.parametrize(("systems", "pairs"), [("km", 40), ("kmo", 120)])
def test_pairs_are_counted_once_for_both_sides(hand: Any, results: Write, systems: str, pairs: int) -> None:
    """People label only k against m. Every pair of systems is judged."""
    records: list[Record] = []
    for n in range(ITEMS):
        records.append(hand.item(f"i{n:03}"))
        records += [hand.response(f"i{n:03}", system) for system in systems]
        p = 0.9 if n % 2 else 0.1
        for pair in map("".join, itertools.combinations(systems, 2)):
            records += [hand.asked(f"i{n:03}", shown, p, pair) for shown in ("ab", "ba")]
        if n < 16:
            records.append(hand.won(f"i{n:03}", "ab"[n % 4 < 2]))
    run = results(records, expected={"pw": 2 * pairs})
    sentence = next(sentence for _, sentence in sentences(run, "best") if "together" in sentence)
    assert f"labels on 16 of {pairs} pairs do not tell the two systems apart" in sentence


def test_where_certain_differences_are_not_transitive_there_are_no_bands() -> None:
    means = {system: {"estimate": value, "low": None, "high": None} for system, value in MEANS.items()}
    chain = {("a", "b"), ("a", "c"), ("b", "c"), ("b", "d"), ("c", "d")}
    assert [place.band for place in _places(means, chain)] == [None] * 4
    assert [place.band for place in _places(means, {*chain, ("a", "d")})] == [0, 1, 2, 3]
    assert [place.band for place in _places(means, {("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")})] == [
        0,
        0,
        1,
        1,
    ]
    circle = {("a", "b"), ("b", "c"), ("c", "a")}
    assert {place.band for place in _places(means, circle)} == {None}


def test_the_table_of_systems_shows_the_judge_that_is_trusted(hand: Any, results: Write) -> None:
    """The judge `aa`, first by name, is always wrong."""
    records = list(responses(hand))
    for n in range(ITEMS):
        winner = "ab"[n % 5 == 0]
        records.append(hand.won(f"i{n:03}", winner))
        for judge, p in (("aa", 0.9 if winner == "b" else 0.1), ("pw", 0.9 if winner == "a" else 0.1)):
            records += [hand.asked(f"i{n:03}", shown, p, judge=judge) for shown in ("ab", "ba")]
    run = results(records, expected={"pw": 80, "aa": 80})
    assert {row["judge"]: row["trust"] for row in rows_of(trust(run))} == {"aa": "refuse", "pw": "useful"}
    assert {row["judge_rater"] for row in rows_of(system_summary(run))} == {"pw"}


def test_comparisons_in_a_circle_name_no_best_system() -> None:
    from evalhub.analysis.findings.best import describe
    from evalhub.analysis.findings.rankings import Place, Ranking

    places = tuple(Place(name, 1, 2, 2, 0.5, None, None) for name in "klm")
    finding = describe(Ranking("d", "overall", "judge", "j", "win rate", 60, places))
    assert finding.sentence == "By j, each system on d loses to another one: the verdicts run in a circle."


def test_a_system_that_is_not_compared_with_each_other_one_is_not_called_better_than_all() -> None:
    from evalhub.analysis.findings.best import describe
    from evalhub.analysis.findings.rankings import Place, Ranking

    ends = {"k": (1, 2), "l": (2, 2), "m": (2, 3)}
    places = tuple(Place(name, n + 1, *ends[name], 0.5, None, None) for n, name in enumerate("klm"))
    finding = describe(Ranking("d", "overall", "judge", "j", "win rate", 60, places))
    assert finding.sentence == "By j, k leads on d, but is not shown to beat each of the others."


def changed(**values: Any) -> dict[str, Any]:
    return {
        "dataset": "d", "measure": "mean score", "rater": "pt", "criterion": "quality", "system": "k",
        "higher_is_better": True, "estimate": 0.2, "low": 0.1, "high": 0.3, "p": 0.001, "n": 40,
        "changed": None, "changed_data": None, "reason": None, **values,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"low": -0.01, "high": 0.4}, "k gained 0.20 [-0.01, 0.40] (mean score by pt, quality)"),
        ({"estimate": -0.2, "low": -0.3, "high": -0.1}, "k lost 0.20 [0.10, 0.30]"),
        ({"low": None, "high": None}, "k gained 0.20 (mean score by pt, quality)"),
        ({"higher_is_better": False}, "k lost 0.20 [0.10, 0.30]"),
        ({"p": 0.5, "low": None, "high": None}, "No system changed beyond chance on d since before."),
        ({"p": None, "reason": "too few"}, "Nothing can be said of changes on d since before: too few."),
    ],
)
def test_what_is_said_of_a_change(values: dict[str, Any], expected: str) -> None:
    (finding,) = describe_changes([changed(**values)], "before")
    assert expected in finding.sentence


def test_kinds_of_labels_are_not_mixed_in_one_sentence(hand: Any, results: Write) -> None:
    from dataclasses import replace

    from evalhub.records import AnnotatorKind

    records = list(responses(hand))
    for n in range(ITEMS):
        records += [hand.asked(f"i{n:03}", shown, 0.9) for shown in ("ab", "ba")]
        records.append(hand.won(f"i{n:03}", "ab"[n % 10 == 0]))
        constructed = replace(
            hand.won(f"i{n:03}", "a"), annotator="made", annotator_kind=AnnotatorKind.CONSTRUCTED
        )
        records.append(constructed)
    run = results(records, expected={"pw": 80})
    shown = [sentence for _, sentence in sentences(run, "trust")]
    assert len(shown) == 2
    assert any("with people on 0.90" in sentence for sentence in shown)
    assert any("with the constructed labels on 1.00" in sentence for sentence in shown)


def test_a_judge_whose_agreement_cannot_be_measured_is_said_so(hand: Any, results: Write) -> None:
    records = list(responses(hand))
    for n in range(ITEMS):
        for system in "km":
            records.append(hand.rated(f"i{n:03}", system, 2.0))
            records.append(hand.label(f"i{n:03}", system, 1.0 + n % 3))
    run = results(records, expected={"pt": 80})
    ((verdict, sentence),) = [found for found in sentences(run, "trust") if "pt" in found[1]]
    assert verdict == "not known"
    assert "its agreement with people cannot be measured" in sentence
    assert rankings(run)


def test_several_criteria_without_a_number_have_a_sentence() -> None:
    values = {
        "dataset": "d", "judge": "j", "criterion": "c", "annotator_kind": "human", "trust": "not known",
        "measure": "accuracy", "estimate": None, "low": None, "high": None, "n": 0, "chance": None,
        "longer": None, "metric": None, "metric_estimate": None, "people": None, "flips": None,
        "flips_low": None, "flips_high": None, "reason": "all the same",
    }  # fmt: skip
    rows = [{**values, "label_criterion": name} for name in ("one", "two")]
    finding = describe_trust(rows, total=2)
    assert "cannot be measured (all the same)" in finding.sentence


@pytest.mark.parametrize(
    ("low", "high", "null", "below"),
    [(0.5, 0.9, 0.5, False), (0.51, 0.9, 0.5, True), (0.3, 0.49, 0.5, True), (-0.1, 0.4, 0.0, False)],
)
def test_a_p_value_agrees_with_its_interval(low: float, high: float, null: float, below: bool) -> None:
    estimate = stats.Estimate((low + high) / 2, low, high, 0.95, "wilson", 30, 30, 0, None)
    p = stats.p_from_interval(estimate, null)
    assert p is not None
    assert (p < 0.05 - 1e-12) is below
