"""The report as one page that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalhub.analysis import shortfall_sentences
from evalhub.report.format import Footnotes, visible
from evalhub.report.grids.engines import engine_lines, model_lines, summary
from evalhub.report.sections import PAGE

if TYPE_CHECKING:
    import jinja2


def report_page(data: dict[str, Any]) -> str:
    """Return the report as HTML.

    Args:
        data: As `report_data` returns it.
    """
    notes = Footnotes()
    sections = [(part.title, list(part.forests(data)), list(part.grids(data, notes))) for part in PAGE]
    return _template().render(
        title=visible(data["title"] or data["suite"]),
        summary=summary(data),
        shortfalls=[visible(sentence) for sentence in shortfall_sentences(data["shortfalls"])],
        models=list(model_lines(data)),
        engines=list(engine_lines(data)),
        sections=[one for one in sections if one[1] or one[2]],
        footnotes=notes.lines(),
        notes=[visible(note) for note in data["notes"]],
        datasets=[
            {name: visible(value) for name, value in card.items() if value} for card in data["datasets"]
        ],
        environment=data["environment"],
    )


@cache
def _template() -> jinja2.Template:
    import jinja2

    folder = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=folder, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("page.html")
