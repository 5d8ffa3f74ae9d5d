"""ROUGE equals rouge-score under its tokenizer, and says what it means under the other."""

import json
import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer, lcs_ind

from evalhub.metrics import Measure, References, RougeSignature, Splitter, Tokenizer, Variant, score_many
from evalhub.metrics.lcs import lcs_length, lcs_positions, places
from evalhub.metrics.rouge import Rouge

PEER_NAMES = [f"rouge{variant}" for variant in Variant]
FIELDS = {Measure.PRECISION: "precision", Measure.RECALL: "recall", Measure.F: "fmeasure"}
PEERS = {stemmer: RougeScorer(PEER_NAMES, use_stemmer=stemmer) for stemmer in (False, True)}

# Few words, so that they meet often; line ends, accents, other scripts, digits, and words that stem alike.
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
    return [RougeSignature(variant, measure=kind, stemmer=stemmer) for variant in Variant for kind in Measure]


def assert_identical(pairs: list[tuple[str, str]], stemmer: bool) -> None:
    signatures = all_signatures(stemmer)
    columns = score_many([c for c, _ in pairs], [[r] for _, r in pairs], signatures)
    for row, (candidate, reference) in enumerate(pairs):
        expected = PEERS[stemmer].score(reference, candidate)
        for signature, column in zip(signatures, columns, strict=True):
            want = getattr(expected[signature.name], FIELDS[signature.measure])
            assert column.values[row] == want, (candidate, reference, str(signature))


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
def test_the_subsequence_is_the_one_that_rouge_score_reads_out(tokens, other):
    positions = lcs_positions(tokens, places(other), len(other))
    assert positions[::-1] == lcs_ind(tokens, other)
    assert len(positions) == lcs_length(tokens, other)


def test_values_derived_by_hand():
    plain = {"stemmer": False}
    # 3 of the candidate's 4 words and of the reference's 6: p = 3/4, r = 1/2, f = 3/5.
    candidate, reference = "the cat ran off", "the cat sat on the off"
    assert (
        one(candidate, [reference], RougeSignature(Variant.ROUGE_1, measure=Measure.PRECISION, **plain))
        == 0.75
    )
    assert (
        one(candidate, [reference], RougeSignature(Variant.ROUGE_1, measure=Measure.RECALL, **plain)) == 0.5
    )
    assert one(candidate, [reference], RougeSignature(Variant.ROUGE_1, **plain)) == pytest.approx(0.6)
    # One pair of words, "the cat", of 3 and of 5: f = 2/8.
    assert one(candidate, [reference], RougeSignature(Variant.ROUGE_2, **plain)) == pytest.approx(0.25)
    # Lin 2004, section 3.2: the union of "w1 w2" and "w1 w3 w5" is 4 of the reference's 5 words.
    lines = "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5"
    recall = RougeSignature(Variant.ROUGE_LSUM, measure=Measure.RECALL, **plain)
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


@pytest.mark.parametrize(
    "text",
    [
        "今天天气很好",
        "さくらスーパー",
        "ภาษาไทย",
        "हिन्दी में लिखा",
        "مرحبا بالعالم",
        "한국어 문장",
        "Привет мир",
        "déjà vu",
    ],
)
def test_equal_texts_of_every_script_score_one(text):
    for variant in Variant:
        assert one(text, [text], RougeSignature(variant, tokenizer=Tokenizer.UNICODE)) == 1.0


def test_different_chinese_texts_share_characters():
    signature = RougeSignature(Variant.ROUGE_1, tokenizer=Tokenizer.UNICODE)
    assert one("今天下雨", ["今天下雪"], signature) == 0.75


@pytest.mark.parametrize("tokenizer", list(Tokenizer))
def test_no_reference_is_no_value(tokenizer):
    (column,) = score_many(["a"], [[]], [RougeSignature(Variant.ROUGE_L, tokenizer=tokenizer)])
    assert column.values == (None,)
    assert column.reasons == ("no reference",)


def test_nothing_on_either_side_is_no_value_under_unicode():
    signatures = [RougeSignature(variant, tokenizer=Tokenizer.UNICODE) for variant in Variant]
    for column in score_many(["", "…"], [[""], ["!"]], signatures):
        assert column.values == (None, None)
        assert all("anything to count" in reason for reason in column.reasons)
    pair = RougeSignature(Variant.ROUGE_2, tokenizer=Tokenizer.UNICODE)
    assert one("好", ["好"], pair) is None
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
