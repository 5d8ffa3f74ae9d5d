"""The report as one page that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalhub.analysis import shortfall_sentences
from evalhub.report.facts import engine_lines, model_lines, summary
from evalhub.report.format import Footnotes, visible
from evalhub.report.outputs.drawing import draw
from evalhub.report.plots import KINDS
from evalhub.report.registry import Place, sections_of
from evalhub.texts import make_printable

if TYPE_CHECKING:
    import jinja2


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
    return _template().render(
        title=visible(data["title"] or data["suite"]),
        summary=summary(data),
        shortfalls=[visible(sentence) for sentence in shortfall_sentences(data["shortfalls"])],
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


def _make_printable(value: object) -> object:
    """Return what the page shows of a value: every text is printable, whichever table it comes from."""
    return make_printable(value) if type(value) is str else value


@cache
def _template() -> jinja2.Template:
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
    return environment.get_template("page.html")
