"""`evalhub datasets new`: a first card for a folder of files, which loads at once."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from evalhub.sources import Dataset, load
from evalhub.specs import load_card

pytestmark = pytest.mark.usefixtures("near")

Files = dict[str, str | bytes]


@pytest.fixture
def new(desk: Any, cli: Any) -> Callable[[Files], Dataset]:
    """Write files into the folder `mine`, make a card of them, and load it."""

    def make(files: Files) -> Dataset:
        for name, content in files.items():
            path = desk.folder / "mine" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        result = cli("datasets", "new", "mine")
        assert result.code == 0, result.err
        return load(*load_card("mine"))

    return make


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def columns(dataset: Dataset) -> dict[str, str]:
    (table,) = dataset.card.files.values()
    return table.columns


def test_questions_with_answers_are_items_with_references(new: Any) -> None:
    dataset = new(
        {
            "test.jsonl": lines(
                {"id": "a-1", "question": "One?", "answer": 1}, {"id": "b", "question": "Two?", "answer": "2"}
            )
        }
    )
    assert [(item.item_id, item.turns, item.refs) for item in dataset.items] == [
        ("a-1", ("One?",), (("1",),)), ("b", ("Two?",), (("2",),)),
    ]  # fmt: skip
    assert dataset.responses == ()


def test_answers_of_named_systems_are_responses(new: Any) -> None:
    rows = [
        {"qid": n, "instruction": f"{n}?", "model": model, "output": f"{model}{n}"}
        for n in (1, 2)
        for model in "xy"
    ]
    dataset = new({"all.json": json.dumps(rows)})
    assert [(item.item_id, item.turns) for item in dataset.items] == [("1", ("1?",)), ("2", ("2?",))]
    assert [(response.item_id, response.system, response.text) for response in dataset.responses] == [
        ("1", "x", "x1"), ("1", "y", "y1"), ("2", "x", "x2"), ("2", "y", "y2"),
    ]  # fmt: skip


def test_many_files_of_one_form_are_one_table_and_a_file_is_a_system(new: Any) -> None:
    answers = {
        f"answers/{name}.jsonl": lines(*({"question_id": n, "answer": f"{name} {n}"} for n in (7, 8)))
        for name in ("old-1", "new")
    }
    questions = lines({"question_id": 7, "prompt": "Who?"}, {"question_id": 8, "prompt": "Why?"})
    dataset = new({**answers, "questions.jsonl": questions})
    assert set(dataset.card.files["answers"].hashes) == set(answers)
    assert {(response.system, response.item_id): response.text for response in dataset.responses} == {
        ("old-1", "7"): "old-1 7", ("old-1", "8"): "old-1 8", ("new", "7"): "new 7", ("new", "8"): "new 8",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "prompt,n,id\nTwo?,5,007\nÖl?,,8\n".encode()),
        ("a.csv", "prompt;n;id\nTwo?;5;007\nÖl?;;8\n".encode("cp1252")),
        ("a.tsv", "prompt\tn\tid\nTwo?\t5\t007\nÖl?\t\t8\n".encode("utf-16")),
        ("a.csv", "\ufeffprompt,n,id\nTwo?,5,007\nÖl?,,8\n".encode()),
        ("a.jsonl", lines({"prompt": "Two?", "n": 5, "id": "007"}, {"prompt": "Öl?", "id": "8"})),
        ("a.json", json.dumps({"007": {"prompt": "Two?", "n": 5}, "8": {"prompt": "Öl?", "n": None}})),
        ("a.json", json.dumps({"prompt": ["Two?", "Öl?"], "n": [5, None], "id": ["007", "8"]})),
        (
            "a.jsonl",
            json.dumps([{"prompt": "Two?", "n": 5, "id": "007"}, {"prompt": "Öl?", "n": None, "id": "8"}]),
        ),
    ],
)
def test_the_same_rows_in_every_form(new: Any, name: str, content: str | bytes) -> None:
    dataset = new({name: content})
    assert [(item.item_id, item.turns) for item in dataset.items] == [("007", ("Two?",)), ("8", ("Öl?",))]
    assert columns(dataset)["n"] == "BIGINT"


TYPES: dict[str, tuple[str, Any, Any]] = {
    "q": ("VARCHAR", "?", "!"),
    "whole": ("BIGINT", 1, -5),
    "part": ("DOUBLE", 1, 2.5),
    "mixed": ("VARCHAR", 1, "a"),
    "big": ("VARCHAR", 2**80, 3),
    "exact": ("VARCHAR", 0.5, 2**53 + 1),
    "list": ("VARCHAR[]", ["a"], []),
    "numbers": ("DOUBLE[]", [1, 2.5], None),
    "any": ("JSON", {"x": 1}, [1]),
    "both": ("JSON", "x", True),
    "yes": ("BOOLEAN", True, None),
    "none": ("VARCHAR", None, None),
}


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_number_that_no_type_holds_is_a_text(new: Any, name: str) -> None:
    digits = "9" * 6000
    content = f"id,prompt\n1,{digits}\n" if name == "a.csv" else f'{{"id": 1, "prompt": {digits}}}\n'
    dataset = new({name: content})
    assert columns(dataset)["prompt"] == "VARCHAR"
    assert dataset.items[0].turns == (digits,)


def test_types_hold_every_value(new: Any) -> None:
    rows = [{name: values[at] for name, values in TYPES.items()} for at in (1, 2)]
    assert columns(new({"x.jsonl": lines(*rows)})) == {name: values[0] for name, values in TYPES.items()}


def test_parquet_keeps_its_types(new: Any, tmp_path: Path) -> None:
    table = pa.table({"prompt": ["a", "b"], "references": [["x"], ["y", "z"]], "raw": [b"1", b"2"]})
    parquet.write_table(table, tmp_path / "a.parquet")
    dataset = new({"a.parquet": (tmp_path / "a.parquet").read_bytes()})
    assert columns(dataset) == {"prompt": "VARCHAR", "references": "VARCHAR[]"}
    assert [item.refs for item in dataset.items] == [(("x",),), (("y", "z"),)]


@pytest.mark.parametrize("content", ["order,file\nx,y\n", "a b,group\nx,y\n", '"a,""b""",c\nx,y\n', "n\n1\n"])
def test_any_row_can_be_an_item(new: Any, content: str) -> None:
    dataset = new({"x.csv": content})
    assert [item.item_id for item in dataset.items] == ["1"]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_columns_that_differ_in_case_alone_are_left_out(new: Any, tmp_path: Path, form: str) -> None:
    rows = [{"id": 1, "mark": 2, "Mark": 3, "prompt": "Who?", "MARK": 4}]
    contents = {"csv": b"id,mark,Mark,prompt,MARK\n1,2,3,Who?,4\n", "jsonl": lines(*rows).encode()}
    if form == "parquet":
        parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
        contents["parquet"] = (tmp_path / "a.parquet").read_bytes()
    dataset = new({f"a.{form}": contents[form]})
    assert set(columns(dataset)) == {"id", "prompt"}


