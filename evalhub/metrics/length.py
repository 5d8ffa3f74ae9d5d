"""How long a text is: the plainest rival of every judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from evalhub.metrics.base import NO_TEXT, Column, Value, column
from evalhub.metrics.options import refuse_unknown
from evalhub.metrics.tokenize import unicode_words


@dataclass(frozen=True, slots=True)
class Length:
    """Length in characters (Unicode code points) and in words (as `unicode_words` cuts every script)."""

    higher_is_better: ClassVar[bool | None] = None
    bounds: ClassVar[tuple[float, float] | None] = None

    @classmethod
    def build(cls, options: Mapping[str, object], *, where: str) -> Length:
        """Return the metric; it has no options.

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

    def for_dataset(self, texts: Iterable[str]) -> Length:  # noqa: ARG002 - the same for every dataset
        """Return this metric: no dataset changes it."""
        return self

    def score(self, candidates: Sequence[str], references: Sequence[Sequence[str]]) -> list[Column]:  # noqa: ARG002
        """Return the columns `chars` and `words`.

        Args:
            candidates: (n,) texts.
            references: Not looked at.

        Returns:
            Two columns of whole numbers, at least 0; neither direction is better.

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
            `chars` with these lengths; `words` has no values, as nobody can count them.

        Example:
            >>> [column.values for column in Length().score_counts([120])]
            [(120.0,), (None,)]
        """
        return _columns(((float(count), None) for count in chars), ((None, NO_TEXT) for _ in chars))


def _columns(chars: Iterable[Value], words: Iterable[Value]) -> list[Column]:
    return [
        column("chars", "chars|unit:code-point|v:1", chars),
        column("words", "words|tok:unicode|v:1", words),
    ]
