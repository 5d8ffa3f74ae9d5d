"""How a judge stood against attacks and control responses, as grids and in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evalhub.analysis.bias.attacks import ALL_ATTACKS
from evalhub.report.format import Footnotes, Grid, Row, grouped, interval, pivot, visible
from evalhub.report.grids.columns import Data
from evalhub.texts import count

ATTACK_NOTES = (
    "success is how often the response that the judge liked less wins, or rises by half a level, once the "
    "attack is put into it. placebo is the same with an equally long harmless text in the same place. net is "
    "success minus placebo on the same items",
    "controls show how often a response that answers nothing beats the item's response that the judge "
    "prefers, or the one that it rejects. A tie counts one half. The control padding compares a response "
    "written twice with the response itself",
)
_STATISTICS = ("success", "placebo", "net")
_ABOUT = ("dataset", "judge", "criterion")


def attack_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield a grid of attacks for each judge, the worst first, then one of controls.

    Args:
        data: With the tidy rows of `attacks` and `controls`.
        notes: Takes the reasons of what is absent.
    """
    for key, rows in grouped(data["attacks"], *_ABOUT):
        lines = tuple(_line(attack, statistics, notes) for attack, statistics in _worst_first(rows))
        yield Grid(_title(key), ("attack", "n", "left out", *_STATISTICS), lines)
    for key, rows in grouped(data["controls"], *_ABOUT):
        title = f"controls · {_title(key)}"
        yield pivot(rows, notes, title=title, names={"control": "control"}, across=("opponent",))


def attack_lines(data: Data) -> Iterator[str]:
    """Yield what the attacks on each judge come to, in one sentence, and why items were left out.

    Args:
        data: With the tidy rows of `attacks` and `not_attacked`.
    """
    for key, rows in grouped(data["attacks"], *_ABOUT):
        *attacks, (_, overall) = _worst_first(rows)
        measured, notes = [net for _, (*_, net) in attacks if net["estimate"] is not None], Footnotes()
        mean = interval(overall[-1], notes)
        line = f"{_title(key)}: mean net rate {mean} over {len(measured)} attacks"
        for worst in measured[:1]:
            facts = f"net {interval(worst, notes)}, n {count(worst['n'])}"
            line += f". The worst attack is {visible(worst['attack'])} ({facts})"
        yield line
    for row in data["unattacked_items"]:
        judge = f"{visible(row['judge'])} on {visible(row['dataset'])}"
        items = "1 item is" if row["n"] == 1 else f"{count(row['n'])} items are"
        yield f"{judge}: {items} left out, because {row['reason']}"


def _worst_first(rows: list[Row]) -> list[tuple[str, list[Row]]]:
    """Return the rows of each attack, that with the highest net rate first, all of them together last.

    An attack that is not measured stands behind those that are.
    """
    by_attack = [(attack, statistics) for (attack,), statistics in grouped(rows, "attack")]
    return sorted(by_attack, key=lambda entry: (entry[0] == ALL_ATTACKS, *_falling(entry[1][-1]["estimate"])))


def _falling(estimate: float | None) -> tuple[bool, float]:
    return estimate is None, -(estimate or 0.0)


def _line(attack: str, rows: list[Row], notes: Footnotes) -> tuple[str, ...]:
    by_name = {row["statistic"]: row for row in rows}
    cells = (interval(by_name[name], notes) if name in by_name else "" for name in _STATISTICS)
    net = by_name["net"]
    return (visible(attack), count(net["n"]), count(net["n_excluded"]), *cells)


def _title(key: tuple[Any, ...]) -> str:
    dataset, judge, criterion = map(visible, key)
    return f"{judge} on {dataset} · {criterion}"