def test_rows_without_a_text_are_no_responses(new: Any) -> None:
    dataset = new({"x.csv": 'id,model,prompt,response\n1,m 1,Hi?,Ja\n1,m2,Hi?,\n1,m3,Hi?,""\n'})
    assert [(response.system, response.text) for response in dataset.responses] == [("m-1", "Ja"), ("m3", "")]


def test_a_line_of_text_is_a_prompt(new: Any) -> None:
    assert [item.turns for item in new({"prompts.txt": "Who?\nWhy?\n"}).items] == [("Who?",), ("Why?",)]


def test_what_is_no_data_is_left_out_and_said(desk: Any, cli: Any) -> None:
    folder = desk.folder / "mine"
    (folder / ".git").mkdir(parents=True)
    for name in ("README.md", "notes.docx", ".git/config", "LICENSE.txt"):
        (folder / name).write_text("x")
    (folder / "a.csv").write_text("prompt\nWho?\n")
    result = cli("datasets", "new", "mine", "--id", "other", "--json")
    answer, _ = json.JSONDecoder().raw_decode(result.out)
    assert answer["card"] == "datasets/other.yaml"
    assert answer["skipped"] == ["LICENSE.txt", "README.md", "notes.docx"]


def test_a_link_to_a_file_outside_of_the_folder_shows_nothing(desk: Any, cli: Any) -> None:
    """Row 16: a folder of somebody else shows no file of the one who reads it."""
    secret, folder = desk.folder / "secret.txt", desk.folder / "theirs"
    secret.write_text("the password\n")
    folder.mkdir()
    (folder / "link.txt").symlink_to(secret)
    answer = cli("datasets", "new", "theirs")
    assert answer.code == 2
    assert "link.txt (a link to a file outside of the folder" in answer.sentence
    (folder / "q.jsonl").write_text(lines({"id": 1, "prompt": "What?"}))
    answer = cli("datasets", "new", "theirs", "--json")
    assert answer.code == 0
    (skipped,) = json.loads(answer.out)["skipped"]
    assert skipped.startswith("link.txt (a link to a file outside of the folder")
    assert "link.txt" not in (desk.folder / "datasets" / "theirs.yaml").read_text()


