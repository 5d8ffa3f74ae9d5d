"""Expressions in SQL that several facts share."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

# Judgments without a measurement. That a criterion does not apply is a measurement.
FAILED = "failure <> 'not_applicable'"
NOT_APPLICABLE = "failure = 'not_applicable'"


def with_sum(relation: str, name: str, x: str, y: str, z: str) -> str:
    """Return a query that adds a column to a relation: the sum of three of its columns, rounded once.

    It is what `math.fsum` returns, so that SQL and Python agree to the last bit.

    Args:
        relation: A query.
        name: The new column.
        x: A column of finite numbers, as are y and z.

    Source: Shewchuk, Adaptive Precision Floating-Point Arithmetic, 1997, as in Python's `math.fsum`.
    """
    low = _error(x, y, "sum_xy")
    steps = (
        f"{x} + {y} AS sum_xy",
        f"{low} AS low_xy",
        f"{z} + low_xy AS sum_low",
        f"{_error(z, 'low_xy', 'sum_low')} AS lowest, sum_xy + sum_low AS high",
        f"{_error('sum_xy', 'sum_low', 'high')} AS low",
    )
    for step in steps:
        relation = f"SELECT *, {step} FROM ({relation})"
    # Half-way cases are rounded by the sign of what lies below them.
    total = """CASE WHEN low = 0 THEN high + lowest
      WHEN sign(low) = sign(lowest) AND (high + 2 * low) - high = 2 * low THEN high + 2 * low
      ELSE high END"""
    return (
        f"SELECT * EXCLUDE (sum_xy, low_xy, sum_low, lowest, high, low), {total} AS {name} FROM ({relation})"
    )


def _error(x: str, y: str, total: str) -> str:
    """Return what the rounded sum of two numbers lacks."""
    return f"({x} - ({total} - ({total} - {x}))) + ({y} - ({total} - {x}))"


def quoted(path: Path) -> str:
    """Return a path as it stands between the quotes of a text."""
    return str(path).replace("'", "''")


def parquet_files(paths: Iterable[Path]) -> str:
    """Return files as one relation."""
    files = ", ".join(f"'{quoted(path.resolve())}'" for path in paths)
    return f"read_parquet([{files}], union_by_name = true)"


def text_list(texts: Collection[str]) -> str:
    """Return texts as they stand between the brackets of IN."""
    return ", ".join("'" + text.replace("'", "''") + "'" for text in sorted(texts))


def tuple_list(pairs: Collection[tuple[str, str]]) -> str:
    """Return pairs of texts as they stand between the brackets of IN."""
    return ", ".join(f"({text_list([first])}, {text_list([second])})" for first, second in sorted(pairs))
