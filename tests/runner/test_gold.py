"""Gold cases through the real run, with a scripted judge that is right, wrong, or cannot answer."""

from typing import Any

import pytest
import yaml

from evalhub.analysis import Results, gold, rows_of
from evalhub.errors import Inconclusive
from evalhub.judging import starter
from evalhub.runner import JudgeOptions, run_gold
from evalhub.specs import EngineSpec, Mode

GOOD_FIRST = {"match": r"First response:\n`+\ngood", "choice": "A"}
HONEST = [GOOD_FIRST, {"match": r"Second response:\n`+\ngood", "choice": "B"}]
PAIRS = [
    {"id": "one", "prompt": "1 + 1?", "response_a": "good", "response_b": "bad", "expect": "a"},
    {"id": "two", "prompt": "2 + 2?", "response_a": "bad", "response_b": "good", "expect": "b"},
]
RATES = [
    {"id": "top", "prompt": "1 + 1?", "response": "good", "expect": 3},
    {"id": "low", "turns": ["Hi", "1 + 1?"], "response": ["Hello", "bad"], "at_most": 2},
    {"id": "mid", "prompt": "1 + 1?", "response": "fair", "at_least": 2, "at_most": 2},
]


def asked(desk: Any, rubric: str, cases: list[dict[str, Any]], *rules: Any, **changes: Any) -> Any:
    path = desk.folder / "judges" / f"{rubric}.cases.yaml"
    path.write_text(yaml.safe_dump({"cases": cases}))
    engine = EngineSpec(type="scripted", script={"rules": list(rules)})
    return run_gold(JudgeOptions(rubric, "m", engine=engine, runs=desk.runs, **changes))


def test_an_unknown_model_is_a_fault_of_the_option(desk: Any, cli: Any) -> None:
    path = desk.folder / "judges" / "pair.cases.yaml"
    path.write_text(yaml.safe_dump({"cases": PAIRS}))
    for command in ("test", "attack"):
        result = cli("judges", command, "pair", "--model", "nosuch")
        assert (result.code, result.sentence.split(":")[0]) == (2, "--model")


def rows(run: Any) -> list[dict[str, Any]]:
    return rows_of(gold(Results(run)))


def test_an_honest_judge_passes_pairs_in_both_orders(desk: Any) -> None:
    done = asked(desk, "pair", PAIRS, *HONEST)
    assert len(list(done.records("judgments"))) == 4
    for row, said in zip(rows(done), "ab", strict=True):
        assert (row["expected"], row["verdict"], row["passed"]) == (said, said, True)
        assert row["probability"] == pytest.approx(0.9)


def test_a_judge_that_likes_the_first_is_undecided(desk: Any) -> None:
    done = asked(desk, "pair", PAIRS, {"choice": "A"})
    assert [(row["verdict"], row["passed"]) for row in rows(done)] == [("tie", False)] * 2
    assert [row["probability"] for row in rows(done)] == pytest.approx([0.5, 0.5])


def test_it_is_asked_once_and_a_changed_expectation_costs_nothing(desk: Any) -> None:
    asked(desk, "pair", PAIRS, *HONEST)
    again = asked(desk, "pair", [{**PAIRS[0], "expect": "b"}, PAIRS[1]], *HONEST)
    assert again.manifest.engines == ()
    assert [row["passed"] for row in rows(again)] == [False, True]


def test_levels_and_ranges(desk: Any) -> None:
    rules = [
        {"match": r"Answer:\n`+\ngood", "choice": "3"},
        {"match": "fair", "choice": "2"},
        {"choice": "1"},
    ]
    rated = rows(asked(desk, "rate", RATES, {"match": r"`+\ngood", "choice": "3"}, *rules[1:]))
    assert [(row["expected"], row["passed"]) for row in rated][:2] == [("3", True), ("at most 2", True)]
    wrong = rows(asked(desk, "rate", RATES, {"match": "", "choice": "1"}))
    assert [(row["verdict"], row["passed"]) for row in wrong] == [("1", False), ("1", True), ("1", False)]
    assert wrong[1]["probability"] == pytest.approx(10 / 11)
    assert wrong[2]["expected"] == "at least 2, at most 2"


def test_after_one_rationale_there_is_no_probability(desk: Any) -> None:
    found = rows(asked(desk, "pair", PAIRS, *HONEST, mode=Mode.EXPLAIN))
    assert [row["probability"] for row in found] == [None, None]
    assert all(row["verdict"] in "a tie b" for row in found)


@pytest.mark.parametrize("protocol", ["checklist", "listwise"])
def test_checklists_and_lists(desk: Any, protocol: str) -> None:
    text, cases = starter("made", protocol)
    desk.rubric("made", text)
    found = yaml.safe_load(cases)["cases"]
    if protocol == "checklist":
        found += [{**found[0], "id": "one-question", "criterion": "correct", "expect": "yes"}]
        del found[-1]["at_least"]
        read = rows(asked(desk, "made", found, {"choice": "Yes"}))
        assert [row["passed"] for row in read] == [True, False, True]
        assert [row["verdict"] for row in read] == ["1", "1", "yes"]
        assert read[2]["probability"] == pytest.approx(0.9)
    else:
        read = rows(asked(desk, "made", found, {"match": r"# Response A\n`+\n(Jup|The)", "choice": "A"},
                          {"choice": "B"}))  # fmt: skip
        assert [row["passed"] for row in read] == [True, True]
        assert read[0]["verdict"] == "right > wrong"
        assert read[0]["probability"] == pytest.approx(0.9)


def test_each_case_is_asked_for_its_own_criterion_alone(desk: Any) -> None:
    text = (desk.folder / "judges" / "rate.md").read_text()
    text = text.replace("{quality: The answer is right.}", "{quality: Right., style: Fine.}")
    desk.rubric("rate", text + "{{criterion}}\n")
    cases = [{**RATES[0], "criterion": "quality"}, {**RATES[1], "criterion": "style"}]
    done = asked(desk, "rate", cases)
    judged = {(one.item_id, one.criterion) for one in done.records("judgments")}
    assert judged == {("top", "quality"), ("low", "style")}


def test_no_answer_is_no_pass(desk: Any) -> None:
    cut = EngineSpec(type="scripted", script={"rules": HONEST, "max_length": 60})
    (desk.folder / "judges" / "pair.cases.yaml").write_text(
        yaml.safe_dump({"cases": [PAIRS[0], {**PAIRS[1], "prompt": "word " * 80}]})
    )
    done = run_gold(JudgeOptions("pair", "m", engine=cut, runs=desk.runs))
    assert [(row["verdict"], row["passed"]) for row in rows(done)] == [
        ("a", True),
        ("no verdict (too_long)", False),
    ]
    (desk.folder / "judges" / "pair.cases.yaml").write_text(
        yaml.safe_dump({"cases": [{**PAIRS[1], "prompt": "word " * 80}]})
    )
    with pytest.raises(Inconclusive, match="no valid verdict"):
        run_gold(JudgeOptions("pair", "m", engine=cut, runs=desk.runs))
