"""Plans and texts of any size: tasks are made when they are needed, and texts are read shard by shard."""

from typing import Any

import pytest

from evalhub import runner
from evalhub.records import Record
from evalhub.runner.execute import session
from evalhub.runner.execute.driver import ShardJob
from evalhub.runner.execute.jobs import EngineWork
from evalhub.runner.execute.texts import Texts
from evalhub.store import PartKind, Run, read_records

from ..conftest import CANDIDATE, PAIR_JUDGE, RATE_JUDGE

ITEMS = 11
SUITE: dict[str, Any] = {
    "candidates": [CANDIDATE | {"samples": 2, "sampling": {"temperature": 1.0, "max_tokens": 12}}],
    "judges": [PAIR_JUDGE, RATE_JUDGE],
    "metrics": ["length", {"rouge": {"variants": [1]}}],
}
CLUSTERS = "SELECT item_id, prompt, refs, item_id[4:] AS cluster FROM items"
OTHER_CLUSTERS = "SELECT item_id, prompt, refs, (item_id[4:]::INTEGER % 6)::VARCHAR AS cluster FROM items"
KINDS = ("items", "responses", "judgments", "scores", "completions")


def records(run: Run) -> dict[str, list[Record]]:
    """Return the records of a run by table, in an order that shards do not decide."""
    return {kind: sorted(run.records(kind), key=repr) for kind in KINDS}


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalhub.runner.plan.tasks.SHARD_TASKS", 4)
    monkeypatch.setattr("evalhub.runner.execute.texts.BYTES_IN_MEMORY", 1)


def test_shards_change_no_record(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.dataset(items=ITEMS)
    desk.suite(**SUITE)
    expected = desk.run()
    desk.runs = desk.folder / "in-shards"
    monkeypatch.setattr("evalhub.runner.plan.tasks.SHARD_TASKS", 4)
    monkeypatch.setattr("evalhub.runner.execute.texts.BYTES_IN_MEMORY", 1)
    run = desk.run()
    shards = {part.kind: len(run.part_record(part).shards) for part in run.manifest.parts}
    assert shards[PartKind.DATASET] == 3
    assert shards[PartKind.JUDGMENTS] > 3
    assert records(run) == records(expected)


@pytest.mark.usefixtures("small_shards")
def test_responses_of_an_earlier_run_stand_in_other_shards(desk: Any) -> None:
    """New clusters make new shards of the dataset. The responses are reused, in their earlier shards."""
    desk.dataset(items=ITEMS, card={"items": CLUSTERS})
    desk.suite(**SUITE)
    desk.run()
    desk.dataset(items=ITEMS, card={"items": OTHER_CLUSTERS})
    run = desk.run()
    computed_in = {part.kind: part.computed_in for part in run.manifest.parts}
    assert computed_in[PartKind.RESPONSES]
    assert not computed_in[PartKind.DATASET]
    desk.runs = desk.folder / "fresh"
    fresh = records(desk.run())
    reused = records(run)
    for kind in ("items", "responses", "judgments", "scores"):
        assert reused[kind] == fresh[kind], kind


@pytest.mark.usefixtures("small_shards")
def test_texts_are_those_of_the_run(desk: Any) -> None:
    desk.dataset(items=ITEMS, card={"items": OTHER_CLUSTERS})
    desk.suite(**SUITE)
    run = desk.run()
    texts = Texts(run, "tiny")
    stored = {(one.item_id, one.system, one.sample): one for one in run.records("responses")}  # type: ignore[union-attr]
    assert len(stored) == texts.count == ITEMS * 4
    for (item_id, system, sample), response in stored.items():
        assert texts.response(item_id, system, sample) == response
        assert texts.item(item_id).item_id == item_id
    assert texts.response("i000", "nobody", 0) is None
    assert texts.response("i999", "k", 0) is None
    in_shards = [item.item_id for shard in texts.shards for item in texts.items_of(shard)]
    assert in_shards != sorted(in_shards)
    assert sorted(texts.clusters, key=texts.place) == in_shards


def test_a_plan_holds_groups_and_makes_tasks(desk: Any) -> None:
    desk.dataset(items=ITEMS, systems="kmn")
    desk.suite(judges=[PAIR_JUDGE | {"samples": 2, "mode": "explain", "sampling": {"temperature": 1.0}}])
    tasks = runner.prepare("s", runner.Options(runs=desk.runs)).plan.tasks["pw"]
    assert len(tasks.groups) == ITEMS * 3
    assert len(tasks) == len(list(tasks)) == tasks.judgments == ITEMS * 3 * 2 * 2
    first_orders = tasks.keep(lambda task: task.shown == "ab")
    assert len(first_orders) == len(list(first_orders)) == first_orders.judgments == len(tasks) / 2
    assert {task.shown for task in first_orders.keep(lambda task: task.repeat == 1)} == {"ab"}
    assert not tasks.keep(lambda task: task.repeat > 1).groups
    assert first_orders + tasks.keep(lambda task: task.shown == "ba")
    assert next(iter(tasks)) in tasks
    assert not tasks.on("another")


def test_works_on_one_engine_go_through_the_items_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "LEAD_ITEMS", 2)

    def work(name: str, tokens: int) -> EngineWork:
        jobs: Any = [ShardJob(name, None, (dataset, item)) for dataset in (0, 1) for item in range(4)]  # type: ignore[arg-type]
        return EngineWork((name,), None, None, tokens, iter([jobs]))  # type: ignore[arg-type]

    (jobs,) = session._side_by_side([work("explains", 256), work("direct", 1)])
    order = [(job.shard, *job.place) for job in jobs]
    assert [entry[0] for entry in order[:8]] == ["explains"] * 3 + ["direct", "explains"] + ["direct"] * 3
    assert [entry[1] for entry in order] == [0] * 8 + [1] * 8
    assert [entry[2] for entry in order if entry[0] == "direct"] == [0, 1, 2, 3] * 2


