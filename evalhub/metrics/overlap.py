"""The overlap of two texts, counted in the four ways of ROUGE."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import cached_property
from itertools import chain, pairwise
from typing import NamedTuple

from evalhub.metrics.lcs import lcs_length, lcs_positions, position_masks
from evalhub.metrics.signature import RougeStatistic, Variant
from evalhub.metrics.tokenize import RougeTokenizer, Splitter, counts, sentences, words


class Overlap(NamedTuple):
    """How many words, or pairs of words, two texts share and each of them has."""

    shared: int
    candidate: int
    reference: int

    def measure(self, kind: RougeStatistic) -> float:
        """Return precision, recall or F in [0, 1], higher is better. 0.0 where a side is empty.

        Args:
            kind: Which of the three.

        Returns:
            The value, equal to rouge-score's to the last bit because the order of operations is the same.

        Example:
            >>> Overlap(1, 2, 4).measure(RougeStatistic.RECALL)
            0.25
        """
        precision = self.shared / max(self.candidate, 1)
        recall = self.shared / max(self.reference, 1)
        if kind is RougeStatistic.PRECISION:
            return precision
        if kind is RougeStatistic.RECALL:
            return recall
        return 2 * precision * recall / (precision + recall) if self.shared else 0.0


class Cut(NamedTuple):
    """The part of a signature that says how a text is cut."""

    tokenizer: RougeTokenizer
    stemmer: bool
    splitter: Splitter


class TokenizedText:
    """One text, cut and counted once, however many texts it is compared with."""

    def __init__(self, text: str, cut: Cut) -> None:
        self._text = text
        self._cut = cut

    def _words(self, text: str) -> tuple[str, ...]:
        return words(text, self._cut.tokenizer, stemmer=self._cut.stemmer)

    @cached_property
    def countable(self) -> bool:
        """Whether the tokenizer can count this text."""
        return counts(self._text, self._cut.tokenizer)

    @cached_property
    def readable(self) -> TokenizedText:
        """The same text in words of every script, as a person reads it."""
        if self._text.isascii() or self._cut.tokenizer is RougeTokenizer.UNICODE:
            return self
        return TokenizedText(self._text, self._cut._replace(tokenizer=RougeTokenizer.UNICODE))

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The words in order."""
        return self._words(self._text)

    @cached_property
    def unigrams(self) -> frozenset[Hashable]:
        """The words as a multiset."""
        return _numbered(self.tokens)

    @cached_property
    def bigrams(self) -> frozenset[Hashable]:
        """The pairs of neighbouring words as a multiset."""
        return _numbered(pairwise(self.tokens))

    @cached_property
    def sentences(self) -> list[tuple[str, ...]]:
        """The words of each sentence."""
        return [self._words(sentence) for sentence in sentences(self._text, self._cut.splitter)]

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each word is in the sentences."""
        return Counter(chain.from_iterable(self.sentences))

    @cached_property
    def sentence_masks(self) -> list[tuple[dict[str, int], int]]:
        """Where each different sentence holds each word, and how long it is."""
        return [(position_masks(tokens), len(tokens)) for tokens in dict.fromkeys(self.sentences)]


def _numbered(grams: Iterable[Hashable]) -> frozenset[Hashable]:
    """Return each gram, and its repeats numbered: multisets then meet as sets do, at the speed of sets."""
    counts = Counter(grams)
    repeats = ((gram, nth) for gram, count in counts.items() if count > 1 for nth in range(1, count))
    return frozenset(chain(counts, repeats))


def _unigram_overlap(candidate: TokenizedText, reference: TokenizedText) -> Overlap:
    a, b = candidate.unigrams, reference.unigrams
    return Overlap(len(a & b), len(a), len(b))


def _bigram_overlap(candidate: TokenizedText, reference: TokenizedText) -> Overlap:
    a, b = candidate.bigrams, reference.bigrams
    return Overlap(len(a & b), len(a), len(b))


def _lcs_overlap(candidate: TokenizedText, reference: TokenizedText) -> Overlap:
    a, b = candidate.tokens, reference.tokens
    return Overlap(lcs_length(a, b), len(a), len(b))


def _union_lcs_overlap(candidate: TokenizedText, reference: TokenizedText) -> Overlap:
    """Unite, per reference sentence, its LCS with every candidate sentence. Clip words to their counts.

    Source: Lin 2004, ROUGE, section 3.2. The clipping is that of ROUGE 1.5.5.
    """
    union: Counter[str] = Counter()
    for tokens, repeats in Counter(reference.sentences).items():
        positions: set[int] = set()
        for other, width in candidate.sentence_masks:
            positions.update(lcs_positions(tokens, other, width))
        union.update(
            chain.from_iterable([tokens[position] for position in positions] for _ in range(repeats))
        )
    shared = (union & candidate.counts).total()
    return Overlap(shared, candidate.counts.total(), reference.counts.total())


OVERLAPS: Mapping[Variant, Callable[[TokenizedText, TokenizedText], Overlap]] = {
    Variant.ROUGE_1: _unigram_overlap,
    Variant.ROUGE_2: _bigram_overlap,
    Variant.ROUGE_L: _lcs_overlap,
    Variant.ROUGE_LSUM: _union_lcs_overlap,
}
