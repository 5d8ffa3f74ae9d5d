"""What ran, in words: the models of a run with what their judges use."""

from typing import Any

import pytest

from evalhub.analysis import Results
from evalhub.judging import PROTOCOLS
from evalhub.report import report_data
from evalhub.report.facts import model_lines

JUDGE = {"model": "m", "families": ["beta"], "engine": {"type": "scripted"}}


def test_positions_stand_beside_every_judge_of_pairs(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROTOCOLS, "of-another-package", PROTOCOLS["pairwise"])
    pair = (desk.folder / "judges" / "pair.md").read_text()
    pair = pair.replace("id: pair", "id: duel").replace("protocol: pairwise", "protocol: of-another-package")
    desk.rubric("duel", pair)
    desk.dataset(items=2)
    judges = [
        {"id": name, "rubric": name, "pairs": {"by": "all"}, "positions": positions, **JUDGE}
        for name, positions in (("pair", "random"), ("duel", "fixed"))
    ]
    desk.suite(judges=[*judges, {"id": "rate", "rubric": "rate", **JUDGE}])
    lines = dict(model_lines(report_data(Results(desk.run()))))
    assert lines["judge pair"].endswith("pairwise, direct · positions random")
    assert lines["judge duel"].endswith("of-another-package, direct · positions fixed")
    assert lines["judge rate"].endswith("pointwise, direct")
