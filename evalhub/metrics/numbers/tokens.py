"""A number in a text with its sign, power and fraction, and with the text around it."""

from __future__ import annotations

import re
from fractions import Fraction

from evalhub.metrics.numbers.expressions import is_part
from evalhub.metrics.numbers.factors import multiply_by_word
from evalhub.metrics.numbers.han import UNIT, han_number
from evalhub.metrics.numbers.languages import Decimal, decimal_mark
from evalhub.metrics.numbers.magnitudes import LETTERS, MONEY_LETTERS, Magnitude, magnitude, magnitude_before
from evalhub.metrics.numbers.plain import SLASH
from evalhub.metrics.numbers.powers import raise_exactly
from evalhub.metrics.numbers.reading import Reading, Value, map_values, with_meanings
from evalhub.metrics.numbers.separators import read_digits
from evalhub.metrics.numbers.signs import Sign, apply_sign, read_sign

_CURRENCY_SIGNS = "$¢£¤¥֏؋৲৳૱௹฿៛₠-₿￠￡￥￦"
_CURRENCY = (
    rf"(?:[A-Z]{{0,3}}[{_CURRENCY_SIGNS}]|(?:USD|EUR|GBP|INR|JPY|CNY|RMB|AUD|CAD|CHF|BRL|MXN|NGN|KES|PKR|TRY|PLN|RUB)"
    r"|(?:Rs|Fr|kr|Rp|RM)\.?)"
)
_RUN = r"[0-9]++(?:(?:[.,'_٫٬]|[ \u00a0](?=[0-9]{3}(?![0-9])))[0-9]++)*"
_NO_NUMBER = "|".join(
    (
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?![0-9])(?:T[0-9:.Z]++)?",
        r"[0-9]++(?:/[0-9]++){2,}",
        r"[0-9]++(?::[0-9]++)+(?:\.[0-9]++)?",
        r"[0-9]++(?:-[0-9]++){2,}",
        # Dates and times in Chinese, Japanese and Korean.
        r"(?:[0-9]{1,4}\s?[年년]\s?)?[0-9]{1,2}\s?[月월]\s?[0-9]{1,2}\s?[日号號일]",
        r"[0-9]{1,4}\s?[年년]\s?[0-9]{1,2}\s?[月월]",
        r"[0-9]{1,2}\s?[時时点點시]\s?[0-9]{1,2}\s?[分분]",
        # Phone numbers.
        r"(?<=\+)[0-9]{1,3}(?:[ ]\(?[0-9]{2,5}\)?){1,3}[ ][0-9]{4,}",
        r"\([0-9]{3}\)\s?[0-9]{3}-[0-9]{4}",
    )
)
_EXPONENT = r"[-+]?\s?[0-9]{1,9}+(?:[.,][0-9]{1,9}+)?(?:\s?[/⁄]\s?-?[0-9]{1,9}+)?"
_BARE = r"[-+]?[0-9]{1,9}+(?:\.[0-9]{1,9}+)?(?:⁄[0-9]{1,9}+)?(?![.,]?[0-9]|\s?/\s?[0-9])"
# 2**3 is a power, and 2 **3** is a number in bold.
_RAISED = (
    r"(?:\^\s?|(?<![\s*])\*\*(?=[-0-9({])|\s\*\*\s)"
    rf"(?P<NAME>\{{\s?{_EXPONENT}\s?\}}|\(\s?{_EXPONENT}\s?\)|{_BARE})"
)
# A group of a number with Chinese or Korean units, with or without commas: 1億2,000万.
_PART = r"(?:[0-9]{1,3}(?:,[0-9]{3})++(?![0-9])|[0-9]{1,15}+)"
_TERM = r"[0-9]++(?:\.[0-9]++)?"
_BODY = rf"""
    (?P<no_number>{_NO_NUMBER})
    |(?P<han>{_PART}{UNIT}+(?:[ ]?{_PART}{UNIT}+)*+(?:[ ]?{_PART}(?![0-9.,]))?)
    |(?P<shown_top>{_RUN}){SLASH}(?P<shown_bottom>{_RUN})
    |(?:(?P<whole>[0-9]++)[ \u00a0](?:and[ ])?)?
     (?P<top>{_TERM})\s?[/{SLASH}]\s?(?P<bottom>{_TERM})(?![/]|[.,][0-9])
    |(?P<run>{_RUN}|(?<![\w.])\.[0-9]++)
     (?:[eE](?P<exponent>[-+]?[0-9]{{1,9}})(?![0-9A-Za-z]|\.[0-9])
     |\s?[×xX*]\s?10\s?{_RAISED.replace("NAME", "ten")}
     |\s?{_RAISED.replace("NAME", "power")}
     |(?P<unit>{UNIT}+))?
"""
_NUMBER = rf"""
    (?:(?P<sign>[-+])(?P<gap>[ \u00a0]*+))?(?:{_CURRENCY}[ \u00a0]?(?P<inner>-(?=[0-9.]))?)?(?:{_BODY})
"""
# An exponent, an index or an uncertainty is no number of its own.
_ITS_OWN = r"(?<![_^]\{)(?<![_^]\{[-+ ])(?<!\^)(?<!\^[-+])(?<!±)(?<!±[ ])"
_LETTER = r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff\u0370-\u03ff\u0400-\u052f]"
# A number on letters is a part of a name, as in F-16. Behind a single small letter it is an operand: n-4.
_APART = (
    rf"(?:(?<!{_LETTER})(?<!{_LETTER}[-+_])|(?<=\b[a-z])(?=[-+][0-9])|(?<=[0-9][a-z])(?=[-+][0-9]))"
    r"(?!(?<=[0-9])[0-9.])(?!(?<=[0-9]\.)[0-9])"
)
# What a number may begin with, so that most places of a text are passed over at once.
_BEGINS = rf"(?=[-+.(0-9A-Zk{_CURRENCY_SIGNS}])"
ANY = re.compile(_BEGINS + _APART + _ITS_OWN + rf"(?:{_NUMBER})", re.VERBOSE)
GLUED = re.compile(_BEGINS + _ITS_OWN + rf"(?:{_NUMBER})", re.VERBOSE)
"""Also numbers that hang on letters, as in `x5`."""

