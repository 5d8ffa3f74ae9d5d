"""Words that multiply or divide a number in digits: `5 dozen`, `7 and a half`, `3 quarters`, `half of 60`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from evalhub.metrics.numbers.reading import Reading, map_values, with_meanings

PARTS: Mapping[str, Fraction] = {
    "half": Fraction(1, 2), "halves": Fraction(1, 2),
    **{
        f"{name}{ending}": Fraction(1, divisor)
        for name, divisor in (
            ("third", 3), ("quarter", 4), ("fourth", 4), ("fifth", 5), ("sixth", 6), ("seventh", 7),
            ("eighth", 8), ("ninth", 9), ("tenth", 10), ("hundredth", 100), ("thousandth", 1000),
            ("millionth", 10**6),
        )
        for ending in ("", "s")
    },
}  # fmt: skip
"""English words for a part, in the singular and the plural."""

PART = f"(?:{'|'.join(sorted(PARTS, key=len, reverse=True))})"
DOZEN = 12

_DOZENS = re.compile(
    r"[ \u00a0-]?(?:dozens?|doz|dz|dutzend|douzaines?|docenas?|dozzin[ae]|dúzias?|dozijn(?:en)?|dussin|dusin"
    r"|tuzin(?:y|ów)?|tuct[uůy]|tucet|дюжин[аыу]?|düzine|lusin)(?![^\W_])"
    r"|[ ]?(?:ダース|다스|打(?![0-9一二两三四五六七八九十]))",
    re.IGNORECASE,
)
# `7 doubled` and `7 gross` have two meanings.
_OPEN: Mapping[str, Fraction] = {
    "doubled": Fraction(2),
    "tripled": Fraction(3),
    "gross": Fraction(144),
    "halved": Fraction(1, 2),
    **dict.fromkeys(("half dozen", "half-dozen", "half dozens", "half-dozens"), Fraction(6)),
    **dict.fromkeys(("baker's dozen", "baker's dozens", "bakers dozen"), Fraction(13)),
}
_OPEN_BEHIND = re.compile(rf"[ \u00a0-](?P<word>{'|'.join(_OPEN)})(?![\w-])", re.IGNORECASE)
# `2 thirds` are a number only where they count nothing, and `1 third` is one where `2 third` is none.
_PARTS_BEHIND = re.compile(
    rf"[ \u00a0-](?P<part>{PART})(?![\w-])(?P<ends>[\"”*)}}]*(?:[.,;!?]|\s*$))?", re.IGNORECASE
)
_LATEX_WORD = re.compile(r"[ \u00a0]?\\(?:text|mathrm|mbox)\s*\{\s*")
_PER_MILLE = re.compile(r"\s?(?:‰|per[ ]?mille?\b|promille\b)", re.IGNORECASE)
_BASIS_POINTS = re.compile(r"[ \u00a0](?:basis[ ]points?|bps?)\b", re.IGNORECASE)
_POWER_BEHIND = re.compile(r"[ ](?P<word>squared|cubed)(?![\w-])|[ ]to[ ]the[ ]power\b", re.IGNORECASE)
_PAIRS = re.compile(r"[ \u00a0-](?:pairs?|couples?)(?![\w-])", re.IGNORECASE)
_SCORE = re.compile(r"[ ]score(?=[ ](?:and|years?)\b|[ ]?[.,;!?)]|\s*$)", re.IGNORECASE)
_PART_OF_IT = re.compile(
    r"[ ]?(?:的(?:一半|[两二三四五六七八九十]倍|[二三四五六七八九十]+分之)"
    r"|の(?:半分|[0-9二三四五六七八九十]+倍)|의[ ]?절반|[个個年天]半)"
)
_COUNTS = {
    word: number
    for number, word in enumerate(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine"), 1)
}
_AND_A_PART = re.compile(
    rf"[ -](?:and|&)[ -](?:(?P<count>an?|{'|'.join(_COUNTS)})[ -])?(?P<part>{PART})"
    rf"(?P<more>[ -](?:dozen|hundred|thousand|[mbtr]+illion|of)\b)?(?P<ends>[\"”*)}}]*(?:[.,;!?]|\s*$))?",
    re.IGNORECASE,
)
# `5 hours and a half`, `2 million and a half`, `a dozen and a half`.
_LATER_PART = re.compile(rf"[ \u00a0-][^\W\d]+[ ]and[ ]an?[ ]{PART}\b", re.IGNORECASE)
_DETERMINER = r"(?:[ ](?:the|these|those|its|their|his|her|my|our))?"
_FACTOR_BEFORE = re.compile(
    rf"(?:\bhalf(?:[ ]of)?{_DETERMINER}"
    rf"|\b(?:an?|one|two|three|four|five|six|seven|eight|nine|[0-9])[ -]{PART}[ ]of{_DETERMINER}"
    rf"|(?:[0-9][ ]?(?:%|per[ ]?cent)|[0-9][/⁄][0-9]+)[ ]of{_DETERMINER}"
    rf"|\b(?:twice|thrice|double|triple|treble|quadruple)(?:[ ]of)?{_DETERMINER}"
    rf"|(?:[0-9)%]|\b(?:half|twice|{'|'.join(_COUNTS)}|ten))[ ](?:times|plus)|\b(?:multiplied|divided)[ ]by"
    r"|\b(?:twice|thrice|half|times)[ ]as[ ][a-z]+[ ]as|\b(?:square|cube)(?:[ ]root)?[ ]of"
    r"|(?<!\w)(?:moitié|mitad|metade|metà|hälfte|helft|половин[аыу]|połow[ayę])"
    r"(?:[ ](?:de|des|da|do|di|von|van|от|из|z))?(?:[ ](?:l[aeo]s?|den|der|de))?)[ ]$",
    re.IGNORECASE,
)
# The last words of these, so that most texts are passed over at once.
_LAST_WORDS = (
    "half of times plus by as twice thrice double triple treble quadruple "
    "the these those its their his her my our "
    "moitié mitad metade metà hälfte helft половина половины половину połowa połowy połowę "
    "de des da do di von van от из z la le lo las les los den der"
)
_FACTOR_WORDS = frozenset(_LAST_WORDS.split())


def is_operand_of_words(prefix: str) -> bool:
    """Return whether words before a number take a part or a multiple of it, so that it is no answer itself.

    >>> is_operand_of_words("half of "), is_operand_of_words("half past ")
    (True, False)
    """
    last_word = prefix[:-1].rpartition(" ")[2].lower()
    return prefix.endswith(" ") and last_word in _FACTOR_WORDS and bool(_FACTOR_BEFORE.search(prefix))


def multiply_by_word(reading: Reading, suffix: str, *, money: bool) -> Reading:
    """Return a number with the word behind it that multiplies or divides it.

    Args:
        reading: The number without that word.
        suffix: The text behind it.
        money: Whether it is an amount of money, which is gross or net.

    Returns:
        The product. Its other meaning is the count of dozens or quarters. `7 pairs` are 7, and their other
        meaning is 14. It has no value where both are as likely, as of `7 doubled`, and where the factor has
        a factor of its own.

    Example:
        >>> sixty = multiply_by_word(Reading(Fraction(5)), " dozen eggs", money=False)
        >>> sixty.value, sorted(sixty.meanings)
        (Fraction(60, 1), [Fraction(5, 1), Fraction(60, 1)])
        >>> multiply_by_word(Reading(Fraction(7)), " and a half hours", money=False).value
        Fraction(15, 2)
    """
    if not suffix:
        return reading
    suffix = _LATEX_WORD.sub(" ", suffix, count=1) if _LATEX_WORD.match(suffix) else suffix
    if _LATER_PART.match(suffix):
        return Reading(None, reading.meanings)
    if _DOZENS.match(suffix):
        return with_meanings(map_values(reading, lambda number: number * DOZEN), reading)
    if addend := _AND_A_PART.match(suffix):
        return _add_part(reading, addend)
    divisor = 1000 if _PER_MILLE.match(suffix) else 10_000 if _BASIS_POINTS.match(suffix) else 1
    if divisor > 1:
        return with_meanings(reading, map_values(reading, lambda number: number / divisor))
    if _PAIRS.match(suffix):
        return with_meanings(reading, map_values(reading, lambda number: number * 2))
    if _SCORE.match(suffix):
        return with_meanings(reading, map_values(reading, lambda number: number * 20))
    part_match = _PARTS_BEHIND.match(suffix)
    if part_match and (part_match["part"][-1].lower() == "s" or reading.value in (1, -1)):
        return _multiply_by_part(reading, part_match)
    factor_match = _OPEN_BEHIND.match(suffix)
    if factor_match and not (money and factor_match["word"].lower() == "gross"):
        factor = _OPEN[factor_match["word"].lower()]
        return Reading(
            None, with_meanings(reading, map_values(reading, lambda number: number * factor)).meanings
        )
    if _POWER_BEHIND.match(suffix) or _PART_OF_IT.match(suffix):
        return Reading(None, reading.meanings)
    return reading


def _multiply_by_part(reading: Reading, part_match: re.Match[str]) -> Reading:
    """Return `3 quarters`, which could also be a count of three. It has no value where a word follows."""
    part = PARTS[part_match["part"].lower()]
    product = with_meanings(map_values(reading, lambda number: number * part), reading)
    return product if part_match["ends"] is not None else Reading(None, product.meanings)


def _add_part(reading: Reading, addend: re.Match[str]) -> Reading:
    """Return `7 and a half`. It has no value where it may be something else: `7 and a third of them`."""
    name, count = addend["part"].lower(), (addend["count"] or "").lower()
    is_certain = addend["ends"] is not None or name in ("half", "quarter", "quarters")
    if not is_certain or addend["more"] or not count:
        return Reading(None, reading.meanings)
    part = PARTS[name] * _COUNTS.get(count, 1)
    return map_values(reading, lambda number: number + part if number >= 0 else number - part)
