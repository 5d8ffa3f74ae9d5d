"""Row 33: runs that ask a server in batches. Killed, stopped and limited, nothing is lost or paid twice.

20 kills for each protocol with EVALHUB_FULL=1, and 4 without it.
"""

import json
import os
import random
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("anthropic")
pytest.importorskip("openai")

from evalhub.analysis import Results, cascades, cost, rows_of
from evalhub.engines import anthropic_server, complete, openai_server
from evalhub.errors import Inconclusive, SpecError
from evalhub.records import Completion, Message, Request
from evalhub.runner import measured_judge
from evalhub.store import Run, all_runs, verify
from tests.batch_servers import AnthropicBatchServer, OpenaiBatchServer
from tests.engines.test_secrets import texts_of

KEY = "sk-canary-7f3a91c05b"
JUDGE = {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, "model": "m", "families": ["beta"]}
RATE = {"id": "pt", "rubric": "rate", "model": "m", "families": ["beta"]}
QUICK = {"poll_seconds": 0.01, "size": 5, "at_once": 2}
KILLS = 20 if os.environ.get("EVALHUB_FULL") else 4


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((openai_server, "OPENAI_API_KEY"), (anthropic_server, "ANTHROPIC_API_KEY")):
        monkeypatch.setattr(module, "_BACKOFF", 0.001)
        monkeypatch.setenv(name, KEY)


def make_host(kind: Any) -> Any:
    """Return a server that prefers what is shown first, and answers texts in capitals."""
    host = kind()

    def behave(sent: dict[str, Any]) -> tuple[int, Any]:
        if "tools" in sent:
            return 200, host.verdict("A")
        if "top_logprobs" in sent:
            return 200, host.reply("A", top=[("A", -0.2), ("B", -1.9)])
        return 200, host.reply(sent["messages"][-1]["content"][:40].upper())

    host.behave = behave
    return host


@pytest.fixture(params=[OpenaiBatchServer, AnthropicBatchServer], ids=["openai", "anthropic"])
def host(request: pytest.FixtureRequest) -> Iterator[Any]:
    server = make_host(request.param)
    yield server
    server.close()


def suite(desk: Any, host: Any, items: int = 8, *, price: Any = None, **changes: Any) -> None:
    """Ask for two rationales and two verdicts of each item."""
    desk.dataset(items=items)
    engine = host.engine(batch=changes.pop("batch", QUICK))
    judge = {**JUDGE, "mode": "explain", "engine": engine, **({"price": price} if price else {})}
    desk.suite(judges=[judge], **changes)


def answers(run: Run) -> dict[str, Completion]:
    completions = [record for record in run.records("completions") if isinstance(record, Completion)]
    assert len(completions) == len({completion.key for completion in completions})
    return {completion.key: completion for completion in completions}


def texts(run: Run) -> dict[str, Any]:
    return {key: (completion.text, completion.failure) for key, completion in answers(run).items()}


def test_a_run_in_batches_has_the_answers_of_single_requests(desk: Any, cli: Any, host: Any) -> None:
    suite(desk, host)
    run = desk.run()
    assert (len(host.asked), host.submitted) == (2, 30)  # a rationale and a verdict are sent alone
    assert set(host.paid.values()) == {1}
    assert sum(completion.batch is True for completion in answers(run).values()) == 30
    assert re.search(r"32 requests · \d+ batches", " ".join(cli("report", "--full").out.split()))
    wire = len(host.wire)
    suite(desk, host, batch=False)
    again = desk.run()  # every answer is found again
    assert len(host.wire) == wire
    desk.runs = desk.folder / "alone"
    alone = desk.run()
    assert texts(run) == texts(again) == texts(alone)


@pytest.mark.parametrize("kind", [OpenaiBatchServer, AnthropicBatchServer], ids=["openai", "anthropic"])
def test_kills_lose_nothing_and_pay_nothing_twice(desk: Any, kind: Any) -> None:
    """A process is killed when a request of it arrives, or is answered. The same command goes on."""
    calm = make_host(kind)
    suite(desk, calm)
    desk.runs = desk.folder / "calm"
    expected = texts(desk.run())
    calm.close()
    rng = random.Random(20)
    places = [rng.randint(1, len(calm.wire)) for _ in range(KILLS)]
    for trial, place in enumerate(places):
        host = make_host(kind)
        try:
            suite(desk, host)
            desk.runs = desk.folder / f"runs{trial}"
            moment = kill_at(desk, host, place, ("arrived", "answered", "later")[trial % 3], rng)
            run = desk.run()
        finally:
            host.close()
        assert set(host.paid.values()) == {1}, (trial, place, moment)
        singles = Counter(json.dumps(body, sort_keys=True) for body in host.asked)
        assert len(host.paid | singles) == len(expected), (trial, place, moment)
        # A request that was sent alone, and in flight at the kill.
        assert (host.paid + singles).total() - len(expected) <= 1, (trial, place, moment)
        assert sorted(texts(run).values()) == sorted(expected.values())
        assert len(all_runs(desk.runs)) == 1
        assert all(finding.problem is None for finding in verify(run))


