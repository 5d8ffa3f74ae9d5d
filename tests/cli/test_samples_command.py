"""The verbs samples and sql, and the items of compare, as a user types them."""

import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest


@pytest.fixture(scope="module")
def run(shared_desk: Any) -> Path:
    """The folder of a run of two judges, of which people labelled each pair."""
    labels = [
        {"item_id": f"i{n:03}", "criterion": "overall", "system_a": "k", "system_b": "m",
         "winner": "ab"[n % 2], "annotator": "x"}
        for n in range(6)
    ]  # fmt: skip
    with shared_desk() as desk:
        judge = {"model": "toy-judge", "engine": "scripted", "families": ["beta"]}
        pairs, rates = {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}}, {"id": "pt", "rubric": "rate"}
        desk.dataset(items=6, labels=labels)
        desk.suite(judges=[pairs | judge, rates | judge])
        return Path(desk.run().path)


@pytest.fixture
def on_runs(desk: Any, cli: Any, run: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command line, in a folder of its own, on the folder that holds this run."""
    monkeypatch.setenv("EVALHUB_RUNS", str(run.parent))
    return cli


def listed(on_runs: Any, *options: str) -> dict[str, Any]:
    output = on_runs("samples", *options, "--json")
    assert output.code == 0, output.err
    data: dict[str, Any] = json.loads(output.out)
    return data


def test_samples_lists_all_verdicts(on_runs: Any) -> None:
    output = on_runs("samples", "--size", "5")
    assert output.code == 0
    assert "18 verdicts, page 1 of 4" in output.err
    assert len([line for line in output.out.splitlines() if line.startswith("i00")]) == 5
    data = listed(on_runs, "--size", "100")
    assert data["total"] == len(data["verdicts"]) == 18
    pages = [row for page in "1234" for row in listed(on_runs, "--size", "5", "--page", page)["verdicts"]]
    assert pages == data["verdicts"]


def test_samples_are_filtered(on_runs: Any) -> None:
    differ = listed(on_runs, "--judge", "pw", "--labels", "differ")["verdicts"]
    agree = listed(on_runs, "--judge", "pw", "--labels", "agree")["verdicts"]
    assert len(differ) + len(agree) == 6
    assert all(row["winner"] != row["label_winner"] for row in differ)
    assert all(row["winner"] == row["label_winner"] for row in agree)
    lost = listed(on_runs, "--judge", "pw", "--system", "k", "--verdict", "lost")["verdicts"]
    assert {row["winner"] for row in lost} <= {"b"}
    assert {row["item_id"] for row in listed(on_runs, "--search", "what is 3 PLUS")["verdicts"]} == {"i003"}


def test_a_sample_in_full_has_its_texts(on_runs: Any) -> None:
    (row,) = listed(on_runs, "--judge", "pw", "--item", "i002", "--full")["verdicts"]
    details = row["sample_details"]
    assert details["item"]["item_id"] == "i002"
    assert {response["system"] for response in details["responses"]} == {"k", "m"}
    assert {judgment["shown"] for judgment in details["judgments"]} == {"ab", "ba"}
    assert {judgment["judge"] for judgment in details["judgments"]} == {"pw"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--judge", "nobody"), "unknown judge, got 'nobody'; allowed: pt, pw"),
        (("--dataset", "nothing"), "unknown dataset, got 'nothing'"),
        (("--system", "kk"), "unknown system, got 'kk'"),
        (("--verdict", "won"), "a verdict is won or lost by a system"),
        (("--order", "DROP"), "there is no such order"),
        (("--item", "i777"), "unknown item, got 'i777'"),
        (("--failure", "bad luck"), "unknown failure, got 'bad luck'"),
        (("--sureness", "maybe"), "there is no such sureness, got 'maybe'; allowed: sure"),
        (("--page", "2", "--size", "100"), "the list has no such page, got 2; allowed: 1 to 1"),
        (("--full",), "texts are printed as JSON alone"),
    ],
)
def test_what_samples_cannot_list_is_one_sentence(
    on_runs: Any, options: tuple[str, ...], sentence: str
) -> None:
    output = on_runs("samples", *options)
    assert output.code == 2
    assert sentence in output.sentence


def test_a_failure_that_did_not_happen_lists_nothing(on_runs: Any) -> None:
    output = on_runs("samples", "--failure", "engine")
    assert output.code == 0
    assert "0 verdicts, page 1 of 1" in output.err


def test_samples_of_a_response_are_told_apart(on_runs: Any, desk: Any, cli: Any) -> None:
    candidate = {"id": "bot", "model": "b", "engine": "scripted", "families": ["alpha"]}
    judge = {"id": "pt", "rubric": "rate", "model": "j", "engine": "scripted", "families": ["beta"]}
    desk.dataset(items=1, responses=[])
    desk.suite(candidates=[{**candidate, "samples": 2, "sampling": {"temperature": 1.0}}], judges=[judge])
    run = desk.run()
    lines = cli("samples", run.id, "--order", "item", "--runs", str(desk.runs)).out.splitlines()
    assert lines[0].split() == ["item", "systems", "sample", "judge", "verdict", "labels", "why"]
    assert [line.split()[1:3] for line in lines[1:3]] == [["bot", "0"], ["bot", "1"]]


def test_sql_answers(on_runs: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    query = "SELECT judge, count(*) AS n, 'nan'::DOUBLE AS nothing FROM pair_facts GROUP BY ALL"
    assert json.loads(on_runs("sql", query, "--json").out) == [{"judge": "pw", "n": 6, "nothing": None}]
    assert "pw" in on_runs("sql", query).out
    monkeypatch.setattr("sys.stdin", io.StringIO(query))
    assert json.loads(on_runs("sql", "-", "--json").out)[0]["n"] == 6
    values = json.loads(
        on_runs("sql", "SELECT 0.5 AS half, 2.0 AS two, MAP {'a': 'nan'::DOUBLE} AS m", "--json").out
    )
    assert values == [{"half": 0.5, "two": 2, "m": [["a", None]]}]
    assert "cut at 10,000 rows" in on_runs("sql", "FROM range(10001)").err
    file = tmp_path / "answer.parquet"
    assert on_runs("sql", query, "--out", str(file)).code == 0
    assert pd.read_parquet(file)["n"].tolist() == [6]


@pytest.mark.parametrize(
    "query",
    ["DROP TABLE items", "COPY items TO 'x.csv'", "SELECT * FROM read_text('/etc/passwd')", "SELECT x"],
)
def test_sql_only_reads_the_run(on_runs: Any, query: str) -> None:
    output = on_runs("sql", query)
    assert output.code == 2
    assert len(output.sentence) < 400


def test_compare_lists_the_items_of_each_judge(on_runs: Any, run: Path) -> None:
    data = json.loads(on_runs("compare", "--items", "100", "--json").out)
    by_judge = {change["rater"]: change for change in data["items"]}
    assert {name: by_judge[name]["compared"] for name in ("pw", "pt")} == {"pw": 6, "pt": 6}
    verdicts = {row["item_id"]: row["winner"] for row in listed(on_runs, "--judge", "pw")["verdicts"]}
    outcome = {"a": 1.0, "b": -1.0, "tie": 0.0}
    expected = {item: outcome[winner] for item, winner in verdicts.items() if outcome[winner]}
    assert {row["item_id"]: row["difference"] for row in by_judge["pw"]["items"]} == expected
    assert by_judge["pw"]["differing"] == len(expected)
    sizes = [abs(row["difference"]) for row in by_judge["pt"]["items"]]
    assert sizes == sorted(sizes, reverse=True)
    lines = on_runs("compare", "--items", "2").out.splitlines()
    heads = [line for line in lines if "items differ" in line]
    assert [head.split(":")[1].strip() for head in heads] == [
        "k minus m, by pt · quality", "k minus m, by pw · overall"
    ]  # fmt: skip


def test_compare_says_where_no_item_differs(on_runs: Any, run: Path) -> None:
    assert "0 of 6 items differ" in on_runs("compare", run.name, run.name, "--items", "5").out
    output = on_runs("compare", "--raters", "--items", "5")
    assert output.code == 2
    assert "leave --raters out" in output.sentence
