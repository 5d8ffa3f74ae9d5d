"""vLLM's pooling runner: embeddings of texts, and rewards of answers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from evalhub.engines.base import Engine, EngineIdentity
from evalhub.engines.opening import EngineKind, Opening
from evalhub.engines.vllm import VllmSettings, identify_vllm, open_vllm
from evalhub.errors import ModelError
from evalhub.models import ResolvedModel, model_settings
from evalhub.records import RequestKind

_CLASSIFIES = "ForSequenceClassification"
_GENERATES = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
_EVERY_TOKEN = "RewardModel"


class PoolingSettings(VllmSettings):
    """The settings of vLLM's pooling runner: those of `vllm`, and how a reward is read.

    Attributes:
        classifier_from_token: Two tokens, the bad answer first, such as `["No", "Yes"]`. They make a reward
            model of a model that generates: the reward is the log-odds of the second against the first, as
            the next token of the prompt.
    """

    classifier_from_token: tuple[str, str] | None = None


def identify_pooling(settings: PoolingSettings, model: ResolvedModel | None, name: str) -> EngineIdentity:
    """Return the identity of a model on the pooling runner, with all settings resolved.

    Raises:
        ModelError: The model has several outputs, or one for each token.
    """
    identity = identify_vllm(settings, model, name)
    tokens = settings.classifier_from_token
    pooling = {
        "classifier_from_token": list(tokens) if tokens else None,
        "gives": _kind_of(model, settings).value,
    }
    return replace(identity, engine="pooling", settings={**identity.settings, **pooling})


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
            allowed=f"a model that ends in {_CLASSIFIES}",
        )
    if not architecture.endswith(_CLASSIFIES):
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
