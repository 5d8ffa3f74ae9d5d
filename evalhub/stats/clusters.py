"""Columns of numbers, categories and ids, and the clusters that count as independent units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from evalhub.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Coded:
    """Ids of many rows as codes, which takes less memory and time than texts.

    Attributes:
        codes: (n,) places in names.
        names: (k,) different texts, sorted. Some may be in no row.
    """

    codes: Ints
    names: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.codes)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.names[self.codes], dtype=dtype)


Column = ArrayLike | Sequence[object] | Coded


def floats(values: Column) -> Floats:
    """Read numbers. None and infinities become NaN, which means missing.

    Args:
        values: (n,) numbers. None and NaN are missing.

    Returns:
        (n,) float64, finite or NaN.

    Raises:
        InputError: The values are not one row of numbers.

    Example:
        >>> floats([1, None, float("inf")]).tolist()
        [1.0, nan, nan]
    """
    try:
        array = np.array(_unmasked(values), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("numbers are needed here", value=str(error)) from error
    if array.ndim != 1:
        raise InputError("one row of numbers is needed here", value=array.shape, allowed="shape (n,)")
    array[~np.isfinite(array)] = np.nan
    return array


def categories(values: Column) -> tuple[Texts, Bools]:
    """Read categories as text, and mark the rows that have one.

    Args:
        values: (n,) categories of any type that prints distinctly. None, NaN and '' are missing.

    Returns:
        (n,) texts, and (n,) True where a category is present.

    Example:
        >>> categories(["a", None, "tie"])[1].tolist()
        [True, False, True]
    """
    if type(values) is np.ndarray and values.dtype.kind == "U":
        return values, values != ""
    rows = values if isinstance(values, Sequence) else np.asarray(_unmasked(values), dtype=object).tolist()
    texts = ["" if value is None or value != value else str(value) for value in rows]
    array = np.array(texts, dtype=np.str_)
    return array, array != ""


def _unmasked(values: Column) -> Column:
    if isinstance(values, np.ma.MaskedArray):
        plain = np.array(values.data, dtype=object)
        plain[values.mask] = None
        return plain
    return values


def codes(ids: Column) -> tuple[Ints, int]:
    """Number the ids 0 … k-1 in sorted order, so that the order of the rows changes no draw.

    Args:
        ids: (n,) ids, compared as text.

    Returns:
        (n,) codes, and k, the number of different ids.

    Example:
        >>> codes(["q2", "q1", "q2"])[0].tolist()
        [1, 0, 1]
    """
    numbers, names = named_codes(ids)
    return numbers, len(names)


def named_codes(ids: Column) -> tuple[Ints, list[str]]:
    """Number the ids as `codes` does, and return the k different ids in their order.

    Example:
        >>> named_codes(["q2", "q1", "q2"])[1]
        ['q1', 'q2']
    """
    if isinstance(ids, Coded):
        counts = np.zeros(len(ids.names), dtype=np.int64)
        counts[ids.codes] = 1
        return (np.cumsum(counts) - 1)[ids.codes], ids.names[counts == 1].tolist()
    texts, inverse = np.unique(np.asarray(ids).astype(np.str_), return_inverse=True)
    return inverse.astype(np.int64).reshape(-1), texts.tolist()


def take(ids: Column, rows: Bools | Ints) -> Column:
    """Return the ids of some rows.

    Example:
        >>> take(["q1", "q2"], np.array([False, True])).tolist()
        ['q2']
    """
    return Coded(ids.codes[rows], ids.names) if isinstance(ids, Coded) else np.asarray(ids)[rows]


def same_length(columns: Mapping[str, Column]) -> int:
    """Return the common length of the columns.

    Args:
        columns: Columns by name.

    Returns:
        Their number of rows.

    Raises:
        InputError: Two columns differ in length.
    """
    lengths = {
        name: (len(column),) if isinstance(column, Coded | list) else np.asarray(column).shape[:1]
        for name, column in columns.items()
    }
    if len(set(lengths.values())) != 1 or () in lengths.values():
        raise InputError("columns of one length are needed here", value=lengths)
    return int(next(iter(lengths.values()))[0])


def within_bounds(values: Floats, bounds: tuple[float, float], noun: str = "value") -> Floats:
    """Clip float noise at the bounds, and refuse values further outside. NaN passes.

    Args:
        values: (n,) numbers.
        bounds: Lowest and highest value allowed.
        noun: What a value is, for the error.

    Returns:
        (n,) numbers within the bounds.

    Raises:
        InputError: A value lies outside by more than 1e-9 of the range.

    Example:
        >>> within_bounds(np.array([1 + 1e-12, 0.5]), (0, 1)).tolist()
        [1.0, 0.5]
    """
    low, high = bounds
    clipped = np.clip(values, low, high)
    slack = 1e-9 * (high - low) if high < np.inf else 0.0
    strange = np.abs(values - clipped) > slack
    if strange.any():
        value = float(values[strange][0])
        raise InputError(f"a {noun} lies outside its bounds", value=value, allowed=f"{low:g} to {high:g}")
    return np.asarray(clipped, dtype=np.float64)


def cluster_of_units(units: Ints, names: Sequence[str], members: Ints, noun: str = "item") -> Ints:
    """Return the cluster of each unit, and refuse a unit that lies in two.

    Args:
        units: (n,) unit codes, each of 0 … k-1 at least once.
        names: (k,) ids of the units, for the error.
        members: (n,) cluster codes.
        noun: What a unit is, for the error.

    Returns:
        (k,) cluster codes.

    Raises:
        InputError: The rows of one unit lie in two clusters.

    Example:
        >>> cluster_of_units(np.array([0, 1, 0]), ["q1", "q2"], np.array([5, 6, 5])).tolist()
        [5, 6]
    """
    clusters = np.zeros(len(names), dtype=np.int64)
    clusters[units] = members
    strange = clusters[units] != members
    if strange.any():
        article = "an" if noun[0] in "aeio" else "a"
        raise InputError(f"{article} {noun} lies in two clusters", value=str(names[units[strange][0]]))
    return clusters


def draw(clusters: int, resamples: int, seed: int) -> Floats:
    """Draw whole clusters with replacement, as counts.

    Args:
        clusters: Number of clusters, at least 1.
        resamples: Number of resamples, at least 1.
        seed: Seed of the draw. The same seed gives the same counts.

    Returns:
        (resamples, clusters) how often each resample holds each cluster. Each row sums to `clusters`.
    """
    rng = np.random.default_rng(seed)
    return rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=resamples).astype(np.float64)


def folds(clusters: Column, k: int, *, seed: int = 0) -> Ints:
    """Assign whole clusters to k folds of about equal size.

    Args:
        clusters: (n,) cluster ids.
        k: Number of folds, at least 2.
        seed: Seed of the shuffle of the clusters' names.

    Returns:
        (n,) fold of each row, 0 … k-1. Rows of one cluster share a fold, whatever their order.

    Raises:
        InputError: Fewer than 2 folds.

    Example:
        >>> folds(["q1", "q2", "q1", "q3"], 2).tolist()
        [0, 0, 0, 1]
    """
    if k < 2:
        raise InputError("cross-fitting needs two folds or more", value=k)
    members, count = codes(clusters)
    fold_of_cluster = np.random.default_rng(seed).permutation(count) % k
    return fold_of_cluster[members].astype(np.int64)
