"""Completions are found by key in all runs, wherever they lie."""

from pathlib import Path

import pytest

from evalhub.records import Completion, FailureKind
from evalhub.store import CompletionIndex, PartFacts, Run, RunWriter, all_runs

from ..manifests import complete
from .test_runs import ENGINE, completion, step


class TestCompletions:
    def index(self, root: Path, engine: str = ENGINE) -> CompletionIndex:
        return CompletionIndex(engine, all_runs(root), "this-run")

    def stored(self, root: Path, *records: Completion, seal: bool = True) -> RunWriter:
        writer = RunWriter.create(root, "s", complete({}))
        part = writer.open_part(step(run=writer.id), ENGINE)
        for record in records:
            part.shard(1).append(record)
        if seal:
            writer.finish_part(part, PartFacts())
        writer.close()
        return writer

    @pytest.mark.parametrize("seal", [True, False])
    def test_completions_of_other_runs_say_where_they_come_from(self, tmp_path: Path, seal: bool) -> None:
        first = self.stored(tmp_path, completion(1), completion(2, computed_in="older"), seal=seal)
        hits = self.index(tmp_path).find(["k1", "k2", "k3"])
        assert {record.key: record.computed_in for record in hits} == {"k1": first.id, "k2": "older"}
        assert list(CompletionIndex(ENGINE, [], "x").find(["k1"])) == []

    def test_those_of_this_run_do_not(self, tmp_path: Path) -> None:
        run = self.stored(tmp_path, completion(1))
        (hit,) = CompletionIndex(ENGINE, all_runs(tmp_path), run.id).find(["k1"])
        assert hit.computed_in is None

    def test_another_engine_has_others(self, tmp_path: Path) -> None:
        self.stored(tmp_path, completion(1))
        assert list(self.index(tmp_path, "f" * 64).find(["k1"])) == []

    def test_what_failed_is_asked_again(self, tmp_path: Path) -> None:
        self.stored(
            tmp_path, completion(1, failure=FailureKind.ENGINE), completion(2, failure=FailureKind.TOO_LONG)
        )
        assert list(self.index(tmp_path).find(["k1", "k2"])) == []

    def test_each_key_comes_once(self, tmp_path: Path) -> None:
        for _ in range(40):
            self.stored(tmp_path, completion(1))
        assert len(list(self.index(tmp_path).find(["k1"]))) == 1

    def test_keys_of_equal_beginning_are_told_apart(self, tmp_path: Path) -> None:
        same = "0123456789abcdef"
        self.stored(tmp_path, *(Completion(f"{same}{end}", "m", "[]", text=end) for end in "ab"))
        (hit,) = self.index(tmp_path).find([f"{same}b", f"{same}c"])
        assert hit.text == "b"

    def test_a_corrupt_file_is_passed_over(self, tmp_path: Path) -> None:
        good, bad = self.stored(tmp_path, completion(1)), self.stored(tmp_path, completion(1))
        (file,) = Run(bad.path).files("completions")
        content = file.path.read_bytes()
        for broken in (b"", content[:200], content[:-9] + b"x" * 9):
            file.path.write_bytes(broken)
            (hit,) = self.index(tmp_path).find(["k1"])
            assert hit.computed_in == good.id
