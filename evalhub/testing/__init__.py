"""Gates in a team's own tests: assertions on runs, and a pytest plugin that runs suites.

pytest loads the plugin in every project, so nothing of evalhub is imported before a test needs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalhub.testing.assertions import assert_gate, assert_gates

__all__ = ["assert_gate", "assert_gates"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("evalhub.testing.assertions"), name)
    raise AttributeError(f"module 'evalhub.testing' has no attribute {name!r}")