@pytest.mark.usefixtures("small_shards")
def test_shards_are_read_once_in_order_or_all_stay(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.dataset(items=ITEMS)
    desk.suite(judges=[PAIR_JUDGE])
    run = desk.run()
    reads: list[object] = []

    def counted(path: Any, kind: str) -> Any:
        reads.append(path)
        return read_records(path, kind)

    monkeypatch.setattr("evalhub.runner.execute.texts.read_records", counted)
    item_ids = [f"i{number:03}" for number in range(ITEMS)]
    shuffled = item_ids[::4] + item_ids[1::4] + item_ids[2::4] + item_ids[3::4]
    for in_order, order, expected in ((True, item_ids, 3), (False, shuffled, 3), (True, shuffled, None)):
        texts = Texts(run, "tiny", in_order=in_order)
        reads.clear()
        for item_id in order:
            texts.item(item_id)
        assert len(reads) == expected if expected else len(reads) > 3


@pytest.mark.usefixtures("small_shards")
def test_scattered_clusters_are_judged_in_the_order_of_the_shards(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Items of one cluster stand far apart. Their shard is read once all the same."""
    clusters = "SELECT item_id, prompt, refs, (item_id[2:]::INTEGER % 20)::VARCHAR AS cluster FROM items"
    desk.dataset(items=40, card={"items": clusters})
    desk.suite()
    reads: list[object] = []

    def counted(path: Any, kind: str) -> Any:
        reads.append(path)
        return read_records(path, kind)

    monkeypatch.setattr("evalhub.runner.execute.texts.read_records", counted)
    run = desk.run()
    assert len(reads) == len(set(reads)) == 2 * 5
    assert run.manifest.coverage["pw"].valid == 40 * 2


def test_the_text_of_a_candidate_counts_before_a_recorded_length(desk: Any) -> None:
    desk.dataset(
        responses=[
            {"item_id": f"i{number:03}", "system": system, "family": "alpha", "text": text}
            for number in range(4)
            for system, text in (("k", "a text"), ("bot", ""))
        ],
        card={
            "responses": "SELECT item_id, system, nullif(text, '') AS text, if(text = '', 12, NULL) AS chars,"
            " family FROM responses"
        },
    )
    desk.suite(candidates=[CANDIDATE], judges=[RATE_JUDGE])
    run = desk.run()
    (coverage,) = run.manifest.coverage.values()
    assert coverage.valid == coverage.expected == 8
