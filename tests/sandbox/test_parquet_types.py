"""Parquet columns of other types than declared are read as their JSON, or refused."""

import datetime
import math
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
    ("value", "file_type", "declared", "expected"),
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
        (0.7, pyarrow.float32(), "JSON", "0.7"),
        ([0.7, None], pyarrow.list_(pyarrow.float32()), "JSON", "[0.7,null]"),
        (Decimal("2.50"), pyarrow.decimal128(9, 2), "VARCHAR", "2.50"),
        (Decimal("-12"), pyarrow.decimal128(9, 0), "VARCHAR", "-12"),
        (Decimal("2.50"), pyarrow.decimal128(9, 2), "JSON", "2.5"),
        ([Decimal("2.50")], pyarrow.list_(pyarrow.decimal128(9, 2)), "VARCHAR[]", ["2.50"]),
        (Decimal(10**37), pyarrow.decimal128(38, 0), "HUGEINT", 10**37),
        (
            NOON.replace(tzinfo=datetime.UTC),
            pyarrow.timestamp("ms", "Asia/Tokyo"),
            "VARCHAR",
            "2024-02-29 12:00:00+00",
        ),
        (datetime.time(9, 30), pyarrow.time64("ns"), "TIME", datetime.time(9, 30)),
        ("a\0b", pyarrow.large_string(), "VARCHAR", "ab"),
        (["a\0b", "\\u0000"], pyarrow.list_(pyarrow.string()), "VARCHAR[]", ["ab", "\\u0000"]),
        ({"a": "\0x"}, pyarrow.struct([("a", pyarrow.string())]), "STRUCT(a VARCHAR)", {"a": "x"}),
        ([(3, 0.7)], pyarrow.map_(pyarrow.int8(), pyarrow.float32()), "MAP(INTEGER, DOUBLE)", {3: 0.7}),
        (5, pyarrow.int16(), "ENUM('4', '5')", "5"),
        (None, pyarrow.null(), "INTEGER", None),
    ],
)
def test_what_fits(
    load: Any, tmp_path: Path, value: Any, file_type: Any, declared: str, expected: Any
) -> None:
    value = value.decode() if isinstance(value, bytes) else value
    read = load(parquet(tmp_path / "t[1]*.parquet", [value, None], file_type), "parquet", {"value": declared})
    assert repr(read) == repr([(1, expected), (2, None)])


@pytest.mark.parametrize(
    ("value", "file_type", "declared", "problem"),
    [
        (NOON, pyarrow.timestamp("us"), "DATE", "a time where DATE is declared"),
        (1, pyarrow.timestamp("ns"), "TIMESTAMP", "a time of too many digits"),
        (Decimal("1.50"), pyarrow.decimal128(5, 2), "INTEGER", "a fraction"),
        (300, pyarrow.int64(), "UTINYINT", "out of range"),
        (-1, pyarrow.int8(), "UBIGINT", "out of range"),
        ("4", pyarrow.string(), "VARCHAR[]", "a number where VARCHAR[] is declared"),
        ("[4", pyarrow.string(), "INTEGER[]", "a text that is not JSON"),
        ("x", pyarrow.string(), "JSON", "a text that is not JSON"),
        (math.nan, pyarrow.float32(), "VARCHAR", "NaN where VARCHAR"),
        (-math.inf, pyarrow.float32(), "VARCHAR", "-Infinity where VARCHAR"),
        (math.nan, pyarrow.float64(), "ENUM('NaN')", "NaN where ENUM"),
        ([math.inf], pyarrow.list_(pyarrow.float32()), "VARCHAR[]", "Infinity where VARCHAR"),
        (Decimal("0.125"), pyarrow.decimal128(9, 3), "DECIMAL(9, 2)", "too many digits"),
    ],
)
def test_what_does_not(
    load: Any, tmp_path: Path, value: Any, file_type: Any, declared: str, problem: str
) -> None:
    with pytest.raises(Refused) as excinfo:
        load(parquet(tmp_path / "t.parquet", [None, value], file_type), "parquet", {"value": declared})
    assert excinfo.value.reply["where"] == "files.t: t.parquet:2"
    assert problem in excinfo.value.reply["problem"]


