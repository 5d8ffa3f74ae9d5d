"""Bands of systems: between two bands every difference is certain."""

from __future__ import annotations

from collections.abc import Sequence


def rank_bands(ranks: Sequence[tuple[int | None, int | None]]) -> tuple[int, ...]:
    """Return the number of each system's band, from 0. Empty where a rank is absent.

    Two neighbours are on different bands if every system above is surely better than every system below. The
    ranks say so wherever "surely better" is transitive, as in `rank_intervals`.

    Args:
        ranks: The best and the worst rank that the data allow for each system, the best system first.

    Example:
        >>> rank_bands([(1, 1), (2, 3), (2, 3)])
        (0, 1, 1)
    """
    ends = [(best, worst) for best, worst in ranks if best is not None and worst is not None]
    if len(ends) < len(ranks):
        return ()
    bands, band = [], 0
    for place in range(len(ends)):
        if place:
            worst_above = max(worst for _, worst in ends[:place])
            best_below = min(best for best, _ in ends[place:])
            band += worst_above <= place < best_below
        bands.append(band)
    return tuple(bands)