def kill_at(desk: Any, host: Any, place: int, moment: str, rng: random.Random) -> str:
    """Start a run and kill it at one of its requests. Return which one that was.

    Args:
        place: The number of the request.
        moment: Whether the process dies when the request has arrived, when it is carried out and the answer
            is not sent yet, or some milliseconds later.
    """
    respond, wire = host.respond, []
    processes: list[Any] = []

    def strike(method: str, path: str, headers: Any, content: bytes) -> Any:
        wire.append(f"{moment} {method} {path}")
        is_last = len(wire) == place
        if is_last and moment == "arrived":
            processes[0].kill()
        answer = respond(method, path, headers, content)
        if is_last and moment == "answered":
            processes[0].kill()
        if is_last and moment == "later":
            threading.Timer(rng.uniform(0, 0.03), processes[0].kill).start()
        return answer

    host.respond = strike
    processes.append(desk.start("run", "s", "--runs", str(desk.runs)))
    _, err = processes[0].communicate(timeout=60)
    host.respond = respond
    assert processes[0].returncode in (-signal.SIGKILL, 0), err
    return str(wire[place - 1]) if len(wire) >= place else "no request"


def test_ctrl_c_leaves_the_batch_and_the_same_command_collects_it(desk: Any, cli: Any, host: Any) -> None:
    host.polls_needed = 10**9
    suite(desk, host, items=4)
    process = desk.start("run", "s")
    deadline = time.monotonic() + 30
    while len(host.batches) < 2 or not all(batch.polls for batch in host.batches):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 4
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "what was submitted goes on at the server, and the same command collects it (batches: 2)" in err
    (sentence,) = [line for line in err.splitlines() if line.startswith("evalhub: ")]
    assert "same command" in sentence
    submitted = host.submitted
    assert submitted == 7
    host.polls_needed = 0
    assert cli("run", "s").code == 0
    assert (host.submitted + len(host.asked), set(host.paid.values())) == (16, {1})
    assert len(all_runs(desk.runs)) == 1


def test_another_run_collects_what_an_interrupted_one_submitted(desk: Any, host: Any) -> None:
    host.polls_needed = 10**9
    suite(desk, host, items=4)
    process = desk.start("run", "s")
    while len(host.batches) < 2:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    host.polls_needed = 0
    judge = {**JUDGE, "mode": "explain", "engine": host.engine(batch=QUICK)}
    desk.suite(judges=[judge], metrics=["length"])
    run = desk.run()
    assert len(all_runs(desk.runs)) == 2
    assert (host.submitted + len(host.asked), set(host.paid.values())) == (16, {1})
    assert len(texts(run)) == 16


def test_candidates_and_judges_in_batches(desk: Any, host: Any) -> None:
    engine = host.engine(batch=QUICK)
    bot = {"id": "bot", "model": "m", "families": ["acme"], "engine": engine}
    desk.suite(candidates=[bot], judges=[{**JUDGE, "engine": engine}])
    run = desk.run()
    assert set(host.paid.values()) == {1}
    assert {response.source for response in run.records("responses") if response.system == "bot"} == {
        "generated"
    }


def test_a_judge_that_was_measured_in_batches_answers_at_once(desk: Any, host: Any) -> None:
    suite(desk, host)
    run = desk.run()
    batches, singles = len(host.batches), len(host.asked)
    with measured_judge(run, "pw").open_engine() as engine:
        (completion,) = complete(engine, [("k", Request((Message("user", "Hi"),)))])
    assert (completion.text, completion.batch) == ("HI", None)
    assert (len(host.batches), len(host.asked)) == (batches, singles + 1)


PRICE = {"prompt": 3, "completion": 15}


def test_money_is_that_of_batches(desk: Any, cli: Any, host: Any) -> None:
    suite(desk, host, price={**PRICE, "batch": 0.5})
    run = desk.run()
    costs = {row["statistic"]: row for row in rows_of(cost(Results(run)))}
    one = (7 * 3 + 2 * 15) / 1e6
    money = costs["money for 1,000 judgments"]["estimate"]
    assert money == pytest.approx(1000 * (2 * one + 30 * one / 2) / 16)
    assert "whose time is that of the server's queue" in costs["judgments a second"]["reason"]
    # What is expected of a run that asks all of it again.
    suite(desk, host, items=16, price={**PRICE, "batch": 0.5})
    (expected,) = json.loads(cli("plan", "s", "--json").out)["expected"]
    assert expected["minutes"] is None
    assert expected["cost"] == pytest.approx(expected["requests"] * one / 2)


