"""The pytest plugin in a project of its own, with pytest as its users start it."""

import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as Xml
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from evalhub.store import all_runs
from tests.conftest import ROOT
from tests.gates.test_gates import GATE, ITEMS, answers, judge, pair_judge

PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

# A judge that prefers a good answer of the bot, wherever it is shown.
FAIR_RULES = [
    {"match": rf"{place} response:\W+\S+ {word}", "choice": choice}
    for place, word, choice in (
        ("First", "good", "A"),
        ("First", "bad", "B"),
        ("Second", "good", "B"),
        ("Second", "bad", "A"),
    )
]

MARKED = """
import pytest
import evalhub

@pytest.mark.evalhub("suites/s.yaml")
def test_with_run(evalhub_run):
    assert len(evalhub.load(evalhub_run).judgments())

@pytest.mark.evalhub("suites/s.yaml")
def test_without_run():
    pass

class TestAgain:
    @pytest.mark.evalhub("s")
    def test_by_id(self, evalhub_run):
        assert evalhub_run.finished
"""


class Outcome(NamedTuple):
    """How a session of pytest ended: the exit code, the outcome of each test with its message, the output."""

    code: int
    tests: dict[str, tuple[str, str]]
    out: str

    @property
    def kinds(self) -> set[str]:
        return {kind for kind, _ in self.tests.values()}


@pytest.fixture
def session(desk: Any) -> Any:
    """Run pytest in a process of its own, in the folder of the project."""

    def run(test: str, *arguments: str, ini: str = "", **variables: str) -> Outcome:
        (desk.folder / "test_models.py").write_text(test, encoding="utf-8")
        (desk.folder / "pytest.ini").write_text(f"[pytest]\n{ini}", encoding="utf-8")
        report = desk.folder / "report.xml"
        options = ("-p", "evalhub.testing.plugin", "-p", "no:cacheprovider", f"--junitxml={report}", "-rA")
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "--strict-markers", *options, *arguments],
            cwd=desk.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        tests = {}
        for test_case in Xml.parse(report).iter("testcase"):
            kinds = {child.tag: child.get("message", "") for child in test_case if child.tag != "system-out"}
            (kind, message), *_ = [*kinds.items(), ("passed", "")]
            tests[str(test_case.get("name"))] = (kind, message)
        return Outcome(ended.returncode, tests, ended.stdout + ended.stderr)

    return run


@pytest.fixture
def nightly(desk: Any, cli: Any) -> Any:
    """Prepare a night of the suite: other answers of k, and what the test changes."""

    def prepare(seed: int, good: float, **suite: Any) -> None:
        desk.dataset(items=ITEMS, responses=answers(seed, good))
        desk.suite(**{"judges": [judge()], "gates": [GATE], **suite})

    return prepare


def test_a_marked_test_is_held_to_the_gates_of_its_suite(
    desk: Any, cli: Any, session: Any, nightly: Any
) -> None:
    nightly(1, 0.7)
    first = session(MARKED)
    assert (first.code, first.kinds) == (0, {"skipped"}), first.out
    assert "evalhub baseline set" in first.tests["test_without_run"][1]
    # The path and the id of a suite are two names, so there are two runs, and not three.
    assert len(all_runs(desk.runs)) == 2
    assert cli("baseline", "set", "s").code == 0

    nightly(2, 0.7)
    quiet = session(MARKED)
    assert (quiet.code, quiet.kinds, len(quiet.tests)) == (0, {"passed"}, 3), quiet.out

    nightly(3, 0.45)
    worse = session(MARKED)
    assert (worse.code, worse.kinds, len(worse.tests)) == (1, {"failure"}, 3), worse.out
    assert all("k on tiny: mean score by pt (quality) got worse" in text for _, text in worse.tests.values())


