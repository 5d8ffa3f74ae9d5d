"""The criteria that items bring along, in a card's rows, and the verdicts that are about one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from evalhub.errors import SpecError
from evalhub.records import Item, ItemCriterion, Judgment, Label, read_criteria
from evalhub.scales import Kind
from evalhub.sources.checks import ids_of
from evalhub.sources.messages import parse_json
from evalhub.specs import Card

_SHOWN = 20


def read_item_criteria(value: Any) -> tuple[ItemCriterion, ...]:
    """Return the criteria of an item: a list of structs, or JSON of one, with text, points, tags and id.

    Raises:
        ValueError: A criterion has another form, or the criteria together make no score.
    """
    values = parse_json(value)
    if isinstance(values, list):
        values = [parse_json(part) for part in values]
    return read_criteria(values)


def with_criteria_of_items(card: Card, verdicts: Iterable[Label | Judgment], where: str) -> Card:
    """Return the card, in which the criteria of verdicts on the items' criteria say so.

    Raises:
        SpecError: Some verdicts of a criterion name a criterion of their item and some do not.
    """
    subjects: dict[str, bool] = {name: True for name, spec in card.criteria.items() if spec.of_item}
    for verdict in verdicts:
        is_of_item = verdict.item_criterion is not None
        if subjects.setdefault(verdict.criterion, is_of_item) is not is_of_item:
            raise SpecError(
                "some rows of the criterion name a criterion of their item (item_criterion) and some do not "
                f"({ids_of(verdict)})",
                where=f"{where}:criteria.{verdict.criterion}",
                fix="give the verdicts on whole responses a criterion of their own",
            )
    criteria = {
        name: spec.model_copy(update={"of_item": True}) if subjects.get(name) else spec
        for name, spec in card.criteria.items()
    }
    return card.model_copy(update={"criteria": criteria}) if any(subjects.values()) else card


def refuse_dangling_criteria(
    verdicts: Iterable[Label | Judgment], items: Iterable[Item], card: Card, where: str
) -> None:
    """Refuse verdicts on a criterion that their item does not bring.

    Raises:
        SpecError: The item has no such criterion, or the verdict compares two responses or is of one turn.
    """
    ids: Mapping[str, list[str]] = {
        item.item_id: [criterion.id for criterion in item.criteria] for item in items
    }
    for verdict in verdicts:
        if verdict.item_criterion is None:
            continue
        if verdict.turn is not None or card.criteria[verdict.criterion].kind is Kind.PAIRWISE:
            raise SpecError(
                f"a criterion of an item is met or not by one whole response ({ids_of(verdict)})",
                where=where,
                fix="leave out item_criterion, or the turn or the second system",
            )
        if verdict.item_criterion not in ids[verdict.item_id]:
            raise SpecError(
                f"a row names a criterion that its item does not bring ({ids_of(verdict)})",
                where=where,
                value=verdict.item_criterion,
                allowed=ids[verdict.item_id][:_SHOWN] or "none, as the item has no criteria",
            )
