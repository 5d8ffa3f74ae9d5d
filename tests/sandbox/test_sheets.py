"""CSV as spreadsheets write it is read as the card says. What a file seems to be is named."""

import codecs
import gzip
from pathlib import Path
from typing import Any

import pytest

from evalhub.sandbox.refusal import Refused

COLUMNS = {"id": "INTEGER", "note": "VARCHAR", "mark": "VARCHAR"}
ROWS = [("1", "Größe, Öl", "4,5"), ("2", "“Naïve” – 10 €", "3,0")]
READ = [(1, 1, "Größe, Öl", "4,5"), (2, 2, "“Naïve” – 10 €", "3,0")]


def sheet(delimiter: str = ";", end: str = "\r\n", header: str = "id;note;mark") -> str:
    lines = [header.replace(";", delimiter), *(delimiter.join(row) for row in ROWS)]
    return end.join(lines) + end


@pytest.fixture
def refusal(load: Any, tmp_path: Path) -> Any:
    """Return the parts of the refusal of a file."""

    def refuse(content: str | bytes, name: str = "t.csv", columns: Any = COLUMNS, **options: Any) -> Any:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        form = options.pop("form", "csv")
        with pytest.raises(Refused) as excinfo:
            load(path, form, columns, **options)
        return excinfo.value.reply

    return refuse


