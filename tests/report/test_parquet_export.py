"""A run as a folder of Parquet files holds what its report and its records hold."""

import json
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import Results
from evalhub.errors import InputError, StorageError
from evalhub.records import KINDS
from evalhub.report import export_parquet, report_data
from evalhub.report.tables.registry import TABLES
from evalhub.store import all_runs

pq = pytest.importorskip("pyarrow.parquet")


def rows_of_file(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def plain(value: Any) -> Any:
    """Return a value with what is no number as nothing, as JSON has it."""
    if isinstance(value, list):
        return [plain(member) for member in value]
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    return None if value != value else value


def test_names_are_of_one_table_each() -> None:
    assert not {table.name for table in TABLES} & {*KINDS, "gates"}


def test_files_hold_what_the_report_holds(desk: Any, cli: Any) -> None:
    desk.suite(gates=[{"coverage": 0.5}], metrics=["rouge"])
    assert cli("run", "s").code == 0
    answer = cli("export", "out/tables", "--format", "parquet")
    assert answer.code == 4, answer  # the folder around it is not there
    assert "the export cannot be written" in answer.sentence
    answer = cli("export", "tables", "--format", "parquet", "--json")
    assert answer.code == 0, answer
    folder = desk.folder / "tables"
    names = {path.stem for path in folder.iterdir()}
    assert names == {*KINDS, "gates", *(table.name for table in TABLES)}
    assert json.loads(answer.out) == {"written": "tables", "tables": sorted(names)}
    results = Results(all_runs(desk.runs)[0])
    for kind in KINDS:
        assert len(rows_of_file(folder / f"{kind}.parquet")) == len(results.read(kind)), kind
    data = report_data(results)
    for table in TABLES:
        if table.name in data:
            rows = rows_of_file(folder / f"{table.name}.parquet")
            assert plain(rows) == [{name: row[name] for name in rows[0]} for row in data[table.name]], table
    assert len(data["leaderboard"]) > 2
    (gate,) = rows_of_file(folder / "gates.parquet")
    (expected,) = data["gates"]
    assert plain(gate) == {name: expected[name] for name in gate}
    assert gate.keys() == expected.keys()
    types = {type(value) for name, value in gate.items() if name in ("limit", "estimate", "confidence")}
    assert types == {float}
    assert "gates" in {row["question"] for row in rows_of_file(folder / "findings.parquet")}


def test_a_run_without_gates_has_their_columns(desk: Any) -> None:
    export_parquet(Results(desk.run()), desk.folder / "tables")
    table = pq.read_table(desk.folder / "tables" / "gates.parquet")
    assert len(table) == 0
    assert str(table.schema.field("estimate").type) == "double"
    assert str(table.schema.field("sentence").type) == "string"


def test_a_folder_is_never_written_over(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    results = Results(desk.run())
    folder = desk.folder / "tables"
    folder.mkdir()
    with pytest.raises(InputError, match="exists already"):
        export_parquet(results, folder)
    assert list(folder.iterdir()) == []
    folder.rmdir()
    before = set(desk.folder.iterdir())

    def full(*_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(StorageError, match="No space left"):
        export_parquet(results, folder)
    assert set(desk.folder.iterdir()) == before


def test_a_damaged_run_is_named(desk: Any) -> None:
    run = desk.run()
    (file,) = run.files("labels") or run.files("responses")
    file.path.unlink()
    file.path.write_bytes(b"PAR1")
    with pytest.raises(StorageError):
        export_parquet(Results(run), desk.folder / "tables")
    assert not (desk.folder / "tables").exists()
