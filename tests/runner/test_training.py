"""Training data from a run, and a model that was trained on them: what it saw, it is not measured on."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import Results, training
from evalhub.analysis.people.training import (
    DIRECT,
    DISAGREE,
    LISTS,
    NOT_DEV,
    ONE_ORDER,
    TWICE,
    UNLABELLED,
    WRONG,
)
from evalhub.records import Item, prompt_sha256
from evalhub.runner import Options, Silent, prepare

SPLIT = "CASE WHEN item_id < 'i004' THEN 'dev' ELSE 'test' END AS split"
ITEMS = f"SELECT item_id, prompt, refs, {SPLIT} FROM items"
LIKES_K = [
    {"match": r"First response:\n`+\nk says", "choice": "A", "text": "k is right"},
    {"match": r"First response:", "choice": "B", "text": "k is right"},
]
JUDGE = {"id": "own", "rubric": "pair", "model": "m", "families": ["beta"], "mode": "think"}


def label(number: int, winner: str) -> dict[str, Any]:
    return {
        "item_id": f"i{number:03}", "criterion": "overall", "system_a": "k", "system_b": "m",
        "annotator": "x", "winner": winner,
    }  # fmt: skip


def judged(desk: Any, *, items: str = ITEMS, labels: list[Any] | None = None, **changes: Any) -> Results:
    given = [label(n, "a" if n % 2 == 0 else "b") for n in range(8)] if labels is None else labels
    desk.dataset(items=8, labels=given, card={"items": items})
    rules = changes.pop("rules", LIKES_K)
    engine = {"type": "scripted", "script": {"rules": rules}}
    desk.suite(judges=[{**JUDGE, "engine": engine, **changes}])
    return Results(desk.run())


def test_what_the_labels_confirm_on_the_dev_side_is_taken(desk: Any) -> None:
    results = judged(desk)
    found = training([results])
    lines = [json.loads(line) for line in found.lines]
    assert [(one["item_id"], one["shown"], one["verdict"]) for one in lines] == [
        ("i000", "ab", "A"), ("i000", "ba", "B"), ("i002", "ab", "A"), ("i002", "ba", "B"),
    ]  # fmt: skip
    assert found.manifest["exclusions"] == {NOT_DEV: 8, WRONG: 4}
    assert found.manifest["splits"] == {"tiny": "the split dev"}
    one = lines[0]
    assert (one["rationale"], one["label"], one["annotator_kind"], one["split"]) == (
        "k is right", "a", "human", "dev",
    )  # fmt: skip
    assert one["rubric_hash"] == results.rubric("own").hash  # type: ignore[union-attr]
    assert [turn["role"] for turn in one["messages"]] == ["user", "assistant"]
    assert "k is right" in one["messages"][-1]["content"]
    asked = {prompt_sha256(item) for item in results.run.records("items") if item.item_id in ("i000", "i002")}  # type: ignore[union-attr,arg-type]
    assert set(found.manifest["items"]) == asked
    assert (
        found.manifest["sha256"]
        == hashlib.sha256("".join(f"{x}\n" for x in found.lines).encode()).hexdigest()
    )


def test_the_same_bytes_again_and_from_two_runs(desk: Any) -> None:
    first = judged(desk)
    again = Results(desk.run())
    both = training([first, again])
    assert both.lines == training([again]).lines
    assert both.manifest["exclusions"][TWICE] == len(both.lines)


def test_without_a_split_half_of_the_clusters_whatever_else_is_in_the_run(desk: Any) -> None:
    labels = [label(n, "a") for n in range(8)]
    items = "SELECT item_id, prompt, refs, 'c' || (item_id[4]::INTEGER // 2) AS cluster FROM items"
    results = judged(desk, items=items, labels=labels)
    taken = [{json.loads(line)["cluster"] for line in training([results], seed).lines} for seed in range(6)]
    assert len({tuple(sorted(one)) for one in taken}) > 1
    for seed, clusters in enumerate(taken):
        lines = [json.loads(line) for line in training([results], seed).lines]
        assert len(lines) == 4 * len(clusters)  # a cluster is never cut
    part = Results(desk.run(limit=3))
    whole = set(training([results], 1).lines)
    assert set(training([part], 1).lines) <= whole
    assert training([part], 1).manifest["splits"] == {"tiny": "about half of the clusters, seed 1"}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"mode": "direct"}, {DIRECT: 16}),
        ({"labels": [label(7, "a")]}, {NOT_DEV: 8, UNLABELLED: 8}),
        ({"rules": [{"choice": "A", "text": "A."}]}, {NOT_DEV: 8, DISAGREE: 8}),
        ({"positions": "fixed"}, {NOT_DEV: 4, ONE_ORDER: 4}),
        ({"items": ITEMS.replace("split FROM", "split, 'all' AS cluster FROM")}, {NOT_DEV: 16}),
    ],
)
def test_what_is_left_out_is_counted(desk: Any, changes: dict[str, Any], why: dict[str, int]) -> None:
    pairs = {} if changes.get("labels") is None else {"pairs": {"by": "all"}}
    found = training([judged(desk, **changes, **pairs)])
    assert (found.lines, found.manifest["exclusions"]) == ((), why)


def test_lists_are_left_out(desk: Any) -> None:
    text = "---\nid: made\nversion: 1\nprotocol: listwise\ninputs: [question, responses]\n"
    desk.rubric(
        "made", f"{text}criteria: {{overall: x}}\n---\n## User\n{{{{question}}}}\n{{{{responses}}}}\n"
    )
    assert training([judged(desk, rubric="made")]).manifest["exclusions"] == {LISTS: 16}


def test_ratings_are_held_against_the_level(desk: Any) -> None:
    rates = [
        {"item_id": f"i{n:03}", "criterion": "quality", "system": "k", "annotator": "x", "value": n % 2 + 2}
        for n in range(8)
    ]
    found = training([judged(desk, rubric="rate", labels=rates, rules=[{"choice": "3", "text": "good"}])])
    assert [json.loads(line)["item_id"] for line in found.lines] == ["i001", "i003"]
    assert found.manifest["exclusions"] == {NOT_DEV: 8, UNLABELLED: 4, WRONG: 2}


class TestCommand:
    def test_it_writes_two_files_and_never_over_one(self, desk: Any, cli: Callable[..., Any]) -> None:
        judged(desk)
        said = cli("judges", "export", "s", "--out", "own.jsonl", "--json")
        assert said.code == 0, said
        assert json.loads(said.out)["lines"] == 4
        manifest = json.loads(Path("own.manifest.json").read_text())
        assert manifest["sha256"] == hashlib.sha256(Path("own.jsonl").read_bytes()).hexdigest()
        for gone in ("own.jsonl", "own.manifest.json"):
            said = cli("judges", "export", "s", "--out", "own.jsonl")
            assert said.code == 2
            assert gone in said.sentence
            Path(gone).unlink()
        assert cli("judges", "export", "--out", "nowhere/own.jsonl").code == 4
        said = cli("judges", "export", "t", "--out", "own.jsonl")
        assert said.code == 2

    def test_nothing_to_write_is_one_sentence(self, desk: Any, cli: Callable[..., Any]) -> None:
        judged(desk, mode="direct")
        said = cli("judges", "export", "--out", "own.jsonl")
        assert said.code == 2
        assert f"16 {DIRECT}" in said.sentence
        assert not Path("own.jsonl").exists()


class Notes(Silent):
    """Keeps the sentences that are shown."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def note(self, text: str) -> None:
        self.texts.append(text)


