"""A dataset: the records in a card's files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalhub.errors import SpecError, UnknownNameError
from evalhub.records import SHORT_DIGITS, Item, Judgment, Label, Response, Score, sort_key
from evalhub.sources import checks
from evalhub.sources.build import build
from evalhub.sources.columns import COLUMNS, read_rows
from evalhub.sources.files import locate_files
from evalhub.sources.item_criteria import refuse_dangling_criteria, with_criteria_of_items
from evalhub.sources.query import Answer, Limits, select
from evalhub.sources.replies import refuse_unknown_formats
from evalhub.sources.thoughts import warn_of_thinking
from evalhub.sources.turns import Turns, by_turn, with_turns
from evalhub.specs import Card
from evalhub.specs.card import CLIP

_NEED_RESPONSES = ("labels", "judgments", "scores")
_VERDICTS = ("labels", "judgments")


@dataclass(frozen=True, slots=True)
class Dataset:
    """The records of one dataset, each kind sorted by its key.

    Attributes:
        card: The dataset's card.
        path: The card's file.
        hashes: The sha256 of the card (under "card") and of each of its files.
        warnings: Oddities that are not errors.
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
    """Read a dataset, and refuse it if anything in it is wrong.

    Args:
        card: The card.
        card_path: The card's file.
        kinds: The kinds of records to read, such as "labels", by default all. The items, and the responses
            that verdicts are about, are read with them.
        limits: Limits of memory, time and output, by default 4 GiB, five minutes and 2 GiB.

    Returns:
        The records, sorted by key.

    Raises:
        InputError: A file is not on this machine.
        IntegrityError: A file does not have the pinned sha256.
        SpecError: The files, a SELECT or the records are wrong.
    """
    refuse_unknown_formats(card, str(card_path))
    names = _kinds_to_read(card, kinds, str(card_path))
    files = locate_files(card, card_path)
    answers, notes = select(card, card_path, files, kinds=names, limits=limits or Limits())
    blanks = checks.warn_of_blank_texts(read_rows("items", answers["items"], f"{card_path}:items"))
    card_hash = card.hash
    records: dict[str, list[Any]] = {}
    for kind in names:
        records[kind] = _records(card, kind, answers.pop(kind), f"{card_path}:{kind}", records)
    verdicts = (*records.get("labels", ()), *records.get("judgments", ()))
    card = with_criteria_of_items(with_turns(card, verdicts), verdicts, str(card_path))
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
            *checks.warn_of_shared_prompts(records["items"]),
            *warn_of_thinking(card, records.get("responses", [])),
        ),
    )


def _kinds_to_read(card: Card, kinds: Iterable[str] | None, where: str) -> tuple[str, ...]:
    names = set(COLUMNS if kinds is None else kinds)
    for kind in names - set(COLUMNS):
        raise UnknownNameError("kind of record", kind, COLUMNS, where=where)
    names.add("items")
    if names & set(_NEED_RESPONSES):
        names.add("responses")
    return tuple(kind for kind in COLUMNS if kind in names and kind in card.selects)


def _records(
    card: Card, kind: str, answer: Answer, where: str, records_by_kind: Mapping[str, list[Any]]
) -> list[Any]:
    records = build(card, kind, read_rows(kind, answer, where), where)
    if kind in _VERDICTS:
        turns = Turns(records_by_kind["items"], records_by_kind.get("responses", ()))
        records = by_turn(records, turns, where)
    rows = tuple(records) if kind not in _VERDICTS and len(records) == len(answer.rows) else ()
    records.sort(key=sort_key)
    if kind == "items" and not records:
        raise SpecError("the SELECT returns no items", where=where)
    checks.refuse_duplicates(records, where, rows)
    return records


def _check(card: Card, card_path: Path, records: Mapping[str, list[Any]]) -> None:
    items, responses = records["items"], records.get("responses")
    if responses is not None:
        checks.refuse_dangling_responses(responses, items, f"{card_path}:responses")
        checks.refuse_missing_systems(card, responses, str(card_path))
    for kind in _NEED_RESPONSES:
        if kind in records:
            checks.refuse_dangling(records[kind], items, responses, f"{card_path}:{kind}")
    for kind in _VERDICTS:
        refuse_dangling_criteria(records.get(kind, ()), items, card, f"{card_path}:{kind}")
    if card.clip != CLIP and not any(item.criteria for item in items):
        raise SpecError(
            "clip is the range of the score of the items' criteria, and no item brings any",
            where=f"{card_path}:clip",
            value=card.clip,
            fix="return the column criteria in items, or leave clip out",
        )
    checks.refuse_several_annotators(card, records.get("labels", []), str(card_path))


def _with_hashes(judgments: list[Judgment], responses: list[Response]) -> list[Judgment]:
    """Return the judgments with the hashes of the texts that they are about, system_a's first.

    A judgment with a text that is missing gets none.
    """
    sha256_of = {
        (response.item_id, response.system, response.sample): response.sha256 for response in responses
    }

    def with_hashes(judgment: Judgment) -> Judgment:
        keys = [(judgment.item_id, system, judgment.sample) for system in checks.systems_of(judgment)]
        hashes = tuple(sha256[:SHORT_DIGITS] for key in keys if (sha256 := sha256_of.get(key)))
        return replace(judgment, response_hashes=hashes if len(hashes) == len(keys) else ())

    return list(map(with_hashes, judgments))
