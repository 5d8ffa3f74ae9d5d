"""What holds between the records of one dataset."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any

from evalhub.errors import SpecError, UnknownNameError
from evalhub.records import Item, Judgment, Label, Response, Score, key_of
from evalhub.scales import Kind
from evalhub.specs import Card
from evalhub.texts import is_blank

_LISTS = ("refs", "context", "tags")


def refuse_twins(records: Sequence[Any], where: str) -> None:
    """Refuse two records with one key; `records` are sorted by it.

    Raises:
        SpecError: Two records have the same key; the message says which.
    """
    for before, after in pairwise(records):
        if key_of(before) == key_of(after):
            kind = where.rpartition(":")[2]
            raise SpecError(
                f"two {kind} are the same by their ids ({named(after)})",
                where=where,
                fix="tell them apart, or leave one out in the SELECT",
            )


def named(record: Any) -> str:
    """Return the ids of a record in words, without what is absent or 0."""
    ids = zip(record.KEY, key_of(record), strict=True)
    return ", ".join(f"{name} {str(value)!r}" for name, value in ids if value not in (None, 0, ""))


def refuse_strangers(
    records: Iterable[Label | Judgment | Score],
    items: Iterable[Item],
    responses: Iterable[Response] | None,
    where: str,
) -> None:
    """Refuse verdicts and scores of an item, or of a response, that the dataset does not hold.

    Args:
        records: Labels, judgments or scores.
        items: All the items.
        responses: All the responses; None where the card has none, so that votes without texts are allowed.
        where: The card and its key.

    Raises:
        SpecError: The item or the response is unknown; the message says which.
    """
    kind = where.rpartition(":")[2].removesuffix("s")
    item_ids = {item.item_id for item in items}
    known = None if responses is None else {(one.item_id, one.system, one.sample) for one in responses}
    for record in records:
        if record.item_id not in item_ids:
            raise SpecError(
                f"a {kind} is about an item that `items` does not return ({named(record)})",
                where=where,
                value=record.item_id,
            )
        for system in systems_of(record):
            if known is not None and (record.item_id, system, record.sample) not in known:
                raise SpecError(
                    f"a {kind} is about a response that `responses` does not return "
                    f"(item {record.item_id!r}, system {system!r}, sample {record.sample})",
                    where=where,
                )


def systems_of(record: Label | Judgment | Score) -> tuple[str, ...]:
    """Return the system or the two systems that a verdict or score is about."""
    if isinstance(record, Score):
        return (record.system,)
    return tuple(one for one in (record.system, record.system_a, record.system_b) if one is not None)


def refuse_strange_responses(responses: Iterable[Response], items: Iterable[Item], where: str) -> None:
    """Refuse responses to items that the dataset does not hold, or to turns that their item does not have.

    Raises:
        SpecError: The item is unknown, or has fewer turns than the response; the message says which.
    """
    turns = {item.item_id: len(item.turns) for item in items}
    for response in responses:
        if response.item_id not in turns:
            raise SpecError(
                f"a response answers an item that `items` does not return ({named(response)})",
                where=where,
                value=response.item_id,
            )
        if 0 < turns[response.item_id] < len(response.turns):
            raise SpecError(
                f"a response has more turns than its item ({named(response)})",
                where=where,
                value=f"{len(response.turns)} turns",
                allowed=f"at most {turns[response.item_id]}",
            )


_RULE = {Kind.PAIRWISE: "majority", Kind.POINTWISE: "mean"}


def refuse_undecided(card: Card, labels: Sequence[Label], where: str) -> None:
    """Refuse several annotators of one response where the card does not say how they become one label.

    Raises:
        SpecError: The criterion lacks `truth`, or its `truth` counts nobody.
    """
    seen: dict[tuple[Any, ...], str] = {}
    people = {(label.criterion, label.annotator) for label in labels}
    for criterion, spec in card.criteria.items():
        names = sorted(name for labelled, name in people if labelled == criterion)
        if spec.truth and names and not any(fnmatchcase(name, spec.truth.annotators) for name in names):
            raise SpecError(
                "no annotator matches",
                where=f"{where}:criteria.{criterion}.truth.annotators",
                value=spec.truth.annotators,
                allowed=names[:20],
            )
    for label in labels:
        spec = card.criteria[label.criterion]
        if spec.truth is None:
            key = (*key_of(label)[:-1], label.annotator_kind)
            if seen.setdefault(key, label.annotator) != label.annotator:
                raise SpecError(
                    f"several annotators labelled the same ({named(label)})",
                    where=f"{where}:criteria.{label.criterion}",
                    fix=f"say in truth how they become one label, such as {{by: {_RULE[spec.kind]}}}",
                )


def shared_prompts(items: Iterable[Item]) -> tuple[str, ...]:
    """Return a warning where one prompt stands in several clusters: they are not independent."""
    clusters: Mapping[tuple[Any, ...], set[str]] = defaultdict(set)
    for item in items:
        if item.turns:
            clusters[item.turns, item.context, item.messages].add(item.cluster)
    shared = sum(len(one) > 1 for one in clusters.values())
    if not shared:
        return ()
    return (f"{shared} prompts stand in more than one cluster: give such items one `cluster`",)


def blank_texts(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return what is to be told of an items' SELECT: blank texts that are left out, and absent prompts.

    Args:
        rows: The rows as `columns.typed` yields them.
    """
    counts: Counter[str] = Counter()
    for row in rows:
        for name in _LISTS:
            counts[name] += sum(map(is_blank, _flat(row[name] or ())))
        prompts = (row["prompt"] or "", *(row["turns"] or ()))
        counts["prompt"] += not row["messages"] and all(map(is_blank, prompts))
    told = [f"{counts[name]} blank texts in {name} are left out" for name in _LISTS if counts[name]]
    if counts["prompt"]:
        told.append(f"{counts['prompt']} items have no prompt: nothing can be generated or judged there")
    return tuple(told)


def _flat(texts: Iterable[Any]) -> Iterator[str]:
    for text in texts:
        yield from (text,) if isinstance(text, str) else text


def refuse_missing_systems(card: Card, responses: Iterable[Response], where: str) -> None:
    """Refuse a reference system that no response names.

    Raises:
        SpecError: The card's `reference_systems` names a system without responses.
    """
    known = {response.system for response in responses}
    for system in card.reference_systems:
        if system not in known:
            raise UnknownNameError("system", system, known, where=f"{where}:reference_systems")
