"""Win rates, mean scores, flips and the pull of the first position."""

from __future__ import annotations

import numpy as np

from evalhub.errors import InputError
from evalhub.scales import Winner
from evalhub.stats.clusters import Bools, Column, Floats, Texts, categories, floats, same_length
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import DEFAULT, Options
from evalhub.stats.means import mean_estimate

VERDICTS = ("a", "tie", "b")
ORDERS = ("ab", "ba")


def win_rate(
    verdicts: Column, clusters: Column, *, side: str | Column = "a", options: Options = DEFAULT
) -> Estimate:
    """Estimate the hard win rate: a win counts 1, a tie one half, a loss 0.

    Args:
        verdicts: (n,) "a", "tie" or "b"; None = failed, left out and counted.
        clusters: (n,) cluster ids.
        side: The side whose wins count, "a" or "b": one for all rows, or (n,).
        options: Which interval, level, resamples, seed.

    Returns:
        The win rate in [0, 1], higher = the side wins more often.

    Raises:
        InputError: The columns differ in length, or a verdict or side is none of the above.

    Example:
        >>> win_rate(["a", "tie", "b", "a"], ["q1", "q2", "q3", "q4"]).estimate
        0.625
    """
    return mean_estimate(win_values(verdicts, side=side), clusters, bounds=(0, 1), options=options)


def win_values(verdicts: Column, *, side: str | Column = "a") -> Floats:
    """Turn hard verdicts into what they count for one side.

    Args:
        verdicts: (n,) "a", "tie" or "b"; None = failed.
        side: The side whose wins count, "a" or "b": one for all rows, or (n,).

    Returns:
        (n,) 1 = win, .5 = tie, 0 = loss, NaN = failed.

    Raises:
        InputError: A verdict or side is none of the above, or the columns differ in length.

    Example:
        >>> win_values(["a", "tie", "b"], side="b").tolist()
        [0.0, 0.5, 1.0]
    """
    said, present = _known(verdicts, VERDICTS, "verdict")
    sides, given = _known([side] * len(said) if isinstance(side, str) else side, ("a", "b"), "side")
    same_length({"verdicts": said, "side": sides})
    if not given.all():
        raise InputError("a side is missing", allowed="a, b")
    points = np.select([said == winner.value for winner in Winner], [winner.points for winner in Winner])
    values = np.where(sides == "a", points, 1.0 - points)
    return np.asarray(np.where(present, values, np.nan), dtype=np.float64)


def soft_win_rate(probabilities: Column, clusters: Column, *, options: Options = DEFAULT) -> Estimate:
    """Estimate the soft win rate: the mean probability that the side wins.

    Args:
        probabilities: (n,) probability of a win plus half that of a tie, in [0, 1]; None or NaN = failed.
        clusters: (n,) cluster ids.
        options: Which interval, level, resamples, seed.

    Returns:
        The soft win rate in [0, 1], higher = the side wins more.

    Raises:
        InputError: The columns differ in length, or a probability lies outside [0, 1].

    Example:
        >>> soft_win_rate([0.75, 0.5, 0.25, 1.0], ["q1", "q2", "q3", "q4"]).estimate
        0.625
    """
    return mean_estimate(probabilities, clusters, bounds=(0, 1), options=options)


def mean_score(
    scores: Column,
    clusters: Column,
    *,
    bounds: tuple[float, float] | None = None,
    options: Options = DEFAULT,
) -> Estimate:
    """Estimate the mean of pointwise scores.

    Args:
        scores: (n,) scores; None or NaN = failed, left out and counted.
        clusters: (n,) cluster ids.
        bounds: Lowest and highest level of the scale; give it where there is one, the interval holds better.
        options: Which interval, level, resamples, seed.

    Returns:
        The mean on the scale of the scores.

    Raises:
        InputError: The columns differ in length, or a score lies outside `bounds`.

    Example:
        >>> mean_score([4, 5, 3], ["q1", "q2", "q3"], bounds=(1, 5)).estimate
        4.0
    """
    return mean_estimate(scores, clusters, bounds=bounds, options=options)


def flip_rate(
    verdicts_ab: Column, verdicts_ba: Column, clusters: Column, *, options: Options = DEFAULT
) -> Estimate:
    """Estimate the share of pairs whose verdict changes with the order shown.

    Args:
        verdicts_ab: (n,) verdict of each pair shown in order ab: "a", "tie", "b"; None = failed.
        verdicts_ba: (n,) verdict of the same pairs shown in order ba, un-swapped; None = failed.
        clusters: (n,) cluster ids.
        options: Which interval, level, resamples, seed.

    Returns:
        The flip rate in [0, 1], 0 = the order never matters; a tie in one order alone is a flip. Pairs with a
        failed order are left out and counted.

    Raises:
        InputError: The columns differ in length, or a verdict is none of the above.

    Example:
        >>> flip_rate(["a", "a", "b"], ["a", "b", "b"], ["q1", "q2", "q3"]).estimate
        0.3333333333333333
    """
    same_length({"verdicts_ab": verdicts_ab, "verdicts_ba": verdicts_ba, "clusters": clusters})
    first, has_first = _known(verdicts_ab, VERDICTS, "verdict")
    second, has_second = _known(verdicts_ba, VERDICTS, "verdict")
    flips = np.where(has_first & has_second, (first != second).astype(np.float64), np.nan)
    return mean_estimate(flips, clusters, bounds=(0, 1), options=options)


def first_position_rate(
    verdicts: Column, shown: Column, clusters: Column, *, options: Options = DEFAULT
) -> Estimate:
    """Estimate the share of askings, ties aside, in which the response shown first wins.

    Args:
        verdicts: (n,) un-swapped verdict of each asking: "a", "tie", "b"; None = failed.
        shown: (n,) order of each asking, "ab" or "ba"; None = not known.
        clusters: (n,) cluster ids.
        options: Which interval, level, resamples, seed.

    Returns:
        The rate in [0, 1], .5 = no pull to either position. Ties, failures and askings of unknown order are
        left out and counted.

    Raises:
        InputError: The columns differ in length, or hold a value that is none of the above.

    Example:
        >>> first_position_rate(["a", "a", "b"], ["ab", "ba", "ba"], ["q1", "q1", "q2"]).estimate
        0.6666666666666666
    """
    same_length({"verdicts": verdicts, "shown": shown, "clusters": clusters})
    said, present = _known(verdicts, VERDICTS, "verdict")
    orders, known = _known(shown, ORDERS, "order")
    counts = present & known & (said != "tie")
    first_wins = (said == "a") == (orders == "ab")
    values = floats(np.where(counts, first_wins.astype(np.float64), np.nan))
    return mean_estimate(values, clusters, bounds=(0, 1), options=options)


def _known(values: Column, allowed: tuple[str, ...], what: str) -> tuple[Texts, Bools]:
    texts, present = categories(values)
    strange = present & ~np.isin(texts, allowed)
    if strange.any():
        raise InputError(f"unknown {what}", value=str(texts[strange][0]), allowed=allowed)
    return texts, present
