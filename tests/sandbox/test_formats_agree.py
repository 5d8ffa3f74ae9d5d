"""The same rows give the same values or the same refusal in all formats. Nothing changes silently."""

import datetime
import json
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalhub.sandbox.refusal import Refused

FORMATS = ("csv", "json", "jsonl", "parquet")
TEXTS = pyarrow.string()
WHOLES, FLOATS = pyarrow.int64(), pyarrow.float64()
STRUCT = pyarrow.struct([("a", pyarrow.int64()), ("b", pyarrow.string())])
SAME = object()

# declared type -> (value as written, type in Parquet, what is read)
FITTING: dict[str, list[tuple[Any, Any, Any]]] = {
    "VARCHAR": [
        ("007", TEXTS, SAME), ("", TEXTS, SAME), (" x\n,\"y\" ", TEXTS, SAME), ("NULL", TEXTS, SAME),
        ("[1]", TEXTS, SAME), (12, WHOLES, "12"), (4.5, FLOATS, "4.5"), (-3.0, FLOATS, "-3.0"),
        (1e22, FLOATS, "1e+22"), (2**64 - 1, pyarrow.uint64(), str(2**64 - 1)),
        (0.3, pyarrow.float32(), "0.3"),
    ],
    "BOOLEAN": [
        (True, pyarrow.bool_(), SAME), (False, pyarrow.bool_(), SAME), ("True", TEXTS, True),
        ("FALSE", TEXTS, False),
    ],
    "TINYINT": [(-128, WHOLES, SAME), (127, WHOLES, SAME), (4.0, FLOATS, 4), ("7", TEXTS, 7)],
    "UTINYINT": [(0, WHOLES, SAME), (255, WHOLES, SAME), ("3.0", TEXTS, 3)],
    "INTEGER": [(2**31 - 1, WHOLES, SAME), (-(2**31), WHOLES, SAME), (1e3, FLOATS, 1000), (" +8 ", TEXTS, 8)],
    "BIGINT": [(2**53 + 1, WHOLES, SAME), (2**63 - 1, WHOLES, SAME), (-(2**63), WHOLES, SAME)],
    "HUGEINT": [
        (2**63 - 1, WHOLES, SAME), (str(2**127 - 1), TEXTS, 2**127 - 1), (2**63 + 1, pyarrow.uint64(), SAME),
    ],
    "UBIGINT": [(2**64 - 1, pyarrow.uint64(), SAME), ("1E2", TEXTS, 100)],
    "DOUBLE": [
        (0.1, FLOATS, SAME), (7, WHOLES, 7.0), (5e-324, FLOATS, SAME), (1.7976931348623157e308, FLOATS, SAME),
        ("2.5", TEXTS, 2.5), (2**60, WHOLES, float(2**60)), (".5", TEXTS, 0.5), (-0.0, FLOATS, SAME),
    ],
    "FLOAT": [(0.1, pyarrow.float32(), SAME), (2.5, FLOATS, SAME), (7, WHOLES, 7.0)],
    "DECIMAL(6, 2)": [
        (1234.56, FLOATS, Decimal("1234.56")), ("9.10", TEXTS, Decimal("9.10")), (8, WHOLES, Decimal("8.00")),
    ],
    "DATE": [("2024-02-29", TEXTS, datetime.date(2024, 2, 29))],
    "TIMESTAMP": [
        ("2024-02-29 23:59:59.5", TEXTS, datetime.datetime(2024, 2, 29, 23, 59, 59, 500000)),
        ("2024-02-29T23:59", TEXTS, datetime.datetime(2024, 2, 29, 23, 59)),
    ],
    "TIME": [("23:59:01", TEXTS, datetime.time(23, 59, 1))],
    "UUID": [(text := "123e4567-e89b-12d3-a456-426614174000", TEXTS, uuid.UUID(text))],
    "TIMESTAMPTZ": [
        ("2024-02-29T23:59+05:30", TEXTS, datetime.datetime(2024, 2, 29, 18, 29, tzinfo=datetime.UTC)),
    ],
    "ENUM('red', 'blue')": [("blue", TEXTS, SAME)],
    "ENUM('4', '2.5', '07')": [
        (4, WHOLES, "4"), ("4", TEXTS, SAME), (2.5, FLOATS, "2.5"),
        ("07", TEXTS, SAME),
    ],
    "VARCHAR[]": [
        (["a", "", None], pyarrow.list_(TEXTS), SAME), ([], pyarrow.list_(TEXTS), SAME),
        ([1, 2], pyarrow.list_(WHOLES), ["1", "2"]),
    ],
    "DOUBLE[2]": [([0.5, 1], pyarrow.list_(FLOATS), (0.5, 1.0))],
    'STRUCT(a INTEGER, "b" VARCHAR)': [
        ({"a": 1, "b": "x"}, STRUCT, SAME), ({"a": None, "b": ""}, STRUCT, SAME),
    ],
    "MAP(VARCHAR, INTEGER)": [({"k": 1}, pyarrow.map_(TEXTS, WHOLES), SAME)],
    "JSON": [({"a": 1, "b": "x"}, STRUCT, '{"a":1,"b":"x"}'), ([1.5], pyarrow.list_(FLOATS), "[1.5]")],
}  # fmt: skip

