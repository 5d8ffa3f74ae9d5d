"""Numbers in Chinese characters, alone (`三百二十五`) and as units of digits (`1億2000万`)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from evalhub.metrics.numbers.languages import primary_language
from evalhub.metrics.numbers.reading import Reading

_DIGITS = {
    character: digit
    for digit, characters in enumerate(
        ("〇零○", "一壹壱", "二贰貳弐两兩", "三叁參参", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖")
    )
    for character in characters
}
_TENS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000, "백": 100, "천": 1000}
_LARGE = {"万": 4, "萬": 4, "만": 4, "億": 8, "亿": 8, "억": 8, "兆": 12, "조": 12}
_DIGIT = f"[{''.join(_DIGITS)}]"
NUMERAL = f"[{''.join(_DIGITS)}十拾百佰千仟万萬億亿兆]"
# 千克 is a kilogram and no thousand, and so with other units.
UNIT = r"(?:千(?![克米瓦卡字赫帕伏焦])|百(?![分帕])|兆(?![瓦字赫帕比位])|[万萬億亿만억조천백])"

# The text before and behind a single character that is a number and no part of a word.
_SINGLE_BEFORE = re.compile(
    r"(?:^|[是为為=：:负負於于得]|負の|等[于於]|マイナス|零下|氷点下|答えは|は|、)\s*[「『（(*]*$"
)
_SINGLE_BEHIND = re.compile(
    r"[」』）)*]*\s*(?:$|[\n。．.!！？?，,、；;]|[个個名元円块塊只支本米岁歳度次天日年倍件张枚つ](?!别|別))"
)
_TIME = re.compile(rf"[点點](?:{NUMERAL}|[钟鐘半整])")
_TIME_BEHIND = re.compile("[分钟鐘半刻整]")
NUMBER = re.compile(
    rf"""(?<![0-9.,第])(?<!{NUMERAL})(?<!{NUMERAL}[点點])
    (?:(?:(?P<mixed>{NUMERAL}{{1,30}}+)又)?(?P<bottom>{NUMERAL}{{1,30}}+)(?:分之|分の)
     (?P<top>{NUMERAL}{{1,30}}+)(?:[点點・](?P<top_decimals>{_DIGIT}{{1,30}}+))?
    |(?P<whole>{NUMERAL}{{1,30}}+)(?!分[之の]|[0-9])
     (?:[点點・](?P<decimals>{_DIGIT}{{1,30}}+)(?P<scale>[百千万萬億亿]*+)(?!{NUMERAL}))?)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class HanNumber:
    """A number in Chinese characters.

    Attributes:
        start: Where it begins in the text.
        end: Where it ends.
        reading: What it means, without its sign.
    """

    start: int
    end: int
    reading: Reading


def last_han_number(text: str, start: int, end: int, language: str | None = None) -> HanNumber | None:
    """Return the last number that a part of a text writes in Chinese characters.

    Args:
        text: Any text.
        start: Where to begin.
        end: Where to stop.
        language: BCP 47 tag of the text: in Chinese `二百五` is 250, in Japanese 205.

    Returns:
        The number. None where there is none. Characters such as 万 or 十 may also be parts of words.

    Example:
        >>> text = "答案是三点一四。"
        >>> last_han_number(text, 0, len(text)).reading.value
        Fraction(157, 50)
        >>> last_han_number("一起去", 0, 3)
    """
    for match in reversed(list(NUMBER.finditer(text, start, end))):
        reading = _reading(match, language)
        if reading:
            return HanNumber(match.start(), match.end(), reading)
    return None


def _reading(match: re.Match[str], language: str | None) -> Reading | None:
    suffix = match.string[match.end() : match.end() + 8]
    numerals = match["whole"]
    if match["bottom"]:
        return _fraction(match, language)
    if _TIME.match(suffix) or (match["decimals"] and _TIME_BEHIND.match(suffix)):
        return Reading(None)
    if match["decimals"]:
        return _decimal(match, language)
    return _integer(numerals, language) if numerals == match.string.strip() or _stands_alone(match) else None


def _stands_alone(match: re.Match[str]) -> bool:
    """Return whether characters that may be parts of words, such as 五 or 千万, are numbers here."""
    numerals = match["whole"]
    prefix = match.string[max(0, match.start() - 8) : match.start()]
    suffix = match.string[match.end() : match.end() + 8]
    if numerals == "千万":
        return not suffix or bool(_SINGLE_BEHIND.match(suffix))
    if len(numerals) > 1:
        return True
    return numerals in _DIGITS and bool(_SINGLE_BEFORE.search(prefix) and _SINGLE_BEHIND.match(suffix))