def test_bytes_are_no_text(load: Any, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="the column value is of the type BLOB"):
        load(parquet(tmp_path / "t.parquet", [b"x"], pyarrow.binary()), "parquet", {"value": "VARCHAR"})


def test_two_columns_of_one_name(load: Any, tmp_path: Path) -> None:
    arrays = [pyarrow.array([1]), pyarrow.array([[{"x": 1}]]), pyarrow.array([2])]
    table = pyarrow.Table.from_arrays(arrays, names=["value", "list", "value"])
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(Refused, match="two columns have one name"):
        load(tmp_path / "t.parquet", "parquet", {"value": "INTEGER"})


@pytest.mark.parametrize(
    ("stored", "file_type", "declared"),
    [
        (2**31 - 1, pyarrow.date32(), "DATE"),
        (-(10**6), pyarrow.date32(), "DATE"),
        (2**63 - 1, pyarrow.timestamp("us"), "TIMESTAMP"),
        (-(10**17), pyarrow.timestamp("us"), "TIMESTAMP"),
        (2**63 - 1, pyarrow.timestamp("us", "UTC"), "TIMESTAMPTZ"),
        (24 * 3600 * 10**6, pyarrow.time64("us"), "TIME"),
    ],
)
def test_dates_that_no_text_holds(
    load: Any, tmp_path: Path, stored: int, file_type: Any, declared: str
) -> None:
    width = pyarrow.int32() if file_type == pyarrow.date32() else pyarrow.int64()
    values = pyarrow.array([None, stored], width).cast(file_type)
    lists = pyarrow.ListArray.from_arrays([0, 1, 2], values)
    for column, kind in ((values, declared), (lists, f"{declared}[]")):
        pyarrow.parquet.write_table(pyarrow.table({"value": column}), tmp_path / "t.parquet")
        with pytest.raises(Refused) as excinfo:
            load(tmp_path / "t.parquet", "parquet", {"value": kind})
        assert excinfo.value.reply["where"] == "files.t: t.parquet:2"
        assert "holds a text where" in excinfo.value.reply["problem"]


def test_json_within_parquet_is_held_to_the_rules_of_json(load: Any, tmp_path: Path, connection: Any) -> None:
    path = tmp_path / "t.parquet"

    def write_json(text: str) -> None:
        connection.execute(f"COPY (SELECT '{text}'::JSON AS value) TO '{path}'")

    write_json('{"a": 1.50, "b": [-0, 1E2]}')
    assert load(path, "parquet", {"value": "JSON"}) == [(1, '{"a":1.5,"b":[-0.0,100.0]}')]
    write_json('"one"')
    assert load(path, "parquet", {"value": "VARCHAR"}) == [(1, "one")]
    write_json('{"a": 1, "a": 2}')
    with pytest.raises(Refused, match="one object has a key twice") as excinfo:
        load(path, "parquet", {"value": "JSON"})
    assert excinfo.value.reply["where"] == "files.t: t.parquet:1"


def test_decimals_of_more_digits_than_a_column_can_hold(load: Any, tmp_path: Path) -> None:
    file_type = pyarrow.decimal256(60, 2)
    for kind, value in ((file_type, Decimal("0.07")), (pyarrow.list_(file_type), [Decimal("0.07")])):
        with pytest.raises(Refused, match="decimals of more than 38 digits"):
            load(parquet(tmp_path / "t.parquet", [value], kind), "parquet", {"value": "VARCHAR"})


def test_fields_that_differ_in_case_alone(load: Any, tmp_path: Path) -> None:
    fields = pyarrow.struct([("A", pyarrow.int64()), ("a", pyarrow.int64())])
    with pytest.raises(Refused, match="two fields of the column value have one name"):
        load(parquet(tmp_path / "t.parquet", [{"A": 1, "a": 2}], fields), "parquet", {"value": "JSON"})


