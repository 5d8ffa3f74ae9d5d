"""The list of verdicts: each filter is what pandas finds, pages lose nothing, and no text becomes SQL."""

import os
from collections import Counter
from typing import Any

import pytest

from evalhub.analysis import (
    Results,
    VerdictFilter,
    confusions,
    consensus_labels,
    judgment_prompt,
    pair_verdicts,
    ratings,
    rows_of,
    sample_details,
    verdict_list,
)
from evalhub.analysis.database import connection
from evalhub.analysis.database.item_files import files_of_item
from evalhub.analysis.frames.labelled import labelled_pairs
from evalhub.analysis.run.verdict_list import CHOICES, ORDERS
from evalhub.errors import InputError

from ..injections import INJECTIONS

ITEMS = 30
STEP = 3 if os.environ.get("EVALHUB_FULL") else 7
"""Each name is filtered by one text of so many, all names together by all."""
NAMES = ("judge", "criterion", "system", "tag", "failure", "text", "item_id")


@pytest.fixture(scope="module")
def results(shared_desk: Any) -> Any:
    """Pairs and ratings of 30 items with labels, of which every third contradicts the other two."""
    labels: list[dict[str, Any]] = []
    for n in range(ITEMS):
        row = {"item_id": f"i{n:03}", "annotator": "x"}
        labels.append(
            {**row, "criterion": "overall", "system_a": "k", "system_b": "m", "winner": "ab"[n % 3 == 0]}
        )
        labels += [
            {**row, "criterion": "quality", "system": system, "value": 1.0 + (n + place) % 3}
            for place, system in enumerate(("k", "m"))
        ]
    judge = {"model": "j", "families": ["beta"], "engine": "scripted"}
    with shared_desk() as desk:
        desk.dataset(items=ITEMS, labels=labels)
        desk.suite(
            judges=[
                {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, **judge},
                {"id": "ex", "rubric": "pair", "mode": "explain", "pairs": {"by": "all"}, **judge},
                {"id": "pt", "rubric": "rate", **judge},
            ]
        )
        yield Results(desk.run())


def listed(results: Results, **options: Any) -> list[dict[str, Any]]:
    return verdict_list(results, VerdictFilter(dataset="tiny", **options), size=10_000)[0]


def test_all_verdicts_are_listed_once(results: Results) -> None:
    rows = listed(results)
    assert len(rows) == len(pair_verdicts(results)) + len(ratings(results)) == 4 * ITEMS
    keys = {
        tuple(row[name] for name in ("judge", "item_id", "system_a", "system_b", "system")) for row in rows
    }
    assert len(keys) == len(rows)


def test_verdicts_are_those_of_the_tables(results: Results) -> None:
    pairs = {
        (row["judge"], row["item_id"]): (row["winner"], row["p_a"], row["winner_ab"], row["winner_ba"])
        for row in rows_of(pair_verdicts(results))
    }
    for row in listed(results, judge="pw") + listed(results, judge="ex"):
        winner, p_a, first, second = pairs[row["judge"], row["item_id"]]
        assert (row["winner"], row["winner_ab"], row["winner_ba"]) == (winner, first, second)
        assert row["p_a"] == p_a
    assert all(row["p_a"] is None for row in listed(results, judge="ex"))
    values = {(row["item_id"], row["system"]): row["value"] for row in rows_of(ratings(results))}
    assert {(row["item_id"], row["system"]): row["value"] for row in listed(results, judge="pt")} == values


def test_what_differs_from_the_labels_comes_first_and_the_surest_of_it(results: Results) -> None:
    frame = labelled_pairs(results)
    differing = frame[frame["winner"].astype("str") != frame["label_winner"].astype("str")]
    rows = listed(results, labels="differ", judge="pw")
    assert {row["item_id"] for row in rows} == set(differing[differing["judge"] == "pw"]["item_id"])
    sureness = [row["sureness"] for row in rows]
    assert sureness == sorted(sureness, reverse=True)
    interests = [row["interest"] for row in listed(results)]
    assert interests == sorted(interests, reverse=True)
    agreeing = listed(results, labels="agree", judge="pw")
    assert len(rows) + len(agreeing) == ITEMS
    assert not listed(results, labels="none", judge="pw")


