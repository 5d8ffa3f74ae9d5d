"""Two nights on a dataset that changed in between: what changed is left out, counted and named."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evalhub.analysis import Results, rows_of, run_comparison
from evalhub.records import Item, Record, Score

Write = Callable[..., Results]

COUNT = 8


def night(hand: Any, values: list[float], **items: Item) -> list[Record]:
    """Return items i0, i1, … with one rating each of the system k; `items` replaces some."""
    records: list[Record] = []
    for n, value in enumerate(values):
        name = f"i{n}"
        item = Item("d", name, turns=(f"What is {n}?",), refs=((f"{n}",),), context=("a page",))
        records += [items.get(name, item), hand.response(name, "k"), hand.rated(name, "k", value)]
    return records


def only_row(frame: Any, **facts: Any) -> dict[str, Any]:
    (row,) = [row for row in rows_of(frame) if all(row[name] == value for name, value in facts.items())]
    return row


BEFORE = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0]
AFTER = [2.0, 2.0, 2.0, 3.0, 1.0, 2.0, 1.0, 3.0]
CHANGES = {
    "prompt": Item("d", "i0", turns=("What is none?",), refs=(("0",),), context=("a page",)),
    "turns": Item("d", "i0", turns=("What is 0?", "And then?"), refs=(("0",),), context=("a page",)),
    "context": Item("d", "i0", turns=("What is 0?",), refs=(("0",),), context=("another page",)),
    "references": Item("d", "i0", turns=("What is 0?",), refs=(("0", "nought"),), context=("a page",)),
}


@pytest.mark.parametrize("part", CHANGES)
def test_an_item_that_changed_is_left_out(hand: Any, results: Write, part: str) -> None:
    before = results(night(hand, BEFORE))
    after = results(night(hand, AFTER, i0=CHANGES[part]))
    row = only_row(run_comparison(after, before), measure="mean score")
    # without i0: 0, 1, 1, 0, 0, 0, 1 of seven items
    assert row["estimate"] == pytest.approx(3 / 7)
    assert (row["n"], row["n_excluded"], row["changed_items"]) == (7, 1, 1)
    name = {"turns": "prompt"}.get(part, part)
    assert row["changed_data"] == f"{name} of 1 item"


def test_what_does_not_show_changes_nothing(hand: Any, results: Write) -> None:
    before = results(night(hand, BEFORE))
    item = Item(
        "d", "i0", turns=("What is 0?",), refs=(("0",),), context=("a page",), tags=("x",), lang="de",
    )  # fmt: skip
    row = only_row(run_comparison(results(night(hand, AFTER, i0=item)), before), measure="mean score")
    assert (row["n"], row["changed_items"], row["changed_data"]) == (8, 0, None)
    assert row["estimate"] == pytest.approx(4 / 8)


def test_one_more_and_one_less(hand: Any, results: Write) -> None:
    before = results([*night(hand, BEFORE), hand.item("old"), hand.rated("old", "k", 3)])
    after = results([*night(hand, AFTER), hand.item("new"), hand.rated("new", "k", 1)])
    row = only_row(run_comparison(after, before), measure="mean score")
    assert (row["n"], row["n_excluded"], row["changed_items"]) == (8, 2, 0)
    assert row["changed_data"] == "1 item only in the later, 1 item only in the earlier"


def test_labels_that_changed_are_counted(hand: Any, results: Write) -> None:
    labels = [hand.label(f"i{n}", "k", 2) for n in range(4)]
    before = results([*night(hand, BEFORE), *labels])
    other = [replace(labels[0], value=3), replace(labels[1], value=1), *labels[2:], hand.label("i5", "k", 1)]
    row = only_row(run_comparison(results([*night(hand, AFTER), *other]), before), measure="mean score")
    assert (row["changed_labels"], row["changed_data"], row["n"]) == (2, "2 labels", 8)


def test_nothing_left(hand: Any, results: Write) -> None:
    before = results(night(hand, BEFORE[:2]))
    other_items = {f"i{n}": Item("d", f"i{n}", turns=("Else?",)) for n in range(2)}
    after = results(night(hand, AFTER[:2], **other_items))
    row = only_row(run_comparison(after, before), measure="mean score")
    assert (row["estimate"], row["n"], row["n_excluded"], row["changed_items"]) == (None, 0, 2, 2)
    assert row["reason"] == "no item that both have is the same in both runs"


def test_card_and_files(hand: Any, results: Write) -> None:
    def resolved(version: int, card: str, **files: str) -> dict[str, Any]:
        facts = {"version": version, "card": card, "files": {"card": card, **files}}
        return {"suite": {"controls": {"length_penalty": 0}}, "models": {}, "datasets": {"d": facts}}

    before = results(night(hand, BEFORE), resolved=resolved(1, "x", a="1", b="1"))
    for facts, part in (
        (resolved(2, "y", a="1", b="1"), "version 1 then, 2 now"),
        (resolved(1, "y", a="1", b="1"), "card"),
        (resolved(1, "y", a="2", b="1"), "card, file a"),
        (resolved(3, "y", a="2", c="1"), "version 1 then, 3 now, files a, b, c"),
        (resolved(1, "x", a="1", b="1"), None),
    ):
        after = results(night(hand, AFTER), resolved=facts)
        assert only_row(run_comparison(after, before), measure="mean score")["changed_data"] == part


def test_recorded_answers_are_named(hand: Any, results: Write) -> None:
    before = night(hand, BEFORE)
    after = [
        replace(record, text="else") if getattr(record, "text", None) else record
        for record in night(hand, AFTER)
    ]
    row = only_row(run_comparison(results(after), results(before)), measure="mean score")
    assert (row["changed_data"], row["n"]) == ("recorded answers of k", 8)


def test_another_signature_is_another_metric(hand: Any, results: Write) -> None:
    def scored(signature: str) -> Results:
        records: list[Record] = []
        for n in range(4):
            score = Score("d", f"i{n}", "k", "rougeL", value=0.5, signature=signature)
            records += [hand.item(f"i{n}"), hand.response(f"i{n}", "k"), score]
        return results(records)

    plain, stemmed = scored("rougeL|stem:no"), scored("rougeL|stem:yes")
    assert only_row(run_comparison(stemmed, plain), measure="rougeL")["changed"] == "signature"
    assert only_row(run_comparison(plain, plain), measure="rougeL")["changed"] is None


def test_another_scale_is_told(hand: Any, results: Write) -> None:
    before = results(night(hand, BEFORE))
    changed = json.loads(json.dumps(before.manifest.rubrics))
    changed["pt"] |= {"scale": {"1": "wrong", "2": "fair", "3": "right", "4": "great"}}
    row = only_row(run_comparison(results(night(hand, AFTER), rubrics=changed), before), measure="mean score")
    assert (row["estimate"], row["reason"]) == (None, "the scale is not the same in both runs")


def test_the_command_says_so(desk: Any, cli: Any) -> None:
    desk.suite(judges=[], metrics=["exact_match"])
    items = [{"item_id": f"i{n}", "prompt": f"What is {n}?", "refs": [f"It is {n}"]} for n in range(6)]
    desk.dataset(items=items)
    first = desk.run()
    items[0]["prompt"] = "What is nothing?"
    items[1]["refs"] = ["It is one"]
    desk.dataset(items=[*items[:5], {"item_id": "i9", "prompt": "What is 9?", "refs": ["It is 9"]}])
    second = desk.run()
    command = cli("compare", second.id, first.id)
    assert command.code == 0, command.err
    text = " ".join(command.out.split())
    assert "• tiny is not the same in both runs (card, file" in text
    assert "prompt of 1 item, references of 1 item, 1 item only in the later, 1 item only in the" in text
    assert "The items that changed are left out." in text
    rows = json.loads(cli("compare", second.id, first.id, "--json").out)["comparisons"]
    assert {(row["changed_items"], row["n_excluded"], row["n"]) for row in rows} == {(2, 4, 3)}
    assert "tiny is not the same" not in cli("compare", first.id, first.id).out