_PERCENT = re.compile(
    r"\s?(?:%|percent\b|per cent\b|pct\b|prozent\b|por ?ciento\b|por ?cento\b|pour ?cent\b|per ?cento\b"
    r"|procent|prosent|процент|відсотк|τοις εκατό|phần trăm|persen|درصد"
    r"|بالمئة|بالمائة|في المئة|في المائة|فیصد|प्रतिशत"
    r"|শতাংশ|パーセント|퍼센트|เปอร์เซ็นต์|אחוז|yüzde)",
    re.IGNORECASE,
)
_PERCENT_BEFORE = re.compile(r"(?:(?<![0-9])%|百分之|yüzde|ร้อยละ)\s?$", re.IGNORECASE)
# What says that a `billion` in a text of unknown language is not English.
_DECIMAL_COMMA = re.compile(r"[0-9],(?:[0-9]{1,2}|[0-9]{4,})$")
_LONG_SCALE = re.compile(r"[ \u00a0]?(?:[Bb]illions?[ ](?:de[ ]|d['’])|Billion[ ][A-ZÄÖÜ])")
_LARGER = re.compile(rf"(?<![0-9.,])({_RUN})([ \u00a0][^\s0-9]+)[ \u00a0](?:and[ ])?$")
_MATH_ENDS = re.compile(r"[^$\n]*[^$\s]\$(?![0-9])")
_TUPLE = re.compile(r"[0-9]+,[0-9]+")
PREFIX_LENGTH, SUFFIX_LENGTH = 40, 60
_HIGHEST_POWER = 400


def read_token(token: re.Match[str], language: str | None) -> Reading:
    """Return what a match of `ANY` means, with its other meanings.

    Args:
        token: The match.
        language: BCP 47 tag of the text. None where it is not known.

    Returns:
        The number. Its value is None in an expression or a range, and where its sign is unclear.
    """
    text = token.string
    prefix = text[max(0, token.start() - PREFIX_LENGTH) : token.start()]
    suffix = text[token.end() : token.end() + SUFFIX_LENGTH]
    decimal = decimal_mark(language)
    money = bool(re.search(f"[{_CURRENCY_SIGNS}]", token[0]))
    letters = MONEY_LETTERS if money else LETTERS
    # Between dollars LaTeX has variables and units.
    if (token[0] + prefix[-1:]).find("$") >= 0 and _MATH_ENDS.match(suffix):
        letters = {}
    scale = magnitude(suffix, language, letters)
    if scale.other_powers and not language and (_DECIMAL_COMMA.search(token[0]) or _LONG_SCALE.match(suffix)):
        scale = Magnitude(None, scale.other_powers | {scale.power or 0})
    reading = _scale(_body(token, decimal), scale)
    reading = _scale(reading, magnitude_before(prefix, language))
    reading = _add_larger_units(reading, prefix, language)
    is_entire_text = not prefix.strip() and not suffix.strip(" .%°\n")
    reading = apply_sign(reading, _sign(token, prefix, is_entire_text=is_entire_text))
    if _PERCENT.match(suffix) or _PERCENT_BEFORE.search(prefix):
        reading = with_meanings(reading, map_values(reading, lambda number: number / 100))
    reading = multiply_by_word(reading, suffix, money=money)
    if money and prefix.endswith("(") and suffix.startswith(")"):
        reading = with_meanings(reading, map_values(reading, lambda number: -number))
    pair = prefix.endswith("(") and suffix.startswith(")") and _TUPLE.fullmatch(token["run"] or "")
    if (pair and not decimal) or (not token["no_number"] and is_part(prefix, suffix, token[0])):
        return Reading(None, reading.meanings)
    return reading


