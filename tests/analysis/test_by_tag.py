"""A run cut into parts by the tags of its items: each part's numbers are those of its items alone."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pandas as pd
import pytest

import evalhub
from evalhub.analysis import (
    Results,
    leaderboard,
    meta,
    pair_verdicts,
    rows_of,
    split_by_tag,
)
from evalhub.errors import UnknownNameError
from evalhub.report.tables.places import Place
from evalhub.report.tables.registry import TABLES

BY_TAG = {table.name: table.of_part or table.function for table in TABLES if table.by_tag != Place.NOWHERE}

Row = dict[str, Any]

JUDGED = {"model": "j", "engine": "scripted", "families": ["beta"]}
PW = {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, **JUDGED}
PT = {"id": "pt", "rubric": "rate", **JUDGED}

ITEMS = """
SELECT item_id, prompt, refs, cluster,
  CASE WHEN line <= 4 THEN ['topic:law', if(line = 1, 'hard', 'easy')]
    WHEN line <= 8 THEN ['topic:art', 'easy'] END AS tags
FROM items
"""


def with_tags(desk: Any) -> Any:
    """Four items about law (one is hard), four about art, two without any tag."""
    pair = {"criterion": "overall", "system_a": "k", "system_b": "m", "annotator": "x"}
    rated = {"criterion": "quality", "annotator": "x"}
    labels: list[dict[str, Any]] = []
    for n in range(10):
        labels.append({"item_id": f"i{n:03}", "winner": "ab"[n % 2], **pair})
        labels += [
            {"item_id": f"i{n:03}", "system": system, "value": 1.0 + n % 3, **rated} for system in "km"
        ]
    texts = {"k": "a short text", "m": "a text that is longer "}
    responses = [
        {"item_id": f"i{n:03}", "system": system, "family": "alpha", "text": text * (n % 4 + 1)}
        for n in range(10)
        for system, text in texts.items()
    ]
    desk.dataset(items=10, labels=labels, responses=responses, card={"items": ITEMS})
    return desk


def run(desk: Any, **suite: Any) -> Results:
    with_tags(desk).suite(**{"judges": [PW, PT], "metrics": ["rouge", "length"]} | suite)
    return Results(desk.run())


load_once = cache(evalhub.load)


@pytest.fixture(autouse=True)
def _runs_are_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all commands read a run together."""
    monkeypatch.setattr(evalhub, "load", load_once)


@pytest.fixture(scope="module")
def full_run(shared_desk: Any) -> Results:
    """A run of all items."""
    with shared_desk() as desk:
        return run(desk)


@pytest.fixture(scope="module")
def art(shared_desk: Any) -> Results:
    """A run of the items about art."""
    with shared_desk() as desk:
        return run(desk, datasets=[{"id": "tiny", "tags": ["topic:art"]}])


@pytest.fixture(scope="module")
def rated(shared_desk: Any) -> Results:
    """A run of all items with one judge, who rates."""
    with shared_desk() as desk:
        return run(desk, judges=[PT], metrics=["length"])


@pytest.fixture(scope="module")
def rows_of_part(full_run: Results) -> Callable[[str], list[Row]]:
    """Return each table of the part about art, computed once."""
    part = next(part for part in split_by_tag(full_run, ["topic"]) if part.tag == "topic:art")
    return cache(lambda name: rows_without_run(name, part.results))


def rows_without_run(name: str, results: Results) -> list[Row]:
    return rows_of(BY_TAG[name](results).drop(columns="run", errors="ignore"))


@pytest.fixture(scope="module")
def expected_rows(rated: Results) -> Callable[[str], dict[str, list[Row]]]:
    """Return the rows of a table by part of the run with one judge, as JSON has them, computed once."""
    functions = {"raters": lambda results: meta([results]), "leaderboard": leaderboard}
    parts = split_by_tag(rated, ["topic"])
    return cache(
        lambda table: {
            part.tag: json.loads(json.dumps(rows_of(functions[table](part.results)))) for part in parts
        }
    )


@pytest.mark.parametrize("table", BY_TAG)
def test_a_parts_numbers_are_those_of_a_run_of_its_items(
    rows_of_part: Callable[[str], list[Row]], art: Results, table: str
) -> None:
    assert rows_of_part(table) == rows_without_run(table, art)


def test_every_table_of_a_part_has_rows(rows_of_part: Callable[[str], list[Row]]) -> None:
    empty = [name for name in BY_TAG if not rows_of_part(name)]
    assert empty == ["missing_scores", "failures"]


def test_names_are_tags_first_words_or_patterns(full_run: Results) -> None:
    def cut(*names: str) -> dict[str, int]:
        return {part.tag: part.items for part in split_by_tag(full_run, names)}

    assert cut("topic") == {"topic:art": 4, "topic:law": 4, "other items": 2}
    assert cut("hard") == {"hard": 1, "other items": 9}
    assert cut("easy", "hard") == {"easy": 7, "hard": 1, "other items": 2}
    assert cut("*law", "*law") == {"topic:law": 4, "other items": 6}
    assert cut("topic", "hard") == {"topic:art": 4, "topic:law": 4, "hard": 1, "other items": 2}
    with pytest.raises(UnknownNameError, match=r"--by: unknown tag, got 'topik'.*easy, hard, topic"):
        split_by_tag(full_run, ["topik"])
    with pytest.raises(UnknownNameError):
        split_by_tag(full_run, ["top"])


