"""The engines by name, how each is identified without being started, and how it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from evalhub.engines import local, openai_server
from evalhub.engines.base import HANG_SECONDS, Engine, EngineIdentity
from evalhub.engines.opening import EngineKind, Opening
from evalhub.models import ResolvedModel, cache_folder
from evalhub.specs import EngineSpec, find_entry

ENGINES: Mapping[str, EngineKind] = {
    "vllm": EngineKind(local.identify_vllm, local.open_vllm),
    "openai": EngineKind(openai_server.identify_openai, openai_server.open_openai, local=False),
    "scripted": EngineKind(local.identify_scripted, local.open_scripted, local=False),
}


def engine_kind(name: str) -> EngineKind:
    """Return a kind of engine; those of other packages come from the entry points `evalhub.engines`.

    Raises:
        UnknownNameError: There is no engine of that name.
        SpecError: Another package's engine cannot be loaded.
    """
    return find_entry("engine", name, ENGINES, fits=lambda entry: isinstance(entry, EngineKind))


def identify(spec: EngineSpec, model: ResolvedModel | None = None, *, name: str = "") -> EngineIdentity:
    """Return what an engine would be, without starting it or importing its libraries.

    Args:
        spec: The settings that are asked for.
        model: The model that lies ready; None where a server or a script has it.
        name: The display id of a model that is not given.

    Raises:
        UnknownNameError: There is no engine of that type.
        SpecError: The settings do not fit the engine.
        ModelError: The model does not fit the engine.
    """
    return engine_kind(spec.type).identify(spec, model, name)


def open_engine(
    spec: EngineSpec,
    model: ResolvedModel | None = None,
    *,
    name: str = "",
    log_folder: Path | None = None,
    hang_seconds: float = HANG_SECONDS,
) -> Engine:
    """Return an engine that is ready; close it, or use it in a `with` block.

    On Linux its child process ends with the thread that opens it.

    Args:
        spec: The settings that are asked for.
        model: The model that lies ready; None where a server or a script has it.
        name: The display id of a model that is not given.
        log_folder: Takes logs; by default `logs` in the cache folder.
        hang_seconds: After which a child that works and gives no sign of life is killed.

    Raises:
        UnknownNameError: There is no engine of that type.
        ModelError: The model cannot be loaded, or there is no room for it.
        EngineError: The engine cannot start.
    """
    return engine_kind(spec.type).open(
        Opening(
            spec=spec,
            identity=identify(spec, model, name=name),
            model=model,
            log_folder=log_folder or cache_folder() / "logs",
            hang_seconds=hang_seconds,
        )
    )
