"""`judges tune`: which variants and labels it takes, and which pairs it leaves out."""

import re
from collections import Counter
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis.frames.splits import drawn_split
from evalhub.errors import InputError, SpecError, UnknownNameError
from evalhub.runner import tune
from evalhub.store import all_runs
from tests.runner.tune_bench import (
    EQUAL,
    GOOD,
    ITEMS,
    RULES,
    halves,
    item,
    label,
    labelled,
    named,
    options,
    statuses,
    words,
)

from ..conftest import PAIR

__all__ = ["labelled"]


def test_a_duplicate_is_shown_and_not_judged(labelled: Any) -> None:
    labelled.rubric("copy", words(GOOD).replace("id: pair", "id: copy").replace("version: 1", "version: 7"))
    labelled.rubric("as-it-is", PAIR)
    tuned = tune(options(labelled, "good", "copy", "as-it-is"))
    assert statuses(tuned) == {
        "original": "stopped after 32 clusters",
        "person-1": "winner",
        "person-2": "duplicate of person-1",
        "person-3": "duplicate of original",
    }


def test_without_any_variant_left_nothing_is_judged(labelled: Any) -> None:
    labelled.rubric("as-it-is", PAIR)
    tuned = tune(options(labelled, "as-it-is"))
    assert (tuned.winner, tuned.race, tuned.test) == ("original", None, None)
    assert all_runs(labelled.runs) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("criteria: {overall:", "criteria: {other:"), r"other criteria.*allowed: \['overall'\]"),
        (("ties: false", "ties: true"), "another rule for ties"),
        (("protocol: pairwise", "protocol: swap"), "another protocol"),
        (("{{question}}", "No question."), "slot is missing"),
    ],
)
def test_a_variant_that_differs_in_more_than_words_is_refused(
    labelled: Any, change: tuple[str, str], sentence: str
) -> None:
    labelled.rubric("other", PAIR.replace(*change))
    with pytest.raises(SpecError, match=sentence):
        tune(options(labelled, "other"))
    assert not labelled.runs.exists()


