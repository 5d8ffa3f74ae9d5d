"""Gold cases held against their rubric: what exactly each of them expects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evalhub.errors import SpecError, UnknownNameError
from evalhub.judging.protocols.table import protocol_named
from evalhub.scales import Kind
from evalhub.specs import GoldCase, Rubric

_YES_NO = {"no": 0.0, "yes": 1.0}


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a judge must say of one case; one of range, winner and order is given.

    Attributes:
        words: For people.
        low: The lowest value that is right.
        high: The highest value that is right.
        winner: a, b or tie.
        order: The names of a list's responses, the best first.
    """

    case: str
    criterion: str
    words: str
    low: float | None = None
    high: float | None = None
    winner: str | None = None
    order: tuple[str, ...] = ()


def expectations(rubric: Rubric, cases: Iterable[GoldCase], where: str) -> tuple[Expectation, ...]:
    """Return what each case expects, and refuse a case that does not fit the rubric.

    Args:
        rubric: The rubric, already held against its protocol.
        cases: The cases.
        where: The file that they stand in.

    Raises:
        UnknownNameError: A case names a criterion that the rubric does not have.
        SpecError: A case lacks an input or a response, or expects what the judge cannot say.
    """
    return tuple(_expectation(rubric, case, f"{where}:{case.id}") for case in cases)


def _expectation(rubric: Rubric, case: GoldCase, where: str) -> Expectation:
    _check_inputs(rubric, case, where)
    criterion = _criterion(rubric, case, where)
    if rubric.shows == ("responses",):
        return _order(case, criterion, where)
    if rubric.kind is Kind.PAIRWISE:
        return _winner(rubric, case, criterion, where)
    return _range(rubric, case, criterion, where)


def _check_inputs(rubric: Rubric, case: GoldCase, where: str) -> None:
    shown = set(case.slot_texts) | ({"responses"} if case.responses is not None else set())
    if shown != set(rubric.shows):
        raise SpecError(
            "the case has other responses than the rubric shows",
            where=where,
            value=", ".join(sorted(shown)),
            allowed=", ".join(rubric.shows),
        )
    given = {"context": bool(case.context), "reference": bool(case.refs)}
    writes = protocol_named(rubric.protocol).writes
    for name, there in given.items():
        if name in rubric.inputs and name not in writes and not there:
            key = {"reference": "refs"}.get(name, name)
            raise SpecError(f"the rubric shows the {name}, and the case has none", where=f"{where}.{key}")
    for text in [*case.slot_texts.values(), *(case.responses or {}).values()]:
        if not isinstance(text, str) and len(text) != len(case.user_turns):
            raise SpecError("a response needs one answer for each of the user's turns", where=where)


def _criterion(rubric: Rubric, case: GoldCase, where: str) -> str:
    total = protocol_named(rubric.protocol).total
    known = [*rubric.criteria, *([total] if total else [])]
    if case.criterion is None:
        if total or len(known) == 1:
            return total or known[0]
        raise SpecError("the case must name one of the criteria", where=f"{where}.criterion", allowed=known)
    if case.criterion not in known:
        raise UnknownNameError("criterion", case.criterion, known, where=f"{where}.criterion")
    return case.criterion


def _only_expect(case: GoldCase, where: str) -> None:
    for key in ("at_least", "at_most"):
        if getattr(case, key) is not None:
            raise SpecError("only ratings have levels", where=f"{where}.{key}", fix="use expect")


def _order(case: GoldCase, criterion: str, where: str) -> Expectation:
    _only_expect(case, where)
    names, given = list(case.responses or {}), case.expect
    if len(names) < 2:
        raise SpecError("a list needs at least two responses", where=f"{where}.responses", value=names)
    if not isinstance(given, tuple) or sorted(given) != sorted(names):
        raise SpecError(
            "expect holds the names of all responses, the best first",
            where=f"{where}.expect",
            value=given,
            allowed=names,
        )
    return Expectation(case.id, criterion, " > ".join(given), order=given)


def _winner(rubric: Rubric, case: GoldCase, criterion: str, where: str) -> Expectation:
    _only_expect(case, where)
    allowed = ["a", "b", *(["tie"] if rubric.ties else [])]
    if case.expect not in allowed:
        raise SpecError(
            "the judge cannot say this", where=f"{where}.expect", value=case.expect, allowed=allowed
        )
    return Expectation(case.id, criterion, str(case.expect), winner=str(case.expect))


def _range(rubric: Rubric, case: GoldCase, criterion: str, where: str) -> Expectation:
    if case.expect is not None:
        value = _value(rubric, criterion, case.expect, f"{where}.expect")
        return Expectation(case.id, criterion, str(case.expect), low=value, high=value)
    ends = [
        None if given is None else _value(rubric, criterion, given, f"{where}.{key}")
        for key, given in (("at_least", case.at_least), ("at_most", case.at_most))
    ]
    low, high = ends
    if low is not None and high is not None and low > high:
        raise SpecError("at_least is above at_most", where=where, value=f"{case.at_least}, {case.at_most}")
    given = (("at least", case.at_least), ("at most", case.at_most))
    words = ", ".join(f"{which} {level}" for which, level in given if level is not None)
    return Expectation(case.id, criterion, words, low=low, high=high)


def _value(rubric: Rubric, criterion: str, level: object, where: str) -> float:
    """Return what a level counts; of a checklist's total any share from 0 to 1."""
    total = protocol_named(rubric.protocol).total
    values = level_values(rubric, criterion)
    label = str(level).lower() if total else str(level)
    if criterion == total and isinstance(level, int | float) and 0 <= level <= 1:
        return float(level)
    if criterion == total or label not in values:
        allowed = "0 to 1" if criterion == total else ", ".join(values)
        raise SpecError("this is no level of the criterion", where=where, value=level, allowed=allowed)
    return values[label]


def level_values(rubric: Rubric, criterion: str) -> dict[str, float]:
    """Return what each label of a rating counts; yes and no for a checklist's criteria."""
    scale = rubric.scale_for(criterion)
    if scale is None:
        return dict(_YES_NO)
    return {level.label: level.value for level in scale.levels if level.value is not None}
