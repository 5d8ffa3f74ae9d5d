"""A number as it stands in a text, with its sign, power, fraction and what is around it."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from evalhub.metrics.numbers.languages import Decimal
from evalhub.metrics.numbers.magnitudes import HAN_UNIT, han_number, power_of_ten
from evalhub.metrics.numbers.plain import SLASH
from evalhub.metrics.numbers.reading import Reading, Value
from evalhub.metrics.numbers.separators import read_digits

_CURRENCY_SIGNS = "$¢£¤¥֏؋৲৳૱௹฿៛₠-₿￠￡￥￦"
_CURRENCY = (
    rf"(?:[A-Z]{{0,3}}[{_CURRENCY_SIGNS}]|(?:USD|EUR|GBP|INR|JPY|CNY|RMB|AUD|CAD|CHF|BRL|MXN|NGN|KES|PKR|TRY|PLN|RUB)"
    r"|(?:Rs|Fr|kr|Rp|RM)\.?)"
)
_RUN = r"[0-9]++(?:(?:[.,'_٫٬]|[ \u00a0](?=[0-9]{3}(?![0-9])))[0-9]++)*"
_TIME_OR_DATE = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?![0-9])|[0-9]++(?:/[0-9]++){2,}|[0-9]++(?::[0-9]++)+"
_RAISED = r"(?:\^|\*\*(?=[-0-9]))\s?[{(]?\s?(?P<NAME>[-+]?[0-9]{1,9})(?![0-9])"
# A group of a number with Chinese or Korean units, with or without commas: 1億2,000万.
_PART = r"(?:[0-9]{1,3}(?:,[0-9]{3})++(?![0-9])|[0-9]{1,15}+)"
_BODY = rf"""
    (?P<no_number>{_TIME_OR_DATE})
    |(?P<han>{_PART}{HAN_UNIT}+(?:[ ]?{_PART}{HAN_UNIT}+)*+(?:[ ]?{_PART}(?![0-9.,]))?)
    |(?:(?P<whole>[0-9]++)[ \u00a0](?:and[ ])?)?
     (?P<top>[0-9]++)\s?[/{SLASH}]\s?(?P<bottom>[0-9]++)(?![/]|[.,][0-9])
    |(?P<run>{_RUN}|(?<!\w)\.[0-9]++)
     (?:[eE](?P<exponent>[-+]?[0-9]{{1,9}})(?![0-9A-Za-z])
     |\s?[×xX*]\s?10\s?{_RAISED.replace("NAME", "ten")}
     |\s?{_RAISED.replace("NAME", "power")}
     |(?P<unit>{HAN_UNIT}+))?
"""
# After a word or a closing bracket a dash stands between two things and is no sign; Chinese, Japanese, Thai,
# Lao, Myanmar and Khmer have no space before a sign.
_WORD = r"[^\W_\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff]"
_NUMBER = rf"""
    (?:(?<!{_WORD})(?<![)\]])(?P<sign>[-+]))?(?:{_CURRENCY}[ \u00a0]?(?P<inner>-(?=[0-9.]))?)?(?:{_BODY})
