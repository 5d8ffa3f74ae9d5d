"""One table of a card in DuckDB: the rows of its files, checked against the declared types."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from evalhub.sandbox.expansion import refuse_gzip_bomb, refuse_parquet_bomb
from evalhub.sandbox.fits import KNOWN, fit_of, other_case_of, stored_type
from evalhub.sandbox.formats import PARQUET, read_rows
from evalhub.sandbox.natives import quoted
from evalhub.sandbox.parquet import ParquetFile
from evalhub.sandbox.refusal import Refused, to_one_line, unknown_column
from evalhub.sandbox.rows import TextFile, fit_row, refusal_of, spell_row
from evalhub.sandbox.scalars import Fit
from evalhub.sandbox.spelling import Misfit

_MIN_OBJECT = 16 << 20
_MISFIT = re.compile(r"Invalid Input Error: JSON transform error in file .*?, in line (\d+): (.*)")


@dataclass(slots=True)
class FileTable:
    """A table that is loaded once.

    Attributes:
        connection: DuckDB.
        name, format, columns: As in the card.
        form: The card's `encoding`, `delimiter`, `quote`, `skip` and `layout`.
        files: Each path of the card with the file that holds it.
        folder: The folder for temporary files.
        notes: Remarks about the files for the user.
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
            Refused: A card cannot declare the type of a column, or a file does not hold what the card says.
        """
        self._kinds = {column: self._kind(column, kind) for column, kind in self.columns.items()}
        columns = {"file": "VARCHAR", "line": "BIGINT"} | {
            column: stored_type(kind) for column, kind in self._kinds.items()
        }
        definitions = ", ".join(f"{quoted(column)} {kind}" for column, kind in columns.items())
        self.connection.execute(f"CREATE TABLE {quoted(self.name)} ({definitions})")
        rows_file = self.folder / f"{self.name}.ndjson"
        with rows_file.open("wb") as out:
            self._write(out)
        self._insert(rows_file, columns)
        rows_file.unlink()

    def _kind(self, column: str, kind: str) -> Any:
        where = f"{self.where}.columns.{column}"
        if other := other_case_of(column, self.columns):
            raise Refused(where, "SQL ignores case, and another column has the same name", value=other)
        try:
            duckdb_type = self.connection.sqltype(kind)
            fit_of(duckdb_type)
        except ValueError as error:
            raise Refused(
                where, "a card cannot declare this type", value=str(error), allowed=KNOWN
            ) from error
        except Exception as error:
            raise Refused(where, "unknown type", value=kind, allowed=KNOWN) from error
        return duckdb_type

    def _fits(self, text_columns: set[str]) -> tuple[tuple[str, Fit], ...]:
        """Return each column with its reader. Text columns hold texts that spell JSON."""
        return tuple(
            (column, fit_of(kind, is_text=column in text_columns)) for column, kind in self._kinds.items()
        )

    def _write(self, out: IO[bytes]) -> None:
        """Write the rows of all files as JSON. Parquet rows that can be copied go straight into the table."""
        columns = set[str]()
        for path, location in self.files:
            try:
                write = self._write_parquet if self.format == PARQUET else self._write_text
                columns |= write(out, path, Path(location))
            except Refused as error:
                raise error.inside(f"{self.where}: {path}") from error
            except (EOFError, OSError) as error:
                raise Refused(f"{self.where}: {path}", str(error)) from error
        if not self._count:
            raise Refused(self.where, "the file holds no rows")
        if missing_columns := [
            column for column in self.columns if column not in columns and self.format != "lines"
        ]:
            raise unknown_column(missing_columns[0], columns, f"{self.where}.columns")

    def _write_text(self, out: IO[bytes], path: str, file: Path) -> set[str]:
        """Write the rows of a text file, and return the names of its columns."""
        if file.suffix == ".gz":
            refuse_gzip_bomb(file)
        data = TextFile(file, self.columns, self.form)
        text_columns = set(self.columns) if self.format == "csv" else set[str]()
        fits, changes = self._fits(text_columns), 0
        for number, row in read_rows(data, self.format):
            changes += self._write_row(out, path, number, fit_row(row, fits, data.place), data.place)
        self._note_changes(path, data.text.replaced + changes)
        names = [name for name in self.columns if data.empty.get(name) and self._kinds[name].id == "varchar"]
        if names:
            cells = ", ".join(f"{name} {data.empty[name]}" for name in names)
            self.notes.append(
                f'{path}: empty cells are missing values ({cells}), and an empty text is written ""'
            )
        return data.column_names

    def _note_changes(self, path: str, count: int) -> None:
        if count:
            change = f"{count} characters were not valid text: NUL is left out, others became U+FFFD"
            self.notes.append(f"{path}: {change}")

    def _write_row(self, out: IO[bytes], path: str, number: int, row: dict[str, Any], place: str) -> int:
        try:
            line, changes = spell_row({"file": path, "line": number, **row})
        except Misfit as error:
            raise refusal_of(error, place) from error
        out.write(line)
        self._longest, self._count = max(self._longest, len(line)), self._count + 1
        return changes

    def _write_parquet(self, out: IO[bytes], path: str, file: Path) -> set[str]:
        """Copy or write the rows of a Parquet file, and return the names of its columns."""
        link = self.folder / "plain.parquet"
        link.symlink_to(file)
        try:
            return self._load_parquet(out, path, link)
        except Refused:
            raise
        except Exception as error:
            message = to_one_line(error).replace(str(link), path)
            raise Refused("", f"the file cannot be read ({message})") from error
        finally:
            link.unlink()

    def _load_parquet(self, out: IO[bytes], path: str, link: Path) -> set[str]:
        file = ParquetFile(self.connection, link, self._kinds)
        file.refuse_columns()
        refuse_parquet_bomb(link, file.unpacked_size)
        for column in self.columns:
            if column not in file.types:
                raise unknown_column(column, file.types)
        if file.is_exact() and (count := file.copy(self.name, path)) is not None:
            self._count += count
            return set(file.types)
        fits, changes = self._fits(file.text_columns), 0
        for number, row in file.rows():
            place = f":{number}"
            changes += self._write_row(out, path, number, fit_row(row, fits, place), place)
        self._note_changes(path, changes)
        return set(file.types)

    def _insert(self, rows_file: Path, columns: dict[str, str]) -> None:
        """Insert the written rows. An error names the row that DuckDB refuses."""
        types = ", ".join(f"{_text(column)}: {_text(kind)}" for column, kind in columns.items())
        longest = max(_MIN_OBJECT, self._longest + 1024)
        try:
            self.connection.execute(
                f"INSERT INTO {quoted(self.name)} SELECT * FROM read_json({_text(str(rows_file))}, "
                f"format='newline_delimited', columns={{{types}}}, maximum_object_size={longest})"
            )
        except Exception as error:
            where, message = self.where, to_one_line(error)
            if match := _MISFIT.match(message):
                with rows_file.open(encoding="utf-8") as rows:
                    row = json.loads(next(islice(rows, int(match.group(1)) - 1, None), "{}"))
                where, message = f"{where}: {row.get('file')}:{row.get('line')}", match.group(2)
            raise Refused(where, f"a row does not fit the declared columns ({message})") from error


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
