"""Every number on a page is a number of the command line's JSON, to the printed digit."""

import io
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from evalhub.report.format import Footnotes
from evalhub.report.grids.verdicts import verdict_of
from evalhub.report.tables.places import Place
from evalhub.report.tables.registry import sections_of
from evalhub.runner import AttackOptions, attack
from evalhub.specs import EngineSpec

from .desks import Open, prepared

PLACES = {
    "ranking": Place.RANKING_VIEW,
    "trust": Place.TRUST_VIEW,
    "biases": Place.BIASES_VIEW,
    "metrics": Place.METRICS_VIEW,
    "runs": Place.RUNS_VIEW,
}
KINDS = ("pairs and ratings", "pairs", "ratings")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def data_of(desk: Any, cli: Any) -> dict[str, Any]:
    """Return what the commands print as JSON about the newest run."""
    data: dict[str, Any] = {}
    for command in ("leaderboard", "meta", "report --full"):
        result = cli(*command.split(), "--json", "--runs", str(desk.runs))
        data |= json.loads(result.out)
    needed = cli("labels", "needed", "--width", "0.1", "--json", "--runs", str(desk.runs))
    runs = json.loads(cli("runs", "--json", "--runs", str(desk.runs)).out)
    return {**data, "labels_needed": json.loads(needed.out) if needed.code == 0 else [], "runs": runs}


