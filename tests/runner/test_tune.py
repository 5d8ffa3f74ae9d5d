"""`judges tune`: variants race on dev clusters, and the winner is measured once on test clusters."""

import json
import re
from collections import Counter
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis.frames.splits import drawn_split
from evalhub.errors import InputError, Interrupted, SpecError, UnknownNameError
from evalhub.runner import Silent, Tuned, TuneOptions, tune
from evalhub.specs import EngineSpec, load_rubric, parse_rubric
from evalhub.store import Run, all_runs

from ..conftest import PAIR

ITEMS = 160
PER_PAIR = 2  # judgments: one of each order

GOOD, EQUAL, BAD = "Weigh the facts.", "Be careful.", "Be unjust."


def words(text: str, rubric: str = PAIR) -> str:
    """Return the rubric with one more sentence."""
    return rubric.replace("## User\n", f"## User\n{text}\n")


def judging(name: str, *, right: bool) -> list[dict[str, Any]]:
    """Return the rules of a judge that prefers k, as the labels do, or m, where a prompt has some words."""
    first, second = ("A", "B") if right else ("B", "A")
    return [
        {"match": rf"(?s){name}.*First response:\n`+\nk says", "choice": first},
        {"match": rf"(?s){name}.*First response:\n`+\nm says", "choice": second},
    ]


RULES = [
    *judging(re.escape(GOOD), right=True),
    *judging(re.escape(BAD), right=False),
    *judging("hard", right=False),
    *judging("", right=True),
]


def item(number: int) -> dict[str, Any]:
    kind = "hard" if number % 3 == 0 else "easy"
    return {"item_id": f"i{number:03}", "prompt": f"A {kind} question, number {number}?", "refs": []}


def label(number: int, winner: str = "a", criterion: str = "overall") -> dict[str, Any]:
    return {
        "item_id": f"i{number:03}", "criterion": criterion, "system_a": "k", "system_b": "m",
        "annotator": "p", "winner": winner,
    }  # fmt: skip


@pytest.fixture
def labelled(desk: Any) -> Any:
    """A desk on which people prefer k, the rubric fails on a third of the items, and variants are at hand."""
    desk.dataset(items=[item(n) for n in range(ITEMS)], labels=[label(n) for n in range(ITEMS)])
    desk.suite(judges=[])
    for name, text in {"good": GOOD, "equal": EQUAL, "bad": BAD}.items():
        desk.rubric(name, words(text))
    return desk


def options(desk: Any, *names: str, rules: Any = RULES, **changes: Any) -> TuneOptions:
    engine = EngineSpec(type="scripted", script={"rules": rules})
    values = {
        "rubric": "pair", "model": "j", "engine": engine, "runs": desk.runs, "source": "s",
        "variants": names, "first": 16,
    }  # fmt: skip
    return TuneOptions(**(values | changes))


def statuses(tuned: Tuned) -> dict[str, str]:
    return {outcome.variant.id: outcome.status for outcome in tuned.outcomes}


def splits(run: Run) -> set[str | None]:
    return {record.split for record in run.records("items")}


def named(desk: Any, suite: str) -> list[Run]:
    return [run for run in all_runs(desk.runs) if run.manifest.suite == suite]


def halves() -> tuple[list[int], list[int]]:
    """Return the numbers of the dev items and of the test items."""
    dev = [n for n in range(ITEMS) if drawn_split("tiny", f"i{n:03}", 0) == "dev"]
    return dev, [n for n in range(ITEMS) if n not in dev]


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


def writing(*texts: str) -> list[dict[str, Any]]:
    return [
        {"match": rf"(?s)You improve.*This is attempt {number} of", "text": text}
        for number, text in enumerate(texts, 1)
    ]


def body(text: str) -> str:
    return words(text).split("---\n")[2]


