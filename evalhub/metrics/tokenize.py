"""Texts into tokens: the tokenizer of rouge-score, and one that serves every script."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import cache, lru_cache
from importlib.util import find_spec, module_from_spec
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, cast

from evalhub.metrics.fold import fold

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

_ASCII_WORD = re.compile(r"[a-z0-9]+")
_SENTENCE_END = re.compile(r"""\n|(?<=[.!?…؟۔।॥։።])\s+|(?<=[.!?…؟۔।॥։።]["'”’»)\]])\s+|(?<=[。！？｡။។])""")
# Written without spaces: a character is the word. Line-break class SA is Thai, Lao, Khmer, Myanmar and kin.
UNSPACED = (
    r"[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Bopomofo}\p{scx=Yi}\p{scx=Javanese}"
    r"\p{scx=Balinese}\p{Line_Break=SA}]"
)
_CACHED_STEMS = 1 << 18
_CACHED_CHUNKS = 1 << 18
# Scripts without white space make a chunk of each text. A cache of whole texts would fill the memory.
_LONGEST_CACHED = 64
_SHORTEST_STEMMED = 4
_CUT_SHARE_OF_A_SET = 0.02
_CUT_SHARE_OF_A_TEXT = 0.5


class RougeTokenizer(StrEnum):
    """How a text is cut into words."""

    ROUGE_SCORE = "rouge-score"
    UNICODE = "unicode"


class Splitter(StrEnum):
    """How a text is cut into sentences, which only ROUGE-Lsum asks for."""

    NEWLINE = "newline"
    SENTENCE = "sentence"


def rouge_score_words(text: str) -> list[str]:
    """Return the tokens of rouge-score before stemming: runs of a-z and 0-9 of the text in lower case.

    Args:
        text: Any text. Characters other than a-z and 0-9 are dropped.

    Returns:
        Words in order.

    Source: rouge-score 0.1.2, `tokenize.tokenize`.

    Example:
        >>> rouge_score_words("Café No. 42")
        ['caf', 'no', '42']
    """
    return _rouge_score_tokenize()(text, None)


def unicode_words(text: str) -> list[str]:
    """Return the words of a text in any script.

    The text is folded first (`fold`). A word is a run of letters, digits and the marks on them, except in
    scripts written without spaces (Han, Kana, Thai, Lao, Khmer, Myanmar and others), where each character
    with its marks is one. An ASCII text gives what `rouge_score_words` gives.

    Args:
        text: Any text.

    Returns:
        Words in order.

    Source: Unicode Standard Annex 29 (word boundaries, without those for apostrophes).

    Example:
        >>> unicode_words("Ｃafé 今天 हिन्दी")
        ['café', '今', '天', 'हिन्दी']
    """
    return _ASCII_WORD.findall(text.lower()) if text.isascii() else _unicode_pattern()(fold(text))


def words(text: str, tokenizer: RougeTokenizer, *, stemmer: bool) -> tuple[str, ...]:
    """Return the tokens that ROUGE compares.

    Args:
        text: Any text.
        tokenizer: How to cut.
        stemmer: Whether words of more than three characters are reduced by Porter's rules. Under
            `unicode` only words of a-z and 0-9 are.

    Returns:
        Tokens in order.

    Source: Porter 1980, An algorithm for suffix stripping, as nltk's default mode has it.

    Example:
        >>> words("Running dogs", RougeTokenizer.ROUGE_SCORE, stemmer=True)
        ('run', 'dog')
    """
    if tokenizer is RougeTokenizer.ROUGE_SCORE:
        chunks = text.split()
        if max(map(len, chunks), default=0) > _LONGEST_CACHED:
            return tuple(_rouge_score_tokenize()(text, _STEMMER if stemmer else None))
        tokenize_chunk = _stemmed_tokens if stemmer else _unstemmed_tokens
        return tuple(chain.from_iterable(map(tokenize_chunk, chunks)))
    tokens = unicode_words(text)
    return tuple(map(_stem, tokens)) if stemmer else tuple(tokens)


def sentences(text: str, splitter: Splitter) -> list[str]:
    """Return the sentences of a text.

    Args:
        text: Any text.
        splitter: `newline`: each line is a sentence, as rouge-score has it. `sentence`: also after `.`,
            `!`, `?` or `…` before white space, after `。`, `！`, `？`, and after the signs of other scripts
            (`।`, `؟`, `።`, `។` and others). An abbreviation ends one too.

    Returns:
        Sentences in order, none empty.

    Example:
        >>> sentences("It rained. We left.", Splitter.SENTENCE)
        ['It rained.', 'We left.']
    """
    parts = text.split("\n") if splitter is Splitter.NEWLINE else _SENTENCE_END.split(text)
    return [sentence for sentence in parts if sentence]


def choose_tokenizer(texts: Iterable[str]) -> RougeTokenizer:
    """Return the tokenizer for a whole dataset: `rouge-score` where it counts every text, else `unicode`.

    It does not count a text of which it drops a word whole (any word of Thai, Russian or Greek, `à`, `½`, a
    word in full width), or cuts more than half of the words. Where it cuts more than 2 % of all words (`café`
    becomes `caf`), `unicode` is taken too. To be asked once per dataset, of its references, and never per
    pair: values under two tokenizers do not compare. On ASCII texts the two are the same.

    Args:
        texts: The references of a dataset.

    Returns:
        The tokenizer. It is `unicode` as soon as rouge-score's does not count one text.

    Example:
        >>> str(choose_tokenizer(["it rains today"] * 999 + ["今天下雨"]))
        'unicode'
    """
    total = damaged = 0
    for text in texts:
        damage = _damage(text)
        if damage.drops_a_word or damage.damaged > _CUT_SHARE_OF_A_TEXT * damage.words:
            return RougeTokenizer.UNICODE
        total += damage.words
        damaged += damage.damaged
    return RougeTokenizer.UNICODE if damaged > _CUT_SHARE_OF_A_SET * total else RougeTokenizer.ROUGE_SCORE


def counts(text: str, tokenizer: RougeTokenizer) -> bool:
    """Return whether a tokenizer can count a text: rouge-score's cannot where it damages most of the words.

    Args:
        text: Any text.
        tokenizer: How the text would be cut.

    Returns:
        False where `rouge-score` cuts or drops more than half of the words, else True.

    Example:
        >>> counts("сегодня дождь", RougeTokenizer.ROUGE_SCORE)
        False
        >>> counts("le café noir", RougeTokenizer.ROUGE_SCORE)
        True
    """
    if tokenizer is RougeTokenizer.UNICODE or text.isascii():
        return True
    damage = _damage(text)
    return damage.damaged <= _CUT_SHARE_OF_A_TEXT * damage.words


class _Damage(NamedTuple):
    """What rouge-score's tokenizer does to a text.

    Attributes:
        words: How many words the text has.
        damaged: How many of them it does not count as they are: cut, or dropped whole.
        drops_a_word: Whether it drops one whole, so that not even a piece of it is counted.
    """

    words: int
    damaged: int
    drops_a_word: bool


def _damage(text: str) -> _Damage:
    tokens = unicode_words(text)
    if text.isascii():
        return _Damage(len(tokens), 0, False)
    # Folded words may be ASCII although the text is not: full width, ligatures, digits of other scripts.
    pieces = Counter(rouge_score_words(text))
    damaged = Counter(tokens) - pieces
    leftover = pieces - Counter(tokens)
    drops_a_word = damaged.total() > leftover.total() or not all(
        word.isascii() or _ASCII_WORD.search(word) for word in damaged
    )
    return _Damage(len(tokens), damaged.total(), drops_a_word)


# No token of rouge-score reaches across white space. The tokens of a text are therefore those of its chunks
# between white space, and most chunks of a dataset are repeats: the package reads each of them once.
@lru_cache(maxsize=_CACHED_CHUNKS)
def _stemmed_tokens(chunk: str) -> list[str]:
    return _rouge_score_tokenize()(chunk, _STEMMER)


@lru_cache(maxsize=_CACHED_CHUNKS)
def _unstemmed_tokens(chunk: str) -> list[str]:
    return _rouge_score_tokenize()(chunk, None)


def _stem(word: str) -> str:
    stemmed = len(word) >= _SHORTEST_STEMMED and word.isascii()
    return _porter_stem(word) if stemmed else word


@lru_cache(maxsize=_CACHED_STEMS)
def _porter_stem(word: str) -> str:
    return _porter()(word)


class _CachedStemmer:
    """What rouge-score takes as a stemmer. It reduces each word once, which is most of the time saved."""

    stem = staticmethod(_porter_stem)


_STEMMER = _CachedStemmer()


@cache
def _rouge_score_tokenize() -> Callable[[str, _CachedStemmer | None], list[str]]:
    from rouge_score.tokenize import tokenize

    return cast("Callable[[str, _CachedStemmer | None], list[str]]", tokenize)


@cache
def _porter() -> Callable[[str], str]:
    """Return nltk's stemmer. nltk's own packages import SciPy and more, seconds of it, so they stay out."""
    packages = () if "nltk" in sys.modules else ("nltk", "nltk.stem")
    try:
        for name in packages:
            sys.modules[name] = module_from_spec(cast("ModuleSpec", find_spec(name)))
        from nltk.stem.porter import PorterStemmer
    finally:
        for name in [name for name in sys.modules if packages and name.partition(".")[0] == "nltk"]:
            del sys.modules[name]
    stem: Callable[[str], str] = PorterStemmer().stem
    return stem


@cache
def _unicode_pattern() -> Callable[[str], list[str]]:
    import regex

    word = regex.compile(
        rf"[{UNSPACED}&&[\p{{L}}\p{{N}}]]\p{{M}}*|[[\p{{L}}\p{{N}}\p{{M}}]--{UNSPACED}]+", regex.V1
    )
    find: Callable[[str], list[str]] = word.findall
    return find