"""
# An exponent, an index or an uncertainty is no number of its own.
_ITS_OWN = r"(?<![_^]\{)(?<![_^]\{[-+ ])(?<!\^)(?<!\^[-+])(?<!±)(?<!±[ ])"
_LETTER = r"[A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u052f]"
_NO_LETTER_BEFORE = rf"(?<!{_LETTER})(?<!{_LETTER}[-_])(?<![0-9])(?<![0-9]\.)"
ANY = re.compile(_NO_LETTER_BEFORE + _ITS_OWN + rf"(?:{_NUMBER})", re.VERBOSE)
GLUED = re.compile(_ITS_OWN + rf"(?:{_NUMBER})", re.VERBOSE)
"""Also numbers that hang on letters, as in `x5`."""

# Between two numbers the word subtracts.
_NEGATIVE = re.compile(
    r"(?:(?:^|[^\w\s)\]]\s*|[^\W0-9]\s+)(?:minus|negative|menos|meno|moins|минус|мінус|سالب|منفی|ऋण|ลบ)"
    r"|(?<![0-9])(?:负|負|マイナス|마이너스|ลบ))\s*$",
    re.IGNORECASE,
)
_PERCENT = re.compile(
    r"\s?(?:%|percent\b|per cent\b|prozent\b|por ?ciento\b|pour ?cent\b|процент)", re.IGNORECASE
)
_LARGER = re.compile(rf"(?<![0-9.,])({_RUN})([ \u00a0][^\W\d_]+)[ \u00a0]$")
# Fractions that hold more than digits are left as LaTeX.
_FACTOR_BEFORE = re.compile(r"(?:[√π]\s*[{(]?|\}\s*\{|frac\s*\{)\s*$")
_FACTOR_BEHIND = re.compile(r"\s*[√π]")
_BEFORE, _BEHIND = 40, 60
_HIGHEST_POWER = 400


def read_token(token: re.Match[str], decimal: Decimal | None) -> Reading:
    """Return what a match of `ANY` means, with its other meanings.

    Args:
        token: The match.
        decimal: What the text's language writes before decimals.

    Returns:
        The number; value None where it is a part of a formula with `√`, `π` or a fraction of letters.
    """
    before = token.string[max(0, token.start() - _BEFORE) : token.start()]
    behind = token.string[token.end() : token.end() + _BEHIND]
    money = bool(re.search(f"[{_CURRENCY_SIGNS}]", token[0]))
    reading = _after_thousands(_scaled(_body(token, decimal), behind, money=money), before, decimal)
    if token["sign"] == "-" or token["inner"]:
        reading = _each(reading, lambda number: -number)
    elif _NEGATIVE.search(before):
        reading = _with_others(_each(reading, lambda number: -number), reading)
    if _PERCENT.match(behind):
        reading = _with_others(reading, _each(reading, lambda number: number / 100))
    if money and before.endswith("(") and behind.startswith(")"):
        reading = _with_others(reading, _each(reading, lambda number: -number))
    if _FACTOR_BEHIND.match(behind) or _FACTOR_BEFORE.search(before):
        return Reading(None, reading.meanings)
    return reading


def _body(token: re.Match[str], decimal: Decimal | None) -> Reading:
    if token["no_number"]:
        return Reading(token["no_number"], _numbers(*re.findall("[0-9]+", token["no_number"])))
    if token["han"]:
        han = token["han"].replace(",", "")
        parts = re.findall("[0-9]+", han)
        alone = _numbers(*parts) if len(parts) == 1 or " " in han else frozenset()
        return Reading(Fraction(han_number(han.replace(" ", ""))), alone)
    if token["bottom"]:
        return _fraction(token)
    reading = read_digits(token["run"].rjust(len(token["run"]) + token["run"].startswith("."), "0"), decimal)
    if token["unit"]:
        return _with_others(_each(reading, lambda number: number * han_number(f"1{token['unit']}")), reading)
    if token["power"]:
        return _with_others(_raised(reading, int(token["power"]), token[0]), reading)
    power = int(token["exponent"] or token["ten"] or 0)
    if abs(power) > _HIGHEST_POWER:
        return Reading(token[0])
    return _each(reading, lambda number: number * Fraction(10) ** power)


def _fraction(token: re.Match[str]) -> Reading:
    """Return the value of `3/4`, which could be two numbers unless it is `¾`, or of `1 1/2`."""
    whole, top, bottom = (read_digits(token[part] or "0", None).value for part in ("whole", "top", "bottom"))
    if not (
        isinstance(whole, Fraction) and isinstance(top, Fraction) and isinstance(bottom, Fraction) and bottom
    ):
        return Reading(token[0])
    proper = top / bottom
    if token["whole"] and proper < 1:
        return Reading(whole + proper, frozenset({proper}))
    return Reading(proper, frozenset() if SLASH in token[0] else frozenset({top, bottom}))


def _raised(base: Reading, power: int, written: str) -> Reading:
    """Return a power; one that is too large to be computed is compared as it is written."""
    if not isinstance(base.value, Fraction) or (not base.value and power < 0):
        return Reading(written)
    digits = len(str(base.value))
    return Reading(base.value**power) if digits * abs(power) <= _HIGHEST_POWER else Reading(written)


def _scaled(reading: Reading, behind: str, *, money: bool) -> Reading:
    power = power_of_ten(behind, money=money)
    return _with_others(_each(reading, lambda number: number * 10**power), reading) if power else reading


def _after_thousands(reading: Reading, before: str, decimal: Decimal | None) -> Reading:
    """Return `2 thousand 500` as one number."""
    larger = _LARGER.search(before)
    power = power_of_ten(larger[2]) if larger else 0
    if not larger or not power:
        return reading
    base = read_digits(larger[1], decimal).value
    if not isinstance(base, Fraction):
        return reading
    return _with_others(_each(reading, lambda number: base * 10**power + number), reading)


def _each(reading: Reading, change: Callable[[Fraction], Fraction]) -> Reading:
    def changed(value: Value) -> Value:
        return change(value) if isinstance(value, Fraction) else value

    value = None if reading.value is None else changed(reading.value)
    return Reading(value, frozenset(map(changed, reading.others)))


def _with_others(reading: Reading, other: Reading) -> Reading:
    return Reading(reading.value, reading.others | other.meanings)


def _numbers(*written: str) -> frozenset[Value]:
    return frozenset().union(*(read_digits(digits, None).meanings for digits in written))
