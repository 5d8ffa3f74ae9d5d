"""`judges tune`: variants race on dev clusters, and the winner is measured once on test clusters."""

import json
import re
from typing import Any

import pytest

from evalhub.errors import InputError, Interrupted
from evalhub.runner import Silent, tune
from evalhub.specs import EngineSpec
from evalhub.store import all_runs
from tests.runner.tune_bench import (
    GOOD,
    PER_PAIR,
    RULES,
    halves,
    labelled,
    named,
    options,
    splits,
    statuses,
    words,
)

__all__ = ["labelled"]


def test_a_better_variant_wins_and_its_difference_on_test_clusters_is_reported(labelled: Any) -> None:
    tuned = tune(options(labelled, "equal", "good"))
    assert tuned.winner == "person-2"
    _, test = halves()
    hard = sum(n % 3 == 0 for n in test)
    assert tuned.test is not None
    assert tuned.test.accuracies["person-2"].estimate == 1
    assert tuned.test.accuracies["original"].estimate == pytest.approx(1 - hard / len(test))
    assert tuned.test.difference.estimate == pytest.approx(hard / len(test))
    assert tuned.test.difference.n == len(test)
    assert tuned.test.is_better
    assert tuned.test.is_held_out


def test_dev_numbers_are_those_of_the_labels(labelled: Any) -> None:
    tuned = tune(options(labelled, "good", first=1000))
    dev, _ = halves()
    original, good = tuned.outcomes
    assert original.measured is not None
    assert good.measured is not None
    assert good.measured.accuracy.n == len(dev)
    assert original.measured.difference is None
    assert good.measured.difference is not None
    share = sum(n % 3 == 0 for n in dev) / len(dev)
    assert original.measured.accuracy.estimate == pytest.approx(1 - share)
    assert good.measured.difference.estimate == pytest.approx(share)


def test_of_equal_variants_the_original_stays_and_nothing_is_measured_on_test(labelled: Any) -> None:
    tuned = tune(options(labelled, "equal"))
    assert (tuned.winner, tuned.test) == ("original", None)
    assert statuses(tuned) == {"original": "winner", "person-1": "not chosen"}
    assert named(labelled, "tune-test-pair") == []
    assert {split for run in all_runs(labelled.runs) for split in splits(run)} == {"dev"}


def test_a_far_worse_variant_stops_early_and_costs_fewer_judgments(labelled: Any) -> None:
    tuned = tune(options(labelled, "bad", "good"))
    dev, _ = halves()
    assert statuses(tuned)["person-1"] == "stopped after 16 clusters"
    assert statuses(tuned)["person-2"] == "winner"
    assert tuned.race is not None
    assert tuned.race.rounds[0] == 16
    assert tuned.race.judgments < 3 * PER_PAIR * len(dev)
    first, *later = reversed(named(labelled, "tune-dev-pair"))
    assert set(first.manifest.judges) == {"original", "person-1", "person-2"}
    assert all("person-1" not in run.manifest.judges for run in later)


def test_all_variants_judge_the_same_clusters_and_a_round_holds_the_one_before(labelled: Any) -> None:
    tune(options(labelled, "equal"))
    before: set[str] = set()
    for run in reversed(named(labelled, "tune-dev-pair")):
        judged = {
            judge: {record.item_id for record in run.records("judgments") if record.judge == judge}
            for judge in ("original", "person-1")
        }
        assert judged["original"] == judged["person-1"] > before
        before = judged["original"]
    dev, _ = halves()
    assert before == {f"i{n:03}" for n in dev}


def test_the_budget_is_respected(labelled: Any) -> None:
    budget = 2 * PER_PAIR * 40 + 1
    tuned = tune(options(labelled, "equal", budget=budget))
    assert tuned.race is not None
    assert tuned.race.rounds == (16, 32, 40)
    assert tuned.race.judgments == budget - 1
    assert tuned.race.end == "the budget is spent"
    (newest, *_) = named(labelled, "tune-dev-pair")
    assert sum(1 for _ in newest.records("judgments")) == budget - 1


