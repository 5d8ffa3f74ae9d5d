"""AlpacaEval 2's win rates of four models, number by number, and how near length control comes."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from evalhub.stats.means import mean_estimate
from evalhub.stats.ranking.joint_length import FEW_MODELS, joint_length_controlled

pytestmark = pytest.mark.skipif(
    "EVALHUB_MIRROR" not in os.environ, reason="needs EVALHUB_MIRROR: the labelled sets in shared/data"
)

# win rate, standard error, ties, hard win rate, in percent; last: length-controlled, with anchors of its own
PUBLISHED = {
    "alpaca-7b": (2.591450540, 0.4870855, 3, 2.2981366, 5.875),
    "FuseChat-Llama-3.2-3B-Instruct": (51.296677101, 1.4825794, 3, 52.8571429, 53.999),
    "gpt4_0613_concise": (9.400320575, 0.9010213, 5, 9.1304348, 21.578),
    "NullModel": (76.919791804, 0.9090102, 0, 83.9751553, 86.458),
}


def read() -> dict[str, np.ndarray]:
    """Read the verdicts; a preference of 0 is a tie, 1 the baseline, 2 the model, nothing a failure."""
    path = Path(os.environ["EVALHUB_MIRROR"]) / "alpaca_eval" / "annotations_slim_4models.csv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    given = np.array([float(row["preference"] or "nan") for row in rows])
    return {
        "wins": np.where(given == 0, 1.5, given) - 1,
        "models": np.array([row["generator_2"] for row in rows]),
        "items": np.array([row["index"] for row in rows]),
        "length_model": np.array([float(row["len_output_2"]) for row in rows]),
        "length_baseline": np.array([float(row["len_output_1"]) for row in rows]),
    }


@pytest.mark.parametrize("model", list(PUBLISHED))
def test_raw_win_rates(model: str) -> None:
    rows = read()
    mine = rows["models"] == model
    wins, items = rows["wins"][mine], rows["items"][mine]
    soft = mean_estimate(wins, items, bounds=(0, 1))
    verdicts = mean_estimate((1 + np.sign(wins - 0.5)) / 2, items, bounds=(0, 1))
    rate, error, ties, hard, _ = PUBLISHED[model]
    assert soft.estimate is not None
    assert soft.standard_error is not None
    assert verdicts.estimate is not None
    assert 100 * soft.estimate == pytest.approx(rate, abs=1e-6)
    assert 100 * soft.standard_error == pytest.approx(error, abs=1e-6)
    assert 100 * verdicts.estimate == pytest.approx(hard, abs=1e-6)
    assert np.sum(wins == 0.5) == ties
    print(model, soft, verdicts)


def test_length_control_of_four_models_says_what_it_lacks() -> None:
    found = joint_length_controlled(**read())
    assert found.reason == FEW_MODELS
    for one in found.models:
        print(one, "published:", PUBLISHED[one.model][4])
        assert one.win_rate.estimate is not None
        assert one.win_rate.low is not None
