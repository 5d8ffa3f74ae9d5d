"""Whether a number is only a part of an expression, a range, a duration or a code."""

from __future__ import annotations

import re

from evalhub.metrics.numbers.factors import is_operand_of_words
from evalhub.metrics.numbers.han import NUMERAL
from evalhub.metrics.numbers.signs import OPENERS

_OPENED = re.compile(rf"(?:{OPENERS}\s*)+$")
_VARIABLE = r"(?<![^\W\d_])[A-Za-zα-ωπ]"
# The same spaces on both sides: `2*3` and `2 * 3`, but not `2 *3*`, which is a word in italics.
_OPERATOR_BEFORE = re.compile(
    rf"(?:[0-9%)\]}}²³°]|{_VARIABLE})(?:(?:\*\*?|[×÷^~〜～/])"
    r"|[ \u00a0](?:\*\*?|[×÷^~〜～/xX])[ \u00a0]|(?<=[0-9])[xX])$"
    r"|[×÷][ \u00a0]?$|[^\W\d_](?:/|[ ][/*+xX][ ])$|[0-9][ ]:[ ]$|[0-9][ ]?\.\.\.?[ ]?$"
    # Digits apart from digits are a list or a telephone number, `5 h 30` and `5$50` have two units.
    r"|[0-9][ \u00a0]?$|[0-9][ ]?(?:[°h][ ]?|[€$£])$"
)
# `5 to 6`, `5 or 6`, `between 5 and 6`: one of the two, or a number between them.
_RANGE_BEFORE = re.compile(
    r"[0-9][%°]?[ ](?:to|or|bis|oder|à|ou)[ ]$|[0-9][ ]?[至到][ ]?$|\bbetween[ ][0-9.,]+[%°]?[ ]and[ ]$",
    re.IGNORECASE,
)
# "from 5 to 6" is a change, which ends at 6.
_CHANGE_BEFORE = re.compile(r"\bfrom[ ]\S+[ ]to[ ]$", re.IGNORECASE)
_FUNCTION_BEFORE = re.compile(
    r"(?:[√π∛∜∑∏∫][ ]?(?:\[[^\]]*\])?\s*[{(]?|\}\s*\{|frac\s*\{|\\(?:overline|bar|dot)\s*\{|[0-9]\.[0-9]*\(|"
    r"(?<![^\W\d_])\\?(?:sqrt|cbrt|log|ln|lg|exp|sin|cos|tan|cot|arcsin|arccos|arctan|mod|[bp]mod)"
    r"(?:_?\{?[0-9]{0,3}\}?)?[ ]*[({]?"
    r"|(?<![^\W\d_])\\?(?:abs|floor|ceil|round|max|min|gcd|lcm|[fghPC])\s*\((?:[^()]*,)?)\s*$"
)
_OPERATOR_BEHIND = re.compile(
    rf"""[)\]}}|]*\s*(?:\^|\*\*(?=[-0-9]))(?!\s?\{{?\s?(?:\\?circ|°|th\b|st\b|nd\b|rd\b|\\?(?:text|prime|mathrm)|[ao]\b))
    |\s?[√π∛]|\s?\\(?:sqrt|pi|ln|log|sin|cos|tan|frac|binom|overline|sum|int|cdots|ldots|mod|pmod|bmod)(?![a-z])
    |\s?\(?\s?\\?[pb]?mod\b
    |[xyzi](?![^\W_])|[xyz]\^|e\^
    |\s?[*×÷]\s?(?:{_VARIABLE}(?![^\W_])|[(\\√π])
    |/[xyzn](?![^\W_])|[ ]/[ ](?:{_VARIABLE}(?![^\W_])|\()
    |\s?[-+]\s?(?:[A-Za-z](?![\w'.)])|[\\√π])
    |\s?[*/×÷^]\s?(?:$|[=?])|\s[-+]\s?(?:$|[=?])
    |[ \u00a0]?[-+*/×÷][ \u00a0]?[0-9]
    |(?:\.[.]{{2,}}|…)?\\(?:overline|bar|dot)
    """,
    re.VERBOSE,
)
_SQUARED_UNIT = re.compile(r"(?:[kcdmµ]?m|ft|in|yd|mi)[23](?![0-9A-Za-z])")
_CODE_BEHIND = re.compile(r"[A-Za-z]{1,6}-?[0-9]")
_TRAILING_SIGN = re.compile(r"[-](?=$|[\s.,;)])")
_NUMERAL_BEHIND = re.compile(rf"[ ]?(?:(?={NUMERAL})(?![千百兆一]))|分[之の의]")
_DURATION_UNIT = (
    "hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s|years?|months?|weeks?|days?|feet|foot|ft|inch(?:es)?|pounds?"
    "|lbs?|ounces?|oz|dollars?|euros?|cents?|horas?|heures?|stunden?|minuten|jahre|monate|ore|小时|小時|時間|时|時|시간|시|分钟|分|분"
)
_LARGER_UNIT_BEFORE = re.compile(
    rf"[0-9][ \u00a0]?(?:{_DURATION_UNIT})(?:[ ](?:and|und|et|y|e)|,)?[ \u00a0]?$", re.IGNORECASE
)
_UNIT_BEHIND = re.compile(rf"[ \u00a0]?(?:{_DURATION_UNIT}|in)(?![^\W_])", re.IGNORECASE)
_CJK_UNIT_BEHIND = re.compile("[ ]?(?:分钟|分|秒|분|초)")
_ENDLESS = re.compile(r"\.\.|…")


def is_part(prefix: str, suffix: str, number: str) -> bool:
    """Return whether a number is only a part of something longer, so that reading it alone would be wrong.

    Args:
        prefix: The text before the number and its sign.
        suffix: The text behind it.
        number: The number as it is written, with its sign.

    Returns:
        True for operands (`2 * 3`, `2x`, `5^x`, `half of 3`), ranges (`5 to 6`), arguments (`log 5`), moduli,
        repeating decimals, compound units (`2 h 30 min`) and codes (`12h30`).

    Example:
        >>> is_part("2 * ", "", "3"), is_part("that is ", " km", "3"), is_part("", "x + 1", "3")
        (True, False, True)
    """
    outer_prefix = _OPENED.sub("", prefix)
    return bool(
        _OPERATOR_BEFORE.search(prefix)
        or (outer_prefix != prefix and _OPERATOR_BEFORE.search(outer_prefix) and not prefix.endswith("**"))
        or (_RANGE_BEFORE.search(outer_prefix) and not _CHANGE_BEFORE.search(outer_prefix))
        or is_operand_of_words(outer_prefix)
        or _FUNCTION_BEFORE.search(prefix)
        or _OPERATOR_BEHIND.match(suffix)
        or (_CODE_BEHIND.match(suffix) and not _SQUARED_UNIT.match(suffix))
        or _TRAILING_SIGN.match(suffix)
        or _NUMERAL_BEHIND.match(suffix)
        or ("." in number and _ENDLESS.match(suffix))
        or (
            _LARGER_UNIT_BEFORE.search(prefix)
            and (_UNIT_BEHIND.match(suffix) or _CJK_UNIT_BEHIND.match(suffix))
        )
    )
