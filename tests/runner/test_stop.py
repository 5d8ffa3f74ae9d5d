"""Ctrl-C, a second run, a crash of the engine: the same command goes on."""

import os
import random
import signal
import socket
import sys
import time
from typing import Any

import pytest
from pydantic import BaseModel, model_serializer
from pydantic_core import PydanticSerializationError

from evalhub.analysis import Results
from evalhub.errors import Inconclusive, Interrupted
from evalhub.records import Completion
from evalhub.report.tables import registry
from evalhub.report.tables.places import Place, Table
from evalhub.runner.execute.interrupts import Stop
from evalhub.store import Run, RunWriter, all_runs

SLOW = {"type": "scripted", "script": {"seconds": 0.15, "batch": 2}}
JUDGE = {
    "id": "pw",
    "rubric": "pair",
    "model": "j",
    "engine": SLOW,
    "families": ["beta"],
    "pairs": {"by": "all"},
}


@pytest.fixture
def slow(desk: Any) -> Any:
    """A desk whose suite takes 32 completions, two in .15 s."""
    desk.dataset(items=16)
    desk.suite(judges=[JUDGE])
    return desk


def finished(run: Run) -> list[str]:
    return [one.key for one in run.records("completions") if isinstance(one, Completion)]


def wait(desk: Any, process: Any) -> Run:
    """Wait until a run has kept something."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        runs = all_runs(desk.runs)
        if runs and finished(runs[0]):
            return runs[0]
        time.sleep(0.02)
    raise AssertionError(process.communicate())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_once_drains_and_seals_and_the_same_command_goes_on(
    slow: Any, cli: Any, number: signal.Signals
) -> None:
    process = slow.start("run", "s")
    wait(slow, process)
    began = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 3
    assert process.returncode == 130, err
    assert "Traceback" not in err
    (sentence,) = [line for line in err.splitlines() if line.startswith("evalhub: ")]
    assert "stopped; give the same command again" in sentence
    assert "same command" in sentence
    (run,) = all_runs(slow.runs)
    assert run.manifest.state == "interrupted"
    before = finished(run)
    assert 0 < len(before) < 32

    said = cli("run", "s", "--json")
    assert said.code == 0, said
    (done,) = all_runs(slow.runs)
    assert (done.id, done.finished) == (run.id, True)
    after = finished(done)
    assert set(before) < set(after)
    assert len(after) == len(set(after)) == 32
    assert done.manifest.coverage["pw"].model_dump() == {"expected": 32, "judgments": 32, "valid": 32}


def test_twice_stops_at_once_and_keeps_what_was_finished(slow: Any) -> None:
    slow.suite(judges=[{**JUDGE, "engine": {"type": "scripted", "script": {"seconds": 2, "batch": 2}}}])
    process = slow.start("run", "s")
    wait(slow, process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 8
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "stopped at once" in err
    (run,) = all_runs(slow.runs)
    assert run.manifest.state == "interrupted"
    assert 1 < len(finished(run)) < 10


def test_a_second_run_on_the_same_folder_is_refused(slow: Any, cli: Any) -> None:
    slow.suite(judges=[{**JUDGE, "engine": {"type": "scripted", "script": {"seconds": 1, "batch": 2}}}])
    process = slow.start("run", "s")
    try:
        run = wait(slow, process)
        said = cli("run", "s")
        assert said.code == 5
        assert f"pid {process.pid} on {socket.gethostname()}" in said.sentence
        assert run.id in said.sentence
        assert cli("leaderboard", "--json").code == 0  # readers never lock
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err


def test_twice_while_the_run_is_sealed(slow: Any, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one drains; the second one comes when the tables are being written."""
    seal = RunWriter.seal

    def stopped(writer: RunWriter, *told: Any, **more: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        seal(writer, *told, **more)

    with monkeypatch.context() as patched:
        patched.setattr(RunWriter, "seal", stopped)
        said = cli("run", "s")
    assert said.code == 130, said
    assert "stopped at once" in said.sentence
    (run,) = all_runs(slow.runs)
    assert run.manifest.state == "interrupted"
    assert len(finished(run)) == 32
    assert slow.run().finished


def test_ctrl_c_where_nothing_runs_is_told(desk: Any, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalhub.cli.specs.hub.sources.show", lambda _: signal.raise_signal(signal.SIGINT))
    said = cli("datasets", "show", "tiny")
    assert said.code == 130
    assert said.sentence.startswith("stopped; ")


def test_ctrl_c_inside_a_query(desk: Any, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = desk.run()

    def endless(results: Results) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        results.sql("SELECT sum(a.range * b.range) FROM range(1000000) AS a, range(1000000) AS b")

    before = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    table = Table("leaderboard", endless, Place.LEADERBOARD)
    monkeypatch.setattr(registry, "TABLES", (table,))
    said = cli("leaderboard", str(run.path))
    signal.signal(signal.SIGALRM, before)
    assert said.code == 130, said
    assert said.sentence.startswith("stopped; ")


def test_stopping_while_the_responses_are_made(desk: Any) -> None:
    desk.dataset(items=30)
    desk.suite(candidates=[{"id": "bot", "model": "b", "engine": SLOW, "families": ["alpha"]}])
    process = desk.start("run", "s")
    wait(desk, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    (run,) = all_runs(desk.runs)
    assert not list(run.records("judgments"))
    responses = [one for one in run.records("responses") if one.source == "generated"]  # type: ignore[union-attr]
    assert len(responses) == len(finished(run))
    assert all(one.failure is None for one in responses)  # type: ignore[union-attr]


def test_an_interrupt_in_this_process_is_an_error_of_its_own(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(sys.modules["evalhub.runner.run"], "score_datasets", interrupted)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted, match="stopped at once"):
        desk.run()
    assert signal.getsignal(signal.SIGINT) is before
    monkeypatch.undo()


class TestBudget:
    def test_a_spent_budget_ends_with_3_and_a_larger_one_goes_on(self, desk: Any, cli: Any) -> None:
        desk.dataset(items=10)
        desk.suite(budget={"judgments": 7})
        said = cli("run", "s")
        assert said.code == 3
        assert "s.yaml:budget.judgments: the budget is spent with 14 judgments left, got 7" in said.sentence
        (run,) = all_runs(desk.runs)
        assert len(list(run.records("judgments"))) == 6  # never within an item
        assert cli("run", "s").code == 3
        assert len(list(Run(run.path).records("judgments"))) == 6
        desk.suite(budget={"judgments": 100})
        assert cli("run", "s", "--json").code == 0
        (done,) = all_runs(desk.runs)
        assert done.id == run.id
        assert len(list(done.records("judgments"))) == 20
        assert len(finished(done)) == 20

    def test_a_budget_too_small_for_one_item(self, desk: Any) -> None:
        desk.suite(budget={"judgments": 1})
        with pytest.raises(Inconclusive, match="8 judgments left"):
            desk.run()

    def test_judges_share_a_budget(self, desk: Any) -> None:
        desk.dataset(items=10)
        rate = {"id": "pt", "rubric": "rate", "model": "j", "engine": "scripted", "families": ["beta"]}
        desk.suite(judges=[JUDGE | {"engine": "scripted"}, rate], budget={"judgments": 20})
        with pytest.raises(Inconclusive):
            desk.run()
        (run,) = all_runs(desk.runs)
        assert run.manifest.expected == {"pw": 10, "pt": 10}


@pytest.mark.parametrize("seed", range(3))
def test_any_number_of_signals_ends_with_a_sentence_and_130(slow: Any, seed: int) -> None:
    """Row 22: a supervisor may send SIGTERM again and again, and a person Ctrl-C between."""
    draws = random.Random(seed)
    process = slow.start("run", "s")
    wait(slow, process)
    while process.poll() is None:
        process.send_signal(draws.choice([signal.SIGTERM, signal.SIGTERM, signal.SIGINT]))
        time.sleep(draws.uniform(0, 0.06))
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert len([line for line in err.splitlines() if line.startswith("evalhub: ")]) == 1, err
    (run,) = all_runs(slow.runs)
    assert run.manifest.state in ("interrupted", "running")
    keys = finished(run)
    assert 0 < len(keys) == len(set(keys))


class Record(BaseModel):
    @model_serializer
    def serialize(self) -> dict[str, Any]:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        return {}


def test_a_second_signal_inside_native_code_is_an_interrupt() -> None:
    """The serializer of a record turns a KeyboardInterrupt into an error of its own."""
    with pytest.raises(KeyboardInterrupt) as caught, Stop():
        Record().model_dump_json()
    assert isinstance(caught.value.__cause__, PydanticSerializationError)


def fail_after_a_signal() -> None:
    with Stop():
        signal.raise_signal(signal.SIGTERM)
        raise ValueError("of its own")


def test_an_error_after_one_signal_stays_an_error() -> None:
    with pytest.raises(ValueError, match="of its own"):
        fail_after_a_signal()
