"""One table of a card: the rows of its files, held against the declared types, in DuckDB."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from evalhub.sandbox.fits import KNOWN, fit_of, spelled_alike, stored
from evalhub.sandbox.natives import quoted
from evalhub.sandbox.parquet import ParquetFile
from evalhub.sandbox.refusal import Refused, one_line, unknown_column
from evalhub.sandbox.rows import Reader, fit_row, refused, spelled
from evalhub.sandbox.scalars import Fit
from evalhub.sandbox.spelling import Misfit

_MIN_OBJECT = 16 << 20
_MISFIT = re.compile(r"Invalid Input Error: JSON transform error in file .*?, in line (\d+): (.*)")


@dataclass(slots=True)
class Table:
    """A table that is loaded once.

    Attributes:
        connection: DuckDB.
        name, format, columns, form: As the card says; `form` is how its files are written.
        files: Each path of the card with the file that holds it.
        folder: Where what is on its way may lie.
        notes: What is to be told about the files.
    """

    connection: Any
    name: str
    format: str
    columns: dict[str, str]
    form: dict[str, Any]
    files: list[tuple[str, str]]
    folder: Path
    notes: list[str] = field(default_factory=list)
    _kinds: dict[str, Any] = field(default_factory=dict)
    _longest: int = 0
    _count: int = 0

    @property
    def where(self) -> str:
        """The key of the card that declares the table."""
        return f"files.{self.name}"

    def load(self) -> None:
        """Load the rows of all files.

        Raises:
            Refused: A column has no type that a card may declare, or a file is not what the card says.
        """
        self._kinds = {column: self._kind(column, kind) for column, kind in self.columns.items()}
        columns = {"file": "VARCHAR", "line": "BIGINT"} | {
            column: stored(kind) for column, kind in self._kinds.items()
        }
        spelled_columns = ", ".join(f"{quoted(column)} {kind}" for column, kind in columns.items())
        self.connection.execute(f"CREATE TABLE {quoted(self.name)} ({spelled_columns})")
        written = self.folder / f"{self.name}.ndjson"
        with written.open("wb") as out:
            self._write(out)
        self._insert(written, columns)
        written.unlink()

    def _kind(self, column: str, kind: str) -> Any:
        where = f"{self.where}.columns.{column}"
        if other := spelled_alike(column, self.columns):
            raise Refused(where, "SQL ignores case, and another column has this name", value=other)
        try:
            known = self.connection.sqltype(kind)
            fit_of(known)
        except ValueError as error:
            raise Refused(
                where, "a card cannot declare this type", value=str(error), allowed=KNOWN
            ) from error
        except Exception as error:
            raise Refused(where, "there is no such type", value=kind, allowed=KNOWN) from error
        return known

    def _fits(self, written: set[str]) -> tuple[tuple[str, Fit], ...]:
        """Return each column's reader; the values of some are texts that spell JSON."""
        return tuple(
            (column, fit_of(kind, written=column in written)) for column, kind in self._kinds.items()
        )

    def _write(self, out: IO[bytes]) -> None:
        """Write the rows of all files as JSON; what can be copied goes into the table at once."""
        seen = set[str]()
        for path, real in self.files:
            try:
                columns = self._write_parquet if self.format == "parquet" else self._write_text
                seen |= columns(out, path, Path(real))
            except Refused as error:
                raise error.inside(f"{self.where}: {path}") from error
            except (EOFError, OSError) as error:
                raise Refused(f"{self.where}: {path}", str(error)) from error
        if not self._count:
            raise Refused(self.where, "the file holds no rows")
        if absent := [column for column in self.columns if column not in seen and self.format != "lines"]:
            raise unknown_column(absent[0], seen, f"{self.where}.columns")

    def _write_text(self, out: IO[bytes], path: str, real: Path) -> set[str]:
        """Write the rows of a text file, and return the columns that it has."""
        reader = Reader(real, self.format, self.columns, self.form)
        written = set(self.columns) if self.format == "csv" else set[str]()
        fits, cleared = self._fits(written), 0
        for number, row in reader.rows():
            cleared += self._write_row(out, path, number, fit_row(row, fits, reader.place), reader.place)
        self._note_cleared(path, reader.replaced + cleared)
        texts = [
            name for name in self.columns if reader.empty.get(name) and self._kinds[name].id == "varchar"
        ]
        if texts:
            cells = ", ".join(f"{name} {reader.empty[name]}" for name in texts)
            self.notes.append(
                f'{path}: empty cells are missing values ({cells}); an empty text is written ""'
            )
        return reader.seen

    def _note_cleared(self, path: str, count: int) -> None:
        if count:
            what = f"{count} characters were no valid text: NUL is left out, others became U+FFFD"
            self.notes.append(f"{path}: {what}")

    def _write_row(self, out: IO[bytes], path: str, number: int, row: dict[str, Any], place: str) -> int:
        try:
            line, replaced = spelled({"file": path, "line": number, **row})
        except Misfit as error:
            raise refused(error, place) from error
        out.write(line)
        self._longest, self._count = max(self._longest, len(line)), self._count + 1
        return replaced

    def _write_parquet(self, out: IO[bytes], path: str, real: Path) -> set[str]:
        """Copy the rows of a Parquet file, or write them, and return the columns that it has."""
        plain = self.folder / "plain.parquet"
        plain.symlink_to(real)
        try:
            return self._rows_of_parquet(out, path, plain)
        except Refused:
            raise
        except Exception as error:
            message = one_line(error).replace(str(plain), path)
            raise Refused("", f"the file cannot be read ({message})") from error
        finally:
            plain.unlink()

    def _rows_of_parquet(self, out: IO[bytes], path: str, plain: Path) -> set[str]:
        file = ParquetFile(self.connection, plain, self._kinds)
        file.refuse_columns()
        for column in self.columns:
            if column not in file.types:
                raise unknown_column(column, file.types)
        if file.is_exact() and (copied := file.copy(self.name, path)) is not None:
            self._count += copied
            return set(file.types)
        fits, cleared = self._fits(file.written), 0
        for number, row in file.rows():
            place = f":{number}"
            cleared += self._write_row(out, path, number, fit_row(row, fits, place), place)
        self._note_cleared(path, cleared)
        return set(file.types)

    def _insert(self, written: Path, columns: dict[str, str]) -> None:
        """Insert what is written; what DuckDB refuses is traced to its row."""
        spelled_columns = ", ".join(f"{_text(column)}: {_text(kind)}" for column, kind in columns.items())
        longest = max(_MIN_OBJECT, self._longest + 1024)
        try:
            self.connection.execute(
                f"INSERT INTO {quoted(self.name)} SELECT * FROM read_json({_text(str(written))}, "
                f"format='newline_delimited', columns={{{spelled_columns}}}, maximum_object_size={longest})"
            )
        except Exception as error:
            where, message = self.where, one_line(error)
            if match := _MISFIT.match(message):
                with written.open(encoding="utf-8") as rows:
                    row = json.loads(next(islice(rows, int(match.group(1)) - 1, None), "{}"))
                where, message = f"{where}: {row.get('file')}:{row.get('line')}", match.group(2)
            raise Refused(where, f"a row does not fit the declared columns ({message})") from error


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
