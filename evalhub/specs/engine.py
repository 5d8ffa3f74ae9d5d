"""The engine of a model in a suite, with its settings."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from evalhub.specs.base import Spec


class EngineSpec(Spec):
    """The engine that runs a model. All keys beside `type` are settings that the engine itself checks.

    Attributes:
        type: A name in the table of `evalhub.engines`, or an entry point of another package.
    """

    model_config = ConfigDict(extra="allow")

    type: str = "vllm"

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that the suite gives, unchecked."""
        return dict(self.model_extra or {})
