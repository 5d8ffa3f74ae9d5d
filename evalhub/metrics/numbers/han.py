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

# What stands before and behind a single character that is a number and no part of a word.
_SINGLE_BEFORE = re.compile(
    r"(?:^|[是为為=：:负負於于得]|負の|等[于於]|マイナス|零下|氷点下|答えは|は|、)\s*[「『（(*]*$"
)
_SINGLE_BEHIND = re.compile(
    r"[」』）)*]*\s*(?:$|[\n。．.!！？?，,、；;]|[个個名元円块塊只支本米岁歳度次天日年倍件张枚つ](?!别|別))"
)
_TIME = re.compile(rf"[点點](?:{NUMERAL}|[钟鐘半整])")
_TIME_BEHIND = re.compile("[分钟鐘半刻整]")
WRITTEN = re.compile(
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
        The number. None where there is none; characters such as 万 or 十 may also be parts of words.

    Example:
        >>> text = "答案是三点一四。"
        >>> last_han_number(text, 0, len(text)).reading.value
        Fraction(157, 50)
        >>> last_han_number("一起去", 0, 3)
    """
    for written in reversed(list(WRITTEN.finditer(text, start, end))):
        reading = _reading(written, language)
        if reading:
            return HanNumber(written.start(), written.end(), reading)
    return None


def _reading(written: re.Match[str], language: str | None) -> Reading | None:
    behind = written.string[written.end() : written.end() + 8]
    whole = written["whole"]
    if written["bottom"]:
        return _fraction(written, language)
    if _TIME.match(behind) or (written["decimals"] and _TIME_BEHIND.match(behind)):
        return Reading(None)
    if written["decimals"]:
        return _decimal(written, language)
    return _whole(whole, language) if whole == written.string.strip() or _apart(written) else None


def _apart(written: re.Match[str]) -> bool:
    """Return whether characters that may be parts of words, such as 五 or 千万, are numbers here."""
    whole = written["whole"]
    before = written.string[max(0, written.start() - 8) : written.start()]
    behind = written.string[written.end() : written.end() + 8]
    if whole == "千万":
        return not behind or bool(_SINGLE_BEHIND.match(behind))
    if len(whole) > 1:
        return True
    return whole in _DIGITS and bool(_SINGLE_BEFORE.search(before) and _SINGLE_BEHIND.match(behind))


def _decimal(written: re.Match[str], language: str | None) -> Reading | None:
    value = _with_decimals(written["whole"], written["decimals"], language)
    return None if value is None else Reading(value * han_number(f"1{written['scale']}"))


def _fraction(written: re.Match[str], language: str | None) -> Reading | None:
    top = _with_decimals(written["top"], written["top_decimals"], language)
    bottom = _with_decimals(written["bottom"], None, language)
    whole = _with_decimals(written["mixed"] or "零", None, language)
    if top is None or bottom is None or whole is None:
        return None
    if not bottom:
        return Reading(None)
    # 百分之五十 is fifty percent.
    return (
        Reading(top, frozenset({top / bottom}))
        if written["bottom"] == "百"
        else Reading(whole + top / bottom)
    )


def _with_decimals(whole: str, decimals: str | None, language: str | None) -> Fraction | None:
    reading = _whole(whole, language)
    if reading is None or not isinstance(reading.value, Fraction):
        return None
    digits = "".join(str(_DIGITS[character]) for character in decimals or "")
    return reading.value + (Fraction(int(digits), 10 ** len(digits)) if digits else 0)


def _whole(whole: str, language: str | None) -> Reading | None:
    """Return the value of a whole number; None where the characters are no number."""
    if all(character in _DIGITS for character in whole):
        digits = "".join(str(_DIGITS[character]) for character in whole)
        # 七八 is `seven or eight`.
        positional = len(whole) != 2 or _DIGITS[whole[0]] == 0 or _DIGITS[whole[1]] == 0
        return Reading(Fraction(digits)) if positional else Reading(None)
    if whole[0] in _LARGE or not _well_formed(whole):
        return None
    plain = _sum((_below_ten_thousand(part), power) for power, part in _sections(whole))
    shortened = _shortened(whole)
    if shortened is None:
        return Reading(Fraction(plain))
    if primary_language(language) == "ja":
        return Reading(Fraction(plain))
    return Reading(Fraction(plain + shortened), frozenset({Fraction(plain)}))


_SECTION = re.compile(
    rf"(?:{_DIGIT}?[千仟])?[零〇]?(?:{_DIGIT}?[百佰])?[零〇]?(?:{_DIGIT}?[十拾])?[零〇]?{_DIGIT}?"
)


def _well_formed(whole: str) -> bool:
    return all(_SECTION.fullmatch(part) for _, part in _sections(whole))


def _sections(whole: str) -> list[tuple[int, str]]:
    """Return the parts before 兆, 億 and 万, each with its power of ten."""
    parts = re.findall(r"([^万萬億亿兆]*)([万萬億亿兆]*)", whole)
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


def _shortened(whole: str) -> int | None:
    """Return what a last digit gains in Chinese speech, where 一百二 is 120 and 一万二 is 12,000."""
    last = re.search(rf"([百佰千仟万萬億亿])({_DIGIT})$", whole)
    if not last or not _DIGITS[last[2]] or last.start() == 0:
        return None
    size: int = _TENS.get(last[1], 0) or 10 ** _LARGE[last[1]]
    return _DIGITS[last[2]] * (size // 10 - 1)


def han_number(written: str) -> int:
    """Return the value of digits with Chinese, Japanese or Korean units, such as `1億2000万`.

    Args:
        written: Whole numbers of digits 0-9, each but the last with units behind it.

    Returns:
        The number.

    Example:
        >>> han_number("1万2千"), han_number("3千万")
        (12000, 30000000)
    """
    parts = []
    for digits, units in re.findall(r"(\d+)(\D*)", written):
        amount, power = int(digits), 0
        for unit in units:
            amount *= _TENS.get(unit, 1)
            power += _LARGE.get(unit, 0)
        parts.append((amount, power))
    return _sum(parts)


def _sum(parts: Iterable[tuple[int, int]]) -> int:
    """Return the sum of amounts with powers of ten; a larger power takes the smaller ones before it along."""
    terms: list[tuple[int, int]] = []
    for amount, power in parts:
        while terms and terms[-1][1] < power:
            amount += terms.pop()[0]
        terms.append((amount * 10**power, power))
    return sum(amount for amount, _ in terms)
