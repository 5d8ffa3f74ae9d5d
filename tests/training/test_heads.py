"""A head as a model folder: what is written, and that transformers loads it."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalhub.errors import InputError, ModelError, StorageError
from evalhub.models import ModelSource, ResolvedModel, hide_broken_media, is_classifier
from evalhub.models import resolve as resolve_model
from evalhub.training import HeadFacts, RatingHeadFacts, check_base, classifier_settings, write_classifier

LAYERS, WIDTH = 4, 16


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> ResolvedModel:
    """A model that generates, with drawn weights, as transformers writes it."""
    pytest.importorskip("torch")
    hide_broken_media()
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    folder = tmp_path_factory.mktemp("base")
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=64, hidden_size=WIDTH, intermediate_size=32, num_hidden_layers=LAYERS,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=64, tie_word_embeddings=True,
        eos_token_id=2, bos_token_id=1, pad_token_id=None,
    )  # fmt: skip
    Qwen2ForCausalLM(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_text("{}")
    (folder / "evalhub.json").write_text("{}")
    return resolve_model(str(folder))


def facts(layer: int) -> HeadFacts:
    return HeadFacts(
        method="head", base="base", base_hash="0", rubric={"id": "pair", "version": 1, "hash": "h"},
        criterion="better", layer=layer, ridge=0.3, seed=0, control=(), datasets={}, cross_validation=(),
        items=("a" * 64,), versions={},
    )  # fmt: skip


def rating_facts(layer: int) -> RatingHeadFacts:
    values = {field.name: getattr(facts(layer), field.name) for field in fields(HeadFacts)}
    return RatingHeadFacts(**values, levels=("1", "2", "3"), cut_points=(-0.1, 0.30000000000000004))


@pytest.mark.parametrize("facts", [facts, rating_facts])
@pytest.mark.parametrize("layer", [2, LAYERS])
def test_transformers_gives_the_score_of_the_layer(
    base: ResolvedModel, tmp_path: Path, layer: int, facts: Callable[[int], HeadFacts]
) -> None:
    hide_broken_media()
    import torch
    from transformers import AutoModelForSequenceClassification, Qwen2ForCausalLM

    weights = np.random.default_rng(1).normal(size=WIDTH)
    folder = tmp_path / "head"
    write_classifier(base, weights, facts(layer), folder)
    classifier = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
    model = Qwen2ForCausalLM.from_pretrained(base.path, dtype=torch.float32).model
    tokens = torch.tensor([[5, 9, 11, 3]])
    with torch.no_grad():
        score = classifier(input_ids=tokens).logits
        states = model(input_ids=tokens, output_hidden_states=True).hidden_states[layer][0, -1]
        state = states if layer == LAYERS else model.norm(states)
    assert score.shape == (1, 1)
    assert float(score[0, 0]) == pytest.approx(float(state.numpy() @ weights), abs=1e-4)
    assert classifier.config.num_hidden_layers == layer


def test_the_folder_is_a_model_that_says_how_it_was_trained(base: ResolvedModel, tmp_path: Path) -> None:
    folder = tmp_path / "head"
    of_base = replace(facts(3), cutoff="2024-11", max_length=512)
    write_classifier(base, np.ones(WIDTH), of_base, folder)
    model = resolve_model(str(folder))
    assert (model.cutoff, model.max_length) == ("2024-11", 512)
    assert is_classifier(folder)
    assert model.trained_on == {"a" * 64}
    assert model.training is not None
    assert (model.training.method, model.training.rubric_hash) == ("head", "h")
    assert (model.training.rubric, model.training.criterion) == ("pair", "better")
    assert {path.name for path in folder.iterdir()} == {
        "config.json", "evalhub-training.json", "model.safetensors", "tokenizer.json",
    }  # fmt: skip
    assert json.loads((folder / "evalhub-training.json").read_text())["layer"] == 3


def test_a_head_of_ratings_keeps_its_cut_points_to_the_last_bit(base: ResolvedModel, tmp_path: Path) -> None:
    write_classifier(base, np.ones(WIDTH), rating_facts(3), tmp_path / "head")
    training = resolve_model(str(tmp_path / "head")).training
    assert training is not None
    assert training.cut_points == (-0.1, 0.30000000000000004)
    values = json.loads((tmp_path / "head" / "evalhub-training.json").read_text())
    assert values["levels"] == ["1", "2", "3"]
    write_classifier(base, np.ones(WIDTH), facts(3), tmp_path / "pairs")
    of_pairs = resolve_model(str(tmp_path / "pairs")).training
    assert of_pairs is not None
    assert of_pairs.cut_points == ()


@pytest.mark.parametrize(
    ("ridge", "caution"),
    [(10.0, "the largest penalty was the best"), (1.0, None), (0.1, "the smallest penalty was the best")],
)
def test_a_penalty_at_the_end_of_those_tried_is_said(ridge: float, caution: str | None) -> None:
    tried = tuple({"layer": 2, "ridge": ridge} for ridge in (10.0, 1.0, 0.1))
    words = replace(facts(2), ridge=ridge, cross_validation=tried).caution
    assert words is None if caution is None else str(words).startswith(caution)
    assert replace(facts(2), ridge=ridge, cross_validation=tried[:0]).caution is None


def test_layers_above_the_head_are_left_out(base: ResolvedModel, tmp_path: Path) -> None:
    low, high = tmp_path / "low", tmp_path / "high"
    write_classifier(base, np.ones(WIDTH), facts(1), low)
    write_classifier(base, np.ones(WIDTH), facts(LAYERS), high)
    sizes = [(folder / "model.safetensors").stat().st_size for folder in (low, high)]
    assert sizes[0] < sizes[1]
    settings = classifier_settings(base, 2)
    assert (settings["num_hidden_layers"], settings["pad_token_id"]) == (2, 2)
    assert settings["architectures"] == ["Qwen2ForSequenceClassification"]
    assert len(settings.get("layer_types", [0, 0])) == 2


def test_an_existing_folder_stays_as_it_is(base: ResolvedModel, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="exists already"):
        write_classifier(base, np.ones(WIDTH), facts(1), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_leaves_nothing(
    base: ResolvedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("evalhub.training.heads._write_weights", full)
    with pytest.raises(StorageError, match="No space left"):
        write_classifier(base, np.ones(WIDTH), facts(1), tmp_path / "head")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("config", "changes", "sentence"),
    [
        ({"architectures": ["BertModel"]}, {}, "a model that generates"),
        ({}, {}, "a model that generates"),
        ({"architectures": ["Qwen2ForCausalLM"]}, {"quantized": True}, "unquantized weights"),
    ],
)
def test_a_base_that_takes_no_head_is_refused(
    tmp_path: Path, config: dict[str, Any], changes: dict[str, Any], sentence: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    model = ResolvedModel(
        id="m", source=ModelSource.FOLDER, path=tmp_path, families=("unknown",), content_hash="0",
        chat_template_hash=None, context_length=None, max_length=None, weight_bytes=1, licence="none",
    )  # fmt: skip
    with pytest.raises(ModelError, match=sentence):
        check_base(replace(model, **changes))
