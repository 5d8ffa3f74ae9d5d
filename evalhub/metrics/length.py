"""The length of a text, which is the simplest baseline of every judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from evalhub.metrics.base import NO_TEXT, Column, Metric, Value, column
from evalhub.metrics.options import refuse_unknown
from evalhub.metrics.tokenize import unicode_words

LENGTH_COLUMNS = ("chars", "words")


@dataclass(frozen=True)
class Length(Metric):
    """Length in characters (Unicode code points) and in words (as `unicode_words` cuts every script)."""

    higher_is_better: ClassVar[bool | None] = None
    is_length: ClassVar[bool] = True

    @classmethod
    def build(cls, options: Mapping[str, object], *, where: str) -> Length:
        """Return the metric, which has no options.

        Args:
            options: An empty mapping.
            where: File and key of the metric.

        Returns:
            The metric.

        Raises:
            SpecError: An option is given.
        """
        refuse_unknown(options, (), where=where)
        return cls()

    def score(self, candidates: Sequence[str], references: Sequence[Sequence[str]]) -> list[Column]:  # noqa: ARG002
        """Return the columns `chars` and `words`.

        Args:
            candidates: (n,) texts.
            references: Not looked at.

        Returns:
            Two columns of whole numbers, at least 0. Neither direction is better.

        Example:
            >>> [column.values for column in Length().score(["two words"], [[]])]
            [(9.0,), (2.0,)]
        """
        return _columns(
            ((float(len(text)), None) for text in candidates),
            ((float(len(unicode_words(text))), None) for text in candidates),
        )

    def score_counts(self, chars: Sequence[int]) -> list[Column]:
        """Return the columns of `score` for candidates of which only the length is known.

        Args:
            chars: (n,) lengths in characters, at least 0.

        Returns:
            `chars` with these lengths, and `words` without values.

        Example:
            >>> [column.values for column in Length().score_counts([120])]
            [(120.0,), (None,)]
        """
        return _columns(((float(count), None) for count in chars), ((None, NO_TEXT) for _ in chars))


def _columns(chars: Iterable[Value], words: Iterable[Value]) -> list[Column]:
    signatures = ("chars|unit:code-point|v:1", "words|tok:unicode|v:1")
    return list(map(column, LENGTH_COLUMNS, signatures, (chars, words)))
