"""A run's records with the two systems of every pair exchanged."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from evalhub.records import Item, Judgment, Label, Record, Response, Score


def exchanged_names(records: Iterable[Record]) -> dict[str, str]:
    """Return a renaming of the systems that reverses their order, so that a and b change places."""
    systems = {record.system for record in records if isinstance(record, Response | Score)}
    for record in records:
        if isinstance(record, Judgment | Label):
            systems |= {record.system, record.system_a, record.system_b} - {None}
    names = sorted(system for system in systems if system)
    return dict(zip(names, reversed(names), strict=True))


def exchanged(record: Record, names: Mapping[str, str]) -> Record:
    """Return a record with its systems renamed; the verdict of a pair follows its systems."""
    if isinstance(record, Response | Score):
        return replace(record, system=names[record.system])
    if isinstance(record, Item) or not isinstance(record, Judgment | Label):
        return record
    if record.system is not None:
        return replace(record, system=names[record.system])
    record = replace(
        record,
        system_a=names[str(record.system_b)],
        system_b=names[str(record.system_a)],
        winner=record.winner and record.winner.swapped(),
        shown=record.shown and record.shown.swapped(),
    )
    if isinstance(record, Label):
        return record
    sides = {"a": "b", "b": "a", "tie": "tie"}
    logprobs = record.logprobs and {sides[name]: value for name, value in record.logprobs.items()}
    return replace(
        record,
        p_a=None if record.p_a is None else 1 - record.p_a,
        logprobs=logprobs,
        response_hashes=record.response_hashes[::-1],
    )
