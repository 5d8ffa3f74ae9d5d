"""A real model on vLLM's pooling runner, in the child process that every run uses."""

import math
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from evalhub.engines import ChildEngine, Engine, complete, open_engine, vllm
from evalhub.errors import ModelError
from evalhub.models import resolve
from evalhub.records import Completion, FailureKind, Message, Request, RequestKind
from evalhub.specs import EngineSpec

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        vllm.installed_vllm()[0] is None, reason="needs vLLM: pip install 'evalhub-laaj[cpu]'"
    ),
]

TOKENS = ["No", "Yes"]
SETTINGS: dict[str, Any] = {"type": "pooling", "max_length": 512, "kv_cache_gib": 0.25}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    spec = EngineSpec(**SETTINGS, classifier_from_token=TOKENS)
    folder = tmp_path_factory.mktemp("logs")
    with open_engine(spec, resolve("smollm2-135m-instruct"), log_folder=folder) as opened:
        yield opened


def ask(engine: Engine, *requests: Request) -> list[Completion]:
    keyed = {str(number): request for number, request in enumerate(requests)}
    completions = {completion.key: completion for completion in complete(engine, keyed.items())}
    return [completions[key] for key in keyed]


def prompts(count: int) -> list[tuple[Message, ...]]:
    questions = ("Is {} a prime number?", "Is {} larger than 50?", "Do you like the number {}?")
    return [
        (Message("user", f"{questions[n % 3].format(n)} Answer with one word: Yes or No."),)
        for n in range(count)
    ]


def test_two_tokens_give_the_log_odds_of_a_direct_judge(engine: Engine, classifier: Engine) -> None:
    conversations = prompts(60)
    rewards = ask(classifier, *(Request(turns, kind=RequestKind.REWARD) for turns in conversations))
    choices = ask(engine, *(Request(turns, choices=("Yes", "No")) for turns in conversations))
    values = [completion.values[0] for completion in rewards]
    log_odds = [
        completion.logprobs["Yes"] - completion.logprobs["No"]
        for completion in choices
        if completion.logprobs
    ]
    assert len(log_odds) == len(values) == 60
    assert max(values) - min(values) > 0.5
    # Batches of another shape move bf16 activations a little.
    assert values == pytest.approx(log_odds, abs=0.25)
    assert sum(abs(a - b) for a, b in zip(values, log_odds, strict=True)) / 60 < 0.05


def test_what_was_used_is_read_back(classifier: Engine) -> None:
    (completion,) = ask(classifier, Request(prompts(1)[0], kind=RequestKind.REWARD))
    assert (completion.text, completion.logprobs, completion.finish_reason) == (None, None, "stop")
    assert (completion.completion_tokens, completion.failure) == (0, None)
    assert completion.prompt_tokens
    facts = classifier.facts()
    assert (facts.engine, facts.head_dtype, facts.max_length) == ("pooling", "float32", 512)
    assert facts.requests >= 1


def test_the_answer_is_read_with_the_conversation(classifier: Engine) -> None:
    question = Message("user", "Is 7 a prime number?")
    first, again, other = ask(
        classifier,
        *(
            Request((question, Message("assistant", text)), kind=RequestKind.REWARD)
            for text in ("It is.", "It is.", "Bananas are yellow.")
        ),
    )
    assert first.values == pytest.approx(again.values, abs=0.05)
    assert first.values != other.values
    assert all(map(math.isfinite, (*first.values, *other.values)))


def test_a_prompt_that_is_too_long_fails_alone(classifier: Engine) -> None:
    long, short = ask(
        classifier,
        Request((Message("user", "word " * 600),), kind=RequestKind.REWARD),
        Request(prompts(1)[0], kind=RequestKind.REWARD),
    )
    assert long.failure is FailureKind.TOO_LONG
    assert "one must follow" not in str(long.detail)
    assert short.failure is None


def test_another_kind_of_request_is_refused_in_one_sentence(engine: Engine, classifier: Engine) -> None:
    with pytest.raises(ModelError, match="gives no embed but reward"):
        ask(classifier, Request(prompts(1)[0], kind=RequestKind.EMBED))
    with pytest.raises(ModelError, match="gives no reward"):
        ask(engine, Request(prompts(1)[0], kind=RequestKind.REWARD))


def test_a_killed_child_loses_no_reward(classifier: Engine) -> None:
    assert isinstance(classifier, ChildEngine)
    # Long prompts, so that no machine has answered them all before the kill.
    for number, (question,) in enumerate(prompts(24)):
        turns = (Message("user", "word " * 400 + question.content),)
        classifier.submit(str(number), Request(turns, kind=RequestKind.REWARD))
    classifier.advance(0.2)
    assert classifier.pid
    os.kill(classifier.pid, signal.SIGKILL)
    completions = {completion.key: completion for completion in classifier.results()}
    assert len(completions) == 24
    assert all(len(completion.values) == 1 for completion in completions.values())
    assert classifier.facts().restarts == 1


def test_embeddings_have_length_one_and_are_near_for_near_texts(tmp_path: Any) -> None:
    texts = ("The cat sleeps.", "The cat sleeps.", "A cat is sleeping.", "Interest rates rose in May.")
    with open_engine(
        EngineSpec(**SETTINGS), resolve("smollm2-135m-instruct"), log_folder=tmp_path
    ) as encoder:
        vectors = [
            completion.values
            for completion in ask(
                encoder, *(Request((Message("user", text),), kind=RequestKind.EMBED) for text in texts)
            )
        ]
    assert {len(vector) for vector in vectors} == {576}
    assert all(math.hypot(*vector) == pytest.approx(1, abs=1e-3) for vector in vectors)
    near = [sum(x * y for x, y in zip(vectors[0], vector, strict=True)) for vector in vectors]
    assert near[1] == pytest.approx(1, abs=1e-3)
    assert near[2] > near[3]
