"""ROUGE equals rouge-score under its tokenizer, and says what it means under the other."""

import json
import os
import random
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer, lcs_ind
from rouge_score.tokenizers import DefaultTokenizer

from evalhub.metrics import (
    References,
    RougeSignature,
    RougeStatistic,
    RougeTokenizer,
    Splitter,
    Variant,
    score_many,
)
from evalhub.metrics.lcs import lcs_length, lcs_positions, position_masks
from evalhub.metrics.rouge import UNCOUNTED, Rouge
from evalhub.metrics.tokenize import rouge_score_words, unicode_words

PEER_NAMES = [f"rouge{variant}" for variant in Variant]
FIELDS = {
    RougeStatistic.PRECISION: "precision",
    RougeStatistic.RECALL: "recall",
    RougeStatistic.F: "fmeasure",
}


def peer(stemmer: bool) -> RougeScorer:
    """Return rouge-score's scorer. It reduces each word, and splits each text, once."""
    tokenizer = DefaultTokenizer(stemmer)
    if stemmer:
        tokenizer._stemmer.stem = cache(tokenizer._stemmer.stem)
    tokenizer.tokenize = cache(tokenizer.tokenize)
    return RougeScorer(PEER_NAMES, tokenizer=tokenizer)


PEERS = {stemmer: peer(stemmer) for stemmer in (False, True)}

# Few words, so that they meet often. Line ends, accents, other scripts, digits, and words that stem alike.
WORDS = [
    "run",
    "running",
    "runs",
    "die",
    "dying",
    "flies",
    "the",
    "a",
    "B",
    "b2",
    "é",
    "café",
    "İ",
    "今天",
    "K",
]
TEXTS = (
    st.lists(st.sampled_from([*WORDS, "\n", "\n\n", ".", "-", "\t"]), max_size=25).map(" ".join) | st.text()
)


def all_signatures(stemmer: bool) -> list[RougeSignature]:
    return [
        RougeSignature(variant, measure=kind, stemmer=stemmer)
        for variant in Variant
        for kind in RougeStatistic
    ]


def assert_identical(pairs: list[tuple[str, str]], stemmer: bool) -> None:
    signatures = all_signatures(stemmer)
    columns = score_many([c for c, _ in pairs], [[r] for _, r in pairs], signatures)
    for row, (candidate, reference) in enumerate(pairs):
        expected = PEERS[stemmer].score(reference, candidate)
        for signature, column in zip(signatures, columns, strict=True):
            want = getattr(expected[signature.name], FIELDS[signature.measure])
            value = column.values[row]
            assert value == want or (value is None and absent(column.reasons[row], candidate, reference)), (
                candidate,
                reference,
                str(signature),
            )


def absent(reason: str | None, candidate: str, reference: str) -> bool:
    """Return whether a value is rightly absent: no words, or words that rouge-score's tokenizer damages."""
    if reason == UNCOUNTED:
        texts = candidate, reference
        damaged = any(
            2 * (Counter(unicode_words(text)) - Counter(rouge_score_words(text))).total()
            > len(unicode_words(text))
            for text in texts
        )
        return damaged or one(candidate, [reference], AS_READ) == 1.0
    shortest = min(len(rouge_score_words(text)) for text in (candidate, reference))
    return "anything to count" in str(reason) and shortest < 2


AS_READ = RougeSignature(Variant.ROUGE_1, tokenizer=RougeTokenizer.UNICODE)


def one(candidate: str, references: list[str], signature: RougeSignature) -> float | None:
    return score_many([candidate], [references], [signature])[0].values[0]


@given(TEXTS, TEXTS, st.booleans())
@settings(max_examples=300, deadline=None)
def test_every_value_is_rouge_scores(candidate, reference, stemmer):
    assert_identical([(candidate, reference)], stemmer)


@pytest.mark.parametrize("stemmer", [False, True])
def test_hand_written_pairs_are_rouge_scores(stemmer):
    texts = [
        "",
        "\n",
        "!!!",
        "the",
        "The quick brown fox jumps over the lazy dog",
        "The quick brown dog jumps on the log.",
        "the the the the",
        "a b c\nb c d\n\nc d e",
        "b a\na b\nc a b",
        "b a\nb a\na b\nb a",
        "Generalizations, relational oscillators: skies dying\nProceeds",
        "今天天气很好",
        "don't co-operate 1,234.5",
    ]
    assert_identical([(a, b) for a in texts for b in texts], stemmer)


