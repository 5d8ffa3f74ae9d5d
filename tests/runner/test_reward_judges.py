"""Reward models as judges of a suite, through the real run with a scripted engine."""

from typing import Any

import pytest

from evalhub.analysis import Results, biases, leaderboard, meta, pair_verdicts, ratings, rows_of
from evalhub.errors import ModelError, SpecError
from evalhub.runner import AttackOptions, Options, attack, prepare
from evalhub.specs import EngineSpec
from tests.conftest import scripted

SYSTEMS = ("k", "m", "n")
RULES = [{"match": "^k", "reward": 2.0}, {"match": "^m", "reward": 0.5}, {"match": "^n", "reward": 0.5}]
RM: dict[str, Any] = {
    "id": "rm", "protocol": "reward", "model": "toy", "engine": scripted(*RULES), "families": ["beta"],
    "pairs": {"by": "all"},
}  # fmt: skip


def label(item: int, a: str, b: str, winner: str) -> dict[str, str]:
    return {
        "item_id": f"i{item:03}", "criterion": "overall", "system_a": a, "system_b": b, "annotator": "p",
        "winner": winner,
    }  # fmt: skip


def test_each_response_is_asked_once_however_many_pairs_it_is_in(desk: Any) -> None:
    desk.dataset(systems=SYSTEMS)
    desk.suite(judges=[RM])
    run = desk.run()
    pairs = {
        (row["system_a"], row["system_b"]): (row["winner"], round(float(row["p_a"]), 3))
        for row in rows_of(pair_verdicts(Results(run)))
    }
    assert pairs == {("k", "m"): ("a", 0.818), ("k", "n"): ("a", 0.818), ("m", "n"): ("tie", 0.5)}
    assert len(list(run.records("judgments"))) == 4 * 3
    assert len(list(run.records("completions"))) == 4 * 3
    assert {judgment.shown for judgment in run.records("judgments")} == {None}
    (engine,) = run.manifest.engines
    assert engine["requests"] == 12


def test_an_unchanged_night_asks_nothing(desk: Any) -> None:
    desk.dataset(systems=SYSTEMS)
    desk.suite(judges=[RM])
    first, second = desk.run(), desk.run()
    assert second.manifest.engines == ()
    assert list(first.records("judgments")) == list(second.records("judgments"))


def test_a_reward_judge_stands_in_every_table_of_pairs(desk: Any) -> None:
    labels = [
        label(item, a, b, "tie" if (a, b) == ("m", "n") else "a")
        for item in range(6)
        for a, b in (("k", "m"), ("k", "n"), ("m", "n"))
    ]
    desk.dataset(items=6, systems=SYSTEMS, labels=labels)
    judge = {"id": "pw", "rubric": "pair", "model": "toy", "engine": "scripted", "families": ["beta"]}
    desk.suite(
        judges=[{**RM, "label_criteria": {"reward": "overall"}}, {**judge, "pairs": {"by": "all"}}],
        juries=[{"id": "panel", "members": ["rm", "pw"]}],
        cascades=[{"id": "cheap-first", "stages": ["rm", "pw"]}],
    )
    results = Results(desk.run())
    accuracy = [
        row for row in rows_of(meta([results])) if (row["rater"], row["statistic"]) == ("rm", "accuracy")
    ]
    assert [row["estimate"] for row in accuracy] == [1.0]
    board = [row for row in rows_of(leaderboard(results)) if row["rater"] == "rm"]
    assert max(board, key=lambda row: row["estimate"] or 0.0)["system"] == "k"
    assert {row["rater"] for row in rows_of(meta([results]))} >= {"rm", "pw", "panel"}
    (flips,) = (
        row
        for row in rows_of(biases(results))
        if (row["judge"], row["bias"], row["reading"]) == ("rm", "flips", "hard")
    )
    assert (flips["estimate"], flips["low"], flips["high"]) == (0.0, 0.0, 0.0)
    assert (flips["method"], flips["n"]) == ("by construction", 18)


