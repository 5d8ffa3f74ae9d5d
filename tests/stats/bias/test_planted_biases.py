"""The planted-bias check, small: its whole table is `benchmarks/biases.py`."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).resolve().parents[3] / "benchmarks" / "biases.py"


@pytest.fixture(scope="module")
def planted():
    spec = importlib.util.spec_from_file_location("planted_biases", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules["planted_biases"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["planted_biases"]


@pytest.fixture(scope="module")
def cells(planted):
    return planted.planted_cells(items=150, population=100_000)


@pytest.mark.parametrize("number", [2, 5])
def test_planted_biases_are_found(planted, cells, number):
    cell = cells[number]
    found = planted.run_cell(cell, repeats=200, seed=number)
    for place, truth in enumerate(cell.points):
        estimate, low, high = found[:, place].T
        assert 0.90 <= np.mean((low <= truth) & (truth <= high)) <= 0.99
        assert estimate.mean() == pytest.approx(truth, abs=1.5)


def test_every_bias_takes_every_size_in_both_designs(planted, cells):
    seen = {(place, truth, cell.both) for cell in cells for place, truth in enumerate(cell.points)}
    assert len(seen) == 3 * 4 * 2


def test_without_a_control_length_is_confounded_with_quality(planted, cells):
    cell = replace(cells[2], control="none")
    assert cell.points[1] == 10
    found = planted.run_cell(cell, repeats=50, seed=3)[:, 1]
    assert 12 < found[:, 0].mean() < 17


def test_the_truth_is_integrated_not_fitted(planted):
    pairs = planted.draw_pairs(400_000, np.random.default_rng(3))
    slopes = np.array([0.3, 0.2, 0.5])
    truth = planted.true_points(slopes, pairs)
    # By simulation: the win rate when shown first minus when shown second, all else drawn.
    random = np.random.default_rng(4)
    base = pairs.quality + pairs.taste + slopes[1] * pairs.length
    own = random.choice([-1, 1], size=base.shape) * slopes[2]

    def win_rate(shift):
        wins, ties = planted.outcome_probabilities(base + own + shift)
        drawn = random.random(base.shape)
        return np.mean((drawn < wins) + 0.5 * ((drawn >= wins) & (drawn < wins + ties)))

    assert truth[0] == pytest.approx(100 * (win_rate(slopes[0]) - win_rate(-slopes[0])), abs=0.4)
