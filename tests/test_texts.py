"""Which texts show nothing."""

import pytest

from evalhub.texts import is_blank, without_blanks

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