def test_values_are_ratings_without_bounds(desk: Any) -> None:
    labels = [
        {"item_id": f"i{item:03}", "criterion": "quality", "system": system, "annotator": "p", "value": value}
        for item in range(4)
        for system, value in (("k", 3), ("m", 1), ("n", 2))
    ]
    desk.dataset(systems=SYSTEMS, labels=labels)
    judge = {name: value for name, value in RM.items() if name != "pairs"}
    desk.suite(judges=[{**judge, "rubric": "reward-value", "label_criteria": {"reward": "quality"}}])
    plan = prepare("s", Options(runs=desk.runs)).plan
    assert plan.judgments == 12
    results = Results(desk.run())
    assert {(row["system"], row["value"]) for row in rows_of(ratings(results))} == {
        ("k", 2.0), ("m", 0.5), ("n", 0.5),
    }  # fmt: skip
    by_statistic = {row["statistic"]: row for row in rows_of(meta([results])) if row["rater"] == "rm"}
    assert by_statistic["spearman, pooled"]["estimate"] is not None
    assert by_statistic["accuracy"]["estimate"] is None
    assert "levels" in by_statistic["accuracy"]["reason"]


def test_it_is_attacked_like_every_judge(desk: Any) -> None:
    desk.dataset(items=5, systems=("k", "m"))
    rules = [{"match": "best possible|excellent|correct|perfect", "reward": 9.0}, *RULES]
    options: dict[str, Any] = {
        "model": "toy", "engine": EngineSpec(**scripted(*rules)), "dataset": "tiny", "runs": desk.runs,
    }  # fmt: skip
    run = attack(AttackOptions(rubric="reward", **options))
    assert all(judgment.failure is None for judgment in run.records("judgments"))
    with pytest.raises(SpecError, match="cannot be attacked"):
        attack(AttackOptions(rubric="reward-value", **options))


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"engine": {"type": "openai", "base_url": "http://127.0.0.1:9/v1"}}, SpecError, "gives no rewards"),
        ({"rubric": "pair"}, SpecError, "the rubric has another protocol"),
        ({"protocol": "pairwise"}, SpecError, "protocol"),
        ({"positions": "both"}, SpecError, "has no use for this"),
    ],
)
def test_a_judge_that_cannot_give_rewards_is_refused_before_anything_runs(
    desk: Any, changes: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    desk.suite(judges=[{**RM, **changes}])
    with pytest.raises(error, match=sentence):
        prepare("s", Options(runs=desk.runs))


def test_a_model_that_only_embeds_gives_no_rewards(desk: Any) -> None:
    folder = desk.folder / "encoder"
    folder.mkdir()
    (folder / "config.json").write_text('{"architectures": ["BertModel"]}', encoding="utf-8")
    header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 4)
    judge = {name: value for name, value in RM.items() if name != "engine"}
    desk.suite(judges=[{**judge, "model": str(folder)}])
    with pytest.raises(ModelError, match=r"embeddings and no rewards.*classifier_from_token"):
        prepare("s", Options(runs=desk.runs))


def test_a_generating_judge_does_not_run_on_the_pooling_runner(desk: Any) -> None:
    folder = desk.folder / "encoder"
    folder.mkdir()
    (folder / "config.json").write_text('{"architectures": ["BertModel"]}', encoding="utf-8")
    header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 4)
    desk.suite(judges=[{"id": "pw", "rubric": "pair", "model": str(folder), "engine": "pooling"}])
    with pytest.raises(SpecError, match=r"gives no text.*vllm"):
        prepare("s", Options(runs=desk.runs))


def test_a_jury_mixes_no_rewards_with_ratings(desk: Any) -> None:
    judge = {name: value for name, value in RM.items() if name != "pairs"}
    desk.suite(
        judges=[
            {**judge, "rubric": "reward-value"},
            {"id": "pt", "rubric": "rate", "model": "toy", "engine": "scripted", "families": ["beta"]},
        ],
        juries=[{"id": "panel", "members": ["rm", "pt"]}],
    )
    with pytest.raises(SpecError, match="no mean with a rating"):
        prepare("s", Options(runs=desk.runs))


def test_a_jury_takes_no_mean_of_rewards_of_different_models(desk: Any) -> None:
    judge = {name: value for name, value in RM.items() if name != "pairs"} | {"rubric": "reward-value"}
    desk.suite(
        judges=[judge, {**judge, "id": "other", "model": "other"}],
        juries=[{"id": "panel", "members": ["rm", "other"]}],
    )
    with pytest.raises(SpecError, match="no common unit"):
        prepare("s", Options(runs=desk.runs))


def test_a_jury_of_reward_models_compares_pairs(desk: Any) -> None:
    desk.suite(
        judges=[RM, {**RM, "id": "other", "model": "other"}],
        juries=[{"id": "panel", "members": ["rm", "other"]}],
    )
    assert prepare("s", Options(runs=desk.runs)).plan.judgments
