"""Gates on real runs: what they say of a quiet night, a regression, and of what is no fault of the system."""

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from evalhub.analysis import Results
from evalhub.gates import GateResult, evaluate_gates, exit_code
from evalhub.gates.answers import Answers
from evalhub.gates.evaluate import _unfit
from evalhub.specs.gates import Gate
from evalhub.stats import GateState
from evalhub.store import Run

ITEMS = 400
RULES = [{"match": "good", "choice": "3"}, {"match": "bad", "choice": "1"}]
PAIR_RULES = [{"match": "good", "choice": "A"}, {"match": "bad", "choice": "B"}]
GATE = {"system": "k", "measure": "mean score", "margin": 0.3}


def answers(seed: int, good: float, *, opponent: str = "fixed") -> list[dict[str, Any]]:
    """Return answers of k, of which a share is good, and of m, which never change."""
    draws = random.Random(seed)
    rows = []
    for n in range(ITEMS):
        word = "good" if draws.random() < good else "bad"
        for system, text in (("k", f"{draws.random()} {word}"), ("m", f"{opponent} {n}")):
            rows.append({"item_id": f"i{n:03}", "system": system, "family": "alpha", "text": text})
    return rows


def judge(**changes: Any) -> dict[str, Any]:
    engine = {"type": "scripted", "script": {"rules": RULES}}
    return {"id": "pt", "rubric": "rate", "model": "j", "families": ["beta"], "engine": engine} | changes


def pair_judge() -> dict[str, Any]:
    """Return a judge that prefers what is shown first where k is good, and else what is shown second."""
    engine = {"type": "scripted", "script": {"rules": PAIR_RULES}}
    return judge(id="pw", rubric="pair", pairs={"by": "all"}, engine=engine)


@pytest.fixture
def night(desk: Any) -> Any:
    """Run one night: with other answers, another judge, other gates."""

    def run(
        seed: int = 1, good: float = 0.7, *, judges: Any = None, opponent: str = "fixed", **suite: Any
    ) -> Run:
        desk.dataset(items=ITEMS, responses=answers(seed, good, opponent=opponent))
        desk.suite(judges=judges or [judge()], **suite)
        finished: Run = desk.run()
        return finished

    return run


def states(after: Run, before: Run | None, *gates: dict[str, Any]) -> list[GateResult]:
    baseline = None if before is None else Results(before)
    return evaluate_gates(Results(after), [Gate(**gate) for gate in gates], baseline)


def test_a_quiet_night_passes_and_a_regression_fails(night: Any) -> None:
    before = night(1)
    (quiet,) = states(night(2), before, GATE)
    assert (quiet.state.value, exit_code([quiet])) == ("pass", 0)
    assert "is not worse by 0.30 or more" in quiet.sentence
    (worse,) = states(night(3, 0.45), before, GATE)
    assert (worse.state.value, exit_code([worse])) == ("fail", 1)
    assert worse.sentence.startswith("k on tiny: mean score by pt (quality) got worse: -0.")
    assert before.id in worse.sentence
    assert worse.estimate.confidence == pytest.approx(0.995)


def test_an_unchanged_night_is_said_so(night: Any) -> None:
    before = night()
    (result,) = states(night(title="again"), before, GATE)
    assert result.state.value == "pass"
    assert "is unchanged" in result.sentence


def test_a_small_night_is_not_decided_and_says_how_many_items_would(night: Any) -> None:
    before = night(1)
    (result,) = states(night(2, 0.65), before, {**GATE, "margin": 0.05})
    assert (result.state.value, exit_code([result])) == ("inconclusive", 3)
    assert "in 80% of nights" in result.sentence


def test_without_a_baseline_nothing_is_decided(night: Any) -> None:
    (result,) = states(night(), None, GATE)
    assert (result.state.value, exit_code([result])) == ("inconclusive", 3)
    assert "evalhub baseline set" in result.sentence


def test_a_judge_that_changed_is_no_regression(night: Any) -> None:
    before = night(1)
    other = judge(engine={"type": "scripted", "script": {"rules": [{"match": "good", "choice": "2"}]}})
    (result,) = states(night(3, 0.45, judges=[other]), before, GATE)
    assert (result.state.value, exit_code([result])) == ("inconclusive", 3)
    assert "the judge changed" in str(result.cause)


def test_opponents_that_changed_are_no_regression(night: Any) -> None:
    before = night(1, judges=[pair_judge()])
    gate = {"system": "k", "measure": "win rate", "margin": 0.1}
    (same,) = states(night(2, judges=[pair_judge()]), before, gate)
    assert same.cause is None
    (result,) = states(night(1, opponent="better", judges=[pair_judge()]), before, gate)
    assert result.state.value == "inconclusive"
    assert "the answers of its opponents changed (m)" in result.sentence


