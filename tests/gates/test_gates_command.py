"""Gates as a CI job meets them: exit codes, baselines, and what a plan refuses."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evalhub.stats import ClusterDesign, clusters_needed
from evalhub.store import all_runs, tags_of

from .test_gates import GATE, ITEMS, answers, judge


@pytest.fixture
def nightly(desk: Any, cli: Any) -> Any:
    """Run one night of a suite with gates by the command line."""

    def run(seed: int, good: float, *, gates: Any = (GATE,), **suite: Any) -> Any:
        desk.dataset(items=ITEMS, responses=answers(seed, good))
        desk.suite(judges=[judge()], gates=list(gates), **suite)
        return cli("run", "s", "--json", "--runs", str(desk.runs))

    return run


def test_a_run_exits_by_its_gates(desk: Any, cli: Any, nightly: Any) -> None:
    first = nightly(1, 0.7)
    assert first.code == 3
    assert json.loads(first.out)["gates"][0]["state"] == "inconclusive"
    run = all_runs(desk.runs)[0]
    assert cli("baseline", "set", run.id, "--runs", str(desk.runs)).code == 0
    quiet, worse = nightly(2, 0.7), nightly(3, 0.45)
    assert (quiet.code, worse.code) == (0, 1)
    (finding,) = [row for row in json.loads(worse.out)["findings"] if row["question"] == "gates"]
    assert finding["verdict"] == "bad"
    again = cli("gates", "--runs", str(desk.runs))
    assert again.code == 1
    assert "got worse" in again.out
    report = cli("report", "--runs", str(desk.runs))
    assert report.code == 0
    assert "Do the gates hold?" in report.out


def test_a_suite_has_one_baseline(desk: Any, cli: Any, nightly: Any) -> None:
    for seed in (1, 2):
        nightly(seed, 0.7)
    newer, older = all_runs(desk.runs)
    on_runs = ("--runs", str(desk.runs))
    cli("baseline", "set", older.id, *on_runs)
    cli("baseline", "set", newer.id, *on_runs)
    assert (tags_of(newer), tags_of(older)) == (("baseline",), ())
    rows = json.loads(cli("baseline", "show", "--json", *on_runs).out)
    assert [(row["suite"], row["baseline"]) for row in rows] == [("s", newer.id)]
    assert cli("baseline", "clear", "s", *on_runs).code == 0
    assert tags_of(newer) == ()
    assert cli("baseline", "clear", "s", *on_runs).code == 2


def test_a_gate_that_would_see_nothing_is_refused_before_the_run(nightly: Any, desk: Any) -> None:
    output = nightly(1, 0.7, gates=[{**GATE, "margin": 0.1}])
    assert output.code == 2
    assert "s.yaml:gates.0.margin: 400 items show a loss of 0.10 in 21% of nights" in output.sentence
    assert "take 1,336 items, or 787 with `error: 0.05`" in output.sentence
    assert not all_runs(desk.runs)


@pytest.mark.parametrize(
    ("gate", "sentence"),
    [
        ({**GATE, "system": "kk"}, "gates.0.system: unknown system, got 'kk'; allowed: k, m"),
        ({**GATE, "rater": "nobody"}, "gates.0.rater: unknown rater, got 'nobody'; allowed: pt"),
        ({**GATE, "dataset": "other"}, "gates.0.dataset: unknown dataset, got 'other'; allowed: tiny"),
        ({**GATE, "against": {"system": "x"}}, "gates.0.against.system: unknown system, got 'x'"),
        ({**GATE, "tag": "maths"}, "gates.0.tag: unknown tag, got 'maths'"),
        ({"judge": "px", "flips": 0.1}, "gates.0.judge: unknown judge, got 'px'; allowed: pt"),
        ({"flips": 2, "judge": "pt"}, "gates.0.flips"),
        ({"coverge": 0.9}, "gates.0.coverge: unknown key"),
        ({"coverage": 0.9, "dataset": "tiny"}, "dataset does not stand in a gate on coverage"),
        ({"coverage": 0.9, "family": "x"}, "family does not stand in a gate on coverage"),
        ({**GATE, "measure": "Win rate"}, "gates.0.measure: unknown measure, got 'Win rate'"),
        ({**GATE, "against": {"system": "k"}}, "a gate compares two systems"),
    ],
)
def test_a_wrong_gate_is_one_sentence(nightly: Any, gate: dict[str, Any], sentence: str) -> None:
    output = nightly(1, 0.7, gates=[gate])
    assert output.code == 2
    assert sentence in output.sentence


def test_a_plan_says_how_many_nights_are_red_for_nothing(desk: Any, cli: Any, nightly: Any) -> None:
    nightly(1, 0.7)
    output = cli("plan", "s", "--runs", str(desk.runs))
    assert "gates: at most 0.075 nights of a month are red without any change" in output.err


def test_a_run_without_gates_has_none_to_ask_for(desk: Any, cli: Any) -> None:
    desk.run()
    output = cli("gates", "--runs", str(desk.runs))
    assert output.code == 2
    assert "has no gates" in output.sentence


def test_gates_of_a_family_share_their_power(nightly: Any) -> None:
    gates = [{**GATE, "margin": 0.2}, {**GATE, "margin": 0.2, "against": 2.0}]
    assert nightly(1, 0.7, gates=gates[:1]).code == 3  # it could see its margin, and there is no baseline
    output = nightly(1, 0.7, gates=gates * 3)
    assert output.code == 2
    assert "400 items show a loss of 0.20" in output.sentence


def test_the_size_for_a_common_error_does_not_depend_on_the_others_errors(nightly: Any) -> None:
    gate = {**GATE, "margin": 0.1}
    output = nightly(1, 0.7, gates=[{**gate, "error": 0.01}, {**gate, "error": 0.001}])
    size = clusters_needed(0.1, ClusterDesign(sd=1.0, alpha=0.05 / 2))
    assert f"or {size:,} with `error: 0.05`" in output.sentence


def test_a_trial_decides_nothing(desk: Any, cli: Any, nightly: Any) -> None:
    nightly(1, 0.7)
    cli("baseline", "set", all_runs(desk.runs)[0].id, "--runs", str(desk.runs))
    desk.dataset(items=ITEMS, responses=answers(3, 0.2))
    for options in (("--limit", "100"), ("--only", "pt")):
        output = cli("run", "s", "--json", *options, "--runs", str(desk.runs))
        assert output.code == 0, output.err
        assert json.loads(output.out)["gates"] == []


def test_a_baseline_that_cannot_be_read_costs_no_report(desk: Any, cli: Any, nightly: Any) -> None:
    nightly(1, 0.7)
    run = all_runs(desk.runs)[0]
    cli("baseline", "set", run.id, "--runs", str(desk.runs))
    for file in run.files("judgments"):
        file.path.unlink()
        file.path.write_bytes(b"broken")
    for path in run.path.glob("parts/judgments-*/facts/*"):
        path.unlink()
    output = nightly(2, 0.7)
    assert output.code == 4
    assert "the baseline cannot be read" in output.sentence
    newest = all_runs(desk.runs)[0]
    assert newest.id != run.id
    assert (newest.path / "report.json").exists()


@pytest.mark.parametrize("text", ["[1]", "[{}]", '[{"state": "fail"}]', "{}", "no json"])
def test_a_damaged_file_of_gates_is_left_out(desk: Any, cli: Any, nightly: Any, text: str) -> None:
    nightly(1, 0.7)
    run = all_runs(desk.runs)[0]
    (run.path / "gates.json").write_text(text)
    assert cli("report", run.id, "--runs", str(desk.runs)).code == 0


def test_a_full_disk_is_no_failed_gate(desk: Any) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "evalhub", "run", "nope"]
        code = subprocess.run(
            command,
            cwd=desk.folder,
            stdout=full,
            stderr=full,
            check=False,
        ).returncode
    assert code == 2
