"""Juries: several judges of a run as one more rater."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evalhub.analysis import Results, agreement, leaderboard, pair_verdicts, ratings, rows_of
from evalhub.analysis.frames.juries import fold
from evalhub.records import AnnotatorKind, Record
from evalhub.specs import parse_rubric

Write = Callable[..., Results]
THREE = ("j1", "j2", "j3")
NO_TIES = parse_rubric(
    "---\nid: pair\nversion: 1\nprotocol: pairwise\ninputs: [response_a, response_b]\n"
    "criteria: {overall: Better.}\nties: false\n---\n## User\n{{response_a}}\n{{response_b}}\n",
    "pair",
).model_dump(mode="json", exclude_none=True)


def facts(criterion: str, combine: str = "mean", quorum: int = 2) -> dict[str, Any]:
    """The manifest of a run with three judges and their jury."""
    of_member = {"criteria": {criterion: dict.fromkeys(THREE, criterion)}}
    jury = {"id": "all", "members": list(THREE), "combine": combine, "quorum": quorum, **of_member}
    links = {"d": {criterion: criterion}}
    return {
        "judges": {judge: {"rubric": "x"} for judge in THREE},
        "juries": [jury],
        "label_criteria": dict.fromkeys((*THREE, "all"), links),
    }


def said(table: Any, judge: str = "all") -> list[dict[str, Any]]:
    return [row for row in rows_of(table) if row["judge"] == judge]


def asked(hand: Any, *chances: float | None, item: str = "i", shown: str = "ab") -> list[Record]:
    both = zip(THREE, chances, strict=False)
    return [hand.asked(item, shown, p, judge=judge) for judge, p in both]


@pytest.mark.parametrize(
    ("combine", "chances", "winner", "p_a"),
    [
        ("mean", (0.6, 0.6, 0.1), "b", 1.3 / 3),
        ("vote", (0.6, 0.6, 0.1), "a", None),
        ("vote", (0.9, 0.1), "tie", None),
        ("mean", (0.9, 0.3, None), "a", 0.6),
        ("mean", (0.9, None, None), None, None),
    ],
)
def test_members_are_averaged_or_vote(
    hand: Any, results: Write, combine: str, chances: tuple[float | None, ...], winner: str, p_a: float
) -> None:
    run = results([hand.item("i"), *asked(hand, *chances)], **facts("overall", combine))
    (row,) = said(pair_verdicts(run))
    assert (row["winner"], row["source"]) == (winner, "jury")
    assert row["p_a"] == (None if p_a is None else pytest.approx(p_a))
    assert row["askings"] == sum(p is not None for p in chances)  # who never gave a verdict is not asked


def test_ratings_of_a_jury(hand: Any, results: Write) -> None:
    levels = zip(THREE, (1, 1, 3), strict=True)
    records = [hand.item("i"), *(hand.rated("i", "k", value, judge=judge) for judge, value in levels)]
    for combine, value in (("mean", 5 / 3), ("vote", 1)):
        (row,) = said(ratings(results(records, **facts("quality", combine))))
        assert row["value"] == pytest.approx(value)
    (row,) = said(ratings(results(records, **facts("quality", "mean", quorum=3))))
    assert row["value"] == pytest.approx(5 / 3)
    missing = [*records[:-1], hand.rated("i", "k", None, judge="j3")]
    (row,) = said(ratings(results(missing, **facts("quality", "mean", quorum=3))))
    assert row["value"] is None


def test_a_weighted_vote_trusts_who_was_right_elsewhere(hand: Any, results: Write) -> None:
    # j1 is right in 9 of 10; j2 and j3 always say a, which is right in half
    records: list[Record] = []
    for number in range(60):
        item, truth = f"i{number}", "a" if number % 2 else "b"
        right = number % 10 != 3
        first = 0.9 if (truth == "a") == right else 0.1
        records += [hand.item(item), hand.won(item, truth), *asked(hand, first, 0.8, 0.8, item=item)]
    weighted = results(records, **facts("overall", "weighted"))
    accuracy = {
        row["rater"]: row["estimate"]
        for row in rows_of(agreement(weighted))
        if row["statistic"] == "accuracy"
        and row["reference_rater"] == "labels"
        and row["reading"] == "combined"
    }
    assert accuracy["all"] == accuracy["j1"] == pytest.approx(0.9)
    assert accuracy["j2"] == 0.5


def names(count: int, *, inside: bool) -> list[str]:
    """Items of the fold 0, or of the others."""
    return [name for name in (f"q{n}" for n in range(400)) if (fold(name) == 0) == inside][:count]


def test_weights_come_from_other_clusters_alone(hand: Any, results: Write) -> None:
    # in one fold j1 is right and the others wrong, elsewhere the reverse, so that j1 is found worthless
    records: list[Record] = []
    for item in names(30, inside=True):
        records += [hand.item(item), hand.won(item, "a"), *asked(hand, 0.9, 0.2, 0.2, item=item)]
    for item in names(30, inside=False):
        records += [hand.item(item), hand.won(item, "a"), *asked(hand, 0.2, 0.9, 0.9, item=item)]
    rows = said(pair_verdicts(results(records, **facts("overall", "weighted"))))
    assert {row["winner"] for row in rows if fold(row["item_id"]) == 0} == {"b"}


def test_who_cannot_be_weighed_has_no_vote(hand: Any, results: Write) -> None:
    # j1 and j2 are right in 6 of 10; j3 was asked 9 times and was always wrong
    records: list[Record] = []
    for number in range(60):
        item, chance = f"i{number}", 0.9 if number % 10 < 6 else 0.1
        third = (0.1,) if number % 10 < 6 and number < 12 else ()
        records += [hand.item(item), hand.won(item, "a"), *asked(hand, chance, chance, *third, item=item)]
    run = results(records, **facts("overall", "weighted"))
    assert {row["winner"] for row in said(pair_verdicts(run)) if int(row["item_id"][1:]) % 10 < 6} == {"a"}


def test_a_model_s_labels_weigh_nobody(hand: Any, results: Write) -> None:
    records: list[Record] = []
    for number in range(60):
        item = f"i{number}"
        model = replace(hand.won(item, "b", annotator="m"), annotator_kind=AnnotatorKind.MODEL)
        records += [hand.item(item), hand.won(item, "a"), model, *asked(hand, 0.9, 0.9, 0.2, item=item)]
    run = results(records, **facts("overall", "weighted"))
    assert {row["winner"] for row in said(pair_verdicts(run))} == {"a"}


def test_a_jury_s_tie_is_no_rule_for_its_members(hand: Any, results: Write) -> None:
    # members may not say tie; they disagree, so the jury is undecided; a tied label is no fault of theirs
    records: list[Record] = []
    for number in range(40):
        item = f"i{number}"
        records += [
            hand.item(item),
            hand.won(item, "tie" if number % 2 else "a"),
            *asked(hand, 0.9, 0.1, item=item),
        ]
    told = facts("overall", "vote")
    told["rubrics"] = dict.fromkeys(THREE, NO_TIES)
    found = {
        row["rater"]: (row["estimate"], row["n"])
        for row in rows_of(agreement(results(records, **told)))
        if row["statistic"] == "accuracy"
        and row["reference_rater"] == "labels"
        and row["reading"] == "combined"
    }
    assert found["j1"] == (1, 20)
    assert found["all"] == (0, 20)


def test_a_jury_is_ranked_like_a_judge(hand: Any, results: Write) -> None:
    records = [
        one
        for number in range(4)
        for one in (hand.item(f"i{number}"), *asked(hand, 0.8, 0.7, 0.2, item=f"i{number}"))
    ]
    run = results([*records, replace(records[1], repeat=1)], **facts("overall", "vote"))
    rates = {
        (row["rater"], row["system"]): row["estimate"]
        for row in rows_of(leaderboard(run))
        if row["measure"] == "win rate"
    }
    assert rates["all", "k"] == 1
    assert rates["all", "m"] == 0


@pytest.mark.parametrize("combine", ["mean", "vote"])
def test_a_pair_without_a_quorum_among_others_has_no_verdict(hand: Any, results: Write, combine: str) -> None:
    chances = {"i": (0.9, 0.8, 0.7), "j": (0.9, None, None), "k": (0.2, 0.1, None)}
    records = [hand.item(item) for item in chances]
    for item, mine in chances.items():
        records += asked(hand, *mine, item=item)
    run = results(records, **facts("overall", combine))
    rows = {row["item_id"]: row for row in said(pair_verdicts(run))}
    assert {item: row["winner"] for item, row in rows.items()} == {"i": "a", "j": None, "k": "b"}
    assert rows["j"]["p_a"] is None
    wins = {row["system"]: row["n"] for row in rows_of(leaderboard(run)) if row["rater"] == "all"}
    assert set(wins.values()) == {2}
