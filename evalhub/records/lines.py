"""Lines of JSON with a checksum, by which a torn or damaged line is noticed."""

from __future__ import annotations

import zlib


def seal_line(body: bytes) -> bytes:
    """Return a JSON object as one line, with its checksum as the first key.

    >>> seal_line(b'{"kind":"items"}')
    b'{"crc":2701038080,"kind":"items"}\\n'
    """
    return b'{"crc":%d,' % zlib.crc32(body) + body[1:] + b"\n"


def open_line(line: bytes) -> bytes | None:
    """Return the JSON object of a line of `seal_line`. None if the line is torn or damaged.

    >>> open_line(seal_line(b'{"kind":"items"}'))
    b'{"kind":"items"}'
    """
    head, comma, tail = line.partition(b",")
    if not (line.endswith(b"\n") and comma and head.startswith(b'{"crc":')):
        return None
    body = b"{" + tail[:-1]
    return body if head[7:] == b"%d" % zlib.crc32(body) else None