def test_a_budget_that_compares_nothing_is_refused(labelled: Any) -> None:
    with pytest.raises(InputError, match=r"does not pay for 2 clusters.*8 judgments or more"):
        tune(options(labelled, "equal", budget=7))
    assert not labelled.runs.exists()


class _Stopping(Silent):
    """Presses Ctrl-C once so many steps are done."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def advance(self, *, steps: int = 0, failures: int = 0, cache_hits: int = 0) -> None:
        self.left -= steps
        if self.left < 0:
            raise KeyboardInterrupt


def test_the_same_command_goes_on_where_it_was_stopped_and_pays_nothing_twice(
    labelled: Any, chat_server: Any
) -> None:
    def behave(request: dict[str, Any]) -> tuple[int, Any]:
        prompt = request["messages"][-1]["content"]
        choice = next(rule["choice"] for rule in RULES if re.search(rule["match"], prompt))
        top = [(choice, -0.1), ("B" if choice == "A" else "A", -3.0)]
        return 200, chat_server.reply(choice, top=top)

    chat_server.behave = behave
    settings = options(labelled, "good", engine=EngineSpec(**chat_server.engine(concurrency=1)), model="m")
    for steps in (20, 90):
        with pytest.raises(Interrupted):
            tune(settings, _Stopping(steps))
    tuned = tune(settings)
    asked = [json.dumps(request, sort_keys=True) for request in chat_server.asked]
    assert tuned.race is not None
    assert tuned.winner == "person-1"
    assert len(asked) - len(set(asked)) <= 2  # what was in flight at each stop
    again = tune(settings)
    assert (again.race and again.race.judgments, statuses(again)) == (tuned.race.judgments, statuses(tuned))
    assert len(chat_server.asked) == len(asked)


def test_test_clusters_are_judged_by_the_winner_and_the_original_alone(labelled: Any) -> None:
    tune(options(labelled, "bad", "equal", "good"))
    on_test = [run for run in all_runs(labelled.runs) if "test" in splits(run)]
    assert [set(run.manifest.judges) for run in on_test] == [{"original", "person-3"}]
    assert splits(on_test[0]) == {"test"}


def test_a_second_tuning_counts_the_look_and_the_same_one_again_is_none(labelled: Any) -> None:
    first = tune(options(labelled, "good"))
    again = tune(options(labelled, "good"))
    labelled.rubric("better", words(f"{GOOD} Be kind."))
    second = tune(options(labelled, "better"))
    assert first.test is not None
    assert again.test is not None
    assert second.test is not None
    assert (first.test.looks, again.test.looks) == ((), ())
    assert second.test.looks == (again.test.run,)
    assert not second.test.is_held_out


def test_clusters_on_which_an_earlier_tuning_chose_are_not_held_out(labelled: Any) -> None:
    tune(options(labelled, "equal", seed=1))
    tuned = tune(options(labelled, "good"))
    assert tuned.test is not None
    assert tuned.test.chosen_on > 10
    assert not tuned.test.is_held_out


def test_it_is_not_claimed_that_equal_variants_are_better() -> None:
    """Of 300 tunings of four variants as good as the original, at most about 5% claim a better one."""
    import numpy as np

    from evalhub import stats

    rng = np.random.default_rng(3)
    claims = 0
    for _ in range(300):
        dev, test = ((rng.random((5, 120)) < 0.7).astype(float) for _ in range(2))
        racing = list(range(5))
        for size in (16, 32, 64, 120):
            look = stats.race_look([dev[place, :size] for place in racing], range(size), starters=5)
            winner = racing[look.leader]
            racing = [place for place, drop in zip(racing, look.dropped, strict=True) if not drop]
        if winner != 0:
            difference = stats.paired_difference(test[winner], test[0], range(120))
            claims += difference.low is not None and difference.low > 0
    assert claims <= 0.05 * 300
