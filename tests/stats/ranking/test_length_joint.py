import time

import numpy as np
import pytest
from scipy import optimize, special

from evalhub.errors import InputError
from evalhub.stats.ranking import joint_fit
from evalhub.stats.ranking.joint_fit import Verdicts, fit, predictor
from evalhub.stats.ranking.joint_length import FEW_MODELS, NO_ITEM_EFFECT, joint_length_controlled
from evalhub.stats.ranking.length_control import NO_SPREAD, ONE_VERDICT, standard_difference


def draw(models=4, items=200, seed=0, spread=1.4):
    rng = np.random.default_rng(seed)
    base, own = rng.integers(200, 4000, items), rng.integers(50, 3000, (models, items))
    squashed = np.stack([np.tanh(standard_difference(one, base)) for one in own])
    strengths, ease = np.linspace(-2, 1, models), spread * rng.standard_normal(items)
    chance = special.expit(strengths[:, None] + 1.5 * squashed + ease)
    wins = np.where(rng.random(chance.shape) < chance, 0.98, 0.01)
    truth = special.expit(strengths[:, None] + ease).mean(axis=1) * 0.97 + 0.01
    names = np.repeat([f"m{model:02}" for model in range(models)], items)
    return [wins.ravel(), names, np.tile(np.arange(items), models), own.ravel(), np.tile(base, models)], truth


def plain(found):
    return [(one.win_rate.estimate, one.win_rate.low, one.win_rate.high) for one in found.models]


def test_the_fit_is_the_maximum_that_a_general_optimiser_finds():
    columns, _ = draw(3, 30)
    wins, own, base = (columns[i].reshape(3, 30) for i in (0, 3, 4))
    length = np.stack([np.tanh(standard_difference(*pair)) for pair in zip(own, base, strict=True)])
    found = fit(Verdicts(wins, np.ones((3, 30), dtype=bool), length), items_vary=False)

    def cost(flat):
        theta, phi = flat.reshape(2, 3)
        log_odds = theta[:, None] + phi[:, None] * length
        covariance = joint_fit.LENGTH**2 * np.eye(3) + joint_fit.COMMON_LENGTH**2
        penalty = theta @ theta / joint_fit.STRENGTH**2 + phi @ np.linalg.solve(covariance, phi)
        return np.sum(np.logaddexp(0, log_odds) - wins * log_odds) + penalty / 2

    peer = optimize.minimize(cost, np.zeros(6), tol=1e-10)
    assert found.converged
    assert found.beta[:, :2].T.ravel() == pytest.approx(peer.x, abs=1e-4)
    assert found.beta[:, 2].tolist() == [1, 1, 1]


@pytest.mark.parametrize("models", [1, 4, 25])
def test_the_rates_are_those_without_a_difference_in_length(models):
    columns, truth = draw(models, 800)
    found = joint_length_controlled(*columns)
    for one, true in zip(found.models, truth, strict=True):
        assert one.win_rate.estimate == pytest.approx(true, abs=0.05)
        assert one.win_rate.low < one.win_rate.estimate < one.win_rate.high
        assert one.win_rate.method == "sandwich-wilson-t"
        assert one.length_effect == pytest.approx(1.4, abs=0.7)
        assert one.note == found.reason
    assert found.reason == (None if models >= 20 else FEW_MODELS)


def test_items_that_do_not_differ_are_said_not_to():
    columns, _ = draw(22, 200, spread=0.0)
    found = joint_length_controlled(*columns)
    assert found.reason in (None, NO_ITEM_EFFECT)
    same = list(columns)
    same[0] = np.full(len(columns[0]), 0.5)
    assert joint_length_controlled(*same).reason == NO_ITEM_EFFECT


def test_the_order_of_the_rows_changes_no_bit():
    columns, _ = draw(22, 60)
    turn = np.random.default_rng(1).permutation(len(columns[0]))
    assert joint_length_controlled(*columns) == joint_length_controlled(*[one[turn] for one in columns])


def test_samples_of_one_response_count_as_their_mean():
    columns, _ = draw(2, 60)
    twice = [np.repeat(column, 3) for column in columns]
    one, three = plain(joint_length_controlled(*columns)), plain(joint_length_controlled(*twice))
    assert np.array(three) == pytest.approx(np.array(one))
    assert joint_length_controlled(*twice).models[0].win_rate.n == 60


