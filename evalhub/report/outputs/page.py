"""The report as one page that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalhub.analysis.findings.finding import Question
from evalhub.report.facts import engine_lines, model_lines, summary
from evalhub.report.format import Footnotes, grouped, visible
from evalhub.report.outputs.drawing import draw
from evalhub.report.outputs.marks import action_of, mark_of
from evalhub.report.plots.estimates import KINDS
from evalhub.report.tables.places import Place
from evalhub.report.tables.registry import sections_of
from evalhub.texts import ABSENT, make_printable, number

if TYPE_CHECKING:
    import jinja2
    from markupsafe import Markup


def report_page(data: dict[str, Any]) -> str:
    """Return the report as HTML.

    Args:
        data: As `report_data` returns it.
    """
    notes = Footnotes()
    sections = [
        (section.title, list(map(draw, section.plots(data))), list(section.grids(data, notes)))
        for section in sections_of(Place.PAGE)
    ]
    return page_template("page.html").render(
        title=visible(data["title"] or data["suite"]),
        summary=summary(data),
        findings=list(_findings(data["findings"])),
        regressions=[
            (visible(sentence), list(map(_regression, losses)))
            for (_, sentence), losses in grouped(data["regressions"], "gate", "sentence")
        ],
        samples=list(map(_sample, data["worth_reading"])),
        models=list(model_lines(data)),
        engines=list(engine_lines(data)),
        sections=[(title, plots, grids) for title, plots, grids in sections if plots or grids],
        kinds=KINDS,
        footnotes=notes.lines(),
        notes=[visible(note) for note in data["notes"]],
        datasets=[
            {name: visible(value) for name, value in card.items() if value} for card in data["datasets"]
        ],
        environment=data["environment"],
    )


def _findings(rows: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Yield each question with its findings, in their order. Commands stand where more is to be done."""
    for (name,), of_question in grouped(rows, "question"):
        yield (
            Question[name.upper()].value,
            [
                {
                    "verdict": row["verdict"],
                    "mark": mark_of(row),
                    "sentence": visible(row["sentence"]),
                    "command": visible(command) if (command := action_of(row)) else "",
                }
                for row in of_question
            ],
        )


def _sample(row: dict[str, Any]) -> dict[str, Any]:
    """Return a sample that is worth reading, each text with its line breaks and nothing that steers."""
    return {
        "sentence": visible(row["sentence"]),
        "place": visible(f"{row['dataset']} · {row['item_id']}"),
        "judge": visible(row["judge"]),
        "prompt": _lines(row["prompt"]),
        "rationale": _lines(row["rationale"]),
        "responses": [
            {"system": visible(response["system"]), "text": _lines(response["text"]) or ABSENT}
            for response in row["responses"]
        ],
    }


def _regression(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item on which a system lost, each text with its line breaks and nothing that steers."""
    outcomes = {side: number(row[side]["outcome"]) for side in ("before", "now")}
    return {
        "sentence": visible(f"{row['system']}: {row['measure']} {outcomes['before']} → {outcomes['now']}"),
        "place": visible(f"{row['dataset']} · {row['item_id']}"),
        "prompt": _lines(row["prompt"]),
        "sides": [
            {
                "title": visible(f"{title}{_against(row[side])}"),
                "text": _lines(row[side]["text"]) or ABSENT,
                "rationale": _lines(row[side]["rationale"]),
                "judge": visible(row["rater"]),
            }
            for side, title in (("before", "On the baseline"), ("now", "Now"))
        ],
    }


def _against(side: Mapping[str, Any]) -> str:
    """Return which answer it is, where there are several samples or opponents."""
    sample = f", sample {side['sample']}" if side["sample"] else ""
    return f"{sample}, against {side['other']}" if side["other"] else sample


def _lines(text: str | None) -> Markup | None:
    """Return a text of several lines as the page shows it."""
    from markupsafe import escape

    return None if text is None else escape(make_printable(text, multiline=True))


def _make_printable(value: object) -> object:
    """Return what the page shows of a value: every text is printable, whichever table it comes from."""
    return make_printable(value) if type(value) is str else value


@cache
def page_template(name: str) -> jinja2.Template:
    """Return a template of this folder, whose texts are escaped and printable."""
    import jinja2

    folder = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=folder,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_make_printable,
    )
    return environment.get_template(name)
