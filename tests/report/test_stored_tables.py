"""The tables of a sealed run are computed once, and a stored one is what its function returns."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import Results, rows_of
from evalhub.analysis.database import connection
from evalhub.analysis.database.facts import FACTS
from evalhub.errors import StorageError
from evalhub.report import index_run
from evalhub.report.tables import stored as tables
from evalhub.report.tables.places import Table
from evalhub.report.tables.registry import TABLES
from evalhub.report.tables.stored import read_table
from evalhub.store import Run, State, verify

from ..conftest import CANDIDATE, PAIR_JUDGE, RATE_JUDGE

JURY = {"id": "both", "members": ["pw", "px"]}


def everything(desk: Any) -> None:
    """Write a suite with something for nearly every table."""
    systems, items = ("k", "m", "n"), range(6)
    desk.dataset(
        items=len(items),
        systems=systems,
        labels=[
            *(
                {"item_id": f"i{n:03}", "criterion": "overall", "system_a": a, "system_b": b,
                 "annotator": "x", "winner": "ab"[(n + ord(a)) % 2]}
                for n in items for a, b in (("k", "m"), ("k", "n"), ("m", "n"))
            ),
            *(
                {"item_id": f"i{n:03}", "criterion": "quality", "system": system, "annotator": "x",
                 "value": 1.0 + (n + place) % 3}
                for n in items for place, system in enumerate(systems)
            ),
        ],
    )  # fmt: skip
    desk.suite(
        candidates=[CANDIDATE],
        judges=[PAIR_JUDGE, PAIR_JUDGE | {"id": "px", "model": "other"}, RATE_JUDGE],
        juries=[JURY],
        metrics=["length", {"rouge": {"variants": [1, "L"]}}],
    )


@pytest.fixture(scope="module")
def nights(shared_desk: Any) -> Iterator[tuple[Any, Run, Run]]:
    """A run whose tables are stored, and a second night in which nothing changed."""
    with shared_desk() as desk:
        everything(desk)
        first = desk.run()
        index_run(Results(first))
        yield desk, first, desk.run()


@pytest.fixture(scope="module")
def computed(nights: tuple[Any, Run, Run]) -> Results:
    """The first night, whose tables are computed and never read from a file."""
    return Results(nights[1])


@pytest.fixture(scope="module")
def computed_again(nights: tuple[Any, Run, Run]) -> Results:
    """The second night, whose tables are computed and never read from a file."""
    return Results(nights[2])


@pytest.fixture(scope="module")
def computed_in_files(nights: tuple[Any, Run, Run]) -> Results:
    """The first night as a large run, whose records stay in their files."""
    results = Results(nights[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "MANY", 0)
        assert results.database.is_large
        results.database.read_tables(FACTS)
    assert list(nights[1].path.glob("parts/*/facts/*.parquet"))
    return results


def refused(table: Table) -> Table:
    """Return the table with a function that must not be called."""

    def refuse(_: Results) -> Any:
        raise AssertionError(f"{table.name} is computed again")

    return replace(table, function=refuse)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_stored_table_is_what_its_function_returns(
    nights: tuple[Any, Run, Run], computed: Results, table: Table
) -> None:
    _, first, _ = nights
    stored, expected = read_table(Results(first), refused(table)), table.function(computed)
    assert rows_of(stored) == rows_of(expected)
    assert list(map(str, stored.dtypes)) == list(map(str, expected.dtypes))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_an_unchanged_night_takes_the_tables_of_the_first(
    nights: tuple[Any, Run, Run], computed_again: Results, table: Table
) -> None:
    _, first, second = nights
    stored = read_table(Results(second), table if table.of_the_night else refused(table))
    assert rows_of(stored) == rows_of(table.function(computed_again))
    places = [next(run.path.glob(f"tables/*/{table.name}-*.parquet")) for run in (first, second)]
    inodes = {path.stat().st_ino for path in places}
    assert len(inodes) == (2 if table.of_the_night else 1)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_large_run_is_read_from_its_files_with_the_same_tables(
    computed: Results, computed_in_files: Results, table: Table
) -> None:
    assert rows_of(table.function(computed_in_files)) == rows_of(table.function(computed))


class TestOne:
    @pytest.fixture
    def run(self, desk: Any) -> Run:
        run: Run = desk.run()
        return run

    @pytest.fixture
    def table(self) -> Table:
        return next(table for table in TABLES if table.name == "coverage")

    def path(self, run: Run) -> Path:
        return next(run.path.glob("tables/*/coverage-*.parquet"))

    def test_a_damaged_one_is_computed_again(self, run: Run, table: Table) -> None:
        expected = rows_of(read_table(Results(run), table))
        path = self.path(run)
        content = path.read_bytes()
        for place in range(4, len(content) - 4, 97):
            damaged = bytearray(content)
            damaged[place] ^= 0x10
            path.write_bytes(damaged)
            assert rows_of(read_table(Results(run), table)) == expected
            assert path.read_bytes() == content
        path.write_bytes(b"PAR1")
        assert [finding.problem for finding in verify(run) if "tables/" in finding.path] != [None]
        read_table(Results(run), table)
        assert not any(finding.problem for finding in verify(run))

    def test_another_version_of_the_code_computes_it_again(
        self, run: Run, table: Table, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read_table(Results(run), table)
        monkeypatch.setattr(tables, "CODE", 99)
        with pytest.raises(AssertionError, match="computed again"):
            read_table(Results(run), refused(table))

    def test_other_settings_make_other_tables_of_the_same_parts(self, desk: Any, run: Run) -> None:
        table = next(table for table in TABLES if table.name == "length_penalty")
        before = rows_of(read_table(Results(run), table))
        desk.suite(controls={"length_penalty": 0.5})
        second = desk.run()
        assert all(part.computed_in for part in second.manifest.parts)
        assert rows_of(read_table(Results(second), table)) != before == []

    def test_another_title_takes_the_same_tables(self, desk: Any, run: Run, table: Table) -> None:
        expected = rows_of(read_table(Results(run), table))
        desk.suite(title="Another", budget={"judgments": 1000})
        assert rows_of(read_table(Results(desk.run()), refused(table))) == expected

    def test_a_run_that_goes_on_stores_none(self, run: Run, table: Table) -> None:
        run.manifest = run.manifest.replace(state=State.INTERRUPTED)
        read_table(Results(run), table)
        assert not (run.path / "tables").exists()

    def test_without_room_it_is_computed_each_time(
        self, run: Run, table: Table, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise StorageError("no room")

        monkeypatch.setattr(tables, "write_frame", refuse)
        rows = [rows_of(read_table(Results(run), table)) for _ in range(2)]
        assert rows[0] == rows[1] != []
        assert not (run.path / "tables").exists()


def test_the_command_stores_them(desk: Any, cli: Any) -> None:
    run = desk.run()
    result = cli("index", "s")
    assert (result.code, result.err.strip()) == (0, f"indexed: {run.id}")
    stored = {path.stem.rpartition("-")[0] for path in run.path.glob("tables/*/*.parquet")}
    assert stored == {table.name for table in TABLES}


def test_a_run_that_goes_on_is_refused(desk: Any, cli: Any) -> None:
    desk.suite(budget={"judgments": 2})
    assert cli("run", "s").code == 3
    result = cli("index", "s")
    assert result.code == 2
    assert "only a finished run has tables, got 'interrupted'" in result.sentence


def test_runs_of_equal_keys_and_other_answers_have_tables_of_their_own(desk: Any, chat_server: Any) -> None:
    """Two machines that run one suite at once may get other answers of one server."""
    runs = []
    for place, answer in enumerate("13"):
        text, rest = answer, "2"
        chat_server.behave = lambda _, text=text, rest=rest: (
            200, chat_server.reply(text, top=[(text, -0.1), (rest, -2.5), ("2", -9)])
        )  # fmt: skip
        desk.suite(judges=[RATE_JUDGE | {"engine": chat_server.engine()}])
        desk.runs = desk.folder / f"runs{place}"
        runs.append(desk.run())
        index_run(Results(runs[-1]))
    assert [part.key for part in runs[0].manifest.parts] == [part.key for part in runs[1].manifest.parts]
    moved = runs[0].path.parent / runs[1].id
    shutil.copytree(runs[1].path, moved, ignore=shutil.ignore_patterns("tables"))
    table = next(table for table in TABLES if table.name == "leaderboard")
    rows = [rows_of(read_table(Results(run), table)) for run in (runs[0], Run(moved))]
    assert rows[1] == rows_of(table.function(Results(Run(moved)))) != rows[0]
