"""Gold cases checked against their rubric: the verdict that each of them expects."""

from __future__ import annotations

from collections.abc import Iterable

from evalhub.errors import SpecError, UnknownNameError
from evalhub.judging.protocols.table import find_protocol
from evalhub.scales import Kind, Shape
from evalhub.specs import Expectation, GoldCase, Rubric

_YES_NO = {"no": 0.0, "yes": 1.0}


def expectations(rubric: Rubric, cases: Iterable[GoldCase], where: str) -> tuple[Expectation, ...]:
    """Return the expectation of each case, and refuse a case that does not fit the rubric.

    Args:
        rubric: The rubric, already checked against its protocol.
        cases: The cases.
        where: The file of the cases, for errors.

    Raises:
        UnknownNameError: A case names a criterion that the rubric does not have.
        SpecError: A case lacks an input or a response, or expects a verdict that the judge cannot give.
    """
    return tuple(_expectation(rubric, case, f"{where}:{case.id}") for case in cases)


def _expectation(rubric: Rubric, case: GoldCase, where: str) -> Expectation:
    _check_inputs(rubric, case, where)
    criterion = _criterion(rubric, case, where)
    if rubric.shape is Shape.LIST:
        return _order(case, criterion, where)
    if rubric.shape is Shape.PAIR:
        return _winner(rubric, case, criterion, where)
    return _range(rubric, case, criterion, where)


def _check_inputs(rubric: Rubric, case: GoldCase, where: str) -> None:
    shown = set(case.slot_texts) | ({"responses"} if case.responses is not None else set())
    if shown != set(rubric.judges):
        raise SpecError(
            "the case has other responses than the rubric judges",
            where=where,
            value=", ".join(sorted(shown)),
            allowed=", ".join(rubric.judges),
        )
    inputs = {"context": bool(case.context), "reference": bool(case.refs)}
    writes = find_protocol(rubric.protocol).writes
    for name, present in inputs.items():
        if name in rubric.inputs and name not in writes and not present:
            key = {"reference": "refs"}.get(name, name)
            raise SpecError(f"the rubric shows the {name}, and the case has none", where=f"{where}.{key}")
    if bool(case.criteria) is not rubric.has_item_criteria:
        raise SpecError(
            "the rubric takes its criteria from the item, and the case has none"
            if rubric.has_item_criteria
            else "the case has criteria, and the rubric has its own",
            where=f"{where}.criteria",
            fix="give the case a list of criteria, each with text and points"
            if rubric.has_item_criteria
            else "leave them out",
        )
    for text in [*case.slot_texts.values(), *(case.responses or {}).values()]:
        if not isinstance(text, str) and len(text) != len(case.user_turns):
            raise SpecError("a response needs one answer for each of the user's turns", where=where)


def _criterion(rubric: Rubric, case: GoldCase, where: str) -> str:
    total = find_protocol(rubric.protocol).total
    of_rubric = () if rubric.has_item_criteria else rubric.criteria
    criteria = [*of_rubric, *([total] if total else [])]
    if case.criterion is None:
        if total or len(criteria) == 1:
            return total or criteria[0]
        raise SpecError(
            "the case must name one of the criteria", where=f"{where}.criterion", allowed=criteria
        )
    if case.criterion not in criteria:
        raise UnknownNameError("criterion", case.criterion, criteria, where=f"{where}.criterion")
    return case.criterion


def _refuse_bounds(case: GoldCase, where: str) -> None:
    """Refuse `at_least` and `at_most` of a case that compares."""
    for key in ("at_least", "at_most"):
        if getattr(case, key) is not None:
            raise SpecError("only ratings have levels", where=f"{where}.{key}", fix="use expect")


def _order(case: GoldCase, criterion: str, where: str) -> Expectation:
    _refuse_bounds(case, where)
    names, order = list(case.responses or {}), case.expect
    if len(names) < 2:
        raise SpecError("a list needs at least two responses", where=f"{where}.responses", value=names)
    if not isinstance(order, tuple) or sorted(order) != sorted(names):
        raise SpecError(
            "expect holds the names of all responses, the best first",
            where=f"{where}.expect",
            value=order,
            allowed=names,
        )
    return Expectation(case.id, criterion, " > ".join(order), order=order)


def _winner(rubric: Rubric, case: GoldCase, criterion: str, where: str) -> Expectation:
    _refuse_bounds(case, where)
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
    low, high = (
        None if level is None else _value(rubric, criterion, level, f"{where}.{key}")
        for key, level in (("at_least", case.at_least), ("at_most", case.at_most))
    )
    if low is not None and high is not None and low > high:
        raise SpecError("at_least is above at_most", where=where, value=f"{case.at_least}, {case.at_most}")
    bounds = (("at least", case.at_least), ("at most", case.at_most))
    words = ", ".join(f"{word} {level}" for word, level in bounds if level is not None)
    return Expectation(case.id, criterion, words, low=low, high=high)


def _value(rubric: Rubric, criterion: str, level: object, where: str) -> float:
    """Return the value of a level. The total of several criteria takes any share from 0 to 1."""
    total = find_protocol(rubric.protocol).total
    values = level_values(rubric, criterion)
    label = str(level).lower() if total else str(level)
    if criterion == total and isinstance(level, int | float) and 0 <= level <= 1:
        return float(level)
    if rubric.verdict is Kind.POINTWISE and isinstance(level, int | float):
        return float(level)  # a reward
    if criterion == total or label not in values:
        allowed = "0 to 1" if criterion == total else ", ".join(values)
        raise SpecError("this is no level of the criterion", where=where, value=level, allowed=allowed)
    return values[label]


def level_values(rubric: Rubric, criterion: str) -> dict[str, float]:
    """Return the value of each label of a rating. A criterion without a scale is a yes/no question."""
    scale = rubric.scale_for(criterion)
    if scale is None:
        return dict(_YES_NO)
    return {level.name: level.value for level in scale.levels if level.value is not None}
