"""A signature is one line that reads back."""

from itertools import product

import pytest

from evalhub.errors import SpecError
from evalhub.metrics import (
    Measure,
    References,
    RougeSignature,
    Splitter,
    Tokenizer,
    Variant,
    parse_signature,
)


def test_every_signature_reads_back_and_no_two_are_alike():
    made = [
        RougeSignature(
            variant,
            measure=kind,
            stemmer=stemmer,
            tokenizer=tokenizer,
            splitter=splitter,
            references=rule,
        )
        for variant, kind, stemmer, tokenizer, splitter, rule in product(
            Variant, Measure, (False, True), Tokenizer, Splitter, References
        )
        if variant is Variant.ROUGE_LSUM or splitter is Splitter.NEWLINE
    ]
    lines = [str(signature) for signature in made]
    assert [parse_signature(line) for line in lines] == made
    assert len(set(lines)) == len(made)


def test_the_line_names_everything():
    signature = RougeSignature(Variant.ROUGE_LSUM, references=References.MAX, tokenizer=Tokenizer.UNICODE)
    assert str(signature) == "rougeLsum|m:f|stem:yes|tok:unicode|split:newline|refs:max|v:1"
    assert signature.name == "rougeLsum"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "rouge1",
        "bleu|m:f|stem:yes|tok:unicode|split:no|refs:max|v:1",
        "rouge1|m:f|stem:yes|tok:unicode|split:no|refs:max|v:2",
        "rouge1|m:f|stem:maybe|tok:unicode|split:no|refs:max|v:1",
        "rouge1|m:f|stem:yes|tok:unicode|split:newline|refs:max|v:1",
        "rouge1|m:f|stem:yes|tok:unicode|split:sentence|refs:max|v:1",
        "rouge1|m:f|stem:yes|tok:unicode|split:no|refs:max|v:1|x:2",
        "rouge3|m:f|stem:yes|tok:unicode|split:no|refs:max|v:1",
    ],
)
def test_another_line_is_refused(line):
    with pytest.raises(SpecError):
        parse_signature(line)


def test_a_splitter_without_lsum_is_refused():
    with pytest.raises(SpecError, match="only Lsum splits sentences"):
        RougeSignature(Variant.ROUGE_1, splitter=Splitter.SENTENCE)
