"""The labelling mode: what an annotator can do, what is stored of it, and that nothing tells a name."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import QueueRequest, Results, labelling_queue
from evalhub.scales import Winner
from evalhub.store import (
    ADJUDICATED,
    Answer,
    Decision,
    LabelEntry,
    LabelFile,
    LabelSession,
    Run,
    Side,
    labels_folder,
    read_labels,
    read_queue,
    showings,
    write_queue,
)

APP = Path(__file__).resolve().parents[2] / "dashboards" / "label_app.py"
HOSTILE = (
    "<img src=http://evil.example/a.png> ![x](http://evil.example/x.png) <script>alert(1)</script> \u202e"
)
SYSTEMS = ("quokka", "zebrafish")
JUDGE = "wombat"
ITEMS = 12
GOAL = 0.4

Open = Callable[..., Any]


def write_pairs(desk: Any, items: int = ITEMS, extra: str = "") -> Path:
    """Make a run of a judge on pairs of two systems, and a queue of all of them."""
    prompts = [{"item_id": f"i{n:03}", "prompt": f"Question {n} {extra}"} for n in range(items)]
    responses = [
        {"item_id": item["item_id"], "system": system, "family": "alpha", "text": f"{text} {n} {extra}"}
        for n, item in enumerate(prompts)
        for system, text in zip(SYSTEMS, ("Short answer", "Long answer"), strict=True)
    ]
    desk.dataset(items=prompts, responses=responses)
    judge = {"id": JUDGE, "rubric": "pair", "pairs": {"by": "all"}, "model": "toy", "engine": "scripted",
             "families": ["beta"]}  # fmt: skip
    desk.suite(judges=[judge])
    run: Run = desk.run()
    path: Path = desk.folder / "first.jsonl"
    write_queue(path, labelling_queue(Results(run), QueueRequest(JUDGE, "overall", "tiny", items)))
    return path


@pytest.fixture
def opened(desk: Any, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open the labelling mode as the command does."""
    from streamlit.testing.v1 import AppTest

    def call(queue: Path, annotator: str = "ann", *, adjudicate: bool = False) -> Any:
        monkeypatch.setenv("EVALHUB_RUNS", str(desk.runs))
        monkeypatch.setenv("EVALHUB_LABEL_QUEUE", str(queue))
        monkeypatch.setenv("EVALHUB_LABEL_ANNOTATOR", annotator)
        monkeypatch.setenv("EVALHUB_LABEL_ADJUDICATE", "yes" if adjudicate else "")
        page = AppTest.from_file(str(APP), default_timeout=60).run()
        assert not page.exception, page.exception[0].message
        return page

    return call


def press(page: Any, label: str) -> Any:
    """Press a button and return the page after it."""
    (button,) = [button for button in page.button if button.label == label]
    page = button.click().run()
    assert not page.exception, page.exception[0].message
    return page


def header(page: Any) -> str:
    return str(page.markdown[0].value)


def passages(page: Any) -> dict[str, Any]:
    """Return the texts on the page by the name over them."""
    data = [json.loads(element.proto.json or "{}") for element in page.get("bidi_component")]
    return {entry["label"]: entry["text"] for entry in data if "label" in entry}


def stored(desk: Any, annotator: str = "ann") -> list[LabelEntry]:
    return LabelFile(labels_folder(desk.runs), annotator).entries()


def texts(page: Any) -> str:
    elements = [
        *page.title,
        *page.subheader,
        *page.markdown,
        *page.caption,
        *page.info,
        *page.error,
        *page.text,
    ]
    return "\n".join(element.value for element in elements)


def test_a_label_is_stored_in_terms_of_the_systems(desk: Any, opened: Open) -> None:
    queue = write_pairs(desk)
    page = opened(queue)
    assert header(page).startswith("**Queue first** · guideline v1 · 1 of 13")
    first = showings(read_queue(queue), "ann")[0]
    page = press(page, "Fairly sure")
    page.text_input[0].set_value("a note <b>").run()
    page = press(page, "Left")
    (entry,) = stored(desk)
    assert entry.winner is first.winner(Side.LEFT)
    assert (entry.confidence, entry.note, entry.shown) == (2, "a note <b>", first.shown)
    assert (entry.queue, entry.guideline, entry.blind) == ("first", "v1", True)
    assert entry.seconds is not None
    assert "2 of 13 · about 1 min left" in header(page)
    page = press(page, "Tie")
    assert stored(desk)[1].winner is Winner.TIE
    assert (stored(desk)[1].confidence, stored(desk)[1].note) == (2, "")  # sure until changed, noted once
    press(press(page, "Fairly sure"), "Right")
    assert stored(desk)[2].confidence is None


