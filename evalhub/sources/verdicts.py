"""The verdict of a label or of a recorded judge, checked against its criterion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalhub.errors import SpecError, UnknownNameError
from evalhub.judging import with_exact_complement
from evalhub.records import FailureKind
from evalhub.scales import Kind, Winner
from evalhub.sources.columns import place
from evalhub.specs import Card, CriterionSpec, RecordedJudge

_TIE = 1e-6


def criterion_of(card: Card, row: Mapping[str, Any], where: str) -> CriterionSpec:
    """Return the criterion that a row names.

    Raises:
        UnknownNameError: The card has no such criterion.
    """
    name = row["criterion"]
    if name not in card.criteria:
        raise UnknownNameError("criterion", name, card.criteria, where=where)
    return card.criteria[name]


def sides(row: Mapping[str, Any], spec: CriterionSpec, where: str) -> tuple[dict[str, Any], bool]:
    """Return the systems of a verdict, a pair in bytewise order, and whether its sides were swapped.

    Raises:
        SpecError: The systems do not fit the criterion's kind, or a system is paired with itself.
    """
    single, a, b = row["system"], row["system_a"], row["system_b"]
    if spec.kind is Kind.POINTWISE:
        if single is None or a is not None or b is not None:
            raise SpecError(f"a pointwise criterion rates one system ({place(row)})", where=where)
        return {"system": single}, False
    if single is not None or a is None or b is None:
        raise SpecError(f"a pairwise criterion compares system_a with system_b ({place(row)})", where=where)
    if a == b:
        raise SpecError(f"a system is paired with itself ({place(row)})", where=where, value=a)
    is_swapped = b.encode() < a.encode()
    return ({"system_a": b, "system_b": a} if is_swapped else {"system_a": a, "system_b": b}), is_swapped


def bounds(spec: CriterionSpec) -> tuple[float, float] | None:
    """Return the lowest and highest value of a pointwise criterion.

    >>> bounds(CriterionSpec(kind="pointwise", levels={1: "poor", 2: "good"}))
    (1.0, 2.0)
    """
    if spec.range is not None:
        return spec.range
    if spec.scale is None:
        return None
    return min(spec.scale.values), max(spec.scale.values)


def value_of(row: Mapping[str, Any], spec: CriterionSpec, where: str) -> float | None:
    """Return the value of a pointwise label: a level's label or value, or a number within the range.

    None for a level that is not applicable.

    Raises:
        SpecError: The value is missing, or the criterion does not allow it.
    """
    value = row["value"]
    if value is None or row["winner"] is not None:
        raise SpecError(f"a pointwise verdict is a value ({place(row)})", where=where)
    scale = spec.scale
    level = scale.level_of(value) if scale else None
    if level is not None:
        return level.value
    if isinstance(value, str):
        raise _not_allowed(row, where, scale.names if scale else "a number")
    low, high = bounds(spec) or (0.0, 0.0)
    is_continuous = scale is None or (spec.raters or 1) > 1
    if not is_continuous or not low <= value <= high:
        raise _not_allowed(row, where, scale.names if scale else f"a number from {low:g} to {high:g}")
    return float(value)


def winner_of(row: Mapping[str, Any], spec: CriterionSpec, where: str) -> Winner:
    """Return the winner of a pairwise label, as the SELECT names the sides.

    Raises:
        SpecError: The winner is missing, or the criterion does not allow it.
    """
    winner = row["winner"]
    if winner is None or row["value"] is not None:
        raise SpecError(f"a pairwise verdict is a winner ({place(row)})", where=where)
    if winner not in (spec.levels or ()):
        raise _not_allowed(row, where, [str(level) for level in spec.levels or ()], value=str(winner))
    return Winner(winner)


def _not_allowed(row: Mapping[str, Any], where: str, allowed: Any, value: Any = None) -> SpecError:
    return SpecError(
        f"the verdict is not allowed by its criterion ({place(row)})",
        where=where,
        value=row["value"] if value is None else value,
        allowed=allowed,
    )


def recorded_verdict(row: Mapping[str, Any], card: Card, spec: CriterionSpec, where: str) -> dict[str, Any]:
    """Return the verdict or failure of a recorded judge. A reply off the scale is a failure, not an error.

    Raises:
        SpecError: The verdict is of the other kind, has a failure beside it, or has a winner that
            contradicts p_a.
    """
    columns = [name for name in ("value", "winner", "p_a", "failure") if row[name] is not None]
    fits = {"value"} if spec.kind is Kind.POINTWISE else {"winner", "p_a"}
    if not set(columns) <= fits | {"failure"} or ("failure" in columns and len(columns) > 1):
        raise SpecError(
            f"a recorded judgment is one failure or one verdict of its criterion's kind ({place(row)})",
            where=where,
            value=columns,
            allowed=[*sorted(fits), "failure"],
        )
    if not columns:
        judge = card.judges.get(row["judge"], RecordedJudge())
        return unparsed_verdict(judge, spec, row, FailureKind.PARSE, "no verdict is recorded", where)
    if "failure" in columns:
        if row["failure"] is FailureKind.NOT_APPLICABLE and spec.kind is Kind.PAIRWISE:
            raise SpecError(f"only a rating can be not applicable ({place(row)})", where=where)
        return {"failure": row["failure"]}
    if spec.kind is Kind.PAIRWISE:
        p_a = None if row["p_a"] is None else with_exact_complement(row["p_a"])
        return {"winner": _recorded_winner(row, where), "p_a": p_a}
    return _recorded_value(row, card, spec, where)


def unparsed_verdict(
    judge: RecordedJudge,
    spec: CriterionSpec,
    row: Mapping[str, Any],
    failure: FailureKind,
    reason: str | None,
    where: str,
) -> dict[str, Any]:
    """Return the failure, or the tie by the card's `unparsed_as`, of a verdict that is NULL or unread.

    Raises:
        SpecError: The criterion does not allow the card's `unparsed_as`.
    """
    if judge.unparsed_as == "wrong" and spec.kind is Kind.POINTWISE:
        raise SpecError(f"unparsed_as: wrong needs a pairwise criterion ({place(row)})", where=where)
    if judge.unparsed_as != "tie":
        return {"failure": failure, "detail": reason}
    if Winner.TIE not in (spec.levels or ()):
        raise SpecError(f"unparsed_as: tie needs a criterion that allows a tie ({place(row)})", where=where)
    return {"winner": Winner.TIE, "detail": f"counted as a tie: {reason}"}


def _recorded_winner(row: Mapping[str, Any], where: str) -> Winner:
    column, p_a = row["winner"], row["p_a"]
    winner: Winner = column if p_a is None else _side(p_a)
    if column not in (None, winner):
        raise SpecError(
            f"the winner contradicts p_a ({place(row)})",
            where=where,
            value=f"winner {column}, p_a {p_a:g}",
            allowed=f"winner {winner} with this p_a",
            fix="give one of the two, or both where they agree",
        )
    return winner


def _recorded_value(row: Mapping[str, Any], card: Card, spec: CriterionSpec, where: str) -> dict[str, Any]:
    judge = card.judges.get(row["judge"])
    limits = (judge.range if judge else None) or bounds(spec)
    value = row["value"]
    has_range = judge is not None and judge.range is not None
    level = spec.scale.level_of(value) if spec.scale and (isinstance(value, str) or not has_range) else None
    if level is not None and not level.applicable:
        return {"failure": FailureKind.NOT_APPLICABLE, "detail": level.meaning}
    if isinstance(value, str):
        value = value_of(row, spec, where)
    if limits and not limits[0] <= value <= limits[1]:
        return {"failure": FailureKind.OFF_SCALE, "detail": f"{value:g}"}
    return {"value": value}


def _side(p_a: float) -> Winner:
    if abs(p_a - 0.5) < _TIE:
        return Winner.TIE
    return Winner.A if p_a > 0.5 else Winner.B
