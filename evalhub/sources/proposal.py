"""A proposal of tables for a folder of data files, with their columns and types that fit."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from evalhub.errors import InputError, SpecError
from evalhub.files import file_sha256
from evalhub.sandbox import looks, scalars
from evalhub.sandbox.fits import fit_of
from evalhub.sandbox.formats import read_rows
from evalhub.sandbox.refusal import Refused
from evalhub.sandbox.rows import TextFile
from evalhub.sandbox.spelling import Misfit, Number
from evalhub.specs.files import RESERVED_COLUMNS

FORMATS = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "csv", ".txt": "lines",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
_ABOUT = re.compile(r"(readme|licen[cs]e|changelog|notice|citation)\b.*", re.IGNORECASE)
_OUTSIDE = "a link to a file outside of the folder: copy the file into it"
_HEAD = 1 << 16
_BIG = 1 << 63
_EXACT = 1 << 53
_DIGITS = 20
_LONGEST = 250
_MAY_NAME = re.compile(
    r".*(id|idx|index|key|number|item|system|model|model.name|generator|llm|bot)", re.IGNORECASE
)
_MAY_ASK = re.compile(
    r"q|.*(prompt|question|instruction|query|problem|request|input|source|text|document|article|dialogue)",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"-?(0|[1-9]\d*)")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_ORDER = ("BIGINT", "DOUBLE", "VARCHAR")


@dataclass(slots=True)
class Values:
    """The values of one column.

    Attributes:
        type: The narrowest type that fits every value. None without values.
        count: Number of values.
        texts: The distinct values as texts, if the column may name items or systems.
        unique: Whether no file has a value twice, if the column may name items or systems.
        hashes: A hash of each distinct value, if the column may hold prompts.
        plain: Whether each value is a text or a list of texts.
        large: Whether an integer is beyond 2^53, which a DOUBLE cannot hold.
    """

    type: str | None = None
    count: int = 0
    texts: set[str] = field(default_factory=set)
    unique: bool = True
    hashes: set[int] = field(default_factory=set)
    plain: bool = True
    large: bool = False

    def add(self, value: Any, *, is_text: bool, column: str) -> None:
        """Add a value.

        Args:
            value: A value. None is ignored.
            is_text: Whether values are texts, as in CSV.
            column: The name of the column, which decides whether `texts` and `hashes` are collected.
        """
        if value is None:
            return
        self.count += 1
        if _MAY_NAME.fullmatch(column):
            self.texts.add(str(value)[:_LONGEST])
            self.unique = len(self.texts) == self.count
        if _MAY_ASK.fullmatch(column):
            self.hashes.add(hash(str(value)))
        self.plain &= all(isinstance(part, str) for part in (value if isinstance(value, list) else [value]))
        kind = _type_of_text(value) if is_text else _type_of(value)
        self.large |= kind == "BIGINT" and abs(int(value)) > _EXACT
        self.join(kind, is_text=is_text)

    def join(self, kind: str, *, is_text: bool) -> None:
        """Widen the type so that it holds values of another type too."""
        self.type = _widen(self.type, kind, is_text=is_text)
        if self.type == "DOUBLE" and self.large:
            self.type = "VARCHAR"


@dataclass(slots=True)
class Proposal:
    """One table: files of one format with the same columns.

    Attributes:
        name: Its name in the card.
        format: The format of its files.
        form: Their `encoding`, `delimiter` and `layout`, where they are not the default.
        hashes: Each file's path in the folder with its sha256.
        columns: The values of each column.
        rows: Number of rows.
        reserved: Columns that are left out, as a card cannot declare their name or type.
    """

    name: str
    format: str
    form: dict[str, Any]
    hashes: dict[str, str]
    columns: dict[str, Values]
    rows: int
    reserved: tuple[str, ...] = ()


def propose(folder: Path) -> tuple[list[Proposal], list[str]]:
    """Read a folder's data files, and return its tables and the files that are left out.

    A file that is empty, or cannot be read, is left out with the reason beside its name. So is a link to a
    file outside of the folder: whoever made the folder may not know what it would show.

    Raises:
        InputError: The folder does not exist, is empty, or has no file of a known format.
        SpecError: No file can be read.
    """
    if not folder.is_dir():
        raise InputError("the folder does not exist", where="FOLDER", value=str(folder))
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not _is_hidden(path, folder)]
    if not files:
        raise InputError("the folder holds no file", where="FOLDER", value=str(folder))
    formats = {path: form for path in files if (form := _format(path)) and not _ABOUT.fullmatch(path.name)}
    skipped = [path.relative_to(folder).as_posix() for path in files if path not in formats]
    if not formats:
        raise InputError(
            "the folder holds no data file of a known format",
            where="FOLDER",
            value=", ".join(skipped[:5]),
            allowed=", ".join(FORMATS),
            fix="save spreadsheets and databases as CSV or Parquet",
        )
    tables: dict[tuple[Any, ...], Proposal] = {}
    errors: list[SpecError] = []
    for path, form in formats.items():
        name = path.relative_to(folder).as_posix()
        if not path.resolve().is_relative_to(folder.resolve()):
            skipped.append(f"{name} ({_OUTSIDE})")
            continue
        try:
            proposal = _read(path, name, form)
        except SpecError as error:
            errors.append(error)
            skipped.append(f"{name} ({error.problem})")
            continue
        kind = (proposal.format, tuple(sorted(proposal.form.items())), tuple(sorted(proposal.columns)))
        if kind in tables:
            _join(tables[kind], proposal)
        else:
            tables[kind] = proposal
    if not tables:
        raise errors[0] if errors else InputError(_OUTSIDE, where="FOLDER", value=skipped[0])
    return _name_tables(list(tables.values())), skipped


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)


def _format(path: Path) -> str | None:
    name = path.name.lower().removesuffix(".gz")
    return next((form for ending, form in FORMATS.items() if name.endswith(ending)), None)


def _read(path: Path, name: str, form: str) -> Proposal:
    """Read one file in the first way that works."""
    reasons: list[Refused] = []
    try:
        head = _bytes(path, _HEAD)
        for attempt, options in _attempts(form, path, head):
            try:
                rows = _parquet(path) if attempt == "parquet" else _rows(path, attempt, options)
                proposal = _table(rows, name, attempt, options, file_sha256(path))
                return _declare_types(proposal, path) if attempt == "parquet" else proposal
            except Refused as error:
                reasons.append(error)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "the gzip file is not complete"
        raise SpecError(f"the file cannot be read ({reason})", where=str(path)) from error
    reply = reasons[0].reply
    where = f"{path}{reply['where']}"
    raise SpecError(f"the file cannot be read: {reply['problem']}", where=where, value=reply.get("value"))


def _attempts(form: str, path: Path, head: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ways to read a file, the likeliest first."""
    if form == "parquet":
        yield form, {}
        return
    encoding = _encoding(path, head)
    if form == "csv":
        yield form, encoding | _delimiter(path, head, encoding)
    elif form == "lines":
        yield form, encoding
    else:
        layouts = [("json", {}), *(("json", {"layout": layout}) for layout in ("keyed", "columns"))]
        rows: list[tuple[str, dict[str, Any]]] = [("jsonl", {})]
        ways = rows + layouts if form == "jsonl" else layouts + rows
        yield from ((attempt, encoding | options) for attempt, options in ways)


