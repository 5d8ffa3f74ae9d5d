"""What a ranking's picture says beside its numbers: which systems are told apart, and whether to use it."""

from __future__ import annotations

from collections.abc import Sequence

from evalhub.analysis.findings.trust import UNUSABLE, Trust
from evalhub.report.format import Row
from evalhub.stats import rank_bands


def bands_of(rows: Sequence[Row]) -> dict[str, int]:
    """Return the band of each system, from 0. Nothing where a rank is absent.

    Args:
        rows: Of the table of ranks, of one rater and measure, the best system first.
    """
    bands = rank_bands([(row["low_all"], row["high_all"]) for row in rows])
    return dict(zip((row["system"] for row in rows), bands, strict=False))


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