def test_new_items_are_no_change_of_answers(desk: Any, night: Any) -> None:
    before = night(1)
    rows = answers(1, 0.7)
    desk.dataset(items=ITEMS + 1, responses=[*rows, {**rows[0], "item_id": f"i{ITEMS:03}"}])
    grown = desk.run()
    pair = Answers(Results(grown), Results(before))
    assert not pair.differ("tiny", "k")
    assert not pair.are_equal("tiny", "k")
    assert pair.are_equal("tiny", "m")


def test_a_number_and_another_system_need_no_baseline(night: Any) -> None:
    run = night(1)
    passes, fails, beside = states(
        run,
        None,
        {**GATE, "against": 2.0, "margin": 0.1},
        {**GATE, "against": 2.9, "margin": 0.1},
        {**GATE, "against": {"system": "m"}, "margin": 1.5},
    )
    assert [passes.state.value, fails.state.value, beside.state.value] == ["pass", "fail", "pass"]
    assert fails.against == "2.9"
    assert beside.against == "m"


def test_only_items_with_a_tag(desk: Any) -> None:
    """The odd items get worse, and the even ones stay."""
    runs = []
    for share in (0.0, 0.6):
        draws, rows = random.Random(5), answers(1, 0.7)
        for row in rows:
            if row["system"] == "k" and int(row["item_id"][1:]) % 2 and draws.random() < share:
                row["text"] = row["text"].replace("good", "bad")
        parity = "[CASE WHEN substr(item_id, 2)::INTEGER % 2 = 0 THEN 'even' ELSE 'odd' END] AS tags"
        card = {"items": f"SELECT item_id, prompt, refs, {parity} FROM items"}
        desk.dataset(items=ITEMS, responses=rows, card=card)
        desk.suite(judges=[judge()])
        runs.append(desk.run())
    even, odd = states(runs[1], runs[0], {**GATE, "tag": "even"}, {**GATE, "tag": "odd"})
    assert (even.state.value, odd.state.value) == ("pass", "fail")
    assert odd.estimate.n == ITEMS // 2


def test_health_of_run_and_judge(night: Any) -> None:
    run = night(1)
    coverage, cut, flips = states(
        run, None, {"coverage": 0.99}, {"cut_answers": 0.1}, {"judge": "pt", "flips": 0.2}
    )
    assert coverage.state.value == "pass"
    assert "800 of 800 verdicts are valid; at least 0.99 is asked for" in coverage.sentence
    assert cut.state.value == "inconclusive"  # recorded answers do not say why they ended
    assert flips.state.value == "inconclusive"  # a rating has no order


def test_a_judge_that_failed_its_own_gate_decides_nothing(night: Any) -> None:
    before, after = night(1, 0.9), night(2, 0.2)
    (alone,) = states(after, before, GATE)
    assert alone.state.value == "fail"
    coverage, quality = states(after, before, {"coverage": 1.0, "judge": "pt"}, GATE)
    assert (coverage.state.value, quality.state.value) == ("pass", "fail")
    failed = [replace(coverage, state=GateState.FAIL)]
    assert (exit_code(failed), exit_code([*failed, quality])) == (3, 1)


def test_a_judge_whose_verdicts_turn_fails_its_gate(night: Any) -> None:
    run = night(1, judges=[pair_judge()])
    (flips,) = states(run, None, {"judge": "pw", "flips": 0.2})
    assert flips.state.value == "fail"
    assert "pw changes its verdict with the order in 1.00" in flips.sentence
    assert flips.estimate.n == ITEMS
    before = night(1, 0.9, judges=[pair_judge()])
    after = night(2, 0.2, judges=[pair_judge()])
    gates = [{"judge": "pw", "flips": 0.2}, {"system": "k", "measure": "win rate", "margin": 0.1}]
    _, quality = states(after, before, *gates)
    assert quality.state.value != "fail"


def test_results_are_plain_values(night: Any) -> None:
    (result,) = states(night(), None, GATE)
    row = json.loads(json.dumps(result.as_row()))
    assert row["state"] == "inconclusive"
    assert row["system"] == "k"


