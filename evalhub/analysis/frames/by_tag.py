"""A run split into parts by the tags of its items, or by conditions on them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from evalhub.analysis.results import Results
from evalhub.errors import UnknownNameError

OTHERS = "other items"


@dataclass(frozen=True, slots=True)
class TagPart:
    """The items of a run that have a tag, or meet a condition.

    Attributes:
        tag: The tag or the condition. `OTHERS` for the items that have none of the tags.
        items: Number of items.
        results: The part of the run that is about these items.
    """

    tag: str
    items: int
    results: Results


def split_by_tag(results: Results, names: Sequence[str], conditions: Sequence[str] = ()) -> list[TagPart]:
    """Split a run into one part for each requested tag, and one for the items that have none of them.

    An item with several of the tags is in each of their parts.

    Args:
        results: The run.
        names: Each is a tag, the first word of tags (`topic` stands for `topic:law` and `topic-art`), or a
            pattern such as `live*`.
        conditions: Conditions in SQL on the columns of items, such as `lang = 'de'`. Each makes a part.

    Raises:
        UnknownNameError: No item has such a tag.
        InputError: No item meets a condition, or DuckDB refuses it.
    """
    by_tag = _parts_by_tag(results, names) if names else []
    return [*by_tag, *(_part_where(results, condition) for condition in dict.fromkeys(conditions))]


def _part_where(results: Results, condition: str) -> TagPart:
    part = results.where(condition)
    return TagPart(condition, len(part.part_items), part)


def _parts_by_tag(results: Results, names: Sequence[str]) -> list[TagPart]:
    frame = results.items()[["dataset", "item_id", "tags"]]
    items = [(dataset, item_id, set(tags)) for dataset, item_id, tags in frame.itertuples(index=False)]
    known_tags = sorted({tag for _, _, tags in items for tag in tags})
    requested = list(dict.fromkeys(tag for name in names for tag in _matching_tags(name, known_tags)))
    parts = {
        tag: [(dataset, item_id) for dataset, item_id, tags in items if tag in tags] for tag in requested
    }
    parts[OTHERS] = [(dataset, item_id) for dataset, item_id, tags in items if not tags & set(requested)]
    return [TagPart(tag, len(keys), results.select(keys)) for tag, keys in parts.items() if keys]


def _matching_tags(name: str, known_tags: Iterable[str]) -> list[str]:
    """Return the tags that a name stands for."""
    words = re.compile(re.escape(name) + r"[:=/_. -].+")
    tags = [tag for tag in known_tags if tag == name or words.fullmatch(tag) or fnmatchcase(tag, name)]
    if not tags:
        raise UnknownNameError("tag", name, known_tags, where="--by")
    return tags
