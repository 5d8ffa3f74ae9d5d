"""Criteria of items: the same in every format, refused with their place, and named by labels."""

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evalhub.errors import SpecError
from evalhub.records import ItemCriterion
from evalhub.runner.plan.datasets import describe_dataset
from evalhub.sources import Dataset, check

pytestmark = pytest.mark.usefixtures("near")

CRITERIA: list[dict[str, Any]] = [
    {"id": None, "text": "It names Paris.", "points": 2.5, "tags": ["axis:accuracy"]},
    {"id": "rude", "text": "It is rude.", "points": -1.0, "tags": []},
]
READ = (
    ItemCriterion("c1", "It names Paris.", 2.5, ("axis:accuracy",)),
    ItemCriterion("rude", "It is rude.", -1.0),
)
STRUCT = "STRUCT(id VARCHAR, text VARCHAR, points DOUBLE, tags VARCHAR[])[]"
SELECT = "SELECT 1 AS item_id, 'One?' AS prompt, criteria FROM h"


def loaded(mini: Any, content: str | bytes, form: str, kind: str, **keys: Any) -> Dataset:
    """Load a dataset of one item whose criteria are in a column of a declared type."""
    table = {"path": f"h.{form}", "format": form, "columns": {"criteria": kind}}
    changes = {"items": SELECT, "responses": None, **keys}
    files = {"h": table, **changes.pop("files", {})}
    dataset: Dataset = mini.load({f"h.{form}": content}, files=files, **changes)
    return dataset


def jsonl(mini: Any, of_item: Any, kind: str = "JSON", **keys: Any) -> Dataset:
    return loaded(mini, json.dumps({"criteria": of_item}) + "\n", "jsonl", kind, **keys)


def parquet(criteria: Any) -> bytes:
    struct = pa.struct({"id": pa.string(), "text": pa.string(), "points": pa.float64(),
                        "tags": pa.list_(pa.string())})  # fmt: skip
    buffer = io.BytesIO()
    pq.write_table(pa.table({"criteria": pa.array([criteria], pa.list_(struct))}), buffer)
    return buffer.getvalue()


def quoted(criteria: Any) -> str:
    text = json.dumps(criteria).replace('"', '""')
    return f'criteria\n"{text}"\n'


@pytest.mark.parametrize(
    ("content", "form", "kind"),
    [
        (json.dumps({"criteria": CRITERIA}) + "\n", "jsonl", STRUCT),
        (json.dumps({"criteria": CRITERIA}) + "\n", "jsonl", "JSON"),
        (json.dumps({"criteria": CRITERIA}) + "\n", "jsonl", "JSON[]"),
        (json.dumps({"criteria": json.dumps(CRITERIA)}) + "\n", "jsonl", "VARCHAR"),
        (json.dumps([{"criteria": CRITERIA}]), "json", STRUCT),
        (parquet(CRITERIA), "parquet", STRUCT),
        (parquet(CRITERIA), "parquet", "JSON"),
        (quoted(CRITERIA), "csv", STRUCT),
        (quoted(CRITERIA), "csv", "JSON"),
        (quoted(CRITERIA), "csv", "VARCHAR"),
    ],
)
def test_each_format_gives_the_same_criteria(mini: Any, content: str | bytes, form: str, kind: str) -> None:
    (item,) = loaded(mini, content, form, kind).items
    assert item.criteria == READ


def test_other_names_are_renamed_in_the_select(mini: Any) -> None:
    rubrics = [{"criterion": "It names Paris.", "points": 2.5, "tags": ["axis:accuracy"]}]
    select = """
    SELECT 1 AS item_id, 'One?' AS prompt,
      [{'text': r.criterion, 'points': r.points, 'tags': r.tags} for r in criteria] AS criteria
    FROM h"""
    kind = "STRUCT(criterion VARCHAR, points DOUBLE, tags VARCHAR[])[]"
    (item,) = jsonl(mini, rubrics, kind, items=select).items
    assert item.criteria == READ[:1]