def _bytes(path: Path, count: int = -1) -> bytes:
    """Return the first bytes of a file, or all, unpacked where its name ends in .gz."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        return file.read(count)


def _encoding(path: Path, head: bytes) -> dict[str, Any]:
    encoding = looks.of_mark(head) or looks.of_wide_text(head)
    if not encoding:
        content = _bytes(path)
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            encoding = looks.of_broken_utf8(content)
    return {"encoding": encoding} if encoding not in ("", "utf-8", "unknown") else {}


def _delimiter(path: Path, head: bytes, encoding: Mapping[str, Any]) -> dict[str, Any]:
    """Return the delimiter of the header, unless it is a comma."""
    if path.name.lower().removesuffix(".gz").endswith(".tsv"):
        return {"delimiter": "\t"}
    lines = head.decode(encoding.get("encoding", "utf-8-sig"), errors="replace").splitlines()
    header = next((line for line in lines if line.strip()), "")
    delimiter = max(",;\t|", key=header.count)
    return {} if delimiter == "," or not header.count(delimiter) else {"delimiter": delimiter}


def _rows(path: Path, form: str, options: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for _, row in read_rows(TextFile(path, (), options), form):
        yield row


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    from pyarrow import ArrowException, parquet

    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=2000):
                yield from batch.to_pylist()
    except ArrowException as error:
        raise Refused("", f"it is not Parquet ({str(error).splitlines()[0]})") from error


def _declare_types(table: Proposal, path: Path) -> Proposal:
    """Give each column the type in its Parquet file. Leave out types that a card cannot declare."""
    import duckdb
    from pyarrow import parquet

    with duckdb.connect(":memory:") as connection:
        description = connection.execute("DESCRIBE SELECT * FROM read_parquet($path)", {"path": str(path)})
        # In the order of the file: DuckDB renames a column whose name differs from another's in case alone.
        names = parquet.read_schema(path).names
        for name, kind in zip(names, (row[1] for row in description.fetchall()), strict=True):
            if name in table.reserved:
                continue
            try:
                fit_of(connection.sqltype(kind))
            except ValueError:
                table.columns.pop(name, None)
                table.reserved = (*table.reserved, name)
            else:
                table.columns.setdefault(name, Values()).type = kind
    return table


def _table(
    rows: Iterator[Mapping[str, Any]], name: str, form: str, options: dict[str, Any], sha256: str
) -> Proposal:
    columns: dict[str, Values] = {}
    reserved: dict[str, None] = {}
    # SQL ignores case: of two columns that differ in case alone a card can declare neither.
    spellings = dict.fromkeys(RESERVED_COLUMNS, "")
    count = 0
    for row in rows:
        count += 1
        for column, value in row.items():
            first = spellings.setdefault(column.lower(), column)
            if first != column or not column:
                reserved |= dict.fromkeys((*([first] if columns.pop(first, None) else []), column))
                spellings[column.lower()] = ""
            else:
                columns.setdefault(column, Values()).add(value, is_text=form == "csv", column=column)
    if not columns:
        raise Refused("", "it holds no row with a column" if form != "lines" else "it holds no line")
    return Proposal(name, form, options, {name: sha256}, columns, count, tuple(reserved))


def _join(table: Proposal, addition: Proposal) -> None:
    """Add the rows of another file of the same form to a table."""
    table.hashes |= addition.hashes
    table.rows += addition.rows
    for name, values in addition.columns.items():
        merged = table.columns[name]
        merged.texts |= values.texts
        merged.count += values.count
        merged.unique &= values.unique
        merged.hashes |= values.hashes
        merged.plain &= values.plain
        merged.large |= values.large
        if values.type:
            merged.join(values.type, is_text=table.format == "csv")


def _name_tables(tables: list[Proposal]) -> list[Proposal]:
    """Name each table by the stem that all its files have, or by the folder of all of them."""
    names_in_use = set(reserved_words())
    for table in tables:
        paths = [Path(path) for path in table.hashes]
        stems, parents = {path.name.split(".")[0] for path in paths}, {path.parent.name for path in paths}
        stem = next((min(names) for names in (stems, parents) if len(names) == 1), "")
        plain = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")[:36] or "records"
        plain = plain if plain[0].isalpha() else f"t_{plain}"
        name, number = plain, 2
        while name in names_in_use:
            name, number = f"{plain}_{number}", number + 1
        names_in_use.add(name)
        table.name = name
    return tables


@cache
def reserved_words() -> frozenset[str]:
    """Return the words that are reserved in SQL unless they are quoted."""
    import duckdb

    words = "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'"
    with duckdb.connect(":memory:") as connection:
        return frozenset(str(row[0]) for row in connection.execute(words).fetchall())


def _type_of(value: Any) -> str:
    """Return the type that a value of JSON or Parquet has."""
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, int):
        return "BIGINT" if -_BIG <= value < _BIG else "VARCHAR"
    if isinstance(value, float | Number):
        return _double(value)
    if isinstance(value, list):
        return _list_of(value)
    return "JSON" if isinstance(value, dict) else "VARCHAR"


def _list_of(values: list[Any]) -> str:
    part: str | None = None
    for value in values:
        if value is not None:
            part = _widen(part, _type_of(value), is_text=False)
    if part is None:
        return "VARCHAR[]"
    return f"{part}[]" if part in _ORDER else "JSON"


def _type_of_text(value: str) -> str:
    """Return the type of a cell of CSV. The type must give the same text back, so 007 is a text."""
    if value in ("true", "false"):
        return "BOOLEAN"
    if _WHOLE.fullmatch(value) and value != "-0":
        return "BIGINT" if len(value) <= _DIGITS and -_BIG <= int(value) < _BIG else "VARCHAR"
    return _double(value) if _NUMBER.fullmatch(value) else "VARCHAR"


def _double(value: Any) -> str:
    """Return DOUBLE if it can hold the number without loss, else VARCHAR."""
    try:
        scalars.double(value)
    except Misfit:
        return "VARCHAR"
    return "DOUBLE"


def _widen(first: str | None, second: str, *, is_text: bool) -> str:
    """Return the narrowest type that holds the values of two types."""
    if first is None or first == second:
        return second
    if first in _ORDER and second in _ORDER:
        return max(first, second, key=_ORDER.index)
    return "VARCHAR" if is_text else "JSON"
