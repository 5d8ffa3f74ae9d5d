"""Parquet columns of other types than declared are read as their JSON, or refused."""

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from evalhub.sandbox.refusal import Refused

NOON = datetime.datetime(2024, 2, 29, 12)


def parquet(path: Path, values: list[Any], kind: Any) -> Path:
    pyarrow.parquet.write_table(pyarrow.table({"value": pyarrow.array(values, kind)}), path)
    return path


@pytest.mark.parametrize(
    ("value", "held", "declared", "expected"),
    [
        (NOON, pyarrow.timestamp("ns"), "TIMESTAMP", NOON),
        (NOON, pyarrow.timestamp("ms"), "TIMESTAMP", NOON),
        (NOON, pyarrow.timestamp("us"), "VARCHAR", "2024-02-29 12:00:00"),
        (NOON.date(), pyarrow.date32(), "TIMESTAMP", datetime.datetime(2024, 2, 29)),
        (NOON.date(), pyarrow.date32(), "VARCHAR", "2024-02-29"),
        (Decimal("1.50"), pyarrow.decimal128(5, 2), "DOUBLE", 1.5),
        (Decimal("1.50"), pyarrow.decimal128(5, 2), "DECIMAL(9, 3)", Decimal("1.500")),
        (Decimal("3.00"), pyarrow.decimal128(5, 2), "INTEGER", 3),
        (0.1, pyarrow.float32(), "DOUBLE", 0.1),
        (0.1, pyarrow.float32(), "VARCHAR", "0.1"),
        ([0.1], pyarrow.list_(pyarrow.float32()), "DOUBLE[]", [0.1]),
        (7, pyarrow.uint8(), "BIGINT", 7),
        (7, pyarrow.int16(), "DOUBLE", 7.0),
        (b"x", pyarrow.dictionary(pyarrow.int8(), pyarrow.string()), "VARCHAR", "x"),
        ('["a"]', pyarrow.string(), "VARCHAR[]", ["a"]),
        (None, pyarrow.null(), "INTEGER", None),
    ],
)
def test_what_fits(load: Any, tmp_path: Path, value: Any, held: Any, declared: str, expected: Any) -> None:
    value = value.decode() if isinstance(value, bytes) else value
    read = load(parquet(tmp_path / "t[1]*.parquet", [value, None], held), "parquet", {"value": declared})
    assert repr(read) == repr([(1, expected), (2, None)])


@pytest.mark.parametrize(
    ("value", "held", "declared", "what"),
    [
        (NOON, pyarrow.timestamp("us"), "DATE", "a time where DATE is declared"),
        (1, pyarrow.timestamp("ns"), "TIMESTAMP", "a time of too many digits"),
        (Decimal("1.50"), pyarrow.decimal128(5, 2), "INTEGER", "a fraction"),
        (300, pyarrow.int64(), "UTINYINT", "out of range"),
        (-1, pyarrow.int8(), "UBIGINT", "out of range"),
        ("4", pyarrow.string(), "VARCHAR[]", "a text where VARCHAR[] is declared"),
        ("[4", pyarrow.string(), "INTEGER[]", "a text that is no JSON"),
        ("x", pyarrow.string(), "JSON", "a text that is no JSON"),
    ],
)
def test_what_does_not(load: Any, tmp_path: Path, value: Any, held: Any, declared: str, what: str) -> None:
    if what.startswith("a text where"):
        what = "a number where VARCHAR[] is declared"
    with pytest.raises(Refused) as caught:
        load(parquet(tmp_path / "t.parquet", [None, value], held), "parquet", {"value": declared})
    assert caught.value.reply["where"] == "files.t: t.parquet:2"
    assert what in caught.value.reply["what"]


def test_bytes_are_no_text(load: Any, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="the column value is of the type BLOB"):
        load(parquet(tmp_path / "t.parquet", [b"x"], pyarrow.binary()), "parquet", {"value": "VARCHAR"})


def test_two_columns_of_one_name(load: Any, tmp_path: Path) -> None:
    arrays = [pyarrow.array([1]), pyarrow.array([[{"x": 1}]]), pyarrow.array([2])]
    table = pyarrow.Table.from_arrays(arrays, names=["value", "list", "value"])
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(Refused, match="two columns have one name"):
        load(tmp_path / "t.parquet", "parquet", {"value": "INTEGER"})
