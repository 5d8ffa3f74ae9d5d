"""What differs between two steps of the same place, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evalhub.store.parts import Step


def changed_inputs(step: Step, earlier: Step) -> Iterator[str]:
    """Yield in words what differs between a step and an earlier one of the same place."""
    for name in dict.fromkeys([*step.inputs, *earlier.inputs]):
        new, old = step.inputs.get(name), earlier.inputs.get(name)
        if new != old:
            yield f"{name} {_change(old, new)}"


def _change(old: Any, new: Any) -> str:
    if old is None:
        return "is new" if _is_long(new) else f"none -> {new}"
    if new is None:
        return "is gone" if _is_long(old) else f"{old} -> none"
    return "changed" if _is_long(old) or _is_long(new) else f"{old} -> {new}"


def _is_long(value: Any) -> bool:
    return len(str(value)) > 40
