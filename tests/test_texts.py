"""Which texts show nothing, and what is shown of texts and numbers."""

import pytest

from evalhub.texts import is_blank, make_printable, number, without_blanks

BLANK = ("", " ", "\t\r\n", "\u00a0", "\u200b", "\ufeff", "\u3000", "\u2028", "\u2060",
         "\u00ad", "\u2800", "\u3164", "\x1f", "\ufe0f")  # fmt: skip
SHOWN = ("-", ".", "0", "n/a", "答", "ا", "\u0301", "👍", "\ufffd", "\u0600")


@pytest.mark.parametrize("text", BLANK)
def test_invisible_characters_alone_are_blank(text: str) -> None:
    assert is_blank(text)
    assert is_blank(f" {text}\u200b")
    assert not is_blank(f"{text}x{text}")


@pytest.mark.parametrize("text", SHOWN)
def test_whatever_shows_something_is_not_blank(text: str) -> None:
    assert not is_blank(text)


def test_blank_texts_are_left_out_in_order() -> None:
    assert without_blanks([*BLANK, *SHOWN, *BLANK]) == SHOWN


@pytest.mark.parametrize(
    ("text", "printable"),
    [
        ("\x1b[31mred\x1b[0m", "\ufffd[31mred\ufffd[0m"),
        ("\x1b]8;;http://evil.example\x07link", "\ufffd]8;;http://evil.example\ufffdlink"),
        ("txt.\u202eexe", "txt.\ufffdexe"),
        ("\u2066a\u2069\u200f", "\ufffda\ufffd\ufffd"),
        ("a\u200bb\x00\x9b", "a\ufffdb\ufffd\ufffd"),
        ("a\ud800", "a\ufffd"),
        ("a\r\nb\tc\u2028d\u00a0e", "a  b c d e"),
        ("[red]loud[/] <b>*x*</b> 答 é 👍", "[red]loud[/] <b>*x*</b> 答 é 👍"),
    ],
)
def test_nothing_in_a_printable_text_steers_a_terminal(text: str, printable: str) -> None:
    assert make_printable(text) == printable


def test_a_printable_text_of_several_lines_keeps_its_lines() -> None:
    assert make_printable("a\n\tb\r\x1b\u202e\u2028", multiline=True) == "a\n\tb \ufffd\ufffd "


@pytest.mark.parametrize(
    ("value", "expected", "without_thousands"),
    [(0.5, "0.500", "0.500"), (-0.25, "-0.250", "-0.250"), (-0.0001, "0.000", "0.000"),
     (1234.5, "1,234.500", "1234.500"), (None, "–", "–")],
)  # fmt: skip
def test_a_number_is_written_as_people_write_it(
    value: float | None, expected: str, without_thousands: str
) -> None:
    assert number(value, 3) == expected
    assert number(value, 3, thousands=False) == without_thousands
