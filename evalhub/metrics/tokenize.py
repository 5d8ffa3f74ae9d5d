"""Texts into tokens: one tokenizer that equals rouge-score's, one that serves every script."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import cache, lru_cache

_ASCII_WORD = re.compile(r"[a-z0-9]+")
_SENTENCE_END = re.compile(r"""\n|(?<=[.!?…])\s+|(?<=[.!?…]["'”’)\]])\s+|(?<=[。！？｡])""")
# Written without spaces: a character is the word. Line-break class SA is Thai, Lao, Khmer, Myanmar and kin.
_ALONE = r"[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Bopomofo}\p{Line_Break=SA}]"
_STEMS_KEPT = 1 << 18
_SHORTEST_STEMMED = 4
_FOREIGN_SHARE = 0.02


class Tokenizer(StrEnum):
    """How a text is cut into words."""

    ROUGE_SCORE = "rouge-score"
    UNICODE = "unicode"


class Splitter(StrEnum):
    """How a text is cut into sentences, which only ROUGE-Lsum asks for."""

    NEWLINE = "newline"
    SENTENCE = "sentence"


def rouge_score_words(text: str) -> list[str]:
    """Return the tokens of rouge-score 0.1.2 before stemming: runs of a-z and 0-9 of the lowered text.

    Args:
        text: Any text; what is not Latin without accents is dropped.

    Returns:
        Words in order.

    Source: rouge-score 0.1.2, `tokenize.tokenize`.

    Example:
        >>> rouge_score_words("Café No. 42")
        ['caf', 'no', '42']
    """
    return _ASCII_WORD.findall(text.lower())


def unicode_words(text: str) -> list[str]:
    """Return the words of a text in any script.

    Compatibility forms and case are folded and invisible characters dropped; a word is a run of letters,
    digits and the marks on them, except in scripts written without spaces (Han, Kana, Thai, Lao, Khmer,
    Myanmar), where each character with its marks is one. An ASCII text gives what `rouge_score_words` gives.

    Args:
        text: Any text.

    Returns:
        Words in order.

    Source: Unicode Standard Annex 15 (NFKC), Annex 29 (word boundaries, without those for apostrophes).

    Example:
        >>> unicode_words("Ｃafé 今天 हिन्दी")
        ['café', '今', '天', 'हिन्दी']
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _unicode_pattern()(folded)


def words(text: str, tokenizer: Tokenizer, *, stemmer: bool) -> tuple[str, ...]:
    """Return the tokens that ROUGE compares.

    Args:
        text: Any text.
        tokenizer: How to cut.
        stemmer: Whether words of more than three characters are reduced by Porter's rules; under
            `unicode` only words of a-z and 0-9 are.

    Returns:
        Tokens in order.

    Source: Porter 1980, An algorithm for suffix stripping, as nltk's default mode has it.

    Example:
        >>> words("Running dogs", Tokenizer.ROUGE_SCORE, stemmer=True)
        ('run', 'dog')
    """
    cut = _WORDS[tokenizer](text)
    return tuple(map(_stem, cut)) if stemmer else tuple(cut)


def sentences(text: str, splitter: Splitter) -> list[str]:
    """Return the sentences of a text.

    Args:
        text: Any text.
        splitter: `newline`: each line is a sentence, as rouge-score has it. `sentence`: also after `.`,
            `!`, `?` or `…` before white space, and after `。`, `！`, `？`; an abbreviation ends one too.

    Returns:
        Sentences in order, none empty.

    Example:
        >>> sentences("It rained. We left.", Splitter.SENTENCE)
        ['It rained.', 'We left.']
    """
    cut = text.split("\n") if splitter is Splitter.NEWLINE else _SENTENCE_END.split(text)
    return [sentence for sentence in cut if sentence]


def choose_tokenizer(texts: Iterable[str]) -> Tokenizer:
    """Return the tokenizer for a whole dataset: `unicode` where rouge-score's harms over 2 % of the words.

    To be asked once per dataset, of its references, and never per pair: values under two tokenizers do not
    compare.

    Args:
        texts: The references of a dataset.

    Returns:
        `rouge-score` where at most one word in fifty holds anything but a-z and 0-9 (or there is no word).

    Example:
        >>> str(choose_tokenizer(["今天下雨", "it rains today"]))
        'unicode'
    """
    total = foreign = 0
    for text in texts:
        cut = unicode_words(text)
        total += len(cut)
        foreign += sum(not word.isascii() for word in cut)
    return Tokenizer.UNICODE if foreign > _FOREIGN_SHARE * total else Tokenizer.ROUGE_SCORE


_WORDS: dict[Tokenizer, Callable[[str], list[str]]] = {
    Tokenizer.ROUGE_SCORE: rouge_score_words,
    Tokenizer.UNICODE: unicode_words,
}


@lru_cache(maxsize=_STEMS_KEPT)
def _stem(word: str) -> str:
    if len(word) < _SHORTEST_STEMMED or not word.isascii():
        return word
    return _porter()(word)


@cache
def _porter() -> Callable[[str], str]:
    from nltk.stem.porter import PorterStemmer

    stem: Callable[[str], str] = PorterStemmer().stem
    return stem


@cache
def _unicode_pattern() -> Callable[[str], list[str]]:
    import regex

    invisible = regex.compile(r"\p{Default_Ignorable_Code_Point}+")
    word = regex.compile(
        rf"[{_ALONE}&&[\p{{L}}\p{{N}}]]\p{{M}}*|[[\p{{L}}\p{{N}}\p{{M}}]--{_ALONE}]+", regex.V1
    )

    def find(text: str) -> list[str]:
        found: list[str] = word.findall(invisible.sub("", text))
        return found

    return find