def test_what_is_shown_is_the_unit(desk: Any, opened: Open) -> None:
    queue = write_pairs(desk)
    page = opened(queue)
    for showing in showings(read_queue(queue), "ann")[:4]:
        shown = passages(page)
        assert shown["Prompt"] == showing.unit.prompt
        assert (shown["Left"], shown["Right"]) == showing.texts
        page = press(page, "Left")


def test_undo_brings_the_pair_back(desk: Any, opened: Open) -> None:
    page = opened(write_pairs(desk))
    page = press(press(page, "Left"), "Right")
    assert "3 of 13" in header(page)
    page = press(page, "Undo")
    assert "2 of 13" in header(page)
    assert [entry.decision for entry in stored(desk)][-1] is Decision.UNDO
    page = press(press(page, "Undo"), "Undo")
    assert "There is no answer of yours to take back" in texts(page)
    assert read_labels(labels_folder(desk.runs), ["tiny"]) == []


def test_the_work_goes_on_after_a_restart_and_ends(desk: Any, opened: Open) -> None:
    queue = write_pairs(desk)
    page = press(press(opened(queue), "Left"), "Cannot decide")
    page = opened(queue)
    assert "3 of 13" in header(page)
    for _ in range(11):
        page = press(page, "Left")
    assert "all 13 done" in header(page)
    assert "All is labelled" in texts(page)
    assert "Your labels: **11** of 12 pairs. On 1 you could not decide." in texts(page)
    assert "1 pair came twice" in texts(page) or "No pair was labelled twice" in texts(page)
    assert [block.value for block in page.code] == ["evalhub report", "evalhub labels export labels.csv"]
    assert JUDGE not in texts(page)
    assert sum(entry.repeat for entry in stored(desk)) == 1
    assert len(read_labels(labels_folder(desk.runs), ["tiny"])) == 11
    page = press(page, "Take the last answer back")
    assert "13 of 13" in header(page)


def test_a_queue_of_one_unit(desk: Any, opened: Open) -> None:
    queue = write_pairs(desk)
    queue.write_text(queue.read_text().splitlines()[0])
    page = opened(queue)
    assert "1 of 1" in header(page)
    page = press(page, "Right")
    assert "Your labels: **1** of 1 pair." in texts(page)
    assert "No pair was labelled twice, so this is not known" in texts(page)


def test_the_name_is_asked_once(desk: Any, opened: Open) -> None:
    page = opened(write_pairs(desk), "")
    assert [field.label for field in page.text_input] == ["Your name"]
    assert "Left" not in [button.label for button in page.button]
    for name, sentence in [("../up", "cannot name an annotator"), (ADJUDICATED, "is not an annotator")]:
        page.text_input[0].set_value(name)
        page = press(page, "Begin")
        assert sentence in texts(page)
    page.text_input[0].set_value(" bea ")
    page = press(page, "Begin")
    assert "1 of 13" in header(page)
    assert page.query_params["annotator"] == "bea"  # so that a reload does not ask again
    press(page, "Left")
    assert len(stored(desk, "bea")) == 1


def test_two_windows_write_no_unit_twice_silently(desk: Any, opened: Open) -> None:
    queue = write_pairs(desk)
    windows = [opened(queue) for _ in range(2)]
    press(windows[0], "Left")
    assert "answered this already, in another window" in texts(press(windows[1], "Right"))
    assert len(stored(desk)) == 2
    assert len(read_labels(labels_folder(desk.runs), ["tiny"])) == 1


def test_two_annotators_do_not_disturb_each_other(desk: Any, opened: Open) -> None:
    queue = write_pairs(desk)
    press(press(opened(queue, "ann"), "Left"), "Left")
    page = press(opened(queue, "bea"), "Right")
    assert "2 of 13" in header(page)
    assert (len(stored(desk, "ann")), len(stored(desk, "bea"))) == (2, 1)


