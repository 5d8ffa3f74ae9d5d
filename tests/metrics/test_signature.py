"""A signature is one line, and no two share it."""

from itertools import product

import pytest

from evalhub.errors import SpecError
from evalhub.metrics import (
    References,
    RougeSignature,
    RougeStatistic,
    RougeTokenizer,
    Splitter,
    Variant,
)


def test_no_two_signatures_are_alike():
    signatures = [
        RougeSignature(
            variant,
            measure=kind,
            stemmer=stemmer,
            tokenizer=tokenizer,
            splitter=splitter,
            references=rule,
        )
        for variant, kind, stemmer, tokenizer, splitter, rule in product(
            Variant, RougeStatistic, (False, True), RougeTokenizer, Splitter, References
        )
        if variant is Variant.ROUGE_LSUM or splitter is Splitter.NEWLINE
    ]
    assert len({str(signature) for signature in signatures}) == len(signatures) > 100


def test_the_line_names_everything():
    signature = RougeSignature(
        Variant.ROUGE_LSUM, references=References.MAX, tokenizer=RougeTokenizer.UNICODE
    )
    assert str(signature) == "rougeLsum|m:f|stem:yes|tok:unicode|split:newline|refs:max|v:3"
    assert signature.name == "rougeLsum"


def test_a_splitter_without_lsum_is_refused():
    with pytest.raises(SpecError, match="only Lsum splits sentences"):
        RougeSignature(Variant.ROUGE_1, splitter=Splitter.SENTENCE)
