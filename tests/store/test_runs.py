"""Run folders: one writer, many readers, parts that are completed one by one, found again by name.

Row 22: a crash at each named point of a seal loses nothing and doubles nothing.
"""

import json
import os
import socket
from pathlib import Path

import pytest

from evalhub.errors import InputError, LockedError, StorageError, UnknownNameError
from evalhub.records import Completion, Item, Record, Score
from evalhub.store import (
    PartFacts,
    PartKind,
    Run,
    RunWriter,
    State,
    Step,
    all_runs,
    find_run,
    read_journal,
    runs_root,
    verify,
)

from ..manifests import complete

ENGINE = "e" * 64


def step(source: str = "j", **inputs: object) -> Step:
    return Step(kind=PartKind.JUDGMENTS, dataset="d", source=source, inputs=inputs)


def completion(number: int, **changes: object) -> Completion:
    return Completion(f"k{number}", "m", "[]", text=f"t{number}", **changes)  # type: ignore[arg-type]


@pytest.fixture
def writer(tmp_path: Path) -> RunWriter:
    return RunWriter.create(tmp_path, "s", complete({"title": "x"}))


def keys(path: Path) -> list[str]:
    return [record.key for record in Run(path).records("completions")]  # type: ignore[union-attr]


def test_a_record_is_stored_once(writer: RunWriter) -> None:
    shard = writer.open_part(step()).shard(1)
    assert shard.append(completion(1))
    assert not shard.append(completion(1, computed_in="elsewhere"))
    assert shard.get("completions", ("k1",)) == completion(1)
    assert shard.get("completions", ("k2",)) is None
    assert keys(writer.path) == ["k1"]


def test_readers_see_what_is_written_before_it_is_sealed(writer: RunWriter) -> None:
    shard = writer.open_part(step()).shard(1)
    for number in range(3):
        shard.append(completion(number))
        assert len(keys(writer.path)) == number + 1


def test_a_part_is_completed_shard_by_shard(writer: RunWriter) -> None:
    part = writer.open_part(step())
    part.shard(1).append(completion(1))
    part.shard(1).append(Item("d", "i"))
    part.shard(2).append(completion(2))
    part.shard(1).seal()
    assert (part.is_sealed(1), part.is_sealed(2)) == (True, False)
    assert keys(writer.path) == ["k1", "k2"]
    entry = writer.finish_part(part, PartFacts(expected=2))
    writer.seal(State.SEALED)
    writer.close()
    run = Run(writer.path)
    assert run.finished
    assert run.manifest.parts == (entry,)
    assert entry.rows == {"items": 1, "completions": 2}
    assert [file.path.name for file in run.files("completions")] == [
        "0001-completions.parquet",
        "0002-completions.parquet",
    ]
    assert run.part_record(entry).facts.expected == 2
    assert keys(writer.path) == ["k1", "k2"]
    assert sorted(path.name for path in run.part_folder(entry).iterdir()) == [
        "0001-completions.parquet",
        "0001-items.parquet",
        "0002-completions.parquet",
        "part.json",
    ]


def test_a_shard_is_sealed_with_its_last_job(writer: RunWriter) -> None:
    part = writer.open_part(step())
    part.expect_jobs(1, 2)
    shard = part.shard(1)
    shard.append(completion(1))
    shard.end_job()
    assert not shard.sealed
    shard.append(completion(2))
    shard.end_job()
    assert shard.sealed
    assert keys(writer.path) == ["k1", "k2"]
    assert not Run(writer.path).journals()


def test_a_writer_goes_on_where_another_stopped(writer: RunWriter) -> None:
    part = writer.open_part(step())
    part.write_shard(1, [completion(1)])
    part.shard(2).append(completion(2))
    writer.close()
    again = RunWriter(writer.path)
    part = again.open_part(step())
    assert [record.key for record in part.records("completions")] == ["k1", "k2"]  # type: ignore[union-attr]
    part.shard(2).append(completion(3))
    again.finish_part(part, PartFacts())
    again.close()
    assert keys(writer.path) == ["k1", "k2", "k3"]


class Crash(BaseException):
    """The process dies here."""


def crash(*_: object, **__: object) -> None:
    raise Crash


