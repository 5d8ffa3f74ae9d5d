"""Exact match: of whole answers as SQuAD compares them, or of the number that they end in as GSM8K does."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from evalhub.metrics.answers import normal_answer
from evalhub.metrics.base import NO_REFERENCE, Column, Metric, Value, column, require_rows
from evalhub.metrics.numbers import RULE, Agreement, compare, final_number
from evalhub.metrics.options import read_choice, refuse_unknown
from evalhub.texts import is_blank

UNCLEAR = (
    "the number can be read in two ways, as 1.234 can, and only one of them agrees; "
    "give the item's lang, or references without separators"
)
UNREAD = (
    "the text ends in an expression, a range or a number of unclear sign, such as 2^x, 3-5 or 12h30, which "
    "is not read as one number"
)


class Normalizer(StrEnum):
    """What two answers must agree in: their words, their final number, or every character."""

    SQUAD = "squad"
    NUMBER = "number"
    VERBATIM = "verbatim"


_VERSIONS: Mapping[Normalizer, str] = {
    Normalizer.SQUAD: "3",
    Normalizer.NUMBER: "4",
    Normalizer.VERBATIM: "3",
}
"""The version of each definition. It is raised whenever a value of an unchanged signature would change."""


@dataclass(frozen=True)
class ExactMatch(Metric):
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
            options: `normalizer` (squad, number or verbatim, by default squad).
            where: File and key of the metric.

        Returns:
            The metric.

        Raises:
            SpecError: An option or a value is unknown.
        """
        refuse_unknown(options, ("normalizer",), where=where)
        return cls(read_choice(options, "normalizer", default=Normalizer.SQUAD, where=where))

    def score(self, candidates: Sequence[str], references: Sequence[Sequence[str]]) -> list[Column]:
        """Return the column of texts whose language is not known, see `score_in`.

        Args:
            candidates: (n,) texts.
            references: (n, any number) alternatives of each candidate.

        Returns:
            One column of 0.0 and 1.0, higher is better.

        Raises:
            ValueError: There are not as many lists of references as candidates, or a list is one bare text.

        Example:
            >>> ExactMatch().score(["The cat."], [["cat", "dog"]])[0].values
            (1.0,)
        """
        return self.score_in(candidates, references, [None] * len(candidates))

    def score_in(
        self,
        candidates: Sequence[str],
        references: Sequence[Sequence[str]],
        languages: Sequence[str | None],
    ) -> list[Column]:
        """Return the column `exact_match`, or `number_match` for final numbers.

        Args:
            candidates: (n,) texts.
            references: (n, any number) alternatives of each candidate.
            languages: (n,) the BCP 47 tag of each row, which says how numbers are written. None where it is
                not known.

        Returns:
            One column of 0.0 and 1.0, higher is better. A candidate with nothing to compare has 0.0. A value
            is None where no reference has anything to compare (no text, no number), and where a number can be
            read in two ways of which one agrees, or is a part of an expression.

        Raises:
            ValueError: There are not as many lists of references as candidates, or a list is one bare text.

        Example:
            >>> ExactMatch(Normalizer.NUMBER).score_in(["1.234"], [["1234"]], ["de"])[0].values
            (1.0,)
        """
        require_rows(candidates, references)
        value = self._number_value if self.normalizer is Normalizer.NUMBER else self._text_value
        rows = zip(candidates, references, languages, strict=True)
        return [column(self._name, self._signature, (value(*row) for row in rows))]

    @property
    def _name(self) -> str:
        return "number_match" if self.normalizer is Normalizer.NUMBER else "exact_match"

    @property
    def _signature(self) -> str:
        rule = f"|take:{RULE}|lang:item" if self.normalizer is Normalizer.NUMBER else ""
        return f"{self._name}|norm:{self.normalizer}{rule}|refs:any|v:{_VERSIONS[self.normalizer]}"

    def _text_value(self, candidate: str, alternatives: Sequence[str], language: str | None) -> Value:  # noqa: ARG002
        read = normal_answer if self.normalizer is Normalizer.SQUAD else _composed
        answers = {read(text) for text in alternatives if not is_blank(text)}
        if not answers:
            return None, self._nothing(alternatives)
        return float(read(candidate) in answers), None

    def _number_value(self, candidate: str, alternatives: Sequence[str], language: str | None) -> Value:
        numbers = [number for text in alternatives if (number := final_number(text, language))]
        if not numbers:
            return None, self._nothing(alternatives)
        answer = final_number(candidate, language)
        agreements = {compare(answer, number) for number in numbers} if answer else set()
        if Agreement.EQUAL in agreements:
            return 1.0, None
        if Agreement.UNCLEAR in agreements:
            return None, UNCLEAR
        return (None, UNREAD) if Agreement.UNREAD in agreements else (0.0, None)

    def _nothing(self, alternatives: Sequence[str]) -> str:
        return (
            f"no reference holds anything that {self.normalizer} compares" if alternatives else NO_REFERENCE
        )


def _composed(text: str) -> str:
    """Return the text to the letter: a letter with its accent is the same letter composed and decomposed."""
    return unicodedata.normalize("NFC", text)
