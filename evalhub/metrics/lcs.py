"""Longest common subsequences of tokens: their length, and the very positions that ROUGE-Lsum unites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def lcs_length(a: Sequence[str], b: Sequence[str]) -> int:
    """Return the length of a longest common subsequence.

    Args:
        a: Tokens.
        b: Tokens.

    Returns:
        From 0 to the shorter length.

    Example:
        >>> lcs_length(["a", "b", "c"], ["a", "x", "c"])
        2
    """
    from rapidfuzz.distance import LCSseq

    return LCSseq.similarity(a, b)


def position_masks(tokens: Sequence[str]) -> dict[str, int]:
    """Return for each token the bit mask of the positions that hold it.

    Args:
        tokens: (n,) tokens.

    Returns:
        Bit i of a token's mask is set where `tokens[i]` is the token.

    Example:
        >>> position_masks(["a", "b", "a"])
        {'a': 5, 'b': 2}
    """
    masks: dict[str, int] = {}
    for position, token in enumerate(tokens):
        masks[token] = masks.get(token, 0) | 1 << position
    return masks


def lcs_positions(tokens: Sequence[str], other: Mapping[str, int], width: int) -> list[int]:
    """Return which positions of `tokens` are in the longest common subsequence that rouge-score reads out.

    Of the many longest ones it takes a certain one: walking back through the table of lengths, it takes a
    match where both ends are equal, else drops the last of `tokens` if the length allows, else the last of
    the other. Here each row of that table is one integer, a clear bit j saying that the length grows at
    column j. Tokens that the other side lacks repeat the row above, and are left out first.

    Args:
        tokens: (n,) tokens whose positions are asked for.
        other: `position_masks` of the other sequence.
        width: Length of the other sequence.

    Returns:
        Positions, last first.

    Source: Hyyrö 2004, Bit-parallel LCS-length computation revisited, and rouge-score's `_backtrack_norec`.

    Example:
        >>> lcs_positions(["a", "b", "a"], position_masks(["a", "c"]), 2)
        [0]
    """
    row = full = (1 << width) - 1
    matched = []
    for position, token in enumerate(tokens):
        mask = other.get(token)
        if mask is not None:
            matched.append((position, row, mask))
            hit = row & mask
            row = ((row + hit) | (row - hit)) & full
    length = width - row.bit_count()
    column, positions = width, []
    while length:
        position, row, mask = matched.pop()
        within = (1 << column) - 1
        matches = mask & within
        ends_equal = matches >> (column - 1)
        if ends_equal or column - (row & within).bit_count() < length:
            positions.append(position)
            column = matches.bit_length() - 1
            length -= 1
    return positions