def numbers_in(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for part in value.values():
            yield from numbers_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from numbers_in(part)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from texts_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts_in(part)
    elif isinstance(value, str):
        yield value


def cells(page: Any) -> set[str]:
    """Return the texts of all cells of the page's tables, without Markdown's escapes."""
    frames = [element.value for element in [*page.table, *page.dataframe]]
    values = [value for frame in frames for row in frame.astype(str).to_numpy() for value in row]
    return {re.sub(r"\\(.)", r"\1", value).replace("\u2060", "") for value in values}


def drawn(page: Any) -> Iterator[float]:
    """Yield each estimate and each end of an interval that a chart draws."""
    for chart in page.get("vega_lite_chart"):
        frame = pa.ipc.open_stream(io.BytesIO(chart.proto.data.data)).read_all()
        for name in {"estimate", "low", "high"} & set(frame.column_names):
            yield from (value for value in frame[name].to_pylist() if value is not None and value == value)


def unit_name(row: dict[str, Any]) -> str:
    """Return what the address calls the sample of a verdict."""
    systems = [row[name] for name in ("system_a", "system_b", "system") if row[name]]
    return "~".join([row["item_id"], *systems, str(row["sample"])])


def shown_grids(place: Place, data: dict[str, Any]) -> set[str]:
    """Return the texts of the cells that the sections of a view make of the JSON."""
    texts = set()
    for section in (*sections_of(place), *sections_of(Place.LABELS)):
        for grid in section.grids({"metrics": {}, **data}, Footnotes()):
            texts |= {re.sub(r"\s+", " ", cell).strip() for row in grid.rows for cell in row}
    return texts


@pytest.mark.parametrize("kind", ["pairs and ratings", "attacks", "ratings"])
def test_every_number_on_a_page_is_in_the_json(desk: Any, cli: Any, opened: Open, kind: str) -> None:
    prepared(desk)
    if kind == "attacks":
        options = AttackOptions(
            "pair",
            "j",
            dataset="tiny",
            engine=EngineSpec(type="scripted"),
            names=("json", "echo"),
            runs=desk.runs,
        )
        attack(options)
    else:
        if kind == "ratings":
            judge = {"rubric": "rate", "model": "j", "families": ["beta"], "engine": "scripted"}
            desk.suite(judges=[{"id": "pt", **judge}], metrics=["length", "rouge"])
        desk.run()
    data = data_of(desk, cli)
    json_numbers = {round(number, 9) for number in numbers_in(data)}
    forms = {f"{number:.3g}" for number in json_numbers} | {str(round(number, 1)) for number in json_numbers}
    whole = {int(number) for number in json_numbers if number == int(number)}
    forms |= {form for number in whole for form in (str(number), f"{number:,}")}
    forms |= {run["created"][:16].replace("T", " ") for run in data["runs"]}
    forms |= set(texts_in(data))
    for name, place in PLACES.items():
        page = opened(desk.runs, f"views/{name}.py")
        for box in page.expander:
            page.session_state[f"section {box.label}"] = True
        page = page.run()
        assert not page.exception
        absent_cells = (
            {cell for cell in cells(page) if NUMBER.search(cell)} - shown_grids(place, data) - forms
        )
        assert not absent_cells, (name, absent_cells)
        numbers_drawn = list(drawn(page))
        assert numbers_drawn or name == "runs" or kind != "pairs and ratings", name
        # The share of the second of two systems is 1 minus that of the first.
        complements = {round(1 - number, 9) for number in json_numbers} if name == "ranking" else set()
        absent = [number for number in numbers_drawn if round(number, 9) not in json_numbers | complements]
        assert not absent, (name, absent)


def test_the_brief_says_what_the_report_says(desk: Any, cli: Any, opened: Open) -> None:
    prepared(desk).run()
    findings = data_of(desk, cli)["findings"]
    page = opened(desk.runs, "views/brief.py")
    sentences = [re.sub(r"\\(.)", r"\1", element.value) for element in page.markdown]
    for finding in findings:
        assert any(finding["sentence"] in sentence for sentence in sentences), finding["sentence"]


def test_trends_are_those_of_the_command(desk: Any, cli: Any, opened: Open) -> None:
    prepared(desk)
    for title in ("one", "two", "three"):
        desk.suite(title=title, judges=[{"id": "pt", "rubric": "rate", "model": "j", "families": ["beta"],
                                         "engine": "scripted"}])  # fmt: skip
        run = desk.run()
        cli("index", run.id, "--runs", str(desk.runs))
    rows = json.loads(cli("trends", "--json", "--runs", str(desk.runs)).out)["numbers"]
    assert {row["run"] for row in rows} == {run.name for run in Path(desk.runs).iterdir()}
    page = opened(desk.runs, "views/trends.py")
    assert not page.info
    numbers = {round(number, 9) for number in numbers_in(rows)}
    estimates = list(drawn(page))
    assert len(estimates) >= 6
    assert all(round(number, 9) in numbers for number in estimates if not math.isnan(number))


def run_of(desk: Any, kind: str) -> None:
    """Run pairs and ratings, pairs alone, or ratings alone."""
    prepared(desk)
    judge = {"model": "j", "families": ["beta"], "engine": "scripted"}
    if kind == "pairs":
        desk.suite(judges=[{"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, **judge}])
    if kind == "ratings":
        desk.suite(judges=[{"id": "pt", "rubric": "rate", **judge}], metrics=["length"])
    desk.run()


@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_those_of_the_command(desk: Any, cli: Any, opened: Open, kind: str) -> None:
    run_of(desk, kind)
    on_runs = ("--json", "--runs", str(desk.runs))
    listed = json.loads(cli("samples", "--size", "50", "--full", *on_runs).out)
    page = opened(desk.runs, "views/samples.py")
    frame = next(element.value for element in page.dataframe if "verdict" in element.value)
    assert frame["item"].tolist() == [row["item_id"] for row in listed["verdicts"]]
    assert frame["verdict"].tolist() == [verdict_of(row) for row in listed["verdicts"]]
    for row in listed["verdicts"][::3]:
        of = f"{row['judge']} · {row['criterion']}"
        page = opened(desk.runs, "views/samples.py", unit=unit_name(row), of=of)
        details = row["sample_details"]
        numbers = {*numbers_in(row), *(1 - number for number in numbers_in(row))}
        numbers |= {float(len(response["text"])) for response in details["responses"]}
        numbers |= set(numbers_in(details["judgments"])) | set(numbers_in(details["scores"]))
        numbers |= {float(len(details["judgments"]))}
        forms = {f"{number:.2f}" for number in numbers} | {str(int(n)) for n in numbers if n == int(n)}
        heads = [re.sub(r"\\(.)", r"\1", element.value) for element in page.caption]
        shown = {number for head in heads for number in re.findall(r"\d+\.\d+", head)}
        assert shown <= forms, (row["item_id"], shown - forms)
        assert shown or row["system"], row["item_id"]


@pytest.mark.parametrize("kind", KINDS)
def test_items_that_moved_are_those_of_the_command(desk: Any, cli: Any, opened: Open, kind: str) -> None:
    run_of(desk, kind)
    changes = json.loads(cli("compare", "--items", "50", "--json", "--runs", str(desk.runs)).out)["items"]
    for change in changes:
        judged = f"{change['rater']} · {change['criterion']}"
        page = opened(desk.runs, "views/compare.py", a="k", b="m", judged=judged)
        moved = {row["item_id"]: row["difference"] for row in change["items"]}
        frames = [element.value for element in page.dataframe if "difference" in element.value]
        values = {
            item: value
            for frame in frames
            for item, value in zip(frame["item_id"], frame["difference"], strict=True)
        }
        assert values == moved
