"""Texts of strangers on a terminal: nothing in them has an effect."""

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest

from evalhub.cli.output import cell_text, print_fields, print_note, print_rows, print_text
from evalhub.cli.progress import Lines

HOSTILE = "\x1b]0;owned\x07 \x1b[31m \u202e \\[red]loud[/red] [link=http://evil.example]x[/link]"
HARMLESS = "\ufffd]0;owned\ufffd \ufffd[31m \ufffd \\[red]loud[/red] [link=http://evil.example]x[/link]"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        ([], "–"),
        ({}, "–"),
        (True, "yes"),
        (1234, "1234"),
        (0.1234, "0.123"),
        ({"a": 1.0, "b": [2, None]}, "a 1.000, b 2, –"),
        ("one\ntwo", "one\ntwo"),
        ([HOSTILE, HOSTILE], f"{HARMLESS}, {HARMLESS}"),
        ({HOSTILE: HOSTILE}, f"{HARMLESS} {HARMLESS}"),
    ],
)
def test_a_cell_is_printable(value: Any, text: str) -> None:
    assert cell_text(value) == text


@pytest.mark.parametrize(
    "print_it",
    [
        lambda: print_rows([{"title": HOSTILE}], as_json=False),
        lambda: print_fields({"title": HOSTILE}, as_json=False),
    ],
)
def test_a_table_reads_no_markup(print_it: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> None:
    print_it()
    assert HARMLESS in capsys.readouterr().out


def test_a_note_reads_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_note(HOSTILE)
    Lines().note(HOSTILE)
    assert capsys.readouterr().err == f"{HARMLESS}\n{HARMLESS}\n"


def test_a_text_is_exact_for_a_program_and_printable_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    print_text("a\u202eb\n\tc")
    assert capsys.readouterr().out == "a\u202eb\n\tc\n"
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    print_text(f"{HOSTILE}\nc")
    assert f"{HARMLESS}\nc\n" in terminal.getvalue()
