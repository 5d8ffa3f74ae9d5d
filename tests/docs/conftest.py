"""The pages of the documents, as a reader follows them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
FILE = re.compile(r"`((?:datasets|judges|suites)/[\w./-]+)`")

Steps = Callable[[str], Iterator[tuple[str, str]]]


def read_steps(name: str) -> Iterator[tuple[str, str]]:
    """Yield the files that a page shows (path, text) and its commands ("$", line), in its order."""
    page, end = (DOCS / name).read_text(encoding="utf-8"), 0
    for block in BLOCK.finditer(page):
        before, end = page[end : block.start()], block.end()
        if block[1] == "sh":
            yield from (("$", line.split("  #")[0].strip()) for line in block[2].splitlines())
        else:
            named = FILE.findall(before)
            assert named, f"no file is named before:\n{block[2]}"
            yield named[-1], block[2]


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Read a page in an empty folder, with nothing of this machine at hand."""
    for name in ("EVALHUB_MIRROR", "EVALHUB_PATH", "EVALHUB_RUNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EVALHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    return read_steps
