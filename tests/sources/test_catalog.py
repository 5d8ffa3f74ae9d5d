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
from evalhub.sources import SourceState, check, list_datasets, show
from evalhub.specs import available

LABELS = """
SELECT 1 AS item_id, 'overall' AS criterion, 'k' AS system_a, 'm' AS system_b, annotator,
  'human' AS annotator_kind, winner FROM (VALUES ('ann', 'a'), ('bob', 'tie')) t(annotator, winner)
"""
JUDGMENTS = """
SELECT 1 AS item_id, 'overall' AS criterion, 'k' AS system_a, 'm' AS system_b, 'j' AS judge, repeat, winner
FROM (VALUES (0, 'a'), (1, NULL)) t(repeat, winner)
"""
CRITERIA = {"overall": {"kind": "pairwise", "levels": ["a", "tie", "b"], "consensus": {"by": "majority"}}}


@pytest.fixture
def home(mini: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    mini.write(labels=LABELS, judgments=JUDGMENTS, criteria=CRITERIA)
    monkeypatch.chdir(tmp_path)
    return mini


def entries() -> dict[str, Any]:
    return {entry.id: entry for entry in list_datasets()}


def test_list(home: Any) -> None:
    (home.path.parent / "broken.yaml").write_text("id: broken\nfiels: {}\n")
    (home.path.parent / "other.yaml").write_text(home.path.read_text())
    entries_by_id = entries()
    assert entries_by_id["mini"].state is SourceState.READY
    assert entries_by_id["mini"].kinds == ("items", "responses", "labels", "judgments")
    assert str(home.path.parent / "broken.yaml") in entries_by_id["broken"].problem
    assert entries_by_id["other"].state is SourceState.BROKEN
    assert "the id is not the file's name, got 'mini'; allowed: other" in entries_by_id["other"].problem
    assert list(entries_by_id) == sorted(entries_by_id)
    (home.data / "q.jsonl").unlink()
    assert entries()["mini"].state is SourceState.ABSENT
    assert "q.jsonl" in entries()["mini"].problem


def test_show(home: Any) -> None:
    details = show("mini")
    assert [(file.table, file.path) for file in details.files] == [("q", "q.jsonl"), ("r", "r.jsonl")]
    assert details.files[0].location == home.data / "q.jsonl"
    assert details.card.id == details.entry.id == "mini"
    with pytest.raises(UnknownNameError, match="did you mean 'mini'"):
        show("mimi")


def test_check(home: Any) -> None:
    contents = check("mini")
    assert contents.counts == {"items": 2, "responses": 4, "labels": 2, "judgments": 2}
    assert (contents.turns, contents.clusters, contents.tags) == ({1: 2}, 2, {})
    assert contents.responses == {"k": 2, "m": 2}
    assert contents.labels == {"overall": {"human": 2}}
    assert contents.outcomes == {"overall": {"a": 1, "tie": 1}}
    assert contents.judgments == {"j": {"overall": 2}}
    assert contents.failures == {"j": {"parse": 1}}
    assert contents.warnings == ("1 items have no label",)


def test_check_refuses_what_load_refuses(home: Any) -> None:
    (home.data / "q.jsonl").write_text("changed")
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
    result = cli("datasets", verb)
    lines = {line.partition(": ")[0]: line.partition(": ")[2] for line in result.out.splitlines()}
    assert list(lines) == sorted(available("datasets"))
    assert lines["tiny"] == ("ready, 4 items, 8 responses" if verb == "check" else "ready")
    assert lines["gone"].startswith("absent, ")
    assert "items.jsonl" in lines["gone"]
    assert lines["broken"].startswith("broken, ")
    assert "fiels" in lines["broken"]
    assert result.code == 2
    assert "gone (absent)" in result.sentence
    assert "broken (broken)" in result.sentence
    rows = {row["id"]: row for row in json.loads(cli("datasets", verb, "--json").out)}
    assert [rows[name]["state"] for name in ("tiny", "gone", "broken")] == ["ready", "absent", "broken"]


def test_named_datasets_are_all_checked(three: Any, cli: Any) -> None:
    result = cli("datasets", "check", "tinny", "gone", "tiny")
    assert result.code == 2
    assert "2 of 3 datasets" in result.sentence
    assert "did you mean 'tiny'?" in result.out
    assert "ready" in result.out
    result_of_two = cli("datasets", "check", "gone", "tiny")
    assert result_of_two.code == 2
    assert result_of_two.sentence.endswith("run `evalhub datasets fetch gone`.")
    assert cli("datasets", "check", "tiny").code == 0


def offline(*_: Any, **__: Any) -> None:
    raise urllib.error.URLError("offline")


def test_every_shipped_card_can_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    problems = [entry.problem for entry in list_datasets() if entry.state is SourceState.BROKEN]
    assert problems == []


def test_no_card_is_known_to_the_code() -> None:
    code = "\n".join(path.read_text() for path in Path(evalhub.__file__).parent.rglob("*.py"))
    plain = re.sub(r'"""(?s:.*?)"""', "", code)
    ids = {entry.id for entry in list_datasets()} - {"quickstart"}
    assert [name for name in sorted(ids) if re.search(rf"\b{re.escape(name)}\b", plain)] == []
