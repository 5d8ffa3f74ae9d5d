"""Exact match: of whole answers as SQuAD compares them, or of the number that they end in as GSM8K does."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from evalhub.metrics.base import NO_REFERENCE, Column, Value, column, require_rows
from evalhub.metrics.options import read_choice, refuse_unknown

_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
# After a word or a closing bracket a dash stands between two things and is no sign.
_NUMBER = r"((?<![\w)\]])-)?[$€£¥₹]?((?>\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?>\.\d+)?|(?<!\w)\.\d+)"
_ANY_NUMBER = re.compile(_NUMBER)
# `#### 2. Then` is a heading of a list, not an answer.
_MARKED_NUMBER = re.compile(rf"####[ \t]*{_NUMBER}(?!\d)(?![.):]\s+\w)")


class Normalizer(StrEnum):
    """What two answers must agree in: their words, their final number, or every character."""

    SQUAD = "squad"
    NUMBER = "number"
    VERBATIM = "verbatim"


def squad_normalize(text: str) -> str:
    """Return a text as SQuAD compares it: lower case, no ASCII punctuation, no articles, single spaces.

    Args:
        text: An answer.

    Returns:
        The normal form; empty where nothing is left.

    Source: Rajpurkar et al. 2016, SQuAD, section 6.1; the official `evaluate-v1.1.py`, `normalize_answer`.

    Example:
        >>> squad_normalize("The  Eiffel Tower!")
        'eiffel tower'
    """
    return " ".join(_ARTICLE.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def final_number(text: str) -> Decimal | None:
    """Return the number that a worked answer arrives at.

    As in the official GSM8K code it is the number after the first `####`, its commas dropped. Where a
    response has no such mark it is the last number. Signs, decimals and a currency sign are read; unlike
    there, numbers are compared as numbers (`18.00` is `18`, `18.` is `18`) and a comma that does not group
    thousands ends a number.

    Args:
        text: A response or a reference.

    Returns:
        The number, exact, or None where there is none.

    Source: Cobbe et al. 2021, Training Verifiers to Solve Math Word Problems; `grade_school_math/dataset.py`,
        `extract_answer`.

    Example:
        >>> final_number("She pays 3 * $400 = $1,200.50 in all.")
        Decimal('1200.50')
    """
    text = text.replace("−", "-")
    found = _MARKED_NUMBER.search(text)
    if found is None:
        for found in _ANY_NUMBER.finditer(text):  # noqa: B007 - the last one is wanted
            pass
    if found is None:
        return None
    sign, digits = found.groups(default="")
    return Decimal(sign + digits.replace(",", ""))


_READ: Mapping[Normalizer, Callable[[str], Hashable]] = {
    Normalizer.SQUAD: lambda text: squad_normalize(text) or None,
    Normalizer.NUMBER: final_number,
    Normalizer.VERBATIM: lambda text: text,
}


@dataclass(frozen=True, slots=True)
class ExactMatch:
    """1 where the candidate agrees with any reference, else 0.

    Args:
        normalizer: What they must agree in.
    """

    higher_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float] | None] = (0.0, 1.0)
    normalizer: Normalizer = Normalizer.SQUAD

    @classmethod
    def build(cls, options: Mapping[str, object], *, where: str) -> ExactMatch:
        """Return the metric that a suite's options describe.

        Args:
            options: `normalizer` (squad, number, verbatim; default squad).
            where: File and key of the metric.

        Returns:
            The metric.

        Raises:
            SpecError: An option or a value is unknown.
        """
        refuse_unknown(options, ("normalizer",), where=where)
        return cls(read_choice(options, "normalizer", default=Normalizer.SQUAD, where=where))

    def for_dataset(self, texts: Iterable[str]) -> ExactMatch:  # noqa: ARG002
        """Return this metric: no dataset changes it."""
        return self

    def score(self, candidates: Sequence[str], references: Sequence[Sequence[str]]) -> list[Column]:
        """Return the column `exact_match`, or `number_match` for final numbers.

        Args:
            candidates: (n,) texts.
            references: (n, any number) alternatives of each candidate.

        Returns:
            One column of 0.0 and 1.0, higher is better. A candidate with nothing to compare is 0.0; a value
            is None where no reference has anything to compare (no text, no word, no number).

        Raises:
            ValueError: There are not as many lists of references as candidates, or a list is one bare text.

        Example:
            >>> ExactMatch().score(["The cat."], [["cat", "dog"]])[0].values
            (1.0,)
        """
        require_rows(candidates, references)
        name = "number_match" if self.normalizer is Normalizer.NUMBER else "exact_match"
        signature = f"{name}|norm:{self.normalizer}|refs:any|v:1"
        return [column(name, signature, map(self._value, candidates, references))]

    def _value(self, candidate: str, alternatives: Sequence[str]) -> Value:
        if not alternatives:
            return None, NO_REFERENCE
        read = _READ[self.normalizer]
        wanted = {answer for answer in map(read, alternatives) if answer is not None}
        if not wanted:
            return None, f"no reference holds anything that {self.normalizer} compares"
        return float(read(candidate) in wanted), None