@pytest.mark.parametrize(
    ("gate", "problem"),
    [
        ({}, "this one has 0"),
        ({"coverage": 0.9, "cut_answers": 0.1}, "this one has 2"),
        ({"measure": "win rate", "system": "k"}, "names its system and its margin"),
        ({"flips": 0.2}, "names its judge"),
        ({"coverage": 0.9, "margin": 0.1}, "margin stands in a gate on a measure alone"),
        ({"measure": "win rate", "system": "k", "margin": 0.1, "judge": "j"}, "name it as rater"),
    ],
)
def test_a_gate_is_one_condition(gate: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Gate(**gate)


def recorded(value: float) -> dict[str, Any]:
    """Return a card whose judge of ratings, recorded elsewhere, gives one level or another to all of k."""
    rating = f"CASE WHEN system = 'k' AND hash(item_id) % 10 > 0 THEN {value} ELSE 2 END"
    columns = f"item_id, system, 'quality' AS criterion, 'rec' AS judge, {rating} AS value"
    return {"judges": {"rec": {}}, "judgments": f"SELECT {columns} FROM responses"}


def test_records_of_a_judge_that_changed_are_no_regression(desk: Any) -> None:
    """The answers are the same, and whoever recorded the verdicts judged them anew."""
    runs = []
    for value in (3, 1):
        desk.dataset(items=ITEMS, responses=answers(1, 0.7), card=recorded(value))
        desk.suite(judges=[judge()])
        runs.append(desk.run())
    (result,) = states(runs[1], runs[0], {**GATE, "rater": "rec"})
    assert result.estimate.high is not None
    assert result.estimate.high < -0.3
    assert (result.state.value, exit_code([result])) == ("inconclusive", 3)
    assert "its answers are those of the baseline" in str(result.cause)


def test_a_jury_with_an_unfit_member_decides_nothing(night: Any) -> None:
    judges = [judge(), judge(id="p2", seed=5)]
    juries = [{"id": "panel", "members": ["pt", "p2"]}]
    run = night(1, judges=judges, juries=juries)
    (coverage,) = states(run, None, {"coverage": 0.5, "judge": "p2"})
    assert set(_unfit(Results(run), [coverage])) == set()
    assert set(_unfit(Results(run), [replace(coverage, state=GateState.FAIL)])) == {"p2", "panel"}


def test_items_that_lost_their_answers_are_not_passed_over(desk: Any, night: Any) -> None:
    before = night(1)
    rows = [row for row in answers(1, 0.7) if row["system"] == "m" or "good" in row["text"]]
    desk.dataset(items=ITEMS, responses=rows)
    desk.suite(judges=[judge()])
    (result,) = states(desk.run(), before, GATE)
    assert (result.state.value, exit_code([result])) == ("inconclusive", 3)
    assert "of 400 items with a value on the baseline have none now" in result.sentence


def test_an_edited_item_blocks_no_win_rate(desk: Any, night: Any) -> None:
    """One prompt changed and both systems answered it anew: it is left out, and the others decide."""
    before = night(1, judges=[pair_judge()])
    rows = answers(1, 0.7)
    for row in rows[:2]:
        row["text"] += " again"
    items = [
        {
            "item_id": f"i{n:03}",
            "prompt": f"What is {n} plus {n}?{'!' * (n == 0)}",
            "refs": [f"It is {2 * n}"],
        }
        for n in range(ITEMS)
    ]
    desk.dataset(items=items, responses=rows)
    desk.suite(judges=[pair_judge()])
    (result,) = states(desk.run(), before, {"system": "k", "measure": "win rate", "margin": 0.1})
    assert result.cause is None
    assert result.estimate.n == ITEMS - 1


def test_a_value_that_never_differs_is_decided(night: Any) -> None:
    """All ratings are 2 on both nights, and the answers differ."""
    level = judge(engine={"type": "scripted", "script": {"rules": [{"match": ".", "choice": "2"}]}})
    before = night(1, judges=[level])
    after = night(2, judges=[level])
    (result,) = states(after, before, GATE)
    assert result.state.value == "pass"
    assert result.estimate.method == "rule-of-three"
    (narrow,) = states(after, before, {**GATE, "margin": 0.01})
    assert narrow.state.value == "inconclusive"


def test_a_tag_that_no_item_has_is_not_decided(night: Any) -> None:
    run = night()
    for before in (None, run):
        (result,) = states(run, before, {**GATE, "tag": "nowhere"})
        assert result.state.value == "inconclusive"
        assert "no item has the tag" in result.sentence


def test_a_number_needs_no_tag_in_the_baseline(desk: Any) -> None:
    runs = []
    for tag in ("old", "new"):
        card = {"items": f"SELECT item_id, prompt, refs, ['{tag}'] AS tags FROM items"}
        desk.dataset(items=ITEMS, responses=answers(1, 0.7), card=card)
        desk.suite(judges=[judge()])
        runs.append(desk.run())
    number, baseline = states(
        runs[1], runs[0], {**GATE, "tag": "new", "against": 2.0}, {**GATE, "tag": "new"}
    )
    assert (number.state.value, baseline.state.value) == ("pass", "inconclusive")


def test_several_results_of_one_gate_have_names_of_their_own(night: Any) -> None:
    run = night(judges=[judge(), judge(id="p2", seed=5)])
    results = states(run, None, {**GATE, "id": "quality"})
    assert len({result.id for result in results}) == len(results) == 2
    assert all(result.id.startswith("quality: k mean score") for result in results)
