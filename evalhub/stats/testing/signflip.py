"""The sign-flip test: without a true difference, each cluster's sum could as well have the other sign."""

from __future__ import annotations

import math
import sys

import numpy as np

from evalhub.stats.clusters import Floats

EXACT_CLUSTERS = 16
NORMAL_CLUSTERS = 5_000
FLIPS = 9_999
_BLOCK = 1_000


def sign_flip(sums: Floats, *, seed: int = 0) -> tuple[float, str]:
    """Test whether sums of clusters are symmetric around 0, as they are for two equal systems.

    The test is two-sided. Up to 16 clusters that are not 0, all sign patterns are counted. Above that,
    patterns are drawn with a seed, and the observed pattern counts as one of them. Above 5,000 clusters the
    normal limit of the same distribution is used.

    Args:
        sums: (clusters,) sum of each cluster's differences, finite.
        seed: Seed of the draws.

    Returns:
        The p-value in (0, 1], and its method: "sign-flip-exact", "sign-flip-9999" or "sign-flip-normal".

    Source: Fisher, The Design of Experiments, 1935, section 21. Phipson & Smyth, Statistical Applications in
        Genetics and Molecular Biology 9(1), 2010, article 39 (the observed pattern counts).

    Example:
        >>> sign_flip(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
        (0.0625, 'sign-flip-exact')
    """
    largest = float(np.abs(sums).max(initial=0.0))
    # Scaled and rounded, so that float noise breaks no tie. Sorted, so that names and rows change no draw.
    sizes = np.sort(np.round(np.abs(sums) / (largest or 1.0), 12))
    sizes = sizes[sizes > 0]
    if not len(sizes):
        return 1.0, "sign-flip-exact"
    observed = abs(float(sums.sum())) / largest - 1e-9 * float(sizes.sum())
    if len(sizes) <= EXACT_CLUSTERS:
        totals = np.zeros(1)
        for size in sizes:
            totals = np.concatenate([totals + size, totals - size])
        return float(np.mean(np.abs(totals) >= observed)), "sign-flip-exact"
    if len(sizes) > NORMAL_CLUSTERS:
        p = math.erfc(max(observed, 0.0) / math.sqrt(2 * float(np.sum(sizes**2))))
        return max(p, sys.float_info.min), "sign-flip-normal"
    return (1 + _as_far(sizes, observed, seed)) / (1 + FLIPS), f"sign-flip-{FLIPS}"


def _as_far(sizes: Floats, observed: float, seed: int) -> int:
    """Count the random patterns whose total is at least as far from 0."""
    rng = np.random.default_rng(seed)
    count, k = 0, len(sizes)
    for start in range(0, FLIPS, _BLOCK):
        rows = min(_BLOCK, FLIPS - start)
        bits = np.unpackbits(
            np.frombuffer(rng.bytes(rows * (k // 8 + 1)), dtype=np.uint8).reshape(rows, -1), axis=1
        )
        totals = 2 * (bits[:, :k].astype(np.float64) @ sizes) - sizes.sum()
        count += int(np.sum(np.abs(totals) >= observed))
    return count
