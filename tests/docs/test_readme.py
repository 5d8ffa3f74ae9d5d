"""The README shows what a report prints."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def shape(lines: list[str]) -> list[list[str]]:
    """Return the words of table lines without their numbers."""
    return [re.findall(r"[^\W\d][\w'-]*", line) for line in lines]


def test_the_sample_has_the_lines_of_a_real_report(
    cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = yaml.safe_load((ROOT / "suites" / "quickstart.yaml").read_text(encoding="utf-8"))
    for model in suite["candidates"]:
        model.update(engine="scripted", families=["smollm"])
    for model in suite["judges"]:
        model.update(engine="scripted", families=["qwen"])
    (tmp_path / "quickstart.yaml").write_text(yaml.safe_dump(suite), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    printed = cli("run", "quickstart.yaml").out.splitlines()
    (block,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    sample = block.splitlines()
    start = printed.index(sample[0])
    assert shape(sample) == shape(printed[start : start + len(sample)])
