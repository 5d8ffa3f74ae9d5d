"""A new statistic needs its function and one entry in the registry: every output then shows it."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pandas as pd
import pytest

from evalhub.analysis import Results
from evalhub.report import print_leaderboard, print_report, ranking_data, report_data
from evalhub.report.format import interval
from evalhub.report.grids.columns import line_grids, text, whole
from evalhub.report.outputs.page import report_page
from evalhub.report.plots.estimates import Line, Plot
from evalhub.report.tables import registry
from evalhub.report.tables.places import Place, Section, Table

JUDGE = {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, "model": "j", "families": ["beta"],
         "engine": "scripted"}  # fmt: skip
EVERYWHERE = Place.REPORT | Place.LEADERBOARD | Place.RANKING_VIEW


def brevity(results: Results) -> pd.DataFrame:
    """Return how many characters each system's answers have on average, without an interval."""
    responses = results.responses()
    means = responses.groupby(["dataset", "system"], as_index=False)["chars"].agg(["mean", "count"])
    means = means.rename(columns={"mean": "estimate", "count": "n"})
    return means.assign(low=None, high=None, reason="an example has no interval")


def brevity_plots(data: dict[str, Any]) -> Iterator[Plot]:
    """Yield one plot with a line for each system."""
    lines = tuple(Line(row["system"], "metric", row) for row in data["brevity"])
    yield Plot("brevity", "characters", lines)


@pytest.fixture
def results(desk: Any, monkeypatch: pytest.MonkeyPatch) -> Results:
    section = Section(
        "Brevity",
        ("brevity",),
        line_grids(
            "brevity",
            {"system": text("system"), "characters": interval, "answers": whole("n")},
            names=1,
            by=("dataset",),
        ),
        EVERYWHERE,
        brevity_plots,
    )
    table = Table("brevity", brevity, EVERYWHERE, by_tag=Place.REPORT)
    monkeypatch.setattr(registry, "TABLES", (*registry.TABLES, table))
    monkeypatch.setattr(registry, "SECTIONS", (*registry.SECTIONS, section))
    monkeypatch.setattr("evalhub.report.data.TABLES", registry.TABLES)
    desk.suite(judges=[JUDGE])
    return Results(desk.run())


def test_a_new_statistic_is_in_every_output(results: Results, capsys: pytest.CaptureFixture[str]) -> None:
    data = report_data(results)
    assert {row["system"] for row in json.loads(json.dumps(data))["brevity"]} == {"k", "m"}
    assert len(ranking_data(results)["brevity"]) == 2
    for show, shown in ((partial(print_report, full=True), data), (print_leaderboard, ranking_data(results))):
        show(shown)
        printed = capsys.readouterr().out
        assert "Brevity" in printed
        assert "characters" in printed
    page = report_page(data)
    assert "<h2>Brevity</h2>" in page
    assert "<figcaption>brevity</figcaption>" in page
    assert "Brevity" in {section.title for section in registry.sections_of(Place.RANKING_VIEW)}


def test_every_table_of_a_section_is_a_table_of_its_outputs() -> None:
    # Comparisons of runs and of raters are made by their commands, of more than one run.
    by_command = Place.COMPARE | Place.RATERS | Place.SENSITIVITY | Place.LABELS
    names = {table.name: table.places for table in registry.TABLES}
    for section in registry.SECTIONS:
        for name in section.tables if not section.places & by_command else ():
            # The dashboard reads any table, wherever it stands.
            # Attacks on the judges of a run lie beside it, so `meta` gathers them itself.
            elsewhere = Place.VIEWS | (Place.META if name == "attacks" else Place.NOWHERE)
            missing = section.places & ~names[name] & ~elsewhere
            assert not missing, (section.title, name, missing)


def test_names_of_tables_are_distinct() -> None:
    names = [table.name for table in registry.TABLES]
    assert len(set(names)) == len(names)
