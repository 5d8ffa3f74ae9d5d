"""A judge of a run as a teacher: its probabilities are learned instead of labels."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from evalhub.analysis import Results
from evalhub.analysis.frames.verdicts import pair_verdicts
from evalhub.errors import InputError, SpecError, UnknownNameError
from evalhub.models import UNKNOWN


def teacher_rows(results: Results, datasets: Collection[str], teacher: str) -> Iterator[dict[str, Any]]:
    """Yield each pair that a judge gave a probability, its orders combined.

    Args:
        results: The run.
        datasets: The datasets to learn from.
        teacher: The judge or jury.

    Yields:
        dataset, item_id, criterion, system_a, system_b, sample, share (the probability that a is better).

    Raises:
        UnknownNameError: The run has no such judge of pairs.
        SpecError: The judge has several criteria.
        InputError: The run has no judgments of pairs, or the judge gave no probabilities.
    """
    frame = pair_verdicts(results)
    judges = sorted(set(frame["judge"]))
    if not judges:
        raise InputError(
            "a teacher's judgments of pairs stand in a run, and here are none",
            where="--teacher",
            value=teacher,
            fix="run a suite with the teacher as a judge, and name that run",
        )
    if teacher not in judges:
        raise UnknownNameError("judge of pairs", teacher, judges, where="--teacher")
    rows = frame[(frame["judge"] == teacher) & frame["dataset"].isin(list(datasets))]
    criteria = sorted(set(rows["criterion"]))
    if len(criteria) > 1:
        raise SpecError(
            "a teacher has one criterion", where="--teacher", value=f"{teacher}: {', '.join(criteria)}"
        )
    soft_rows = rows[rows["p_a"].notna()]
    if soft_rows.empty:
        raise InputError(
            "the teacher gave no probabilities of pairs",
            where="--teacher",
            value=teacher,
            fix="name a judge of mode direct, or a jury of such judges",
        )
    columns = ["dataset", "item_id", "criterion", "system_a", "system_b", "sample"]
    for values in soft_rows[[*columns, "p_a"]].itertuples(index=False, name=None):
        yield dict(zip([*columns, "share"], values, strict=True))


def teacher_families(results: Results, teacher: str) -> tuple[str, ...]:
    """Return the families of a judge or of all members of a jury. Whoever learns from them may favour them.

    Args:
        results: The run.
        teacher: The judge or jury.
    """
    members = next((jury.members for jury in results.juries if jury.id == teacher), (teacher,))
    families: list[str] = []
    for member in members:
        if member in results.judges:
            families += results.judges[member].families or (UNKNOWN,)
            continue
        uses = [card.judges[member] for card in results.cards.values() if member in card.judges]
        for family in [use.family for use in uses] or [UNKNOWN]:
            families += [family] if isinstance(family, str) else family
    return tuple(dict.fromkeys(families))