def test_columns_that_nobody_declares_may_differ_in_case_alone(load: Any, tmp_path: Path) -> None:
    columns = {"Mark": [1], "value": ["x"], "mark": [2]}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    assert load(tmp_path / "t.parquet", "parquet", {"value": "VARCHAR"}) == [(1, "x")]


def int96(path: Path, values: list[Any], kind: Any) -> Path:
    table = pyarrow.table({"value": pyarrow.array(values, kind)})
    pyarrow.parquet.write_table(table, path, use_deprecated_int96_timestamps=True)
    return path


NANOS = 1_709_208_000_000_000_007


@pytest.mark.parametrize(
    ("values", "file_type", "declared", "expected"),
    [
        ([NOON, None], pyarrow.timestamp("us"), "TIMESTAMP", [NOON, None]),
        ([NOON], pyarrow.timestamp("us"), "VARCHAR", ["2024-02-29 12:00:00"]),
        ([NANOS - 7], pyarrow.timestamp("ns"), "TIMESTAMP", [NOON]),
        ([NANOS, None], pyarrow.timestamp("ns"), "VARCHAR", ["2024-02-29 12:00:00.000000007", None]),
        ([[NANOS]], pyarrow.list_(pyarrow.timestamp("ns")), "VARCHAR[]", [["2024-02-29 12:00:00.000000007"]]),
        (
            [datetime.datetime(9999, 12, 31), datetime.datetime(1, 1, 1)],
            pyarrow.timestamp("us"),
            "TIMESTAMP",
            [datetime.datetime(9999, 12, 31), datetime.datetime(1, 1, 1)],
        ),
    ],
)
def test_old_timestamps_keep_their_digits(
    load: Any, tmp_path: Path, values: list[Any], file_type: Any, declared: str, expected: list[Any]
) -> None:
    path = int96(tmp_path / "t[1].parquet", values, file_type)
    assert load(path, "parquet", {"value": declared}) == list(enumerate(expected, 1))


@pytest.mark.parametrize(
    ("values", "file_type", "declared"),
    [
        ([NANOS - 7, NANOS], pyarrow.timestamp("ns"), "TIMESTAMP"),
        ([None, [NANOS]], pyarrow.list_(pyarrow.timestamp("ns")), "TIMESTAMP[]"),
        ([None, {"day": NANOS}], pyarrow.struct([("day", pyarrow.timestamp("ns"))]), "STRUCT(day TIMESTAMP)"),
    ],
)
def test_old_timestamps_of_too_many_digits_are_refused(
    load: Any, tmp_path: Path, values: list[Any], file_type: Any, declared: str
) -> None:
    with pytest.raises(Refused, match="a time of too many digits") as excinfo:
        load(int96(tmp_path / "t.parquet", values, file_type), "parquet", {"value": declared})
    assert "declare VARCHAR" in excinfo.value.reply["fix"]
    assert excinfo.value.reply["where"] == "files.t: t.parquet:2"


def test_files_as_data_frames_write_them(load: Any, tmp_path: Path) -> None:
    import pandas

    frame = pandas.DataFrame(
        {"mark": [1.0, None], "kind": pandas.Categorical(["a", "b"]), "value": ["x", None]},
        index=pandas.Index([7, 9]),
    )
    frame.to_parquet(tmp_path / "t.parquet")
    columns = {"mark": "INTEGER", "kind": "ENUM('a', 'b')", "value": "VARCHAR"}
    assert load(tmp_path / "t.parquet", "parquet", columns) == [(1, 1, "a", "x"), (2, None, "b", None)]


@pytest.mark.parametrize("form", ["parquet", "csv", "json", "jsonl"])
def test_a_file_without_rows(load: Any, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"t.{form}"
    if form == "parquet":
        parquet(path, [], pyarrow.string())
    else:
        path.write_text({"csv": "value\n", "json": "[]", "jsonl": "\n"}[form])
    with pytest.raises(Refused, match="the file holds no rows"):
        load(path, form, {"value": "VARCHAR"})
