"""The list of datasets survives a broken card, and tells what is there and what is not."""

import re
from pathlib import Path
from typing import Any

import pytest

import evalhub
from evalhub.errors import IntegrityError, UnknownNameError
from evalhub.sources import State, check, list_datasets, show

LABELS = """
SELECT 1 AS item_id, 'overall' AS criterion, 'k' AS system_a, 'm' AS system_b, annotator,
  'human' AS annotator_kind, winner FROM (VALUES ('ann', 'a'), ('bob', 'tie')) t(annotator, winner)
"""
JUDGMENTS = """
SELECT 1 AS item_id, 'overall' AS criterion, 'k' AS system_a, 'm' AS system_b, 'j' AS judge, repeat, winner
FROM (VALUES (0, 'a'), (1, NULL)) t(repeat, winner)
"""
CRITERIA = {"overall": {"kind": "pairwise", "levels": ["a", "tie", "b"], "truth": {"by": "majority"}}}


@pytest.fixture
def here(mini: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    mini.write(labels=LABELS, judgments=JUDGMENTS, criteria=CRITERIA)
    monkeypatch.chdir(tmp_path)
    return mini


def entries() -> dict[str, Any]:
    return {entry.id: entry for entry in list_datasets()}


def test_list(here: Any) -> None:
    (here.path.parent / "broken.yaml").write_text("id: broken\nfiels: {}\n")
    (here.path.parent / "other.yaml").write_text(here.path.read_text())
    found = entries()
    assert found["mini"].state is State.READY
    assert found["mini"].kinds == ("items", "responses", "labels", "judgments")
    assert str(here.path.parent / "broken.yaml") in found["broken"].problem
    assert found["other"].state is State.BROKEN
    assert "the id is not the file's name, got 'mini'; allowed: other" in found["other"].problem
    assert list(found) == sorted(found)
    (here.data / "q.jsonl").unlink()
    assert entries()["mini"].state is State.ABSENT
    assert "q.jsonl" in entries()["mini"].problem


def test_show(here: Any) -> None:
    details = show("mini")
    assert [(file.table, file.path) for file in details.files] == [("q", "q.jsonl"), ("r", "r.jsonl")]
    assert details.files[0].found == here.data / "q.jsonl"
    assert details.card.id == details.entry.id == "mini"
    with pytest.raises(UnknownNameError, match="did you mean 'mini'"):
        show("mimi")


def test_check(here: Any) -> None:
    found = check("mini")
    assert found.counts == {"items": 2, "responses": 4, "labels": 2, "judgments": 2}
    assert (found.turns, found.clusters, found.tags) == ({1: 2}, 2, {})
    assert found.responses == {"k": 2, "m": 2}
    assert found.labels == {"overall": {"human": 2}}
    assert found.outcomes == {"overall": {"a": 1, "tie": 1}}
    assert found.judgments == {"j": {"overall": 2}}
    assert found.failures == {"j": {"parse": 1}}
    assert found.warnings == ("1 items have no label",)


def test_check_refuses_what_load_refuses(here: Any) -> None:
    (here.data / "q.jsonl").write_text("changed")
    with pytest.raises(IntegrityError, match="pins"):
        check("mini")


def test_every_shipped_card_can_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    problems = [entry.problem for entry in list_datasets() if entry.state is State.BROKEN]
    assert problems == []


def test_no_card_is_known_to_the_code() -> None:
    code = "\n".join(path.read_text() for path in Path(evalhub.__file__).parent.rglob("*.py"))
    plain = re.sub(r'"""(?s:.*?)"""', "", code)
    ids = {entry.id for entry in list_datasets()} - {"quickstart"}
    assert [name for name in sorted(ids) if re.search(rf"\b{re.escape(name)}\b", plain)] == []
