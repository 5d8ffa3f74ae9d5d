"""The engines: the only part that runs models.

A name is looked up where it is first used: the child process of an engine, whose modules lie in here too,
needs none of them, and would take twice as long to start.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalhub.engines.base import Engine, EngineFacts, EngineIdentity, complete, completion_key
    from evalhub.engines.opening import EngineKind, Opening
    from evalhub.engines.prompts import Prompt, Prompts, folder_prompts
    from evalhub.engines.table import ENGINES, engine_kind, identify, open_engine

__all__ = [
    "ENGINES",
    "Engine",
    "EngineFacts",
    "EngineIdentity",
    "EngineKind",
    "Opening",
    "Prompt",
    "Prompts",
    "complete",
    "completion_key",
    "engine_kind",
    "folder_prompts",
    "identify",
    "open_engine",
]

_HOMES = {
    "base": ("Engine", "EngineFacts", "EngineIdentity", "complete", "completion_key"),
    "opening": ("EngineKind", "Opening"),
    "prompts": ("Prompt", "Prompts", "folder_prompts"),
    "table": ("ENGINES", "engine_kind", "identify", "open_engine"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