@pytest.mark.parametrize("criteria", [None, []])
def test_an_item_may_bring_none(mini: Any, criteria: Any) -> None:
    table = [{"id": 1, "criteria": criteria}, {"id": 2, "criteria": CRITERIA}]
    content = "".join(json.dumps(row) + "\n" for row in table)
    files = {"h": {"path": "h.jsonl", "format": "jsonl", "columns": {"id": "INTEGER", "criteria": STRUCT}}}
    select = "SELECT id AS item_id, 'One?' AS prompt, criteria FROM h"
    first, second = mini.load({"h.jsonl": content}, files=files, items=select, responses=None).items
    assert (first.criteria, second.criteria) == ((), READ)


@pytest.mark.parametrize(
    ("criteria", "kind", "part"),
    [
        ([{"text": "x", "points": 0}], "JSON", "points that are a finite number other than 0; criterion 1"),
        ([{"text": "x", "points": -1}], STRUCT, "at least has points above 0"),
        ([{"text": "", "points": 1}], STRUCT, "a text that is not blank; criterion 1"),
        ('[{"text": "x", "text": "y", "points": 1}]', "VARCHAR", "a key that appears twice"),
        ("no JSON", "VARCHAR", "a list of criteria"),
        ([{"text": "x", "points": "1"}], "JSON", "criterion 1 has '1'"),
    ],
)
def test_bad_criteria_are_refused_with_the_column_and_the_item(
    mini: Any, criteria: Any, kind: str, part: str
) -> None:
    with pytest.raises(SpecError) as refused:
        jsonl(mini, criteria, kind)
    assert "the column criteria has a value that is not allowed (item_id 1)" in str(refused.value)
    assert "mini.yaml:items" in str(refused.value)
    assert part in str(refused.value)


def test_points_of_another_type_are_refused_with_file_and_line(mini: Any) -> None:
    with pytest.raises(SpecError) as refused:
        jsonl(mini, [{"text": "x", "points": "many"}], "STRUCT(text VARCHAR, points DOUBLE)[]")
    assert "h.jsonl:1" in str(refused.value)


def test_check_shows_the_criteria_of_the_first_item(mini: Any) -> None:
    jsonl(mini, CRITERIA)
    contents = check(str(mini.path))
    assert contents.criteria == {2: 1}
    assert contents.first_criteria == {"1": READ}


def test_check_says_nothing_of_criteria_where_there_are_none(mini: Any) -> None:
    mini.load()
    assert (check(str(mini.path)).criteria, check(str(mini.path)).first_criteria) == ({}, {})


def test_the_hash_of_items_has_their_criteria_and_stays_without_them(mini: Any) -> None:
    hashes = [
        describe_dataset(jsonl(mini, criteria)).outputs
        for criteria in ([], CRITERIA, [{**CRITERIA[0], "points": 3}], [CRITERIA[0] | {"tags": ["x"]}])
    ]
    assert len({outputs["items"] for outputs in hashes}) == len(hashes)
    assert len({(outputs["prompts"], outputs["references"]) for outputs in hashes}) == 1
    plain = "SELECT 1 AS item_id, 'One?' AS prompt FROM h"
    assert describe_dataset(jsonl(mini, CRITERIA, items=plain)).outputs["items"] == hashes[0]["items"]
    # As it was before items could bring criteria.
    assert hashes[0]["items"] == "870136ec574d4212dd9428de2842d7786b2777a5d77d847c9eaa8024c9cc9266"


LABELS = {
    "criteria": {
        "met": {"kind": "pointwise", "levels": {0: "no", 1: "yes"}},
        "whole": {"kind": "pointwise", "levels": {0: "no", 1: "yes"}},
        "better": {"kind": "pairwise", "levels": ["a", "b"]},
    },
    "responses": "SELECT 1 AS item_id, unnest(['k', 'm']) AS system, 'x' AS text",
}
LABEL = "SELECT 1 AS item_id, 'human' AS annotator_kind"
ON_FIRST = f"{LABEL}, 'k' AS system, 'met' AS criterion, 'c1' AS item_criterion, 1 AS value"


