"""Every example in a docstring runs, and every file that the README shows is valid."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest
import yaml

import evalhub
from evalhub.specs import Suite, parse_rubric

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODULES = [
    one.name
    for one in pkgutil.walk_packages(evalhub.__path__, "evalhub.")
    if not one.name.endswith("__main__")
]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_readme_shows_a_valid_rubric() -> None:
    (text,) = blocks("markdown")
    assert parse_rubric(text, "README.md").id == "brevity"


def test_the_readme_shows_a_valid_suite() -> None:
    together, suite = (yaml.safe_load(text) for text in blocks("yaml"))
    assert Suite.model_validate(suite).suite == "nightly"
    judges = [{"id": name, "rubric": "x", "model": "x"} for name in together["juries"][0]["members"]]
    assert Suite.model_validate({**suite, **together, "judges": judges}).juries[0].id == "panel"
