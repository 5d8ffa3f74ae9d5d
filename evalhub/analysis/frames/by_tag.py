"""A run cut into parts by the tags of its items."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from evalhub.analysis.results import Results
from evalhub.errors import UnknownNameError

OTHERS = "other items"


@dataclass(frozen=True, slots=True)
class Part:
    """The items of a run that have a tag.

    Attributes:
        tag: The tag; `OTHERS` for the items that have none of the tags.
        items: Number of items.
        results: What the run holds of them.
    """

    tag: str
    items: int
    results: Results


def by_tag(results: Results, names: Sequence[str]) -> list[Part]:
    """Cut a run into one part for each tag that is named, and one for the items that have none of them.

    An item with several of the tags is in each of their parts.

    Args:
        results: The run.
        names: Tags; the first words of tags, so that `topic` names `topic:law` and `topic-art`; or patterns
            such as `live*`.

    Raises:
        UnknownNameError: No item has such a tag.
    """
    items = results.items()[["dataset", "item_id", "tags"]]
    every = [(dataset, item_id, set(tags)) for dataset, item_id, tags in items.itertuples(index=False)]
    known = sorted({tag for _, _, tags in every for tag in tags})
    wanted = list(dict.fromkeys(tag for name in names for tag in _named(name, known)))
    parts = {tag: [(dataset, item_id) for dataset, item_id, tags in every if tag in tags] for tag in wanted}
    parts[OTHERS] = [(dataset, item_id) for dataset, item_id, tags in every if not tags & set(wanted)]
    return [Part(tag, len(found), results.part(found)) for tag, found in parts.items() if found]


def _named(name: str, known: Iterable[str]) -> list[str]:
    """Return the tags that a name stands for."""
    words = re.compile(re.escape(name) + r"[:=/_. -].+")
    found = [tag for tag in known if tag == name or words.fullmatch(tag) or fnmatchcase(tag, name)]
    if not found:
        raise UnknownNameError("tag", name, known, where="--by")
    return found
