"""The report as one page that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalhub.report.attacks import attack_grids
from evalhub.report.biases import biases
from evalhub.report.cascades import cascade_grids
from evalhub.report.engines import engine_lines, model_lines, summary
from evalhub.report.forest import agreement_forests, correlation_forests, leaderboard_forests
from evalhub.report.grids import (
    agreements,
    correlation_grids,
    coverages,
    failure_grids,
    leaderboards,
    length_penalty,
    with_each_other,
)
from evalhub.report.ranking import (
    length_grids,
    powered_grids,
    rank_grids,
    settled_grids,
    strength_grids,
    worst_grids,
)
from evalhub.report.shape import Footnotes, visible

if TYPE_CHECKING:
    import jinja2


def report_page(data: dict[str, Any]) -> str:
    """Return the report as HTML.

    Args:
        data: As `report_data` returns it.
    """
    notes = Footnotes()
    sections = [
        ("Leaderboard", list(leaderboard_forests(data)), list(leaderboards(data, notes))),
        ("Ranks, 1 = best", [], list(rank_grids(data, notes))),
        ("Elo (Bradley-Terry)", [], list(strength_grids(data, notes))),
        ("Win rate against one baseline, length controlled", [], list(length_grids(data, notes))),
        ("Settled, valid at every look", [], list(settled_grids(data, notes))),
        ("People and judge together", [], list(powered_grids(data, notes))),
        ("Length penalty, raw and penalised", [], list(length_penalty(data, notes))),
        ("Judge, ROUGE and labels", list(agreement_forests(data)), list(agreements(data, notes))),
        (
            "Correlation with the labels",
            list(correlation_forests(data)),
            list(correlation_grids(data, notes)),
        ),
        ("Judge and ROUGE with each other", [], list(with_each_other(data, notes))),
        ("Cascades", [], list(cascade_grids(data, notes))),
        ("Biases", [], list(biases(data, notes))),
        ("Attacks", [], list(attack_grids(data, notes))),
        ("Coverage and failures", [], [*coverages(data, notes), *failure_grids(data)]),
        ("Had nothing failed", [], list(worst_grids(data, notes))),
    ]
    return _template().render(
        title=visible(data["title"] or data["suite"]),
        summary=summary(data),
        models=list(model_lines(data)),
        engines=list(engine_lines(data)),
        sections=[part for part in sections if part[1] or part[2]],
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
