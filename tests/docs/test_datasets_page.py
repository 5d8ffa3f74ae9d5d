"""The page about verdicts that lie in a folder is true: its card loads, and its commands run in its order."""

import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from evalhub.sources import load
from evalhub.specs import load_card

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


def test_the_page_runs_from_top_to_bottom(
    cli: Callable[..., Any], steps: Callable[[str], Iterator[tuple[str, str]]]
) -> None:
    ran, hashes = [], ""
    for kind, text in steps("datasets.md"):
        if kind != "$":
            Path(kind).parent.mkdir(parents=True, exist_ok=True)
            Path(kind).write_text(text)
        elif text.startswith("evalhub "):
            said = cli(*shlex.split(text)[1:])
            assert said.code == 0, f"{text}\n{said.err}"
            assert said.out, text
            ran.append(text)
        else:
            hashes += subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=True).stdout
    assert ran == [
        "evalhub datasets check ours",
        "evalhub run ours",
        "evalhub meta ours",
        "evalhub datasets check forms",
    ]
    card = Path("datasets/ours.yaml").read_text()
    found = dict(line.strip().split(": ") for line in hashes.splitlines())
    assert len(found) == 4
    assert all(sha256 in card for sha256 in found.values())
    verdicts = [line for line in hashes.splitlines() if "verdicts/" in line]
    assert "\n".join(verdicts) in card


def test_both_orders_of_a_pair_are_held_together(steps: Callable[[str], Iterator[tuple[str, str]]]) -> None:
    for kind, text in steps("datasets.md"):
        if kind != "$":
            Path(kind).parent.mkdir(parents=True, exist_ok=True)
            Path(kind).write_text(text)
    asked = load(*load_card("ours")).judgments
    assert [
        (one.item_id, one.system_b, str(one.shown), str(one.winner or one.failure)) for one in asked
    ] == [
        ("1", "new", "ab", "tie"), ("1", "new", "ba", "b"), ("1", "old", "ab", "a"), ("1", "old", "ba", "a"),
        ("2", "new", "ab", "b"), ("2", "new", "ba", "b"), ("2", "old", "ab", "a"), ("2", "old", "ba", "b"),
        ("3", "new", "ab", "b"), ("3", "new", "ba", "parse"),
    ]  # fmt: skip


def test_files_of_every_form_are_read_as_the_page_says(
    steps: Callable[[str], Iterator[tuple[str, str]]],
) -> None:
    for kind, text in steps("datasets.md"):
        if kind != "$":
            Path(kind).parent.mkdir(parents=True, exist_ok=True)
            Path(kind).write_text(text)
    data = load(*load_card("forms"))
    assert [(item.turns, item.refs, item.tags) for item in data.items] == [
        (("Name a planet with rings.",), (("Saturn", "Uranus"),), ("space", "grade 5")),
        (("What do bees make?",), (("Honey",),), ("food", "grade 3")),
    ]
    assert [(answer.item_id, answer.system, answer.text) for answer in data.responses] == [
        ("q1", "north", "Saturn, of course"),
        ("q1", "south", "Mars"),
        ("q2", "north", "Honey"),
        ("q2", "south", ""),
    ]
    assert [label.value for label in data.labels] == [4.5, 3.0]
    assert data.warnings == ()


def test_the_page_is_linked() -> None:
    assert "(datasets.md)" in (DOCS / "judges.md").read_text(encoding="utf-8")