def test_what_the_whole_run_decides_stays_the_same(desk: Any) -> None:
    """The length penalty hangs on the spread of all pairs."""
    full_run = run(desk, controls={"length_penalty": 2.0})
    for part in split_by_tag(full_run, ["topic"]):
        verdicts = pair_verdicts(full_run)
        is_in_part = verdicts["item_id"].isin(part.results.items()["item_id"])
        expected = verdicts[is_in_part].reset_index(drop=True)
        pd.testing.assert_frame_equal(pair_verdicts(part.results), expected, check_dtype=False)


def test_every_table_holds_the_parts_items_alone(full_run: Results) -> None:
    part = split_by_tag(full_run, ["hard"])[0].results
    for frame in (part.items(), part.responses(), part.judgments(), part.labels(), part.scores()):
        assert set(frame["item_id"]) == {"i000"}
    assert {label.item_id for label in part.label_records()} == {"i000"}


def test_too_few_items_have_no_interval_and_a_reason(full_run: Results) -> None:
    hard = split_by_tag(full_run, ["hard"])[0]
    for row in rows_of(leaderboard(hard.results)):
        assert (row["n"], row["low"], row["high"]) == (1, None, None)
        assert row["reason"]


@pytest.mark.parametrize("command", ["leaderboard", "meta", "report"])
def test_the_command_line_breaks_down(
    rated: Results, cli: Any, command: str, expected_rows: Callable[[str], dict[str, list[Row]]]
) -> None:
    answer = cli(command, str(rated.run.path), "--by", "topic", "--json")
    assert answer.code == 0
    cut = json.loads(answer.out)["by_tag"]
    assert [(entry["tag"], entry["items"]) for entry in cut["tags"]] == [
        ("topic:art", 4), ("topic:law", 4), ("other items", 2),
    ]  # fmt: skip
    table = "raters" if command == "meta" else "leaderboard"
    for tag, expected in expected_rows(table).items():
        rows = [row for row in cut[table] if row["tag"] == tag]
        assert [{**row, "tag": tag, "run": rated.run.id} for row in expected] == rows


def test_the_terminal_breaks_down_only_where_asked(rated: Results, cli: Any) -> None:
    path = str(rated.run.path)
    text = cli("leaderboard", path, "--by", "topic").out
    assert "By tag or condition of the items" in text
    assert "topic:law" in text
    assert "By tag or condition of the items" not in cli("leaderboard", path).out
    assert "by_tag" not in json.loads(cli("leaderboard", path, "--json").out)


def test_an_unknown_tag_is_one_sentence(rated: Results, cli: Any) -> None:
    answer = cli("leaderboard", str(rated.run.path), "--by", "hrad")
    assert answer.code == 2
    assert answer.sentence.startswith("--by: unknown tag, got 'hrad'")
    assert answer.sentence.endswith("did you mean 'hard'?")


ART = "list_contains(tags, 'topic:art')"


@pytest.mark.parametrize("command", ["leaderboard", "meta", "report"])
def test_a_condition_gives_the_numbers_of_its_items(
    rated: Results, cli: Any, command: str, expected_rows: Callable[[str], dict[str, list[Row]]]
) -> None:
    answer = cli(command, str(rated.run.path), "--where", ART, "--where", "item_id < 'i002'", "--json")
    assert answer.code == 0
    parts = json.loads(answer.out)["by_tag"]
    assert [(entry["tag"], entry["items"]) for entry in parts["tags"]] == [(ART, 4), ("item_id < 'i002'", 2)]
    table = "raters" if command == "meta" else "leaderboard"
    expected = [{**row, "tag": ART, "run": rated.run.id} for row in expected_rows(table)["topic:art"]]
    assert [row for row in parts[table] if row["tag"] == ART] == expected


def test_conditions_and_tags_stand_side_by_side(rated: Results, cli: Any) -> None:
    text = cli("leaderboard", str(rated.run.path), "--by", "hard", "--where", "item_id < 'i002'").out
    assert "item_id < 'i002'" in text
    assert "hard" in text


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ("lang = 'fr'", "no item of the run meets the condition, got"),
        ("lnag = 'fr'", 'Referenced column "lnag" not found'),
        ("1 = 1\n); DROP TABLE items; SELECT (1", "a query reads and never writes"),
        ("item_id IN (SELECT path FROM read_text('/etc/hostname'))", "Permission Error"),
        ("", "this is no condition"),
        ("item_id = '\ud800'", "this is no condition"),
    ],
)
def test_a_condition_that_selects_nothing_or_is_no_condition(
    rated: Results, cli: Any, condition: str, sentence: str
) -> None:
    answer = cli("leaderboard", str(rated.run.path), "--where", condition)
    assert answer.code == 2
    assert sentence in answer.sentence


def test_two_systems_are_compared_on_some_items(rated: Results, cli: Any) -> None:
    path = str(rated.run.path)
    everywhere, on_some = (
        json.loads(cli("compare", path, *options, "--json").out)["comparisons"]
        for options in ((), ("--where", ART))
    )
    assert {row["n"] for row in everywhere} == {10}
    assert {row["n"] for row in on_some} == {4}
