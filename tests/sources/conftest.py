"""A dataset of two items, two systems and a handful of verdicts, written anew with what a test changes."""

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from evalhub.sandbox import child
from evalhub.sources import Dataset, Limits, load, query
from evalhub.specs import load_card


@pytest.fixture(autouse=True)
def _is_about_the_reading(_cards_are_read_anew: None) -> None:
    pass


FILES = {
    "q.jsonl": '{"id": 1, "prompt": "One?"}\n{"id": 2, "prompt": "Two?"}\n',
    "r.jsonl": "".join(
        json.dumps({"id": item, "system": system, "text": f"{system} on {item}"}) + "\n"
        for item in (1, 2)
        for system in ("m", "k")
    ),
}

CARD: dict[str, Any] = {
    "id": "mini",
    "version": 1,
    "title": "Two items",
    "licence": "none",
    "source": "written for this test",
    "files": {
        "q": {"path": "q.jsonl", "format": "jsonl", "columns": {"id": "INTEGER", "prompt": "VARCHAR"}},
        "r": {
            "path": "r.jsonl",
            "format": "jsonl",
            "columns": {"id": "INTEGER", "system": "VARCHAR", "text": "VARCHAR"},
        },
    },
    "criteria": {
        "overall": {"kind": "pairwise", "levels": ["a", "tie", "b"]},
        "strict": {"kind": "pairwise", "levels": ["a", "b"]},
        "fluency": {"kind": "pointwise", "levels": {1: "poor", 2: "fair", 3: "good"}},
        "mean": {"kind": "pointwise", "levels": {1: "poor", 2: "fair", 3: "good"}, "raters": 3},
        "share": {"kind": "pointwise", "range": [0, 1]},
        "passes": {"kind": "pointwise", "levels": {"no": "fails", "yes": "passes"}},
    },
    "items": "SELECT id AS item_id, prompt FROM q",
    "responses": "SELECT id AS item_id, system, text FROM r",
}


class Mini:
    """Writes the dataset into a folder. Keys of the card are replaced by name, None removes one."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "datasets" / "mini.yaml"
        self.data = folder / "datasets" / "samples" / "mini"

    def write(self, contents: dict[str, str | bytes] | None = None, **changes: Any) -> Path:
        """Write the card and its files beside it."""
        card = copy.deepcopy(CARD) | changes
        card = {key: value for key, value in card.items() if value is not None}
        files = FILES | (contents or {})
        for spec in card["files"].values():
            for path in (spec["path"],) if "path" in spec else tuple(spec["paths"]):
                content = files[path]
                raw = content if isinstance(content, bytes) else content.encode()
                (self.data / path).parent.mkdir(parents=True, exist_ok=True)
                (self.data / path).write_bytes(raw)
                sha256 = hashlib.sha256(raw).hexdigest()
                if "path" in spec:
                    spec.setdefault("sha256", sha256)
                else:
                    spec["paths"][path] = spec["paths"][path] or sha256
        self.path.write_text(yaml.safe_dump(card, sort_keys=False))
        return self.path

    def load(self, contents: dict[str, str | bytes] | None = None, **changes: Any) -> Dataset:
        """Write the dataset and load it."""
        return load(*load_card(str(self.write(contents, **changes))))


@pytest.fixture
def mini(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mini:
    monkeypatch.delenv("EVALHUB_MIRROR", raising=False)
    monkeypatch.setenv("EVALHUB_CACHE", str(tmp_path / "cache"))
    return Mini(tmp_path)


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the child's work in this process, as JSON in and out. For what is checked after the SELECTs."""

    def ask(job: dict[str, Any], card_path: Path, limits: Limits) -> Any:
        try:
            return json.loads(json.dumps(child.work(json.loads(json.dumps(job)))))
        except child.Refused as error:
            raise query._error(json.loads(json.dumps(error.reply)), card_path) from error

    monkeypatch.setattr(query, "_ask", ask)


@pytest.fixture
def table(mini: Mini) -> Callable[..., Dataset]:
    """Load the dataset with one more table `t`, read as the format says, whose rows become the items."""

    def load_table(
        name: str, content: str | bytes, form: str, columns: dict[str, str], **options: Any
    ) -> Dataset:
        spec = {"path": name, "format": form, "columns": columns}
        if form == "lines":
            del spec["columns"]
        changes = {"items": "SELECT line AS item_id, text AS prompt FROM t"} | options
        return mini.load({name: content}, files={"t": spec}, responses=None, **changes)

    return load_table
