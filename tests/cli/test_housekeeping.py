"""Runs are listed, marked and removed, and no run harms another that shares its files."""

import json
import shutil
from typing import Any

import pytest

from evalhub.analysis import Results
from evalhub.report import report_data
from evalhub.store import Run, RunWriter, all_runs, set_tags, size_of, tags_of, verify

from ..manifests import complete


@pytest.fixture
def nights(desk: Any) -> list[Run]:
    """Three nights in which nothing changed, the newest first."""
    for _ in range(3):
        desk.run()
    return all_runs(desk.runs)


def test_runs_are_listed_the_newest_first(nights: list[Run], cli: Any) -> None:
    rows = json.loads(cli("runs", "--json").out)
    assert [row["run"] for row in rows] == [run.id for run in nights]
    first, second = rows[-1], rows[0]
    assert (first["state"], first["judgments"], first["coverage"], first["tags"]) == ("sealed", 8, 1.0, None)
    assert second["megabytes"] >= second["own_megabytes"]
    assert size_of(nights[0].path).own_bytes < size_of(nights[0].path).bytes
    result = cli("runs", "--limit", "1")
    assert nights[0].id in result.out
    assert nights[1].id not in result.out
    assert "2 older runs are not shown" in result.err
    assert json.loads(cli("runs", "--suite", "other", "--json").out) == []


def test_a_run_shows_what_made_its_parts(nights: list[Run], cli: Any) -> None:
    shown = json.loads(cli("runs", "show", nights[0].id, "--json").out)
    assert {part["made_in"] for part in shown["parts"]} == {nights[-1].id}
    assert [part["step"] for part in shown["parts"]] == ["dataset", "judgments"]
    assert nights[-1].id in cli("runs", "show").out


def test_a_tag_is_set_and_removed(nights: list[Run], cli: Any) -> None:
    run = nights[1]
    assert cli("runs", "tag", run.id, "baseline").code == 0
    assert cli("runs", "tag", run.id, "release 1").code == 0
    assert tags_of(Run(run.path)) == ("baseline", "release 1")
    assert json.loads(cli("runs", "--json").out)[1]["tags"] == "baseline, release 1"
    assert cli("runs", "untag", run.id, "baseline").code == 0
    assert tags_of(run) == ("release 1",)
    result = cli("runs", "untag", run.id, "baseline")
    assert result.code == 2
    assert "the run has no such tag, got 'baseline'; allowed: release 1" in result.sentence
    assert cli("runs", "tag", run.id, " ").code == 2


def test_removing_the_run_that_made_the_parts_harms_none_that_shares_them(
    nights: list[Run], cli: Any
) -> None:
    newest, _, oldest = nights
    before = report_data(Results(Run(newest.path)))
    assert cli("runs", "remove", oldest.id).code == 0
    assert not oldest.path.exists()
    assert [run.id for run in all_runs(newest.path.parent)] == [run.id for run in nights[:2]]
    assert not any(finding.problem for finding in verify(Run(newest.path)))
    shutil.rmtree(newest.path / "tables", ignore_errors=True)
    assert report_data(Results(Run(newest.path))) == before


def test_what_is_not_removed(nights: list[Run], cli: Any) -> None:
    set_tags(nights[0], ["baseline"])
    result = cli("runs", "remove", nights[0].id)
    assert result.code == 2
    assert "a run with a tag is not removed, got 'baseline'; remove the tag first" in result.sentence
    result = cli("runs", "remove", "s")
    assert result.code == 2
    assert "a run is removed by its id or its folder, got 's'" in result.sentence
    writer = RunWriter(nights[1].path)
    result = cli("runs", "remove", nights[1].id)
    assert result.code == 5
    writer.close()
    assert len(all_runs(nights[0].path.parent)) == 3


class TestGarbage:
    def test_there_is_none_after_clean_nights(self, nights: list[Run], cli: Any) -> None:
        assert json.loads(cli("gc", "--json").out) == []
        assert len(all_runs(nights[0].path.parent)) == 3

    def test_what_killed_processes_left_is_removed(self, nights: list[Run], cli: Any) -> None:
        run, root = nights[0], nights[0].path.parent
        draft = run.path / "parts" / ".judgments-0f"
        draft.mkdir()
        (draft / "0001-judgments.parquet").write_bytes(b"half")
        (run.path / "manifest.json.tmp").write_bytes(b"half")
        shutil.copytree(nights[1].path, root / f".removed-{nights[1].id}")
        rows = json.loads(cli("gc", "--dry-run", "--json").out)
        assert len(rows) == 3
        assert draft.exists()
        assert len(all_runs(root)) == 3
        assert json.loads(cli("gc", "--json").out) == rows
        assert json.loads(cli("gc", "--json").out) == []
        assert not any(finding.problem for each in all_runs(root) for finding in verify(each))

    def test_older_runs_go_only_where_it_is_said(self, desk: Any, nights: list[Run], cli: Any) -> None:
        begun = RunWriter.create(desk.runs, "other", complete({}))
        begun.close()
        set_tags(nights[2], ["baseline"])
        result = cli("gc", "--keep", "1", "--dry-run")
        assert nights[1].id in result.out
        assert nights[0].id not in result.out
        assert "would be free" in result.err
        assert cli("gc", "--keep", "1").code == 0
        assert {run.id for run in all_runs(desk.runs)} == {begun.id, nights[0].id, nights[2].id}
        assert cli("gc", "--keep", "0").code == 2

    def test_a_run_that_is_being_written_stays(self, nights: list[Run], cli: Any) -> None:
        writer = RunWriter(nights[2].path)
        (nights[2].path / "manifest.json.tmp").write_bytes(b"being written")
        result = cli("gc", "--keep", "1")
        assert result.code == 0
        assert "stays: this run is being written by pid" in result.out
        writer.close()
        assert nights[2].path.exists()
        assert (nights[2].path / "manifest.json.tmp").exists()
        assert not nights[1].path.exists()
