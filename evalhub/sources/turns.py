"""Labels and judgments of one turn. Each turn of a criterion is a criterion of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from evalhub.errors import SpecError
from evalhub.records import Item, Judgment, Label, Response
from evalhub.sources.checks import ids_of, systems_of
from evalhub.specs import Card


def turn_criterion(criterion: str, turn: int | None) -> str:
    """Return the name of a criterion for one turn.

    >>> turn_criterion("helpful", 2), turn_criterion("helpful", None)
    ('helpful@turn2', 'helpful')
    """
    return criterion if turn is None else f"{criterion}@turn{turn}"


class Turns:
    """The number of turns of the responses of a dataset."""

    def __init__(self, items: Iterable[Item], responses: Iterable[Response]) -> None:
        self._prompts = {item.item_id: len(item.turns) for item in items}
        self._answers = {
            (response.item_id, response.system, response.sample): len(response.turns)
            for response in responses
        }

    def of(self, verdict: Label | Judgment) -> int:
        """Return the highest turn that a verdict can be about."""
        answers = [
            self._answers.get((verdict.item_id, system, verdict.sample), 0) for system in systems_of(verdict)
        ]
        return max(1, self._prompts.get(verdict.item_id, 1), min(answers, default=0))


def by_turn(verdicts: Iterable[Any], turns: Turns, where: str) -> list[Any]:
    """Return verdicts with the criterion of their turn. The only turn of a response is the whole response.

    Raises:
        SpecError: A verdict names a turn that its response does not have.
    """
    return [
        verdict if verdict.turn is None else _of_turn(verdict, turns.of(verdict), where)
        for verdict in verdicts
    ]


def _of_turn(verdict: Label | Judgment, last: int, where: str) -> Label | Judgment:
    turn = verdict.turn or 1
    if turn > last:
        raise SpecError(
            f"a row names a turn that its response does not have ({ids_of(verdict)})",
            where=where,
            value=turn,
            allowed=f"1 to {last}",
        )
    if last == 1:
        return replace(verdict, turn=None)
    return replace(verdict, criterion=turn_criterion(verdict.criterion, turn))


def with_turns(card: Card, verdicts: Iterable[Label | Judgment]) -> Card:
    """Return the card with a criterion for each turn that verdicts are about."""
    criterion_turns = {(verdict.criterion, verdict.turn) for verdict in verdicts if verdict.turn is not None}
    criteria: Mapping[str, Any] = {
        name: card.criteria[name.removesuffix(f"@turn{turn}")].model_copy(update={"turn": turn})
        for name, turn in sorted(criterion_turns)
    }
    return card.model_copy(update={"criteria": {**card.criteria, **criteria}}) if criteria else card
