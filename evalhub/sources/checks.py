"""Checks between the records of one dataset."""

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


def refuse_duplicates(records: Sequence[Any], where: str, rows: Sequence[Any] = ()) -> None:
    """Refuse two records with the same key.

    Args:
        records: Records of one kind, sorted by key.
        where: The card and its key.
        rows: The same records in the order of the rows of the SELECT. Empty = a record is not one row.

    Raises:
        SpecError: Two records have the same key, which the message names, with their rows.
    """
    for before, after in pairwise(records):
        if key_of(before) == key_of(after):
            kind = where.rpartition(":")[2]
            numbers = [n for n, record in enumerate(rows, 1) if key_of(record) == key_of(after)]
            raise SpecError(
                f"two {kind} have the same ids ({ids_of(after)})",
                where=where,
                value=f"rows {', '.join(map(str, numbers[:5]))} of the SELECT" if numbers else None,
                fix="give them different ids, or leave one out in the SELECT",
            )


def ids_of(record: Any) -> str:
    """Return the ids of a record in words, without those that are absent or 0."""
    ids = zip(record.KEY, key_of(record), strict=True)
    return ", ".join(f"{name} {str(value)!r}" for name, value in ids if value not in (None, 0, ""))


def refuse_dangling(
    records: Iterable[Label | Judgment | Score],
    items: Iterable[Item],
    responses: Iterable[Response] | None,
    where: str,
) -> None:
    """Refuse verdicts and scores of an item or a response that the dataset lacks.

    Args:
        records: Labels, judgments or scores.
        items: All the items.
        responses: All the responses. None if the card has none, so that votes without texts are allowed.
        where: The card and its key.

    Raises:
        SpecError: The item or the response is unknown. The message names it.
    """
    kind = where.rpartition(":")[2].removesuffix("s")
    item_ids = {item.item_id for item in items}
    response_keys = (
        None
        if responses is None
        else {(response.item_id, response.system, response.sample) for response in responses}
    )
    for record in records:
        if record.item_id not in item_ids:
            raise SpecError(
                f"a {kind} is about an item that `items` does not return ({ids_of(record)})",
                where=where,
                value=record.item_id,
            )
        for system in systems_of(record):
            if response_keys is not None and (record.item_id, system, record.sample) not in response_keys:
                raise SpecError(
                    f"a {kind} is about a response that `responses` does not return "
                    f"(item {record.item_id!r}, system {system!r}, sample {record.sample})",
                    where=where,
                )


def systems_of(record: Label | Judgment | Score) -> tuple[str, ...]:
    """Return the system or the two systems that a verdict or score is about."""
    if isinstance(record, Score):
        return (record.system,)
    return tuple(system for system in (record.system, record.system_a, record.system_b) if system is not None)


def refuse_dangling_responses(responses: Iterable[Response], items: Iterable[Item], where: str) -> None:
    """Refuse responses to items that the dataset lacks, or to turns that their item lacks.

    Raises:
        SpecError: The item is unknown, or has fewer turns than the response. The message names it.
    """
    turns = {item.item_id: len(item.turns) for item in items}
    for response in responses:
        if response.item_id not in turns:
            raise SpecError(
                f"a response answers an item that `items` does not return ({ids_of(response)})",
                where=where,
                value=response.item_id,
            )
        if 0 < turns[response.item_id] < len(response.turns):
            raise SpecError(
                f"a response has more turns than its item ({ids_of(response)})",
                where=where,
                value=f"{len(response.turns)} turns",
                allowed=f"at most {turns[response.item_id]}",
            )


_RULE = {Kind.PAIRWISE: "majority", Kind.POINTWISE: "mean"}


def refuse_several_annotators(card: Card, labels: Sequence[Label], where: str) -> None:
    """Refuse several annotators of one response if the card has no rule that makes one label of them.

    Raises:
        SpecError: The criterion lacks `consensus`, or its `consensus` matches no annotator.
    """
    annotator_of: dict[tuple[Any, ...], str] = {}
    people = {(label.criterion, label.annotator) for label in labels}
    for criterion, spec in card.criteria.items():
        names = sorted(annotator for name, annotator in people if name == criterion)
        if (
            spec.consensus
            and names
            and not any(fnmatchcase(name, spec.consensus.annotators) for name in names)
        ):
            raise SpecError(
                "no annotator matches",
                where=f"{where}:criteria.{criterion}.consensus.annotators",
                value=spec.consensus.annotators,
                allowed=names[:20],
            )
    for label in labels:
        spec = card.criteria[label.criterion]
        if spec.consensus is None:
            key = (*key_of(label)[:-1], label.annotator_kind)
            if annotator_of.setdefault(key, label.annotator) != label.annotator:
                raise SpecError(
                    f"several annotators have a label ({ids_of(label)})",
                    where=f"{where}:criteria.{label.criterion}",
                    fix=f"write a rule for one label into consensus, such as {{by: {_RULE[spec.kind]}}}",
                )


def warn_of_shared_prompts(items: Iterable[Item]) -> tuple[str, ...]:
    """Return a warning if several clusters share a prompt, as they are then not independent."""
    clusters: Mapping[tuple[Any, ...], set[str]] = defaultdict(set)
    for item in items:
        if item.turns:
            clusters[item.turns, item.context, item.messages].add(item.cluster)
    count = sum(len(names) > 1 for names in clusters.values())
    if not count:
        return ()
    return (f"{count} prompts are in more than one cluster: give such items one `cluster`",)


def warn_of_blank_texts(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return warnings about an items' SELECT: blank texts that are left out, and absent prompts.

    Args:
        rows: The rows as `columns.read_rows` yields them.
    """
    counts: Counter[str] = Counter()
    for row in rows:
        for name in _LISTS:
            counts[name] += sum(map(is_blank, _flat(row[name] or ())))
        prompts = (row["prompt"] or "", *(row["turns"] or ()))
        counts["prompt"] += not row["messages"] and all(map(is_blank, prompts))
    warnings = [f"{counts[name]} blank texts in {name} are left out" for name in _LISTS if counts[name]]
    if counts["prompt"]:
        warnings.append(f"{counts['prompt']} items have no prompt: nothing can be generated or judged there")
    return tuple(warnings)


def _flat(texts: Iterable[Any]) -> Iterator[str]:
    for text in texts:
        yield from (text,) if isinstance(text, str) else text


def refuse_missing_systems(card: Card, responses: Iterable[Response], where: str) -> None:
    """Refuse a reference system that no response names.

    Raises:
        SpecError: The card's `reference_systems` names a system without responses.
    """
    systems = {response.system for response in responses}
    for system in card.reference_systems:
        if system not in systems:
            raise UnknownNameError("system", system, systems, where=f"{where}:reference_systems")