def test_labels_name_a_criterion_of_their_item(mini: Any) -> None:
    data = jsonl(mini, CRITERIA, labels=f"{ON_FIRST} UNION ALL {LABEL}, 'k', 'met', 'rude', 0", **LABELS)
    assert [(label.item_criterion, label.value) for label in data.labels] == [("c1", 1.0), ("rude", 0.0)]
    assert data.card.criteria["met"].of_item
    assert not data.card.criteria["whole"].of_item


def test_recorded_judgments_name_one_too(mini: Any) -> None:
    judgments = f"{ON_FIRST}, 'gpt' AS judge".replace(", 'human' AS annotator_kind", "")
    (judgment,) = jsonl(mini, CRITERIA, judgments=judgments, **LABELS).judgments
    assert (judgment.item_criterion, judgment.value) == ("c1", 1.0)


@pytest.mark.parametrize(
    ("labels", "part"),
    [
        (f"{LABEL}, 'k' AS system, 'met' AS criterion, 'c9' AS item_criterion, 1 AS value",
         "got 'c9'; allowed: c1, rude"),
        (f"{ON_FIRST} UNION ALL {LABEL}, 'm', 'met', NULL, 1", "and some do not"),
        (f"{ON_FIRST}, 1 AS turn UNION ALL {LABEL}, 'm', 'met', 'c1', 1, NULL", ""),
        (f"{LABEL}, 'k' AS system_a, 'm' AS system_b, 'better' AS criterion, 'c1' AS item_criterion, "
         "'a' AS winner", "met or not by one whole response"),
        (f"{ON_FIRST} UNION ALL {LABEL}, 'k', 'met', 'c1', 0", "two labels have the same ids"),
    ],
)  # fmt: skip
def test_labels_that_fit_no_criterion_are_refused(mini: Any, labels: str, part: str) -> None:
    if not part:  # the only turn of a response is the whole response
        assert len(jsonl(mini, CRITERIA, labels=labels, **LABELS).labels) == 2
        return
    with pytest.raises(SpecError) as refused:
        jsonl(mini, CRITERIA, labels=labels, **LABELS)
    assert part in str(refused.value)


def test_a_label_on_an_item_without_criteria_is_refused(mini: Any) -> None:
    with pytest.raises(SpecError, match="none, as the item has no criteria"):
        jsonl(mini, [], labels=ON_FIRST, **LABELS)


@pytest.mark.parametrize("clip", [[0, 0.5], [-1, 1], "none"])
def test_a_card_says_where_scores_are_cut_off(mini: Any, clip: Any) -> None:
    card = jsonl(mini, CRITERIA, clip=clip).card
    assert card.clip_range == (None if clip == "none" else tuple(clip))
    assert card.facts.clip_range == card.clip_range


@pytest.mark.parametrize(
    ("clip", "part"),
    [
        ([1, 0], "must rise"), ([0, 0], "must rise"), ([1, 2], "begins below 1"), ("some", "clip"),
        ([0, float("inf")], "finite"), (0, "clip"),
    ],
)  # fmt: skip
def test_a_range_that_is_none_is_refused(mini: Any, clip: Any, part: str) -> None:
    with pytest.raises(SpecError, match=part):
        jsonl(mini, CRITERIA, clip=clip)


def test_a_range_without_criteria_is_refused(mini: Any) -> None:
    with pytest.raises(SpecError, match="no item brings any"):
        jsonl(mini, [], clip=[-1, 1])


def test_cards_without_criteria_of_items_keep_their_hash(mini: Any) -> None:
    card = mini.load().card
    assert "clip" not in card.model_dump_json()
    assert "of_item" not in card.model_dump_json()
