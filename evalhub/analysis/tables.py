"""Tidy tables: one row per number, with its interval, n, clusters and number of rows left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalhub.stats import Estimate
from evalhub.stats.clusters import Coded, Column, Floats

if TYPE_CHECKING:
    import pandas as pd

PAIR = ["dataset", "item_id", "system_a", "system_b", "sample"]
RESPONSE = ["dataset", "item_id", "system", "sample"]
ESTIMATE_COLUMNS = (
    "estimate", "low", "high", "confidence", "n", "clusters", "n_excluded", "method", "reason",
    "standard_error", "draws",
)  # fmt: skip


def row(estimate: Estimate, **keys: object) -> dict[str, Any]:
    """Return one row of a table: the key columns, then the columns of the estimate."""
    return {**keys, **{name: getattr(estimate, name) for name in ESTIMATE_COLUMNS}}


def estimate_of(values: Mapping[str, Any]) -> Estimate:
    """Return the estimate of a row, as plain values."""
    return Estimate(**{name: values[name] for name in ESTIMATE_COLUMNS})


def table(rows: Iterable[Mapping[str, Any]], keys: Sequence[str]) -> pd.DataFrame:
    """Return rows as a frame with the columns in order, also where there are no rows.

    Args:
        rows: As `row` returns them.
        keys: Names of the key columns, which identify a number.
    """
    import pandas as pd

    frame = pd.DataFrame(list(rows), columns=[*keys, *ESTIMATE_COLUMNS])
    for name in ("estimate", "low", "high", "standard_error"):
        frame[name] = frame[name].astype("Float64")
    frame["draws"] = frame["draws"].astype("Int64")
    return frame


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a frame as plain values, fit for JSON: absent values are None, arrays are lists."""
    names = [str(name) for name in frame.columns]
    columns = [[_plain(value) for value in frame[name].tolist()] for name in frame.columns]
    return [dict(zip(names, values_of_row, strict=True)) for values_of_row in zip(*columns, strict=True)]


def groups(frame: pd.DataFrame, *by: str) -> Iterator[tuple[tuple[str, ...], pd.DataFrame]]:
    """Yield the rows of each group with the group's key, sorted by key."""
    for key, group in frame.groupby(list(by), sort=True):
        yield tuple(str(part) for part in key), group


def stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of frames with the same columns. A column of categories in all of them stays such."""
    import pandas as pd

    shared_types = {}
    for name in frames[0]:
        columns = [frame[name] for frame in frames]
        if all(isinstance(column.dtype, pd.CategoricalDtype) for column in columns):
            texts = columns[0].cat.categories
            for column in columns[1:]:
                texts = texts.union(column.cat.categories)
            shared_types[name] = pd.CategoricalDtype(texts.sort_values())
    return pd.concat([frame.astype(shared_types) for frame in frames], ignore_index=True)


def ids(column: pd.Series[Any]) -> Column:
    """Return a column of texts without absent values, as statistics take ids."""
    import numpy as np

    if not hasattr(column, "cat"):
        return column.tolist()
    return Coded(column.cat.codes.to_numpy().astype(np.int64), column.cat.categories.to_numpy(dtype=object))


def numbers(column: pd.Series[Any]) -> Floats:
    """Return a column of numbers as an array in which absent values are NaN."""
    return column.to_numpy(dtype="float64", na_value=float("nan"))


def by_key(frame: pd.DataFrame, names: Sequence[str], function: Callable[..., Any]) -> pd.Series[Any]:
    """Return for each row what a function of some of its columns gives. It is called once for each key.

    Args:
        frame: Rows without absent values in these columns.
        names: The columns.
        function: Takes their values in this order.
    """
    import numpy as np
    import pandas as pd

    keys = frame[[*names]].drop_duplicates()
    results = np.empty(len(keys), dtype=object)
    results[:] = [function(*key) for key in keys.itertuples(index=False, name=None)]
    places = frame.groupby([*names], sort=False).ngroup().to_numpy()
    return pd.Series(results[places], index=frame.index, dtype=object)


def values(column: pd.Series[Any]) -> list[Any]:
    """Return a column as a list in which absent values are None."""
    absent = column.isna().to_numpy()
    return [None if is_absent else value for value, is_absent in zip(column.tolist(), absent, strict=True)]


def floats(column: pd.Series[Any]) -> list[float | None]:
    """Return a column of numbers as a list in which absent values are None."""
    return [None if value is None else float(value) for value in values(column)]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int):
        return value
    import pandas as pd

    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(name): _plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    return None if pd.isna(value) else value
