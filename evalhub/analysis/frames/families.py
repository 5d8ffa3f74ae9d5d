"""Family names: judges and responses get one name where their models share an ancestor."""

from __future__ import annotations

from collections.abc import Iterable

from evalhub.models import NOT_AN_LLM, UNKNOWN

APART = "only "

Families = tuple[str, ...]
Names = tuple[str, str | None, str | None]


def family_names(rows: Iterable[tuple[Families, Families, Families]]) -> list[Names]:
    """Name the families of a judge and of two responses so that equal names mean a shared ancestor.

    Lists of families that share an ancestor get one name, also when other lists link them. So a response has
    the same family name for every judge. If that would join a judge with a response that shares no ancestor
    with it, the response is named by its own list in that row.

    Args:
        rows: Families of the judge, of response a and of response b.

    Returns:
        The three names of each row. None for a response where it is not known whether it shares an ancestor
        with the judge. A response that no language model wrote is in no judge's family.

    Example:
        >>> distilled = ("deepseek", "qwen")
        >>> family_names([(("llama",), distilled, ("llama",)), (("qwen",), distilled, ("unknown",))])
        [('llama', 'deepseek+qwen', 'llama'), ('deepseek+qwen', 'deepseek+qwen', None)]
    """
    rows = list(rows)
    different = set(rows)
    groups: list[set[str]] = []
    for families in {_ancestors(row_families) for row in different for row_families in row}:
        linked = [group for group in groups if group & families]
        groups = [group for group in groups if not group & families]
        groups.append(set(families).union(*linked))
    names = {member: "+".join(sorted(group)) for group in groups for member in group}
    names_by_row = {row: _row_names(row, names) for row in different}
    return [names_by_row[row] for row in rows]


def _row_names(row: tuple[Families, Families, Families], names: dict[str, str]) -> Names:
    judge, *sides = row
    ancestors = _ancestors(judge)
    judge_name = names[min(ancestors)] if ancestors else f"{APART}{'+'.join(judge)}"
    first, second = (_side_name(judge, families, judge_name, names) for families in sides)
    return judge_name, first, second


def _side_name(judge: Families, families: Families, judge_name: str, names: dict[str, str]) -> str | None:
    ancestors = _ancestors(families)
    if _ancestors(judge) & ancestors:
        return judge_name
    if families == (NOT_AN_LLM,):
        return NOT_AN_LLM
    if UNKNOWN in {*judge, *families}:
        return None
    name = names[min(ancestors)]
    return name if name != judge_name else f"{APART}{'+'.join(sorted(ancestors))}"


def _ancestors(families: Families) -> frozenset[str]:
    return frozenset(families) - {UNKNOWN, NOT_AN_LLM}
