"""How an address names one sample: ITEM~SYSTEM_A~SYSTEM_B~SAMPLE, or ITEM~SYSTEM~SAMPLE of a rating."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MARK = "~"
"""No id has this character."""


@dataclass(frozen=True, slots=True)
class Unit:
    """An item, and the one or two systems whose responses are judged."""

    item_id: str
    systems: tuple[str, ...]
    sample: int

    @property
    def name(self) -> str:
        """Its name in an address."""
        return _MARK.join([self.item_id, *self.systems, str(self.sample)])


def unit_of(row: Mapping[str, Any]) -> str:
    """Return the name of the sample of a verdict: a row with item_id, sample, and system or both systems."""
    systems = [row.get(name) for name in ("system_a", "system_b", "system")]
    return _MARK.join([row["item_id"], *(name for name in systems if name), str(int(row.get("sample") or 0))])


def parse_unit(name: str) -> Unit | None:
    """Return the sample that a name stands for. None where it stands for none."""
    item_id, *systems = name.split(_MARK)
    if not 2 <= len(systems) <= 3 or not systems[-1].isdigit() or not all((item_id, *systems)):
        return None
    return Unit(item_id, tuple(systems[:-1]), int(systems[-1]))
