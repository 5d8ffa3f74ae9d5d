"""A pseudo-model: its answers follow from the messages alone, so that a run can be tested without a model.

Options of `script` in an engine's settings:

- `seconds`: what each completion takes; `max_length`: of a prompt, in words; `batch`: completions a step.
- `rules`: the first one whose `match`, a regular expression, is found in the last user message holds:
  `text`, `reasoning`, `choice`, `logprobs`, `mass` (of all choices together), `top_token`, `seconds`;
  `crash` or `hang`: `true`, or the number of first attempts that do so.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import signal
import time
from collections import deque
from collections.abc import Mapping
from itertools import cycle
from typing import Any

from evalhub.engines.base import Outcome, too_long
from evalhub.engines.thinking import answered
from evalhub.errors import SpecError
from evalhub.records import FailureKind, Request, canonical

OPTIONS = ("rules", "seconds", "max_length", "batch")
RULE_KEYS = (
    "match", "text", "reasoning", "choice", "logprobs", "mass", "top_token", "seconds", "crash", "hang",
)  # fmt: skip

_NUMBERS = ("seconds", "max_length", "batch", "mass")

_BATCH = 8
_MASS = 0.95
_WORDS = (
    "the a one river answer house light question because stands under clear water result seven "
    "green paper moves early north small reason holds city between words finds open letter"
)


def check_script(script: Mapping[str, Any]) -> None:
    """Refuse unknown options.

    Raises:
        SpecError: An option or a key of a rule is unknown, a value is of the wrong type, or a `match` is no
            regular expression.
    """
    _known(script, OPTIONS, "script")
    if not isinstance(script.get("rules", ()), list | tuple):
        raise SpecError("a list is needed", where="script.rules", value=script["rules"])
    for index, rule in enumerate(script.get("rules", ())):
        where = f"script.rules[{index}]"
        _known(rule, RULE_KEYS, where)
        try:
            re.compile(rule.get("match", ""))
        except re.error as error:
            raise SpecError(f"match is no regular expression: {error}", where=where) from error


def _known(options: Any, allowed: tuple[str, ...], where: str) -> None:
    if not isinstance(options, Mapping):
        raise SpecError("a mapping is needed", where=where, value=options)
    for key in options:
        if key not in allowed:
            raise SpecError("there is no such option", where=where, value=key, allowed=allowed)
    for key in _NUMBERS:
        if not isinstance(options.get(key, 0), int | float | None):
            raise SpecError("a number is needed", where=f"{where}.{key}", value=options[key])


class ScriptedBackend:
    """Answers in batches, in the order asked."""

    def __init__(self, opening: Mapping[str, Any]) -> None:
        self._script = opening["settings"].get("script", {})
        self._queue: deque[tuple[int, Request, int]] = deque()

    def facts(self) -> dict[str, Any]:
        """Return that no model is used."""
        return {"platform": "none", "device": "none", "max_length": self._script.get("max_length")}

    def counters(self) -> dict[str, int]:
        """Return nothing: there is no cache."""
        return {}

    def add(self, number: int, request: Request, crashes: int) -> Outcome | None:
        """Queue a request, or refuse a prompt that is too long."""
        words, limit = _prompt_words(request), self._script.get("max_length")
        if limit is not None and words + 1 > limit:
            return too_long(words, limit)
        self._queue.append((number, request, crashes))
        return None

    def step(self) -> list[tuple[int, Outcome]]:
        """Answer one batch; a crash takes the whole batch with it."""
        size = min(len(self._queue), self._script.get("batch", _BATCH))
        batch = [self._queue.popleft() for _ in range(size)]
        rules = [self._rule(request) for _, request, _ in batch]
        default = self._script.get("seconds", 0)
        time.sleep(max((rule.get("seconds", default) for rule in rules), default=0))
        for rule, (_, _, crashes) in zip(rules, batch, strict=True):
            if _attempted(rule.get("crash"), crashes):
                os.kill(os.getpid(), signal.SIGKILL)
            while _attempted(rule.get("hang"), crashes):
                time.sleep(60)
        return [
            (number, answer(request, rule)) for rule, (number, request, _) in zip(rules, batch, strict=True)
        ]

    def busy(self) -> bool:
        """Return whether a request is queued."""
        return bool(self._queue)

    def drop_waiting(self) -> list[int]:
        """Drop all that is queued."""
        dropped = [number for number, _, _ in self._queue]
        self._queue.clear()
        return dropped

    def _rule(self, request: Request) -> Mapping[str, Any]:
        asked = next((one.content for one in reversed(request.messages) if one.role == "user"), "")
        for rule in self._script.get("rules", ()):
            if re.search(rule.get("match", ""), asked):
                return dict(rule)
        return {}


def answer(request: Request, rule: Mapping[str, Any]) -> Outcome:
    """Return what the pseudo-model says to one request.

    Args:
        request: What is asked; equal requests get equal answers.
        rule: The rule that holds for it, or nothing.
    """
    prompt = _prompt_words(request)
    if request.choices:
        if unknown := _unknown_choice(request, rule):
            return Outcome(failure=FailureKind.ENGINE, detail=unknown, prompt_tokens=prompt)
        logprobs = _logprobs(request, rule)
        best = max(request.choices, key=lambda choice: logprobs.get(choice, -math.inf))
        top = str(rule.get("top_token", best))
        return Outcome(best, None, logprobs, "choice", prompt, 0, 1, top_token=top)
    words = str(rule["text"]).split(" ") if "text" in rule else _words(request)
    limit = request.sampling.max_tokens
    return answered(
        " ".join(words[:limit]),
        request,
        reasoning=rule.get("reasoning"),
        finish_reason="length" if len(words) > limit else "stop",
        prompt_tokens=prompt,
        cached_tokens=0,
        completion_tokens=min(len(words), limit),
    )


def _attempted(setting: Any, crashes: int) -> bool:
    return setting is True or (isinstance(setting, int) and crashes < setting)


def _prompt_words(request: Request) -> int:
    return sum(len(one.content.split()) for one in request.messages)


def _draws(request: Request) -> bytes:
    """Return 32 bytes that follow from the request; the seed counts where something is drawn."""
    seeds = [request.sampling.seed, request.sample] if request.sampling.temperature > 0 else []
    told = [[one.role, one.content] for one in request.messages]
    return hashlib.sha256(canonical([told, seeds, list(request.choices)]).encode()).digest()


def _words(request: Request) -> list[str]:
    draws = _draws(request)
    words = _WORDS.split()
    return [words[byte % len(words)] for byte in draws[: 6 + draws[-1] % 20]]


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
