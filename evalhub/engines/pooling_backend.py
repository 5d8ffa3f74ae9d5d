"""vLLM's pooling runner inside the child process, driven one step at a time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from evalhub.engines.base import Outcome, too_long_outcome
from evalhub.engines.prompts import Prompt
from evalhub.engines.vllm_backend import PendingRequest, VllmBackend, engine_arguments
from evalhub.errors import ModelError
from evalhub.records import Request, RequestKind

_TASKS = {RequestKind.EMBED: "embed", RequestKind.REWARD: "classify"}


class PoolingBackend(VllmBackend):
    """One model that gives embeddings or rewards.

    Args:
        opening: Settings of the identity, the device, and the model's id and folder.

    Raises:
        ModelError: The model cannot be loaded, or there is no room for it.
        EngineError: vLLM cannot start.
    """

    def __init__(self, opening: Mapping[str, Any]) -> None:
        self._kind = RequestKind(opening["settings"]["gives"])
        super().__init__(opening)
        self._layers = tuple(opening["settings"].get("layers", ()))
        if self._layers:
            self._llm.apply_model(partial(_give_layers, self._layers))

    def add(self, number: int, request: Request, crashes: int) -> Outcome | None:  # noqa: ARG002
        """Check a request's length and hand it to vLLM."""
        from vllm import PoolingParams

        if request.kind is not self._kind:
            raise ModelError(f"the model gives no {request.kind} but {self._kind}")
        prompt = self._render(request)
        if len(prompt.tokens) > self._max_length:
            return too_long_outcome(len(prompt.tokens), self._max_length, kind=request.kind)
        # A reward is the model's own number, and so are hidden states. An embedding has length 1.
        activation = request.kind is RequestKind.EMBED and not self._layers
        vllm_id = self._engine.add_request(
            str(number),
            {"prompt_token_ids": list(prompt.tokens)},
            PoolingParams(task=_TASKS[request.kind], use_activation=activation),
        )
        self._pending[number] = PendingRequest(vllm_id, request, prompt, ())
        return None

    def arguments(self, path: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of `vllm.LLM`."""
        arguments = engine_arguments(path, settings)
        del arguments["logprobs_mode"]
        overrides = arguments["hf_overrides"]
        if tokens := settings["classifier_from_token"]:
            overrides |= {"classifier_from_token": tokens, "method": "from_2_way_softmax"}
        convert = {"convert": "classify"} if self._kind is RequestKind.REWARD else {}
        return {**arguments, **convert, "runner": "pooling", "hf_overrides": overrides}

    def _render(self, request: Request) -> Prompt:
        # Hidden states are those of a conversation, as a judge reads it.
        if request.kind is RequestKind.EMBED and not self._layers:
            return self._prompts.render_text(request.messages[-1].content)
        if request.messages[-1].role == "assistant":
            return self._prompts.render_whole(request.messages)
        return self._prompts.render(request.messages, for_choices=True)

    def _outcome(self, output: Any) -> Outcome:
        pending = self._pending.pop(int(output.request_id))
        return Outcome(
            finish_reason="stop",
            prompt_tokens=len(pending.prompt.tokens),
            cached_tokens=output.num_cached_tokens or 0,
            completion_tokens=0,
            values=tuple(output.outputs.data.flatten().tolist()),
        )


def _give_layers(layers: tuple[int, ...], model: Any) -> None:
    """Have a model give the hidden states of several layers side by side, each after its last norm."""
    import torch

    decoder = model.model
    if not hasattr(decoder, "aux_hidden_state_layers"):
        raise ModelError(
            "the model does not give the hidden states of its layers", value=type(model).__name__
        )
    decoder.aux_hidden_state_layers = layers
    # No layer above the last of them is computed.
    decoder.end_layer = max(decoder.start_layer, min(decoder.end_layer, layers[-1]))
    forward = decoder.forward

    def forward_layers(*arguments: Any, **keywords: Any) -> Any:
        _, states = forward(*arguments, **keywords)
        if len(states) != len(layers):
            raise ModelError(f"the model gave {len(states)} of the layers {layers}")
        return torch.cat([decoder.norm(state) for state in states], dim=-1)

    decoder.forward = forward_layers
