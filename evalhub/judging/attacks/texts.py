"""The attacks and the controls that a judge is tested with, as `texts.toml` lists them."""

from __future__ import annotations

import tomllib
from pathlib import Path

from evalhub.judging.attacks.insertions import Attack, Control

_FILE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def _with_papers(kind: str) -> list[dict[str, str]]:
    return [{**entry, "source": _FILE["papers"][entry["source"]]} for entry in _FILE[kind]]


ATTACKS = tuple(Attack(**entry) for entry in _with_papers("attacks"))
CONTROLS = tuple(Control(**entry) for entry in _with_papers("controls"))
