"""Run folders: one writer, many readers, sealed in steps, found again by name."""

import json
import os
import socket
from pathlib import Path

import pytest

from evalhub.errors import InputError, LockedError, StorageError, UnknownNameError
from evalhub.records import Completion, FailureKind, Item, Score
from evalhub.store import Run, RunWriter, State, all_runs, cached_completions, find_run, runs_root

from ..manifests import complete


def completion(number: int, **changes: object) -> Completion:
    return Completion(f"k{number}", "m", "[]", text=f"t{number}", **changes)  # type: ignore[arg-type]


@pytest.fixture
def writer(tmp_path: Path) -> RunWriter:
    return RunWriter.create(tmp_path, "s", complete({"title": "x"}))


def kept(path: Path) -> list[str]:
    return [record.key for record in Run(path).records("completions")]  # type: ignore[union-attr]


def test_a_record_is_kept_once(writer: RunWriter) -> None:
    assert writer.append(completion(1))
    assert not writer.append(completion(1, computed_in="elsewhere"))
    assert writer.get("completions", ("k1",)) == completion(1)
    assert writer.get("completions", ("k2",)) is None
    assert kept(writer.path) == ["k1"]


def test_readers_see_what_is_written_before_it_is_sealed(writer: RunWriter) -> None:
    for number in range(3):
        writer.append(completion(number))
        assert len(kept(writer.path)) == number + 1


def test_sealing_in_steps(writer: RunWriter) -> None:
    writer.append(completion(1))
    writer.append(Item("d", "i"))
    writer.seal(State.INTERRUPTED, stopped_by="Interrupted")
    writer.append(completion(2))
    writer.append(completion(1))
    writer.seal(State.SEALED)
    writer.close()
    run = Run(writer.path)
    assert run.finished
    assert [part.path for part in run.manifest.segments] == [
        "segments/0001-items.parquet",
        "segments/0001-completions.parquet",
        "segments/0002-completions.parquet",
    ]
    assert [part.rows for part in run.manifest.segments] == [1, 1, 1]
    assert kept(writer.path) == ["k1", "k2"]
    assert run.manifest.stopped_by == "Interrupted"
    assert sorted(path.name for path in writer.path.iterdir()) == ["lock", "manifest.json", "segments"]


def test_a_writer_goes_on_where_another_stopped(writer: RunWriter) -> None:
    writer.append(completion(1))
    writer.seal(State.INTERRUPTED)
    writer.append(completion(2))
    writer.close()
    again = RunWriter(writer.path)
    assert [record.key for record in again.table("completions")] == ["k1", "k2"]  # type: ignore[union-attr]
    again.append(completion(3))
    again.seal(State.SEALED)
    again.close()
    assert kept(writer.path) == ["k1", "k2", "k3"]


@pytest.mark.parametrize("stop_at", ["segment", "manifest", "unlink"])
def test_a_crash_while_sealing_loses_nothing(
    writer: RunWriter, monkeypatch: pytest.MonkeyPatch, stop_at: str
) -> None:
    class Crash(BaseException):
        pass

    def crash(*_: object, **__: object) -> None:
        raise Crash

    writer.append(completion(1))
    writer.append(Score("d", "i", "s", "m"))
    with monkeypatch.context() as patched:
        if stop_at == "segment":
            patched.setattr(Path, "replace", crash)
        elif stop_at == "manifest":
            patched.setattr("evalhub.store.run.write_manifest", crash)
        else:
            patched.setattr(Path, "unlink", crash)
        with pytest.raises(Crash):
            writer.seal(State.SEALED)
    os.close(writer._lock._file)
    assert kept(writer.path) == ["k1"]
    again = RunWriter(writer.path)
    again.append(completion(2))
    again.seal(State.SEALED)
    again.close()
    assert kept(writer.path) == ["k1", "k2"]
    assert len(list(Run(writer.path).records("scores"))) == 1


def test_a_reader_survives_a_seal_in_between(writer: RunWriter) -> None:
    writer.append(completion(1))
    reader = Run(writer.path)
    writer.seal(State.SEALED)
    writer.close()
    assert [record.key for record in reader.records("completions")] == ["k1"]  # type: ignore[union-attr]
    assert reader.finished


def test_one_writer_at_a_time(writer: RunWriter) -> None:
    with pytest.raises(LockedError) as error:
        RunWriter(writer.path)
    assert f"pid {os.getpid()} on {socket.gethostname()}" in str(error.value)
    assert error.value.exit_code == 5
    Run(writer.path)
    writer.close()
    RunWriter(writer.path).close()


