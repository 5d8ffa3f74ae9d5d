"""What verdicts count for one side, flips, and the pull of the first position."""

from __future__ import annotations

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Bools, Column, Floats, Texts, categories, floats, same_length
from evalhub.stats.estimate import Estimate
from evalhub.stats.means import mean_estimate

VERDICTS = ("a", "tie", "b")
ORDERS = ("ab", "ba")


def win_values(verdicts: Column) -> Floats:
    """Turn hard verdicts into what they count for side a. Their mean is the win rate.

    Args:
        verdicts: (n,) "a", "tie" or "b". None = failed.

    Returns:
        (n,) 1 = win, .5 = tie, 0 = loss, NaN = failed.

    Raises:
        InputError: A verdict is none of the above.

    Example:
        >>> win_values(["a", "tie", "b"]).tolist()
        [1.0, 0.5, 0.0]
    """
    texts, present = _checked(verdicts, VERDICTS, "verdict")
    values = np.where(texts == "tie", 0.5, (texts == "a").astype(np.float64))
    return np.asarray(np.where(present, values, np.nan), dtype=np.float64)


def flip_rate(verdicts_ab: Column, verdicts_ba: Column, clusters: Column) -> Estimate:
    """Estimate the share of pairs whose verdict changes with the order shown.

    Args:
        verdicts_ab: (n,) verdict of each pair shown in order ab: "a", "tie", "b". None = failed.
        verdicts_ba: (n,) verdict of the same pairs shown in order ba, un-swapped. None = failed.
        clusters: (n,) cluster ids.

    Returns:
        The flip rate in [0, 1]. 0 = the order never matters. A tie in only one of the orders is a flip. Pairs
        with a failed order are left out and counted.

    Raises:
        InputError: The columns differ in length, or a verdict is none of the above.

    Example:
        >>> flip_rate(["a", "a", "b"], ["a", "b", "b"], ["q1", "q2", "q3"]).estimate
        0.3333333333333333
    """
    same_length({"verdicts_ab": verdicts_ab, "verdicts_ba": verdicts_ba, "clusters": clusters})
    first, has_first = _checked(verdicts_ab, VERDICTS, "verdict")
    second, has_second = _checked(verdicts_ba, VERDICTS, "verdict")
    flips = np.where(has_first & has_second, (first != second).astype(np.float64), np.nan)
    return mean_estimate(flips, clusters, bounds=(0, 1))


def first_position_rate(verdicts: Column, shown: Column, clusters: Column) -> Estimate:
    """Estimate how often, among judgments without a tie, the response shown first wins.

    Args:
        verdicts: (n,) un-swapped verdict of each judgment: "a", "tie", "b". None = failed.
        shown: (n,) order of each judgment, "ab" or "ba". None = unknown.
        clusters: (n,) cluster ids.

    Returns:
        The rate in [0, 1], .5 = no pull to either position. Ties, failures and judgments of unknown order are
        left out and counted.

    Raises:
        InputError: The columns differ in length, or hold a value that is none of the above.

    Example:
        >>> first_position_rate(["a", "a", "b"], ["ab", "ba", "ba"], ["q1", "q1", "q2"]).estimate
        0.6666666666666666
    """
    same_length({"verdicts": verdicts, "shown": shown, "clusters": clusters})
    texts, present = _checked(verdicts, VERDICTS, "verdict")
    orders, has_order = _checked(shown, ORDERS, "order")
    counts = present & has_order & (texts != "tie")
    first_wins = (texts == "a") == (orders == "ab")
    values = floats(np.where(counts, first_wins.astype(np.float64), np.nan))
    return mean_estimate(values, clusters, bounds=(0, 1))


def _checked(values: Column, allowed: tuple[str, ...], noun: str) -> tuple[Texts, Bools]:
    texts, present = categories(values)
    strange = present & ~np.isin(texts, allowed)
    if strange.any():
        raise InputError(f"unknown {noun}", value=str(texts[strange][0]), allowed=allowed)
    return texts, present
