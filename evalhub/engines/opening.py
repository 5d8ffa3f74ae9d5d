"""What is handed to an engine that is to be opened, and what makes a kind of engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evalhub.engines.base import HANG_SECONDS, Engine, EngineIdentity
from evalhub.models import ResolvedModel
from evalhub.specs import EngineSpec


@dataclass(frozen=True, slots=True)
class Opening:
    """All that opening an engine may need.

    Attributes:
        spec: The settings that were asked for.
        identity: What `identify` made of them.
        model: The model that lies ready; None for a server's.
        log_folder: Takes the logs of child processes.
        hang_seconds: After which a silent child is killed.
    """

    spec: EngineSpec
    identity: EngineIdentity
    model: ResolvedModel | None
    log_folder: Path
    hang_seconds: float = HANG_SECONDS


@dataclass(frozen=True, slots=True)
class EngineKind:
    """One kind of engine.

    Attributes:
        identify: Identity of a spec, a model and a display id; starts nothing, imports nothing heavy.
        open: An engine that is ready.
        local: Whether it needs a model that lies on this machine.
    """

    identify: Callable[[EngineSpec, ResolvedModel | None, str], EngineIdentity]
    open: Callable[[Opening], Engine]
    local: bool = True
