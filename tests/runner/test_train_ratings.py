"""`judges train` for ratings, from labels to a judge of a suite.

The scripted engine draws the hidden states of a prompt from its text. The labels here are planted in these
hidden states, so that a head can learn them.
"""

import itertools
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalhub.analysis import Results, leaderboard, meta, ratings, rows_of
from evalhub.errors import ModelError, SpecError
from evalhub.judging import ORDINAL
from evalhub.models import resolve
from evalhub.records import RequestKind
from evalhub.runner import Options, Silent, prepare
from evalhub.runner.one_judge.training_ratings import (
    training_ratings,
)
from evalhub.runner.plan.prepared import prepare_resolved
from evalhub.runner.run import carry_out
from evalhub.specs import load_rubric
from tests.conftest import RATE, scripted
from tests.runner.rating_bench import (
    ITEMS,
    base,
    planted,
    rated,
    score_of,
    train,
    write_labels,
)

__all__ = ["base", "rated"]


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