def test_each_filter_keeps_what_it_says(results: Results) -> None:
    assert {row["judge"] for row in listed(results, criterion="quality")} == {"pt"}
    won, lost = (listed(results, judge="pw", system="k", verdict=name) for name in ("won", "lost"))
    assert all(row["winner"] == "a" for row in won)
    assert all(row["winner"] == "b" for row in lost)
    assert len(won) + len(lost) + len(listed(results, judge="pw", verdict="tie")) == ITEMS
    assert all(row["winner_ab"] != row["winner_ba"] for row in listed(results, turns=True))
    assert all(row["sureness"] >= 0.8 for row in listed(results, sureness="sure"))
    assert all(row["sureness"] <= 0.6 for row in listed(results, sureness="torn"))
    assert {row["item_id"] for row in listed(results, text="WHAT IS 7 PLUS")} == {"i007"}
    assert {row["item_id"] for row in listed(results, text="i012")} == {"i012"}
    assert not listed(results, tag="none")
    assert not listed(results, failure="parse")
    assert len(listed(results, item_id="i003")) == 4


@pytest.mark.parametrize("order", ORDERS)
def test_pages_lose_nothing(results: Results, order: str) -> None:
    selection = VerdictFilter(dataset="tiny")
    pages = [verdict_list(results, selection, order=order, page=page, size=7) for page in range(1, 19)]
    rows = [tuple(sorted(row.items(), key=str)) for page, _ in pages for row in page]
    assert {total for _, total in pages} == {4 * ITEMS}
    assert len(rows) == len(set(map(str, rows))) == 4 * ITEMS


@pytest.mark.parametrize("name", NAMES)
def test_no_text_becomes_sql(results: Results, name: str) -> None:
    for text in INJECTIONS[NAMES.index(name) % STEP :: STEP]:
        assert listed(results, **{name: text}) == [], text
    assert len(listed(results)) == 4 * ITEMS


def test_names_that_do_not_exist_are_refused(results: Results) -> None:
    for name in CHOICES:
        with pytest.raises(InputError, match="allowed"):
            listed(results, **{name: "1=1"})
    with pytest.raises(InputError, match="name a system"):
        listed(results, verdict="won")
    with pytest.raises(InputError, match="no such order"):
        verdict_list(results, VerdictFilter(dataset="tiny"), order="n; DROP TABLE items")


def test_confusions_count_every_labelled_verdict(results: Results) -> None:
    rows = rows_of(confusions(results))
    of_pw = [row for row in rows if row["judge"] == "pw"]
    assert sum(row["n"] for row in of_pw) == ITEMS
    frame = labelled_pairs(results)
    agreed = frame[
        (frame["judge"] == "pw") & (frame["winner"].astype("str") == frame["label_winner"].astype("str"))
    ]
    assert sum(row["n"] for row in of_pw if row["label"] == row["verdict"]) == len(agreed)
    cells = {(row["label"], row["verdict"]): row["n"] for row in rows if row["judge"] == "pt"}
    values = {(row["item_id"], row["system"]): row["value"] for row in rows_of(ratings(results))}
    labels = [row for row in rows_of(consensus_labels(results)) if row["label_criterion"] == "quality"]
    counts = Counter(
        (f"{row['label_value']:g}", f"{values[row['item_id'], row['system']]:g}") for row in labels
    )
    assert cells == counts
    assert len(consensus_labels(results)) == 3 * ITEMS


def test_a_sample_has_the_judgments_of_its_systems(results: Results) -> None:
    pair = sample_details(results, "tiny", "i004", ("k", "m"))
    assert {judgment["judge"] for judgment in pair["judgments"]} == {"pw", "ex"}
    assert {label["criterion"] for label in pair["labels"]} == {"overall"}
    rated = sample_details(results, "tiny", "i004", ("k",))
    assert {judgment["system"] for judgment in rated["judgments"]} == {"k"}
    messages = judgment_prompt(results, pair["judgments"][0])
    assert any("What is 4 plus 4?" in message["content"] for message in messages)


