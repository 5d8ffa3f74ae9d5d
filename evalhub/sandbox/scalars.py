"""Which values fit a column of single values: texts, numbers, dates.

Each reader takes a value that is not None and returns the JSON value that DuckDB reads as exactly that value.
A value that does not fit raises `Misfit`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from evalhub.sandbox.spelling import Number, misfit

Fit = Callable[[Any], Any]

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_COMMA = re.compile(r"[+-]?[0-9]+(?:[. '\u00a0\u202f][0-9]{3})*,[0-9]+")
_CLOCK = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
_TIME = re.compile(_CLOCK)
_MOMENT = re.compile(
    rf"(?P<date>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})"
    rf"(?:[ T](?P<time>{_CLOCK})\s?(?P<zone>Z|[+-][0-9]{{2}}(?::?[0-9]{{2}})?)?)?"
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EXACT = 1 << 53  # every whole number up to it is a DOUBLE
_LARGEST_FLOAT = 3.4028234663852886e38
_DIGITS = 400  # longer numbers fit no type


def anything(value: Any) -> Any:
    """Return any value unchanged, for a column of JSON."""
    return value


def text(value: Any) -> str:
    """Return a text as it is, or the text of a number."""
    spelling = _spelling(value)
    if spelling is None:
        fix = "declare BOOLEAN or JSON" if type(value) is bool else ""
        raise misfit(value, "VARCHAR", "a text or a number", fix)
    return spelling


def _spelling(value: Any) -> str | None:
    """Return a text or a number as it is written. None for any other value."""
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    return str(value.text) if type(value) is Number and value.is_finite else None


def boolean(value: Any) -> bool:
    """Return true or false. A text may spell it in any case."""
    if type(value) is bool:
        return value
    if type(value) is str and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    raise misfit(value, "BOOLEAN", "true, false")


def whole(kind: str, bits: int, *, signed: bool) -> Fit:
    """Return the reader of whole numbers of that many bits."""
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    allowed = f"whole numbers from {low} to {high}"

    def fit(value: Any) -> int:
        number = value if type(value) is int else Decimal(_digits(value, kind, allowed))
        if type(number) is Decimal and number != number.to_integral_value():
            raise misfit(value, kind, allowed, "declare DOUBLE or DECIMAL", form="a fraction")
        if not low <= number <= high:
            raise misfit(value, kind, allowed, form="a number out of range")
        return int(number)

    return fit


def double(value: Any, kind: str = "DOUBLE", largest: float = math.inf) -> float:
    """Return the nearest binary number. A whole number must keep all its digits."""
    if type(value) is int and -_EXACT <= value <= _EXACT:
        return float(value)
    digits = _digits(value, kind, "finite numbers")
    number = float(digits)
    if math.isinf(number) or abs(number) > largest or (number == 0 and Decimal(digits)):
        raise misfit(value, kind, "finite numbers", form="a number out of range")
    if _WHOLE.fullmatch(digits) and int(digits) not in (number, Decimal(repr(number))):
        allowed, fix = "whole numbers up to 2^53", "declare BIGINT, HUGEINT or VARCHAR"
        raise misfit(value, kind, allowed, fix, form="a number of too many digits")
    return number


def single(value: Any) -> float:
    """Return a number within the range of a FLOAT."""
    return double(value, "FLOAT", _LARGEST_FLOAT)


def decimal(kind: str, precision: int, scale: int) -> Fit:
    """Return the reader of numbers with that many digits in all, and after the point."""
    allowed = f"numbers of {precision - scale} digits before the point and {scale} after it"
    step, context = Decimal(1).scaleb(-scale), Context(prec=precision)

    def fit(value: Any) -> str:
        number = Decimal(_digits(value, kind, allowed))
        try:
            exact = number.quantize(step, context=context)
        except InvalidOperation:
            raise misfit(value, kind, allowed, form="a number out of range") from None
        if exact != number:
            raise misfit(value, kind, allowed, form="a number of too many digits")
        return f"{exact:f}"

    return fit


def _digits(value: Any, kind: str, allowed: str) -> str:
    """Return the text of a number, or of a text that spells a number."""
    if type(value) is int:
        return str(value)
    digits = value.text if type(value) is Number else value.strip() if type(value) is str else ""
    if _NUMBER.fullmatch(digits) and len(digits) < _DIGITS:
        return str(digits)
    if _COMMA.fullmatch(digits):
        fix = "for a decimal comma declare VARCHAR and write replace(…, ',', '.')::DOUBLE in the SELECT"
        raise misfit(value, kind, allowed, fix, form="a text with a comma")
    if value == "":
        fix = "where a value is missing write null, in CSV a cell without quotes"
        raise misfit(value, kind, allowed, fix)
    raise misfit(value, kind, allowed)


def date(value: Any) -> str:
    """Return a date as ISO 8601 writes it."""
    match = _moment(value, "DATE", "such as 2024-12-31")
    if match["time"]:
        raise misfit(value, "DATE", "such as 2024-12-31", "declare TIMESTAMP", form="a time")
    return match["date"]


def moment(kind: str, places: int, *, zoned: bool = False) -> Fit:
    """Return the reader of points in time with that many digits of a second, with or without a zone."""
    allowed = "such as 2024-12-31 23:59:59" + ("+00:00" if zoned else "")

    def fit(value: Any) -> str:
        match = _moment(value, kind, allowed)
        if zoned and not match["zone"]:
            raise misfit(value, kind, allowed, "declare TIMESTAMP", form="a time without its zone")
        if match["zone"] and not zoned:
            raise misfit(value, kind, allowed, "declare TIMESTAMPTZ", form="a time with a zone")
        seconds, _, fraction = (match["time"] or "00:00:00").partition(".")
        if fraction[places:].strip("0"):
            fix = "declare VARCHAR, or write left(…, 26)::TIMESTAMP in the SELECT to keep fewer digits"
            raise misfit(value, kind, allowed, fix, form="a time of too many digits")
        zone = datetime.fromisoformat(f"2000-01-01T00:00{match['zone'] or ''}").isoformat()[19:]
        try:
            datetime.fromisoformat(f"{match['date']}T{seconds}{zone}").astimezone(UTC)
        except OverflowError:
            raise misfit(value, kind, "the years 1 to 9999 in UTC", form="a time out of range") from None
        return f"{match['date']} {seconds}" + (f".{fraction[:places]}" if fraction[:places] else "") + zone

    return fit


def _moment(value: Any, kind: str, allowed: str) -> re.Match[str]:
    """Return the parts of a date, with or without a time. A date that does not exist is refused."""
    match = _MOMENT.fullmatch(value.strip()) if type(value) is str else None
    if match is None:
        fix = (
            "declare VARCHAR and read it with strptime in the SELECT" if type(value) is str and value else ""
        )
        raise misfit(value, kind, allowed, fix)
    try:
        datetime.fromisoformat(match["date"] + "T" + (match["time"] or "00:00").partition(".")[0])
        datetime.fromisoformat(f"2000-01-01T00:00{match['zone'] or ''}")
    except ValueError:
        raise misfit(value, kind, allowed, form="a date or time that does not exist") from None
    return match


def time(value: Any) -> str:
    """Return a time of day, to the microsecond."""
    clock = value.strip() if type(value) is str else ""
    seconds, _, fraction = clock.partition(".")
    try:
        if not _TIME.fullmatch(clock) or fraction[6:].strip("0"):
            raise ValueError(clock)
        exact = datetime.fromisoformat(f"2000-01-01T{seconds}").time().isoformat()
    except ValueError:
        raise misfit(value, "TIME", "such as 23:59:59") from None
    return exact + (f".{fraction[:6]}" if fraction[:6] else "")


def uuid(value: Any) -> str:
    """Return a UUID as it is written."""
    if type(value) is str and _UUID.fullmatch(value.strip()):
        return value.strip()
    raise misfit(value, "UUID", "such as 123e4567-e89b-12d3-a456-426614174000")


def choice(values: Sequence[str]) -> Fit:
    """Return the reader of one of these texts. A number counts as the text that spells it."""
    choices = frozenset(values)

    def fit(value: Any) -> str:
        spelling = _spelling(value)
        if spelling is not None and spelling in choices:
            return spelling
        raise misfit(value, "ENUM", ", ".join(values[:20]))

    return fit
