"""What makes a kind of engine: its settings, its identity, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import Field

from evalhub.engines.base import HANG_SECONDS, Engine, EngineIdentity
from evalhub.models import ResolvedModel
from evalhub.records import RequestKind
from evalhub.specs.base import Spec


class EngineSettings(Spec):
    """The settings that every engine takes. An engine adds its own in a subclass.

    Attributes:
        seed: Seed of whatever the engine draws besides the tokens.
    """

    seed: int = 0


class ChildSettings(EngineSettings):
    """The settings of an engine that works in a child process.

    Attributes:
        hang_seconds: A child that has work and gives no sign of life for so many seconds is killed and
            started again. Results do not depend on it.
    """

    hang_seconds: float = Field(default=HANG_SECONDS, gt=0)


class LocalSettings(ChildSettings):
    """The settings of an engine that needs the model's weights on this machine.

    Attributes:
        trust_remote_code: Whether Python code in the model's folder may run.
    """

    trust_remote_code: bool = False


class RemoteSettings(EngineSettings):
    """The settings of an engine that asks a server.

    Attributes:
        max_age: Days after which answers of the server are asked for anew, since the model behind it can
            change without a sign. None = they are used for ever.
    """

    max_age: int | None = Field(default=None, ge=1)


Settings = TypeVar("Settings", bound=EngineSettings)


@dataclass(frozen=True, slots=True)
class RunTies:
    """What a run gives an engine whose work may outlive the process.

    Attributes:
        ledger: The file in which the engine enters what it has begun on the server. It is made if need be.
        earlier_ledgers: Those of other runs on the same engine. They are read alone.
        note: Shows a sentence to the user.
        is_over: Whether the time of the run's budget is over.
    """

    ledger: Path
    earlier_ledgers: tuple[Path, ...] = ()
    note: Callable[[str], None] = lambda _: None
    is_over: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Opening(Generic[Settings]):
    """All that opening an engine may need.

    Attributes:
        settings: The settings, checked.
        identity: What `identify` returned for them.
        model: The model on this machine. None where a server or a script stands for it.
        log_folder: Takes the logs of child processes.
        ties: What the run gives. None = the engine is opened outside of a run.
    """

    settings: Settings
    identity: EngineIdentity
    model: ResolvedModel | None
    log_folder: Path
    ties: RunTies | None = None

    @property
    def model_files(self) -> dict[str, str] | None:
        """The model's id and folder, and that of its adapter, for a child process. None without a model."""
        if self.model is None:
            return None
        adapter = {"adapter": str(self.model.adapter.path)} if self.model.adapter else {}
        return {"id": self.model.id, "path": str(self.model.path), **adapter}


def only_generates(_: EngineIdentity) -> Collection[RequestKind]:
    """Return that an engine generates, and gives no embeddings or rewards."""
    return (RequestKind.GENERATE,)


@dataclass(frozen=True, slots=True)
class EngineKind(Generic[Settings]):
    """One kind of engine.

    Attributes:
        settings: The class of its settings. A subclass of `LocalSettings` needs a model on this machine.
        identify: Returns the identity of settings, a model and a display id. It starts nothing and imports
            nothing heavy.
        open: Returns an engine that is ready.
        answers: Returns the kinds of requests that an engine of an identity answers.
        adds_adapters: Whether it adds the adapter of a model to it.
    """

    settings: type[Settings]
    identify: Callable[[Settings, ResolvedModel | None, str], EngineIdentity]
    open: Callable[[Opening[Settings]], Engine]
    answers: Callable[[EngineIdentity], Collection[RequestKind]] = only_generates
    adds_adapters: bool = False
