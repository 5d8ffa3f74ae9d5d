"""Answers as exact match compares them: SQuAD's normal form, for every script."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from evalhub.metrics.fold import fold
from evalhub.metrics.quantities import plain_quantities
from evalhub.metrics.tokenize import UNSPACED

_LETTER_POWER = re.compile(r"(?<=[^\W\d_])(?=[²³¹⁰⁴-⁹⁻])")
# `a` before a single letter is a letter of a list, as in `A B`, and before punctuation it is an answer.
_ARTICLE = re.compile(
    r"""(?<![^\s"'(\[“‘«])(?:(?:an|the)\s+(?=["'(\[“‘«]*\w)|a\s+(?=["'(\[“‘«]*(?:\w[\w'’+#]|\w[.&-]\w|[^\W_a-z])))"""
)


def normal_answer(text: str) -> str:
    """Return an answer as it is compared: SQuAD's normal form, carried over to all scripts.

    As in SQuAD case, punctuation, English articles and repeated spaces do not count. Seven things differ:

    - The punctuation of every script is dropped, and a text has one spelling (`fold`).
    - Symbols are part of an answer: `C++` is not `C`, and `$5` is not `5`. So are a minus sign, a percent
      sign and the `#` of `C#`.
    - Punctuation between two digits stays (`3.5` is not `35`), except separators of thousands.
    - Spaces beside symbols and units do not count: `5 °C` is `5°C`, `25 m²` is `25 m^2` (`plain_quantities`).
    - An article is one only before another word, so that the answer `A` stays.
    - Spaces within scripts that are written without spaces do not count.
    - A text whose normal form would be empty stays, such as `?`.

    Args:
        text: An answer.

    Returns:
        The normal form. It is empty only for a blank text.

    Source: Rajpurkar et al. 2016, SQuAD, section 6.1, and `normalize_answer` of `evaluate-v1.1.py`.

    Example:
        >>> normal_answer("The  Eiffel Tower!"), normal_answer("A."), normal_answer("「東京」。")
        ('eiffel tower', 'a', '東京')
    """
    folded = fold(_LETTER_POWER.sub("^", text))
    words = _drop_punctuation()(_ARTICLE.sub("", plain_quantities(folded)))
    return next((form for form in (words, " ".join(folded.split())) if form), text.strip())


@cache
def _drop_punctuation() -> Callable[[str], str]:
    import regex

    answer_parts = (
        r"(?<=\d)\p{P}(?=\d)",
        rf"(?<![[\w)\]]--{UNSPACED}])-(?=\p{{Sc}}?\.?\d)",
        # The signs of -x and of -∞, and the grade A-.
        r"(?<![\w)\]])-(?=(?:\p{L}(?!\w)|∞))",
        r"(?<=^[a-f])-$",
        r"(?<!\w)\.(?=\d)",
        r"(?<=[^\W\d_])\#(?!\w)",
        r"(?<=\d)\s*[%‰]",
    )
    punctuation = regex.compile(
        rf"(?P<kept>{'|'.join(answer_parts)})|(?<![\w+])\+(?=\.?\d)|[\p{{P}}`|~]", regex.V1
    )
    inner_space = regex.compile(rf"(?<={UNSPACED}\p{{M}}*)\s+(?={UNSPACED})", regex.V1)

    def drop(text: str) -> str:
        without_punctuation = punctuation.sub(lambda sign: (sign["kept"] or "").strip(), text)
        joined: str = inner_space.sub("", " ".join(without_punctuation.split()))
        return joined

    return drop
