"""Every value that the commands print of recorded runs is the one that is written down here.

A change of a value is a change of what users read. Where it is meant, write the expected values anew:

    python tests/golden/golden.py write tests/golden/expected
"""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

import evalhub
from evalhub.cli import main
from evalhub.sources import Dataset, load
from evalhub.specs import Card
from tests.sharing import share_tables

HERE = Path(__file__).resolve().parent


def _load_golden() -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden", HERE / "golden.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


golden = _load_golden()
SUITES = golden.suites(labelled_sets=False)


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Call the command line in this process, in a folder with the crafted dataset."""
    monkeypatch.delenv("EVALHUB_MIRROR", raising=False)
    monkeypatch.setenv("EVALHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("EVALHUB_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    golden.write_desk(tmp_path)
    share_tables(monkeypatch)
    _read_datasets_once(monkeypatch)

    def call(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["evalhub", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().out

    return call


def _read_datasets_once(monkeypatch) -> None:
    datasets: dict[tuple[Path, tuple[str, ...]], Dataset] = {}

    def load_once(card: Card, path: Path, kinds: tuple[str, ...]) -> Dataset:
        if (path, kinds) not in datasets:
            datasets[path, kinds] = load(card, path, kinds)
        return datasets[path, kinds]

    monkeypatch.setattr(evalhub.sources, "load", load_once)


def _expected(name: str):
    return json.loads((HERE / "expected" / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", SUITES)
def test_each_value_of_a_recorded_run_is_as_before(name, tmp_path, command) -> None:
    outputs = golden.outputs(name, SUITES[name], tmp_path, command)
    # The last digits of a fit differ from one kind of processor to another.
    assert [*golden.differences(_expected(name), outputs, exact=False)] == []


def test_each_prompt_of_a_shipped_rubric_is_as_before(command) -> None:
    assert [*golden.differences(_expected("previews"), golden.previews(command))] == []


def test_a_difference_is_seen() -> None:
    before = {"table": {"columns": ["n", "x"], "rows": [[1, 0.1], [2, 0.2]]}}
    after = {"table": {"columns": ["count", "x"], "rows": [[1, 0.1], [2, 0.2000001]]}}
    assert [*golden.differences(before, after, exact=False, names={"keys": {"n": "count"}})] == [
        "/table/1/x: 0.2 before, 0.2000001 after"
    ]
    assert len([*golden.differences(before, after)]) == 5


def test_times_are_left_out_and_the_second_system_is_not() -> None:
    row = {"first": "k", "second": "m", "seconds": 1.5, "seconds_busy": 0.2, "created": "today"}
    assert golden.without_volatile([row]) == [{"first": "k", "second": "m"}]
