"""What `datasets check` prints: at most ten values of a column, and where in a SELECT an error lies."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CARD = """\
id: many
version: 1
title: Many values
licence: none
source: written for this test
files:
  t:
    path: t.jsonl
    sha256: {sha256}
    format: jsonl
    columns: {{id: INTEGER, tag: VARCHAR, mark: DOUBLE}}
criteria: {{quality: {{kind: pointwise, range: [0, 100]}}}}
items: |
  SELECT id AS item_id, 'Say ' || id AS prompt,
    [tag] AS tags
  FROM t{end}
responses: SELECT id AS item_id, 'm' || id % 3 AS system, 'x' AS text FROM t
labels: |
  SELECT id AS item_id, 'm' || id % 3 AS system, 'quality' AS criterion, 'human' AS annotator_kind,
    mark AS value
  FROM t
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")

    def write_card(tags: int, end: str = "") -> None:
        rows = [{"id": n, "tag": f"t{n * n % tags:02}", "mark": n / 4} for n in range(60)]
        data = "".join(json.dumps(row) + "\n" for row in rows).encode()
        folder = tmp_path / "datasets" / "samples" / "many"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "t.jsonl").write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        (tmp_path / "datasets" / "many.yaml").write_text(CARD.format(sha256=sha256, end=end))

    return write_card


def field(out: str, name: str) -> str:
    return next(line for line in out.splitlines() if line.startswith(name)).removeprefix(name).strip()


def test_at_most_ten_values_of_a_column(cli: Callable[..., Any], write: Callable[..., None]) -> None:
    write(tags=31)
    output = cli("datasets", "check", "many")
    assert output.code == 0, output.err
    tags = field(output.out, "tags").split(", ")
    assert len(tags) == 11
    assert tags[-1] == "and 6 more"
    assert field(output.out, "outcomes").count(",") == 10
    assert field(output.out, "outcomes").endswith("and 50 more")
    assert field(output.out, "responses") == "m0 20, m1 20, m2 20"


def test_json_has_all_values(cli: Callable[..., Any], write: Callable[..., None]) -> None:
    write(tags=31)
    (row,) = json.loads(cli("datasets", "check", "many", "--json").out)
    assert len(row["tags"]) == 16
    assert len(row["outcomes"]["quality"]) == 60


def test_ten_values_are_not_cut(cli: Callable[..., Any], write: Callable[..., None]) -> None:
    write(tags=17)
    assert field(cli("datasets", "check", "many").out, "tags").count(",") == 8


@pytest.mark.parametrize(
    ("end", "line", "word"),
    [
        (" WHERE makr > 3", "LINE 3: FROM t WHERE makr > 3", "makr"),
        ("\n  WHERE nosuch(mark) > 3", "LINE 4: WHERE nosuch(mark) > 3", "nosuch"),
        ("\n  ORDER BY )", "LINE 4: ORDER BY )", ")"),
    ],
)
def test_an_sql_error_keeps_its_line_and_caret(
    cli: Callable[..., Any], write: Callable[..., None], end: str, line: str, word: str
) -> None:
    write(tags=3, end=end)
    output = cli("datasets", "check", "many")
    assert output.code == 2
    sentence, shown, caret = output.err.rstrip("\n").splitlines()
    assert sentence.startswith("evalhub: ")
    assert "many.yaml:items: the SELECT" in sentence
    assert shown == line
    assert caret.index("^") == line.index(word)
