"""The engines by name, how each is identified without being started, and how it is opened."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalhub.engines.anthropic_server import ANTHROPIC
from evalhub.engines.base import Engine, EngineIdentity
from evalhub.engines.decisions import DECISIONS_ENGINE, SYSTEMONE_ENGINE
from evalhub.engines.openai_server import OPENAI
from evalhub.engines.opening import EngineKind, EngineSettings, Opening, RunTies
from evalhub.engines.pooling import POOLING
from evalhub.engines.remote_settings import BatchableSettings
from evalhub.engines.scripted import SCRIPTED
from evalhub.engines.vllm import VLLM
from evalhub.errors import ModelError, SpecError
from evalhub.models import ResolvedModel, cache_folder
from evalhub.specs import Candidate, EngineSpec, JudgeUse, Suite, find_entry
from evalhub.specs.base import parse_yaml, validate

ENGINES: Mapping[str, EngineKind[Any]] = {
    "vllm": VLLM,
    "pooling": POOLING,
    "openai": OPENAI,
    "anthropic": ANTHROPIC,
    "systemone": SYSTEMONE_ENGINE,
    "decisions": DECISIONS_ENGINE,
    "scripted": SCRIPTED,
}


def engine_kind(name: str, *, where: str = "") -> EngineKind[Any]:
    """Return a kind of engine. Kinds of other packages come from the entry points `evalhub.engines`.

    Args:
        name: A key of `ENGINES`, or of another package's entry point.
        where: File and key that name the engine.

    Raises:
        UnknownNameError: No engine has the name. The nearest one is named.
        SpecError: Another package's engine cannot be loaded.
    """
    return find_entry("engine", name, ENGINES, fits=lambda entry: isinstance(entry, EngineKind), where=where)


def read_settings(spec: EngineSpec, *, where: str = "") -> EngineSettings:
    """Return the settings of an engine, checked and with its defaults.

    Args:
        spec: The engine and its settings as a suite gives them.
        where: File and key that hold them.

    Raises:
        UnknownNameError: No engine has the name.
        SpecError: The engine has no such setting, or a value does not fit.
    """
    kind = engine_kind(spec.type, where=where)
    where = where or f"engine {spec.type}"
    joint = "." if ":" in where else ":"
    fields = sorted(kind.settings.model_fields)
    for name in spec.settings:
        if name not in fields:
            nearest = difflib.get_close_matches(name, fields, n=1)
            raise SpecError(
                f"the engine {spec.type} has no such setting",
                where=f"{where}{joint}{name}",
                allowed=fields,
                fix=f"did you mean {nearest[0]!r}?" if nearest else "",
            )
    settings: EngineSettings = validate(kind.settings, spec.settings, where, joint=joint)
    return settings


def asks_in_batches(spec: EngineSpec) -> bool:
    """Return whether an engine asks its server in batches, whose tokens have a price of their own."""
    settings = read_settings(spec)
    return isinstance(settings, BatchableSettings) and settings.batch is not None


def without_batches(spec: EngineSpec) -> EngineSpec:
    """Return an engine that asks by single requests. Its answers have the keys that they have in batches."""
    if not asks_in_batches(spec):
        return spec
    settings = {name: value for name, value in spec.settings.items() if name != "batch"}
    return EngineSpec(type=spec.type, **settings)


def parse_engine(text: str, *, where: str) -> EngineSpec:
    """Return the engine that a text gives, with its settings checked.

    Args:
        text: An engine's name, or a mapping as a suite has it: `{type: openai, base_url: URL}`.
        where: What gives the text, such as `--engine`.

    Raises:
        UnknownNameError: No engine has the name.
        SpecError: The mapping cannot be read, or a setting is wrong.
    """
    fields = parse_yaml(text, where) if text.lstrip().startswith("{") else {"type": text}
    spec = validate(EngineSpec, fields, where)
    read_settings(spec, where=where)
    return spec


def with_settings(suite: Suite, where: str) -> Suite:
    """Return a suite whose engines name all of their settings, those that the suite leaves open too.

    Args:
        suite: As `evalhub.specs.load_suite` returns it.
        where: The file that it stands in.

    Raises:
        UnknownNameError: No engine has the name.
        SpecError: An engine has no such setting, or a value does not fit.
    """

    def completed(part: Candidate | JudgeUse, group: str) -> Any:
        settings = read_settings(part.engine, where=f"{where}:{group}.{part.id}.engine")
        engine = EngineSpec(type=part.engine.type, **settings.model_dump())
        return part.model_copy(update={"engine": engine})

    return suite.model_copy(
        update={
            group: tuple(completed(part, group) for part in getattr(suite, group))
            for group in ("candidates", "judges")
        }
    )


def identify(spec: EngineSpec, model: ResolvedModel | None = None, *, name: str = "") -> EngineIdentity:
    """Return the identity of an engine, without starting it or importing its libraries.

    Args:
        spec: The engine and its settings.
        model: The model on this machine. None where a server or a script stands for it.
        name: The display id where `model` is None.

    Raises:
        UnknownNameError: No engine has the name.
        SpecError: The settings do not fit the engine.
        ModelError: The model does not fit the engine.
    """
    kind = engine_kind(spec.type)
    if model is not None and model.adapter is not None and not kind.adds_adapters:
        raise ModelError(
            f"the engine {spec.type} adds no adapter to a model",
            where=model.id,
            allowed="engine: vllm",
            fix="name the folder in which the adapter is merged into its base",
        )
    return kind.identify(read_settings(spec), model, name)


def open_engine(
    spec: EngineSpec,
    model: ResolvedModel | None = None,
    *,
    name: str = "",
    log_folder: Path | None = None,
    ties: RunTies | None = None,
) -> Engine:
    """Return an engine that is ready. Close it, or use it in a `with` block.

    On Linux its child process ends with the thread that opens it.

    Args:
        spec: The engine and its settings.
        model: The model on this machine. None where a server or a script stands for it.
        name: The display id where `model` is None.
        log_folder: Takes the logs, by default `logs` in the cache folder.
        ties: What a run gives its engine. An engine that asks in batches needs it.

    Raises:
        UnknownNameError: No engine has the name.
        ModelError: The model cannot be loaded, or there is no room for it.
        EngineError: The engine cannot start.
    """
    return engine_kind(spec.type).open(
        Opening(
            settings=read_settings(spec),
            identity=identify(spec, model, name=name),
            model=model,
            log_folder=log_folder or cache_folder() / "logs",
            ties=ties,
        )
    )