# declared type -> (value as written, type in Parquet, part of the sentence)
MISFITS: dict[str, list[tuple[Any, Any, str]]] = {
    "BOOLEAN": [
        (1, WHOLES, "a number"), ("yes", TEXTS, "a text"), ("", TEXTS, "an empty text"),
        ("t", TEXTS, "a text"),
    ],
    "TINYINT": [(128, WHOLES, "out of range"), (-129, WHOLES, "out of range"), (0.5, FLOATS, "a fraction")],
    "UTINYINT": [(-1, WHOLES, "out of range"), (256, WHOLES, "out of range"), ("x", TEXTS, "a text")],
    "INTEGER": [
        (4.5, FLOATS, "a fraction"), (2**31, WHOLES, "out of range"), ("4,5", TEXTS, "a comma"),
        ("", TEXTS, "an empty text"),
        ("1\x002", TEXTS, "a text"),
        (1e-9, FLOATS, "a fraction"), (1e300, FLOATS, "out of range"), ("٤", TEXTS, "a text"),
        ("1_0", TEXTS, "a text"),
    ],
    "BIGINT": [(1e19, FLOATS, "out of range"), (str(2**63), TEXTS, "out of range")],
    "HUGEINT": [(str(2**127), TEXTS, "out of range"), ("1e99", TEXTS, "out of range")],
    "DOUBLE": [
        ("x", TEXTS, "a text"), ("nan", TEXTS, "a text"), (2**53 + 1, WHOLES, "too many digits"),
        ("1e999", TEXTS, "out of range"),
        ("1e-999", TEXTS, "out of range"), ("1,5", TEXTS, "a comma"),
    ],
    "FLOAT": [(1e39, FLOATS, "out of range"), ("inf", TEXTS, "a text")],
    "DECIMAL(6, 2)": [
        (0.125, FLOATS, "too many digits"), (12345, WHOLES, "out of range"), ("nan", TEXTS, "a text"),
    ],
    "DATE": [
        ("infinity", TEXTS, "a text"), ("0044-03-15 (BC)", TEXTS, "a text"),
        ("2023-02-29", TEXTS, "does not exist"), ("29.02.2024", TEXTS, "a text"),
        ("2024-01-01 10:00", TEXTS, "a time"),
    ],
    "TIMESTAMP": [("2024-01-01 25:00", TEXTS, "does not exist"), ("2024-01-01 10:00Z", TEXTS, "with a zone")],
    "TIMESTAMPTZ": [
        ("2024-01-01 10:00", TEXTS, "without its zone"),
        ("0001-01-01 05:00+06:00", TEXTS, "a time out of range"),
        ("9999-12-31 20:00-05:00", TEXTS, "a time out of range"),
    ],
    "TIME": [("24:30", TEXTS, "a text"), (5, WHOLES, "a number")],
    "UUID": [("123e4567", TEXTS, "a text")],
    "UBIGINT": [(-1, WHOLES, "out of range"), (str(2**64), TEXTS, "out of range")],
    "ENUM('red', 'blue')": [("green", TEXTS, "a text"), (1, WHOLES, "a number")],
    "ENUM('4', '2.5')": [(4.0, FLOATS, "a number"), (3, WHOLES, "a number"), ("4 ", TEXTS, "a text")],
    "VARCHAR[]": [({"a": 1, "b": "x"}, STRUCT, "an object")],
    "INTEGER[]": [
        ([1.5], pyarrow.list_(FLOATS), "a fraction"), ([2**31], pyarrow.list_(WHOLES), "out of range"),
    ],
    "DOUBLE[2]": [([0.5], pyarrow.list_(FLOATS), "a list")],
    "STRUCT(a TINYINT)": [
        ({"a": 300, "b": "x"}, STRUCT, "out of range"), ([1], pyarrow.list_(WHOLES), "a list"),
    ],
    "STRUCT(A INTEGER)": [({"a": 3, "b": "x"}, STRUCT, "an object with the field a")],
    "MAP(VARCHAR, INTEGER)": [([1], pyarrow.list_(WHOLES), "a list")],
}  # fmt: skip