class TestTrainedModel:
    def folder(self, desk: Any, manifest: str | None) -> Path:
        """Write a model folder that can be resolved, though never run."""
        made: Path = desk.folder / "own-judge"
        made.mkdir(exist_ok=True)
        (made / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
        (made / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
        if manifest is not None:
            (made / "evalhub-training.json").write_text(manifest)
        desk.suite(judges=[{"id": "own", "rubric": "pair", "model": str(made), "families": ["beta"],
                            "pairs": {"by": "all"}}])  # fmt: skip
        return made

    def seen(self, *numbers: int) -> str:
        items = [prompt_sha256(Item("elsewhere", "x", (f"What is {n} plus {n}?",))) for n in numbers]
        return json.dumps({"format": "evalhub-training/1", "items": items})

    def test_what_it_was_trained_on_is_left_out_by_its_content(
        self, desk: Any, cli: Callable[..., Any]
    ) -> None:
        self.folder(desk, None)
        before = prepare("s", Options(runs=desk.runs))
        assert before.plan.judgments == 8
        self.folder(desk, self.seen(1, 3))
        after = prepare("s", Options(runs=desk.runs))
        planned = after.plan
        assert {cell.item_id for cell in planned.tasks["own"]} == {"i000", "i002"}
        assert planned.exclusions["own"]["tiny"] == {"items of clusters the judge was trained on": 2}
        assert after.resolved.hash != before.resolved.hash
        models = [prepared.resolved.judges[0].runs.model for prepared in (before, after)]
        assert models[0].content_hash == models[1].content_hash  # type: ignore[union-attr]
        (row,) = json.loads(cli("plan", "s", "--json").out)["tasks"]
        assert row["exclusions"] == ["2 items of clusters the judge was trained on"]

    def test_the_others_of_a_cluster_are_left_out_with_it(self, desk: Any) -> None:
        desk.dataset(
            items=[
                {"item_id": f"i{n}", "prompt": f"What is {n} plus {n}?", "refs": [], "cluster": f"c{n // 2}"}
                for n in range(4)
            ]
        )
        self.folder(desk, self.seen(1))
        planned = prepare("s", Options(runs=desk.runs)).plan
        assert {cell.item_id for cell in planned.tasks["own"]} == {"i2", "i3"}

    @pytest.mark.parametrize("selection", [{"tags": ["even"]}, {"limit": 2}, {"exclude_tags": ["odd"]}])
    def test_an_item_that_the_suite_leaves_out_keeps_its_cluster_left_out(
        self, desk: Any, selection: dict[str, Any]
    ) -> None:
        tags = "[CASE WHEN item_id[-1]::INTEGER % 2 = 0 THEN 'even' ELSE 'odd' END] AS tags"
        cluster = "'c' || (item_id[2:]::INTEGER // 2) AS cluster"
        desk.dataset(card={"items": f"SELECT item_id, prompt, refs, {tags}, {cluster} FROM items"})
        folder = self.folder(desk, self.seen(1))
        judge = {
            "id": "own",
            "rubric": "pair",
            "model": str(folder),
            "families": ["beta"],
            "pairs": {"by": "all"},
        }
        dataset = {"id": "some", "dataset": "tiny", **selection}
        desk.suite(judges=[judge], datasets=[dataset])
        planned = prepare("s", Options(runs=desk.runs)).plan
        judged_items = {cell.item_id for cell in planned.tasks["own"]}
        assert not judged_items & {"i000", "i001"}
        assert judged_items

    def test_a_model_that_learned_another_prompt_is_named(self, desk: Any) -> None:
        record = {"items": [], "method": "lora", "rubric": {"id": "old", "hash": "0" * 64}, "criterion": "c"}
        self.folder(desk, json.dumps(record))
        notes = Notes()
        prepare("s", Options(runs=desk.runs), notes)
        assert "own: its model learned the prompt of old, which is another text" in notes.texts

    def test_a_judge_that_saw_all_has_nothing_to_judge(self, desk: Any, cli: Callable[..., Any]) -> None:
        self.folder(desk, self.seen(0, 1, 2, 3))
        said = cli("plan", "s")
        assert said.code == 2
        assert "nothing to judge" in said.sentence
        assert "items of clusters the judge was trained on" in said.sentence

    @pytest.mark.parametrize("text", ["{", "[]", '{"items": 3}', '{"items": [1]}'])
    def test_a_damaged_list_is_refused(self, desk: Any, cli: Callable[..., Any], text: str) -> None:
        self.folder(desk, text)
        said = cli("plan", "s")
        assert said.code == 2
        assert "evalhub-training.json" in said.sentence
