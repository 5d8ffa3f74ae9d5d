"""The page about suites is true: each of its examples is a valid suite, or a valid part of one."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

import evalhub.engines.table  # noqa: F401  the settings of all engines
from evalhub.judging import PROTOCOLS
from evalhub.specs import Suite
from evalhub.specs.suite import Candidate, Controls, JudgeUse

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "suites.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
NAME = re.compile(r"`([^`]+)`")
COMPLETE: dict[str, Any] = BLOCKS[0]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: "-".join(block))
def test_examples_are_valid(block: dict[str, Any]) -> None:
    suite = Suite.model_validate({**COMPLETE, **block})
    assert suite.suite == "nightly"


def names(header: str) -> set[str]:
    """Return all names in the first column of the table that has this header."""
    table = PAGE[PAGE.index(header) :].split("\n\n")[0]
    return {
        name for cell in re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE) for name in NAME.findall(cell)
    }


@pytest.mark.parametrize(
    ("header", "spec"),
    [
        ("| key | meaning |\n|---|---|\n| `model` |", Candidate),
        ("| key | meaning |\n|---|---|\n| `rubric` |", JudgeUse),
        ("| key | meaning | default |", Controls),
    ],
)
def test_keys_of_tables_exist(header: str, spec: type[BaseModel]) -> None:
    keys = names(header)
    assert keys
    assert keys <= set(spec.model_fields)


@pytest.mark.parametrize("engine", ["vllm", "openai", "anthropic", "systemone` and `decisions"])
def test_settings_of_engines_exist(engine: str) -> None:
    header = f"| key of `{engine}` | meaning |"
    specs = [BaseModel]
    for spec in specs:
        specs += spec.__subclasses__()
    rooms = ("evalhub.engines.", "evalhub.specs.engine")
    settings = {name for spec in specs if spec.__module__.startswith(rooms) for name in spec.model_fields}
    assert names(header)
    assert names(header) <= settings


def test_every_protocol_is_explained() -> None:
    assert names("| `protocol:` | what the judge does") - {"protocol:"} == set(PROTOCOLS)


def test_every_shipped_suite_is_explained() -> None:
    assert names("| suite | what it shows |") == {path.stem for path in (ROOT / "suites").glob("*.yaml")}