@pytest.mark.parametrize(
    "place",
    [
        "evalhub.store.part_writer.write_records",
        "evalhub.files.sync",
        "pathlib.Path.replace",
        "evalhub.store.part_writer.write_part",
        "pathlib.Path.unlink",
        "evalhub.store.run.write_manifest",
    ],
)
def test_a_crash_while_sealing_loses_nothing(
    writer: RunWriter, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    part = writer.open_part(step())
    part.shard(1).append(completion(1))
    part.shard(1).append(Score("d", "i", "s", "m"))
    with monkeypatch.context() as patched:
        patched.setattr(place, crash)
        with pytest.raises(Crash):
            writer.finish_part(part, PartFacts())
    os.close(writer._lock._file)
    assert keys(writer.path) == ["k1"]
    again = RunWriter(writer.path)
    if not again.part(step()):
        part = again.open_part(step())
        if not part.is_sealed(1):
            assert not part.shard(1).append(completion(1))
        again.finish_part(part, PartFacts())
    again.close()
    assert keys(writer.path) == ["k1"]
    assert len(list(Run(writer.path).records("scores"))) == 1
    assert not any(finding.problem for finding in verify(Run(writer.path)))


def test_a_reader_survives_a_seal_in_between(writer: RunWriter) -> None:
    part = writer.open_part(step())
    part.shard(1).append(completion(1))
    reader = Run(writer.path)
    writer.finish_part(part, PartFacts())
    writer.seal(State.SEALED)
    writer.close()
    assert [record.key for record in reader.records("completions")] == ["k1"]  # type: ignore[union-attr]
    assert reader.finished


def test_a_shard_that_is_sealed_while_a_reader_reads_counts_once(
    writer: RunWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = writer.open_part(step()).shard(1)
    shard.append(completion(1))

    def seal_after(path: Path) -> list[Record]:
        records = list(read_journal(path))
        shard.seal()
        return records

    monkeypatch.setattr("evalhub.store.run.read_journal", seal_after)
    assert keys(writer.path) == ["k1"]


def test_sealed_shards_are_opened_again(writer: RunWriter) -> None:
    part = writer.open_part(step())
    part.write_shard(1, [completion(1), Item("d", "i")])
    part.write_shard(2, [completion(2)])
    with pytest.raises(ValueError, match=r"shard 1 of judgments-.* is sealed"):
        part.shard(1)
    part.reopen()
    assert part.get("completions", ("k1",)) == completion(1)
    assert keys(writer.path) == ["k1", "k2"]
    assert not part.shard(2).append(completion(2))
    writer.finish_part(part, PartFacts())
    assert keys(writer.path) == ["k1", "k2"]


class TestReuse:
    def sealed(self, root: Path, *records: Completion) -> Run:
        writer = RunWriter.create(root, "s", complete({}))
        part = writer.open_part(step(), ENGINE)
        part.write_shard(1, records)
        writer.finish_part(part, PartFacts(records=len(records)))
        writer.seal(State.SEALED)
        writer.close()
        return Run(writer.path)

    def test_a_linked_part_shares_its_files_and_says_where_they_come_from(
        self, tmp_path: Path, writer: RunWriter
    ) -> None:
        source = self.sealed(tmp_path, completion(1))
        linked = writer.link_part(source, source.manifest.parts[0])
        assert linked.computed_in == source.id
        (here,), (there,) = (run.files("completions") for run in (Run(writer.path), source))
        assert here.path.stat().st_ino == there.path.stat().st_ino
        assert (here.computed_in, there.computed_in) == (source.id, None)
        writer.close()
        third = RunWriter.create(tmp_path, "s", complete({}))
        again = third.link_part(Run(writer.path), linked)
        assert again.computed_in == source.id
        third.close()

    def test_a_removed_run_harms_no_run_that_shares_its_files(
        self, tmp_path: Path, writer: RunWriter
    ) -> None:
        import shutil

        source = self.sealed(tmp_path, completion(1))
        writer.link_part(source, source.manifest.parts[0])
        writer.close()
        shutil.rmtree(source.path)
        assert keys(writer.path) == ["k1"]
        assert not any(finding.problem for finding in verify(Run(writer.path)))

    def test_between_file_systems_a_part_is_copied(
        self, tmp_path: Path, writer: RunWriter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise OSError(18, "Invalid cross-device link")

        source = self.sealed(tmp_path, completion(1))
        monkeypatch.setattr("os.link", refuse)
        writer.link_part(source, source.manifest.parts[0])
        writer.close()
        (here,), (there,) = (run.files("completions") for run in (Run(writer.path), source))
        assert here.path.stat().st_ino != there.path.stat().st_ino
        assert here.path.read_bytes() == there.path.read_bytes()

    @pytest.mark.parametrize("place", ["pathlib.Path.rename", "evalhub.store.run.write_manifest"])
    def test_a_crash_while_linking(
        self, tmp_path: Path, writer: RunWriter, monkeypatch: pytest.MonkeyPatch, place: str
    ) -> None:
        source = self.sealed(tmp_path, completion(1))
        with monkeypatch.context() as patched:
            patched.setattr(place, crash)
            with pytest.raises(Crash):
                writer.link_part(source, source.manifest.parts[0])
        os.close(writer._lock._file)
        again = RunWriter(writer.path)
        linked = again.part(step()) or again.link_part(source, source.manifest.parts[0])
        assert linked.computed_in == source.id
        again.close()
        assert keys(writer.path) == ["k1"]

    def test_a_damaged_file_is_made_again(self, writer: RunWriter) -> None:
        part = writer.open_part(step())
        part.write_shard(1, [completion(1)])
        part.write_shard(2, [completion(2)])
        writer.finish_part(part, PartFacts())
        writer.close()
        (first, second) = [file.path for file in Run(writer.path).files("completions")]
        second.write_bytes(b"PAR1")
        again = RunWriter(writer.path)
        assert again.damaged == (f"{first.parent.name}/{second.name}",)
        assert again.part(step()) is None
        part = again.open_part(step())
        assert (part.is_sealed(1), part.is_sealed(2)) == (True, False)
        part.write_shard(2, [completion(2)])
        again.finish_part(part, PartFacts())
        again.close()
        assert keys(writer.path) == ["k1", "k2"]

    def test_a_part_without_its_record_is_made_again(self, writer: RunWriter) -> None:
        part = writer.open_part(step())
        part.write_shard(1, [completion(1)])
        writer.finish_part(part, PartFacts())
        writer.close()
        (part.folder / "part.json").write_text("{")
        again = RunWriter(writer.path)
        assert again.damaged == (f"{part.folder.name}/part.json",)
        assert (again.manifest.parts, part.folder.exists()) == ((), False)
        again.close()


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