def test_long_lines_are_rouge_scores():
    draw = random.Random(3)
    texts = [
        "\n".join(" ".join(draw.choices("abcdefg", k=draw.randint(0, 90))) for _ in range(3))
        for _ in range(8)
    ]
    assert_identical([(a, b) for a in texts for b in texts], False)


@given(st.lists(st.sampled_from("abcd"), max_size=40), st.lists(st.sampled_from("abce"), max_size=40))
@settings(deadline=None)
def test_the_subsequence_is_the_one_that_rouge_score_reads_out(tokens, other):
    positions = lcs_positions(tokens, position_masks(other), len(other))
    assert positions[::-1] == lcs_ind(tokens, other)
    assert len(positions) == lcs_length(tokens, other)


def test_values_derived_by_hand():
    plain = {"stemmer": False}
    # 3 of the candidate's 4 words and of the reference's 6: p = 3/4, r = 1/2, f = 3/5.
    candidate, reference = "the cat ran off", "the cat sat on the off"
    assert (
        one(
            candidate, [reference], RougeSignature(Variant.ROUGE_1, measure=RougeStatistic.PRECISION, **plain)
        )
        == 0.75
    )
    assert (
        one(candidate, [reference], RougeSignature(Variant.ROUGE_1, measure=RougeStatistic.RECALL, **plain))
        == 0.5
    )
    assert one(candidate, [reference], RougeSignature(Variant.ROUGE_1, **plain)) == pytest.approx(0.6)
    # One pair of words, "the cat", of 3 and of 5: f = 2/8.
    assert one(candidate, [reference], RougeSignature(Variant.ROUGE_2, **plain)) == pytest.approx(0.25)
    # Lin 2004, section 3.2: the union of "w1 w2" and "w1 w3 w5" is 4 of the reference's 5 words.
    lines = "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5"
    recall = RougeSignature(Variant.ROUGE_LSUM, measure=RougeStatistic.RECALL, **plain)
    assert one(lines, ["w1 w2 w3 w4 w5"], recall) == pytest.approx(4 / 5)


def test_rules_for_several_references():
    references = ["x y", "a b", "a y"]
    value = {
        rule: one("a b", references, RougeSignature(Variant.ROUGE_1, references=rule)) for rule in References
    }
    assert value == {References.MEAN: 0.5, References.MAX: 1.0, References.FIRST: 0.0}


def test_max_takes_the_reference_of_the_highest_f_as_rouge_score_does():
    # The first has the higher precision (1 of 1 word found is not a good answer), the second the higher F.
    candidate, references = "a b c", ["a b c d e f g h i j", "a b x"]
    for kind, field in FIELDS.items():
        expected = PEERS[True].score_multi(references, candidate)["rouge1"]
        signature = RougeSignature(Variant.ROUGE_1, measure=kind, references=References.MAX)
        assert one(candidate, references, signature) == getattr(expected, field)


