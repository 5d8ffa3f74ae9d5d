"""vLLM's pooling runner: embeddings of texts, and rewards of answers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from pydantic import field_validator

from evalhub.engines.base import Engine, EngineIdentity
from evalhub.engines.opening import EngineKind, Opening
from evalhub.engines.vllm import VllmSettings, identify_vllm, open_vllm
from evalhub.errors import ModelError
from evalhub.models import CLASSIFIES, ResolvedModel, model_settings
from evalhub.records import RequestKind

_GENERATES = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
_EVERY_TOKEN = "RewardModel"


class PoolingSettings(VllmSettings):
    """The settings of vLLM's pooling runner: those of `vllm`, and how a reward is read.

    Attributes:
        classifier_from_token: Two tokens, the bad answer first, such as `["No", "Yes"]`. They make a reward
            model of a model that generates: the reward is the log-odds of the second against the first, as
            the next token of the prompt.
        layers: Layers whose hidden states at the last token are given instead of an embedding, one after the
            other, each after the model's last norm and not scaled to length 1. The first layer is 1. A
            request of the kind `embed` is then a conversation.
    """

    classifier_from_token: tuple[str, str] | None = None
    layers: tuple[int, ...] = ()

    @field_validator("layers")
    @classmethod
    def _rise(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if list(value) != sorted(set(value)) or any(layer < 1 for layer in value):
            raise ValueError("layers rise, and the first is 1 or more")
        return value


def identify_pooling(settings: PoolingSettings, model: ResolvedModel | None, name: str) -> EngineIdentity:
    """Return the identity of a model on the pooling runner, with all settings resolved.

    Raises:
        ModelError: The model has several outputs, or one for each token.
    """
    identity = identify_vllm(settings, model, name)
    tokens = settings.classifier_from_token
    _check_layers(settings, model)
    kind = _kind_of(model, settings)
    if settings.layers and kind is RequestKind.REWARD:
        raise ModelError(
            "a reward model gives rewards, and no hidden states of its layers",
            where=model.id if model else "",
            fix="leave layers out",
        )
    pooling: dict[str, Any] = {
        "classifier_from_token": list(tokens) if tokens else None,
        "gives": kind.value,
    }
    if settings.layers:
        # A compiled model would not call the function that returns the layers.
        pooling |= {"layers": list(settings.layers), "eager": True}
    return replace(identity, engine="pooling", settings={**identity.settings, **pooling})


def _check_layers(settings: PoolingSettings, model: ResolvedModel | None) -> None:
    count = model_settings(model.path).get("num_hidden_layers") if model else None
    if settings.layers and isinstance(count, int) and settings.layers[-1] > count:
        raise ModelError(
            "the model has fewer layers",
            where=model.id if model else "",
            value=settings.layers[-1],
            allowed=f"1 to {count}",
        )


def _kind_of(model: ResolvedModel | None, settings: PoolingSettings) -> RequestKind:
    """Return what a model gives: rewards if it classifies, else embeddings."""
    config = model_settings(model.path) if model else {}
    architecture = next(iter(config.get("architectures") or ()), "")
    if settings.classifier_from_token:
        if not architecture.endswith(_GENERATES):
            raise ModelError(
                "classifier_from_token makes a classifier of a model that generates, and this model does not",
                where=model.id if model else "",
                value=architecture or None,
                fix="leave classifier_from_token out",
            )
        return RequestKind.REWARD
    if _EVERY_TOKEN in architecture:
        raise ModelError(
            "the model gives a reward for each token or step, and a judge needs one for the whole answer",
            where=model.id if model else "",
            value=architecture,
            allowed=f"a model that ends in {CLASSIFIES}",
        )
    if not architecture.endswith(CLASSIFIES):
        return RequestKind.EMBED
    outputs = _outputs(config)
    if outputs != 1:
        raise ModelError(
            "a reward model has one output",
            where=model.id if model else "",
            value=f"{outputs} outputs",
            allowed="num_labels: 1 in its config.json",
            fix="choose a model that was trained to give one reward",
        )
    return RequestKind.REWARD


def _outputs(config: dict[str, Any]) -> int:
    """Return the number of outputs of a classifier. transformers takes two where none is given."""
    labels = config.get("id2label")
    if isinstance(labels, dict):
        return len(labels)
    count = config.get("num_labels", 2)
    return count if isinstance(count, int) else 2


def open_pooling(opening: Opening[PoolingSettings]) -> Engine:
    """Return the pooling runner with the model loaded, once or several times.

    Raises:
        EngineError: vLLM is not installed, or does not start.
        ModelError: The model cannot be loaded, or there is no room for it.
    """
    return open_vllm(opening, "evalhub.engines.pooling_backend:PoolingBackend")


def answers(identity: EngineIdentity) -> Collection[RequestKind]:
    """Return the kind of requests that the model answers."""
    return (RequestKind(identity.settings["gives"]),)


POOLING = EngineKind(PoolingSettings, identify_pooling, open_pooling, answers)
