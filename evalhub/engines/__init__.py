"""The engines: the only part that runs models."""

from evalhub.engines.base import (
    Engine,
    EngineFacts,
    EngineIdentity,
    complete,
    completion_key,
)
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
