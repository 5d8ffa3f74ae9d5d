"""No text is too strange or too long for a metric: equal texts have 1.0, or no value with a reason."""

import time

import pytest

from evalhub.metrics import build
from evalhub.texts import clean

METRICS = {
    "rouge": {"variants": [1, 2, "L"]},
    "rouge of ASCII": {"tokenizer": "rouge-score", "variants": [1, "L"]},
    "rouge of lines": {"variants": ["Lsum"]},
    "words": {"normalizer": "squad"},
    "numbers": {"normalizer": "number"},
    "letters": {"normalizer": "verbatim"},
}
UNITS = [
    "a ", "a\n", "9", "1,", "1 000 ", "1/", "1e9 ", "-", "the ", "A, ", "$5 ", "5 % ", "\\boxed{",
    "\\frac{1}", "|-|\n", "\u200f5", "\u202e-5", "\ud800", "\x00x", "\u3000", "\u115f", "\u0345", "e\u0301",
    "ﷺ", "İ", "½", "٫٥", "ـ", "กำ", "漢\n", "二十", "क्षि", "👩‍👩‍👧", "ｱﾞ",
]  # fmt: skip
LENGTH = 5_000


@pytest.mark.parametrize("unit", UNITS)
def test_long_and_strange_texts(unit: str) -> None:
    text = clean((unit * LENGTH)[:LENGTH])
    start = time.process_time()
    for name, options in METRICS.items():
        metric = build("rouge" if name.startswith("rouge") else "exact_match", options)
        for column in metric.for_dataset([text]).score([text], [[text]]):
            assert column.values == (1.0,) or (column.values == (None,) and column.reasons[0])
    assert time.process_time() - start < 10


def test_a_hundred_thousand_characters_of_many_scripts() -> None:
    text = clean("".join(UNITS) * 1000)[:100_000]
    for name in ("squad", "number", "verbatim"):
        (column,) = build("exact_match", {"normalizer": name}).score([text], [[text]])
        assert column.values == (1.0,) or column.reasons[0]
    (column,) = build("rouge", {"variants": [1]}).score([text], [[text]])
    assert column.values == (1.0,)
