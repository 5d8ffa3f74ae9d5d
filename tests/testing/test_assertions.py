"""Assertions on runs: a gate in a test says what it says on its night."""

from typing import Any

import pytest

from evalhub.analysis import BASELINE_TAG
from evalhub.errors import InputError, SpecError, UnknownNameError
from evalhub.night import run_night
from evalhub.runner import Options
from evalhub.stats import GateState
from evalhub.store import Run, set_tags
from evalhub.testing import assert_gate, assert_gates
from tests.gates.test_gates import GATE, ITEMS, RULES, answers, judge


@pytest.fixture
def night(desk: Any) -> Any:
    """Run one night, with other answers of k."""

    def run(seed: int, good: float, **suite: Any) -> Run:
        desk.dataset(items=ITEMS, responses=answers(seed, good))
        desk.suite(judges=[judge()], **suite)
        finished: Run = desk.run()
        return finished

    return run


@pytest.fixture
def signed(night: Any) -> Run:
    """Return a run that is signed off."""
    run: Run = night(1, 0.7)
    set_tags(run, [BASELINE_TAG])
    return run


def test_a_quiet_night_holds(night: Any, signed: Run) -> None:
    run = night(2, 0.7)
    for name in (run, run.path, str(run.path), run.id, "s"):
        (verdict,) = assert_gate(name, **GATE)
        assert verdict.state is GateState.PASS
        assert verdict.against == signed.id


def test_a_regression_fails_with_the_sentence_of_the_gate(night: Any, signed: Run) -> None:
    run = night(3, 0.45)
    for options in ({}, {"allow_inconclusive": True}):
        with pytest.raises(AssertionError, match=rf"^k on tiny: mean score by pt .*got worse.*{signed.id}"):
            assert_gate(run, **GATE, **options)
    with pytest.raises(AssertionError, match="got worse"):
        assert_gate(run, **GATE, against=2.9)


def test_what_is_not_decided_fails_or_skips(night: Any, signed: Run) -> None:
    run = night(2, 0.65)
    gate = {**GATE, "margin": 0.05}
    with pytest.raises(AssertionError, match="is not decided"):
        assert_gate(run, **gate)
    with pytest.raises(pytest.skip.Exception, match="is not decided"):
        assert_gate(run, **gate, allow_inconclusive=True)


def test_without_a_baseline_nothing_holds(night: Any) -> None:
    with pytest.raises(AssertionError, match="evalhub baseline set"):
        assert_gate(night(1, 0.7), **GATE)


def test_a_system_that_the_run_lacks_does_not_hold(night: Any, signed: Run) -> None:
    with pytest.raises(AssertionError, match="no such measure"):
        assert_gate(night(2, 0.7), **{**GATE, "system": "nobody"})
    with pytest.raises(AssertionError, match="does not measure"):
        assert_gate(night(2, 0.7), judge="nobody", flips=0.1)


def test_a_judge_that_failed_its_own_gate_decides_nothing(desk: Any) -> None:
    """One verdict of the judge fails, and its gate asks for all."""
    rules = [{"match": r"fixed 7\s", "mass": 0.01}, *RULES]
    unsure = judge(engine={"type": "scripted", "script": {"rules": rules}})
    for seed, good, gates in ((1, 0.7, []), (3, 0.45, []), (3, 0.45, [{"judge": "pt", "coverage": 1.0}])):
        desk.dataset(items=ITEMS, responses=answers(seed, good))
        desk.suite(judges=[unsure], gates=gates)
        run = desk.run()
        if seed == 1:
            set_tags(run, [BASELINE_TAG])
            continue
        with pytest.raises(AssertionError) as failure:
            assert_gate(run, **GATE)
        sentence = str(failure.value)
        assert len(sentence.splitlines()) == 1
        assert ("got worse" in sentence) == (not gates)
        assert ("the judge failed a gate of its own" in sentence) == bool(gates)


def test_all_gates_of_a_suite(night: Any, signed: Run) -> None:
    gates = [GATE, {"coverage": 0.9}, {**GATE, "against": 1.5}]
    assert len(assert_gates(night(2, 0.7, gates=gates))) == 3
    worse = night(3, 0.45, gates=gates)
    with pytest.raises(AssertionError) as failure:
        assert_gates(worse)
    (sentence,) = str(failure.value).splitlines()
    assert "got worse" in sentence
    # A gate on coverage alone is what is asked for, and nothing else.
    (coverage,) = assert_gate(worse, coverage=0.9)
    assert coverage.kind == "coverage"


def test_what_is_not_decided_hides_no_regression(night: Any, signed: Run) -> None:
    gates = [{"judge": "pt", "agreement": 0.5}, GATE]
    with pytest.raises(pytest.skip.Exception, match="Nothing can be said of agreement"):
        assert_gates(night(2, 0.7, gates=gates), allow_inconclusive=True)
    worse = night(3, 0.45, gates=gates)
    with pytest.raises((AssertionError, pytest.skip.Exception), match="got worse") as failure:
        assert_gates(worse, allow_inconclusive=True)
    assert failure.type is AssertionError


def test_gates_of_a_night(desk: Any) -> None:
    desk.suite(gates=[{"coverage": 0.5}])
    assert [gate.kind for gate in assert_gates(run_night("s", Options(runs=desk.runs)))] == ["coverage"]


def test_wrong_input_is_no_failed_gate(desk: Any, night: Any, signed: Run) -> None:
    with pytest.raises(SpecError, match="assert_gate:marginn: unknown key"):
        assert_gate(signed, **GATE, marginn=0.1)
    with pytest.raises(InputError, match="has no gates"):
        assert_gates(signed)
    with pytest.raises(UnknownNameError):
        assert_gate("nowhere", **GATE)
    with pytest.raises(InputError, match="there are no runs"):
        assert_gate("s", **GATE, runs=desk.folder / "elsewhere")


def test_a_run_that_goes_on_has_no_gates(desk: Any, night: Any, signed: Run) -> None:
    manifest = signed.path / "manifest.json"
    text = manifest.read_text()
    assert '"sealed"' in text
    manifest.write_text(text.replace('"sealed"', '"running"', 1))
    with pytest.raises(InputError, match="only a finished run has gates"):
        assert_gate(signed.path, **GATE)