def test_a_full_disk_is_said_and_the_pair_stays(
    desk: Any, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened(write_pairs(desk))
    monkeypatch.setattr(os, "write", lambda number, data: 3)
    page = press(page, "Left")
    monkeypatch.undo()
    assert "the label cannot be stored" in texts(page)
    assert str(desk.folder) not in texts(page)
    assert "1 of 13" in header(page)


def test_ratings_have_the_levels_of_the_criterion(desk: Any, opened: Open) -> None:
    rate = {"id": "pt", "rubric": "rate", "model": "j", "families": ["beta"], "engine": "scripted"}
    desk.dataset(items=20, card={"criteria": {}})
    desk.suite(judges=[rate])
    path = desk.folder / "rated.jsonl"
    write_queue(path, labelling_queue(Results(desk.run()), QueueRequest("pt", "quality", "tiny", 5)))
    page = opened(path)
    answers = [button.label for button in page.button if button.proto.shortcut in "0123"]
    assert answers == ["wrong", "fair", "right", "Cannot decide"]
    page = press(page, "fair")
    (entry,) = stored(desk)
    assert (entry.value, entry.winner, entry.shown) == (2.0, None, None)


def test_any_number_of_a_range_is_a_rating(desk: Any, opened: Open) -> None:
    rate = {"id": "pt", "rubric": "rate", "model": "j", "families": ["beta"], "engine": "scripted"}
    desk.dataset(items=20, card={"criteria": {"quality": {"kind": "pointwise", "range": [0, 100]}}})
    desk.suite(judges=[rate])
    path = desk.folder / "rated.jsonl"
    write_queue(path, labelling_queue(Results(desk.run()), QueueRequest("pt", "quality", "tiny", 5)))
    page = opened(path)
    assert next(button for button in page.button if button.label == "Store").disabled
    page.number_input[0].set_value(62.5).run()
    press(page, "Store")
    assert stored(desk)[0].value == 62.5


def test_hostile_texts_reach_no_markdown(desk: Any, opened: Open) -> None:
    queue = write_pairs(desk, extra=HOSTILE)
    page = opened(queue)
    assert HOSTILE in passages(page)["Left"]
    assert "evil" not in texts(page)
    rows = [json.loads(line) for line in queue.read_text().splitlines()]
    queue.write_text(
        "".join(json.dumps({**row, "guideline": HOSTILE, "context": [HOSTILE]}) + "\n" for row in rows)
    )
    page = opened(queue)
    assert passages(page)["Context"] == HOSTILE
    assert not re.search(r"(?<!\\)(<img|!\[x|<script)", texts(page))


def test_no_text_widget_or_key_names_a_system(desk: Any, opened: Open) -> None:
    page = opened(write_pairs(desk).rename(desk.folder / f"{SYSTEMS[0]}.jsonl"))
    assert header(page).startswith("**Queue of 12 pairs**")
    protos = [str(element.proto) for element in [*page.main, *page.get("bidi_component"), *page.button]]
    assert any("Short answer" in proto for proto in protos)
    for name in (*SYSTEMS, JUDGE, str(desk.folder)):
        assert not [proto for proto in protos if name in proto]


def test_the_guideline_is_the_only_other_page(desk: Any, opened: Open) -> None:
    page = opened(write_pairs(desk)).switch_page("labelling/guideline.py").run()
    assert not page.exception, page.exception[0].message
    assert passages(page)["What counts"] == "The better answer."
    assert "`2` Tie" in texts(page)


def test_a_queue_that_is_gone_is_said_without_its_name(desk: Any, opened: Open) -> None:
    page = opened(desk.folder / "gone.jsonl")
    assert "The queue cannot be read" in texts(page)
    assert "gone" not in texts(page)


def test_differing_labels_are_decided_without_names(desk: Any, opened: Open) -> None:
    queue = write_pairs(desk)
    units = read_queue(queue)
    for name, winners in (("ann", "aab"), ("bea", "abt")):
        order = showings(units, name)
        work = LabelSession(folder=labels_folder(desk.runs), queue="first", annotator=name, showings=order)
        for showing, letter in zip(order, winners, strict=False):
            work.decide(showing, Answer(winner=Winner.TIE if letter == "t" else Winner(letter)))
    page = opened(queue, "boss", adjudicate=True)
    assert "Adjudication · Queue first" in header(page)
    assert "1 of 2" in header(page)
    assert "The annotators differ: 1 says **left**, 1 says **right**." in texts(page)
    assert not re.search(r"\b(ann|bea)\b", texts(page))
    page = press(press(page, "Tie"), "Cannot decide")
    assert "Decisions: **1** of 2 pairs." in texts(page)
    first, second = stored(desk, ADJUDICATED)
    assert (first.adjudicator, first.winner, second.decision) == ("boss", Winner.TIE, Decision.CANNOT_DECIDE)
    page = opened(queue, "boss", adjudicate=True)
    assert "All is decided" in texts(page)


def test_nothing_to_decide(desk: Any, opened: Open) -> None:
    assert "There is nothing to decide" in texts(opened(write_pairs(desk), "boss", adjudicate=True))