def test_a_variant_without_an_optional_slot_is_refused(labelled: Any) -> None:
    text = PAIR.replace("Question:", "{{criterion}}\nQuestion:")
    labelled.rubric("with-slot", text.replace("id: pair", "id: with-slot"))
    with pytest.raises(SpecError, match="lacks a slot, got 'criterion'"):
        tune(options(labelled, "good", rubric="with-slot"))


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"variants": ()}, InputError, "no variant to compare"),
        ({"rubric": "rate"}, SpecError, "has to compare two responses"),
        ({"criterion": "nothing"}, UnknownNameError, "criterion"),
        ({"source": "nothing"}, UnknownNameError, "suite"),
        ({"on": ("other",)}, UnknownNameError, "dataset"),
        ({"on": ("tiny:quality",)}, SpecError, "write --dataset tiny:CRITERION"),
        ({"first": 0}, InputError, "at least 1"),
        ({"variants": ("nothing",)}, UnknownNameError, "nothing"),
        ({"out": Path("suites/s.yaml")}, InputError, "exists already"),
        ({"out": Path("nowhere/b.md")}, InputError, "no such folder"),
    ],
)
def test_what_cannot_be_tuned_is_refused_in_one_sentence(
    labelled: Any, changes: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        tune(options(labelled, **({"variants": ("good",)} | changes)))
    assert all_runs(labelled.runs) == []


def test_a_dataset_without_labels_is_refused(desk: Any) -> None:
    desk.dataset(items=20)
    desk.suite(judges=[])
    desk.rubric("good", words(GOOD))
    with pytest.raises(InputError):
        tune(options(desk, "good"))


def test_a_run_holds_the_labels_too(labelled: Any) -> None:
    run = labelled.run()
    tuned = tune(options(labelled, "good", source=run.id))
    assert tuned.winner == "person-1"


def test_a_variant_that_gives_no_verdict_is_wrong_there_and_stops(labelled: Any) -> None:
    silent = {"match": re.escape(EQUAL), "mass": 0.001}
    tuned = tune(options(labelled, "equal", rules=[silent, *RULES]))
    assert statuses(tuned)["person-1"] == "stopped after 16 clusters"
    measured = tuned.outcomes[1].measured
    assert measured is not None
    assert (measured.accuracy.estimate, measured.accuracy.n) == (0, 16)


def test_test_pairs_with_a_prompt_of_dev_clusters_are_left_out(desk: Any) -> None:
    items = [item(n) | ({"prompt": "The hard question of all?"} if n < 20 else {}) for n in range(ITEMS)]
    desk.dataset(items=items, labels=[label(n) for n in range(ITEMS)])
    desk.suite(judges=[])
    desk.rubric("good", words(GOOD))
    tuned = tune(options(desk, "good"))
    _, test = halves()
    assert tuned.test is not None
    assert tuned.test.shared == sum(n < 20 for n in test)
    assert tuned.test.difference.n == sum(n >= 20 for n in test)


def test_each_round_has_the_same_share_of_each_dataset(desk: Any) -> None:
    """A small dataset would else weigh more in the first rounds, and stop a variant that is no worse."""
    for name, number in {"large": ITEMS, "small": ITEMS // 4}.items():
        desk.dataset(name, items=[item(n) for n in range(number)], labels=[label(n) for n in range(number)])
    desk.suite(datasets=["large", "small"], judges=[])
    desk.rubric("equal", words(EQUAL))
    tune(options(desk, "equal", first=16))
    dev = {
        name: sum(drawn_split(name, f"i{n:03}", 0) == "dev" for n in range(number))
        for name, number in {"large": ITEMS, "small": ITEMS // 4}.items()
    }
    for place, run in enumerate(reversed(named(desk, "tune-dev-pair"))):
        share = min(1, 16 * 2**place / dev["large"])
        counts = Counter(record.dataset for record in run.records("items"))
        assert counts == {name: ceil(share * size) for name, size in dev.items()}


def test_test_pairs_of_a_cluster_that_dev_has_too_are_left_out(desk: Any) -> None:
    items = [item(n) | {"cluster": f"c{n // 2}"} for n in range(ITEMS)]
    is_dev = "substr(item_id, 2)::INTEGER < 20 AND item_id[-1] IN ('0', '2', '4', '6', '8')"
    is_dev = f"({is_dev}) OR substr(item_id, 2)::INTEGER BETWEEN 20 AND 90"
    split = f"CASE WHEN {is_dev} THEN 'dev' ELSE 'test' END AS split"
    query = f"SELECT item_id, prompt, refs, cluster, {split} FROM items"
    labels = [label(n) for n in range(ITEMS)]
    desk.dataset(items=items, labels=labels, card={"items": query})
    desk.suite(judges=[])
    desk.rubric("good", words(GOOD))
    tuned = tune(options(desk, "good"))
    assert tuned.test is not None
    # Ten clusters have a dev and a test item, and so has the one of the items 90 and 91.
    assert tuned.test.shared == 11
    assert tuned.test.difference.n == ITEMS - 92


def test_a_suite_with_some_clusters_is_tuned_on_no_more(labelled: Any) -> None:
    labelled.suite(datasets=[{"id": "tiny", "clusters": 20}], judges=[])
    tuned = tune(options(labelled, "good"))
    assert tuned.race is not None
    assert tuned.race.rounds == (16, 20)
    assert tuned.test is not None
    assert tuned.test.difference.n == 20


def test_whole_clusters_are_judged_in_each_round(desk: Any) -> None:
    items = [item(n) | {"cluster": f"c{n // 4}"} for n in range(ITEMS)]
    desk.dataset(items=items, labels=[label(n) for n in range(ITEMS)])
    desk.suite(judges=[])
    desk.rubric("equal", words(EQUAL))
    tune(options(desk, "equal", first=3))
    for run in named(desk, "tune-dev-pair"):
        numbers = [int(record.item_id[1:]) for record in run.records("items")]
        assert all(numbers.count(n) == 1 for n in numbers)
        assert len(numbers) == 4 * len({n // 4 for n in numbers})


# What a model writes
