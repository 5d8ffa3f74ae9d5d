"""Whether a number has a sign (its own, in words, or before a bracket), or follows an operator."""

from __future__ import annotations

import re
from enum import Enum

from evalhub.metrics.numbers.reading import Reading, map_values, with_meanings


class Sign(Enum):
    """The sign of a number."""

    PLUS = "plus"
    MINUS = "minus"
    RATHER_PLUS = "plus, but a minus is possible"
    RATHER_MINUS = "minus, but a plus is possible"
    UNCLEAR = "plus or minus"
    OPERATOR = "part of an expression or a range"


OPENERS = (
    r"(?:\\(?:text(?:bf|it|rm)?|math(?:bf|rm|it|sf)|boxed|fbox|mathrm)\s*)?"
    r"(?:\\?[({\[]|\*\*|__|\$|\\\(|\\\[)"
)
_OPENED = re.compile(rf"(?:{OPENERS}\s*)+$")
_SIGN_BEFORE = re.compile(r"([-+—➖])([ \u00a0]*)$")
# A digit, a closing bracket, or a letter that stands alone and so is a variable.
_OPERAND = re.compile(r"(?:[0-9%)\]²°!}]|(?<![^\W\d_])[A-Za-zα-ω])$")
_COPULA = re.compile(
    r"(?<!\w)(?:is|are|was|were|be|equals?|to|of|gives?|gets?|yields?|makes?|at|about|ist|sind|war|beträgt|gleich"
    r"|est|vaut|égale|sont|à|es|son|a|è|é|são|este|er|är|on|olur|jest|to|wynosi|je|jsou|się|равно|равен|равна"
    r"|равняется|это|є|дорівнює|είναι|هو|هي|يساوي|تساوي|است|ہے|है|হল|là|adalah|ni|מינוס|הוא|היא)$",
    re.IGNORECASE,
)
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff]$")
_KOREAN_PARTICLE = re.compile(r"[은는이가를을로도값답]$")
_HEBREW = re.compile(r"[\u05d0-\u05ea]$")
_NEGATIVE = re.compile(
    r"(?:(?<![\w'])(?:minus|negative|negativ[aeo]?|menos|meno|menys|moins|mínusz?|mīnus|mínus|miinus|eksi"
    r"|минус|мінус|μείον|πλην|âm|hasi|negatif|ناقص|سالب|منفی|منفي|منها|ऋण|ऋणात्मक|माइनस|মাইনাস|ঋণাত্মক|מינוס"
    r"|மைனஸ்|మైనస్|ಮೈನಸ್|മൈനസ്|માઇનસ|ਮਨਫ਼ੀ|უარყოფითი|მინუს|մինուս|영하|마이너스)[ \u00a0]*"
    r"|(?<![0-9])(?:负|負の?|マイナス|마이너스|零下|氷点下|ติดลบ|ลบ|영하)[ \u00a0]*)$",
    re.IGNORECASE,
)
_AT_LEAST = re.compile(
    r"(?:^|\W)(?:al|lo|au|du|pelo|ao|no|em|per lo|por lo|mais ou|más o|plus ou|or)\s+$", re.IGNORECASE
)
_LINE_START = re.compile(r"(?:^|\n)[ \t\u00a0>]*$")


def read_sign(prefix: str, sign: str, gap: str, *, is_entire_text: bool = False) -> Sign:
    """Return the sign of a number.

    Args:
        prefix: The text before the sign, or before the number where it has none.
        sign: `-` or `+` directly before the number or its currency. Empty where there is none.
        gap: The spaces between sign and number.
        is_entire_text: Whether the text holds nothing but the number, so that a dash begins no list.

    Returns:
        The sign. `OPERATOR` where the number is subtracted or added, or ends a range.

    Example:
        >>> [read_sign(before, "-", " ").name for before in ("x = ", "10 ", "debt ")]
        ['MINUS', 'OPERATOR', 'UNCLEAR']
    """
    if not sign:
        outer_prefix = _OPENED.sub("", prefix)
        outer = _SIGN_BEFORE.search(outer_prefix)
        if outer and (len(outer_prefix) < len(prefix) or outer[1] in "—➖"):
            return _outer_sign(
                outer_prefix[: outer.start()], outer[1], outer[2], is_entire_text=is_entire_text
            )
        return _sign_in_words(prefix if len(outer_prefix) == len(prefix) else outer_prefix)
    inner = _OPENED.sub("", prefix) if _OPENED.search(prefix) else None
    if inner is not None:
        return Sign.MINUS if sign == "-" else Sign.PLUS
    between = _operator(prefix, gap)
    if sign == "+":
        return between if between is Sign.OPERATOR else Sign.PLUS
    return between or _minus(prefix, gap, is_entire_text=is_entire_text)


def _outer_sign(prefix: str, sign: str, gap: str, *, is_entire_text: bool) -> Sign:
    if sign == "—":
        return Sign.UNCLEAR if not gap and not re.search(r"\w$", prefix) else Sign.PLUS
    return read_sign(prefix, "-" if sign == "➖" else sign, gap, is_entire_text=is_entire_text)


def _operator(prefix: str, gap: str) -> Sign | None:
    """Return whether a sign connects two numbers: after a number, with spaces on both sides or on neither."""
    operand = prefix.rstrip(" \u00a0")
    if not _OPERAND.search(operand):
        return None
    if bool(gap) == (len(operand) < len(prefix)):
        return Sign.OPERATOR
    return Sign.UNCLEAR if operand[-1] in "0123456789%)]²°" else None


def _minus(prefix: str, gap: str, *, is_entire_text: bool) -> Sign:
    if _LINE_START.search(prefix):
        if not gap:
            return Sign.MINUS
        return Sign.RATHER_MINUS if is_entire_text else Sign.RATHER_PLUS
    word = prefix.rstrip(" \u00a0")
    has_space = len(word) < len(prefix)
    last = word[-1:]
    if last in "-+.!?;":
        return Sign.UNCLEAR if gap or last in "-+" else Sign.MINUS
    if not last.isalpha() and not re.search(r"\w$", word):
        return Sign.MINUS
    if has_space:
        return Sign.MINUS if not gap or _COPULA.search(word) else Sign.UNCLEAR
    if _UNSPACED.search(word):
        return Sign.MINUS
    if _KOREAN_PARTICLE.search(word):
        return Sign.MINUS
    return Sign.PLUS if _HEBREW.search(word) and not gap else Sign.UNCLEAR


def _sign_in_words(prefix: str) -> Sign:
    negative = _NEGATIVE.search(prefix)
    if not negative:
        return Sign.PLUS
    text_before = prefix[: negative.start()]
    if _AT_LEAST.search(text_before):
        return Sign.PLUS
    operand = text_before.rstrip(" \u00a0")
    return Sign.OPERATOR if _OPERAND.search(operand) else Sign.RATHER_MINUS


def apply_sign(reading: Reading, sign: Sign) -> Reading:
    """Return a number with its sign.

    Args:
        reading: The number without sign.
        sign: What stands before it.

    Returns:
        The number. Its value is None where the sign is unclear or an operator.
    """
    if sign is Sign.PLUS:
        return reading
    negative = map_values(reading, lambda number: -number)
    match sign:
        case Sign.MINUS:
            return negative
        case Sign.RATHER_PLUS:
            return with_meanings(reading, negative)
        case Sign.RATHER_MINUS:
            return with_meanings(negative, reading)
    return Reading(None, reading.meanings | negative.meanings)
