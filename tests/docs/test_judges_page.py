"""The page about judges is true: its files are valid, and its commands run in its order."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sharing import share_tables

ROOT = Path(__file__).resolve().parent.parent.parent


def without_a_model(command: str) -> list[str]:
    """Return a command's words with the engine that needs no model, as the page says."""
    words = shlex.split(command)[1:]
    scripted = words[:2] in (["judges", "test"], ["judges", "attack"], ["judges", "noise"])
    return [*words, "--engine", "scripted"] if scripted else words


def test_the_page_runs_from_top_to_bottom(
    cli: Callable[..., Any],
    steps: Callable[[str], Iterator[tuple[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    share_tables(monkeypatch)
    ran = []
    for kind, text in steps("judges.md"):
        if kind != "$":
            Path(kind).parent.mkdir(exist_ok=True)
            Path(kind).write_text(re.sub(r"(model: [^,}]+)", r"\1, engine: scripted, families: [none]", text))
            continue
        if not text.startswith("evalhub "):
            continue
        words = without_a_model(text)
        if words[0] == "models":  # would fetch
            continue
        said = cli(*words)
        allowed = {0, 1} if words[:2] == ["judges", "test"] else {0}
        assert said.code in allowed, f"{text}\n{said.err}"
        assert said.out, text
        ran.append(" ".join(words[:2] if words[0] == "judges" else words[:1]))
    assert ran == [
        "judges new", "judges check", "judges preview", "judges test", "plan", "run", "report",
        "judges attack", "judges noise", "meta", "run", "judges export", "export",
    ]  # fmt: skip
    assert cli("judges", "check", "polite").code == 0
    assert Path("concise.jsonl").read_text()
    assert Path("concise.manifest.json").is_file()
    assert Path("pairs.jsonl").read_text()
    assert Path("pairs.jsonl.manifest.json").is_file()


def test_the_page_is_linked() -> None:
    assert "(docs/judges.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