RATED = [
    {
        "item_id": f"i{n:03}",
        "criterion": "quality",
        "system": "k",
        "annotator": "x",
        "value": 1.0 + 2 * (n % 2),
    }
    for n in range(10)
]


def test_a_judge_that_says_one_thing_is_not_far_from_any_label(desk: Any) -> None:
    desk.dataset(items=10, systems=("k",), labels=RATED)
    rules = [{"match": "", "choice": "3"}]
    engine = {"type": "scripted", "script": {"rules": rules}}
    desk.suite(judges=[{"id": "pt", "rubric": "rate", "model": "j", "families": ["beta"], "engine": engine}])
    results = Results(desk.run())
    rows = listed(results)
    assert len({row["value"] for row in rows}) == 1
    assert not any(row["differs"] for row in rows)
    assert len(listed(results, labels="agree")) == len([row for row in rows if not row["differs"]])


def test_places_are_those_of_worth_reading(results: Results) -> None:
    rows = [row for row in listed(results, judge="pt") if row["label_known"]]
    for name, other in (("value", "above"), ("label_value", "label_above")):
        values = [row[name] for row in rows]
        for row in rows:
            below = (
                sum(value < row[name] for value in values) + sum(value == row[name] for value in values) / 2
            )
            assert row[other] == pytest.approx(below / len(rows))


def test_failures_are_listed_where_they_happened(desk: Any) -> None:
    responses = [
        {"item_id": f"i{n:03}", "system": system, "family": "alpha", "text": f"{system} says {n}"}
        for n in range(3)
        for system in "kmn"
    ]
    responses[0]["text"] = "word " * 200
    desk.dataset(items=3, responses=responses)
    engine = {"type": "scripted", "script": {"max_length": 150}}
    judge = {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, "model": "j", "families": ["beta"]}
    desk.suite(judges=[{**judge, "engine": engine}], controls={"min_coverage": 0.1})
    results = Results(desk.run())
    judgments = results.judgments()
    failed = judgments[judgments["failure"].notna()]
    expected = {tuple(row) for row in failed[["item_id", "system_a", "system_b"]].itertuples(index=False)}
    assert 0 < len(expected) < 9
    for kind in set(failed["failure"]):
        rows = listed(results, failure=kind)
        assert {(row["item_id"], row["system_a"], row["system_b"]) for row in rows} == expected
        assert all(row["failed"] for row in rows)


def test_a_prompt_of_a_large_run_is_read_from_the_files_of_its_judge(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    judgments = sample_details(results, "tiny", "i004", ("k", "m"))["judgments"]
    prompts = [judgment_prompt(results, judgment) for judgment in judgments]
    monkeypatch.setattr(connection, "MANY", 1)
    large = Results(results.run)
    assert large.database.is_large
    assert [judgment_prompt(large, judgment) for judgment in judgments] == prompts
    for judge in ("pw", "ex"):
        alone = sample_details(large, "tiny", "i004", ("k", "m"), judge=judge)["judgments"]
        assert alone == [judgment for judgment in judgments if judgment["judge"] == judge]
    folders = [large.run.part_folder(part) for part in large.manifest.parts if part.source == "pw"]
    files = [files_of_item(folder, "judgments", "i004") for folder in folders]
    assert [[path.name for path in names] for names in files] == [["0001-judgments.parquet"]]
    assert files_of_item(folders[0], "judgments", "j") == files_of_item(folders[0], "completions", "h") == []
    assert sample_details(large, "tiny", "i004", ("k", "m"), judge="nobody")["judgments"] == []
    elsewhere = {**judgments[0], "judge": "pt"}
    assert judgment_prompt(large, elsewhere) == prompts[0]
