"""The queue: probabilities are true, sum to n, never fall below .05, and weighing by them is unbiased."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalhub.errors import InputError
from evalhub.stats.people.powered import powered_mean
from evalhub.stats.people.sampling import inclusion_probabilities, labelling_queue, systematic_sample

DOUBT = np.array([0.5, 0.4, 0.3, 0.2, 0.1, 0.0, 0.9, 0.05, 0.3, 0.3])


def test_the_draw_keeps_its_probabilities():
    chances, rng = inclusion_probabilities(DOUBT, n=4), np.random.default_rng(0)
    drawn = np.mean([systematic_sample(chances, rng) for _ in range(40_000)], axis=0)
    assert abs(drawn - chances).max() < 0.01


def test_the_queue_says_its_probabilities():
    names = [f"q{number}" for number in range(10)]
    chances, drawn, even = inclusion_probabilities(DOUBT, n=4), np.zeros(10), np.zeros(10)
    for seed in range(2_500):
        for one in labelling_queue(names, DOUBT, n=4, seed=seed):
            place = names.index(one.id)
            assert one.probability == pytest.approx(chances[place])
            drawn[place] += 1
            even[place] += one.uniform
    assert abs(drawn / 2_500 - chances).max() < 0.03
    assert abs(even / 2_500 - 0.2 * 4 / 10).max() < 0.02


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.one_of(st.floats(0, 1e6), st.none()), min_size=1, max_size=80),
    st.floats(0, 1),
    st.integers(0, 1_000),
)
def test_a_queue_of_n_with_probabilities_that_sum_to_n(doubt, share, seed):
    n = max(1, int(np.ceil(0.05 * len(doubt))), int(share * len(doubt)))
    chances = inclusion_probabilities(doubt, n=n)
    assert chances.sum() == pytest.approx(n, abs=1e-6)
    assert chances.min() >= 0.05 - 1e-12
    assert chances.max() <= 1
    assert (chances >= 0.2 * n / len(doubt) - 1e-12).all()
    queue = labelling_queue(np.arange(len(doubt)), doubt, n=n, seed=seed)
    assert len(queue) == n == len({one.id for one in queue})
    assert abs(sum(one.uniform for one in queue) - 0.2 * n) < max(3, 0.2 * n)


def test_the_order_of_rows_changes_nothing_and_the_seed_does():
    rng = np.random.default_rng(0)
    names, doubt = np.array([f"q{number}" for number in range(100)]), rng.random(100)
    mixed = rng.permutation(100)
    queue = labelling_queue(names, doubt, n=30, seed=4)
    assert queue == labelling_queue(names[mixed], doubt[mixed], n=30, seed=4)
    assert queue != labelling_queue(names, doubt, n=30, seed=5)
    assert [one.id for one in queue] != sorted(one.id for one in queue)


def test_more_doubt_is_drawn_more_often_and_no_verdict_most():
    chances = inclusion_probabilities([0.1, 0.2, 0.4, None] * 10, n=10)
    assert chances[0] < chances[1] < chances[2] == chances[3]
    assert inclusion_probabilities([0, 0, 0, 0], n=1).tolist() == pytest.approx([0.25] * 4)
    assert inclusion_probabilities([None, None], n=1).tolist() == pytest.approx([0.5] * 2)
    assert inclusion_probabilities([1, 0, 0], n=3).tolist() == [1, 1, 1]


def test_weighing_by_the_probabilities_is_unbiased():
    rng = np.random.default_rng(1)
    chance = rng.beta(0.5, 1.5, 400)
    right = (rng.random(400) < chance).astype(float)
    doubt = np.sqrt(chance * (1 - chance))
    inclusion = inclusion_probabilities(doubt, n=80)
    weighed, plain = [], []
    for seed in range(400):
        queue = labelling_queue(np.arange(400), doubt, n=80, seed=seed)
        labels = np.full(400, np.nan)
        places = [int(one.id) for one in queue]
        labels[places] = right[places]
        found = powered_mean(labels, chance, np.arange(400), inclusion=inclusion)
        weighed.append((found.estimate.estimate, found.labels_only.estimate))
        plain.append(np.nanmean(labels))
    error = np.std(weighed, axis=0) / 20
    assert (abs(np.mean(weighed, axis=0) - right.mean()) < 4 * error + 0.003).all()
    assert abs(np.mean(plain) - right.mean()) > 0.05


def test_all_are_drawn_where_there_are_no_more():
    queue = labelling_queue(["a", "b"], [0.1, 0.2], n=5, seed=0)
    assert {one.id for one in queue} == {"a", "b"}
    assert {one.probability for one in queue} == {1.0}
    assert labelling_queue([], [], n=1, seed=0) == ()


def test_misuse_is_refused():
    for names, doubt, n, word in (
        (["a", "a"], [1, 1], 1, "once"),
        (["a", "b"], [1, -1], 1, "negative"),
        (["a", "b"], [1, 1], 0, "too few"),
        (range(100), np.ones(100), 4, "too few"),
    ):
        with pytest.raises(InputError, match=word):
            labelling_queue(names, doubt, n=n, seed=0)
    with pytest.raises(InputError, match="one length"):
        labelling_queue(["a"], [1, 2], n=1, seed=0)
    with pytest.raises(InputError, match="seed"):
        labelling_queue(["a"], [1], n=1, seed=-1)
