"""Cohen's kappa of every two annotators, and macro averages of a judge, against scikit-learn."""

import itertools
import json
import random
from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from evalhub.analysis import Results, agreement, annotator_pairs, rows_of

LabelsByAnnotator = dict[str, dict[str, Any]]

NAMES = ("ann", "ben", "cy")
PAIR = {"criterion": "overall", "system_a": "k", "system_b": "m"}
RATED = {"criterion": "quality", "system": "k"}
RATE = {"id": "pt", "rubric": "rate", "model": "j", "engine": "scripted", "families": ["beta"]}


def labels(items: int) -> LabelsByAnnotator:
    """What each of three people said of each pair and of each response of k; each left some out."""
    rng = random.Random(3)
    pairs: dict[str, Any] = {name: {} for name in NAMES}
    rated: dict[str, Any] = {name: {} for name in NAMES}
    for n in range(items):
        usual, level = rng.choice(["a", "tie", "b"]), rng.choice([1.0, 2.0, 3.0])
        for name in NAMES:
            if rng.random() < 0.8:
                pairs[name][f"i{n:03}"] = usual if rng.random() < 0.6 else rng.choice(["a", "tie", "b"])
                rated[name][f"i{n:03}"] = level if rng.random() < 0.6 else rng.choice([1.0, 2.0, 3.0])
    return {"overall": pairs, "quality": rated}


@pytest.fixture
def by_annotator() -> LabelsByAnnotator:
    return labels(60)


def results(desk: Any, by_annotator: LabelsByAnnotator, **criterion: Any) -> Results:
    rows = [
        {
            "item_id": item,
            "criterion": "overall",
            "system_a": "k",
            "system_b": "m",
            "annotator": name,
            "winner": winner,
        }
        for name, units in by_annotator["overall"].items()
        for item, winner in units.items()
    ] + [
        {**RATED, "item_id": item, "annotator": name, "value": value}
        for name, units in by_annotator["quality"].items()
        for item, value in units.items()
    ]
    criteria = {
        "overall": {
            "kind": "pairwise",
            "levels": ["a", "tie", "b"],
            "consensus": {"by": "majority"},
            **criterion,
        },
        "quality": {"kind": "pointwise", "range": [1, 3], "consensus": {"by": "median"}, **criterion},
    }
    criteria = {name: {**spec, **criterion} for name, spec in criteria.items()}
    desk.dataset(items=60, labels=rows, card={"criteria": criteria})
    desk.suite(judges=[RATE])
    return Results(desk.run())


def test_each_two_annotators_have_the_kappa_of_scikit_learn(
    desk: Any, by_annotator: LabelsByAnnotator
) -> None:
    rows = rows_of(annotator_pairs(results(desk, by_annotator)))
    by_pair = {(row["label_criterion"], row["first"], row["second"], row["statistic"]): row for row in rows}
    statistics = {
        ("overall", "kappa"): None,
        ("quality", "kappa"): None,
        ("quality", "weighted kappa"): "quadratic",
    }
    assert len(rows) == 3 * len(statistics)
    for (criterion, statistic), weights in statistics.items():
        for first, second in itertools.combinations(NAMES, 2):
            x, y = by_annotator[criterion][first], by_annotator[criterion][second]
            shared = sorted(x.keys() & y.keys())
            row = by_pair[criterion, first, second, statistic]
            values = [[str(side[item]) for item in shared] for side in (x, y)]
            assert row["estimate"] == pytest.approx(metrics.cohen_kappa_score(*values, weights=weights))
            assert (row["n"], row["n_excluded"]) == (len(shared), len(x.keys() ^ y.keys()))
            assert row["low"] < row["estimate"] < row["high"]
            assert row["standard_error"] > 0


def test_slots_are_no_persons(desk: Any, by_annotator: LabelsByAnnotator) -> None:
    for row in rows_of(annotator_pairs(results(desk, by_annotator, annotators="slots"))):
        assert (row["estimate"], row["reason"]) == (None, "annotators are slots, not people")


def test_meta_says_them(desk: Any, cli: Any, by_annotator: LabelsByAnnotator) -> None:
    results(desk, by_annotator)
    answer = cli("meta", "--json")
    assert len(json.loads(answer.out)["annotator_pairs"]) == 9
    assert "Two annotators on what both labelled" in cli("meta").out


def test_macro_averages_are_those_of_scikit_learn(desk: Any) -> None:
    levels = [1.0 + n % 3 if n % 5 else 2.0 for n in range(60)]
    rated = {"criterion": "quality", "system": "k", "annotator": "ann"}
    rows = [{"item_id": f"i{n:03}", "value": level, **rated} for n, level in enumerate(levels)]
    quality = {"kind": "pointwise", "levels": {1: "wrong", 2: "fair", 3: "right"}}
    desk.dataset(items=60, labels=rows, card={"criteria": {"quality": quality}})
    desk.suite(judges=[RATE])
    run = Results(desk.run())
    judged = run.judgments().query("system == 'k'").sort_values("item_id")["value"]
    by_statistic = {row["statistic"]: row for row in rows_of(agreement(run)) if row["rater"] == "pt"}
    truth, verdicts = [f"{level:g}" for level in levels], [f"{value:g}" for value in judged]
    options: dict[str, Any] = {"average": "macro", "zero_division": np.nan}
    for name, score in (
        ("macro precision", metrics.precision_score),
        ("macro recall", metrics.recall_score),
        ("macro F1", metrics.f1_score),
    ):
        assert by_statistic[name]["estimate"] == pytest.approx(score(truth, verdicts, **options))
        assert by_statistic[name]["n"] == 60
