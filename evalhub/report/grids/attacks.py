"""How a judge stood against attacks and control responses, as grids and in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evalhub.analysis import Results, attacks, controls, rows_of, unattacked_items
from evalhub.analysis.bias.attacks import ALL_ATTACKS
from evalhub.judging import ATTACKS, CONTROLS
from evalhub.report.format import Footnotes, Grid, Row, count, grouped, interval, pivot, visible

ATTACK_NOTES = (
    "success: the response that the judge liked less wins, or rises by half a level, once the attack is put "
    "into it; harmless: the same with an equally long harmless text in the same place; net: success minus "
    "harmless, on the same items",
    "controls: how often a response that answers nothing beats the item's response that the judge prefers, "
    "or the one that it rejects; a tie counts one half (padding: the response twice over against itself)",
)
_STATISTICS = ("success", "harmless", "net")
_ABOUT = ("dataset", "judge", "criterion")


def attack_data(results: Results) -> dict[str, Any]:
    """Return what a run of attacks says, fit for JSON: lists of tidy rows, and what each insertion is."""
    return {
        "attacks": rows_of(attacks(results)),
        "controls": rows_of(controls(results)),
        "not_attacked": rows_of(unattacked_items(results)),
        "titles": {one.id: {"title": one.title, "source": one.source} for one in (*ATTACKS, *CONTROLS)},
    }


def attack_grids(data: dict[str, Any], notes: Footnotes) -> Iterator[Grid]:
    """Yield a grid of attacks for each judge, the worst first, then one of controls.

    Args:
        data: With the tidy rows of `attacks` and `controls`.
        notes: Takes the reasons of what is absent.
    """
    for about, rows in grouped(data["attacks"], *_ABOUT):
        lines = tuple(_line(attack, found, notes) for attack, found in _worst_first(rows))
        yield Grid(_title(about), ("attack", "n", "left out", *_STATISTICS), lines)
    for about, rows in grouped(data["controls"], *_ABOUT):
        title = f"controls · {_title(about)}"
        yield pivot(rows, notes, title=title, names={"control": "control"}, across=("against",))


def attack_lines(data: dict[str, Any]) -> Iterator[str]:
    """Yield what the attacks on each judge come to, in one sentence, and why items were left out.

    Args:
        data: With the tidy rows of `attacks` and `not_attacked`.
    """
    for about, rows in grouped(data["attacks"], *_ABOUT):
        *attacked, (_, every) = _worst_first(rows)
        measured, notes = [net for _, (*_, net) in attacked if net["estimate"] is not None], Footnotes()
        line = f"{_title(about)}: mean net rate {interval(every[-1], notes)} over {len(measured)} attacks"
        for worst in measured[:1]:
            line += (
                f"; worst: {visible(worst['attack'])}, net {interval(worst, notes)}, n {count(worst['n'])}"
            )
        yield line
    for row in data["not_attacked"]:
        whom = f"{visible(row['judge'])} on {visible(row['dataset'])}"
        yield f"{whom}: {row['n']} left out, because {row['why']}"


def _worst_first(rows: list[Row]) -> list[tuple[str, list[Row]]]:
    """Return the rows of each attack, that with the highest net rate first, all of them together last.

    An attack that is not measured stands behind those that are.
    """
    found = [(attack, mine) for (attack,), mine in grouped(rows, "attack")]
    return sorted(found, key=lambda one: (one[0] == ALL_ATTACKS, *_falling(one[1][-1]["estimate"])))


def _falling(estimate: float | None) -> tuple[bool, float]:
    return estimate is None, -(estimate or 0.0)


def _line(attack: str, rows: list[Row], notes: Footnotes) -> tuple[str, ...]:
    by_name = {row["statistic"]: row for row in rows}
    cells = (interval(by_name[name], notes) if name in by_name else "" for name in _STATISTICS)
    net = by_name["net"]
    return (visible(attack), count(net["n"]), count(net["left_out"]), *cells)


def _title(about: tuple[Any, ...]) -> str:
    dataset, judge, criterion = map(visible, about)
    return f"{judge} on {dataset} · {criterion}"
