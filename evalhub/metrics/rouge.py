"""ROUGE-1, -2, -L and -Lsum: rouge-score's values to the last bit under its tokenizer, at less cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import ClassVar

from evalhub.errors import SpecError
from evalhub.metrics.base import NO_REFERENCE, Column, Metric, Value, column, require_rows
from evalhub.metrics.options import read_choice, read_choices, read_flag, refuse_unknown
from evalhub.metrics.overlap import OVERLAPS, Cut, Overlap, TokenizedText
from evalhub.metrics.signature import References, RougeSignature, RougeStatistic, Variant
from evalhub.metrics.tokenize import RougeTokenizer, Splitter, choose_tokenizer

_TEXTS_KEPT = 1 << 14
UNCOUNTED = (
    "tokenizer rouge-score counts only a-z and 0-9, and loses words that these texts may share; "
    "take tokenizer unicode"
)


def score_many(
    candidates: Sequence[str], references: Sequence[Sequence[str]], signatures: Sequence[RougeSignature]
) -> list[Column]:
    """Return the ROUGE values of many candidates under several signatures.

    Args:
        candidates: (n,) texts.
        references: (n, any number) alternatives of each candidate.
        signatures: (k,) what to compute. Signatures that cut texts in the same way share the work.

    Returns:
        (k,) columns of n values in [0, 1], higher is better. A value is None where there is no reference,
        where neither text holds anything to count (rouge-score calls that 0.0), and where the tokenizer
        `rouge-score` drops or cuts most words of texts that may share them. Equal texts never have 0.0.

    Raises:
        ValueError: There are not as many lists of references as candidates, or a list is one bare text.

    Source: Lin 2004, ROUGE: A Package for Automatic Evaluation of Summaries, ACL W04-1013, and rouge-score.

    Example:
        >>> column, = score_many(["the cat sat"], [["the cat ran"]], [RougeSignature(Variant.ROUGE_2)])
        >>> column.values
        (0.5,)
    """
    require_rows(candidates, references)
    cuts = [Cut(signature.tokenizer, signature.stemmer, signature.splitter) for signature in signatures]
    readers = {cut: _reader(cut) for cut in cuts}
    rows: list[list[Value]] = [[] for _ in signatures]
    for candidate, alternatives in zip(candidates, references, strict=True):
        texts = {cut: (read(candidate), [*map(read, alternatives)]) for cut, read in readers.items()}
        for signature, cut, values in zip(signatures, cuts, rows, strict=True):
            values.append(_value(*texts[cut], signature))
    return [
        column(signature.name, str(signature), values)
        for signature, values in zip(signatures, rows, strict=True)
    ]


def _reader(cut: Cut) -> Callable[[str], TokenizedText]:
    return lru_cache(maxsize=_TEXTS_KEPT)(lambda text: TokenizedText(text, cut))


def _value(candidate: TokenizedText, alternatives: list[TokenizedText], signature: RougeSignature) -> Value:
    if not alternatives:
        return None, NO_REFERENCE
    if signature.references is References.FIRST:
        alternatives = alternatives[:1]
    overlaps = []
    for reference in alternatives:
        overlap = _overlap(candidate, reference, signature.variant)
        if overlap is None:
            return None, UNCOUNTED
        if overlap.candidate or overlap.reference:
            overlaps.append(overlap)
    if not overlaps:
        return None, "neither the candidate nor a reference holds anything to count"
    if signature.references is References.MAX:
        overlaps = [max(overlaps, key=lambda overlap: overlap.measure(RougeStatistic.F))]
    return math.fsum(overlap.measure(signature.measure) for overlap in overlaps) / len(overlaps), None


def _overlap(candidate: TokenizedText, reference: TokenizedText, variant: Variant) -> Overlap | None:
    """Return the overlap of two texts. None where the tokenizer loses words that they may share.

    Where it can count one of two texts, they share nothing only if they share no word of any script. Equal
    texts, one of them in full width or with soft hyphens, share everything.
    """
    overlap = OVERLAPS[variant](candidate, reference)
    readable = candidate.readable, reference.readable
    if readable[0] is candidate and readable[1] is reference:
        return overlap
    countable = candidate.countable + reference.countable
    if not countable or (countable == 1 and overlap.shared):
        return None
    if countable == 1:
        overlap_read = OVERLAPS[variant](*readable)
        return None if overlap_read.shared else overlap_read
    if overlap.measure(RougeStatistic.F) == 1.0:
        return overlap
    same_words = readable[0].unigrams == readable[1].unigrams
    return None if same_words and OVERLAPS[variant](*readable).measure(RougeStatistic.F) == 1.0 else overlap


@dataclass(frozen=True)
class Rouge(Metric):
    """ROUGE as a suite asks for it: one column per variant.

    Args:
        signatures: What to compute.
        automatic: Whether the dataset still decides about the tokenizer.
    """

    higher_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float] | None] = (0.0, 1.0)
    signatures: tuple[RougeSignature, ...]
    automatic: bool = False

    @classmethod
    def build(cls, options: Mapping[str, object], *, where: str) -> Rouge:
        """Return the metric that a suite's options describe.

        Args:
            options: `variants` (of 1, 2, L, Lsum, by default all), `stemmer` (default true), `references`
                (mean, max, first), `measure` (f, p, r), `tokenizer` (rouge-score or unicode, by default the
                choice of the dataset's references), `splitter` (newline or sentence, for Lsum).
            where: File and key of the metric.

        Returns:
            The metric.

        Raises:
            SpecError: An option or a value is unknown, or a splitter is given without Lsum.
        """
        allowed = ("variants", "stemmer", "references", "measure", "tokenizer", "splitter")
        refuse_unknown(options, allowed, where=where)
        variants = read_choices(options, "variants", default=tuple(Variant), where=where)
        if "splitter" in options and Variant.ROUGE_LSUM not in variants:
            raise SpecError(
                "only Lsum splits sentences", where=f"{where}.splitter", fix="add Lsum to variants"
            )
        common = RougeSignature(
            Variant.ROUGE_LSUM,
            measure=read_choice(options, "measure", default=RougeStatistic.F, where=where),
            stemmer=read_flag(options, "stemmer", default=True, where=where),
            tokenizer=read_choice(options, "tokenizer", default=RougeTokenizer.ROUGE_SCORE, where=where),
            splitter=read_choice(options, "splitter", default=Splitter.NEWLINE, where=where),
            references=read_choice(options, "references", default=References.MEAN, where=where),
        )
        plain = replace(common, splitter=Splitter.NEWLINE)
        signatures = tuple(
            common if variant is Variant.ROUGE_LSUM else replace(plain, variant=variant)
            for variant in variants
        )
        return cls(signatures, automatic="tokenizer" not in options)

    def for_dataset(self, texts: Iterable[str]) -> Rouge:
        """Return this metric with its tokenizer settled.

        Args:
            texts: All references of the dataset. Read only where the suite leaves the tokenizer open.

        Returns:
            A metric that scores every row under the same signatures.
        """
        if not self.automatic:
            return self
        tokenizer = choose_tokenizer(texts)
        return Rouge(tuple(replace(signature, tokenizer=tokenizer) for signature in self.signatures))

    def score(self, candidates: Sequence[str], references: Sequence[Sequence[str]]) -> list[Column]:
        """Return one column per variant, see `score_many`.

        Args:
            candidates: (n,) texts.
            references: (n, any number) alternatives of each candidate. Where the tokenizer is still open,
                these decide it: give the whole dataset, or call `for_dataset` first.

        Returns:
            Columns in the order of the variants, values in [0, 1], higher is better.

        Raises:
            ValueError: There are not as many lists of references as candidates, or a list is one bare text.
        """
        metric = self.for_dataset(chain.from_iterable(references))
        return score_many(candidates, references, metric.signatures)
