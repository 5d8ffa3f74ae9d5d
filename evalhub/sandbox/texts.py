"""The lines of a text file, in the encoding of its card, by default UTF-8."""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from evalhub.sandbox import looks
from evalhub.sandbox.refusal import Refused

_REPLACED = "\ufffd"
_HEAD = 1 << 20
_ALL = 1 << 28
_ONE_BYTE = ("cp125", "iso8859", "mac")
_ADD = "to the file in the card"


@dataclass(slots=True)
class DecodedText:
    """One file of text that is read once.

    Attributes:
        path: The file on this disk. It is unpacked if its name ends in `.gz`.
        encoding: The card's `encoding`, or "".
        replaced: Number of broken characters that became U+FFFD.
    """

    path: Path
    encoding: str = ""
    replaced: int = 0

    def lines(self) -> Iterator[str]:
        """Yield the lines with their ends. Only a newline ends a line.

        Raises:
            Refused: The file is not text, or has another encoding.
        """
        encoding = codecs.lookup(self.encoding or "utf-8").name
        with self._open() as file:
            self._refuse_disguises(file.read(_HEAD), encoding)
        lines = self._utf8() if encoding in ("utf-8", "utf-8-sig") else self._decode(encoding)
        first = next(lines, None)
        if first is not None:
            yield first.removeprefix("\ufeff")
            yield from lines

    def _open(self) -> IO[bytes]:
        return gzip.open(self.path, "rb") if self.path.suffix == ".gz" else self.path.open("rb")  # type: ignore[return-value]

    def _refuse_disguises(self, head: bytes, encoding: str) -> None:
        if container := looks.of_container(head):
            raise Refused("", f"the file is not text but {container}")
        mark = looks.of_mark(head)
        if mark and not encoding.startswith(mark):
            fix = "leave `encoding` out of the card" if mark == "utf-8" else f"add `encoding: {mark}` {_ADD}"
            raise Refused("", f"the file is {mark.upper()}, as its first bytes say", fix=fix)
        if not self.encoding and (guess := looks.of_wide_text(head)):
            raise Refused("", f"the file looks like {guess.upper()}", fix=f"add `encoding: {guess}` {_ADD}")
        if encoding.startswith(_ONE_BYTE) and not head.isascii() and _is_utf8(head):
            raise Refused(
                "", f"the file is UTF-8, not {self.encoding}", fix="leave `encoding` out of the card"
            )

    def _utf8(self) -> Iterator[str]:
        """Yield lines of UTF-8. Single broken characters become U+FFFD."""
        with self._open() as file:
            for number, raw in enumerate(file, start=1):
                try:
                    text = raw.decode()
                except UnicodeDecodeError as error:
                    if not self.encoding and not self.replaced:
                        self._refuse_legacy(number, raw, error.start)
                    text = raw.decode("utf-8", "replace")
                    self.replaced += text.count(_REPLACED) - raw.count(_REPLACED.encode())
                yield text

    def _refuse_legacy(self, number: int, raw: bytes, start: int) -> None:
        with self._open() as file:
            guess = looks.of_broken_utf8(file.read(_ALL))
        problem = f"the file is not UTF-8 (byte 0x{raw[start]:02x})"
        if guess == "cp1252":
            excerpt = raw[max(start - 12, 0) : start + 12].decode("cp1252", "replace").strip()
            fix = f"add `encoding: cp1252` {_ADD} if {excerpt!r} reads right"
            raise Refused(f":{number}", f"{problem} and looks like cp1252", fix=fix)
        if guess:
            fix = f"add its encoding {_ADD}, such as `encoding: cp1251` or `encoding: gb18030`"
            raise Refused(
                f":{number}", problem, fix=f"{fix}, or `encoding: utf-8` to read broken bytes as U+FFFD"
            )

    def _decode(self, encoding: str) -> Iterator[str]:
        with self._open() as file, io.TextIOWrapper(file, encoding=encoding, newline="\n") as text:
            try:
                yield from text
            except UnicodeError as error:
                problem = f"the file is not {self.encoding} ({error})"
                raise Refused("", problem, fix="name the encoding that it was saved in") from error


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True
