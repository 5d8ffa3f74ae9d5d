"""A dataset: everything that a card's files hold, as records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalhub.errors import SpecError, UnknownNameError
from evalhub.records import Item, Judgment, Label, Response, Score, sort_key
from evalhub.sources import checks
from evalhub.sources.build import build
from evalhub.sources.columns import COLUMNS, typed
from evalhub.sources.files import locate_files
from evalhub.sources.query import Answer, Limits, select
from evalhub.sources.replies import refuse_unknown_formats
from evalhub.sources.thoughts import thinking_warnings
from evalhub.sources.turns import Turns, by_turn, with_turns
from evalhub.specs import Card

_NEED_RESPONSES = ("labels", "judgments", "scores")
_OF_TURNS = ("labels", "judgments")


@dataclass(frozen=True, slots=True)
class Dataset:
    """The records of one dataset, each kind sorted by its key.

    Attributes:
        card: The card that they were read by.
        path: The file that the card stands in.
        hashes: The sha256 of the card (under "card") and of each of its files.
        warnings: What was found odd but not wrong.
    """

    card: Card
    path: Path
    items: tuple[Item, ...]
    responses: tuple[Response, ...]
    labels: tuple[Label, ...]
    judgments: tuple[Judgment, ...]
    scores: tuple[Score, ...]
    hashes: Mapping[str, str]
    warnings: tuple[str, ...] = ()


def load(
    card: Card, card_path: Path, kinds: Iterable[str] | None = None, *, limits: Limits | None = None
) -> Dataset:
    """Read a dataset, and refuse it where anything in it is wrong.

    Args:
        card: The card.
        card_path: The file that it stands in.
        kinds: Which kinds of records to read, such as "labels"; all by default. The items, and
            the responses that verdicts are about, are read with them.
        limits: What reading may take; 4 GiB and five minutes by default.

    Returns:
        The records, sorted by key.

    Raises:
        InputError: A file is not on this machine.
        IntegrityError: A file is not the one that the card pins.
        SpecError: The files, a SELECT or the records are not what the card says.
    """
    refuse_unknown_formats(card, str(card_path))
    wanted = _wanted(card, kinds, str(card_path))
    files = locate_files(card, card_path)
    answers, notes = select(card, card_path, files, kinds=wanted, limits=limits or Limits())
    blanks = checks.blank_texts(typed("items", answers["items"], f"{card_path}:items"))
    card_hash = card.hash
    records: dict[str, list[Any]] = {}
    for kind in wanted:
        records[kind] = _records(card, kind, answers.pop(kind), f"{card_path}:{kind}", records)
    card = with_turns(card, (*records.get("labels", ()), *records.get("judgments", ())))
    _check(card, card_path, records)
    if "judgments" in records:
        records["judgments"] = _with_hashes(records["judgments"], records.get("responses", []))
    return Dataset(
        card=card,
        path=card_path,
        **{kind: tuple(records.get(kind, ())) for kind in COLUMNS},
        hashes={"card": card_hash, **{p: h for spec in card.files.values() for p, h in spec.hashes.items()}},
        warnings=(
            *notes,
            *blanks,
            *checks.shared_prompts(records["items"]),
            *thinking_warnings(card, records.get("responses", [])),
        ),
    )


def _wanted(card: Card, kinds: Iterable[str] | None, where: str) -> tuple[str, ...]:
    asked = set(COLUMNS if kinds is None else kinds)
    for kind in asked - set(COLUMNS):
        raise UnknownNameError("kind of record", kind, COLUMNS, where=where)
    asked.add("items")
    if asked & set(_NEED_RESPONSES):
        asked.add("responses")
    return tuple(kind for kind in COLUMNS if kind in asked and kind in card.selects)


def _records(card: Card, kind: str, answer: Answer, where: str, known: Mapping[str, list[Any]]) -> list[Any]:
    records = build(card, kind, typed(kind, answer, where), where)
    if kind in _OF_TURNS:
        records = by_turn(records, Turns(known["items"], known.get("responses", ())), where)
    records.sort(key=sort_key)
    if kind == "items" and not records:
        raise SpecError("the SELECT returns no items", where=where)
    checks.refuse_twins(records, where)
    return records


def _check(card: Card, card_path: Path, records: Mapping[str, list[Any]]) -> None:
    items, responses = records["items"], records.get("responses")
    if responses is not None:
        checks.refuse_strange_responses(responses, items, f"{card_path}:responses")
        checks.refuse_missing_systems(card, responses, str(card_path))
    for kind in _NEED_RESPONSES:
        if kind in records:
            checks.refuse_strangers(records[kind], items, responses, f"{card_path}:{kind}")
    checks.refuse_undecided(card, records.get("labels", []), str(card_path))


def _with_hashes(judgments: list[Judgment], responses: list[Response]) -> list[Judgment]:
    """Return the judgments with the hashes of the texts that they are about, system_a's first."""
    hashes = {(one.item_id, one.system, one.sample): one.sha256 for one in responses}
    found = []
    for one in judgments:
        each = [hashes.get((one.item_id, system, one.sample)) for system in checks.systems_of(one)]
        known = tuple(sha256 for sha256 in each if sha256)
        found.append(replace(one, response_hashes=known if len(known) == len(each) else ()))
    return found
