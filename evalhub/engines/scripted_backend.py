"""The child's side of the scripted engine: its answers follow from the messages alone."""

from __future__ import annotations

import hashlib
import math
import os
import re
import signal
import time
from collections.abc import Mapping
from itertools import cycle
from typing import Any

from evalhub.engines.base import Outcome, too_long_outcome
from evalhub.engines.queue_backend import QueueBackend
from evalhub.engines.thinking import outcome_of_text
from evalhub.records import FailureKind, Request, RequestKind, canonical

_BATCH = 8
_MASS = 0.95
_WORDS = (
    "the a one river answer house light question because stands under clear water result seven "
    "green paper moves early north small reason holds city between words finds open letter"
)


class ScriptedBackend(QueueBackend):
    """Answers in batches, in the order of the requests."""

    def __init__(self, opening: Mapping[str, Any]) -> None:
        super().__init__(opening)
        self._script = self.settings.get("script", {})
        self.batch_size = self._script.get("batch", _BATCH)

    def facts(self) -> dict[str, Any]:
        """Return that no model is used, and the longest prompt."""
        return {**super().facts(), "max_length": self._script.get("max_length")}

    def add(self, number: int, request: Request, crashes: int) -> Outcome | None:
        """Queue a request, or refuse a prompt that is too long."""
        words, limit = _prompt_words(request), self._script.get("max_length")
        if limit is not None and words + 1 > limit:
            return too_long_outcome(words, limit)
        return super().add(number, request, crashes)

    def step(self) -> list[tuple[int, Outcome]]:
        """Answer one batch. A crash takes the whole batch with it."""
        batch = self.next_batch()
        rules = [self._rule(queued.request) for queued in batch]
        default = self._script.get("seconds", 0)
        time.sleep(max((rule.get("seconds", default) for rule in rules), default=0))
        for rule, queued in zip(rules, batch, strict=True):
            if _fails_now(rule.get("crash"), queued.crashes):
                os.kill(os.getpid(), signal.SIGKILL)
            while _fails_now(rule.get("hang"), queued.crashes):
                time.sleep(60)
        return [
            (queued.number, answer(queued.request, rule)) for rule, queued in zip(rules, batch, strict=True)
        ]

    def _rule(self, request: Request) -> Mapping[str, Any]:
        reads_answer = request.kind in (RequestKind.EMBED, RequestKind.REWARD)
        roles = ("user", "assistant") if reads_answer else ("user",)
        question = next((turn.content for turn in reversed(request.messages) if turn.role in roles), "")
        for rule in self._script.get("rules", ()):
            if re.search(rule.get("match", ""), question):
                return dict(rule)
        return {}


def answer(request: Request, rule: Mapping[str, Any]) -> Outcome:
    """Return the pseudo-model's outcome of one request.

    Args:
        request: The request. Equal requests get equal answers.
        rule: The rule that matches it, or an empty mapping.
    """
    prompt = _prompt_words(request)
    if request.kind in (RequestKind.EMBED, RequestKind.REWARD):
        return Outcome(None, None, None, "stop", prompt, 0, 0, values=_values(request, rule))
    if request.choices:
        if unknown := _unknown_choice(request, rule):
            return Outcome(failure=FailureKind.ENGINE, detail=unknown, prompt_tokens=prompt)
        logprobs = _logprobs(request, rule)
        best = max(request.choices, key=lambda choice: logprobs.get(choice, -math.inf))
        top = str(rule.get("top_token", best))
        return Outcome(best, None, logprobs, "choice", prompt, 0, 1, top_token=top)
    words = str(rule["text"]).split(" ") if "text" in rule else _words(request)
    limit = request.sampling.max_tokens
    return outcome_of_text(
        " ".join(words[:limit]),
        request,
        reasoning=rule.get("reasoning"),
        finish_reason="length" if len(words) > limit else "stop",
        prompt_tokens=prompt,
        cached_tokens=0,
        completion_tokens=min(len(words), limit),
    )


def _fails_now(setting: Any, crashes: int) -> bool:
    return setting is True or (isinstance(setting, int) and crashes < setting)


def _prompt_words(request: Request) -> int:
    return sum(len(message.content.split()) for message in request.messages)


def _draws(request: Request) -> bytes:
    """Return 32 bytes that follow from the request. The seed counts if the temperature is above 0."""
    seeds = [request.sampling.seed, request.sample] if request.sampling.temperature > 0 else []
    messages = [[message.role, message.content] for message in request.messages]
    return hashlib.sha256(canonical([messages, seeds, list(request.choices)]).encode()).digest()


def _words(request: Request) -> list[str]:
    draws = _draws(request)
    words = _WORDS.split()
    return [words[byte % len(words)] for byte in draws[: 6 + draws[-1] % 20]]


def _values(request: Request, rule: Mapping[str, Any]) -> tuple[float, ...]:
    """Return a reward in [-2, 2), or an embedding of 16 dimensions whose length is 1."""
    if request.kind is RequestKind.REWARD:
        return (float(rule.get("reward", _draws(request)[0] / 64 - 2)),)
    numbers = [byte - 127.5 for byte in _draws(request)[:16]]
    length = math.hypot(*numbers)
    return tuple(number / length for number in numbers)


def _unknown_choice(request: Request, rule: Mapping[str, Any]) -> str | None:
    """Return why a rule answers no request of these choices: levels may be asked by letters."""
    choice = rule.get("choice")
    if choice is None or "logprobs" in rule or choice in request.choices:
        return None
    return f"the script's choice {choice!r} is none of {', '.join(request.choices)}"


def _logprobs(request: Request, rule: Mapping[str, Any]) -> dict[str, float]:
    if "logprobs" in rule:
        return {choice: float(rule["logprobs"][choice]) for choice in request.choices}
    weights = [1.0 + byte for _, byte in zip(request.choices, cycle(_draws(request)), strict=False)]
    if "choice" in rule:
        weights = [9.0 if choice == rule["choice"] else 1.0 for choice in request.choices]
    total, mass = sum(weights), rule.get("mass", _MASS)
    return {
        choice: math.log(mass * weight / total)
        for choice, weight in zip(request.choices, weights, strict=True)
    }
