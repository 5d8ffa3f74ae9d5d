"""Labels and verdicts together: the estimator is the published one, tuning is honest, misuse is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalhub.errors import InputError
from evalhub.stats.clusters import codes
from evalhub.stats.means import cluster_variance, mean_estimate
from evalhub.stats.people.frame import read_frame
from evalhub.stats.people.powered import powered_difference, powered_mean
from evalhub.stats.people.rectifier import rectify, tuned_weights


def rows(seed=0, n=60, total=600, skill=0.8, per=1):
    rng = np.random.default_rng(seed)
    clusters = np.arange(total) // per
    true, noise = rng.standard_normal((2, total))
    judge = skill * true + (1 - skill**2) ** 0.5 * noise
    return np.where(np.arange(total) % (total // n) == 0, true, np.nan), judge, clusters


def test_it_is_the_published_estimator():
    labels, judge, clusters = rows()
    used = ~np.isnan(labels)
    frame = read_frame(labels, judge, clusters)
    for weight in (0.0, 0.4, 1.0):
        found = rectify(frame, weight)
        expected = weight * judge.mean() + (labels[used] - weight * judge[used]).mean()
        assert found.value == pytest.approx(expected)
        # Independent rows: the residuals' variance over n, and the verdicts' over all rows.
        rest = labels[used] - weight * judge[used]
        one = (rest - rest.mean()) / used.sum() + weight * (judge[used] - judge.mean()) / len(judge)
        other = weight * (judge[~used] - judge.mean()) / len(judge)
        n = used.sum()
        assert found.variance == pytest.approx(np.sum(one**2) * n / (n - 1) + np.sum(other**2))


def test_the_weight_is_that_of_least_variance():
    labels, judge, clusters = rows(n=300)
    frame = read_frame(labels, judge, clusters)
    fitted = tuned_weights(frame)
    used = ~np.isnan(labels)
    slope = np.cov(labels[used], judge[used])[0, 1] / np.var(judge[used], ddof=1)
    assert np.mean(fitted) == pytest.approx(slope, rel=0.05)
    least = rectify(frame, float(np.mean(fitted))).variance
    assert all(rectify(frame, float(np.mean(fitted)) + step).variance > least for step in (-0.1, 0.1))


def test_a_cluster_has_no_say_in_its_own_weight():
    labels, judge, clusters = rows(per=4)
    before = tuned_weights(read_frame(labels, judge, clusters))
    changed = labels.copy()
    changed[clusters == 5] += 100
    # Only the mean of the labels, of which the cluster is a part, may carry anything over.
    after = tuned_weights(read_frame(changed, judge, clusters))
    assert abs(after[clusters == 5] - before[clusters == 5]).max() < 0.15
    assert abs(after - before).max() > 0.3


def test_without_a_judge_it_is_the_cluster_robust_mean():
    labels, judge, clusters = rows(per=4, n=200)
    used = ~np.isnan(labels)
    alone = mean_estimate(labels, clusters)
    found = rectify(read_frame(labels, judge, clusters), 0.0)
    assert found.value == pytest.approx(alone.estimate)
    unequal = np.where(np.arange(600) < 300, 0, np.arange(600))  # half of the rows in one cluster
    plain = rectify(read_frame(labels, judge, unequal), 0.0)
    variance, freedom = cluster_variance(labels[used], codes(unequal[used])[0])
    assert plain.variance == pytest.approx(variance)
    assert plain.freedom <= freedom + 1e-9


def test_a_good_judge_narrows_and_labels_alone_are_beside_it():
    labels, judge, clusters = rows(skill=0.9)
    found = powered_mean(labels, judge, clusters)
    alone = mean_estimate(labels[~np.isnan(labels)], clusters[~np.isnan(labels)])
    assert (found.labels_only.method, found.labels_only.low) == (alone.method, pytest.approx(alone.low))
    assert found.estimate.width < 0.65 * found.labels_only.width
    assert found.effective_n > 2 * found.labelled == 120
    assert found.effective_n == pytest.approx(
        60 * (found.labels_only.width / found.estimate.width) ** 2, rel=0.15
    )
    assert found.judge_only.estimate == pytest.approx(judge.mean())
    assert found.judge_only.method.endswith("biased")
    assert found.estimate.n == 600


def test_a_biased_judge_moves_nothing():
    labels, judge, clusters = rows()
    plain, moved = (powered_mean(labels, one, clusters).estimate for one in (judge, 3 * judge + 7))
    assert (plain.estimate, plain.low) == (pytest.approx(moved.estimate), pytest.approx(moved.low))


def test_a_judge_who_contradicts_or_never_changes_is_not_used():
    labels, judge, clusters = rows()
    for verdicts in (-judge, np.full(600, 0.3)):
        found = powered_mean(labels, verdicts, clusters)
        assert found.tuning == 0
        assert found.estimate.estimate == pytest.approx(found.labels_only.estimate)
        assert found.estimate.width == pytest.approx(found.labels_only.width, rel=0.02)
    assert powered_mean(labels, np.full(600, 0.3), clusters).correlation is None


def test_all_labelled_is_the_mean_of_the_labels():
    labels = np.tile([0, 1, 1], 20)
    found = powered_mean(labels, 1 - labels, range(60), bounds=(0, 1))
    assert found.tuning == 0
    assert (found.estimate.low, found.estimate.high) == (
        pytest.approx(found.labels_only.low),
        pytest.approx(found.labels_only.high),
    )


def test_labels_that_never_vary_have_wilsons_interval_at_a_bound_only():
    labels = [1] * 40 + [None] * 100
    judge = [1, 0] * 70
    found = powered_mean(labels, judge, range(140), bounds=(0, 1))
    assert (found.estimate.estimate, found.estimate.high) == (1, 1)
    assert found.estimate.low == pytest.approx(found.labels_only.low)
    assert powered_mean(labels, judge, range(140)).estimate.low is None


def test_a_judge_without_a_seen_error_is_not_believed_blindly():
    labels = [1, 0] * 20 + [None] * 4_000
    judge = [1, 0] * 2_020
    found = powered_mean(labels, judge, range(4_040), bounds=(0, 1))
    assert found.correlation == pytest.approx(1)
    assert found.effective_n == pytest.approx(40 / (4 / 40 + 40 / 4_040))
    assert found.estimate.width > 0.09


def test_what_the_judge_cannot_judge_stays_in():
    # the judge fails on a hard third, where people say no: leaving it out would give 1
    labels = [1, 1, 0] * 30 + [None] * 210
    judge = [1, 1, None] * 100
    found = powered_mean(labels, judge, range(300), bounds=(0, 1))
    assert found.labels_only.estimate == pytest.approx(2 / 3)
    assert found.estimate.estimate == pytest.approx(2 / 3, abs=0.02)
    assert found.estimate.n == 300


def test_little_is_not_enough():
    judge = np.arange(100.0)
    two = powered_mean([1, 0] + [None] * 98, judge, range(100))
    assert (two.estimate.estimate, two.estimate.reason) == (None, "fewer than 3 labelled clusters")
    few = powered_mean([1, 0] * 12 + [None] * 76, judge, range(100))
    assert few.estimate.estimate is not None
    assert (few.estimate.low, few.estimate.reason) == (None, "fewer than 25 labelled clusters")
    one = powered_mean([1, 0] * 12 + [None] * 76, judge, [1] * 100)
    assert one.estimate.estimate is None
    for labels, verdicts, reason in (
        ([None, None], [1, 0], "nothing was labelled"),
        ([1, None], [None, 0], "no row has both a verdict and a label"),
        ([1, 0], [None, None], "no verdict was given"),
        ([], [], "no verdict was given"),
        ([np.nan, None], [np.inf, 0], "nothing was labelled"),
    ):
        found = powered_mean(labels, verdicts, range(len(labels)))
        assert (found.estimate.estimate, found.estimate.reason) == (None, reason)
        assert (found.tuning, found.effective_n) == (None, None)


def test_inclusion_is_weighed_or_refused():
    labels, judge, clusters = rows()
    even = powered_mean(labels, judge, clusters, inclusion=np.full(600, 0.1))
    plain = powered_mean(labels, judge, clusters)
    assert even.estimate.estimate == pytest.approx(plain.estimate.estimate)
    assert even.estimate.low == pytest.approx(plain.estimate.low)
    half = np.where(np.arange(600) < 300, 0.1, np.nan)
    lacking = powered_mean(labels, judge, clusters, inclusion=half)
    assert "lacks the probability" in lacking.estimate.reason
    assert lacking.estimate.estimate is None
    only_labelled = np.where(np.isnan(labels), np.nan, 0.1)
    assert powered_mean(labels, judge, clusters, inclusion=only_labelled) == even
    for wrong in (0.0, -0.1, 0.04, 1.2):
        with pytest.raises(InputError, match="out of range"):
            powered_mean(labels, judge, clusters, inclusion=np.full(600, wrong))
    uneven = np.where(np.arange(600) < 300, 0.1, 0.5)
    found = powered_mean(labels, judge, clusters, inclusion=uneven)
    used = ~np.isnan(labels)
    assert found.labels_only.estimate == pytest.approx(np.average(labels[used], weights=1 / uneven[used]))


def test_misuse_is_refused():
    with pytest.raises(InputError, match="one length"):
        powered_mean([1, 0], [1], [1, 2])
    with pytest.raises(InputError, match="bounds"):
        powered_mean([2, 0, 1], [1, 1, 1], range(3), bounds=(0, 1))
    with pytest.raises(InputError, match="one length"):
        powered_difference(([1], [1]), ([1, 0], [1, 0]), [1])


def test_a_difference_is_that_within_items():
    labels, judge, clusters = rows(n=100)
    other, heard, _ = rows(seed=1, n=100)
    found = powered_difference((labels, judge), (other, heard), clusters)
    assert found == powered_mean(labels - other, judge - heard, clusters)
    back = powered_difference((other, heard), (labels, judge), clusters)
    assert back.estimate.estimate == pytest.approx(-found.estimate.estimate)
    assert back.estimate.high == pytest.approx(-found.estimate.low)
    other[:300] = np.nan
    assert powered_difference((labels, judge), (other, heard), clusters).labelled == 50


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 4]), st.floats(0, 0.99))
def test_the_order_of_rows_changes_nothing_and_bounds_are_kept(seed, per, skill):
    labels, judge, clusters = rows(seed, n=120, skill=skill, per=per)
    labels = np.where(np.isnan(labels), np.nan, labels > 1)
    mixed = np.random.default_rng(seed).permutation(600)
    one = powered_mean(labels, judge, clusters, bounds=(0, 1)).estimate
    two = powered_mean(labels[mixed], judge[mixed], clusters[mixed], bounds=(0, 1)).estimate
    assert (one.estimate, one.low, one.high) == pytest.approx((two.estimate, two.low, two.high))
    assert 0 <= one.low <= one.estimate <= one.high <= 1


def test_the_goals_at_a_hundred_labels():
    for skill, most in ((0.6, 0.83), (0.0, 1.02)):
        held, widths = 0, []
        for seed in range(300):
            rng = np.random.default_rng(seed)
            true, noise = rng.standard_normal((2, 2_100))
            judge = skill * true + (1 - skill**2) ** 0.5 * noise
            found = powered_mean(np.where(np.arange(2_100) < 100, true, np.nan), judge, np.arange(2_100))
            held += found.estimate.low <= 0 <= found.estimate.high
            widths.append((found.estimate.width, found.labels_only.width))
        ratio = np.mean(widths, axis=0)
        assert ratio[0] / ratio[1] <= most
        assert 0.915 <= held / 300 <= 0.985


def test_failed_verdicts_are_filled_with_the_mean_verdict():
    rng = np.random.default_rng(0)
    truth = np.concatenate([rng.random(200) < 0.2, rng.random(200) < 0.8]).astype(float)
    judge = np.where((np.arange(400) < 200) & (np.arange(400) % 2 == 1), np.nan, truth)
    powered = powered_mean(np.where(np.arange(400) % 4 < 2, truth, np.nan), judge, range(400), bounds=(0, 1))
    assert (powered.verdicts, powered.estimate.n, powered.correlation) == (300, 400, pytest.approx(1))
