"""Budgets: the run drains at a limit and is sealed, and it goes on where the limit is raised."""

from collections import Counter
from typing import Any

import pytest

from evalhub.analysis import Results, leaderboard, rows_of
from evalhub.errors import Inconclusive, SpecError
from evalhub.records import Completion, Judgment
from evalhub.store import Run, State, all_runs

ITEMS = 120
RULES = [{"match": "k says[^§]*m says", "choice": "A"}, {"match": ".", "choice": "B"}]


def judge(**changes: Any) -> dict[str, Any]:
    engine = {"type": "scripted", "max_num_seqs": 8, "script": {"rules": RULES, "batch": 4}}
    plain = {"id": "pw", "rubric": "pair", "model": "j", "families": ["beta"], "pairs": {"by": "all"}}
    return {**plain, "engine": engine, **changes}


def completions(run: Run) -> list[Completion]:
    return [record for record in run.records("completions") if isinstance(record, Completion)]


def tokens(run: Run) -> int:
    return sum((record.prompt_tokens or 0) + (record.completion_tokens or 0) for record in completions(run))


@pytest.fixture
def whole(desk: Any) -> Run:
    """The same suite without a budget, in another folder."""
    desk.dataset(items=ITEMS)
    desk.suite(judges=[judge()])
    run: Run = desk.run()
    run.path.rename(desk.folder / "whole")
    return Run(desk.folder / "whole")


def test_a_budget_of_tokens_stops_and_goes_on(desk: Any, whole: Run) -> None:
    limit = tokens(whole) // 3
    desk.suite(judges=[judge()], budget={"tokens": limit})
    with pytest.raises(
        Inconclusive, match=rf"budget.tokens: the budget of tokens is spent .*got {limit}"
    ) as stop:
        desk.run()
    assert stop.value.exit_code == 3
    (run,) = all_runs(desk.runs)
    assert run.manifest.state is State.INTERRUPTED
    one_batch = 64 * tokens(whole) // len(completions(whole))
    assert limit <= tokens(run) <= limit + one_batch
    judged = [record for record in run.records("judgments") if isinstance(record, Judgment)]
    orders = Counter(record.item_id for record in judged)
    assert sum(count == 2 for count in orders.values()) >= len(orders) - 32  # both orders follow each other
    # What was judged is a random part of the items, not the first of the file.
    assert max(orders) > f"i{ITEMS // 2:03}"
    with pytest.raises(Inconclusive, match="budget of tokens is spent"):
        desk.run()
    assert tokens(run) <= limit + one_batch  # the second session computes nothing
    desk.suite(judges=[judge()], budget={"tokens": 10 * limit})
    finished = desk.run()
    assert (finished.id, finished.manifest.state) == (run.id, State.SEALED)
    assert rows_of(leaderboard(Results(finished))) == rows_of(leaderboard(Results(whole)))
    assert sorted(record.key for record in completions(finished)) == sorted(
        record.key for record in completions(whole)
    )


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_budget_that_the_last_answer_reaches_leaves_nothing(desk: Any, whole: Run, more: int) -> None:
    desk.suite(judges=[judge()], metrics=["length"], budget={"tokens": tokens(whole) + more})
    finished = desk.run()
    assert finished.manifest.state is State.SEALED
    assert len(list(finished.records("scores"))) == 4 * ITEMS  # two systems, words and characters


def test_a_spent_budget_takes_what_is_known(desk: Any, whole: Run) -> None:
    """Answers of another run cost nothing, also where nothing may be asked any more."""
    desk.suite(judges=[judge()])
    desk.run()
    desk.suite(judges=[judge()], budget={"minutes": 1e-9, "tokens": 1})
    assert desk.run().manifest.state is State.SEALED


def test_money_is_counted_by_the_price_of_each_model(desk: Any, whole: Run) -> None:
    price = {"prompt": 1000.0, "completion": 5000.0}
    cost = sum(
        ((record.prompt_tokens or 0) * 1000 + (record.completion_tokens or 0) * 5000) / 1e6
        for record in completions(whole)
    )
    desk.suite(judges=[judge(price=price)], budget={"cost": cost / 2})
    with pytest.raises(Inconclusive, match="the budget of cost is spent"):
        desk.run()
    (run,) = all_runs(desk.runs)
    assert 0.5 <= len(completions(run)) / len(completions(whole)) <= 0.5 + 64 / len(completions(whole))
    desk.suite(judges=[judge(price=price)], budget={"cost": 1.01 * cost})
    assert desk.run().id == run.id


def test_cached_tokens_are_counted_by_their_price(desk: Any, chat_server: Any) -> None:
    """At the full price of a prompt, the budget would end the run in its first half."""
    pytest.importorskip("openai")
    usage = {"prompt_tokens": 100, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 90}}
    reply = {**chat_server.reply("A", top=[("A", -0.1), ("B", -2.5)]), "usage": usage}
    chat_server.behave = lambda _: (200, reply)
    desk.dataset(items=40)
    price = {"prompt": 1000.0, "completion": 5000.0, "cached": 100.0}
    cost = 80 * (10 * 1000 + 90 * 100 + 2 * 5000) / 1e6
    served = judge(engine=chat_server.engine(concurrency=1), price=price)
    desk.suite(judges=[served], budget={"cost": 1.01 * cost})
    assert desk.run().manifest.state is State.SEALED
    assert len(chat_server.asked) == 80


