"""A served judge is the one that was measured, and its process begins and ends cleanly."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalhub.errors import SpecError
from evalhub.models import ModelSource, ResolvedModel
from evalhub.records import prompt_sha256
from evalhub.runner import measured_judge
from evalhub.serving import prepare
from evalhub.serving.questions import read_question
from evalhub.serving.refusal import Refusal
from evalhub.store import Run
from tests.conftest import PAIR, PAIR_JUDGE, RATE_JUDGE, Desk, Said, scripted
from tests.serving.conftest import item_row, label_pairs

GOOD = {"prompt": "What is 1 plus 1?", "response_a": "k says 1", "response_b": "m says 1"}
TWO_CRITERIA = """---
id: two
version: 1
protocol: pairwise
inputs: [question, reference, response_a, response_b]
criteria: {right: The right answer., short: The shorter answer.}
ties: false
---
## User
{{question}}
{{reference}}
{{criterion}}
{{response_a}}
{{response_b}}
"""
LIST = """---
id: list
version: 1
protocol: listwise
inputs: [question, responses]
criteria: {best: The best answer.}
---
## User
{{question}}
{{responses}}
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_has_begun_is_finished_before_the_end(
    desk: Desk, serve: Callable[..., Any], number: signal.Signals
) -> None:
    desk.suite(judges=[{**PAIR_JUDGE, "engine": scripted({"match": "slow", "seconds": 1.5})}])
    desk.run()
    replies: list[Any] = []
    with serve("pw") as served:

        def ask() -> None:
            with served.client() as client:
                replies.append(client.judge(**{**GOOD, "response_a": "slow"}))

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.5)
        start_time = time.monotonic()
        code, err = served.end(number)
        assert time.monotonic() - start_time < 20
        asking.join()
        ((status, answer),) = replies
        assert (status, answer["winner"] in ("a", "b")) == (200, True)
        assert code == 130
        assert "pw: stopped: 1 requests were answered and 0 refused" in err
        assert "Traceback" not in err
        with (
            pytest.raises(OSError, match="refused"),
            socket.create_connection((served.client().host, served.client().port)),
        ):
            pass


def test_an_idle_server_with_open_connections_ends_at_once(desk: Desk, serve: Callable[..., Any]) -> None:
    desk.run()
    with serve("pw") as served:
        clients = [served.client() for _ in range(3)]
        assert [client.judge(**GOOD)[0] for client in clients] == [200] * 3
        start_time = time.monotonic()
        code, _ = served.end()
        assert (code, time.monotonic() - start_time < 10) == (130, True)
        for client in clients:
            client.close()


def test_requests_of_several_clients_share_the_engine_s_batch(desk: Desk, serve: Callable[..., Any]) -> None:
    engine = scripted(seconds=0.4, batch=64)
    desk.suite(judges=[{**PAIR_JUDGE, "engine": engine}])
    desk.run()
    with serve("pw") as served:
        statuses: list[int] = []

        def ask(number: int) -> None:
            with served.client() as client:
                statuses.append(client.judge(**{**GOOD, "response_a": f"k {number}"})[0])

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
        start_time = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # One by one they would take 16 times 0.4 seconds at the least.
        assert time.monotonic() - start_time < 4
        assert statuses == [200] * 16


def test_an_engine_that_cannot_be_kept_alive_ends_the_server_and_tells_who_waits(
    desk: Desk, serve: Callable[..., Any]
) -> None:
    desk.suite(judges=[{**PAIR_JUDGE, "engine": scripted({"match": "explode", "crash": True})}])
    desk.run()
    with serve("pw") as served:
        statuses: list[int] = []

        def ask(number: int) -> None:
            with served.client() as client:
                statuses.append(client.judge(**{**GOOD, "response_a": f"explode {number}"})[0])

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        _, err = served.process.communicate(timeout=60)
        assert served.process.returncode == 3
        assert "the engine died 6 times in a row" in err
        assert set(statuses) <= {502, 503}


def test_a_changed_rubric_is_refused_unless_that_is_allowed(
    desk: Desk, serve: Callable[..., Any], cli: Callable[..., Said]
) -> None:
    label_pairs(desk, 30)
    desk.run()
    desk.rubric("pair", PAIR.replace("The better answer.", "The kinder answer."))
    refused = cli("serve", "pw", "--port", "0")
    assert refused.code == 2
    assert "this is not the judge that the run measured: the rubric pair has changed" in refused.sentence
    assert "--allow-unmeasured" in refused.sentence
    with serve("pw", "--allow-unmeasured") as served, served.client() as client:
        assert len(served.facts["unmeasured"]) == 1
        status, answer = client.judge(**GOOD)
        assert status == 200
        assert answer["measured"] == []
        assert answer["probability"]["calibrated"] is None
        assert answer["calibration"]["reason"] == "the run did not measure what is asked here"
        assert "the rubric pair has changed" in answer["unmeasured"][0]
    (desk.folder / "judges" / "pair.md").unlink()
    assert prepare(desk_run(desk), "pw").measured.changes == ()


def desk_run(desk: Desk) -> Run:
    return Run(max(desk.runs.iterdir(), key=lambda path: path.name))