def test_a_written_variant_can_win_and_invalid_ones_are_shown_with_their_reasons(labelled: Any) -> None:
    texts = (
        f"Here you are:\n```markdown\n{body(GOOD)}```\nI hope that this helps.",
        "Just be better at it.",
        body(EQUAL).replace("{{response_b}}", "the second"),
        body(GOOD),
        PAIR,
    )
    tuned = tune(options(labelled, writer="w", writes=5, rules=[*writing(*texts), *RULES]))
    status = statuses(tuned)
    assert tuned.winner == "written-1"
    assert tuned.outcomes[1].variant.text == words(GOOD)
    assert re.match("refused: .*(outside a section|section '## User' is missing)", status["written-2"])
    assert re.match("refused: .*response_b", status["written-3"])
    assert status["written-4"] == "duplicate of written-1"
    assert status["written-5"] == "duplicate of original"


def test_the_writer_sees_dev_clusters_alone(labelled: Any) -> None:
    texts = (body(GOOD), body(EQUAL), body(BAD))
    tune(options(labelled, "equal", writer="w", writes=3, rules=[*writing(*texts), *RULES]))
    (run,) = named(labelled, "tune-write-pair")
    prompts = [record.turns[0] for record in run.records("items")]
    assert len(prompts) == 3
    dev, test = halves()
    seen = {n for prompt in prompts for n in map(int, re.findall(r"question, number (\d+)\?", prompt))}
    assert seen
    assert seen <= {n for n in dev if n % 3 == 0}  # those on which judge and labels differ
    for n in test:
        assert not any(f"number {n}?" in prompt or f"says {n}\n" in prompt for prompt in prompts)
    assert all("People prefer response A. The judge prefers response B." in prompt for prompt in prompts)
    assert all("{{response_a}}" in prompt for prompt in prompts)


def test_a_writer_that_gives_no_text_is_counted(labelled: Any) -> None:
    engine = EngineSpec(type="scripted", script={"max_length": 5})
    tuned = tune(options(labelled, "good", writer="w", writes=2, writer_engine=engine))
    assert statuses(tuned)["written-1"].startswith("refused: the model gave no text")
    assert tuned.winner == "person-1"


# The file of the winner


def test_the_winner_is_written_as_the_next_version_of_the_rubric(labelled: Any) -> None:
    text = words(GOOD).replace("id: pair", "id: 'good'  # mine").replace("version: 1", "version: 5")
    labelled.rubric("good", text)
    out = labelled.folder / "judges" / "pair-2.md"
    tuned = tune(options(labelled, "good", out=out))
    assert (tuned.file, tuned.version) == (out, 2)
    rubric = load_rubric(str(out))
    assert (rubric.id, rubric.version) == ("pair", 2)
    assert rubric.user == parse_rubric(text, "good").user
    assert "# mine" in out.read_text()


def test_nothing_is_written_where_the_original_stays(labelled: Any) -> None:
    out = labelled.folder / "pair-2.md"
    tuned = tune(options(labelled, "equal", out=out))
    assert tuned.file is None
    assert not out.exists()


def test_variants_do_not_stand_in_the_way_of_the_rubric(labelled: Any) -> None:
    """A variant with the id and version of the rubric makes no text that the rubric contradicts."""
    tune(options(labelled, "good"))
    assert tune(options(labelled, "equal")).winner == "original"


# The command


def test_the_command_prints_variants_and_what_is_shown(labelled: Any, cli: Callable[..., Any]) -> None:
    engine = json.dumps({"type": "scripted", "script": {"rules": RULES}})
    arguments = (
        "judges", "tune", "pair", "--model", "j", "--on", "s", "--variant", "good", "--variant", "bad",
        "--engine", engine, "--first", "16", "--runs", str(labelled.runs),
    )  # fmt: skip
    output = cli(*arguments)
    assert output.code == 0, output
    assert "person-1 is better than the original on test clusters that no choice has seen" in output.out
    assert "The dev accuracy of person-1 is optimistic: it is the best of 3" in output.out
    assert "stopped after 16 clusters" in output.out
    values = json.loads(cli(*arguments, "--json").out)
    assert values["winner"] == "person-1"
    assert values["test"]["is_better"] is True
    assert [variant["origin"] for variant in values["variants"]] == ["original", "person", "person"]
    equal = cli(*[word if word != "good" else "equal" for word in arguments])
    assert "No variant is better than the original on dev clusters" in equal.out


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
