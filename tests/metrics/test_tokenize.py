"""Words of every script, and the choice between the two tokenizers."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rouge_score.tokenizers import DefaultTokenizer

from evalhub.metrics.tokenize import (
    RougeTokenizer,
    Splitter,
    _unstemmed_tokens,
    choose_tokenizer,
    counts,
    rouge_score_words,
    sentences,
    unicode_words,
    words,
)


@given(
    st.text() | st.text(st.sampled_from("aZ9é'.-\u212aΣİ \t\n\x1c\x85\xa0\u200b\u2028\u3000")), st.booleans()
)
@example(f"Running {'dogs-' * 20} dogs", True)
@example("Dogs' dogs\x1crunning\xa0running-dogs ΣΑΣ Σ 1\u200b2", True)
@settings(deadline=None)
def test_words_are_rouge_scores(text, stemmer):
    expected = DefaultTokenizer(stemmer).tokenize(text)
    assert list(words(text, RougeTokenizer.ROUGE_SCORE, stemmer=stemmer)) == expected


def test_texts_without_white_space_are_not_kept():
    cached = _unstemmed_tokens.cache_info().currsize
    assert words("x-y" * 1000, RougeTokenizer.ROUGE_SCORE, stemmer=False)
    assert _unstemmed_tokens.cache_info().currsize == cached


@given(st.text(st.characters(max_codepoint=127)))
@settings(deadline=None)
def test_both_tokenizers_agree_on_ascii(text):
    assert unicode_words(text) == rouge_score_words(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("今天，下雨了。", list("今天下雨了")),
        ("スーパーへ", list("スーパーへ")),
        ("ｱｲ", ["ア", "イ"]),
        ("ไปที่", ["ไ", "ป", "ที่"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("می\u200cخواهم", ["میخواهم"]),
        ("한국어 텍스트", ["한국어", "텍스트"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("cafe\u0301 café", ["café", "café"]),
        ("１２ ①", ["12", "1"]),
        ("iPhone手机", ["iphone", "手", "机"]),
        ("ភាសាខ្មែរ", ["ភា", "សា", "ខ្", "មែ", "រ"]),
        ("தமிழ்", ["தமிழ்"]),
        ("كـتـاب كِتاب", ["کتاب", "کتاب"]),
        ("то́т ʼ то́т", ["то́т", "то́т"]),
        ("٤٢ 1½ 10²", ["42", "1", "1", "2", "10", "2"]),
        ("！？ — 🙂", []),
    ],
)
def test_words_of_every_script(text, expected):
    assert unicode_words(text) == expected


def test_only_ascii_words_are_stemmed_under_unicode():
    assert words("Running läuften 今天", RougeTokenizer.UNICODE, stemmer=True) == (
        "run",
        "läuften",
        "今",
        "天",
    )


@pytest.mark.parametrize(
    ("splitter", "text", "expected"),
    [
        (Splitter.NEWLINE, "One. Two.\n\nThree.", ["One. Two.", "Three."]),
        (
            Splitter.SENTENCE,
            'He said "go." She went! 3.5 km…\nEnd',
            ['He said "go."', "She went!", "3.5 km…", "End"],
        ),
        (Splitter.SENTENCE, "下雨了。我们走！好", ["下雨了。", "我们走！", "好"]),
        (Splitter.SENTENCE, "वह आया। वह गया।", ["वह आया।", "वह गया।"]),
        (Splitter.SENTENCE, "هل وصل؟ نعم.", ["هل وصل؟", "نعم."]),
        (Splitter.SENTENCE, "រថភ្លើងមក។យឺត", ["រថភ្លើងមក។", "យឺត"]),
        (Splitter.SENTENCE, "", []),
    ],
)
def test_sentences(splitter, text, expected):
    assert sentences(text, splitter) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], RougeTokenizer.ROUGE_SCORE),
        (["", "!"], RougeTokenizer.ROUGE_SCORE),
        (["plain words " * 50, "one café"], RougeTokenizer.ROUGE_SCORE),
        (["Le garçon a mangé près de la fenêtre"], RougeTokenizer.UNICODE),
        (["今天下雨"], RougeTokenizer.UNICODE),
        (["a few English words"] * 999 + ["今天下雨"], RougeTokenizer.UNICODE),
        (["a few English words"] * 999 + ["a word and дождь"], RougeTokenizer.UNICODE),
        (["a few English words"] * 999 + ["zażółć gęślą jaźń"], RougeTokenizer.UNICODE),
        (["a few English words"] * 999 + ["the café of Zoë — “fine”, 5 €"], RougeTokenizer.ROUGE_SCORE),
    ],
)
def test_the_dataset_chooses(texts, expected):
    assert choose_tokenizer(texts) is expected


@pytest.mark.parametrize(
    ("text", "countable"),
    [
        ("", True),
        ("plain words — “quoted” 🙂", True),
        ("le café est près de la gare", True),
        ("дождь", False),
        ("В 2031 году", False),
        ("Đường phố đông đúc", False),
        ("😀", True),
    ],
)
def test_what_rouge_scores_tokenizer_can_count(text, countable):
    assert counts(text, RougeTokenizer.ROUGE_SCORE) is countable
    assert counts(text, RougeTokenizer.UNICODE)
