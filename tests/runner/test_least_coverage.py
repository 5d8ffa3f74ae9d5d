"""The least coverage of judges and candidates: just below, at and above the floor."""

import json
from typing import Any

import pytest

from evalhub.analysis import Results, rows_of, shortfalls
from evalhub.errors import Inconclusive, LittleCoverage, SpecError
from evalhub.store import Run
from tests.sharing import share_tables


@pytest.fixture(autouse=True)
def _tables_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    share_tables(monkeypatch)


JUDGE = {"id": "pt", "rubric": "rate", "model": "toy-judge", "families": ["beta"]}
CANDIDATE = {"id": "bot", "model": "toy-bot", "families": ["alpha"]}
LIMIT = 60


def engine(**script: Any) -> dict[str, Any]:
    return {"type": "scripted", "script": script}


def with_long_prompts(desk: Any, long: int, items: int = 10) -> None:
    """Write items of which some are too long for an engine of `LIMIT` words."""
    desk.dataset(
        items=[
            {"item_id": f"i{n:02}", "prompt": f"What is {n}? " + "word " * (LIMIT if n < long else 0),
             "refs": [f"It is {n}"]}
            for n in range(items)
        ]
    )  # fmt: skip


def judged(desk: Any, long: int, controls: dict[str, Any] | None = None) -> None:
    with_long_prompts(desk, long)
    controls = {"controls": controls} if controls else {}
    desk.suite(judges=[JUDGE | {"engine": engine(max_length=LIMIT)}], **controls)


@pytest.mark.parametrize(
    ("long", "floor"), [(0, None), (1, None), (2, None), (3, 0.7), (3, 0), (10, 0), (2, 0.8), (0, 1)]
)
def test_at_and_above_the_floor(desk: Any, long: int, floor: float | None) -> None:
    judged(desk, long, None if floor is None else {"min_coverage": floor})
    if long == 10:  # without a single verdict there is nothing to read, whatever the floor
        with pytest.raises(LittleCoverage, match="no valid verdict at all"):
            desk.run()
        return
    assert rows_of(shortfalls(Results(desk.run()))) == []


@pytest.mark.parametrize(
    ("long", "floor", "valid"), [(3, None, 14), (1, 0.95, 18), (2, 0.81, 16), (1, 1, 18)]
)
def test_below_the_floor(desk: Any, long: int, floor: float | None, valid: int) -> None:
    judged(desk, long, None if floor is None else {"min_coverage": floor})
    with pytest.raises(LittleCoverage) as refused:
        desk.run()
    assert isinstance(refused.value, Inconclusive)
    assert refused.value.exit_code == 3
    sentence = refused.value.sentence()
    assert f"judge pt: {valid} of 20 planned verdicts are valid" in sentence
    assert f"{20 - valid} too_long (the prompt has" in sentence


def test_the_report_begins_with_it(desk: Any, cli: Any) -> None:
    judged(desk, 5)
    said = cli("run", "s")
    assert said.code == 3
    first = _beginning(said.out)
    assert first.startswith(
        "✗ Inconclusive. judge pt: 10 of 20 planned verdicts are valid, a coverage of 0.5"
    )
    assert "controls.min_coverage asks for 0.8; failed: 10 too_long" in first
    assert "Coverage and failures" in cli("report", "--full").out
    assert "too little is covered: judge pt: 10 of 20" in said.sentence
    assert cli("verify").code == 0
    for verb in ("report", "leaderboard"):
        again = cli(verb)
        assert (again.code, _beginning(again.out)) == (0, first)
    (row,) = json.loads(cli("report", "--json").out)["shortfalls"]
    assert (row["stage"], row["source"], row["valid"], row["planned"]) == ("judgment", "pt", 10, 20)
    assert (row["coverage"], row["floor"]) == (0.5, 0.8)
    (page,) = desk.runs.glob("*/report.html")
    assert "Inconclusive. judge pt" in page.read_text("utf-8")
    whole = cli("run", "s", "--json")
    assert whole.code == 3
    assert json.loads(whole.out)["shortfalls"] == [row]


def _beginning(text: str) -> str:
    """Return the first finding of a report, without line breaks."""
    return " ".join(text.split()).partition("Is the run conclusive? ")[2].partition(" (the prompt")[0]


@pytest.mark.parametrize(("long", "code"), [(2, 0), (3, 3)])
def test_candidates_too(desk: Any, cli: Any, long: int, code: int) -> None:
    with_long_prompts(desk, long)
    desk.suite(
        candidates=[CANDIDATE | {"engine": engine(max_length=LIMIT)}], judges=[], metrics=["exact_match"]
    )
    said = cli("run", "s")
    assert said.code == code
    if code:
        assert "✗ Inconclusive. candidate bot: 7 of 10 planned responses are valid" in said.out


