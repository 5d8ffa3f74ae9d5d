"""Every suite that comes with evalhub names datasets, rubrics and criteria that exist."""

from pathlib import Path

import pytest

from evalhub.judging import check_rubric
from evalhub.specs import load_card, load_rubric, load_suite

SUITES = sorted((Path(__file__).resolve().parents[2] / "suites").glob("*.yaml"))


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_names_exist(path: Path) -> None:
    suite, file = load_suite(str(path))
    cards = [load_card(use.name, referrer=file)[0] for use in suite.datasets]
    for judge in suite.judges:
        rubric = load_rubric(judge.rubric, referrer=file)
        check_rubric(rubric, judge.rubric)
        assert set(judge.criteria or ()) <= set(rubric.criteria)
        labelled = {name for card in cards for name in card.criteria}
        assert set(judge.label_criteria.values()) <= labelled
    judges = {judge.id for judge in suite.judges}
    for group in (*(jury.members for jury in suite.juries), *(cascade.stages for cascade in suite.cascades)):
        assert set(group) <= judges
