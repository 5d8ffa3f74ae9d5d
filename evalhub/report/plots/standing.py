"""What a ranking's picture says beside its numbers: which systems are told apart, and whether to use it."""

from __future__ import annotations

from collections.abc import Sequence

from evalhub.analysis.findings.trust import UNUSABLE, Trust


def bands_of(ranks: Sequence[tuple[int | None, int | None]]) -> tuple[int, ...]:
    """Return the number of each system's band, from 0. Empty where a rank is absent.

    Args:
        ranks: The best and the worst rank that the data allow for each system, from top to bottom.
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


def band_note(bands: Sequence[int]) -> str:
    """Return what a reader must know of bands. Nothing where no two systems share one."""
    if len(set(bands)) == len(bands):
        return ""
    if len(set(bands)) == 1:
        return "These systems are not all told apart."
    return "Systems on one band are not all told apart. Between two bands every difference is certain."


def warning_of(trust: str | None) -> str:
    """Return why the ranking of a judge is not to be used, or nothing.

    Args:
        trust: What the judge may be used for, or None where it is not known.
    """
    reason = UNUSABLE.get(Trust(trust)) if trust else None
    return f"{reason}." if reason else ""