def test_what_is_not_planned_is_no_failure(desk: Any) -> None:
    # half of the responses are of the judge's own family and left out: all that is asked is answered
    responses = [
        {"item_id": f"i{n:02}", "system": system, "family": family, "text": f"{system} says {n}"}
        for n in range(10)
        for system, family in (("k", "alpha"), ("m", "beta"))
    ]
    items = [{"item_id": f"i{n:02}", "prompt": f"What is {n}?", "refs": ["x"]} for n in range(10)]
    desk.dataset(items=items, responses=responses)
    desk.suite(judges=[JUDGE | {"engine": engine()}], controls={"cross_family": "exclude", "min_coverage": 1})
    assert rows_of(shortfalls(Results(desk.run()))) == []


def test_a_spent_budget_keeps_its_own_sentence(desk: Any) -> None:
    judged(desk, 5)
    desk.suite(judges=[JUDGE | {"engine": engine(max_length=LIMIT)}], budget={"judgments": 6})
    with pytest.raises(Inconclusive, match="the budget is spent") as refused:
        desk.run()
    assert not isinstance(refused.value, LittleCoverage)


def two_datasets(desk: Any, long: int) -> None:
    """Write a large dataset, and a small one of four items of which some are too long."""
    with_long_prompts(desk, 0, items=36)
    items = [
        {"item_id": f"s{n}", "prompt": f"Name {n}. " + "word " * (LIMIT if n < long else 0), "refs": ["x"]}
        for n in range(4)
    ]
    desk.dataset("small", items=items)


@pytest.mark.parametrize(("long", "code"), [(0, 0), (1, 3), (4, 3)])
def test_a_small_dataset_does_not_hide_behind_a_large_one(desk: Any, cli: Any, long: int, code: int) -> None:
    two_datasets(desk, long)
    desk.suite(
        datasets=[{"id": "tiny"}, {"id": "small"}],
        judges=[JUDGE | {"engine": engine(max_length=LIMIT)}],
        candidates=[CANDIDATE | {"engine": engine(max_length=LIMIT)}],
        controls={"cross_family": "allow"},
    )
    said = cli("run", "s")
    assert said.code == code
    if not code:
        return
    table = json.loads(cli("report", "--json").out)["shortfalls"]
    cells = {(row["stage"], row["source"], row["dataset"], row["criterion"]): row["valid"] for row in table}
    # a candidate's answer that failed is not judged
    judged = 2 * (4 - long)
    assert cells[("response", "bot", "small", "")] == 4 - long
    assert cells[("judgment", "pt", "small", "quality")] in (judged, 3 * (4 - long))
    assert len(cells) == 2
    text = " ".join(said.out.split())
    assert f"candidate bot on small: {4 - long} of 4 planned responses are valid" in text
    assert "judge pt on small, criterion quality: " in text


CRITERIA = ("clear", "kind", "brief", "exact", "whole", "apt")
MANY = """---
id: many
version: 1
protocol: pointwise
inputs: [response]
criteria: {{{criteria}}}
scale: {{1: bad, 2: good}}
---
## User
{{{{criterion}}}}
{{{{scale}}}}
{{{{response}}}}
"""


@pytest.mark.parametrize("lacking", [1, 2, 5])
def test_a_criterion_does_not_hide_behind_the_others(desk: Any, lacking: int) -> None:
    texts = ["word " * (4 * LIMIT if n < lacking else 1) for n in range(len(CRITERIA))]
    criteria = ", ".join(f"{name}: {text.strip()}" for name, text in zip(CRITERIA, texts, strict=True))
    desk.rubric("many", MANY.format(criteria=criteria))
    desk.suite(judges=[JUDGE | {"rubric": "many", "engine": engine(max_length=3 * LIMIT)}])
    with pytest.raises(LittleCoverage) as refused:
        desk.run()
    (folder,) = desk.runs.glob("s-*")
    rows = rows_of(shortfalls(Results(Run(folder))))
    assert [row["criterion"] for row in rows if row["criterion"]] == sorted(CRITERIA[:lacking])
    assert all(row["valid"] == 0 and row["planned"] == 8 for row in rows if row["criterion"])
    assert all(row["reasons"].startswith("8 too_long") for row in rows if row["criterion"])
    sentence = refused.value.sentence()
    if lacking == 1:
        assert "judge pt on tiny, criterion clear: 0 of 8 planned verdicts are valid" in sentence
        assert "also" not in sentence
    elif lacking == 2:
        assert "judge pt: 32 of 48 planned verdicts are valid" in sentence
        assert "lowest on tiny, criterion clear (0 of 8), tiny, criterion kind (0 of 8)" in sentence
    else:
        assert sentence.count("(0 of 8)") == 3
        assert "2 more" in sentence


@pytest.mark.parametrize("floor", [-0.1, 1.1, "most"])
def test_a_floor_is_a_share(desk: Any, floor: Any) -> None:
    desk.suite(controls={"min_coverage": floor})
    with pytest.raises(SpecError, match="min_coverage"):
        desk.run()
