"""Elo: the rating that moves after every match, and so depends on their order.

It is here because it is widely known. Systems do not change between matches, so Bradley-Terry, which sees all
matches at once, is the better rating; it has an interval, and no K to choose. Averaged over shuffles, Elo
comes close to it, short of it by as much as K and the number of matches leave.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Floats, Ints
from evalhub.stats.intervals import DEFAULT, Options
from evalhub.stats.ranking.bradley_terry import ELO_CENTRE, ELO_UNIT
from evalhub.stats.ranking.matches import Matches, Played, read_matches

K = 4.0
SHUFFLES = 100


@dataclass(frozen=True, slots=True)
class Elo:
    """The Elo rating of one system.

    Args:
        system: Its id.
        rating: Mean over the shuffles; 1000 = where all start, 400 points are odds of ten to one.
        spread: Standard deviation over the shuffles: what the order alone does; no standard error.
        n: Matches of the system.
    """

    system: str
    rating: float
    spread: float
    n: int


def elo(
    matches: Matches, *, k: float = K, shuffles: int = SHUFFLES, options: Options = DEFAULT
) -> tuple[Elo, ...]:
    """Rate systems by Elo, averaged over random orders of the matches.

    Args:
        matches: The verdicts; weights and covariates do not enter.
        k: The most that one match moves a rating, above 0.
        shuffles: Orders, at least 2.
        options: Seed.

    Returns:
        One rating per system with a match that counts, sorted by id.

    Raises:
        InputError: As `read_matches`; a `k` or `shuffles` out of range.

    Source: Elo, The Rating of Chessplayers, Past and Present, 1978; averaged over orders: Boubdir et al., Elo
        Uncovered, 2023.

    Example:
        >>> one, two = elo(Matches([1, 1, 1, 0.5], ["x"] * 4, ["y"] * 4, range(4)), k=4)
        >>> round(one.rating, 1), round(two.rating, 1)
        (1005.9, 994.1)
    """
    if not k > 0 or shuffles < 2:
        raise InputError("k lies above 0, and there are 2 shuffles or more", value=(k, shuffles))
    played = read_matches(matches)
    rng = np.random.default_rng(options.seed)
    orders = np.stack([rng.permutation(len(played.wins)) for _ in range(shuffles)])
    ratings = play(played, orders, k=k)
    means, spreads, (n, _) = ratings.mean(axis=0), ratings.std(axis=0, ddof=1), played.entries()
    rows = zip(played.systems, means.tolist(), spreads.tolist(), n.tolist(), strict=True)
    return tuple(Elo(*row) for row in rows)


def play(played: Played, orders: Ints, *, k: float) -> Floats:
    """Play the matches in given orders, every system starting at 1000.

    Args:
        played: The matches.
        orders: (b, n) numbers of the matches.
        k: The most that one match moves a rating.

    Returns:
        (b, S) ratings after the last match.

    Example:
        >>> played = read_matches(Matches([1.0], ["x"], ["y"], ["q1"]))
        >>> play(played, np.array([[0]]), k=4).tolist()
        [[1002.0, 998.0]]
    """
    ratings = np.full((len(orders), len(played.systems)), ELO_CENTRE)
    every = np.arange(len(orders))
    for now in orders.T:
        first, second = played.first[now], played.second[now]
        gap = (ratings[every, second] - ratings[every, first]) / ELO_UNIT
        move = k * (played.wins[now] - 1 / (1 + np.exp(gap)))
        ratings[every, first] += move
        ratings[every, second] -= move
    return ratings
