"""Eight planted runs, and what each says, word for word."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from evalhub.analysis import Results, findings, findings_beside, rows_of
from evalhub.records import Item, Record
from evalhub.store import set_tags

Write = Callable[..., Results]
ITEMS = 40
PAIRWISE = {"kind": "pairwise", "levels": ["a", "tie", "b"]}


def sentences(results: Results, question: str) -> list[tuple[str, str]]:
    """Return the verdict and the sentence of each finding that answers a question."""
    return [
        (row["verdict"], row["sentence"]) for row in rows_of(findings(results)) if row["question"] == question
    ]


def pairs(
    hand: Any, prefers: Callable[[int], bool], label: Callable[[int], str] | None = None, **options: Any
) -> Iterator[Record]:
    """Yield items on which the judge prefers k or m in both orders, and people give a label.

    Args:
        hand: Makes records.
        prefers: Whether the judge prefers k on an item.
        label: The label of an item, a for k. None = no labels.
        options: `items`, how many, and `chars`, the lengths of both responses of an item.
    """
    chars = options.get("chars", lambda _: (10, 10))
    for n in range(options.get("items", ITEMS)):
        item = f"i{n:03}"
        p = 0.9 if prefers(n) else 0.1
        yield hand.item(item)
        for system, length in zip("km", chars(n), strict=True):
            yield hand.response(item, system, length)
        for shown in ("ab", "ba"):
            yield hand.asked(item, shown, p)
        if label:
            yield hand.won(item, label(n))


def test_a_clear_winner(hand: Any, results: Write) -> None:
    records = pairs(hand, lambda n: n < 36, lambda n: "a" if n < 36 else "b")
    run = results(records, expected={"pw": 80})
    assert sentences(run, "best") == [
        ("good", "By people, k is better than m on d: win rate 0.90 [0.77, 0.96], then m with 0.10.")
    ]
    assert sentences(run, "trust") == [
        ("good", "pw is useful on d: it agrees with people on 1.00 [0.91, 1.00] of 40 pairs, a coin on 0.50.")
    ]
    assert sentences(run, "bias") == [("good", "No bias of pw is shown on d (tested: order).")]
    assert sentences(run, "measured") == [("good", "All 80 planned judgments are valid.")]
    assert sentences(run, "next") == []


def test_a_group_of_equals(hand: Any, results: Write) -> None:
    values: dict[str, Callable[[int], float]] = {
        "k": lambda n: 2 + n % 2,
        "l": lambda n: 3 - n % 2,
        "m": lambda n: 1 + (n % 4 == 0),
    }

    def records() -> Iterator[Record]:
        for n in range(ITEMS):
            yield hand.item(f"i{n:03}")
            for system, value in values.items():
                yield hand.response(f"i{n:03}", system)
                yield hand.rated(f"i{n:03}", system, value(n))

    run = results(records(), expected={"pt": 120})
    assert sentences(run, "best") == [
        ("caution", "By pt, k and l lead on d (quality) and are not told apart. m is behind.")
    ]


def test_no_labels(hand: Any, results: Write) -> None:
    run = results(pairs(hand, lambda n: n < 22), expected={"pw": 80})
    assert sentences(run, "best") == [
        (
            "not known",
            "By pw, no system is shown to be better than another on d: 40 items do not tell the two systems "
            "apart.",
        )
    ]
    assert sentences(run, "trust") == [
        ("not known", "Whether pw may stand in for people on d is not known: there are no labels.")
    ]
    more_items, more_labels = rows_of(findings(run))[-2:]
    assert more_items["sentence"] == (
        "About 797 items would tell k from m on d, if they stay 0.10 apart (now 40)."
    )
    assert more_items["command"] == "evalhub plan s --limit 797"
    assert more_labels["sentence"] == (
        "Label 100 verdicts of pw on d, to learn how far people agree with it."
    )
    assert (
        more_labels["command"]
        == "evalhub labels queue --judge pw --dataset d --criterion overall --n 100 --out queue.jsonl"
    )


@pytest.mark.parametrize(
    ("right", "verdict", "opening", "agreement"),
    [
        (10, "bad", "Do not use pw on d", "0.25 [0.14, 0.40]"),
        (15, "bad", "pw is no better than chance on d", "0.38 [0.24, 0.53]"),
        (20, "bad", "pw is no better than chance on d", "0.50 [0.35, 0.65]"),
        (25, "not known", "Whether pw may be used on d is not known yet", "0.62 [0.47, 0.76]"),
        (30, "good", "pw is useful on d", "0.75 [0.60, 0.86]"),
    ],
)
def test_a_judge_beside_a_coin(
    hand: Any, results: Write, right: int, verdict: str, opening: str, agreement: str
) -> None:
    """The judge prefers k on every second item, and people say so on the first `right` items."""
    records = pairs(hand, lambda n: n % 2 == 0, lambda n: "ab"[(n % 2) ^ (n >= right)])
    run = results(records, expected={"pw": 80})
    sentence = f"{opening}: it agrees with people on {agreement} of 40 pairs, a coin on 0.50."
    assert sentences(run, "trust") == [(verdict, sentence)]


def test_a_judge_that_likes_length(hand: Any, results: Write) -> None:
    """The judge takes the longer response on 8 of 9 items, and people as often the shorter one."""

    def chars(n: int) -> tuple[int, int]:
        return (200 + 3 * n, 100) if n % 2 == 0 else (100, 200 + 3 * n)

    records = pairs(
        hand,
        lambda n: (n % 2 == 0) != (n % 9 == 0),
        lambda n: "ab"[(n // 2) % 2],
        items=60,
        chars=chars,
    )
    run = results(records, expected={"pw": 120})
    assert sentences(run, "bias") == [
        (
            "caution",
            "pw on d: twice the length moves the win probability by 14.2 [4.8, 23.6] points, beyond what it "
            "does with people.",
        )
    ]
    assert sentences(run, "trust") == [
        (
            "not known",
            "Whether pw may be used on d is not known yet: it agrees with people on 0.52 [0.39, 0.64] of 60 "
            "pairs, a coin on 0.50, the longer answer on 0.50.",
        )
    ]


def test_the_order_decides(hand: Any, results: Write) -> None:
    """The judge takes what it sees first on 36 of 40 items."""

    def records() -> Iterator[Record]:
        for n in range(ITEMS):
            item = f"i{n:03}"
            yield hand.item(item)
            yield from (hand.response(item, system) for system in "km")
            yield hand.asked(item, "ab", 0.8 if n < 36 else 0.3)
            yield hand.asked(item, "ba", 0.3)
            yield hand.won(item, "ab"[n % 2])

    run = results(records(), expected={"pw": 80})
    assert sentences(run, "trust") == [
        (
            "bad",
            "Do not use pw on d: it agrees with people on 0.50 [0.35, 0.65] of 40 pairs, a coin on 0.50. Its "
            "verdict changes with the order in 0.90 [0.77, 0.96] of pairs.",
        )
    ]
    assert sentences(run, "bias") == [
        (
            "bad",
            "pw on d: the verdict changes with the order in 0.90 [0.77, 0.96] of pairs; the response shown "
            "first wins in 0.95 [0.87, 0.98].",
        )
    ]


def test_an_unfinished_run(hand: Any, results: Write) -> None:
    records = pairs(hand, lambda n: n < 36, lambda n: "a" if n < 36 else "b")
    run = results(records, seal=False, expected={"pw": 200})
    assert sentences(run, "best") == [
        ("not known", "The run is not finished (interrupted), so no ranking is claimed.")
    ]
    assert sentences(run, "measured") == [
        ("caution", "80 of 200 planned judgments are valid. 120 are not asked yet.")
    ]


def test_anonymous_systems(hand: Any, results: Write) -> None:
    records = pairs(hand, lambda n: n < 36, lambda n: "a" if n < 36 else "b")
    cards = {"d": {"anonymous": True, "criteria": {"overall": PAIRWISE}}}
    run = results(records, cards=cards, expected={"pw": 80})
    assert sentences(run, "best") == [
        ("not known", "The systems on d are anonymous: it tests judges and ranks no system.")
    ]
    assert [verdict for verdict, _ in sentences(run, "trust")] == ["good"]


def changes(after: Results) -> list[tuple[str, str]]:
    return [
        (finding.verdict, finding.sentence)
        for finding in findings_beside(after)
        if finding.question.name == "CHANGE"
    ]


def test_what_changed_since_the_baseline(hand: Any, results: Write) -> None:
    before = results(pairs(hand, lambda n: n < 36), expected={"pw": 80})
    set_tags(before.run, ["baseline"])
    after = results(pairs(hand, lambda n: n < 10), expected={"pw": 80})
    assert changes(after) == [
        (
            "bad",
            "k lost 0.65 [0.47, 0.78] (win rate by pw) and m gained 0.65 [0.47, 0.78] (win rate by pw) on d "
            f"since {before.run.id}.",
        )
    ]
    same = results(pairs(hand, lambda n: n < 36), expected={"pw": 80})
    assert changes(same) == [
        (
            "good",
            f"No system changed beyond chance on d since {before.run.id}. A change of 0.11 would have been "
            "found in 80 of 100 runs.",
        )
    ]
    assert changes(before) == []


def test_changed_data_since_the_baseline(hand: Any, results: Write) -> None:
    before = results(pairs(hand, lambda n: n < 36), expected={"pw": 80})
    set_tags(before.run, ["baseline"])
    records = [
        replace(record, turns=("Another question?",))
        if isinstance(record, Item) and record.item_id < "i004"
        else record
        for record in pairs(hand, lambda n: n < 36)
    ]
    after = results(records, expected={"pw": 80})
    assert changes(after) == [
        (
            "caution",
            f"No system changed beyond chance on d since {before.run.id}. A change of 0.12 would have been "
            "found in 80 of 100 runs. The dataset changed too (prompt of 4 items). Only items that are the "
            "same are compared.",
        )
    ]