SCRIPTS = {
    "Arabic": "وصل القطار إلى المحطة متأخرًا",
    "Armenian": "Գնացքը ուշ հասավ կայարան",
    "Bengali": "ট্রেন দেরিতে স্টেশনে পৌঁছেছে",
    "Burmese": "ရထားနောက်ကျရောက်သည်",
    "Chinese": "火车晚点到达车站",
    "Cyrillic": "Поезд прибыл на станцию поздно",
    "Devanagari": "ट्रेन स्टेशन पर देर से पहुँची",
    "Ethiopic": "ባቡሩ ዘግይቶ ደረሰ",
    "Georgian": "მატარებელი გვიან მოვიდა",
    "Greek": "Το τρένο έφτασε αργά στον σταθμό",
    "Gujarati": "ટ્રેન મોડી આવી",
    "Gurmukhi": "ਰੇਲਗੱਡੀ ਦੇਰ ਨਾਲ ਪਹੁੰਚੀ",
    "Hangul": "기차가 역에 늦게 도착했다",
    "Hebrew": "הרכבת הגיעה באיחור לתחנה",
    "Japanese": "電車は駅に遅れて着いた",
    "Kannada": "ರೈಲು ತಡವಾಗಿ ಬಂದಿತು",
    "Khmer": "រថភ្លើងមកដល់យឺត",
    "Lao": "ລົດໄຟມາຮອດຊ້າ",
    "Latin": "Đoàn tàu đến ga muộn",
    "Malayalam": "ട്രെയിൻ വൈകി എത്തി",
    "Mongolian": "ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ",
    "Sinhala": "දුම්රිය ප්‍රමාද විය",
    "Tamil": "தொடர்வண்டி தாமதமாக வந்தது",
    "Telugu": "రైలు ఆలస్యంగా వచ్చింది",
    "Thaana": "ރޭލު ލަހުން އައި",
    "Thai": "รถไฟมาถึงสถานีช้า",
    "Tibetan": "མེ་འཁོར་འཕྱི་པོ་འབྱོར།",
    "Tifinagh": "ⴰⵣⵓⵍ ⴼⵍⵍⴰⵡⵏ",
}
ENGLISH = [f"The late train number {number} reached the station." for number in range(58)]
SYMBOLS = ["🙂", "👍🏽👩‍👩‍👧", "?!", "—", "∞ ≠ √"]


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_equal_texts_of_every_script_score_one(text):
    metric = Rouge.build({}, where="metrics[0]")
    decomposed = unicodedata.normalize("NFD", text)
    column_apart = metric.score([text, decomposed], [[text], [text]])
    assert all(column.values == (1.0, 1.0) for column in column_apart)
    texts = [*ENGLISH, text, decomposed]
    among_english = metric.for_dataset(texts).score(texts, [[text] for text in texts])
    assert all(set(column.values) == {1.0} for column in among_english)


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_a_tokenizer_that_cannot_count_gives_a_reason(text):
    fixed = Rouge.build({"tokenizer": "rouge-score"}, where="metrics[0]")
    candidates = [text, "", "a train", text, f"{text} train"]
    references = [[text], [text], [text, "the bus"], ["train"], ["train"]]
    for column in fixed.for_dataset([text]).score(candidates, references):
        assert column.values[:4] == (None, 0.0, 0.0, 0.0)
        assert column.reasons[0] == UNCOUNTED
        assert column.values[4] == (0.0 if column.name == "rouge2" else None)


REWRITTEN = {
    "full width": ("ｌａｔｅ ｔｒａｉｎｓ ｓｔｏｐ ｈｅｒｅ", "late trains stop here"),
    "bold": ("𝐥𝐚𝐭𝐞 𝐭𝐫𝐚𝐢𝐧𝐬 𝐬𝐭𝐨𝐩 𝐡𝐞𝐫𝐞", "late trains stop here"),
    "ligatures": ("ﬁve trains stop at platform nine today", "five trains stop at platform nine today"),
    "soft hyphens": ("late pas\u00adsen\u00adgers wait here", "late passengers wait here"),
    "Devanagari digits": ("train ४२ stops at ७", "train 42 stops at 7"),
    "a fraction": ("it took ½ hour longer today", "it took 1/2 hour longer today"),
    "circled digits": ("stop ③ of the line", "stop 3 of the line"),
    "half width": ("ｶﾀｶﾅ", "カタカナ"),
    "Roman numerals": ("Platform Ⅻ", "platform xii"),
    "sharp s": ("STRASSE", "straße"),
}


@pytest.mark.parametrize("tokenizer", RougeTokenizer)
@pytest.mark.parametrize(("text", "spelling"), REWRITTEN.values(), ids=REWRITTEN)
def test_one_text_in_two_spellings_scores_one_or_has_no_value(text, spelling, tokenizer):
    signatures = [RougeSignature(variant, tokenizer=tokenizer) for variant in Variant]
    for column in score_many(
        [text, spelling, text, spelling], [[spelling], [text], [text], [spelling]], signatures
    ):
        for score, reason in zip(column.values, column.reasons, strict=True):
            assert score == 1.0 or (score is None and reason)
            assert score == 1.0 or tokenizer is RougeTokenizer.ROUGE_SCORE or column.name == "rouge2"


@pytest.mark.parametrize(
    "name", ["full width", "bold", "Devanagari digits", "a fraction", "circled digits", "half width"]
)
def test_a_rewritten_reference_among_english_takes_the_tokenizer_of_all_scripts(name):
    text, spelling = REWRITTEN[name]
    metric = Rouge.build({"variants": [1]}, where="metrics[0]").for_dataset([*ENGLISH, text])
    (column,) = metric.score([spelling], [[text]])
    assert ("tok:unicode" in column.signature, column.values) == (True, (1.0,))


@pytest.mark.parametrize("text", SYMBOLS)
@pytest.mark.parametrize("options", [{}, {"tokenizer": "rouge-score"}, {"tokenizer": "unicode"}])
def test_texts_without_words_have_no_value(text, options):
    for column in Rouge.build(options, where="metrics[0]").score([text], [[text]]):
        assert column.values == (None,)
        assert column.reasons == ("neither the candidate nor a reference holds anything to count",)


