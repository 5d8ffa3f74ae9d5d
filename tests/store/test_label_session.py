"""The order of a queue for an annotator, and what an annotator did with it."""

import json
import os
import statistics
import zlib
from pathlib import Path
from typing import Any

import pytest

from evalhub.errors import InputError, StorageError
from evalhub.scales import Order, Winner
from evalhub.store import (
    ADJUDICATED,
    Answer,
    Decision,
    LabelFile,
    LabelQueue,
    LabelSession,
    QueueUnit,
    Side,
    check_annotator,
    disputed_showings,
    disputes,
    read_entries,
    read_labels,
    showings,
)


def queue_of(number: int, *, rated: bool = False) -> LabelQueue:
    names: dict[str, Any] = {"system_a": "k", "system_b": "m", "response_a": "Yes.", "response_b": "No."}
    units = (
        QueueUnit(
            dataset="d", item_id=f"i{place}", criterion="overall", prompt="What?", probability=0.5,
            uniform=True, **({"system": "k", "response": "Yes."} if rated else names),
        )
        for place in range(number)
    )  # fmt: skip
    return LabelQueue("first", tuple(units))


def session(folder: Path, queue: LabelQueue, annotator: str = "ann") -> LabelSession:
    return LabelSession(
        folder=folder, queue=queue.name, annotator=annotator, showings=showings(queue, annotator),
        guideline="v2",
    )  # fmt: skip


@pytest.mark.parametrize("number", [1, 2, 9, 10, 19, 20, 21, 25, 100, 333])
@pytest.mark.parametrize("annotator", ["ann", "bea", "c", "d"])
def test_all_come_and_a_tenth_comes_twice_far_apart(number: int, annotator: str) -> None:
    queue = queue_of(number)
    order = showings(queue, annotator)
    assert order == showings(queue, annotator)
    assert [showing.number for showing in order] == list(range(1, len(order) + 1))
    assert [showing.unit for showing in order if not showing.repeat] == list(queue.units)
    places = {showing.key: showing.number for showing in order}
    twice = [showing for showing in order if showing.repeat]
    assert len(twice) == number // 10
    for showing in twice:
        gap = showing.number - places[0, *showing.unit.key]
        assert gap > 10 or number < 21
        assert gap > number // 2 or number >= 21


def test_each_annotator_has_a_draw_of_sides_and_repeats() -> None:
    queue = queue_of(400)
    orders = {name: showings(queue, name) for name in ("ann", "bea")}
    for order in orders.values():
        assert 160 <= sum(showing.shown is Order.BA for showing in order if not showing.repeat) <= 240
    sides = [[showing.shown for showing in order if not showing.repeat] for order in orders.values()]
    assert 160 <= sum(first is second for first, second in zip(*sides, strict=True)) <= 240
    repeats = [{showing.unit.key for showing in order if showing.repeat} for order in orders.values()]
    assert repeats[0] != repeats[1]
    first = {showing.unit.key: showing.shown for showing in orders["ann"] if not showing.repeat}
    again = [showing for showing in orders["ann"] if showing.repeat]
    assert 8 <= sum(showing.shown is first[showing.unit.key] for showing in again) <= 32


def test_left_and_right_are_the_systems_as_shown() -> None:
    for showing in showings(queue_of(40), "ann"):
        is_swapped = showing.shown is Order.BA
        assert showing.texts == (("No.", "Yes.") if is_swapped else ("Yes.", "No."))
        assert showing.winner(Side.LEFT) is (Winner.B if is_swapped else Winner.A)
        assert showing.winner(Side.TIE) is Winner.TIE
        assert [showing.side(showing.winner(side)) for side in Side] == list(Side)


def test_a_response_has_no_sides() -> None:
    (showing,) = showings(queue_of(1, rated=True), "ann")
    assert (showing.shown, showing.texts) == (None, ("Yes.",))


def test_a_decision_is_stored_with_all_that_it_needs(tmp_path: Path) -> None:
    work = session(tmp_path, queue_of(3))
    showing = work.progress().current
    assert showing is not None
    answer = Answer(winner=Winner.A, confidence=3, note="short", seconds=4.5)
    assert work.decide(showing, answer) is False
    (entry,) = read_entries(tmp_path)
    assert entry.winner is Winner.A
    assert (entry.confidence, entry.note, entry.seconds) == (3, "short", 4.5)
    assert (entry.queue, entry.guideline, entry.repeat, entry.blind) == ("first", "v2", 0, True)
    assert (entry.probability, entry.uniform, entry.shown) == (0.5, True, showing.shown)
    assert entry.texts == showing.unit.texts
    assert entry.version
    assert entry.time


def test_the_work_goes_on_where_it_was(tmp_path: Path) -> None:
    queue = queue_of(12)
    for expected in range(1, 14):
        work = session(tmp_path, queue)  # as after a restart
        showing = work.progress().current
        assert showing is not None
        assert showing.number == expected
        is_undecided = expected == 2
        decision = Decision.CANNOT_DECIDE if is_undecided else Decision.LABEL
        work.decide(
            showing, Answer(decision=decision, winner=None if is_undecided else Winner.A, seconds=expected)
        )
    progress = work.progress()
    assert progress.current is None
    assert len(progress.entries) == 13
    assert progress.labelled == 11  # one was not decided, and the second label of another does not count
    assert len(read_labels(tmp_path, ["d"])) == 11


