"""The driver alone, with an engine of a few lines."""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evalhub.engines import EngineIdentity
from evalhub.records import Completion, Message, Request, Score, kind_of
from evalhub.runner.execute.driver import Driver, Job, ShardJob
from evalhub.runner.execute.interrupts import Stop
from evalhub.runner.progress import Silent
from evalhub.store import CompletionIndex, read_journal

from ..by_hand import HandWriter


class Echo:
    """Answers in batches of three, in the order asked, and counts what it was asked."""

    intake = None

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.ready = 0
        self.on_batch: Callable[[int], None] = lambda _: None
        self._queue: deque[str] = deque()

    def submit(self, key: str, request: Request) -> None:
        self.asked.append(request.messages[-1].content)
        self._queue.append(key)

    def results(self) -> Iterator[Completion]:
        answered = 0
        while self._queue:
            self.on_batch(answered)
            batch = [self._queue.popleft() for _ in range(min(3, len(self._queue)))]
            answered += len(batch)
            for place, key in enumerate(batch, 1):
                self.ready = len(batch) - place
                yield Completion(key, "m", "[]", text="yes")

    def drain(self) -> None:
        self._queue.clear()

    def close(self) -> None:
        """Nothing is open."""


def ask(*texts: str) -> Request:
    return Request(tuple(Message("user", text) for text in texts))


def job(name: str, *steps: tuple[str, ...]) -> Job:
    """Ask for each step's texts at once, then keep a score that counts the answers."""
    answers = 0
    for texts in steps:
        answers += len((yield tuple(ask(text) for text in texts)))
    return (Score("d", name, "s", "answers", value=float(answers)),)


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Any]:
    writer = HandWriter.create(tmp_path)
    shard = writer.part.shard(1)
    engine = Echo()

    def run(jobs: list[Job], stop: Stop | None = None) -> tuple[list[str], dict[str, float | None]]:
        engine.asked.clear()
        identity = EngineIdentity("scripted", "m", "0")
        driver = Driver(
            where=writer.id,
            identity=identity,
            open_index=lambda: CompletionIndex("engine", [], writer.id),
            open_engine=lambda: engine,  # type: ignore[arg-type,return-value]
        )
        driver.execute([ShardJob(shard, job) for job in jobs], Silent(), stop or Stop())
        scores = [one for one in shard.records("scores") if isinstance(one, Score)]
        return engine.asked, {one.item_id: one.value for one in scores}

    run.engine, run.journal = engine, writer.part.folder / "0001.jsonl"  # type: ignore[attr-defined]
    yield run
    writer.close()


def test_steps_follow_each_other(drive: Any) -> None:
    assert drive([job("i", ("a",), ("b", "c"))]) == (["a", "b", "c"], {"i": 3.0})


def test_a_question_is_asked_once_for_all_who_need_it(drive: Any) -> None:
    asked, scores = drive([job("i", ("a",), ("b",)), job("j", ("a", "b")), job("k", ("b", "b"), ("a",))])
    assert sorted(asked) == ["a", "b"]
    assert scores == {"i": 2.0, "j": 2.0, "k": 3.0}


def test_what_is_known_is_not_asked(drive: Any) -> None:
    drive([job("i", ("a",))])
    assert drive([job("j", ("a",)), job("k")]) == ([], {"i": 1.0, "j": 1.0, "k": 0.0})


def test_more_jobs_than_are_held_at_once(drive: Any) -> None:
    asked, scores = drive([job(str(number), (f"q{number}",), (f"r{number}",)) for number in range(3000)])
    assert len(asked) == len(set(asked)) == 6000
    assert set(scores.values()) == {2.0}


def test_a_stop_begins_nothing(drive: Any) -> None:
    stop = Stop()
    stop.requested = True
    assert drive([job("i", ("a",))], stop) == ([], {})


def test_more_work_than_a_chunk_that_is_known_already(drive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalhub.runner.execute.driver.CHUNK", 4)
    first = [job(f"i{number}", (f"t{number}",)) for number in range(8)]
    drive(first)
    again = [job(f"i{number}", (f"t{number}",)) for number in range(11)]
    asked, scores = drive(again)
    assert asked == ["t8", "t9", "t10"]
    assert len(scores) == 11


def test_a_stop_while_the_engine_starts_asks_nothing(drive: Any) -> None:
    stop = Stop()
    stop.requested = True
    assert drive([job("i", ("a",))], stop)[0] == []


def test_what_came_is_in_the_journal_before_the_engine_is_waited_for(drive: Any) -> None:
    answered: list[int] = []

    def on_batch(count: int) -> None:
        answered.append(count)
        kinds = Counter(kind_of(record) for record in read_journal(drive.journal))
        assert kinds == Counter(completions=count, scores=count)

    drive.engine.on_batch = on_batch
    drive([job(f"i{number}", (f"t{number}",)) for number in range(8)])
    assert answered == [0, 3, 6]
    assert len(list(read_journal(drive.journal))) == 16
