"""A pseudo-model: its answers follow from the messages alone, so that a run can be tested without a model.

Options of `script` in an engine's settings:

- `seconds`: what each completion takes. `max_length`: of a prompt, in words. `batch`: completions a step.
- `rules`: the first one whose `match`, a regular expression, is found in the last user message holds:
  `text`, `reasoning`, `choice`, `logprobs`, `mass` (of all choices together), `top_token`, `seconds`,
  `reward`. The rule of a reward or an embedding is found in the last message, whoever wrote it.
  `crash` or `hang`: `true`, or the number of first attempts that do so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import Field

from evalhub.engines.base import Engine, EngineIdentity
from evalhub.engines.harness import start_child
from evalhub.engines.opening import ChildSettings, EngineKind, Opening
from evalhub.engines.replicas import Replicas
from evalhub.errors import SpecError
from evalhub.models import ResolvedModel
from evalhub.records import RequestKind, digest

OPTIONS = ("rules", "seconds", "max_length", "batch")
RULE_KEYS = (
    "match", "text", "reasoning", "choice", "logprobs", "mass", "top_token", "seconds", "reward", "crash",
    "hang",
)  # fmt: skip

_NUMBERS = ("seconds", "max_length", "batch", "mass", "reward")


class ScriptedSettings(ChildSettings):
    """The settings of the scripted engine.

    Attributes:
        script: Its behaviour, with the options above.
        max_num_seqs: Half of the requests that the child process holds.
        replicas: The number of child processes.
    """

    script: dict[str, Any] = Field(default_factory=dict)
    max_num_seqs: int = Field(default=256, ge=1)
    replicas: int = Field(default=1, ge=1)


def identify_scripted(settings: ScriptedSettings, model: ResolvedModel | None, name: str) -> EngineIdentity:
    """Return the identity of a pseudo-model. Its script stands for its content."""
    check_script(settings.script)
    model_id, content_hash = (model.id, model.content_hash) if model else (name, digest(["scripted", name]))
    # A default seed stands in no key, so that earlier completions are found again.
    script = {"script": dict(settings.script), **({"seed": settings.seed} if settings.seed else {})}
    return EngineIdentity("scripted", model_id, content_hash, settings=script)


def open_scripted(opening: Opening[ScriptedSettings]) -> Engine:
    """Return the pseudo-model, in one or several child processes of its own."""
    settings = opening.settings
    backend = "evalhub.engines.scripted_backend:ScriptedBackend"
    start = partial(start_child, opening, backend, max_num_seqs=settings.max_num_seqs)
    if settings.replicas == 1:
        return start().wait_until_ready()
    return Replicas(lambda share: start(share=share), settings.replicas)


SCRIPTED = EngineKind(ScriptedSettings, identify_scripted, open_scripted, lambda _: tuple(RequestKind))


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
            raise SpecError(f"match is not a regular expression: {error}", where=where) from error


def _known(options: Any, allowed: tuple[str, ...], where: str) -> None:
    if not isinstance(options, Mapping):
        raise SpecError("a mapping is needed", where=where, value=options)
    for key in options:
        if key not in allowed:
            raise SpecError("unknown option", where=where, value=key, allowed=allowed)
    for key in _NUMBERS:
        if not isinstance(options.get(key, 0), int | float | None):
            raise SpecError("a number is needed", where=f"{where}.{key}", value=options[key])
