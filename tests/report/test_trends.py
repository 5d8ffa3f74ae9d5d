"""The numbers of a suite over its nights."""

from typing import Any

import pytest

from evalhub.night import run_night
from evalhub.report import trend_rows
from evalhub.report.tables import stored
from evalhub.runner import Options
from evalhub.store import all_runs, write_frame


def test_nights_of_an_earlier_version_keep_their_numbers(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that makes other tables finds none of its own, and computes none for a trend."""
    run_night("s", Options(runs=desk.runs))
    rows = trend_rows(all_runs(desk.runs))
    assert {row["measure"] for row in rows} >= {"coverage"}
    monkeypatch.setattr(stored, "CODE", stored.CODE + 1)
    assert trend_rows(all_runs(desk.runs)) == rows


def test_tables_with_other_columns_are_left_out(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    results = run_night("s", Options(runs=desk.runs)).results
    (table,) = [table for table in stored.TABLES if table.name == "coverage"]
    path = next(results.run.path.glob("tables/*/coverage-*.parquet"))
    rows = stored.read_table(results, table).drop(columns="estimate")
    path.unlink()
    write_frame(path.parent, "coverage", rows)
    monkeypatch.setattr(stored, "CODE", stored.CODE + 1)
    assert "coverage" not in {row["measure"] for row in trend_rows([results.run])}


def test_a_trial_is_on_no_trend(desk: Any) -> None:
    night = run_night("s", Options(runs=desk.runs)).results.run
    trial = run_night("s", Options(runs=desk.runs, limit=2)).results.run
    assert trial.finished
    assert {row["run"] for row in trend_rows([night, trial])} == {night.id}


def test_a_run_without_tables_is_named(desk: Any, cli: Any) -> None:
    bare = run_night("s", Options(runs=desk.runs), reports=False).results.run
    desk.dataset(items=5)
    run_night("s", Options(runs=desk.runs))
    output = cli("trends", "s", "--runs", str(desk.runs))
    assert output.code == 0
    assert f"left out without stored tables: 1 run, such as {bare.id}" in output.err