def test_what_is_no_fault_of_a_system_is_an_error(desk: Any, session: Any, nightly: Any) -> None:
    nightly(1, 0.7, judges=[pair_judge()], gates=[{"judge": "pw", "flips": 0.1}])
    unfit = session(MARKED)
    assert (unfit.code, unfit.kinds) == (1, {"error"}), unfit.out
    assert "with the order" in unfit.tests["test_without_run"][1]

    nightly(1, 0.7, judges=[judge(engine="nothing")])
    broken = session(MARKED)
    assert (broken.code, broken.kinds) == (1, {"error"}), broken.out
    assert "nothing" in broken.tests["test_without_run"][1]
    assert "Traceback" not in broken.out

    rules = [{"match": ".", "mass": 0.001}]
    nightly(1, 0.7, judges=[judge(engine={"type": "scripted", "script": {"rules": rules}})], gates=[])
    little = session(MARKED)
    assert (little.code, little.kinds) == (1, {"error"}), little.out


def test_an_interrupt_stops_the_session(desk: Any) -> None:
    slow = {"type": "scripted", "script": {"rules": [{"match": ".", "seconds": 0.2}]}}
    desk.dataset(items=60)
    desk.suite(candidates=[{"id": "bot", "model": "b", "engine": slow, "families": ["alpha"]}])
    (desk.folder / "test_models.py").write_text(MARKED, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "evalhub.testing.plugin", "-p", "no:cacheprovider"],
        cwd=desk.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    limit = time.monotonic() + 60
    while not list(desk.runs.glob("*/parts/responses-*/*.jsonl")) and time.monotonic() < limit:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, out
    (run,) = all_runs(desk.runs)
    assert run.state == "interrupted"


def test_a_marker_names_one_suite(session: Any) -> None:
    ended = session("import pytest\n\n@pytest.mark.evalhub\ndef test_nothing():\n    pass\n")
    assert ended.kinds == {"error"}
    assert "name a suite" in ended.tests["test_nothing"][1]


def test_the_folder_of_the_runs(desk: Any, session: Any) -> None:
    test = "def test_run(run_suite):\n    assert run_suite('s').exit_code == 0\n"
    setting = {"ini": "evalhub_runs = by-setting\n"}
    for options, settings, folder in (
        ((), {"EVALHUB_RUNS": str(desk.folder / "by-variable")}, "by-variable"),
        (("--evalhub-runs", "by-option"), setting, "by-option"),
    ):
        ended = session(test, *options, **settings)
        assert ended.kinds == {"passed"}, ended.out
        assert len(all_runs(desk.folder / folder)) == 1


@pytest.mark.parametrize("place", [0, 1])
def test_the_examples_of_the_page_run(desk: Any, cli: Any, session: Any, place: int) -> None:
    def prepare(good: float) -> None:
        rows = [{**row, "system": row["system"].replace("k", "bot")} for row in answers(1, good)]
        desk.dataset(items=ITEMS, responses=rows)
        judges = [{**pair_judge(), "engine": {"type": "scripted", "script": {"rules": FAIR_RULES}}}]
        gates = [{"system": "bot", "measure": "win rate", "margin": 0.2}]
        suite = desk.suite(suite="nightly", judges=judges, gates=gates)
        suite.rename(suite.with_name("nightly.yaml"))

    example = EXAMPLES[place]
    assert len([line for line in EXAMPLES[0].splitlines() if line.strip()]) == 5
    prepare(0.7)
    assert cli("run", "nightly").code == 3
    assert cli("baseline", "set", "nightly").code == 0
    quiet = session(example)
    assert (quiet.code, quiet.kinds) == (0, {"passed"}), quiet.out
    prepare(0.2)
    worse = session(example)
    assert (worse.code, worse.kinds) == (1, {"failure"}), worse.out
    assert "got worse" in worse.out


def test_a_project_without_suites_pays_nothing(session: Any, desk: Any) -> None:
    ended = session(
        "import sys\n\ndef test_nothing():\n"
        "    heavy = {'pandas', 'duckdb', 'scipy', 'numpy', 'pyarrow', 'pydantic', 'yaml', 'rich'}\n"
        "    assert not heavy & set(sys.modules)\n"
        "    assert {name for name in sys.modules if name.startswith('evalhub')} == {\n"
        "        'evalhub', 'evalhub.testing', 'evalhub.testing.plugin'}\n"
    )
    assert (ended.code, ended.kinds) == (0, {"passed"}), ended.out


def test_the_package_hands_the_plugin_to_pytest() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (module,) = project["entry-points"]["pytest11"].values()
    assert Path(ROOT, *module.split(".")).with_suffix(".py").is_file()
