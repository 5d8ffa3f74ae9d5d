import numpy as np
import pytest

from evalhub.errors import InputError
from evalhub.stats.agreement.dawid_skene import SMOOTHING, dawid_skene

PRIOR = np.array([0.5, 0.3, 0.2])
CONFUSIONS = np.array(
    [
        [[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.05, 0.15, 0.8]],
        [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]],
        [[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.1, 0.1, 0.8]],
        [[0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.2, 0.2, 0.6]],
    ]
)


def draw(n, seed=0, missing=0.1):
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n, p=PRIOR)
    said = np.array([[rng.choice(3, p=matrix[t]) for t in truth] for matrix in CONFUSIONS], dtype=float)
    said[rng.random(said.shape) < missing] = np.nan
    return said


def long(said):
    raters, units = np.indices(said.shape)
    names = np.array(["a", "b", "c"])
    values = [None if np.isnan(value) else names[int(value)] for value in said.ravel()]
    return values, units.ravel(), np.array(["p", "q", "r", "s"])[raters.ravel()]


def small_em(said, k, steps):
    """Dawid and Skene's two steps, unit by unit and label by label."""
    raters, n = said.shape
    truth = np.array([[np.mean(said[:, i][~np.isnan(said[:, i])] == c) for c in range(k)] for i in range(n)])
    for _ in range(steps):
        prior = (truth.sum(axis=0) + SMOOTHING) / (n + k * SMOOTHING)
        matrices = np.full((raters, k, k), SMOOTHING)
        for r in range(raters):
            for i in range(n):
                if not np.isnan(said[r, i]):
                    matrices[r, :, int(said[r, i])] += truth[i]
        matrices /= matrices.sum(axis=2, keepdims=True)
        for i in range(n):
            chance = prior.copy()
            for r in range(raters):
                if not np.isnan(said[r, i]):
                    chance = chance * matrices[r, :, int(said[r, i])]
            truth[i] = chance / chance.sum()
    return prior, matrices


def test_finds_the_confusions_that_made_the_data():
    said = draw(4_000)
    model = dawid_skene(*long(said))
    assert model.reason is None
    assert model.prior == pytest.approx(PRIOR, abs=0.03)
    for name, matrix in zip("pqrs", CONFUSIONS, strict=True):
        assert model.confusions[name] == pytest.approx(matrix, abs=0.06)
        assert model.confusions[name].sum(axis=1) == pytest.approx(np.ones(3))


def test_equals_a_small_implementation():
    said = draw(60, seed=3)
    model = dawid_skene(*long(said))
    prior, matrices = small_em(said, 3, model.steps)
    assert model.prior == pytest.approx(prior, abs=1e-10)
    assert np.stack(list(model.confusions.values())) == pytest.approx(matrices, abs=1e-10)


def test_rows_in_another_order_give_the_same_model():
    said = draw(80, seed=1)
    values, units, raters = long(said)
    order = np.random.default_rng(2).permutation(len(values))
    one = dawid_skene(values, units, raters)
    other = dawid_skene([values[i] for i in order], units[order], raters[order])
    assert np.array_equal(one.prior, other.prior)
    assert all(np.array_equal(one.confusions[name], other.confusions[name]) for name in "pqrs")


def test_a_level_that_nobody_chose_stays_rare():
    said = draw(100)
    model = dawid_skene(*long(said), levels=["a", "b", "c", "d"])
    assert model.prior.shape == (4,)
    assert model.prior[3] < 0.01


def test_what_is_not_identified_says_why():
    said = draw(100)
    two = dawid_skene(*long(said[:2]))
    assert (two.prior, two.confusions) == (None, {})
    assert two.reason == "fewer than 3 raters"
    few = dawid_skene(*long(said[:, :20]))
    assert few.reason == "fewer than 30 units of 3 raters or more"
    assert dawid_skene(*long(np.zeros((4, 50)))).reason == "all values are one and the same"
    assert dawid_skene([], [], []).reason == "fewer than 3 raters"
    with pytest.raises(InputError):
        dawid_skene(["a", "b"], ["u", "u"], ["x", "x"])
