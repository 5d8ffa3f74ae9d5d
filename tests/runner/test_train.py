"""`judges train`, from labels to a judge of a suite."""

import json
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import Results, biases, exclusions, pair_verdicts, rows_of
from evalhub.engines import vllm
from evalhub.errors import EngineError, InputError, SpecError, UnknownNameError
from evalhub.runner import Options, Silent, TrainOptions, prepare, train_judge
from evalhub.runner.plan.resolve import resolve_judge
from evalhub.specs import EngineSpec, JudgeUse, load_rubric
from tests.drawn_model import write_narrow_model

SCRIPTED = EngineSpec(type="scripted")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder as wide as the hidden states that the scripted engine draws."""
    pytest.importorskip("torch")
    return write_narrow_model(tmp_path_factory.mktemp("base"))


def label(item: int, winner: str, criterion: str = "overall", annotator: str = "p") -> dict[str, Any]:
    return {
        "item_id": f"i{item:03}", "criterion": criterion, "system_a": "k", "system_b": "m",
        "annotator": annotator, "winner": winner,
    }  # fmt: skip


@pytest.fixture
def labelled(desk: Any) -> Any:
    """A desk with 60 labelled pairs, of which every third is a tie."""
    desk.dataset(items=60, labels=[label(item, ("a", "b", "tie")[item % 3]) for item in range(60)])
    desk.suite(judges=[])
    return desk


def train(desk: Any, base: Path, **changes: Any) -> Any:
    options: dict[str, Any] = {
        "source": "s", "model": str(base), "out": desk.folder / "head", "rubric": "pair", "layers": (2,),
        "engine": SCRIPTED, "runs": desk.runs, **changes,
    }  # fmt: skip
    return train_judge(TrainOptions(**options))


def test_it_learns_from_dev_clusters_alone(labelled: Any, base: Path) -> None:
    head = train(labelled, base)
    values = json.loads((labelled.folder / "head" / "evalhub-training.json").read_text())
    left_out = head.exclusions["pairs of items outside the dev clusters"]
    assert head.pairs + left_out == 60
    assert 15 < head.pairs < 45
    assert len(values["items"]) == head.pairs
    assert values["datasets"] == {
        "tiny": {"criterion": "overall", "pairs": head.pairs, "augmented": {}, "clusters": head.pairs}
    }
    assert values["rubric"]["id"] == "pair"
    assert head.accuracy.n == head.longer.n < head.pairs


def test_a_run_holds_the_same_labels_as_its_suite(labelled: Any, base: Path) -> None:
    train(labelled, base)
    labelled.suite(
        judges=[{"id": "pw", "rubric": "pair", "model": "toy", "engine": "scripted", "families": ["beta"]}]
    )
    run = labelled.run()
    of_run = train(labelled, base, source=run.id, out=labelled.folder / "of_run")
    assert of_run.pairs > 15
    first, second = (labelled.folder / name / "model.safetensors" for name in ("head", "of_run"))
    assert first.read_bytes() == second.read_bytes()
    with pytest.raises(UnknownNameError, match="dataset"):
        train(labelled, base, source=run.id, out=labelled.folder / "none", on=("other",))


def test_augmented_pairs_are_learned_from_and_not_counted(labelled: Any, base: Path) -> None:
    plain, more = (
        train(labelled, base, augment=augment, out=labelled.folder / f"head{augment}")
        for augment in (False, True)
    )
    assert plain.pairs == more.pairs
    assert plain.accuracy.n == more.accuracy.n
    augmented = more.facts.datasets["tiny"]["augmented"]
    assert sum(augmented.values()) == plain.accuracy.n
    assert more.facts.items == plain.facts.items


def test_a_second_training_asks_no_engine_and_gives_the_same_head(labelled: Any, base: Path) -> None:
    train(labelled, base)
    train(labelled, base, out=labelled.folder / "again", engine=SCRIPTED)
    first, again = (labelled.folder / name / "model.safetensors" for name in ("head", "again"))
    assert first.read_bytes() == again.read_bytes()
    (store,) = (labelled.folder / "cache" / "hidden-states").iterdir()
    assert len(list(store.glob("*.npz"))) == 1


def test_a_damaged_file_of_hidden_states_is_computed_anew(labelled: Any, base: Path) -> None:
    train(labelled, base)
    (path,) = (labelled.folder / "cache" / "hidden-states").rglob("*.npz")
    path.write_bytes(path.read_bytes()[:100])
    train(labelled, base, out=labelled.folder / "again")
    first, again = (labelled.folder / name / "model.safetensors" for name in ("head", "again"))
    assert first.read_bytes() == again.read_bytes()


def test_a_limit_draws_pairs(labelled: Any, base: Path) -> None:
    head = train(labelled, base, limit=12)
    assert head.pairs == 12
    assert head.exclusions["pairs beyond the limit"] > 0


def test_the_head_is_a_judge_of_the_same_rubric_alone(labelled: Any, base: Path) -> None:
    head = train(labelled, base)
    judge = {
        "id": "own", "rubric": "pair", "model": str(labelled.folder / "head"), "families": ["none"],
        "pairs": {"by": "all"},
    }  # fmt: skip
    labelled.suite(judges=[judge])
    prepared = prepare("s", Options(runs=labelled.runs))
    (resolved,) = prepared.resolved.judges
    assert resolved.runs.identity.engine == "pooling"
    assert resolved.positions is None
    assert prepared.plan.judgments == 60 - head.pairs
    labelled.rubric(
        "other", (labelled.folder / "judges" / "pair.md").read_text().replace("id: pair", "id: other")
    )
    for changes, sentence in (
        ({"rubric": "other"}, "trained on the prompt of the rubric pair"),
        ({"positions": "random"}, "reads both orders for one verdict"),
        ({"mode": "explain"}, "writes nothing before its verdict"),
    ):
        labelled.suite(judges=[{**judge, **changes}])
        with pytest.raises(SpecError, match=sentence):
            prepare("s", Options(runs=labelled.runs))


def test_a_stored_suite_finds_its_head_again(labelled: Any, base: Path) -> None:
    """It states every setting of a judge, those that a person left out too."""
    train(labelled, base)
    judge = {"id": "own", "rubric": "pair", "model": str(labelled.folder / "head"), "families": ["none"]}
    labelled.suite(judges=[judge])
    suite = prepare("s", Options(runs=labelled.runs)).resolved.suite
    stored = suite.model_copy(update={"judges": (JudgeUse.model_validate(suite.judges[0].model_dump()),)})
    rubric = load_rubric(str(labelled.folder / "judges" / "pair.md"))
    resolved = resolve_judge(stored.judges[0], rubric, stored, Silent(), "run")
    assert resolved.runs.identity.engine == "pooling"


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"layers": (3,)}, InputError, r"no such layer.*1 to 2"),
        ({"rubric": "rate"}, InputError, "no labels of ratings"),
        ({"rubric": "helpfulness-ranking"}, InputError, "pairwise rubric without ties"),
        ({"criterion": "nothing"}, UnknownNameError, "criterion"),
        ({"control": ("style",)}, UnknownNameError, "length"),
        ({"on": ("other",)}, UnknownNameError, "dataset"),
        ({"on": ("tiny:quality",)}, SpecError, "write --on tiny:CRITERION"),
        ({"limit": 0}, InputError, "at least 1"),
        ({"source": "nothing"}, UnknownNameError, "suite"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_sentence(
    labelled: Any, base: Path, changes: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        train(labelled, base, **changes)
    assert not (labelled.folder / "head").exists()


def test_a_dataset_that_is_named_twice_is_refused(labelled: Any, base: Path) -> None:
    with pytest.raises(InputError, match="named twice"):
        train(labelled, base, on=("tiny:overall", "tiny:quality"))


def test_an_engine_without_hidden_states_is_not_asked(labelled: Any, base: Path, chat_server: Any) -> None:
    with pytest.raises(SpecError, match="gives no hidden states"):
        train(labelled, base, engine=EngineSpec(**chat_server.engine()))
    assert chat_server.asked == []


def test_hidden_states_of_another_width_are_refused(labelled: Any, base: Path) -> None:
    with pytest.raises(EngineError, match="another width"):
        train(labelled, base, layers=(1, 2))


def test_prompts_that_all_fail_end_in_one_sentence(labelled: Any, base: Path) -> None:
    engine = EngineSpec(type="scripted", script={"max_length": 3})
    with pytest.raises(EngineError, match=r"no prompt has a hidden state.*the engine holds 3"):
        train(labelled, base, engine=engine)


def test_what_the_base_was_trained_on_stays_left_out(labelled: Any, base: Path) -> None:
    record = base / "evalhub-training.json"
    record.write_text(json.dumps({"items": ["b" * 64]}), encoding="utf-8")
    try:
        head = train(labelled, base)
    finally:
        record.unlink()
    assert "b" * 64 in head.facts.items


def test_one_prompt_in_two_datasets_is_one_cluster(labelled: Any, base: Path) -> None:
    labelled.suite(
        judges=[], datasets=[{"id": "first", "dataset": "tiny"}, {"id": "second", "dataset": "tiny"}]
    )
    head = train(labelled, base, seed=3)
    pairs = head.facts.datasets["first"]["pairs"] + head.facts.datasets["second"]["pairs"]
    assert head.pairs == pairs
    assert head.accuracy.clusters < head.accuracy.n


def test_labels_of_one_side_alone_are_refused(desk: Any, base: Path) -> None:
    desk.dataset(items=30, labels=[label(item, "a") for item in range(30)])
    desk.suite(judges=[])
    with pytest.raises(InputError, match="prefer one side alone"):
        train(desk, base)


def test_a_dataset_without_labels_is_refused(desk: Any, base: Path) -> None:
    desk.dataset(items=5)
    desk.suite(judges=[])
    with pytest.raises(InputError, match="no label may be learned from"):
        train(desk, base)


def test_labels_of_one_annotator_are_named(labelled: Any, base: Path) -> None:
    head = train(labelled, base)
    assert head.facts.notes == ("all labels of tiny are those of one annotator, p",)


def test_an_existing_folder_is_left_as_it_is(labelled: Any, base: Path) -> None:
    folder = labelled.folder / "head"
    folder.mkdir()
    with pytest.raises(InputError, match="exists already"):
        train(labelled, base)
    assert list(folder.iterdir()) == []


@pytest.mark.engine
@pytest.mark.skipif(vllm.installed_vllm()[0] is None, reason="needs vLLM: pip install 'evalhub-laaj[cpu]'")
def test_a_real_head_learns_a_planted_preference_and_judges_by_it(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Path.home() / ".cache" / "evalhub"
    monkeypatch.setenv("EVALHUB_CACHE", str(cache))
    items = [{"item_id": f"i{n:03}", "prompt": f"Name a fruit, please ({n})."} for n in range(48)]
    fruits, tools = ("apple", "pear", "plum", "cherry"), ("hammer", "saw", "drill", "axe")
    responses, labels = [], []
    for n, item in enumerate(items):
        texts = [f"An example is the {fruits[n % 4]}.", f"An example is the {tools[n // 4 % 4]}."]
        for system, text in zip("km", texts if n % 2 else texts[::-1], strict=True):
            responses.append({"item_id": item["item_id"], "system": system, "family": "alpha", "text": text})
        labels.append(label(n, "a" if n % 2 else "b"))
    desk.dataset(items=items, responses=responses, labels=labels)
    desk.suite(judges=[])
    engine = EngineSpec(type="pooling", max_length=512, kv_cache_gib=0.25)
    head = train_judge(
        TrainOptions(
            source="s", model="smollm2-135m-instruct", out=desk.folder / "head", rubric="pair",
            layers=(20,), engine=engine, runs=desk.runs,
        )
    )  # fmt: skip
    assert head.accuracy.estimate is not None
    assert head.accuracy.estimate > 0.9
    judge = {
        "id": "own", "rubric": "pair", "model": str(desk.folder / "head"), "families": ["none"],
        "engine": {"type": "pooling", "max_length": 512, "kv_cache_gib": 0.25}, "pairs": {"by": "all"},
    }  # fmt: skip
    desk.suite(judges=[judge])
    results = Results(desk.run())
    verdicts = rows_of(pair_verdicts(results))
    assert len(verdicts) == 48 - head.pairs
    right = [row["winner"] == ("a" if int(row["item_id"][1:]) % 2 else "b") for row in verdicts]
    assert sum(right) / len(right) > 0.9
    flips = [row for row in rows_of(biases(results)) if row["bias"] == "flips" and row["reading"] == "hard"]
    assert [row["method"] for row in flips] == ["by construction"]
    assert "trained on" in str(rows_of(exclusions(results)))