@pytest.mark.parametrize(
    ("files", "arguments", "sentence"),
    [
        ({}, [], "the folder holds no file"),
        ({"a.xlsx": "x"}, [], "no data file of a known format, got 'a.xlsx'"),
        (
            {"a.jsonl": '{"a": 1}\n{"a":\n'},
            [],
            "mine/a.jsonl:2: the file cannot be read: the text is not JSON",
        ),
        ({"a.csv": "a,b\n1\n"}, [], "mine/a.csv:2 (row 1): the file cannot be read: the row has 1 fields"),
        ({"a.csv": ""}, [], "mine/a.csv: the file cannot be read: it holds no row with a column"),
        ({"a.parquet": "no"}, [], "mine/a.parquet: the file cannot be read: it is not Parquet"),
        ({"a.csv": "a\n1\n"}, ["--id", "tiny"], "datasets/tiny.yaml: a card of that name already exists"),
        ({"a.csv": "a\n1\n"}, ["--id", "a b"], "--id: not a valid file name, got 'a b'"),
    ],
)
def test_what_is_refused(desk: Any, cli: Any, files: Files, arguments: list[str], sentence: str) -> None:
    folder = desk.folder / "mine"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(str(content))
    answer = cli("datasets", "new", "mine", *arguments)
    assert answer.code == 2
    assert sentence in answer.sentence
    assert not (desk.folder / "datasets" / "mine.yaml").exists()


def test_nothing_is_written_over(desk: Any, cli: Any, new: Any) -> None:
    new({"a.csv": "prompt\nWho?\n"})
    card = desk.folder / "datasets" / "mine.yaml"
    before = card.read_text()
    assert "a card of that name already exists" in cli("datasets", "new", "mine").sentence
    assert card.read_text() == before
    assert (
        cli("datasets", "new", "elsewhere").sentence == "FOLDER: the folder does not exist, got 'elsewhere'."
    )


def test_turns_are_the_users(new: Any) -> None:
    dataset = new({"a/q.jsonl": lines({"id": 1, "turns": ["Who?", "Why?"], "reference": ["He.", "So."]})})
    assert [(item.turns, item.refs) for item in dataset.items] == [(("Who?", "Why?"), ())]


def test_of_several_values_of_one_item_none_is_picked(desk: Any, cli: Any) -> None:
    rows = [
        {"question_id": "q1", "model": "m1", "turns": ["a", "b"]},
        {"question_id": "q1", "model": "m2", "turns": ["c", "d"]},
    ]
    (desk.folder / "mine").mkdir()
    (desk.folder / "mine" / "x.jsonl").write_text(lines(*rows))
    answer = cli("datasets", "new", "mine")
    assert answer.code == 2
    assert "two items have the same ids" in answer.sentence


NAMES = {
    ("out/gpt-4.1.jsonl", "out/gpt-4.1-mini.jsonl", "out/qwen2.5.jsonl"): (
        "gpt-4.1",
        "gpt-4.1-mini",
        "qwen2.5",
    ),
    ("My Model (v1).jsonl", "other.jsonl"): ("My-Model-v1-", "other"),
    ("a/answers.jsonl", "b.2/answers.jsonl"): ("a", "b.2"),
    ("x/a.jsonl", "x/b.jsonl", "y/a.jsonl"): ("x/a", "x/b", "y/a"),
    ("a.b.jsonl", "a.c.ndjson", "d.jsonl.gz"): ("a.b", "a.c", "d"),
}


