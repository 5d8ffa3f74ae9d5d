"""The signature of a ROUGE value: everything that it depends on, as one record and as one line."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from enum import StrEnum

from evalhub.errors import SpecError
from evalhub.metrics.tokenize import RougeTokenizer, Splitter

_VERSION = "3"
"""The version of the definitions. Raise it whenever a value of an unchanged signature would change."""


class Variant(StrEnum):
    """What is counted: shared words, shared pairs of words, or longest common subsequences."""

    ROUGE_1 = "1"
    ROUGE_2 = "2"
    ROUGE_L = "L"
    ROUGE_LSUM = "Lsum"


class RougeStatistic(StrEnum):
    """Precision (of the candidate), recall (of the reference), or their harmonic mean."""

    PRECISION = "p"
    RECALL = "r"
    F = "f"


class References(StrEnum):
    """How the alternatives of one candidate become one value."""

    MEAN = "mean"
    MAX = "max"
    FIRST = "first"


@dataclass(frozen=True, slots=True)
class RougeSignature:
    """All that a ROUGE value depends on.

    Args:
        variant: What is counted.
        measure: Precision, recall or F.
        stemmer: Whether words are reduced by Porter's rules.
        tokenizer: How texts are cut into words.
        splitter: How texts are cut into sentences. Only Lsum uses it, elsewhere it is `newline`.
        references: `mean` over the alternatives, `max`: the alternative with the highest F, whatever the
            measure (as rouge-score's `score_multi`), or the `first` alone.

    Raises:
        SpecError: A sentence splitter for a variant that has no use for it.

    Example:
        >>> str(RougeSignature(Variant.ROUGE_2))
        'rouge2|m:f|stem:yes|tok:rouge-score|split:no|refs:mean|v:3'
    """

    variant: Variant
    _: KW_ONLY
    measure: RougeStatistic = RougeStatistic.F
    stemmer: bool = True
    tokenizer: RougeTokenizer = RougeTokenizer.ROUGE_SCORE
    splitter: Splitter = Splitter.NEWLINE
    references: References = References.MEAN

    def __post_init__(self) -> None:
        if self.variant is not Variant.ROUGE_LSUM and self.splitter is not Splitter.NEWLINE:
            raise SpecError("only Lsum splits sentences", value=self.name, fix="leave the splitter out")

    @property
    def name(self) -> str:
        """Short name for tables, such as `rougeLsum`."""
        return f"rouge{self.variant}"

    def __str__(self) -> str:
        split = self.splitter if self.variant is Variant.ROUGE_LSUM else "no"
        return (
            f"{self.name}|m:{self.measure}|stem:{'yes' if self.stemmer else 'no'}|tok:{self.tokenizer}"
            f"|split:{split}|refs:{self.references}|v:{_VERSION}"
        )
