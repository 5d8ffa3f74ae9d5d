"""Which parameter a server's message refuses: its name, and not a word of the same spelling."""

import pytest

from evalhub.engines.openai_dialect import Dialect, first_dialect, without_refused
from evalhub.engines.openai_settings import OpenaiSettings
from evalhub.records import Message, Request, Sampling

SETTINGS = OpenaiSettings(base_url="http://here/v1")
ASKED = Request(
    (Message("user", "A or B?"),),
    Sampling(temperature=0.25, top_p=0.9, top_k=7, max_tokens=33, seed=5),
    ("A", "B"),
)


def changed(words: str, parameter: str | None = None) -> str | None:
    """Return what is asked in another way after a refusal."""
    before = first_dialect(SETTINGS)
    after = without_refused(before, SETTINGS, ASKED, words, parameter)
    if after is None:
        return None
    names = ("logprobs", "token_limit", "omitted", "structured")
    (name,) = (name for name in names if getattr(after, name) != getattr(before, name))
    assert isinstance(after, Dialect)
    return after.omitted[0] if name == "omitted" else name


@pytest.mark.parametrize(
    ("words", "parameter_name"),
    [
        ("Unsupported parameter: 'max_tokens' is not supported with this model. Use "
         "'max_completion_tokens' instead.", "token_limit"),
        ("Unsupported value: 'temperature' does not support 0.25 with this model.", "temperature"),
        ("Unrecognized request argument supplied: seed", "seed"),
        ("[{'type': 'extra_forbidden', 'loc': ('body', 'top_k'), 'msg': 'Extra inputs are not permitted'}]",
         "top_k"),
        ('[{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]',
         "seed"),
        ("Requested sample logprobs of 20, which is greater than max allowed: 5", "logprobs"),
        ("Unsupported param: seed", "seed"),
        ("logprobs is not supported with tools", "logprobs"),
        ("unknown field `seed`, expected one of `model`, `temperature`", "seed"),
        ("Input validation error: `temperature` must be strictly positive", "temperature"),
        ("temperature: Extra inputs are not permitted", "temperature"),
        ("`temperature` and `top_p` cannot both be specified for this model.", "temperature"),
        ("temperature is deprecated for this model.", "temperature"),
        ("logprobs, best_of and echo parameters are not available on this model", "logprobs"),
        ("Additional properties are not allowed ('seed' was unexpected)", "seed"),
        ("The temperature parameter is not supported by this model", "temperature"),
        ("invalid temperature: only 1 is allowed for this model", "temperature"),
        ("unknown parameter(s): seed", "seed"),
        ("extraneous key [seed] is not permitted", "seed"),
        ("This model does not support temperature", "temperature"),
        ("The following parameters are not supported: seed", "seed"),
    ],
)  # fmt: skip
def test_a_refused_parameter_is_known_by_its_name(words: str, parameter_name: str) -> None:
    assert changed(words) == parameter_name


@pytest.mark.parametrize(
    "words",
    [
        "This content is not allowed: we seed our models with care",
        "Prompts on seed banks are not permitted by our policy",
        "Your prompt was flagged: the temperature of the reactor is 300. Unsupported topic.",
        "This request is not allowed. What is the temperature in Rome?",
        "Invalid prompt: to seed clouds is against the law",
        "max_tokens: 64000 > 4096, which is the maximum allowed number of output tokens",
        "max_tokens is too large: 9999. This model supports at most 4096 completion tokens",
    ],
)
def test_other_words_of_a_message_are_no_parameter(words: str) -> None:
    assert changed(words) is None


def test_a_number_without_a_bound_is_no_number_of_probabilities() -> None:
    refusals = {'json: line 1: unknown field "top_logprobs"': 0, "top_logprobs must be up to 8, not 20": 8}
    for words, number in refusals.items():
        after = without_refused(first_dialect(SETTINGS), SETTINGS, ASKED, words)
        assert after is not None
        assert after.logprobs == number


def test_what_a_server_names_apart_counts_first() -> None:
    assert changed("not with this model", "body.seed") == "seed"
    assert changed("the value 'temperature' is not allowed here", "messages[0].content") is None