def test_lines_of_earlier_versions_are_read(tmp_path: Path) -> None:
    work = session(tmp_path, queue_of(3))
    work.decide(work.showings[0], Answer(winner=Winner.A))
    path = tmp_path / "ann.jsonl"
    values = json.loads(path.read_text())["label"]
    del values["adjudicator"], values["version"]
    body = json.dumps({"label": values})
    path.write_text(f'{{"crc":{zlib.crc32(body.encode())},{body[1:]}\n')
    (entry,) = read_entries(tmp_path)
    assert (entry.adjudicator, entry.version, entry.winner) == ("", "", Winner.A)


def test_the_time_left_is_that_of_the_median(tmp_path: Path) -> None:
    work = session(tmp_path, queue_of(9))
    assert work.progress().minutes_left is None
    for showing, seconds in zip(work.showings, (10, 1000, 20), strict=False):
        work.decide(showing, Answer(winner=Winner.A, seconds=seconds))
    assert work.progress().minutes_left == statistics.median((10, 1000, 20)) * 6 / 60


def test_an_undo_is_a_row_and_the_unit_comes_back(tmp_path: Path) -> None:
    work = session(tmp_path, queue_of(3))
    assert work.undo() is None
    for showing in work.showings[:2]:
        work.decide(showing, Answer(winner=Winner.B))
    assert [work.undo(), work.undo(), work.undo()] == [work.showings[1], work.showings[0], None]
    assert work.progress().current == work.showings[0]
    assert read_labels(tmp_path, ["d"]) == []
    decisions = [entry.decision for entry in LabelFile(tmp_path, "ann").entries()]
    assert decisions == [Decision.LABEL] * 2 + [Decision.UNDO] * 2


def test_a_second_window_says_that_it_replaces(tmp_path: Path) -> None:
    first, second = (session(tmp_path, queue_of(3)) for _ in range(2))
    showing = first.showings[0]
    assert first.decide(showing, Answer(winner=Winner.A)) is False
    assert second.decide(showing, Answer(winner=Winner.B)) is True
    (label,) = read_labels(tmp_path, ["d"])
    assert label.winner is Winner.B
    assert first.progress().current == first.showings[1]


def test_queues_and_annotators_do_not_mix(tmp_path: Path) -> None:
    queue = queue_of(3)
    session(tmp_path, queue).decide(showings(queue, "ann")[0], Answer(winner=Winner.A))
    assert session(tmp_path, queue, "bea").progress().entries == {}
    assert session(tmp_path, LabelQueue("second", queue.units)).progress().entries == {}


def test_a_full_disk_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = session(tmp_path, queue_of(3))
    monkeypatch.setattr(os, "write", lambda number, data: 3)
    with pytest.raises(StorageError, match="cannot be stored"):
        work.decide(work.showings[0], Answer(winner=Winner.A))
    monkeypatch.undo()
    assert work.progress().current == work.showings[0]


@pytest.mark.parametrize("name", ["", "a b", "../up", ADJUDICATED, "consensus"])
def test_names_that_are_no_annotator_s(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        check_annotator(tmp_path, name)


def test_differing_labels_are_decided_and_undone_by_who_decided(tmp_path: Path) -> None:
    queue = queue_of(4)
    winners = {"ann": "aab", "bea": "abb", "cy": "  t"}
    for name, letters in winners.items():
        for showing, letter in zip(showings(queue, name)[:3], letters, strict=True):
            if letter != " ":
                session(tmp_path, queue, name).decide(
                    showing, Answer(winner=Winner.TIE if letter == "t" else Winner(letter))
                )
    disputed = disputes(queue, read_labels(tmp_path, ["d"]))
    assert [key[1] for key in disputed] == ["i1", "i2"]
    assert [len(labels) for labels in disputed.values()] == [2, 3]
    order = disputed_showings(queue, "boss", disputed)
    assert [showing.number for showing in order] == [2, 3]
    works = [
        LabelSession(
            folder=tmp_path, queue=queue.name, annotator=ADJUDICATED, showings=order, adjudicator=name
        )
        for name in ("boss", "deputy")
    ]
    works[0].decide(order[0], Answer(winner=Winner.TIE))
    works[1].decide(order[1], Answer(winner=Winner.A))
    assert works[0].progress().current is None
    assert works[0].undo() == order[0]
    assert works[0].undo() is None  # the other decision is somebody else's
    assert disputes(queue, read_labels(tmp_path, ["d"])) == disputed
    (entry,) = [entry for entry in read_entries(tmp_path) if entry.annotator == ADJUDICATED]
    assert (entry.adjudicator, entry.winner) == ("deputy", Winner.A)


def test_labels_of_other_texts_are_no_dispute(tmp_path: Path) -> None:
    queue = queue_of(1)
    for name, winner in (("ann", Winner.A), ("bea", Winner.B)):
        work = session(tmp_path, queue, name)
        work.decide(work.showings[0], Answer(winner=winner))
    changed = LabelQueue(queue.name, (queue.units[0].model_copy(update={"response_a": "Other."}),))
    labels = read_labels(tmp_path, ["d"])
    assert len(disputes(queue, labels)) == 1
    assert disputes(changed, labels) == {}
