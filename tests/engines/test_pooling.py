"""The pooling runner, seen without a model: what a model gives, and what is refused."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalhub.engines import ENGINES, complete, completion_key, identify, open_engine, read_settings
from evalhub.engines.base import EngineIdentity, Outcome, completion
from evalhub.engines.prompts import Prompts
from evalhub.engines.wire import outcome_from_wire, outcome_to_wire, request_from_wire, request_to_wire
from evalhub.errors import ModelError, SpecError
from evalhub.models import ResolvedModel
from evalhub.records import FailureKind, Message, Request, RequestKind
from evalhub.specs import EngineSpec

CONVERSATION = (Message("user", "Name a fruit."), Message("assistant", "An apple."))
REWARD = Request(CONVERSATION, kind=RequestKind.REWARD)
EMBED = Request((Message("user", "a text"),), kind=RequestKind.EMBED)


@pytest.fixture
def of_config(model: ResolvedModel, tmp_path: Path) -> Any:
    def configured(**config: Any) -> ResolvedModel:
        (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
        return replace(model, path=tmp_path)

    return configured


@pytest.mark.parametrize(
    ("config", "settings", "gives"),
    [
        ({"architectures": ["BertModel"]}, {}, "embed"),
        ({"architectures": ["Qwen2ForCausalLM"]}, {}, "embed"),
        ({"architectures": ["Qwen2ForCausalLM"]}, {"classifier_from_token": ["No", "Yes"]}, "reward"),
        ({"architectures": ["LlamaForSequenceClassification"], "num_labels": 1}, {}, "reward"),
        ({"architectures": ["LlamaForSequenceClassification"], "id2label": {"0": "R"}}, {}, "reward"),
    ],
)
def test_a_model_gives_what_its_architecture_says(
    of_config: Any, config: dict[str, Any], settings: dict[str, Any], gives: str
) -> None:
    identity = identify(EngineSpec(type="pooling", **settings), of_config(**config))
    assert identity.settings["gives"] == gives
    assert ENGINES["pooling"].answers(identity) == (RequestKind(gives),)
    assert identity.engine == "pooling"


@pytest.mark.parametrize(
    ("config", "settings", "sentence"),
    [
        ({"architectures": ["LlamaForSequenceClassification"]}, {}, "one output.*2 outputs"),
        ({"architectures": ["BertForSequenceClassification"], "num_labels": 5}, {}, "5 outputs"),
        ({"architectures": ["Qwen2ForProcessRewardModel"]}, {}, "for each token or step"),
        ({"architectures": ["BertModel"]}, {"classifier_from_token": ["No", "Yes"]}, "does not"),
        ({"architectures": ["Qwen2ForCausalLM"], "num_hidden_layers": 4}, {"layers": [5]}, "1 to 4"),
        (
            {"architectures": ["LlamaForSequenceClassification"], "num_labels": 1},
            {"layers": [1]},
            "no hidden states of its layers",
        ),
    ],
)
def test_a_model_without_one_reward_for_an_answer_is_refused(
    of_config: Any, config: dict[str, Any], settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ModelError, match=sentence):
        identify(EngineSpec(type="pooling", **settings), of_config(**config))


def test_hidden_states_are_those_of_a_model_that_is_not_compiled(of_config: Any) -> None:
    model = of_config(architectures=["Qwen2ForCausalLM"], num_hidden_layers=4)
    identity = identify(EngineSpec(type="pooling", layers=[1, 3], eager=False), model)
    assert identity.settings["eager"] is True
    assert identity.settings["layers"] == [1, 3]
    for layers in ([3, 1], [0], [2, 2]):
        with pytest.raises(SpecError, match="layers rise"):
            read_settings(EngineSpec(type="pooling", layers=layers))


def test_two_tokens_are_needed() -> None:
    with pytest.raises(SpecError, match="classifier_from_token"):
        read_settings(EngineSpec(type="pooling", classifier_from_token=["Yes"]))


def test_a_request_and_its_values_cross_the_pipe() -> None:
    assert request_from_wire(json.loads(json.dumps(request_to_wire(REWARD)))) == REWARD
    outcome = Outcome(finish_reason="stop", values=(0.25, -1.5))
    assert outcome_from_wire(json.loads(json.dumps(outcome_to_wire(outcome)))) == outcome


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_a_failure(value: float) -> None:
    record = completion("key", "m", REWARD, Outcome(values=(value,)))
    assert record.failure is FailureKind.ENGINE
    assert record.values == ()


def test_the_kind_of_a_request_parts_its_key() -> None:
    identity = EngineIdentity("pooling", "m", "0")
    kinds = [replace(REWARD, kind=kind) for kind in RequestKind]
    assert len({completion_key(identity, request) for request in kinds}) == len(RequestKind)


def test_the_scripted_engine_gives_rewards_and_embeddings(tmp_path: Path) -> None:
    spec = EngineSpec(type="scripted", script={"rules": [{"match": "apple", "reward": 4.5}]})
    with open_engine(spec, name="toy", log_folder=tmp_path) as engine:
        found = {record.key: record for record in complete(engine, [("r", REWARD), ("e", EMBED)])}
    assert found["r"].values == (4.5,)
    assert math.hypot(*found["e"].values) == pytest.approx(1)
    assert len(found["e"].values) == 16
    assert found["r"].text is found["e"].text is None


class Spelling:
    """A tokenizer whose tokens are characters, with a template that marks each turn."""

    chat_template = "…"

    def __call__(self, text: str, *, add_special_tokens: bool) -> dict[str, Any]:
        return {"input_ids": [ord(letter) for letter in ("^" if add_special_tokens else "") + text]}

    def apply_chat_template(self, conversation: Any, *, add_generation_prompt: bool, tokenize: bool) -> str:
        assert not tokenize
        turns = [f"<{turn['role']}>{turn['content']}</>" for turn in conversation]
        return "".join(turns) + ("<assistant>" if add_generation_prompt else "")

    def decode(self, token_ids: Any, *, skip_special_tokens: bool) -> str:
        return "".join(map(chr, token_ids))


def test_a_finished_conversation_opens_no_further_turn() -> None:
    prompts = Prompts(Spelling())
    assert prompts.render_whole(CONVERSATION).text == "<user>Name a fruit.</><assistant>An apple.</>"
    assert prompts.render(CONVERSATION[:1]).text == "<user>Name a fruit.</><assistant>"


def test_a_text_stands_alone_with_its_special_tokens() -> None:
    assert Prompts(Spelling()).render_text("abc").tokens == tuple(map(ord, "^abc"))


def test_a_model_without_a_template_reads_a_plain_dialogue() -> None:
    plain = Spelling()
    plain.chat_template = ""
    prompt = Prompts(plain).render_whole(CONVERSATION)
    assert prompt.text == "User: Name a fruit.\n\nAssistant: An apple."
    assert prompt.tokens[0] == ord("^")
