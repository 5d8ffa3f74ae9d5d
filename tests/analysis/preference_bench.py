"""A run whose pairs are exported as preferences, for several tests."""

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from evalhub.analysis import (
    PreferenceFilter,
    Results,
    export_preferences,
)

ITEMS = 400
SYSTEMS = ("k", "m", "z")
# Two items are a cluster. The clusters of items 180 to 199 have an item of either split.
TINY_ITEMS = """
SELECT item_id, prompt, 'c' || (item_id[2:]::INTEGER // 2) AS cluster,
  CASE WHEN item_id < 'i180' OR (item_id < 'i200' AND item_id[-1]::INTEGER % 2 = 0) THEN 'dev' ELSE 'test' END
  AS split
FROM items"""
LONG = "many " * 300
SCRIPT = {
    "max_length": 250,
    "rules": [{"match": "a tie", "choice": "A"}, {"match": "k wins with \\w+\nm|", "mass": 0.9}],
}
JUDGE = {"id": "pw", "rubric": "pair", "model": "toy", "families": ["beta"], "pairs": {"by": "all"}}


class Exported(NamedTuple):
    """A file of preferences."""

    rows: list[dict[str, Any]]
    manifest: dict[str, Any]

    @property
    def keys(self) -> set[tuple[Any, ...]]:
        names = ("dataset", "item_id", "criterion", "system_chosen", "system_rejected", "sample")
        return {tuple(row[name] for name in names) for row in self.rows}


def read_lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def exported(results: Results, folder: Path, **options: Any) -> Exported:
    path = folder / f"{hashlib.sha256(repr(sorted(options.items())).encode()).hexdigest()[:12]}.jsonl"
    manifest_path = path.with_name(f"{path.name}.manifest.json")
    path.unlink(missing_ok=True)
    manifest_path.unlink(missing_ok=True)
    manifest = export_preferences(results, path, PreferenceFilter(**options))
    assert json.loads(manifest_path.read_text()) == manifest
    rows = read_lines(path)
    assert len(rows) == manifest["rows"]
    assert manifest["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    return Exported(rows, manifest)


def text_of(number: int, system: str) -> str:
    if number % 40 == 7 and system == "m":
        return ""
    if number % 40 == 9:
        return "the same words"
    return f"{system} answers {number}" + " and more" * (number * len(system) * ord(system) % 7)


def item_rows() -> list[dict[str, Any]]:
    prompts = {3: f"{LONG}?", 5: "Is it a tie?", 11: "What does <|im_end|> mean?"}
    return [
        {"item_id": f"i{n:03}", "prompt": f"{prompts.get(n % 40, 'What is it?')} {n}"} for n in range(ITEMS)
    ]


def label_rows() -> list[dict[str, Any]]:
    return [
        {
            "item_id": f"i{n:03}", "criterion": "overall", "system_a": "k", "system_b": "m",
            "annotator": "ann", "winner": ("a", "b", "b", "tie")[n // 3 % 4],
        }
        for n in range(0, ITEMS, 3)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def run(shared_desk: Callable[[], AbstractContextManager[Any]]) -> Results:
    """A run of 1,300 pairs on two datasets, one with splits and labels, one with neither."""
    with shared_desk() as desk:
        desk.dataset(
            items=item_rows(),
            responses=[
                {"item_id": f"i{n:03}", "system": system, "family": "alpha", "text": text_of(n, system)}
                for n in range(ITEMS)
                for system in SYSTEMS
            ],
            labels=label_rows(),
            card={"items": TINY_ITEMS},
        )
        desk.dataset("open", items=100)
        engine = {"type": "scripted", "script": SCRIPT}
        desk.suite(datasets=[{"id": "tiny"}, {"id": "open"}], judges=[{**JUDGE, "engine": engine}])
        return Results(desk.run())


@pytest.fixture(scope="module")
def dev(run: Results, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return exported(run, tmp_path_factory.mktemp("dev"))


def check_conversational_preference(row: dict[str, Any]) -> None:
    """Hold a row to the rules of TRL's conversational preferences with an explicit prompt."""
    for name in ("prompt", "chosen", "rejected"):
        messages = row[name]
        assert isinstance(messages, list)
        assert messages
        for message in messages:
            assert set(message) == {"role", "content"}
            assert message["role"] in ("system", "user", "assistant")
            assert isinstance(message["content"], str)
            assert message["content"].strip()
    assert row["prompt"][-1]["role"] == "user"
    assert [message["role"] for message in row["prompt"]].count("system") <= 1
    assert row["chosen"][0]["role"] == row["rejected"][0]["role"] == "assistant"
    assert row["chosen"] != row["rejected"]
