"""The page about judges is true: its files are valid, and its commands run in its order."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "judges.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
FILE = re.compile(r"`((?:judges|suites)/[\w./-]+)`(?!.*`(?:judges|suites)/)", re.DOTALL)


def steps() -> list[tuple[str, str]]:
    """Return the files that the page shows (path, text) and its commands ("$", line), in its order."""
    found, end = [], 0
    for block in BLOCK.finditer(PAGE):
        before, end = PAGE[end : block.start()], block.end()
        if block[1] == "sh":
            lines = (line.split("  #")[0].strip() for line in block[2].splitlines())
            found += [("$", line) for line in lines if line.startswith("evalhub ")]
        else:
            named = FILE.search(before)
            assert named, f"no file is named before:\n{block[2]}"
            found.append((named[1], block[2]))
    return found


def without_a_model(command: str) -> list[str]:
    """Return a command's words with the engine that needs no model, as the page says."""
    words = shlex.split(command)[1:]
    scripted = words[:2] in (["judges", "test"], ["judges", "attack"])
    return [*words, "--engine", "scripted"] if scripted else words


def test_the_page_runs_from_top_to_bottom(
    cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("EVALHUB_MIRROR", "EVALHUB_PATH", "EVALHUB_RUNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EVALHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    ran = []
    for kind, text in steps():
        if kind != "$":
            Path(kind).parent.mkdir(exist_ok=True)
            Path(kind).write_text(re.sub(r"(model: [^,}]+)", r"\1, engine: scripted, families: [none]", text))
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
        "judges attack", "meta", "run", "judges export",
    ]  # fmt: skip
    assert Path("concise.jsonl").read_text()
    assert Path("concise.manifest.json").is_file()


def test_the_page_is_linked() -> None:
    assert "(docs/judges.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
