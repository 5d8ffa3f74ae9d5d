"""What a metric is: built from a suite's options, it turns texts into named columns of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

NO_REFERENCE = "no reference"
NO_TEXT = "the length is known, the text is not"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One number per candidate, and all that is needed to compute it again.

    Args:
        name: Short name for tables, such as `rouge1`.
        signature: Everything that the values depend on, in one line.
        values: (n_candidates,) the numbers. None where there is too little to measure.
        reasons: (n_candidates,) why a value is None. None where there is a value.
    """

    name: str
    signature: str
    values: tuple[float | None, ...]
    reasons: tuple[str | None, ...]


Value = tuple[float, None] | tuple[None, str]
"""A number, or the reason why there is none."""


@runtime_checkable
class Metric(Protocol):
    """The contract of every entry of the table. A subclass inherits the defaults.

    Attributes:
        higher_is_better: The direction of all columns. None where neither direction is better.
        bounds: The lowest and highest value of all columns. None where a value has no upper limit.
        is_length: Whether the columns measure the size of a response. A length is shown beside the quality
            of a system and never ranks it. The leaderboard shows the first column of a length alone.
    """

    higher_is_better: ClassVar[bool | None]
    bounds: ClassVar[tuple[float, float] | None] = None
    is_length: ClassVar[bool] = False

    def for_dataset(self, texts: Iterable[str]) -> Metric:  # noqa: ARG002
        """Return the metric for a dataset with these references. By default no dataset changes a metric."""
        return self

    def score(self, candidates: Sequence[str], references: Sequence[Sequence[str]]) -> list[Column]:
        """Return one column per quantity. `references` holds the alternatives of each candidate."""
        ...


@runtime_checkable
class LanguageMetric(Metric, Protocol):
    """A metric that may also be told the language of each row, where it matters."""

    def score_in(
        self,
        candidates: Sequence[str],
        references: Sequence[Sequence[str]],
        languages: Sequence[str | None],
    ) -> list[Column]:
        """Return what `score` returns. `languages` holds a BCP 47 tag for each row, None if not known."""
        ...


@runtime_checkable
class CountedMetric(Metric, Protocol):
    """A metric that also has values for candidates of which only the length is known."""

    def score_counts(self, chars: Sequence[int]) -> list[Column]:
        """Return the columns of `score` for candidates of these lengths in characters."""
        ...


def column(name: str, signature: str, pairs: Iterable[Value]) -> Column:
    """Return a column made of values that carry their reasons.

    Args:
        name: Short name for tables.
        signature: Everything that the values depend on.
        pairs: (n_candidates,) each a value and None, or None and its reason.

    Returns:
        The column, in the order given.

    Example:
        >>> column("chars", "chars|v:1", [(2.0, None), (None, "no reference")]).values
        (2.0, None)
    """
    values_with_reasons = tuple(pairs)
    return Column(
        name=name,
        signature=signature,
        values=tuple(value for value, _ in values_with_reasons),
        reasons=tuple(reason for _, reason in values_with_reasons),
    )


def require_rows(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    """Refuse rows that do not belong together.

    Args:
        candidates: (n,) texts.
        references: (n, any number) alternatives of each candidate.

    Raises:
        ValueError: There are not as many lists of references as candidates, or a list is one bare text.
    """
    if len(candidates) != len(references):
        raise ValueError(f"{len(candidates)} candidates but {len(references)} lists of references")
    bare = next((row for row, texts in enumerate(references) if isinstance(texts, str)), None)
    if bare is not None:
        raise ValueError(f"references[{bare}] is one text; give a list of alternatives")