def test_money_without_a_price_of_batches_is_not_known(desk: Any, cli: Any, host: Any) -> None:
    suite(desk, host, price=PRICE)
    results = Results(desk.run())
    (row,) = [row for row in rows_of(cost(results)) if row["statistic"] == "money for 1,000 judgments"]
    assert row["estimate"] is None
    assert "no price of them, as in `price: {batch: 0.5}`" in row["reason"]
    suite(desk, host, items=16, price=PRICE)
    (expected,) = json.loads(cli("plan", "s", "--json").out)["expected"]
    assert (expected["cost"], expected["minutes"]) == (None, None)
    suite(desk, host, price=PRICE, budget={"cost": 5})
    with pytest.raises(SpecError, match="needs the price of batches"):
        desk.run()


def test_the_stages_of_a_cascade_cost_what_batches_cost(desk: Any) -> None:
    host = make_host(OpenaiBatchServer)

    def prefer_m(sent: dict[str, Any]) -> tuple[int, Any]:
        words = sent["messages"][-1]["content"]
        letters = "AB" if words.index("m says") < words.index("k says") else "BA"
        return 200, host.reply(letters[0], top=[(letters[0], -0.05), (letters[1], -3.1)])

    host.behave = prefer_m
    labels = [
        {"item_id": f"i{n:03}", "criterion": "overall", "system_a": "k", "system_b": "m", "annotator": "x",
         "winner": "b"}
        for n in range(100)
    ]  # fmt: skip
    desk.dataset(items=100, labels=labels)
    engine = host.engine(batch={**QUICK, "size": 1000})
    judges = [
        {**JUDGE, "id": name, "engine": engine, "price": {**PRICE, **price}}
        for name, price in (("pw", {"batch": 0.5}), ("unknown", {}))
    ]
    desk.suite(
        judges=judges,
        cascades=[{"id": "c", "stages": ["pw"]}, {"id": "d", "stages": ["unknown"]}],
    )
    try:
        rows = rows_of(cascades(Results(desk.run())))
    finally:
        host.close()
    stages = {row["stage"]: row for row in rows if row["statistic"] == "share"}
    assert stages["unknown"]["money"] is None
    assert "price: {batch: 0.5}" in stages["unknown"]["money_reason"]
    assert stages["pw"]["decided"] == stages["pw"]["asked"]
    # One of 200 requests was sent alone, at the full price.
    assert stages["pw"]["money"] == pytest.approx(2 * (7 * 3 + 2 * 15) / 1e6 / 2, rel=0.03)


def test_a_budget_of_money_counts_batches_at_their_price(desk: Any, host: Any) -> None:
    one = (7 * 3 + 2 * 15) / 1e6
    suite(desk, host, price={**PRICE, "batch": 0.5}, budget={"cost": 20.0 * one})
    run = desk.run()
    assert len(texts(run)) == 32  # 2 at the full price, 30 at half of it
    suite(desk, host, items=9, price={**PRICE, "batch": 0.5}, budget={"cost": 0.9 * one})
    with pytest.raises(Inconclusive, match="the budget of cost is spent"):
        desk.run()
    assert set(host.paid.values()) == {1}


def test_a_budget_of_time_does_not_wait_for_a_batch(desk: Any, host: Any) -> None:
    host.polls_needed = 10**9
    suite(desk, host, budget={"minutes": 1 / 60})
    with pytest.raises(Inconclusive, match="the budget of minutes is spent"):
        desk.run()
    submitted = host.submitted
    host.polls_needed = 0
    suite(desk, host, budget={"minutes": 10})
    assert len(texts(desk.run())) == 32
    assert submitted
    assert (host.submitted + len(host.asked), set(host.paid.values())) == (32, {1})


def test_the_key_is_in_no_file_and_no_word(desk: Any, cli: Any, host: Any) -> None:
    host.polls_needed = 1
    host.edit = lambda lines: [*lines[1:], {"custom_id": "x", "answer": [400, host.refuse(KEY)]}]
    suite(desk, host, items=3)
    said = cli("run", "s")
    assert KEY not in said.out + said.err
    files = texts_of(desk.folder)
    assert any("/batches/" in name for name in files)
    assert [name for name, text in files.items() if KEY in text] == []
