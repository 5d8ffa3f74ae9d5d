"""Baseline judges that read nothing: always-first, coin and longer. A real judge must beat all three.

Draws depend only on the seed and the pair's key, so neither the order of the rows nor a missing row changes
them.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from evalhub.errors import InputError
from evalhub.stats.clusters import same_length

_FIRST = {"ab": "a", "ba": "b"}


def _hash(seed: int, purpose: str, key: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}\0{purpose}\0{key}".encode()).digest()[:8], "big")


def balanced_orders(keys: Sequence[str], systems: Sequence[str], *, seed: int) -> list[str]:
    """Draw the order in which each pair is shown, half and half within each pair of systems.

    Args:
        keys: (n,) key of each pair, such as its item id.
        systems: (n,) the pair of systems it compares, such as "x|y".
        seed: Seed of the draw.

    Returns:
        (n,) "ab" or "ba". Within each pair of systems the two counts differ by at most 1.

    Raises:
        InputError: The columns differ in length.

    Example:
        >>> sorted(balanced_orders(["q1", "q2"], ["x|y", "x|y"], seed=1))
        ['ab', 'ba']
    """
    same_length({"keys": keys, "systems": systems})
    groups: dict[str, list[int]] = defaultdict(list)
    for row, pair in enumerate(systems):
        groups[pair].append(row)
    orders = [""] * len(keys)
    for pair, rows in groups.items():
        rows.sort(key=lambda row: _hash(seed, "order", f"{pair}\0{keys[row]}"))
        start = _hash(seed, "start", pair) % 2
        for place, row in enumerate(rows):
            orders[row] = "ab" if (place + start) % 2 else "ba"
    return orders


def always_first(shown: Sequence[str | None]) -> list[str | None]:
    """Return the verdicts of a judge that always takes the response shown first.

    Args:
        shown: (n,) "ab" or "ba". None = unknown order.

    Returns:
        (n,) "a" or "b". None where the order is unknown.

    Raises:
        InputError: An order is none of the above.

    Example:
        >>> always_first(["ab", "ba", None])
        ['a', 'b', None]
    """
    for order in shown:
        if order is not None and order not in _FIRST:
            raise InputError("unknown order", value=order, allowed=_FIRST)
    return [None if order is None else _FIRST[order] for order in shown]


def coin(keys: Sequence[str], *, seed: int) -> list[str]:
    """Return the verdicts of a fair coin.

    Args:
        keys: (n,) key of each pair, such as item id and systems. Equal keys get equal verdicts.
        seed: Seed of the coin.

    Returns:
        (n,) "a" or "b", each with probability one half.

    Example:
        >>> coin(["q1", "q2"], seed=1) == coin(["q1", "q2"], seed=1)
        True
    """
    return ["a" if _hash(seed, "coin", key) % 2 else "b" for key in keys]


def longer(chars_a: Sequence[int | None], chars_b: Sequence[int | None]) -> list[str | None]:
    """Return the verdicts of a judge that takes the longer response.

    Args:
        chars_a: (n,) characters of response a. None = unknown.
        chars_b: (n,) characters of response b. None = unknown.

    Returns:
        (n,) "a", "b", or "tie" where both have the same length. None where a length is unknown.

    Raises:
        InputError: The columns differ in length.

    Example:
        >>> longer([5, 3, 4], [4, 3, None])
        ['a', 'tie', None]
    """
    same_length({"chars_a": chars_a, "chars_b": chars_b})
    return [_longer(a, b) for a, b in zip(chars_a, chars_b, strict=True)]


def _longer(a: int | None, b: int | None) -> str | None:
    if a is None or b is None:
        return None
    return "tie" if a == b else "a" if a > b else "b"
