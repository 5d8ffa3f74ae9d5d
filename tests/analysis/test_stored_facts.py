"""Facts are stored with the part of their judgments, and shared by the runs that share the part."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import Results, export, pair_verdicts, ratings, rows_of
from evalhub.analysis.database import connection, facts
from evalhub.errors import InputError, StorageError, UnknownNameError
from evalhub.scales import Winner
from evalhub.store import Run, State, read_part, read_records, verify, write_records
from evalhub.store.manifest import write_manifest
from evalhub.store.parts import describe_part, drop_files, write_part

from ..conftest import PAIR_JUDGE, RATE_JUDGE


@pytest.fixture(autouse=True)
def _small_runs_store_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "STORED", 0)


@pytest.fixture
def run(desk: Any) -> Run:
    desk.suite(judges=[PAIR_JUDGE, RATE_JUDGE])
    finished: Run = desk.run()
    return finished


def verdicts(run: Run) -> list[Any]:
    results = Results(run)
    return rows_of(pair_verdicts(results)) + rows_of(ratings(results))


def stored(run: Run) -> list[Path]:
    return sorted(run.path.glob("parts/judgments-*/facts/*.parquet"))


def test_each_part_of_judgments_has_them_once(run: Run) -> None:
    assert verdicts(run)
    files = stored(run)
    assert len(files) == 2 * len(facts.FACTS)
    times = [path.stat().st_mtime_ns for path in files]
    verdicts(run)
    assert [path.stat().st_mtime_ns for path in stored(run)] == times
    assert not any(finding.problem for finding in verify(run))


def test_few_judgments_store_none_and_have_the_same_facts(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = verdicts(run)
    for path in stored(run):
        path.unlink()
    monkeypatch.setattr(connection, "STORED", 10_000)
    assert verdicts(run) == expected
    assert not stored(run)


def test_an_unchanged_night_shares_them(desk: Any, run: Run) -> None:
    expected = verdicts(run)
    second = desk.run()
    assert [path.stat().st_ino for path in stored(second)] == [path.stat().st_ino for path in stored(run)]
    assert verdicts(second) == expected


def test_a_damaged_file_is_made_again(run: Run) -> None:
    expected = verdicts(run)
    content = {path: path.read_bytes() for path in stored(run)}
    for path in content:
        path.write_bytes(b"PAR1")
    problems = [finding.problem for finding in verify(run) if "/facts/" in finding.path]
    assert problems == ["the table is damaged and passed over; `evalhub index` computes it again"] * len(
        content
    )
    assert verdicts(run) == expected
    assert {path: path.read_bytes() for path in stored(run)} == content


def test_judgments_that_were_made_again_have_facts_of_their_own(run: Run) -> None:
    """An engine may answer otherwise when a damaged shard is made again."""
    expected = verdicts(run)
    part = next(part for part in run.manifest.parts if part.source == "pw")
    folder, names_before = run.part_folder(part), {path.name for path in stored(run)}
    record = read_part(folder)
    shard = record.shards[0]
    (file,) = [file for file in shard.files if file.kind == "judgments"]
    other = {Winner.A: Winner.B, Winner.B: Winner.A, Winner.TIE: Winner.TIE}
    flipped = [
        replace(judgment, winner=judgment.winner and other[judgment.winner], logprobs=None, p_a=None)
        for judgment in read_records(folder / file.name, "judgments")
    ]
    sha256 = write_records(folder / file.name, "judgments", flipped)
    files = tuple(
        entry.model_copy(update={"sha256": sha256}) if entry.name == file.name else entry
        for entry in shard.files
    )
    shards = (shard.model_copy(update={"files": files}), *record.shards[1:])
    write_part(folder, record.model_copy(update={"shards": shards}))
    made_again = describe_part(folder, read_part(folder), run.id)
    parts = tuple(made_again if entry == part else entry for entry in run.manifest.parts)
    write_manifest(run.path, run.manifest.replace(parts=parts))
    assert verdicts(Run(run.path)) != expected
    assert {path.name for path in stored(run)} > names_before


def test_dropped_shards_take_their_facts_along(run: Run) -> None:
    verdicts(run)
    folder = next(run.path.glob("parts/judgments-*"))
    drop_files(folder, ["0001-judgments.parquet"])
    assert not (folder / "facts").exists()


def test_several_threads_make_them_at_once(run: Run) -> None:
    expected = verdicts(run)
    for _ in range(5):
        for path in stored(run):
            path.unlink()
        with ThreadPoolExecutor(3) as pool:
            futures = [pool.submit(facts.store_facts, run) for _ in range(3)]
            assert len({str(future.result()) for future in futures}) == 1
        assert not any(finding.problem for finding in verify(run))
    assert verdicts(run) == expected


@pytest.mark.parametrize("kind", ["judgments", "completions"])
def test_a_damaged_file_is_said_each_time(run: Run, kind: str, tmp_path: Path) -> None:
    for path in run.path.glob(f"parts/judgments-*/0001-{kind}.parquet"):
        path.write_bytes(path.read_bytes()[:-9])
    results = Results(run)
    for _ in range(2):
        with pytest.raises(StorageError, match=rf"0001-{kind}.parquet: the file is corrupt"):
            results.read_tables([kind])
    with pytest.raises(StorageError, match=rf"0001-{kind}.parquet: the file is corrupt"):
        export(results, tmp_path / "all.duckdb")


def test_another_version_of_the_code_makes_its_own(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = verdicts(run)
    monkeypatch.setattr(facts, "CODE", facts.CODE + 1)
    assert verdicts(run) == expected
    assert len(stored(run)) == 4 * len(facts.FACTS)


def test_without_room_they_are_made_in_memory(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise StorageError("no room")

    monkeypatch.setattr(facts, "new_frame", refuse)
    without_room = verdicts(run)
    assert not stored(run)
    monkeypatch.undo()
    assert verdicts(run) == without_room != []


def test_a_run_that_goes_on_stores_none(run: Run) -> None:
    expected = verdicts(run)
    for path in stored(run):
        path.unlink()
    run.manifest = run.manifest.replace(state=State.INTERRUPTED)
    assert verdicts(run) == expected
    assert not stored(run)


def test_a_damaged_shard_is_named(run: Run) -> None:
    shard = next(run.path.glob("parts/judgments-*/0001-judgments.parquet"))
    shard.write_bytes(shard.read_bytes()[:-9])
    with pytest.raises(StorageError, match=r"cannot be read|corrupt"):
        verdicts(run)


class TestReading:
    def test_columns_and_a_condition(self, run: Run) -> None:
        judgments = Results(run).judgments()
        some = Results(run).judgments(columns=["item_id", "winner"], where="judge = 'pw' -- of one judge")
        expected = judgments[judgments["judge"] == "pw"][["item_id", "winner"]]
        assert rows_of(some) == rows_of(expected) != []

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"columns": ["nothing"]}, "nothing"),
            ({"where": "nothing = 1"}, "nothing"),
            ({"where": "true) UNION ALL (FROM items"}, "the query fails"),
        ],
    )
    def test_what_does_not_exist_is_refused(self, run: Run, options: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError, match=message.replace("(", r"\(")):
            Results(run).judgments(**options)

    def test_a_table_that_does_not_exist_is_refused(self, run: Run) -> None:
        with pytest.raises(UnknownNameError, match="judgements"):
            Results(run).read("judgements")

    def test_facts_can_be_queried(self, run: Run) -> None:
        frame = Results(run).sql("SELECT count(*) AS n, sum(askings) AS askings FROM pair_facts")
        judgments = Results(run).judgments(where="system_a IS NOT NULL")
        assert int(frame["askings"][0]) == len(judgments) > int(frame["n"][0])

    def test_a_stream_is_the_table(self, run: Run) -> None:
        results = Results(run)
        batches = list(results.stream("judgments", columns=["item_id", "judge"]))
        assert sum(batch.num_rows for batch in batches) == len(results.judgments())
