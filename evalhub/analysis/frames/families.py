"""Whose family is whose: judges and responses by one name where they share an ancestor."""

from __future__ import annotations

from collections.abc import Iterable

from evalhub.models import NOT_AN_LLM, UNKNOWN

APART = "only "

Families = tuple[str, ...]
Names = tuple[str, str | None, str | None]


def family_names(rows: Iterable[tuple[Families, Families, Families]]) -> list[Names]:
    """Name the families of a judge and of two responses so that equal names are shared ancestors.

    Lists that share an ancestor, or are linked by lists that do, go by one name: so a response is of the
    same family to every judge. Where that would join a judge with a response that it shares nothing with,
    the response goes by its own list in that row.

    Args:
        rows: Families of the judge, of response a and of response b.

    Returns:
        The three names of each row; None for a response of which it is not known whether it shares an
        ancestor with the judge. What no language model wrote is no judge's own.

    Example:
        >>> distilled = ("deepseek", "qwen")
        >>> family_names([(("llama",), distilled, ("llama",)), (("qwen",), distilled, ("unknown",))])
        [('llama', 'deepseek+qwen', 'llama'), ('deepseek+qwen', 'deepseek+qwen', None)]
    """
    rows = list(rows)
    different = set(rows)
    groups: list[set[str]] = []
    for families in {_ancestors(one) for row in different for one in row}:
        linked = [group for group in groups if group & families]
        groups = [group for group in groups if not group & families]
        groups.append(set(families).union(*linked))
    names = {member: "+".join(sorted(group)) for group in groups for member in group}
    found = {row: _named(row, names) for row in different}
    return [found[row] for row in rows]


def _named(row: tuple[Families, Families, Families], names: dict[str, str]) -> Names:
    judge, *sides = row
    own = _ancestors(judge)
    mine = names[min(own)] if own else f"{APART}{'+'.join(judge)}"
    first, second = (_side(judge, families, mine, names) for families in sides)
    return mine, first, second


def _side(judge: Families, families: Families, mine: str, names: dict[str, str]) -> str | None:
    theirs = _ancestors(families)
    if _ancestors(judge) & theirs:
        return mine
    if families == (NOT_AN_LLM,):
        return NOT_AN_LLM
    if UNKNOWN in {*judge, *families}:
        return None
    name = names[min(theirs)]
    return name if name != mine else f"{APART}{'+'.join(sorted(theirs))}"


def _ancestors(families: Families) -> frozenset[str]:
    return frozenset(families) - {UNKNOWN, NOT_AN_LLM}