def test_minutes_are_those_of_all_sessions(desk: Any) -> None:
    desk.dataset(items=ITEMS)
    slow = {"type": "scripted", "max_num_seqs": 4, "script": {"rules": RULES, "seconds": 0.02, "batch": 1}}
    desk.suite(judges=[judge(engine=slow)], budget={"minutes": 0.5 / 60})
    with pytest.raises(Inconclusive, match="the budget of minutes is spent"):
        desk.run()
    (run,) = all_runs(desk.runs)
    assert 0 < len(completions(run)) < 2 * ITEMS
    with pytest.raises(Inconclusive, match="the budget of minutes is spent"):
        desk.run()


def test_a_server_without_a_price_has_no_budget_of_money(desk: Any) -> None:
    served = judge(engine={"type": "openai", "base_url": "http://127.0.0.1:9/v1"})
    desk.suite(judges=[served], budget={"cost": 5})
    with pytest.raises(SpecError, match=r"budget.cost: .*price of each server's tokens, got 'pw'"):
        desk.run()


def test_two_prices_of_one_model_are_refused(desk: Any) -> None:
    """A completion names its model alone, so tokens of one would be counted by the price of the other."""
    dear, cheap = {"prompt": 100.0, "completion": 100.0}, {"prompt": 1.0, "completion": 1.0}
    desk.suite(judges=[judge(id="dear", price=dear), judge(id="cheap", price=cheap)], budget={"cost": 5})
    with pytest.raises(SpecError, match=r"budget.cost: .*one price for each model, .*got 'j'"):
        desk.run()
    desk.suite(judges=[judge(id="dear", price=dear), judge(id="cheap", price=dear)], budget={"cost": 5})
    assert desk.run().manifest.state is State.SEALED


def test_a_session_that_computes_nothing_keeps_the_counts(desk: Any) -> None:
    desk.dataset(items=ITEMS)
    desk.suite(judges=[judge()], budget={"tokens": 2000})
    sentences, counts = [], []
    for _ in range(2):
        with pytest.raises(Inconclusive) as stop:
            desk.run()
        (run,) = all_runs(desk.runs)
        sentences.append(stop.value.problem)
        counts.append(run.manifest.coverage)
    assert 0 < counts[0]["pw"].judgments < 2 * ITEMS
    assert counts[1] == counts[0]
    assert sentences[1] == sentences[0]


def test_a_completion_that_two_judges_share_is_spent_once(desk: Any) -> None:
    desk.dataset(items=ITEMS)
    twins = [judge(id="first"), judge(id="second")]
    desk.suite(judges=twins, budget={"tokens": 2000})
    with pytest.raises(Inconclusive):
        desk.run()
    (run,) = all_runs(desk.runs)
    keys = [record.key for record in completions(run)]
    assert len(set(keys)) < len(keys)
    spent = tokens(run) * len(set(keys)) // len(keys)
    # Some tokens are left, so the second session asks for more.
    desk.suite(judges=twins, budget={"tokens": spent + 1000})
    with pytest.raises(Inconclusive):
        desk.run()
    (run,) = all_runs(desk.runs)
    assert len({record.key for record in completions(run)}) > len(set(keys))


def test_what_early_stopping_saves_goes_to_pairs_that_are_open(desk: Any) -> None:
    """k beats m soon, and m and n are alike: the judgments that k saves are spent on m and n."""
    desk.dataset(items=ITEMS, systems=("k", "m", "n"))
    rules = [
        {"match": "k says[^§]* says", "choice": "A"},
        {"match": "says[^§]*k says", "choice": "B"},
        {"match": ".", "choice": "A"},
    ]
    engine = {"type": "scripted", "script": {"rules": rules}}
    budget = 6 * 30
    desk.suite(judges=[judge(engine=engine)], budget={"judgments": budget, "early_stopping": 0.95})
    with pytest.raises(Inconclusive, match="budget"):
        desk.run()
    (run,) = all_runs(desk.runs)
    judged = [record for record in run.records("judgments") if isinstance(record, Judgment)]
    pairs = Counter((record.system_a, record.system_b) for record in judged)
    assert len(judged) == budget
    assert pairs["m", "n"] == 100  # the plan gave 60 to each pair, and 40 were saved
    before = len(judged)
    with pytest.raises(Inconclusive, match="budget"):
        desk.run()
    again = [record for record in run.records("judgments") if isinstance(record, Judgment)]
    assert len(again) == before


def test_the_limits_may_change_and_the_tables_stay(desk: Any, whole: Run) -> None:
    desk.suite(judges=[judge()], budget={"tokens": 10**9, "minutes": 60, "cost": 9})
    run = desk.run()
    assert run.manifest.suite_hash == whole.manifest.suite_hash
