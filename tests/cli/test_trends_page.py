"""Where the page of trends cannot be written."""

from typing import Any


def test_a_folder_is_no_page(desk: Any, cli: Any) -> None:
    desk.run()
    refused = cli("trends", "s", "--out", ".")
    assert refused.code == 2
    assert refused.sentence == "--out: the page is a file, and this is a folder, got '.'."
