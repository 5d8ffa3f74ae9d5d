"""`judges train` for ratings, from labels to a judge of a suite.

The scripted engine draws the hidden states of a prompt from its text. The labels here are planted in these
hidden states, so that a head can learn them.
"""

import itertools
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from evalhub.analysis import Results, leaderboard, meta, ratings, rows_of
from evalhub.engines.scripted_backend import answer
from evalhub.errors import InputError, ModelError, SpecError
from evalhub.judging import ORDINAL
from evalhub.models import resolve
from evalhub.records import Item, RequestKind, Response
from evalhub.runner import Method, Options, Silent, TrainOptions, prepare, train_judge
from evalhub.runner.one_judge.training_ratings import (
    TrainingRating,
    position_of,
    rating_request,
    training_ratings,
    values_of_levels,
)
from evalhub.runner.plan.prepared import prepare_resolved
from evalhub.runner.run import carry_out
from evalhub.specs import CriterionSpec, EngineSpec, load_rubric
from evalhub.specs.levels import scale_of
from tests.conftest import RATE, scripted
from tests.drawn_model import NARROW, write_narrow_model

SCRIPTED = EngineSpec(type="scripted")
ITEMS = 120
WEIGHTS = np.random.default_rng(5).normal(size=NARROW) * 3
CUTS = np.array([-1.5, 1.5])
LEVELS = {"quality": {"kind": "pointwise", "levels": {1: "wrong", 2: "fair", 3: "right"}}}
PROMPTS = [f"What is {number} plus {number}?" for number in range(ITEMS)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder as wide as the hidden states that the scripted engine draws."""
    pytest.importorskip("torch")
    return write_narrow_model(tmp_path_factory.mktemp("base"))


def text_of(number: int, system: str) -> str:
    return f"{system} says {number}{' indeed' * (number * 7 % 5)}."


def state_of(number: int, system: str) -> np.ndarray:
    """Return what the scripted engine gives at the end of the prompt of a response."""
    item = Item("tiny", f"i{number:03}", turns=(PROMPTS[number],))
    response = Response("tiny", item.item_id, system, text=text_of(number, system))
    rating = TrainingRating("c", item, "quality", 0.0, response)
    request = rating_request(load_rubric("judges/rate.md"), "quality", rating)
    return np.array(answer(request, {}).values)


def planted(number: int, system: str) -> float:
    return 1.0 + int(np.searchsorted(CUTS, state_of(number, system) @ WEIGHTS))


def label(number: int, system: str, value: float, annotator: str = "p") -> dict[str, Any]:
    return {
        "item_id": f"i{number:03}", "criterion": "quality", "system": system, "annotator": annotator,
        "value": value,
    }  # fmt: skip


@pytest.fixture
def rated(desk: Any) -> Any:
    """A desk whose ratings are planted in the hidden states of the responses."""
    return write_labels(desk, planted)


def write_labels(
    desk: Any, value: Callable[[int, str], float], criteria: dict[str, Any] = LEVELS, items: int = ITEMS
) -> Any:
    responses = [
        {"item_id": f"i{number:03}", "system": system, "family": "alpha", "text": text_of(number, system)}
        for number in range(items)
        for system in "km"
    ]
    labels = [label(number, system, value(number, system)) for number in range(items) for system in "km"]
    rows = [{"item_id": f"i{number:03}", "prompt": PROMPTS[number]} for number in range(items)]
    desk.dataset(items=rows, responses=responses, labels=labels, card={"criteria": criteria})
    desk.suite(judges=[])
    return desk


def train(desk: Any, base: Path, **changes: Any) -> Any:
    options: dict[str, Any] = {
        "source": "s", "model": str(base), "out": desk.folder / "head", "rubric": "rate", "layers": (2,),
        "engine": SCRIPTED, "runs": desk.runs, **changes,
    }  # fmt: skip
    return train_judge(TrainOptions(**options))


def score_of(desk: Any, number: int, system: str) -> float:
    """Return the score that the classifier in the folder has for a response."""
    weights = load_file(desk.folder / "head" / "model.safetensors")["score.weight"][0]
    return float(state_of(number, system) @ weights)


def test_planted_levels_are_learned_from_dev_clusters_alone(rated: Any, base: Path) -> None:
    head = train(rated, base)
    values = json.loads((rated.folder / "head" / "evalhub-training.json").read_text())
    assert head.ratings + head.exclusions["ratings of items outside the dev clusters"] == 2 * ITEMS
    assert 80 < head.ratings < 160
    clusters = head.ratings // 2
    assert len(values["items"]) == clusters
    assert values["datasets"] == {
        "tiny": {"criterion": "quality", "ratings": head.ratings, "clusters": clusters}
    }
    assert (values["levels"], len(values["cut_points"])) == (["1", "2", "3"], 2)
    assert head.skill.correlation.estimate > 0.8
    assert head.skill.correlation.clusters == clusters
    assert head.skill.error.estimate < 0.35
    assert head.skill.error.estimate < head.length.error.estimate
    assert head.skill.error.estimate < head.commonest_error.estimate
    assert abs(head.length.correlation.estimate or 0.0) < 0.4
    assert head.commonest in {"1", "2", "3"}
    assert len(head.facts.cross_validation) == 9


def test_the_written_scores_and_cut_points_give_the_levels_of_unseen_clusters(rated: Any, base: Path) -> None:
    train(rated, base)
    training = resolve(str(rated.folder / "head")).training
    assert training is not None
    rated.suite(judges=[{"id": "own", "rubric": "rate", "model": str(rated.folder / "head")}])
    prepared = prepare("s", Options(runs=rated.runs))
    unseen = {task.item_id for task in prepared.plan.tasks["own"]}
    assert 40 < len(unseen) < 80
    right = [
        1.0 + np.searchsorted(training.cut_points, score_of(rated, number, system)) == planted(number, system)
        for number in range(ITEMS)
        for system in "km"
        if f"i{number:03}" in unseen
    ]
    assert np.mean(right) > 0.75


def test_the_head_is_a_judge_of_the_same_rubric_alone(rated: Any, base: Path) -> None:
    head = train(rated, base)
    judge = {"id": "own", "rubric": "rate", "model": str(rated.folder / "head"), "families": ["none"]}
    rated.suite(judges=[judge])
    prepared = prepare("s", Options(runs=rated.runs))
    (resolved,) = prepared.resolved.judges
    assert resolved.protocol is ORDINAL
    assert resolved.runs.identity.engine == "pooling"
    assert resolved.runs.asks is RequestKind.REWARD
    assert resolved.judge.cut_points == head.facts.cut_points
    assert prepared.plan.judgments == 2 * ITEMS - head.ratings
    rated.rubric("other", RATE.replace("3: right", "3: all right"))
    rated.rubric(
        "ties", (rated.folder / "judges" / "pair.md").read_text().replace("ties: false", "ties: true")
    )
    for changes, sentence in (
        ({"rubric": "other"}, "trained on the prompt of the rubric rate"),
        ({"rubric": "pair"}, "trained on the prompt of the rubric rate"),
        ({"rubric": "ties"}, "trained on the prompt of the rubric rate"),
        ({"rubric": "reward"}, "trained on the prompt of the rubric rate"),
        ({"mode": "explain"}, "writes nothing before its verdict"),
    ):
        rated.suite(judges=[{**judge, **changes}])
        with pytest.raises(SpecError, match=sentence):
            prepare("s", Options(runs=rated.runs))


def test_cut_points_that_do_not_fit_the_levels_are_refused(rated: Any, base: Path) -> None:
    train(rated, base)
    path = rated.folder / "head" / "evalhub-training.json"
    values = json.loads(path.read_text())
    rated.suite(judges=[{"id": "own", "rubric": "rate", "model": str(rated.folder / "head")}])
    prepare("s", Options(runs=rated.runs))
    for cut_points, error, sentence in (
        ([0.0], SpecError, r"one cut point between two levels.*1 cut points.*2"),
        ([], SpecError, r"one cut point between two levels"),
        ([1.0, 0.0], ModelError, "finite numbers that rise"),
        (["a", "b"], ModelError, "finite numbers that rise"),
        ({}, ModelError, "finite numbers that rise"),
    ):
        path.write_text(json.dumps({**values, "cut_points": cut_points}), encoding="utf-8")
        with pytest.raises(error, match=sentence):
            prepare("s", Options(runs=rated.runs))


def test_other_cut_points_are_another_step(rated: Any, base: Path) -> None:
    train(rated, base)
    path = rated.folder / "head" / "evalhub-training.json"
    rated.suite(judges=[{"id": "own", "rubric": "rate", "model": str(rated.folder / "head")}])

    def keys() -> set[str]:
        prepared = prepare("s", Options(runs=rated.runs))
        return {prepared.resolved.hash, *(state.step.key for state in prepared.states)}

    earlier = keys()
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "cut_points": [-9.0, 9.0]}), encoding="utf-8")
    assert len(keys() - earlier) == 2


def test_a_head_of_pairs_rates_nothing(desk: Any, base: Path) -> None:
    pairs = [
        {
            "item_id": f"i{number:03}", "criterion": "overall", "system_a": "k", "system_b": "m",
            "annotator": "p", "winner": "ab"[number % 2],
        }
        for number in range(40)
    ]  # fmt: skip
    desk.dataset(items=40, labels=pairs)
    desk.suite(judges=[])
    train(desk, base, rubric="pair")
    assert "cut_points" not in json.loads((desk.folder / "head" / "evalhub-training.json").read_text())
    desk.suite(judges=[{"id": "own", "rubric": "rate", "model": str(desk.folder / "head")}])
    with pytest.raises(SpecError, match="trained on the prompt of the rubric pair"):
        prepare("s", Options(runs=desk.runs))


def test_a_run_rates_by_the_scores_in_tables_and_juries(rated: Any, base: Path) -> None:
    """The scripted engine gives the scores that the folder's classifier has, since no model runs here."""
    train(rated, base)
    training = resolve(str(rated.folder / "head")).training
    assert training is not None
    scores = {(number, system): score_of(rated, number, system) for number in range(ITEMS) for system in "km"}
    rules = [
        {"match": rf"\b{system} says {number}\b", "reward": score}
        for (number, system), score in scores.items()
    ]
    judge = {"rubric": "rate", "model": "toy", "families": ["beta"]}
    rated.suite(
        judges=[
            {"id": "own", **judge, "engine": scripted(*rules)},
            {"id": "pt", **judge, "engine": "scripted"},
        ],
        juries=[{"id": "panel", "members": ["own", "pt"]}],
    )
    resolved = prepare("s", Options(runs=rated.runs)).resolved
    own, direct = resolved.judges
    head = replace(
        own,
        judge=replace(own.judge, asks=RequestKind.REWARD, cut_points=training.cut_points),
        protocol=ORDINAL,
    )
    prepared = prepare_resolved(replace(resolved, judges=(head, direct)), [])
    run = carry_out(prepared, rated.runs, Silent())
    by_judge: dict[str, list[Any]] = {"own": [], "pt": []}
    for judgment in run.records("judgments"):
        assert judgment.failure is None, judgment.detail
        by_judge[judgment.judge].append(judgment)
    for judgment in by_judge["own"]:
        score = scores[int(judgment.item_id[1:]), judgment.system]
        low, high = (1 / (1 + math.exp(score - cut)) for cut in training.cut_points)
        by_hand = {"1": low, "2": high - low, "3": 1 - high}
        assert {name: math.exp(log) for name, log in judgment.logprobs.items()} == pytest.approx(by_hand)
        assert judgment.expected == pytest.approx(by_hand["1"] + 2 * by_hand["2"] + 3 * by_hand["3"])
        assert judgment.value == float(max(by_hand, key=lambda name: by_hand[name]))
    ordered = sorted(by_judge["own"], key=lambda entry: scores[int(entry.item_id[1:]), entry.system])
    assert all(low.expected <= high.expected for low, high in itertools.pairwise(ordered))
    # What a direct judge of the same rubric fills, this one fills too. It reads no token, so it has no mass.
    filled = [
        {name for name in ("value", "expected", "logprobs", "raw_text") if getattr(entry, name) is not None}
        for entry in (by_judge["own"][0], by_judge["pt"][0])
    ]
    assert filled[0] == filled[1]
    results = Results(run)
    assert {row["rater"] for row in rows_of(leaderboard(results))} >= {"own", "pt", "panel"}
    assert {row["judge"] for row in rows_of(ratings(results))} >= {"own", "pt"}
    agreement = {(row["rater"], row["statistic"]): row["estimate"] for row in rows_of(meta([results]))}
    assert agreement["own", "spearman, pooled"] > 0.8
    assert agreement["own", "spearman, pooled"] > agreement["pt", "spearman, pooled"]


def test_with_the_control_of_length_the_score_does_not_go_along_with_it(desk: Any, base: Path) -> None:
    write_labels(desk, lambda number, system: min(3.0, 1.0 + number * 7 % 5))
    train(desk, base, control=("length",))
    trained_on = json.loads((desk.folder / "head" / "evalhub-training.json").read_text())
    assert trained_on["control"] == ["length"]
    rows = training_ratings(
        Results(desk.run()), {"tiny": "quality"}, load_rubric("judges/rate.md"), "quality"
    )[0]
    lengths = [math.log1p(row.chars) for row in rows]
    scores = [score_of(desk, int(row.item.item_id[1:]), row.response.system) for row in rows]
    assert abs(np.corrcoef(lengths, scores)[0, 1]) < 1e-3


def test_a_mean_between_levels_is_learned_as_a_part_of_each(desk: Any, base: Path) -> None:
    mean = {"quality": {**LEVELS["quality"], "consensus": {"annotators": "*", "by": "mean"}}}
    write_labels(desk, planted, mean)
    labels = [
        label(number, system, value, annotator)
        for number in range(ITEMS)
        for system in "km"
        for annotator, value in (("p", planted(number, system)), ("q", 2.0))
    ]
    desk.dataset(
        items=[{"item_id": f"i{number:03}", "prompt": PROMPTS[number]} for number in range(ITEMS)],
        labels=labels,
        card={"criteria": mean},
    )
    desk.suite(judges=[])
    rubric = load_rubric("judges/rate.md")
    rows, _ = training_ratings(Results(desk.run()), {"tiny": "quality"}, rubric, "quality")
    assert {row.position for row in rows} == {0.5, 1.0, 1.5}
    assert train(desk, base).facts.notes == ()


def test_levels_of_the_labels_stand_for_the_rubrics_by_rank(desk: Any, base: Path) -> None:
    names = {"quality": {"kind": "pointwise", "levels": {0: "bad", 5: "so so", 10: "good"}}}
    write_labels(desk, lambda number, system: (planted(number, system) - 1) * 5, names)
    by_rank = train(desk, base)
    write_labels(desk, planted)
    plain = train(desk, base, out=desk.folder / "plain")
    assert by_rank.facts.cut_points == plain.facts.cut_points


def test_labels_that_do_not_apply_are_counted(desk: Any, base: Path) -> None:
    levels = {0: {"meaning": "no answer", "applicable": False}, **LEVELS["quality"]["levels"]}
    criteria = {"quality": {"kind": "pointwise", "levels": levels}}
    write_labels(desk, lambda number, system: 0.0 if number < 10 else planted(number, system), criteria)
    head = train(desk, base)
    assert head.exclusions["ratings that say the criterion does not apply"] == 20


SCALE = scale_of({1: "wrong", 2: "fair", 3: "right"})
FALLING = scale_of({3: "wrong", 2: "fair", 1: "right"})


@pytest.mark.parametrize(
    ("scale", "labels", "values"),
    [
        (SCALE, {"levels": {0: "a", 0.5: "b", 1: "c"}}, (0.0, 0.5, 1.0)),
        (SCALE, {"levels": {5: "a", 3: "b", 1: "c"}}, (5.0, 3.0, 1.0)),
        (SCALE, {"range": (1, 3)}, (1.0, 2.0, 3.0)),
        (FALLING, {"range": (1, 3), "higher_is_better": False}, (3.0, 2.0, 1.0)),
    ],
)
def test_each_level_has_the_label_of_its_rank(scale: Any, labels: dict[str, Any], values: Any) -> None:
    assert values_of_levels(scale, CriterionSpec(kind="pointwise", **labels), "d:c") == values
    assert [position_of(value, values) for value in values] == [0.0, 1.0, 2.0]
    assert position_of((values[0] + values[1]) / 2, values) == 0.5


@pytest.mark.parametrize(
    ("scale", "labels", "sentence"),
    [
        (
            SCALE,
            {"levels": {1: "a", 2: "b"}},
            r"another scale.*d:c: 2 levels.*3 levels, or numbers from 1 to 3",
        ),
        (SCALE, {"range": (0, 1)}, "numbers from 0 to 1"),
        (SCALE, {"range": (1, 5)}, "numbers from 1 to 5"),
        (SCALE, {"range": (1, 3), "higher_is_better": False}, "from 1 to 3, lower is better"),
        (FALLING, {"range": (1, 3)}, "allowed.*from 1 to 3, lower is better"),
    ],
)
def test_labels_of_another_scale_are_refused(scale: Any, labels: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        values_of_levels(scale, CriterionSpec(kind="pointwise", **labels), "d:c")


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"teacher": "pt"}, InputError, "about pairs, and the rubric rate rates single responses"),
        ({"augment": True}, InputError, "nobody knows their level on the scale of the rubric rate"),
        ({"method": Method.LORA}, InputError, "write --method head"),
        ({"rubric": "reward-value"}, InputError, "a judge is trained on the prompt"),
        ({"rubric": "response-checklist"}, InputError, "a judge is trained on the prompt"),
        ({"on": ("tiny:overall",)}, SpecError, "no such labels of single responses"),
        ({"rubric": "summary-quality"}, InputError, r"another scale.*tiny:quality: 3 levels.*5 levels"),
    ],
)
def test_what_cannot_be_learned_is_refused_in_one_sentence(
    rated: Any, base: Path, changes: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    if changes.get("method") is Method.LORA:
        pytest.importorskip("peft")
    with pytest.raises(error, match=sentence):
        train(rated, base, **changes)
    assert not (rated.folder / "head").exists()


def test_labels_of_one_level_alone_are_refused(desk: Any, base: Path) -> None:
    write_labels(desk, lambda number, system: 2.0, items=30)
    with pytest.raises(InputError, match="all of one level"):
        train(desk, base)


def test_a_limit_draws_ratings_and_names_a_lone_annotator(rated: Any, base: Path) -> None:
    head = train(rated, base, limit=60)
    assert head.ratings == 60
    assert head.exclusions["ratings beyond the limit"] > 0
    assert head.facts.notes == ("all labels of tiny are those of one annotator, p",)


def test_the_command_prints_the_skill_beside_that_of_the_length(
    rated: Any, base: Path, cli: Callable[..., Any]
) -> None:
    said = cli(
        "judges", "train", "s", "--model", str(base), "--out", "head", "--rubric", "rate", "--layers", "2",
        "--engine", "scripted", "--runs", str(rated.runs), "--json",
    )  # fmt: skip
    assert said.code == 0, said.err
    fields = json.loads(said.out)
    assert fields["rank correlation on held-out clusters"].startswith("0.")
    assert {
        "of the length alone, on the same", "mean error in levels on held-out clusters",
        "error of the length alone, on the same", "commonest level", "error of always answering it",
    } <= fields.keys()  # fmt: skip
