"""The list of datasets survives a broken card, and tells what is there and what is not."""

import json
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import evalhub
from evalhub.errors import IntegrityError, UnknownNameError
from evalhub.sources import State, check, list_datasets, show
from evalhub.specs import available

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


@pytest.fixture
def three(desk: Any) -> Any:
    """A dataset that is whole, one without its files, and one whose card is wrong."""
    desk.dataset("gone")
    (desk.folder / "datasets" / "samples" / "gone" / "items.jsonl").unlink()
    (desk.folder / "datasets" / "broken.yaml").write_text("id: broken\nfiels: {}\n")
    return desk


@pytest.mark.parametrize("verb", ["check", "fetch"])
def test_each_dataset_has_its_line(three: Any, cli: Any, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", offline)
    said = cli("datasets", verb)
    lines = {line.partition(": ")[0]: line.partition(": ")[2] for line in said.out.splitlines()}
    assert list(lines) == sorted(available("datasets"))
    assert lines["tiny"] == ("ready, 4 items, 8 responses" if verb == "check" else "ready")
    assert lines["gone"].startswith("absent, ")
    assert "items.jsonl" in lines["gone"]
    assert lines["broken"].startswith("broken, ")
    assert "fiels" in lines["broken"]
    assert said.code == 2
    assert "gone (absent)" in said.sentence
    assert "broken (broken)" in said.sentence
    rows = {row["id"]: row for row in json.loads(cli("datasets", verb, "--json").out)}
    assert [rows[name]["state"] for name in ("tiny", "gone", "broken")] == ["ready", "absent", "broken"]


def test_named_datasets_are_all_checked(three: Any, cli: Any) -> None:
    said = cli("datasets", "check", "tinny", "gone", "tiny")
    assert said.code == 2
    assert "2 of 3 datasets" in said.sentence
    assert "did you mean 'tiny'?" in said.out
    assert "ready" in said.out
    alone = cli("datasets", "check", "gone", "tiny")
    assert alone.code == 2
    assert alone.sentence.endswith("run `evalhub datasets fetch gone`.")
    assert cli("datasets", "check", "tiny").code == 0


def offline(*_: Any, **__: Any) -> None:
    raise urllib.error.URLError("offline")


def test_every_shipped_card_can_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    problems = [entry.problem for entry in list_datasets() if entry.state is State.BROKEN]
    assert problems == []


def test_no_card_is_known_to_the_code() -> None:
    code = "\n".join(path.read_text() for path in Path(evalhub.__file__).parent.rglob("*.py"))
    plain = re.sub(r'"""(?s:.*?)"""', "", code)
    ids = {entry.id for entry in list_datasets()} - {"quickstart"}
    assert [name for name in sorted(ids) if re.search(rf"\b{re.escape(name)}\b", plain)] == []
