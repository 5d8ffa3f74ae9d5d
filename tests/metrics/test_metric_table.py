"""An entry of a suite becomes a metric, or one sentence that says what is wrong."""

import subprocess
import sys

import pytest

from evalhub.errors import SpecError, UnknownNameError
from evalhub.metrics import METRICS, build

WHERE = "suite.yaml:metrics[0]"


def made(entry):
    ((name, options),) = entry.items()
    return build(name, options, where=WHERE)


def test_a_suites_entry_gives_named_columns():
    entry = {
        "rouge": {
            "variants": [1, 2, "L", "Lsum"],
            "stemmer": True,
            "references": "mean",
            "tokenizer": "rouge-score",
            "measure": "f",
        }
    }
    columns = made(entry).score(["the cat", "no"], [["the cat"], []])
    assert [column.name for column in columns] == ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    assert all(column.values == (1.0, None) for column in columns)
    assert all(column.reasons == (None, "no reference") for column in columns)
    assert columns[3].signature == "rougeLsum|m:f|stem:yes|tok:rouge-score|split:newline|refs:mean|v:3"


def test_a_splitter_is_for_lsum_alone():
    columns = build("rouge", {"variants": [1, "Lsum"], "splitter": "sentence"}).score(["a"], [["a"]])
    assert [column.signature.split("|")[4] for column in columns] == ["split:no", "split:sentence"]


@pytest.mark.parametrize("name", list(METRICS))
def test_each_metric_stands_without_options(name):
    metric = build(name)
    (first, *_) = metric.for_dataset(["a reference"]).score(["a b", ""], [["a b"], ["a b"]])
    assert len(first.values) == 2
    assert [column.values for column in metric.score([], [])] == [()] * len(metric.score(["a"], [["a"]]))
    assert metric.higher_is_better is (None if name == "length" else True)


def test_length_counts_characters_and_words():
    chars, words = build("length").score(["Don't go", "今天", ""], [[], [], []])
    assert (chars.name, chars.values) == ("chars", (8.0, 2.0, 0.0))
    assert (words.name, words.values) == ("words", (3.0, 2.0, 0.0))


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"rouge": {"stemer": True}}, f"{WHERE}.rouge: unknown option, got 'stemer'"),
        ({"rouge": {"stemer": True}}, "did you mean 'stemmer'?"),
        (
            {"rouge": {"stemmer": "yes"}},
            f"{WHERE}.rouge.stemmer: not a switch, got 'yes'; allowed: true, false.",
        ),
        ({"rouge": {"variants": []}}, f"{WHERE}.rouge.variants: not a list of at least one, got []"),
        ({"rouge": {"variants": "L"}}, "not a list of at least one, got 'L'; allowed: 1, 2, L, Lsum."),
        ({"rouge": {"variants": [1, "1"]}}, "listed twice, got '1'"),
        ({"rouge": {"variants": [3]}}, "unknown value, got 3; allowed: 1, 2, L, Lsum."),
        ({"rouge": {"variants": ["Lsun"]}}, "did you mean 'Lsum'?"),
        ({"rouge": {"references": "man"}}, "allowed: mean, max, first; did you mean 'mean'?"),
        ({"rouge": {"measure": None}}, "rouge.measure: unknown value; allowed: p, r, f."),
        (
            {"rouge": {"variants": [1], "splitter": "sentence"}},
            "only Lsum splits sentences; add Lsum to variants.",
        ),
        ({"rouge": [1]}, f"{WHERE}.rouge: the options are not a mapping, got [1]"),
        ({"exact_match": {"normalizer": "squat"}}, "did you mean 'squad'?"),
        ({"length": {"unit": "chars"}}, "unknown option, got 'unit'; allowed: none."),
    ],
)
def test_what_is_wrong_is_one_sentence(entry, sentence):
    with pytest.raises(SpecError) as error:
        made(entry)
    assert sentence in str(error.value)


def test_an_unknown_metric_names_the_nearest():
    with pytest.raises(UnknownNameError, match=r"got 'rogue'; .*did you mean 'rouge'\?"):
        build("rogue", where=WHERE)


def test_importing_loads_nothing_heavy():
    heavy = ("nltk", "rapidfuzz", "regex", "numpy", "rouge_score")
    code = f"import sys, evalhub.metrics; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