@pytest.mark.parametrize("paths", NAMES)
def test_a_file_s_system_has_the_name_that_tells_it_apart(new: Any, paths: tuple[str, ...]) -> None:
    files: Files = {"questions.csv": "id,prompt\n1,Who?\n2,Why?\n"}
    for path, name in zip(paths, NAMES[paths], strict=True):
        content = lines(*({"id": n, "response": f"{name} {n}"} for n in (1, 2)))
        files[path] = gzip.compress(content.encode()) if path.endswith(".gz") else content
    dataset = new(files)
    assert {(response.system, response.item_id): response.text for response in dataset.responses} == {
        (name, str(n)): f"{name} {n}" for name in NAMES[paths] for n in (1, 2)
    }


@pytest.mark.parametrize("names", [("train", "test"), ("part-1", "part-2")])
def test_parts_whose_ids_begin_anew_are_no_systems(new: Any, names: tuple[str, str]) -> None:
    rows = {name: [{"id": n, "question": f"{name} {n}?", "answer": name} for n in (0, 1)] for name in names}
    dataset = new({f"{name}.jsonl": lines(*rows[name]) for name in names})
    assert sorted((item.turns, item.refs) for item in dataset.items) == sorted(
        ((f"{name} {n}?",), ((name,),)) for name in names for n in (0, 1)
    )
    assert dataset.responses == ()


def test_parts_are_no_systems_though_they_ask_nothing(new: Any) -> None:
    dataset = new({f"{name}.csv": "id,answer\n1,a\n2,b\n" for name in ("train", "validation", "test")})
    assert (len(dataset.items), dataset.responses) == (6, ())


BROKEN = {
    "empty.csv": b"",
    "header.csv": b"id,prompt\n",
    "lines.jsonl": b"\n\n",
    "settings.json": b'{"a": 1,}',
    "rows.csv": b"a,b\n1\n",
    "x.parquet": b"none",
    "cut.csv.gz": gzip.compress(b"id,prompt\n1,Who?\n" * 2000)[:-20],
    "no.jsonl.gz": b"{}",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_without_rows_is_left_out_and_said(desk: Any, cli: Any, new: Any, name: str) -> None:
    dataset = new({"a.csv": "id,prompt\n1,Who?\n", name: BROKEN[name]})
    assert [item.turns for item in dataset.items] == [("Who?",)]
    answer, _ = json.JSONDecoder().raw_decode(cli("datasets", "new", "mine", "--id", "other", "--json").out)
    (skipped,) = answer["skipped"]
    assert skipped.startswith(f"{name} (the file cannot be read")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_a_packed_file_is_looked_into(new: Any, encoding: str) -> None:
    dataset = new({"a.csv.gz": gzip.compress("id;prompt\n1;Größe?\n2;a, b\n".encode(encoding))})
    assert [item.turns for item in dataset.items] == [("Größe?",), ("a, b",)]


def test_an_id_of_rows_is_none_of_items(new: Any) -> None:
    rows = [
        {"id": n, "question_id": n // 2, "model": "xy"[n % 2], "prompt": f"{n // 2}?", "answer": f"{n}"}
        for n in range(4)
    ]
    dataset = new({"a.jsonl": lines(*rows)})
    assert [(response.item_id, response.system, response.text) for response in dataset.responses] == [
        ("0", "x", "0"), ("0", "y", "1"), ("1", "x", "2"), ("1", "y", "3"),
    ]  # fmt: skip


@pytest.mark.parametrize("column", ["label", "answer"])
def test_the_winner_of_a_pair_is_no_reference(new: Any, column: str) -> None:
    dataset = new({"x.csv": f"id,prompt,response_a,response_b,{column}\n1,Who?,He,She,a\n2,Why?,So,No,b\n"})
    assert [(item.turns, item.refs) for item in dataset.items] == [(("Who?",), ()), (("Why?",), ())]


def test_why_answers_end_is_kept(new: Any) -> None:
    rows = [
        {"id": n, "model": "m", "output": "x", "finish_reason": end}
        for n, end in enumerate(["stop", "length"])
    ]
    assert [response.finish_reason for response in new({"a.jsonl": lines(*rows)}).responses] == [
        "stop",
        "length",
    ]


def test_references_may_be_lists_or_texts(new: Any) -> None:
    rows = [
        {"id": 1, "q": "a", "references": ["x", "y"]},
        {"id": 2, "q": "b", "references": "z"},
        {"id": 3, "q": "c"},
    ]
    assert [item.refs for item in new({"a.jsonl": lines(*rows)}).items] == [(("x", "y"),), (("z",),), ()]
