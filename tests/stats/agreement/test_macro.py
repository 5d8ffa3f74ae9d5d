"""Macro precision and F1 against scikit-learn, and their intervals against simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from evalhub.stats import Estimate, balanced_accuracy, macro_f1, macro_precision

ROWS = st.lists(st.tuples(st.sampled_from("abt"), st.sampled_from("abt")), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_the_estimates_are_those_of_scikit_learn(rows: list[tuple[str, str]]) -> None:
    judge, labels = map(list, zip(*rows, strict=True))
    clusters = range(len(rows))
    options = {"average": "macro", "zero_division": np.nan}
    assert macro_precision(judge, labels, clusters).estimate == pytest.approx(
        metrics.precision_score(labels, judge, **options)
    )
    assert balanced_accuracy(judge, labels, clusters).estimate == pytest.approx(
        metrics.recall_score(labels, judge, **options)
    )
    assert macro_f1(judge, labels, clusters).estimate == pytest.approx(
        metrics.f1_score(labels, judge, **options)
    )


def test_rows_without_a_verdict_or_label_are_left_out() -> None:
    judge, labels = ["a", None, "b", "a"], ["a", "a", None, "b"]
    for statistic in (macro_precision, macro_f1):
        found = statistic(judge, labels, range(4))
        whole = statistic(["a", "a"], ["a", "b"], range(2))
        assert (found.estimate, found.n, found.n_excluded) == (whole.estimate, 2, 2)
        assert statistic([None], ["a"], [1]).reason == "no row has both a verdict and a label"


def test_a_category_that_counts_as_wrong_is_not_averaged_over() -> None:
    judge, labels = ["a", "b", "?", "?"], ["a", "b", "a", "b"]
    assert macro_precision(judge, labels, range(4), apart=["?"]).estimate == 1.0
    assert macro_f1(judge, labels, range(4), apart=["?"]).estimate == pytest.approx(2 / 3)
    assert macro_precision(["?"], ["a"], [1], apart=["?"]).estimate is None


def test_too_few_clusters_of_a_category_have_no_interval() -> None:
    judge, labels = ["a", "b"] * 20 + ["t"], ["a", "b"] * 20 + ["a"]
    found = macro_precision(judge, labels, range(41))
    assert found.estimate == pytest.approx((20 / 20 + 1 + 0) / 3)
    assert (found.low, found.high) == (None, None)
    assert found.reason == "a category of the judge lies in fewer than 5 clusters"


def covered(estimate: Estimate, truth: float) -> bool:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low <= truth <= estimate.high


@pytest.mark.parametrize("statistic", [macro_precision, macro_f1])
def test_the_interval_holds_the_truth_as_often_as_it_says(statistic: object) -> None:
    """Labels a, b, c at 50, 30 and 20 %; the judge is right on 70 %, else evenly wrong; two rows each."""
    rng = np.random.default_rng(1)
    shares = np.array([0.5, 0.3, 0.2])
    table = np.diag(shares * 0.7) + (1 - np.eye(3)) * shares * 0.15
    precision = np.diag(table) / table.sum(axis=1)
    f1 = 2 * np.diag(table) / (table.sum(axis=1) + table.sum(axis=0))
    truth = float((precision if statistic is macro_precision else f1).mean())
    hits = 0
    for _ in range(200):
        cells = rng.choice(9, size=60, p=table.ravel())
        judge, labels = np.array(list("abc"))[cells // 3], np.array(list("abc"))[cells % 3]
        hits += covered(statistic(judge.repeat(2), labels.repeat(2), np.arange(60).repeat(2)), truth)  # type: ignore[operator]
    assert 0.91 <= hits / 200 <= 0.99
