"""What differs between the manifests of two runs: what was to be run, and with what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evalhub.store.manifest import Manifest

_COMPARED = ("resolved", "rubrics", "judges", "cards", "metrics", "juries", "environment")
"""What a run was to do and with what. What it cost and found is in tables."""
_LONGEST = 200
_CONTEXT = 40


@dataclass(frozen=True, slots=True)
class ManifestChange:
    """A field that two manifests have with different values.

    Attributes:
        field: Its path, such as `rubrics.strict.user`.
        before: Its value in the first manifest, from shortly before the difference, cut after 200 characters.
            None = it has none.
        after: Its value in the second manifest.
    """

    field: str
    before: str | None
    after: str | None


def manifest_changes(before: Manifest, after: Manifest) -> list[ManifestChange]:
    """Return the fields that differ between two manifests, sorted by their path.

    Args:
        before: Of the earlier run.
        after: Of the later run.
    """
    first, second = (
        dict(_fields(manifest.model_dump(mode="json", include=set(_COMPARED))))
        for manifest in (before, after)
    )
    return [
        ManifestChange(field, *_cut(first.get(field), second.get(field)))
        for field in sorted({**first, **second})
        if first.get(field) != second.get(field)
    ]


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path of each value that is no mapping and no list, and the value."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _fields(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from _fields(part, f"{path}.{place}")
    elif value is not None:
        yield path, str(value)


def _cut(before: str | None, after: str | None) -> tuple[str | None, str | None]:
    """Return two values from shortly before their first difference on, 200 characters at most."""
    pairs = enumerate(zip(before or "", after or "", strict=False))
    shortest = min(len(before or ""), len(after or ""))
    difference = next((place for place, (first, second) in pairs if first != second), shortest)
    start = max(difference - _CONTEXT, 0)
    return _part(before, start), _part(after, start)


def _part(value: str | None, start: int) -> str | None:
    if value is None:
        return None
    part = value[start : start + _LONGEST]
    return "…" * (start > 0) + part + "…" * (start + _LONGEST < len(value))