@pytest.mark.parametrize("delimiter", [";", "\t", "|", "^"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_delimiters_and_encodings(load: Any, tmp_path: Path, delimiter: str, encoding: str) -> None:
    (tmp_path / "t.csv").write_bytes(sheet(delimiter).encode(encoding))
    assert load(tmp_path / "t.csv", "csv", COLUMNS, delimiter=delimiter, encoding=encoding) == READ


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("latin-1", "Ærø på ö"), ("iso8859-15", "10 €"), ("cp1250", "Žluťoučký kůň"),
        ("cp1251", "Привет, мир"),
        ("koi8-r", "Привет"), ("shift_jis", "富士山"), ("gb18030", "长江"), ("big5", "長江"),
        ("euc_kr", "한강"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["csv", "jsonl", "json", "lines"])
def test_encodings_of_the_world(load: Any, tmp_path: Path, form: str, encoding: str, text: str) -> None:
    content = {
        "csv": f'text\n"{text}"\n',
        "jsonl": f'{{"text": "{text}"}}',
        "json": f'[{{"text": "{text}"}}]',
    }
    (tmp_path / "t").write_bytes(content.get(form, text).encode(encoding))
    assert load(tmp_path / "t", form, {"text": "VARCHAR"}, encoding=encoding) == [(1, text)]


@pytest.mark.parametrize(
    ("delimiter", "word", "line"),
    [
        (";", "semicolons", 'delimiter: ";"'),
        ("\t", "tabs", 'delimiter: "\\t"'),
        ("|", "bars", 'delimiter: "|"'),
    ],
)
def test_another_delimiter_is_named(refusal: Any, delimiter: str, word: str, line: str) -> None:
    for end in ("\n", "\r\n"):
        reply = refusal("\ufeff" + sheet(delimiter, end))
        assert reply["problem"] == f"the columns are separated by {word}, not by commas"
        assert f"add `{line}` to the file" in reply["fix"]
    reply = refusal(sheet(",", header="id,note,mark"), delimiter=delimiter)
    assert reply["problem"] == f"the columns are separated by commas, not by {word}"


@pytest.mark.parametrize("form", ["csv", "jsonl", "lines"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_are_named(refusal: Any, encoding: str, form: str) -> None:
    reply = refusal(sheet().encode(encoding), form=form)
    assert encoding.upper() in reply["problem"]
    assert f"add `encoding: {encoding}` to the file" in reply["fix"]


def test_cp1252_is_named_with_its_line(refusal: Any) -> None:
    reply = refusal(sheet(",").replace(",5", ".5").encode("cp1252"), columns={"id": "VARCHAR"})
    assert reply["where"] == "files.t: t.csv:2"
    assert "looks like cp1252" in reply["problem"]
    assert "add `encoding: cp1252`" in reply["fix"]


@pytest.mark.parametrize("text", ["Grüße", "l’été à Évry", "mañana", "smørrebrød på Ærø"])
def test_words_of_western_europe_look_like_cp1252(refusal: Any, text: str) -> None:
    reply = refusal(f"text\n{text}\n".encode("cp1252"), columns={"text": "VARCHAR"})
    assert "looks like cp1252" in reply["problem"]
    assert text[:4] in reply["fix"]


@pytest.mark.parametrize("text", ["日本語", "长江很长", "Ωμέγα", "x"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_wide_text_without_a_mark_is_named(refusal: Any, text: str, encoding: str) -> None:
    for content in (f"text\n{text}\n", f"{text}\n{text}\n"):
        assert (
            f"encoding: {encoding}" in refusal(content.encode(encoding), columns={"text": "VARCHAR"})["fix"]
        )


@pytest.mark.parametrize(
    ("encoding", "text"), [("cp1251", "Привет, мир"), ("gb18030", "长江很长"), ("shift_jis", "富士山")]
)
def test_other_encodings_are_not_guessed(refusal: Any, encoding: str, text: str) -> None:
    reply = refusal(f'text\n"{text}"\n'.encode(encoding), columns={"text": "VARCHAR"})
    assert "the file is not UTF-8" in reply["problem"]
    assert "encoding" in reply["fix"]


def test_damaged_utf8_is_no_other_encoding(load: Any, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_bytes('{"text": "Öl für Ärzte"}\n'.encode() + b'{"text": "a\xff"}\n')
    assert load(tmp_path / "t.jsonl", "jsonl", {"text": "VARCHAR"})[1] == (2, "a\ufffd")
    (tmp_path / "t.jsonl").write_bytes(b'{"text": "a\xfc"}\n')
    assert load(tmp_path / "t.jsonl", "jsonl", {"text": "VARCHAR"}, encoding="utf-8") == [(1, "a\ufffd")]


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16"])
def test_an_encoding_that_the_file_contradicts_is_refused(refusal: Any, encoding: str) -> None:
    assert "UTF-8" in refusal(codecs.BOM_UTF8 + b"id\n1\n", encoding=encoding)["problem"]
    if encoding != "utf-16":
        reply = refusal(sheet().encode(), encoding=encoding, delimiter=";")
        assert reply["problem"] == f"the file is UTF-8, not {encoding}"


def test_bytes_that_an_encoding_lacks_are_refused(refusal: Any) -> None:
    assert "the file is not cp1252" in refusal(b"id\n\x81\n", encoding="cp1252")["problem"]
    assert (
        "the file is not utf-16" in refusal("id\n1\n".encode("utf-16") + b"x", encoding="utf-16")["problem"]
    )


def test_lines_above_the_header(load: Any, refusal: Any, tmp_path: Path) -> None:
    titled = "Marks of the spring,,\n,,\n" + sheet(",", header="id,note,mark").replace("4,5", "4").replace(
        "3,0", "3"
    )
    titled = titled.replace("Größe, Öl", '"Größe, Öl"')
    reply = refusal(titled)
    assert reply["problem"] == "the header seems to be in line 3"
    assert "add `skip: 2` to the file" in reply["fix"]
    assert load(tmp_path / "t.csv", "csv", COLUMNS, skip=2)[0] == (1, 1, "Größe, Öl", "4")
    reply = refusal("sep=;\n" + sheet())
    assert 'add `skip: 1` and `delimiter: ";"` to the file' in reply["fix"]


def test_workbooks_and_archives_are_named(refusal: Any) -> None:
    assert "save it as CSV" in refusal(b"PK\x03\x04\x14\x00")["problem"]
    assert "format: parquet" in refusal(b"PAR1\x15\x04")["problem"]
    assert "end in .gz" in refusal(gzip.compress(sheet().encode()))["problem"]


def test_two_columns_of_one_name(refusal: Any) -> None:
    for header in ("id,note,mark,mark", "id,note,mark,other,other"):
        cells = ",".join("1" * (header.count(",") + 1))
        reply = refusal(f"{header}\n{cells}\n")
        assert reply["problem"] == "two columns of the header have one name"
        assert reply["value"] == header.split(",")[-1]


def test_blank_columns_may_repeat(load: Any, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,note,mark,,\n1,x,2,,\n")
    assert load(tmp_path / "t.csv", "csv", COLUMNS) == [(1, 1, "x", "2")]


def test_quotes(load: Any, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,note,mark\n1,'a,''b',2\n")
    assert load(tmp_path / "t.csv", "csv", COLUMNS, quote="'") == [(1, 1, "a,'b", "2")]
    (tmp_path / "t.csv").write_text('id\tnote\tmark\n1\t"so" he said\t""\n2\t6" pipe\t\n')
    read = load(tmp_path / "t.csv", "csv", COLUMNS, quote="", delimiter="\t")
    assert read == [(1, 1, '"so" he said', '""'), (2, 2, '6" pipe', None)]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ('1,"",', ("", None)), ('1,,""', (None, "")), ('1,"","x"', ("", "x")),
        ('1,"a,"""",b",', ('a,"",b', None)),
        ('1,"\n",""', ("\n", "")), ('1,"""",', ('"', None)), ('1," ",', (" ", None)),
    ],
)  # fmt: skip
def test_an_empty_cell_is_missing_and_quotes_are_an_empty_text(
    load: Any, tmp_path: Path, row: str, expected: tuple[str | None, str | None]
) -> None:
    (tmp_path / "t.csv").write_text(f"id,note,mark\n{row}\n2,,\n")
    assert load(tmp_path / "t.csv", "csv", COLUMNS) == [(1, 1, *expected), (2, 2, None, None)]


@pytest.mark.parametrize(
    ("content", "place", "problem"),
    [
        ('id,note,mark\n1,"a\nb",2\n\n2,x\n', ":5 (row 2)", "the row has 2 fields, the header 3"),
        ('id,note,mark\n1,"a\nb\nc",2\nx,b,3\n', ":5 (row 2)", "the column id holds a text"),
        ('id,note,mark\n1,a,2\n2,"open,3\n3,b,4\n', ":3 (row 2)", "a quote is opened and never closed"),
        ('id,note,mark\n1,a,2\n2,"so" he,3\n', ":3 (row 2)", "a cell goes on after its closing quote"),
        ("id,note,mark\n1.5,a,2\n", ":2 (row 1)", "a fraction where INTEGER is declared"),
    ],
)
def test_errors_name_the_line_and_the_row(refusal: Any, content: str, place: str, problem: str) -> None:
    reply = refusal(content)
    assert reply["where"] == f"files.t: t.csv{place}"
    assert problem in reply["problem"]
    reply = refusal("a title\n" + content, skip=1)
    line = int(place[1:].split(" ")[0]) + 1
    assert reply["where"].startswith(f"files.t: t.csv:{line} ")


def test_a_column_that_one_file_lacks_is_named(refusal: Any) -> None:
    reply = refusal("id,nota,mark\n1,x,2\n")
    assert (reply["kind"], reply["value"], reply["allowed"]) == ("column", "note", ["id", "mark", "nota"])


def test_a_decimal_comma_is_explained(refusal: Any) -> None:
    reply = refusal("id;mark\n1;4,5\n", columns={"id": "INTEGER", "mark": "DOUBLE"}, delimiter=";")
    assert "a text with a comma where DOUBLE is declared" in reply["problem"]
    assert "replace(…, ',', '.')::DOUBLE" in reply["fix"]


def test_an_empty_line_of_one_column_is_an_empty_cell(load: Any, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("mark\n1\n\n3\n\n\n")
    assert load(tmp_path / "t.csv", "csv", {"mark": "INTEGER"}) == [(1, 1), (2, None), (3, 3)]