@given(st.text() | st.sampled_from(sorted(SCRIPTS.values())), st.sampled_from(RougeTokenizer), st.booleans())
@settings(deadline=None)
def test_equal_texts_score_one_or_have_no_value(text, tokenizer, stemmer):
    signatures = [
        RougeSignature(variant, measure=kind, stemmer=stemmer, tokenizer=tokenizer)
        for variant in Variant
        for kind in RougeStatistic
    ]
    for column in score_many([text], [[text]], signatures):
        assert column.values == (1.0,) or (column.values == (None,) and column.reasons[0])


def test_a_foreign_item_leaves_the_english_values_as_they_are():
    metric = Rouge.build({}, where="metrics[0]")
    candidates = ["The train was late.", *ENGLISH[1:]]
    references = [[text] for text in ENGLISH]
    english = metric.for_dataset(ENGLISH).score(candidates, references)
    mixed = metric.for_dataset([*ENGLISH, SCRIPTS["Thai"], "😀"]).score(candidates, references)
    for before, after in zip(english, mixed, strict=True):
        assert before.values == after.values
        assert ("tok:rouge-score" in before.signature, "tok:unicode" in after.signature) == (True, True)


def test_different_chinese_texts_share_characters():
    signature = RougeSignature(Variant.ROUGE_1, tokenizer=RougeTokenizer.UNICODE)
    assert one("今天下雨", ["今天下雪"], signature) == 0.75


@pytest.mark.parametrize("tokenizer", list(RougeTokenizer))
def test_no_reference_is_no_value(tokenizer):
    (column,) = score_many(["a"], [[]], [RougeSignature(Variant.ROUGE_L, tokenizer=tokenizer)])
    assert column.values == (None,)
    assert column.reasons == ("no reference",)


@pytest.mark.parametrize("tokenizer", list(RougeTokenizer))
def test_nothing_on_either_side_is_no_value(tokenizer):
    signatures = [RougeSignature(variant, tokenizer=tokenizer) for variant in Variant]
    for column in score_many(["", "…"], [[""], ["!"]], signatures):
        assert column.values == (None, None)
        assert all("anything to count" in reason for reason in column.reasons)
    pair = RougeSignature(Variant.ROUGE_2, tokenizer=tokenizer)
    assert one("yes", ["yes"], pair) is None
    assert one("", ["some words"], pair) == 0.0
    assert one("a b", ["", "a b"], pair) == 0.5


def test_sentences_split_without_line_ends():
    reference, candidate = "Cold it was. We left early.", "We left early. Cold it was."
    by_line = one(candidate, [reference], RougeSignature(Variant.ROUGE_LSUM))
    by_sentence = one(candidate, [reference], RougeSignature(Variant.ROUGE_LSUM, splitter=Splitter.SENTENCE))
    assert by_line == 0.5
    assert by_sentence == 1.0


def test_a_dataset_decides_the_tokenizer_once():
    metric = Rouge.build({"variants": [1]}, where="metrics[0]")
    chinese = metric.for_dataset(["今天天气很好", "hello"])
    assert "tok:unicode" in chinese.score(["hello"], [["hello"]])[0].signature
    assert "tok:rouge-score" in metric.score(["hello"], [["hello"]])[0].signature
    fixed = Rouge.build({"variants": [1], "tokenizer": "rouge-score"}, where="metrics[0]")
    assert fixed.for_dataset(["今天天气很好"]) is fixed


def test_rows_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="2 candidates but 1 lists"):
        score_many(["a", "b"], [["a"]], [RougeSignature(Variant.ROUGE_1)])
    with pytest.raises(ValueError, match="list of alternatives"):
        score_many(["a"], ["a"], [RougeSignature(Variant.ROUGE_1)])


def test_real_summaries_are_rouge_scores():
    mirror = os.environ.get("EVALHUB_MIRROR")
    if not mirror:
        pytest.skip("needs EVALHUB_MIRROR: the labelled sets in shared/data")
    files = sorted(Path(mirror, "summeval", "model_output_annotations").glob("*.jsonl"))
    rows = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    pairs = [(row["decoded"], text) for row in rows[::10] for text in row["references"]]
    assert_identical(pairs, True)
    lines = [(a.replace(". ", ".\n"), b.replace(". ", ".\n")) for a, b in pairs[::2]]
    assert_identical(lines, True)
    assert_identical(lines[::4], False)