def _sign(token: re.Match[str], prefix: str, *, is_entire_text: bool) -> Sign:
    if token["inner"]:
        return Sign.MINUS
    return read_sign(prefix, token["sign"] or "", token["gap"] or "", is_entire_text=is_entire_text)


def _body(token: re.Match[str], decimal: Decimal | None) -> Reading:
    if token["no_number"]:
        return Reading(token["no_number"], _numbers(*re.findall("[0-9]+", token["no_number"])))
    if token["han"]:
        return _han(token["han"])
    if token["shown_bottom"]:
        return _quotient(token["shown_top"], token["shown_bottom"], decimal)
    if token["bottom"]:
        return _fraction(token)
    reading = read_digits(token["run"].rjust(len(token["run"]) + token["run"].startswith("."), "0"), decimal)
    if token["unit"]:
        return with_meanings(
            map_values(reading, lambda number: number * han_number(f"1{token['unit']}")), reading
        )
    if token["power"]:
        return with_meanings(_raise_power(reading, _exponent(token["power"]), token[0]), reading)
    if not (token["ten"] or token["exponent"]):
        return reading
    power = _exponent(token["ten"]) if token["ten"] else Fraction(token["exponent"])
    if power is None or power.denominator != 1:
        return Reading(None, reading.meanings)
    if abs(power) > _HIGHEST_POWER:
        return Reading(token[0])
    return map_values(reading, lambda number: number * Fraction(10) ** power.numerator)


def _han(numerals: str) -> Reading:
    han = numerals.replace(",", "")
    parts = re.findall("[0-9]+", han)
    part_values = _numbers(*parts) if len(parts) == 1 or " " in han else frozenset()
    value = Fraction(han_number(han.replace(" ", "")))
    # In speech 1万2 is 12,000.
    if len(parts) > 1 and len(parts[-1]) == 1 and han.endswith(parts[-1]):
        return Reading(None, part_values | {value})
    return Reading(value, part_values)


def _quotient(top: str, bottom: str, decimal: Decimal | None) -> Reading:
    top_value, bottom_value = read_digits(top, decimal).value, read_digits(bottom, decimal).value
    if not (isinstance(top_value, Fraction) and isinstance(bottom_value, Fraction) and bottom_value):
        return Reading(None)
    return Reading(top_value / bottom_value)


def _fraction(token: re.Match[str]) -> Reading:
    """Return the value of `3/4`, which could be two numbers unless it is `¾`, or of `1 1/2`."""
    integer, top, bottom = (
        read_digits(token[part] or "0", None).value for part in ("whole", "top", "bottom")
    )
    if not (
        isinstance(integer, Fraction)
        and isinstance(top, Fraction)
        and isinstance(bottom, Fraction)
        and bottom
    ):
        return Reading(token[0])
    proper = top / bottom
    if token["whole"] and proper < 1:
        return Reading(integer + proper, frozenset({proper}))
    return Reading(proper, frozenset() if SLASH in token[0] else frozenset({top, bottom}))


def _exponent(text: str) -> Fraction | None:
    """Return an exponent such as `{1/2}`. None where it has a divisor of zero."""
    top, _, bottom = re.sub(r"[\s{}()+]", "", text).replace(",", ".").replace(SLASH, "/").partition("/")
    if bottom and not int(bottom):
        return None
    return Fraction(top) / int(bottom or 1)


def _raise_power(base: Reading, power: Fraction | None, text: str) -> Reading:
    """Return a power. If it is too large it stays a text. If it is not exact it has no value."""
    if not isinstance(base.value, Fraction) or power is None or (not base.value and power < 0):
        return Reading(None)
    digits = len(str(base.value))
    if digits * abs(power) > _HIGHEST_POWER:
        if power.denominator > 1:
            return Reading(None)
        return Reading(re.sub(r"[\s{}()+]", "", text))
    return Reading(raise_exactly(base.value, power))


def _scale(reading: Reading, scale: Magnitude) -> Reading:
    if scale == Magnitude(0):
        return reading
    product = Reading(None) if scale.power is None else _shift(reading, scale.power)
    for power in scale.other_powers:
        product = with_meanings(product, _shift(reading, power))
    return with_meanings(product, reading)


def _shift(reading: Reading, power: int) -> Reading:
    return map_values(reading, lambda number: number * 10**power)


def _add_larger_units(reading: Reading, prefix: str, language: str | None) -> Reading:
    """Return `1 crore 20 lakh` or `2 thousand 500` as one number: each part is less than the one before."""
    total = reading
    while larger_unit := _LARGER.search(prefix):
        power = magnitude(larger_unit[2], language).power or 0
        base = read_digits(larger_unit[1], decimal_mark(language)).value
        if not (power and isinstance(base, Fraction) and isinstance(total.value, Fraction)):
            break
        if total.value >= 10**power:
            break
        total = Reading(base * 10**power + total.value, total.meanings)
        prefix = prefix[: larger_unit.start()]
    return total


def _numbers(*runs: str) -> frozenset[Value]:
    return frozenset().union(*(read_digits(digits, None).meanings for digits in runs))
