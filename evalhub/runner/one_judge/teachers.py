"""A judge of a run as a teacher: its probabilities are learned instead of labels."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from evalhub.analysis import Results
from evalhub.analysis.frames.verdicts import pair_verdicts
from evalhub.errors import EvalhubError, InputError, SpecError, UnknownNameError
from evalhub.models import UNKNOWN
from evalhub.models import resolve as resolve_model
from evalhub.records import digest


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


def teacher_items(results: Results, teacher: str) -> frozenset[str]:
    """Return the items that a judge, or a member of a jury, was trained on. Its student knows of them too.

    Args:
        results: The run.
        teacher: The judge or jury.

    Returns:
        Their prompts, as `prompt_sha256` gives them.

    Raises:
        InputError: The model is not at hand as it was, so that its items are not known any more.
    """
    uses = {use.id: use for use in results.suite.judges}
    models = results.manifest.resolved.models
    items: set[str] = set()
    for member in _members(results, teacher):
        recorded = models[member].trained_on if member in models else None
        if recorded is None:
            continue
        use = uses[member]
        try:
            trained_on = resolve_model(use.model, adapter=use.adapter, download=False).trained_on
        except EvalhubError:
            trained_on = frozenset()
        if digest(sorted(trained_on)) != recorded.sha256:
            raise InputError(
                "the teacher was trained on items that are not known any more, so that its student could not "
                "be kept from them",
                where="--teacher",
                value=f"{member}: {use.adapter or use.model}",
                fix="put the model back where it was when the run was made",
            )
        items |= trained_on
    return frozenset(items)


def _members(results: Results, teacher: str) -> tuple[str, ...]:
    return next((jury.members for jury in results.juries if jury.id == teacher), (teacher,))


def teacher_families(results: Results, teacher: str) -> tuple[str, ...]:
    """Return the families of a judge or of all members of a jury. Whoever learns from them may favour them.

    Args:
        results: The run.
        teacher: The judge or jury.
    """
    families: list[str] = []
    for member in _members(results, teacher):
        if member in results.judges:
            families += results.judges[member].families or (UNKNOWN,)
            continue
        uses = [card.judges[member] for card in results.cards.values() if member in card.judges]
        for family in [use.family for use in uses] or [UNKNOWN]:
            families += [family] if isinstance(family, str) else family
    return tuple(dict.fromkeys(families))