def test_a_changed_model_is_refused_and_another_machine_is_said(desk: Desk) -> None:
    run = desk.run()
    manifest = json.loads((run.path / "manifest.json").read_text())
    facts = manifest["resolved"]["models"]["pw"]
    facts["device"] = "gpu"
    (run.path / "manifest.json").write_text(json.dumps(manifest))
    measured = measured_judge(Run(run.path), "pw")
    assert measured.changes == ()
    assert measured.machine == ("the device: gpu in the run, now none",)
    facts["content_hash"] = "0" * 64
    (run.path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(SpecError, match="the model's files: 0000"):
        measured_judge(Run(run.path), "pw")
    assert "the model's files" in measured_judge(Run(run.path), "pw", allow_changes=True).changes[0]


def test_a_pair_that_the_run_showed_in_one_order_is_not_what_is_served(desk: Desk) -> None:
    desk.suite(judges=[{**PAIR_JUDGE, "positions": "random"}])
    run = desk.run()
    with pytest.raises(SpecError, match=r"in one order \(positions: random\)"):
        prepare(run, "pw")
    served = prepare(run, "pw", allow_unmeasured=True)
    assert served.evidence["overall"].calibration is None


def test_what_is_no_judge_of_the_run_is_named(desk: Desk, cli: Callable[..., Said]) -> None:
    desk.rubric("list", LIST)
    desk.suite(
        judges=[PAIR_JUDGE, {**PAIR_JUDGE, "id": "pw2"}, {**RATE_JUDGE, "id": "ls", "rubric": "list"}],
        juries=[{"id": "both", "members": ["pw", "pw2"]}],
    )
    desk.run()
    assert "did you mean 'pw'" in cli("serve", "pww").sentence
    assert "a jury has several engines" in cli("serve", "both").sentence
    assert "a judge of lists is not asked by itself" in cli("serve", "ls").sentence
    assert "unknown run, got 'nowhere'" in cli("serve", "pw", "--run", "nowhere").sentence
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = cli("serve", "pw", "--port", str(taken.getsockname()[1]))
    assert said.code == 2
    assert "the address cannot be listened on (Address already in use)" in said.sentence
    assert "starting" not in said.err  # no model is loaded for nothing


def test_without_labels_no_map_is_made_up(desk: Desk, serve: Callable[..., Any]) -> None:
    desk.run()
    with serve("pw") as served, served.client() as client:
        _, answer = client.judge(**GOOD)
    assert answer["measured"] == []
    assert answer["probability"]["raw"] is not None
    assert answer["probability"]["calibrated"] is None
    reason = "the run has no labels of people, or by construction, for this judge and criterion"
    assert answer["probability"]["reason"] == answer["calibration"]["reason"] == reason


def test_with_few_labels_the_raw_error_is_shown_and_no_map_is_made_up(desk: Desk) -> None:
    label_pairs(desk, 20)
    served = prepare(desk.run(), "pw")
    calibration = served.evidence["overall"].calibration
    assert calibration is not None
    assert calibration.map is None
    assert calibration.reason == "fewer than 20 verdicts to calibrate on"
    assert (calibration.labels, calibration.clusters) == (20, 10)
    assert calibration.raw.low is not None
    assert calibration.calibrated.estimate is None


def test_labels_of_models_are_those_of_nobody(desk: Desk) -> None:
    label_pairs(desk, 60)
    card = desk.folder / "datasets" / "tiny.yaml"
    card.write_text(card.read_text().replace("'human' AS annotator_kind", "'model' AS annotator_kind"))
    card.write_text(card.read_text().replace("''human'' AS annotator_kind", "''model'' AS annotator_kind"))
    served = prepare(desk.run(), "pw")
    evidence = served.evidence["overall"]
    assert evidence.measures == ()
    assert (
        evidence.reason == "the run has no labels of people, or by construction, for this judge and criterion"
    )


def test_a_miscalibrated_judge_is_nearer_to_labels_of_clusters_that_the_map_has_not_seen(desk: Desk) -> None:
    label_pairs(desk, 400, seed=1)
    calibration = prepare(desk.run(), "pw").evidence["overall"].calibration
    assert calibration is not None
    raw, calibrated, change = calibration.raw, calibration.calibrated, calibration.change
    print(
        f"Brier {raw.estimate:.3f} ({raw.low:.3f} to {raw.high:.3f}) raw, {calibrated.estimate:.3f} "
        f"({calibrated.low:.3f} to {calibrated.high:.3f}) calibrated, change {change.estimate:.3f} "
        f"({change.low:.3f} to {change.high:.3f}), {calibration.labels} labels"
    )
    assert change.high is not None
    assert change.high < 0


def test_ratings_are_calibrated_in_the_labels_unit(desk: Desk) -> None:
    items = [item_row(number) for number in range(60)]
    labels = [
        {"item_id": item["item_id"], "criterion": "quality", "system": system, "annotator": "ann",
         "value": 1 + (number + len(system)) % 3}
        for number, item in enumerate(items) for system in ("k", "m")
    ]  # fmt: skip
    desk.dataset(items=items, labels=labels)
    desk.suite(judges=[RATE_JUDGE])
    evidence = prepare(desk.run(), "pt").evidence["quality"]
    calibration = evidence.calibration
    assert calibration is not None
    assert calibration.map is not None
    assert (calibration.labels, calibration.clusters) == (120, 30)
    assert calibration.raw.estimate is not None
    assert 1 <= (evidence.calibrate(2.0) or 0) <= 3
    assert evidence.measures[0].measure.startswith("Spearman")


def test_what_the_run_did_not_measure_is_answered_only_if_allowed(
    desk: Desk, serve: Callable[..., Any]
) -> None:
    desk.rubric("two", TWO_CRITERIA)
    desk.suite(judges=[{**PAIR_JUDGE, "rubric": "two", "criteria": ["right"]}])
    desk.run()
    question = {**GOOD, "reference": "It is 2."}
    choice = {"type": "choice", "criteria": {"A": None, "B": None}}
    own = {
        "model": "pw",
        "state": question,
        "questions": {"x": {**choice, "instructions": "Which is funnier?"}},
    }
    short = {**own, "questions": {"x": {**choice, "instructions": "The shorter answer."}}}
    with serve("pw") as served, served.client() as client:
        assert client.judge(**question)[1]["criterion"] == "right"
        status, reply = client.judge(**question, criterion="short")
        assert (status, "the run did not ask this judge for short" in reply["error"]) == (422, True)
        status, reply = client.judge(**GOOD)
        assert (status, "measured with a reference, and it is missing" in reply["error"]) == (422, True)
        assert "on no other question" in client.post("/v1/systemone", own)[1]["error"]
        assert "did not ask this judge for short" in client.post("/v1/systemone", short)[1]["error"]
    with serve("pw", "--allow-unmeasured") as served, served.client() as client:
        measured = client.judge(**question)[1]
        assert measured["unmeasured"] == []
        other = client.judge(**question, criterion="short")[1]
        assert (other["criterion"], len(other["unmeasured"])) == ("short", 1)
        assert other["calibration"] == {
            "labels": 0, "clusters": 0, "reason": "the run did not measure what is asked here"
        }  # fmt: skip
        assert len(client.judge(**GOOD)[1]["unmeasured"]) == 1
        status, reply = client.post("/v1/systemone", own)
        assert status == 200, reply
        extra = reply["evalhub"]["x"]
        assert (extra["probabilities_are"], len(extra["unmeasured"])) == ("raw", 1)
        _, reply = client.post("/v1/systemone", short)
        assert reply["evalhub"]["x"]["probability"] == other["probability"]
        assert extra["probability"]["raw"] != measured["probability"]["raw"]


def test_a_prompt_that_the_judge_was_trained_on_is_not_what_the_run_measured(desk: Desk) -> None:
    served = prepare(desk.run(), "pw")
    item = read_question(served, GOOD).item
    model = ResolvedModel(
        "m", ModelSource.FOLDER, desk.folder, ("beta",), "0" * 64, None, None, None, 0, "none",
        trained_on=frozenset([prompt_sha256(item)]),
    )  # fmt: skip
    judge = replace(served.judge, runs=replace(served.judge.runs, model=model))
    trained = replace(served, measured=replace(served.measured, judge=judge))
    with pytest.raises(Refusal, match="the judge was trained on this prompt"):
        read_question(trained, GOOD)
    assert read_question(trained, {**GOOD, "prompt": "Another?"}).unmeasured == ()
    (reason,) = read_question(replace(trained, allow_unmeasured=True), GOOD).unmeasured
    assert "trained on this prompt" in reason


def test_a_served_judge_can_be_asked_by_the_engine_of_decision_models(
    desk: Desk, serve: Callable[..., Any]
) -> None:
    pytest.importorskip("openai")
    from evalhub.engines import complete, open_engine
    from evalhub.records import Message, Question, QuestionKind, Request, RequestKind, Sampling
    from evalhub.specs import EngineSpec

    desk.run()
    question = Question(QuestionKind.CHOICE, "overall", (("A", ""), ("B", "")))
    requests = [
        (
            str(number),
            Request(
                (Message("user", json.dumps({**GOOD, "response_a": f"k says {number}"})),),
                Sampling(max_tokens=1), ("A", "B"), kind=RequestKind.DECIDE, question=question,
            ),
        )
        for number in range(5)
    ]  # fmt: skip
    with serve("pw") as served:
        spec = EngineSpec(type="systemone", base_url=f"{served.url}/v1")
        with open_engine(spec, name="pw", log_folder=desk.folder / "logs") as engine:
            completions = list(complete(engine, requests))
    assert [completion.failure for completion in completions] == [None] * 5
    assert {completion.answered_by for completion in completions} == {"toy-judge"}


def test_nothing_of_the_process_stays_behind(desk: Desk, serve: Callable[..., Any]) -> None:
    desk.run()
    with serve("pw") as served:
        children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children").read_text().split()
        assert children
        served.end()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [child for child in children if Path(f"/proc/{child}").exists()]
    assert os.getpid() not in map(int, children)
