import math

import pytest

from evalhub.engines import identify
from evalhub.engines.scripted import check_script
from evalhub.engines.scripted_backend import answer
from evalhub.errors import SpecError
from evalhub.records import Message, Request, Sampling
from evalhub.specs import EngineSpec


def asking(text="Which?", **options):
    return Request((Message("user", text),), **options)


def test_equal_requests_get_equal_answers_and_others_differ():
    assert answer(asking("a"), {}) == answer(asking("a"), {})
    assert answer(asking("a"), {}).text != answer(asking("b"), {}).text


def test_the_seed_counts_only_where_something_is_drawn():
    greedy, warm = Sampling(seed=1), Sampling(temperature=1.0, seed=1)
    assert answer(asking(sampling=greedy), {}) == answer(asking(sample=1), {})
    assert answer(asking(sampling=warm), {}) != answer(asking(sampling=warm, sample=1), {})


def test_choices_get_probabilities_with_some_mass_left():
    outcome = answer(asking(choices=("A", "B", "C")), {})
    assert outcome.text == max(outcome.logprobs, key=outcome.logprobs.get)
    assert sum(map(math.exp, outcome.logprobs.values())) == pytest.approx(0.95)


def test_a_rule_says_what_is_answered():
    assert answer(asking(choices=("A", "B")), {"choice": "B"}).text == "B"
    assert answer(asking(choices=("A", "B")), {"logprobs": {"A": -2.0, "B": -0.5}}).logprobs["A"] == -2.0
    outcome = answer(asking(), {"text": "so it is", "reasoning": "because"})
    assert (outcome.text, outcome.reasoning, outcome.finish_reason) == ("so it is", "because", "stop")
    cut = answer(asking(sampling=Sampling(max_tokens=2)), {"text": "so it is"})
    assert (cut.text, cut.finish_reason, cut.completion_tokens) == ("so it", "length", 2)


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ({"speed": 1}, "script: unknown option, got 'speed'"),
        ({"rules": [{"mach": "x"}]}, r"script.rules\[0\]: unknown option, got 'mach'"),
        ({"rules": ["x"]}, "a mapping is needed"),
        ({"rules": [{"match": "("}]}, "not a regular expression"),
    ],
)
def test_unknown_options_are_refused(script, sentence):
    with pytest.raises(SpecError, match=sentence):
        check_script(script)
    with pytest.raises(SpecError):
        identify(EngineSpec(type="scripted", script=script), name="pseudo")


def test_a_choice_that_is_not_offered_is_a_failure_that_says_so():
    # A scale with a level of a whole word is asked by letters, which the script must name.
    outcome = answer(asking(choices=("A", "B")), {"choice": "4"})
    assert (outcome.text, outcome.logprobs) == (None, None)
    assert outcome.detail == "the script's choice '4' is none of A, B"
