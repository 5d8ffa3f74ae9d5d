"""Tags of template languages in a rubric: refused, for the judge would be shown them."""

import pytest

from evalhub.errors import InputError
from evalhub.specs import load_rubric, parse_rubric
from evalhub.specs.find import available

RUBRIC = """---
id: r
version: 1
protocol: pointwise
inputs: [question, response]
criteria: {c: CRITERION}
scale: {1: MEANING, 2: good}
---
## System
SYSTEM
## User
USER
{{question}}
{{ scale}}
{{response }}
"""
PLAIN = {"CRITERION": "It is right.", "MEANING": "bad", "SYSTEM": "You rate.", "USER": "Look."}

TAGS = (
    "{% if reference %}", "{%- for turn in turns -%}", "{% if long", "{# a note #}", "{{item.question}}",
    "{{ question | trim }}", "{{ }}", "{{#if question}}", "{{{question}}}", "{{question", "{question}",
    "{ response }", "${question}", "<%= question %>", "{{question}} here", "{{Question}}",
)  # fmt: skip
TEXTS = (
    r"\frac{a}{b} and $x^{2^{n}}$", '{"score": {"of": 5}}', "f(x) = {x}", "${HOME}/bin", "{50%}", "a % b",
    "#{name}", "if (a < b) { return 1; }", "100% {sure}",
)  # fmt: skip


def text(**parts: str) -> str:
    text = RUBRIC
    for name, value in (PLAIN | parts).items():
        text = text.replace(name, value)
    return text


@pytest.mark.parametrize("place", ["SYSTEM", "USER"])
@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_is_refused_where_it_stands(tag: str, place: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_rubric(text(**{place: f"First.\n{tag}\nLast."}), "r.md")
    assert f"r.md:{place.capitalize()}" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("tag", ["'{{question}}'", "'{% if x %}'", "'as in {response}'"])
@pytest.mark.parametrize(("place", "key"), [("CRITERION", "criteria.c"), ("MEANING", "scale.1")])
def test_a_slot_is_not_filled_in_the_front_matter(tag: str, place: str, key: str) -> None:
    with pytest.raises(InputError, match=rf"r\.md:{key}: a template tag has no meaning here"):
        parse_rubric(text(**{place: tag}), "r.md")


def test_a_tag_over_two_lines() -> None:
    with pytest.raises(InputError, match="template tag"):
        parse_rubric(text(USER="{# one\ntwo #}"), "r.md")
    with pytest.raises(InputError, match="template tag"):
        parse_rubric(text(USER="{{\nquestion }}"), "r.md")


@pytest.mark.parametrize("plain", TEXTS)
def test_braces_that_mean_themselves_stay(plain: str) -> None:
    assert plain in parse_rubric(text(USER=plain), "r.md").user


def test_the_packaged_rubrics_have_none() -> None:
    for path in available("judges").values():
        load_rubric(str(path))
