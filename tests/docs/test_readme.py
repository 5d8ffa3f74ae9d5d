"""The README shows what a report prints."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from evalhub.analysis.findings.finding import Question

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_sample_says_what_a_real_report_says(
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
    assert cli("run", "quickstart.yaml").code == 0
    printed = " ".join(cli("report", "--full").out.split())
    (block,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    questions = [line for line in block.splitlines() if line.endswith("?") and line[0].isupper()]
    assert questions == [question.value for question in Question if question.value in questions]
    # What labels and ROUGE say of recorded answers does not depend on a model.
    by_labels = " ".join(block.partition("May the judge stand in")[0].split())
    sentences = re.findall(r"[✓✗] .*?\.(?= |$)(?! [a-z0-9])", by_labels)
    assert len(sentences) == 3
    for sentence in sentences:
        assert sentence in printed
