"""The report of a scripted run: what it says, what it may not do, and how it is written."""

import errno
import hashlib
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from evalhub.analysis import Results, leaderboard, rows_of
from evalhub.errors import Inconclusive, StorageError
from evalhub.report import print_report, report_data, write_report
from evalhub.report.format import Footnotes
from evalhub.report.grids.agreement import agreement_grids, with_each_other
from evalhub.report.grids.coverage import verdict_grids
from evalhub.report.outputs.page import report_page
from evalhub.report.tables.places import Place
from evalhub.report.tables.registry import tables_of
from evalhub.store import Run, all_runs

HOSTILE = "<script>alert(1)</script> ![x](http://evil.example/x.png) [bold red]loud[/] \x1b[31m \u202e"
PW = {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, "model": "j", "families": ["beta"]}
PT = {"id": "pt", "rubric": "rate", "model": "j", "families": ["beta"]}


class Outside(HTMLParser):
    """Collects whatever would load or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Any] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        active = tag in ("script", "link", "img", "iframe", "object", "embed", "base", "form", "a")
        loading = [name for name, _ in attrs if name in ("src", "href", "style") or name.startswith("on")]
        if active or loading:
            self.found.append((tag, attrs))


def labels(items: int) -> list[dict[str, Any]]:
    pairs = [
        {"item_id": f"i{n:03}", "criterion": "overall", "system_a": "k", "system_b": "m", "winner": "a"}
        for n in range(items)
    ]
    rated = [
        {"item_id": f"i{n:03}", "criterion": "quality", "system": system, "value": 1.0 + (n + place) % 3}
        for n in range(items)
        for place, system in enumerate(("k", "m"))
    ]
    return [{**one, "annotator": "someone"} for one in [*pairs, *rated]]


@pytest.fixture(scope="module")
def results(shared_desk: Any) -> Results:
    """A run of two judges over labelled pairs, hostile in its texts; long prompts fail."""
    with shared_desk() as desk:
        return Results(_hostile(desk))


@pytest.fixture(scope="module")
def data(results: Results) -> dict[str, Any]:
    """The report of that run."""
    return report_data(results)


def _hostile(desk: Any) -> Run:
    engine = {"type": "scripted", "script": {"max_length": 60}}
    items = [{"item_id": f"i{n:03}", "prompt": f"What is {n}? {HOSTILE}"} for n in range(8)]
    items[7]["prompt"] += " word" * 80
    desk.dataset(
        items=items,
        labels=labels(8),
        card={
            "title": HOSTILE,
            "note": HOSTILE,
            "labels": "SELECT * EXCLUDE (file, line), 'constructed' AS annotator_kind FROM labels",
        },
    )
    desk.suite(
        title=HOSTILE,
        judges=[{**PW, "engine": engine}, {**PT, "engine": engine}],
        metrics=["length"],
        controls={"length_penalty": 0.5},
    )
    return desk.run()


def test_the_data_are_the_analysis_and_plain_json(results: Results, data: dict[str, Any]) -> None:
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["leaderboard"] == rows_of(leaderboard(results))
    assert all(isinstance(data[table.name], list) for table in tables_of(Place.REPORT))
    assert (data["run"], data["suite"], data["state"]) == (results.run.id, "s", "sealed")
    assert {row["annotator_kind"] for row in data["agreement"]} == {"constructed"}
    assert sum(row["n"] for row in data["failures"]) == 4
    for row in data["leaderboard"] + data["agreement"] + data["correlations"]:
        assert row["n"] >= 0
        assert row["low"] is not None or row["reason"]


def test_the_page_stands_alone_and_runs_nothing(data: dict[str, Any], tmp_path: Path) -> None:
    written = write_report(data, tmp_path / "out")
    assert [path.name for path in written] == ["report.json", "report.html"]
    json.loads(written[0].read_text(encoding="utf-8"), parse_constant=pytest.fail)
    page = written[1].read_text(encoding="utf-8")
    outside = Outside()
    outside.feed(page)
    assert outside.found == []
    assert "default-src 'none'" in page
    assert not re.search(r"@import|url\(|<script", page)
    assert "&lt;script&gt;alert(1)" in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "prefers-color-scheme: dark" in page
    assert page.count("<svg") >= 6
    assert not re.search(r"human", page)


def test_the_terminal_report_is_short_narrow_and_reads_no_markup(
    data: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    print_report(data, full=True)
    text = capsys.readouterr().out
    assert "[bold red]loud[/]" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert max(map(len, text.splitlines())) <= 100
    assert len(text.splitlines()) < 140
    for heading in (
        "Leaderboard",
        "Length penalty: raw and penalised",
        "Judge, ROUGE and labels",
        "Correlation with the labels",
        "Biases",
        "Coverage and failures",
    ):
        assert heading in text
    assert "too_long" in text
    assert "constructed labels are true by construction" in text
    assert "human" not in text
    assert re.search(r"k +.* \[0\.\d\d, ", text)


def test_equal_runs_have_equal_pages(results: Results, data: dict[str, Any]) -> None:
    again = Results(Run(results.run.path))
    assert report_page(data) == report_page(report_data(again))


def test_a_full_disk_leaves_the_old_report(
    data: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    json_path, _ = write_report(data, folder)
    before = json_path.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        write_report(data, folder)
    assert json_path.read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json"]


def test_a_folder_that_cannot_be_made_is_one_sentence(data: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(StorageError, match="the report cannot be written"):
        write_report(data, tmp_path / "file")


def test_judge_and_rouge_stand_beside_each_other(desk: Any, capsys: pytest.CaptureFixture[str]) -> None:
    desk.dataset(items=8, labels=labels(8))
    engine = {"type": "scripted"}
    desk.suite(
        judges=[{**PW, "engine": engine}, {**PT, "engine": engine}],
        metrics=[{"rouge": {"variants": [1]}}, "length"],
        controls={"length_penalty": 0.5},
    )
    data = report_data(Results(desk.run()))
    pairs, responses = with_each_other(data, Footnotes())
    ((judge, metric, *_),) = pairs.rows
    assert (judge, metric[:5].lower()) == ("pw", "rouge")
    assert {row[:2] for row in responses.rows} == {("pt", metric)}
    grids = agreement_grids(data, Footnotes(), readings=False)
    (against,) = (grid for grid in grids if "overall" in grid.title)
    names = [row[0] for row in against.rows]
    assert names == ["pw", "pw · length-penalised", metric, "always-first", "coin", "longer"]
    assert {row["judge"] for row in data["length_penalty"]} == {"pw", "pt"}
    print_report(data, full=True)
    assert "Judge and ROUGE with each other" in capsys.readouterr().out
    assert "Judge and ROUGE with each other" in report_page(data)


def test_what_is_not_judged_is_said(desk: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"item_id": f"i{n:03}", "criterion": "quality", "judge": "mute", "system": system, "value": None}
        for n in range(4)
        for system in ("k", "m")
    ]
    path = desk.dataset(labels=labels(4))
    card = yaml.safe_load(path.read_text())
    samples = path.parent / "samples" / "tiny" / "judged.jsonl"
    samples.write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = {name: "DOUBLE" if name == "value" else "VARCHAR" for name in rows[0]}
    sha256 = hashlib.sha256(samples.read_bytes()).hexdigest()
    card["files"]["judged"] = {
        "path": "judged.jsonl", "format": "jsonl", "columns": columns, "sha256": sha256,
    }  # fmt: skip
    card["judgments"] = "SELECT * EXCLUDE (file, line) FROM judged"
    path.write_text(yaml.safe_dump(card))
    desk.suite(judges=[{**PW, "pairs": {"by": "all", "cap": 1}, "engine": {"type": "scripted"}}])
    data = report_data(Results(desk.run()))
    assert (
        "judges without any valid verdict stand under coverage and failures only: mute (0 of 8)"
        in data["notes"]
    )
    assert "mute" not in json.dumps([data[name] for name in ("leaderboard", "agreement", "correlations")])
    grid, *_ = verdict_grids(data, Footnotes())
    assert [row[:3] for row in grid.rows] == [
        ("pw", "judge", "8 of 8"), ("mute", "recorded judge", "0 of 8"),
    ]  # fmt: skip
    assert grid.rows[0][3] == "1.00"  # all planned judgments are counted, so there is no interval
    print_report(data, full=True)
    assert "recorded judge" in capsys.readouterr().out


def test_what_the_plan_leaves_out_has_its_name(desk: Any, capsys: pytest.CaptureFixture[str]) -> None:
    desk.dataset(systems="kmn", labels=labels(4))
    pairs = {"by": "baseline", "baseline": "k", "cap": 1}
    desk.suite(judges=[{**PW, "pairs": pairs, "engine": {"type": "scripted"}}], budget={"judgments": 5})
    with pytest.raises(Inconclusive):
        desk.run()
    (run,) = all_runs(desk.runs)
    data = report_data(Results(run))
    assert {row["reason"]: row["n"] for row in data["exclusions"]} == {
        "pairs without the baseline (pairs.by)": 4,
        "pairs over the cap of their item (pairs.cap)": 4,
        "judgments over the budget": 4,
    }
    print_report(data, full=True)
    assert "pairs over the cap of their item" in capsys.readouterr().out
    assert "Left out of the plan" in report_page(data)


def test_a_run_without_judges_has_a_report(desk: Any, capsys: pytest.CaptureFixture[str]) -> None:
    desk.suite(judges=[], metrics=["length"])
    data = report_data(Results(desk.run()))
    assert data["agreement"] == data["coverage"] == []
    print_report(data, full=True)
    assert "chars" in capsys.readouterr().out
    assert report_page(data).startswith("<!doctype html>")
