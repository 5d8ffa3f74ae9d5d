"""Gates on what people would say, where they labelled a part of the answers of real runs."""

import random
from typing import Any

import pytest

from evalhub import stats
from evalhub.analysis import Results, comparisons, rows_of
from evalhub.gates import GateResult, evaluate_gates, exit_code
from evalhub.specs.gates import Gate
from evalhub.store import Run

ITEMS, LABELLED = 300, 150
MEASURE = "mean score (soft), people + judge"
GATE = {"system": "k", "measure": MEASURE, "margin": 0.3}
LEVELS = {"good": "3", "fair": "2", "bad": "1"}


def levels(seed: int, good: float) -> list[tuple[str, int]]:
    """Return for each item what the judge sees in the answer of k, and what people say of it.

    People give one level less than the judge to half of the answers that are not bad.
    """
    draws = random.Random(seed)
    pairs = []
    for _ in range(ITEMS):
        word = "good" if draws.random() < good else draws.choice(("fair", "bad"))
        level = int(LEVELS[word])
        pairs.append((word, level - (level > 1 and draws.random() < 0.5)))
    return pairs


@pytest.fixture
def night(desk: Any) -> Any:
    """Run one night on which people labelled a part of the answers."""

    def run(seed: int = 1, good: float = 0.7, *, labelled: int = LABELLED, judge: str = "j") -> Run:
        responses, labels = [], []
        for n, (word, level) in enumerate(levels(seed, good)):
            item = f"i{n:03}"
            for system, text, value in (("k", word, level), ("m", "fair", 2)):
                text = f"{seed if system == 'k' else 0} {n} {text}"
                responses.append({"item_id": item, "system": system, "family": "alpha", "text": text})
                if n < labelled:
                    label = {"item_id": item, "criterion": "quality", "system": system, "value": value}
                    labels.append({**label, "annotator": "ann"})
        desk.dataset(items=ITEMS, responses=responses, labels=labels)
        rules = [{"match": word, "choice": choice} for word, choice in LEVELS.items()]
        engine = {"type": "scripted", "script": {"rules": rules}}
        judges = [{"id": "pt", "rubric": "rate", "model": judge, "families": ["beta"], "engine": engine}]
        desk.suite(judges=judges)
        finished: Run = desk.run()
        return finished

    return run


def evaluate(after: Run, before: Run | None, *gates: dict[str, Any]) -> list[GateResult]:
    baseline = None if before is None else Results(before)
    return evaluate_gates(Results(after), [Gate(**gate) for gate in gates], baseline)


def columns(run: Run, seed: int, good: float) -> tuple[list[float | None], list[float]]:
    """Return the labels and the verdicts about k of one night, in the order of the items."""
    labels = [float(level) if n < LABELLED else None for n, (_, level) in enumerate(levels(seed, good))]
    query = "SELECT expected FROM judgments WHERE system = 'k' ORDER BY item_id"
    return labels, Results(run).sql(query)["expected"].tolist()


def test_a_biased_judge_reaches_a_number_and_people_do_not(night: Any) -> None:
    against = {"against": 2.2, "margin": 0.1, "error": 0.05}
    run = night()
    by_judge, by_people = evaluate(
        run, None, {**GATE, **against, "measure": "mean score"}, {**GATE, **against, "family": "people"}
    )
    assert (by_judge.state.value, by_people.state.value) == ("pass", "fail")
    assert exit_code([by_people]) == 1
    mean = stats.powered_mean(*columns(run, 1, 0.7), range(ITEMS), bounds=(1, 3)).estimate
    assert by_people.estimate.estimate == pytest.approx(mean.estimate - 2.2)
    assert (by_people.estimate.low, by_people.estimate.high) == pytest.approx(
        (mean.low - 2.2, mean.high - 2.2)
    )
    assert by_people.sentence.startswith(f"k on tiny: {MEASURE} by pt (quality) got worse: -0.")


def test_another_system_is_compared_as_compare_does(night: Any) -> None:
    run = night()
    (result,) = evaluate(run, None, {**GATE, "against": {"system": "m"}, "error": 0.05})
    (row,) = [row for row in rows_of(comparisons(Results(run))) if row["rater_kind"] == "people + judge"]
    assert (row["first"], row["second"]) == ("k", "m")
    assert (result.estimate.estimate, result.estimate.low) == pytest.approx((row["estimate"], row["low"]))


def test_a_judge_that_changed_hides_no_regression_from_people(night: Any) -> None:
    before, after = night(1, 0.7), night(3, 0.2, judge="another")
    by_judge, by_people = evaluate(
        after, before, {**GATE, "measure": "mean score"}, {**GATE, "family": "people"}
    )
    assert (by_judge.state.value, by_people.state.value) == ("inconclusive", "fail")
    assert "the judge changed" in str(by_judge.cause)
    difference = stats.powered_difference(
        columns(after, 3, 0.2), columns(before, 1, 0.7), range(ITEMS), confidence=0.995
    ).estimate
    estimate = by_people.estimate
    assert (estimate.estimate, estimate.low, estimate.high) == pytest.approx(
        (difference.estimate, difference.low, difference.high)
    )
    assert by_people.against == before.id


def test_the_same_answers_are_unchanged_with_other_labels(night: Any) -> None:
    before = night()
    (result,) = evaluate(night(labelled=LABELLED - 30), before, GATE)
    assert result.state.value == "pass"
    assert "is unchanged" in result.sentence


@pytest.mark.parametrize(
    ("labelled", "sentence"),
    [(0, "people labelled no answer of k in the baseline"), (10, "fewer than 25 labelled")],
)
def test_too_few_labels_decide_nothing(night: Any, labelled: int, sentence: str) -> None:
    before = night(1, labelled=labelled)
    (result,) = evaluate(night(2), before, GATE)
    assert result.state.value == "inconclusive"
    assert sentence in result.sentence


def test_without_labels_the_run_has_no_such_measure(night: Any) -> None:
    before = night(1)
    (result,) = evaluate(night(2, labelled=0), before, GATE)
    assert (result.state.value, result.estimate.estimate) == ("inconclusive", None)
    assert "people labelled no answer of k" in result.sentence


def test_a_measure_that_the_run_lacks_is_named_with_what_it_has(night: Any) -> None:
    """The judge gives probabilities, so the run has the soft measure."""
    (result,) = evaluate(night(), None, {**GATE, "measure": "mean score, people + judge", "against": 2.0})
    assert result.state.value == "inconclusive"
    assert f"the run has no such measure of the system, and has {MEASURE} by pt." in result.sentence
