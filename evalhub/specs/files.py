"""The files of a dataset card: their paths, their format and their columns."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from evalhub.specs.base import Spec

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
TableName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
Format = Literal["jsonl", "json", "csv", "parquet", "lines"]

RESERVED_COLUMNS = ("file", "line")
_TEXTS = ("jsonl", "json", "csv", "lines")
_FORMS: Mapping[str, tuple[str, ...]] = {
    "encoding": _TEXTS,
    "delimiter": ("csv",),
    "quote": ("csv",),
    "skip": ("csv",),
    "layout": ("json",),
}
_ESCAPES = ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined")


class FileSpec(Spec):
    """One table of a card: one or several files with the same columns.

    Each table also has the columns `file`, the path, and `line`. That is the line of jsonl and lines, the
    element of json, and the row of csv and parquet, from 1.

    Attributes:
        columns: The DuckDB type of each column. The format lines has the one column `text`.
        encoding: A name that Python knows, by default UTF-8.
        delimiter, quote: The delimiter and the quote of csv. An empty quote means that quotes are text.
        skip: Number of lines above the header of csv.
        layout: The layout of a JSON file that is one object: its keys name rows (`keyed`, with the key as the
            column `key`) or `columns`.
    """

    path: str | None = None
    sha256: Sha256 | None = None
    paths: dict[str, Sha256] | None = None
    format: Format
    columns: dict[str, str] = Field(default_factory=dict)
    url: str | None = None
    encoding: str | None = None
    delimiter: str = ","
    quote: str = '"'
    skip: int = Field(default=0, ge=0)
    layout: Literal["rows", "keyed", "columns"] = "rows"

    @field_validator("encoding")
    @classmethod
    def _is_an_encoding(cls, value: str | None) -> str | None:
        try:
            name = codecs.lookup(value or "utf-8").name
            b"".decode(name)
        except (LookupError, ValueError):
            raise ValueError("not an encoding that Python knows, such as utf-16, cp1252 or gb18030") from None
        if name.replace("-", "_") in _ESCAPES:
            raise ValueError("not an encoding of text files, such as utf-16, cp1252 or gb18030")
        return value

    @model_validator(mode="after")
    def _form_fits_format(self) -> FileSpec:
        for name, formats in _FORMS.items():
            changed = getattr(self, name) != type(self).model_fields[name].default
            if changed and self.format not in formats:
                raise ValueError(f"the key {name} is for the format {' or '.join(formats)}")
        for name in ("delimiter", "quote"):
            mark = getattr(self, name)
            if (len(mark) != 1 and (mark or name == "delimiter")) or mark in ("\r", "\n", "\x00"):
                raise ValueError(f"the {name} is one character" + (", or none" if name == "quote" else ""))
        if self.delimiter == self.quote:
            raise ValueError("the delimiter and the quote are one character")
        return self

    @property
    def form(self) -> dict[str, Any]:
        """How the files are written."""
        return self.model_dump(include=set(_FORMS))

    @model_validator(mode="after")
    def _complete(self) -> FileSpec:
        if (self.path is None) == (self.paths is None):
            raise ValueError("give either path with sha256, or paths")
        if self.path is not None and self.sha256 is None:
            raise ValueError("the key sha256 is required beside path")
        if self.format == "lines" and self.columns:
            raise ValueError("format lines has the one column text: leave columns out")
        if self.format != "lines" and not self.columns:
            raise ValueError("columns are required: nothing is guessed")
        lower = [name.lower() for name in self.columns]
        for name in self.columns:
            if name.lower() in RESERVED_COLUMNS:
                raise ValueError(f"the column name {name!r} is reserved")
            if lower.count(name.lower()) > 1:
                raise ValueError(
                    f"two columns differ from {name!r} in letter case alone, and SQL ignores case"
                )
        for path in self.hashes:
            if Path(path).is_absolute() or ".." in Path(path).parts:
                raise ValueError(f"the path {path!r} leaves the dataset's folder")
        return self

    @property
    def hashes(self) -> dict[str, str]:
        """Each file's path with its sha256."""
        return dict(self.paths) if self.paths else {str(self.path): str(self.sha256)}