def test_the_lock_is_let_go_when_opening_fails(writer: RunWriter) -> None:
    writer.close()
    (writer.path / "manifest.json").write_text("{")
    for _ in range(2):
        with pytest.raises(StorageError, match="manifest is damaged"):
            RunWriter(writer.path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "manifest is damaged"),
        ("[]", "manifest is damaged"),
        ("{}", "manifest is damaged"),
        (None, "is no run"),
    ],
)
def test_a_damaged_manifest_is_told_and_passed_over(
    writer: RunWriter, text: str | None, problem: str
) -> None:
    writer.close()
    path = writer.path / "manifest.json"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises((StorageError, InputError), match=problem):
        Run(writer.path)
    assert all_runs(writer.path.parent) == []


def test_another_format_is_refused(writer: RunWriter) -> None:
    path = writer.path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(StorageError, match="another version of evalhub wrote the run, got 99"):
        Run(writer.path)


def test_runs_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no runs yet"):
        find_run(None, tmp_path / "nothing")
    made_runs = [
        RunWriter.create(tmp_path, suite, complete({"created": f"2026-01-0{n}"}))
        for n, suite in enumerate("stst", 1)
    ]
    assert [run.id for run in all_runs(tmp_path)] == [run.id for run in made_runs[::-1]]
    assert find_run(None, tmp_path).id == made_runs[3].id
    assert find_run("s", tmp_path).id == made_runs[2].id
    assert find_run(made_runs[0].id, tmp_path).id == made_runs[0].id
    assert find_run(str(made_runs[1].path), tmp_path / "elsewhere").id == made_runs[1].id
    with pytest.raises(UnknownNameError, match=f"did you mean '{made_runs[0].id}'"):
        find_run(made_runs[0].id[:-1], tmp_path)


def test_gold_cases_alone_are_not_the_newest_run(tmp_path: Path) -> None:
    gold = complete({"created": "2026-01-02", "gold": []})
    tested = RunWriter.create(tmp_path, "gold-x", gold)
    assert find_run(None, tmp_path).id == tested.id
    suite = RunWriter.create(tmp_path, "s", complete({"created": "2026-01-01"}))
    assert find_run(None, tmp_path).id == suite.id
    assert find_run("gold-x", tmp_path).id == tested.id


def test_runs_of_one_second_are_in_order(tmp_path: Path) -> None:
    ids = [RunWriter.create(tmp_path, "s", complete({})).id for _ in range(8)]
    assert [run.id for run in all_runs(tmp_path)] == ids[::-1]


def test_the_folder_of_the_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVALHUB_RUNS", raising=False)
    assert runs_root() == Path("runs")
    monkeypatch.setenv("EVALHUB_RUNS", "/elsewhere")
    assert runs_root() == Path("/elsewhere")
    assert runs_root("/given") == Path("/given")


class TestCache:
    def sealed(self, root: Path, *records: Completion) -> RunWriter:
        run = RunWriter.create(root, "s", complete({}))
        for record in records:
            run.append(record)
        run.seal(State.SEALED)
        run.close()
        return run

    def test_completions_of_other_runs_say_where_they_come_from(self, tmp_path: Path) -> None:
        first = self.sealed(tmp_path, completion(1), completion(2, computed_in="older"))
        completions = list(cached_completions(all_runs(tmp_path), ["k1", "k2", "k3"]))
        assert {record.key: record.computed_in for record in completions} == {"k1": first.id, "k2": "older"}
        assert list(cached_completions([], ["k1"])) == []

    def test_what_failed_is_asked_again(self, tmp_path: Path) -> None:
        self.sealed(
            tmp_path, completion(1, failure=FailureKind.ENGINE), completion(2, failure=FailureKind.TOO_LONG)
        )
        assert list(cached_completions(all_runs(tmp_path), ["k1", "k2"])) == []

    def test_each_key_comes_once(self, tmp_path: Path) -> None:
        for _ in range(3):
            self.sealed(tmp_path, completion(1))
        assert len(list(cached_completions(all_runs(tmp_path), ["k1"]))) == 1

    def test_a_corrupt_run_is_passed_over(self, tmp_path: Path) -> None:
        good, bad = self.sealed(tmp_path, completion(1)), self.sealed(tmp_path, completion(1))
        (segment,) = Run(bad.path).segments("completions")
        for broken in (b"", segment.read_bytes()[:200], segment.read_bytes()[:-9] + b"x" * 9):
            segment.write_bytes(broken)
            (hit,) = cached_completions(all_runs(tmp_path), ["k1"])
            assert hit.computed_in == good.id