def _decimal(match: re.Match[str], language: str | None) -> Reading | None:
    value = _with_decimals(match["whole"], match["decimals"], language)
    return None if value is None else Reading(value * han_number(f"1{match['scale']}"))


def _fraction(match: re.Match[str], language: str | None) -> Reading | None:
    top = _with_decimals(match["top"], match["top_decimals"], language)
    bottom = _with_decimals(match["bottom"], None, language)
    integer = _with_decimals(match["mixed"] or "零", None, language)
    if top is None or bottom is None or integer is None:
        return None
    if not bottom:
        return Reading(None)
    # 百分之五十 is fifty percent.
    return (
        Reading(top, frozenset({top / bottom}))
        if match["bottom"] == "百"
        else Reading(integer + top / bottom)
    )


def _with_decimals(numerals: str, decimals: str | None, language: str | None) -> Fraction | None:
    reading = _integer(numerals, language)
    if reading is None or not isinstance(reading.value, Fraction):
        return None
    digits = "".join(str(_DIGITS[character]) for character in decimals or "")
    return reading.value + (Fraction(int(digits), 10 ** len(digits)) if digits else 0)


def _integer(numerals: str, language: str | None) -> Reading | None:
    """Return the value of a whole number. None where the characters are no number."""
    if all(character in _DIGITS for character in numerals):
        digits = "".join(str(_DIGITS[character]) for character in numerals)
        # 七八 is `seven or eight`.
        positional = len(numerals) != 2 or _DIGITS[numerals[0]] == 0 or _DIGITS[numerals[1]] == 0
        return Reading(Fraction(digits)) if positional else Reading(None)
    if numerals[0] in _LARGE or not _is_well_formed(numerals):
        return None
    plain = _sum((_below_ten_thousand(part), power) for power, part in _sections(numerals))
    gain = _short_form_gain(numerals)
    if gain is None:
        return Reading(Fraction(plain))
    if primary_language(language) == "ja":
        return Reading(Fraction(plain))
    return Reading(Fraction(plain + gain), frozenset({Fraction(plain)}))


_SECTION = re.compile(
    rf"(?:{_DIGIT}?[千仟])?[零〇]?(?:{_DIGIT}?[百佰])?[零〇]?(?:{_DIGIT}?[十拾])?[零〇]?{_DIGIT}?"
)


def _is_well_formed(numerals: str) -> bool:
    return all(_SECTION.fullmatch(part) for _, part in _sections(numerals))


def _sections(numerals: str) -> list[tuple[int, str]]:
    """Return the parts before 兆, 億 and 万, each with its power of ten."""
    parts = re.findall(r"([^万萬億亿兆]*)([万萬億亿兆]*)", numerals)
    return [(sum(map(_LARGE.__getitem__, units)), part) for part, units in parts if part or units]


def _below_ten_thousand(part: str) -> int:
    total = digit = 0
    waiting = False
    for character in part:
        if character in _TENS:
            total += (digit if waiting and digit else 1) * _TENS[character]
            digit, waiting = 0, False
        else:
            digit, waiting = _DIGITS[character], True
    return total + digit


def _short_form_gain(numerals: str) -> int | None:
    """Return what the short form of Chinese adds to a last digit: 一百二 is 120 and 一万二 is 12,000."""
    ending = re.search(rf"([百佰千仟万萬億亿])({_DIGIT})$", numerals)
    if not ending or not _DIGITS[ending[2]] or ending.start() == 0:
        return None
    size: int = _TENS.get(ending[1], 0) or 10 ** _LARGE[ending[1]]
    return _DIGITS[ending[2]] * (size // 10 - 1)


def han_number(numerals: str) -> int:
    """Return the value of digits with Chinese, Japanese or Korean units, such as `1億2000万`.

    Args:
        numerals: Whole numbers of digits 0-9, each but the last with units behind it.

    Returns:
        The number.

    Example:
        >>> han_number("1万2千"), han_number("3千万")
        (12000, 30000000)
    """
    parts = []
    for digits, units in re.findall(r"(\d+)(\D*)", numerals):
        amount, power = int(digits), 0
        for unit in units:
            amount *= _TENS.get(unit, 1)
            power += _LARGE.get(unit, 0)
        parts.append((amount, power))
    return _sum(parts)


def _sum(parts: Iterable[tuple[int, int]]) -> int:
    """Return the sum of amounts with powers of ten. A larger power multiplies the smaller ones before it."""
    terms: list[tuple[int, int]] = []
    for amount, power in parts:
        while terms and terms[-1][1] < power:
            amount += terms.pop()[0]
        terms.append((amount * 10**power, power))
    return sum(amount for amount, _ in terms)