def test_clusters_widen_the_interval_where_items_are_copies():
    columns, _ = draw(2, 60)
    copied = [np.concatenate([column, column]) for column in columns]
    copied[2] = np.concatenate([columns[2], columns[2] + 60])
    clusters = np.concatenate([columns[2], columns[2]])
    grouped = joint_length_controlled(*copied, clusters=clusters).models[0].win_rate
    apart = joint_length_controlled(*copied).models[0].win_rate
    assert grouped.clusters == 60
    assert grouped.width > 1.2 * apart.width
    clusters[0] = 59
    with pytest.raises(InputError, match="two clusters"):
        joint_length_controlled(*copied, clusters=clusters)


def test_constant_models_have_a_rate_but_no_interval():
    columns, _ = draw(4, 100)
    wins = columns[0].reshape(4, 100)
    wins[0], wins[1], wins[2] = 0.0, 1.0, 0.5
    found = joint_length_controlled(*columns).models
    assert found[0].win_rate.estimate < 0.01
    assert found[1].win_rate.estimate > 0.99
    assert found[2].win_rate.estimate == pytest.approx(0.5, abs=0.1)
    for one in found[:3]:
        assert (one.win_rate.low, one.win_rate.reason) == (None, ONE_VERDICT)
    assert found[3].win_rate.low is not None


def test_a_length_difference_that_never_varies():
    columns, _ = draw(3, 100)
    own, base = columns[3].reshape(3, 100), columns[4].reshape(3, 100)
    own[0], own[1], own[2] = base[0], base[1] + 50, 872
    equal, shifted, constant = joint_length_controlled(*columns).models
    assert equal.win_rate.estimate == pytest.approx(equal.raw.estimate, abs=0.01)
    assert (shifted.win_rate.estimate, shifted.win_rate.reason) == (None, NO_SPREAD)
    assert shifted.raw.estimate is not None
    assert constant.win_rate.low is not None


def test_missing_rows_values_and_models():
    columns, _ = draw(3, 100)
    columns[0], columns[3] = columns[0].astype(object), columns[3].astype(object)
    columns[0][:4] = None
    columns[3][4:6] = None
    columns[0][100:200] = np.nan
    kept = [column[:250] for column in columns]
    found = joint_length_controlled(*kept).models
    assert (found[0].win_rate.n, found[0].win_rate.n_excluded, found[0].raw.n) == (94, 6, 96)
    assert found[0].raw.n_excluded == 4
    assert (found[1].win_rate.estimate, found[1].win_rate.reason) == (None, "nothing was measured")
    assert found[2].win_rate.n == 50
    few = joint_length_controlled([1, 0], ["m", "m"], [1, 2], [5, 9], [6, 2]).models[0].win_rate
    assert (few.reason, few.low) == ("fewer than 3 clusters", None)


def test_nothing_at_all():
    found = joint_length_controlled([], [], [], [], [])
    assert (found.models, found.length_effect, found.reason) == ((), None, FEW_MODELS)
    lost = joint_length_controlled([None], ["m"], ["i"], [3], [4])
    assert lost.models[0].win_rate.reason == "nothing was measured"


@pytest.mark.parametrize(("column", "value"), [(0, 1.1), (0, -0.1), (1, None), (2, ""), (3, -1), (4, -5)])
def test_misuse_is_refused(column, value):
    columns = [one.astype(object) for one in draw(2, 10)[0]]
    columns[column][3] = value
    with pytest.raises(InputError):
        joint_length_controlled(*columns)
    with pytest.raises(InputError):
        joint_length_controlled([1, 0], ["m"], [1, 2], [1, 2], [1, 2])


def test_the_fitted_log_odds_are_those_of_the_model():
    columns, _ = draw(25, 60)
    wins, own, base = (columns[i].reshape(25, 60) for i in (0, 3, 4))
    length = np.stack([np.tanh(standard_difference(*pair)) for pair in zip(own, base, strict=True)])
    found = fit(Verdicts(wins, np.ones((25, 60), dtype=bool), length), items_vary=True)
    one = found.beta[3, 0] + found.beta[3, 1] * length[3, 7] + found.beta[3, 2] * found.ease[7]
    assert predictor(found)[3, 7] == pytest.approx(one)
    assert found.converged


def test_200_models_take_seconds():
    columns, _ = draw(200, 805)
    started = time.process_time()
    found = joint_length_controlled(*columns)
    assert time.process_time() - started < 30
    assert all(one.win_rate.reason is None for one in found.models)
