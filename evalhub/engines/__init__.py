"""The engines: the only part that runs models.

A name is imported at its first use. The child process of an engine needs none of them, and would take twice
as long to start.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalhub.engines.base import (
        Engine,
        EngineIdentity,
        Outcome,
        complete,
        completion_key,
    )
    from evalhub.engines.facts import EngineFacts
    from evalhub.engines.harness import ChildEngine, open_child
    from evalhub.engines.opening import (
        EngineKind,
        EngineSettings,
        LocalSettings,
        Opening,
        RemoteSettings,
        RunTies,
    )
    from evalhub.engines.prompts import Prompt, Prompts, folder_prompts
    from evalhub.engines.queue_backend import QueueBackend
    from evalhub.engines.table import (
        ENGINES,
        asks_in_batches,
        engine_kind,
        identify,
        open_engine,
        parse_engine,
        read_settings,
        with_settings,
        without_batches,
    )

__all__ = [
    "ENGINES", "ChildEngine", "Engine", "EngineFacts", "EngineIdentity", "EngineKind", "EngineSettings",
    "LocalSettings", "Opening", "Outcome", "Prompt", "Prompts", "QueueBackend", "RemoteSettings", "RunTies",
    "asks_in_batches", "complete", "completion_key", "engine_kind", "folder_prompts", "identify",
    "open_child", "open_engine", "parse_engine", "read_settings", "with_settings", "without_batches",
]  # fmt: skip

_HOMES = {
    "base": ("Engine", "EngineIdentity", "Outcome", "complete", "completion_key"),
    "facts": ("EngineFacts",),
    "harness": ("ChildEngine", "open_child"),
    "opening": ("EngineKind", "EngineSettings", "LocalSettings", "Opening", "RemoteSettings", "RunTies"),
    "prompts": ("Prompt", "Prompts", "folder_prompts"),
    "queue_backend": ("QueueBackend",),
    "table": (
        "ENGINES",
        "asks_in_batches",
        "engine_kind",
        "identify",
        "open_engine",
        "parse_engine",
        "read_settings",
        "with_settings",
        "without_batches",
    ),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
