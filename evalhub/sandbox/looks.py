"""Guesses about a file that is not what its card says. Each guess leads to a line to add to the card."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Collection, Iterable, Sequence

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8"),
)
_CONTAINERS = (
    (b"PK\x03\x04", "a ZIP archive, such as a workbook of a spreadsheet: save it as CSV"),
    (b"\xd0\xcf\x11\xe0", "a workbook of an old spreadsheet: save it as CSV"),
    (b"PAR1", "Parquet: write `format: parquet`"),
    (b"\x1f\x8b", "packed by gzip: let its name end in .gz"),
)
_DELIMITERS = {";": "semicolons", "\t": "tabs", ",": "commas", "|": "bars"}
_TITLES = 20
_LONGEST_RUN = 3  # letters with accents in a row, in the languages of Western Europe

_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]+")


def of_mark(head: bytes) -> str:
    """Return the encoding that a file's first bytes name (a byte order mark), or an empty text."""
    return next((name for mark, name in _MARKS if head.startswith(mark)), "")


def of_container(head: bytes) -> str:
    """Return what a file without text is, by its first bytes, or an empty text."""
    return next((name for magic, name in _CONTAINERS if head.startswith(magic)), "")


def of_wide_text(head: bytes) -> str:
    """Return the UTF-16 encoding that a file without a byte order mark seems to have, or an empty text.

    In such a file many of the bytes at even places, or at odd places, are 0.

    >>> of_wide_text("id;text".encode("utf-16-be"))
    'utf-16-be'
    """
    even, odd = head[0::2], head[1::2]
    zeros = even.count(0), odd.count(0)
    if not any(zeros) or min(zeros) * 4 > max(zeros):
        return ""
    little = zeros[1] > zeros[0]
    other, half = (even, odd) if little else (odd, even)
    ends = sum(half[place] == 0 for place, byte in enumerate(other[: len(half)]) if byte == ord("\n"))
    if max(zeros) * 4 <= len(head) and not ends:
        return ""
    return "utf-16-le" if little else "utf-16-be"


def of_broken_utf8(content: bytes) -> str:
    """Return the encoding that bytes seem to have which are not valid UTF-8.

    "cp1252" for Western text, "unknown" for another encoding, and empty for UTF-8 with some damaged bytes.

    >>> of_broken_utf8("Grüße für Ödön".encode("cp1252"))
    'cp1252'
    >>> of_broken_utf8("Fön für".encode() + b"\\xff")
    ''
    """
    broken_bytes = sum(map(len, _HIGH.findall(_SEQUENCE.sub(b" ", content))))
    valid_bytes = sum(map(len, _SEQUENCE.findall(content)))
    if broken_bytes <= valid_bytes:
        return ""
    runs = _HIGH.findall(content)
    western_runs = sum(len(run) == 1 or run.decode("cp1252", "replace").isalpha() for run in runs)
    has_short_runs = all(len(run) <= _LONGEST_RUN for run in runs) and b"\0" not in content
    return "cp1252" if has_short_runs and western_runs * 2 > len(runs) else "unknown"


def of_delimiter(line: str, columns: Collection[str], delimiter: str) -> str:
    """Return the delimiter that a header seems to have in place of the card's, or an empty text."""
    names = set(_split(line, delimiter))
    for other in _DELIMITERS:
        other_names = _split(line, other)
        fits_better = len(other_names) > len(names) and not set(columns).isdisjoint(other_names)
        if other != delimiter and fits_better and names.isdisjoint(columns):
            return other
    return ""


def of_header(lines: Iterable[str], columns: Collection[str], delimiter: str) -> tuple[int, str] | None:
    """Return the number of lines above the header, and its delimiter. None where no line is the header."""
    for number, line in zip(range(_TITLES), lines, strict=False):
        for candidate in (delimiter, *_DELIMITERS):
            if set(columns) <= set(_split(line, candidate)):
                return number, candidate
    return None


def delimiter_name(delimiter: str) -> str:
    """Return the name of a delimiter.

    >>> delimiter_name(";")
    'semicolons'
    """
    return _DELIMITERS.get(delimiter, repr(delimiter))


def as_yaml(delimiter: str) -> str:
    """Return the line of a card that names a delimiter."""
    return 'delimiter: "\\t"' if delimiter == "\t" else f'delimiter: "{delimiter}"'


def _split(line: str, delimiter: str) -> Sequence[str]:
    try:
        return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [])
    except csv.Error:
        return []