# What CSV holds as text, and the other formats as what it is.
FORMS = [
    ([1, 2], pyarrow.list_(WHOLES), "a list where VARCHAR is declared"),
    ({"a": 1, "b": "x"}, STRUCT, "an object where VARCHAR is declared"),
    (True, pyarrow.bool_(), "a boolean where VARCHAR is declared"),
]


def outcome(act: Callable[[], Any]) -> Any:
    """Return the values, or the refusal without its place."""
    try:
        return [row[1:] for row in act()]
    except Refused as error:
        return error.reply["problem"], error.reply["fix"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", FITTING)
def test_what_fits_is_read_as_it_is(load: Any, write: Any, form: str, kind: str) -> None:
    for value, content, expected in FITTING[kind]:
        rows = [{"id": 1, "value": value}, {"id": 2, "value": None}]
        read = load(write(form, rows, content), form, {"value": kind})
        if kind == "TIMESTAMPTZ":
            read = [(row[0], row[1] and row[1].astimezone(datetime.UTC)) for row in read]
        assert repr(read) == repr([(1, value if expected is SAME else expected), (2, None)])


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", MISFITS)
def test_what_does_not_fit_is_refused_with_its_place(load: Any, write: Any, form: str, kind: str) -> None:
    place = {"csv": "t.csv:3 (row 2)", "json": "t.json:2", "jsonl": "t.jsonl:2", "parquet": "t.parquet:2"}
    for value, content, excerpt in MISFITS[kind]:
        path = write(form, [{"id": 1, "value": None}, {"id": 2, "value": value}], content)
        with pytest.raises(Refused) as excinfo:
            load(path, form, {"id": "INTEGER", "value": kind})
        reply = excinfo.value.reply
        assert reply["where"] == f"files.t: {place[form]}"
        problem = reply["problem"]
        assert "the column value holds" in problem
        assert excerpt in problem or (form == "csv" and "holds a text" in problem), (value, reply)
        assert reply["value"] is not None


@pytest.mark.parametrize("form", ["json", "jsonl", "parquet"])
@pytest.mark.parametrize(("value", "content", "problem"), FORMS)
def test_what_is_no_text_does_not_become_text(
    load: Any, write: Any, form: str, value: Any, content: Any, problem: str
) -> None:
    path = write(form, [{"id": 1, "value": value}], content)
    with pytest.raises(Refused) as excinfo:
        load(path, form, {"value": "VARCHAR"})
    assert problem in excinfo.value.reply["problem"]
    assert "declare" in excinfo.value.reply["fix"]


@pytest.mark.parametrize(
    "kind", ["DOUBLE", "VARCHAR", "FLOAT", "JSON", "DECIMAL(9, 3)", "BIGINT", "DOUBLE[]"]
)
@pytest.mark.parametrize("form", ["json", "jsonl", "parquet"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_nan_and_infinity_are_no_values(load: Any, write: Any, kind: str, form: str, value: float) -> None:
    value = [value] if kind.endswith("[]") else value  # type: ignore[assignment]
    path = write(form, [{"id": 1, "value": value}])
    with pytest.raises(Refused) as excinfo:
        load(path, form, {"value": kind})
    assert f"t.{form}:1" in excinfo.value.reply["where"]


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_a_missing_key_is_a_missing_value(load: Any, write: Any, form: str) -> None:
    for kind in FITTING:
        fitting = next(value for value, _, _ in FITTING[kind])
        read = load(write(form, [{"id": 1, "value": fitting}, {"id": 2}]), form, {"value": kind})
        assert read[1] == (2, None)


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        ("MAP(INTEGER, VARCHAR)", {"1": "a", "01": "b"}, "an object"),
        ("VARCHAR[]", [["a"]], "a list of lists where VARCHAR[] is declared"),
        ("STRUCT(a STRUCT(b INTEGER[]))", {"a": {"b": [1, 2.5]}}, "a fraction where INTEGER is declared"),
        ("INTEGER", [1, 2], "a list where INTEGER is declared"),
        ("DOUBLE", {"a": 1}, "an object where DOUBLE is declared"),
        ("BOOLEAN", None, ""),
    ],
)
def test_nested_values(load: Any, write: Any, kind: str, value: Any, problem: str) -> None:
    for form in ("json", "jsonl"):
        path = write(form, [{"id": 1, "value": value}])
        if value is None:
            assert load(path, form, {"value": kind}) == [(1, None)]
            continue
        with pytest.raises(Refused) as excinfo:
            load(path, form, {"value": kind})
        assert problem in excinfo.value.reply["problem"]


def test_numbers_keep_their_own_text(load: Any, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"value": 1.10}\n{"value": 1e3}\n{"value": 123456789012345678901}\n')
    assert [text for _, text in load(tmp_path / "t.jsonl", "jsonl", {"value": "VARCHAR"})] == [
        "1.10", "1e3", "123456789012345678901",
    ]  # fmt: skip
    (tmp_path / "t.jsonl").write_text('{"value": 0.1234567890123456789012345}\n')
    read = load(tmp_path / "t.jsonl", "jsonl", {"value": "DECIMAL(38, 25)"})
    assert read == [(1, Decimal("0.1234567890123456789012345"))]


NUMERALS = {"4", "4.0", "4.50", "-0", "1E2", "0.10", "123456789012345678901", "1e400", "-7", "0.0"}
NUMERIC = ("VARCHAR", "DOUBLE", "FLOAT", "INTEGER", "HUGEINT", "DECIMAL(9, 2)", "ENUM('4', '1E2')", "BOOLEAN")


@pytest.mark.parametrize("kind", NUMERIC)
@pytest.mark.parametrize("numeral", sorted(NUMERALS))
def test_a_number_is_the_same_in_json_and_csv(load: Any, tmp_path: Path, numeral: str, kind: str) -> None:
    contents = {
        "csv": f"id,value\n1,{numeral}\n", "jsonl": f'{{"id": 1, "value": {numeral}}}\n',
        "json": f'[{{"id": 1, "value": {numeral}}}]',
    }  # fmt: skip
    values = {}
    for form, content in contents.items():
        (tmp_path / f"t.{form}").write_text(content)
        read = outcome(lambda form=form: load(tmp_path / f"t.{form}", form, {"value": kind}))
        values[form] = "refused" if isinstance(read, tuple) else repr(read)
    assert len(set(values.values())) == 1, values


HELD = {
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "text": st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r"), max_size=8),
    "digits": st.from_regex(r"\A[+-]?[0-9]{1,5}([.,][0-9]{0,3})?(e[0-9]{1,2})?\Z"),
}
KINDS = (
    "VARCHAR", "BOOLEAN", "TINYINT", "UINTEGER", "INTEGER", "BIGINT", "HUGEINT", "DOUBLE", "FLOAT",
    "DECIMAL(9, 3)", "DATE", "TIMESTAMP", "VARCHAR[]", "ENUM('a', '0', '1.0')", "TIME",
    "TIMESTAMPTZ", "UBIGINT", "UUID", "JSON",
)  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_value_has_one_outcome(load: Any, write: Any, data: Any) -> None:
    value = data.draw(st.one_of(st.none(), *HELD.values()))
    if isinstance(value, str):
        value = value.strip("\n") if value.isspace() else value
    kind = data.draw(st.sampled_from(KINDS))
    # A text is JSON in quotes where a format has nothing but texts for JSON.
    quoted = json.dumps(value) if kind == "JSON" and isinstance(value, str) else value
    content = {"csv": quoted, "json": value, "jsonl": value, "parquet": quoted}
    paths = {form: write(form, [{"id": 1, "value": content[form]}]) for form in FORMATS}
    outcomes = {
        form: outcome(lambda form=form: load(paths[form], form, {"id": "INTEGER", "value": kind}))
        for form in FORMATS
    }
    refused = {form for form, outcome in outcomes.items() if isinstance(outcome, tuple)}
    assert refused in (set(), set(FORMATS)), (kind, value, outcomes)
    if not refused:
        as_number = {form: _numeric(outcome, kind, value) for form, outcome in outcomes.items()}
        assert len(set(map(repr, as_number.values()))) == 1, (kind, value, outcomes)


def _numeric(outcome: Any, kind: str, value: Any) -> Any:
    """Return an outcome. A fraction as text is compared as a number, because Parquet keeps no spelling."""
    if kind == "VARCHAR" and isinstance(value, float):
        return float(outcome[0][1])
    return outcome


def test_a_whole_file_of_mixed_columns(load: Any, write: Any) -> None:
    columns = {"id": "BIGINT", "value": "DOUBLE", "text": "VARCHAR", "tags": "VARCHAR[]", "extra": "JSON"}
    rows = [
        {
            "id": n, "value": n / 4, "text": None if n % 3 else f"row {n}", "tags": ["a", str(n)],
            "extra": json.dumps({"n": n}),
        }
        for n in range(50)
    ]  # fmt: skip
    expected = load(write("parquet", rows), "parquet", columns)
    assert expected[3] == (4, 3, 0.75, "row 3", ["a", "3"], '{"n":3}')
    assert load(write("csv", rows), "csv", columns) == expected
    for form in ("json", "jsonl"):
        objects = [{**row, "extra": json.loads(row["extra"])} for row in rows]
        assert load(write(form, objects), form, columns) == expected


@pytest.mark.parametrize("numeral", ["1e400", "-1e999", "1e-400", "-0.5e-500", "9" * 500])
@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_numbers_that_json_would_change(load: Any, tmp_path: Path, numeral: str, form: str) -> None:
    contents = {
        "csv": f'value\n"[{numeral}]"\n', "json": f'[{{"value": [{numeral}]}}]',
        "jsonl": f'{{"value": [{numeral}]}}\n',
    }  # fmt: skip
    (tmp_path / f"t.{form}").write_text(contents[form])
    with pytest.raises(Refused, match="the number is out of range"):
        load(tmp_path / f"t.{form}", form, {"value": "JSON"})


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet"])
@pytest.mark.parametrize("declared", ["mark", "Mark", "MARK"])
@pytest.mark.parametrize("names", [("Mark", "mark"), ("mark", "Mark")])
def test_names_of_columns_that_sql_cannot_tell_apart(
    load: Any, write: Any, form: str, declared: str, names: tuple[str, str]
) -> None:
    path = write(form, [{"id": 1, names[0]: 3, names[1]: 4}])
    with pytest.raises(
        Refused, match=f"differs from the declared column {declared} in case alone"
    ) as excinfo:
        load(path, form, {"id": "INTEGER", declared: "INTEGER"})
    assert "rename" in excinfo.value.reply["fix"]
    assert load(path, form, {"id": "INTEGER"}) == [(1, 1)]


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet"])
def test_a_column_in_another_case_is_named(load: Any, write: Any, form: str) -> None:
    path = write(form, [{"id": 1, "Straße": 3}])
    with pytest.raises(Refused, match="the column Straße differs from the declared column straße") as excinfo:
        load(path, form, {"id": "INTEGER", "straße": "INTEGER"})
    assert "declare Straße" in excinfo.value.reply["fix"]


def test_a_later_row_may_not_name_a_column_in_another_case(load: Any, write: Any) -> None:
    path = write("jsonl", [{"mark": 1}, {"other": 2}, {"Mark": 3}])
    with pytest.raises(Refused, match="the column Mark differs") as excinfo:
        load(path, "jsonl", {"mark": "INTEGER"})
    assert excinfo.value.reply["where"] == "files.t: t.jsonl:3"


def test_two_declared_columns_may_not_differ_in_case_alone(load: Any, write: Any) -> None:
    path = write("jsonl", [{"Mark": 1, "mark": 2}])
    with pytest.raises(Refused, match="SQL ignores case"):
        load(path, "jsonl", {"mark": "INTEGER", "Mark": "INTEGER"})


def test_keys_that_cleaning_would_make_one(load: Any, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"value": {"k\\u0000": 1, "k": 2}}\n')
    with pytest.raises(Refused, match="two keys of one object"):
        load(tmp_path / "t.jsonl", "jsonl", {"value": "JSON"})
