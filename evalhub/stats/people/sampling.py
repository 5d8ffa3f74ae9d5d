"""Which items people should label next: a random sample, in which doubtful items are more likely."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Bools, Column, Floats, floats, same_length
from evalhub.stats.people.frame import MIN_INCLUSION

UNIFORM_SHARE = 0.2
_NO_DOUBT = 1e-9


@dataclass(frozen=True, slots=True)
class Queued:
    """An item to label.

    Attributes:
        id: The item.
        probability: Its probability of being drawn, in [.05, 1], to be stored with its label.
        uniform: Whether it belongs to the fifth that is drawn evenly, on which agreement is measured.
    """

    id: str
    probability: float
    uniform: bool


def labelling_queue(ids: Column, uncertainty: Column, *, n: int, seed: int) -> tuple[Queued, ...]:
    """Draw the items that people should label, a fifth of them evenly and the rest by uncertainty.

    Args:
        ids: (m,) different ids, compared as text.
        uncertainty: (m,) at least 0, best the standard deviation of the judge's error, such as
            sqrt(p(1 - p)). None (no verdict) counts as the highest. All 0 = an even draw.
        n: Items to draw, at least 1 and 5% of m. All items are drawn where there are no more.
        seed: Seed of the draw, at least 0.

    Returns:
        The items in random order, so that after k of n labels each item was drawn with k / n of its
        probability. The probabilities of all m items sum to n. Each is at least .05.

    Raises:
        InputError: An id twice, an uncertainty below 0, or an n too small for probabilities of .05.

    Source: Zrnic & Candès, Active Statistical Inference, ICML 2024 (drawn in proportion to the error's
        spread, mixed with an even draw).

    Example:
        >>> queue = labelling_queue(["q1", "q2", "q3", "q4"], [0.5, 0.1, 0.1, 0.1], n=2, seed=0)
        >>> len(queue), queue == labelling_queue(["q4", "q3", "q2", "q1"], [0.1, 0.1, 0.1, 0.5], n=2, seed=0)
        (2, True)
    """
    same_length({"ids": ids, "uncertainty": uncertainty})
    names = np.asarray(ids).astype(np.str_)
    order = np.argsort(names, kind="stable")
    names, doubt = names[order], floats(uncertainty)[order]
    if len(set(names.tolist())) < len(names):
        raise InputError("an id may be queued once", value=len(names) - len(set(names.tolist())))
    if (doubt < 0).any():
        raise InputError("an uncertainty is not negative", value=float(np.nanmin(doubt)))
    if seed < 0:
        raise InputError("a seed is not negative", value=seed)
    if n < 1 or n < MIN_INCLUSION * len(names) - 1e-9:
        minimum = max(1, int(np.ceil(MIN_INCLUSION * len(names))))
        raise InputError(
            f"too few for each of {len(names)} items to be drawn with a probability of {MIN_INCLUSION}",
            value=n,
            allowed=f"{minimum} or more",
            fix="draw a random part of the items first",
        )
    if not len(names):
        return ()
    rng = np.random.default_rng(seed)
    chances = inclusion_probabilities(doubt, n=min(n, len(names)))
    rows = np.flatnonzero(systematic_sample(chances, rng))
    even = UNIFORM_SHARE * min(n, len(names)) / len(names)
    # With probability even / chance, an item of the sample is in the even part as likely as any other.
    uniform = systematic_sample(np.minimum(1.0, even / chances[rows]), rng)
    return tuple(
        Queued(str(names[rows[place]]), float(chances[rows[place]]), bool(uniform[place]))
        for place in rng.permutation(len(rows))
    )


def inclusion_probabilities(uncertainty: Column, *, n: int) -> Floats:
    """Return the probability with which each item is drawn.

    Args:
        uncertainty: (m,) at least 0. None counts as the highest.
        n: Items to draw, from 5% of m to m.

    Returns:
        (m,) probabilities in [.05, 1] that sum to n: a fifth of n spread evenly, the rest by uncertainty.

    Example:
        >>> inclusion_probabilities([1, 0, 0, 0], n=1).round(2).tolist()
        [0.85, 0.05, 0.05, 0.05]
    """
    doubt = floats(uncertainty)
    present = doubt[~np.isnan(doubt)]
    doubt = np.where(np.isnan(doubt), present.max() if present.size else 1.0, doubt)
    highest = float(doubt.max(initial=0.0))
    doubt = doubt / highest if highest > 0 else np.ones(len(doubt))
    doubt[doubt < _NO_DOUBT] = 0.0
    even = UNIFORM_SHARE * n / len(doubt)

    def at(scale: float) -> Floats:
        return np.clip(even + scale * doubt, MIN_INCLUSION, 1.0)

    low, high = 0.0, 1 / float(doubt[doubt > 0].min())
    if at(high).sum() < n:
        # Every doubtful item is drawn with certainty. The others share the remaining probability.
        certain = doubt > 0
        remainder = (n - certain.sum()) / max(1, (~certain).sum())
        return np.where(certain, 1.0, np.clip(remainder, MIN_INCLUSION, 1.0))
    for _ in range(64):
        middle = (low + high) / 2
        low, high = (middle, high) if at(middle).sum() < n else (low, middle)
    return at(high)


def systematic_sample(chances: Floats, rng: np.random.Generator) -> Bools:
    """Draw with exactly these probabilities.

    Args:
        chances: (m,) probabilities in [0, 1].
        rng: Random generator.

    Returns:
        (m,) True where drawn. Their number is the sum of the probabilities, rounded up or down.

    Source: Madow, Annals of Mathematical Statistics 20(3), 1949, 333-354, in random order.
    """
    order = rng.permutation(len(chances))
    ends = np.cumsum(chances[order])
    # A sum that is whole but for rounding is rounded, so that the size of the draw is fixed.
    if abs(ends[-1] - round(ends[-1])) < 1e-6:
        ends *= round(ends[-1]) / ends[-1]
    starts = np.append(0.0, ends[:-1])
    offset = rng.random()
    sample = np.zeros(len(chances), dtype=np.bool_)
    sample[order] = np.ceil(ends - offset) > np.ceil(starts - offset)
    return sample
