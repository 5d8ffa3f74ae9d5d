"""The files for schedulers do what they say: their commands run, on a fine night and on a worse one."""

import configparser
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest
import yaml

from evalhub.analysis import BASELINE_TAG
from evalhub.night import run_night
from evalhub.runner import Options
from evalhub.store import set_tags
from tests.conftest import ROOT
from tests.gates.test_gates import GATE, ITEMS, answers, judge

FOLDER = ROOT / "docs" / "ci"
PAGE = (ROOT / "docs" / "nightly.md").read_text(encoding="utf-8")


class Job(NamedTuple):
    """What a scheduler would do: commands one after another, with variables of their own.

    Attributes:
        steps: Each command, and whether it also runs after one that failed.
        variables: Variables that the file sets.
        artefacts: What the job keeps.
    """

    steps: list[tuple[str, bool]]
    variables: dict[str, str]
    artefacts: list[str]


def cron_job() -> Job:
    """Return the one line of the crontab, and its variables."""
    lines = (FOLDER / "crontab").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if line and not line.startswith("#")]
    variables = dict(line.split("=", 1) for line in lines if re.match(r"\w+=", line))
    (job,) = [line for line in lines if not re.match(r"\w+=", line)]
    *times, command = job.split(maxsplit=5)
    assert all(re.fullmatch(r"[\d*,/-]+", part) for part in times)
    assert "%" not in command  # cron would read it as the end of the line
    return Job([(command, False)], variables, [])


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string((FOLDER / name).read_text(encoding="utf-8"))
    return parser


def systemd_job() -> Job:
    """Return the command of the service that the timer starts."""
    timer, service = unit("evalhub-nightly.timer"), unit("evalhub-nightly.service")
    assert timer["Timer"].get("Unit", "evalhub-nightly.service") == "evalhub-nightly.service"
    assert timer["Install"]["WantedBy"] == "timers.target"
    assert service["Service"]["Type"] == "oneshot"
    command = service["Service"]["ExecStart"]
    assert command.startswith("/opt/evalhub/bin/evalhub ")  # systemd asks for a path
    command = command.removeprefix("/opt/evalhub/bin/").replace(
        service["Service"]["WorkingDirectory"] + "/", ""
    )
    return Job([(command, False)], {}, ["report/"])


def github_job() -> Job:
    workflow = yaml.safe_load((FOLDER / "github-actions.yml").read_text(encoding="utf-8"))
    assert workflow[True]["schedule"]  # YAML 1.1 reads `on` as true
    job = workflow["jobs"]["evaluate"]
    steps = [(step["run"], step.get("if") == "always()") for step in job["steps"] if "run" in step]
    (upload,) = [step for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
    assert upload["if"] == "always()"
    variables = {name: value for name, value in job["env"].items() if "secrets." not in value}
    assert job["env"]["EVALHUB_NOTIFY"] == "${{ secrets.EVALHUB_NOTIFY }}"
    return Job(steps, variables, [upload["with"]["path"]])


def gitlab_job() -> Job:
    job = yaml.safe_load((FOLDER / "gitlab-ci.yml").read_text(encoding="utf-8"))["nightly"]
    assert job["allow_failure"] == {"exit_codes": [3]}
    assert job["artifacts"]["when"] == "always"
    artefacts = [*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]]
    return Job([("\n".join(job["script"]), False)], job["variables"], artefacts)


JOBS = {
    "crontab": cron_job,
    "systemd": systemd_job,
    "github-actions.yml": github_job,
    "gitlab-ci.yml": gitlab_job,
}


class Project:
    """A folder with a nightly suite of which one run is signed off, and evalhub on the path."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk
        self.runs = desk.folder / "var" / "runs"
        tools = desk.folder / "bin"
        tools.mkdir()
        (tools / "evalhub").write_text(f'#!/bin/sh\nexec {sys.executable} -m evalhub "$@"\n')
        (tools / "evalhub").chmod(0o755)
        (desk.folder / "home").mkdir()
        (desk.folder / "home" / "models").symlink_to(desk.folder)
        self.night(1, 0.7)
        first = run_night("nightly", Options(runs=self.runs), reports=False)
        assert first.exit_code == 3
        set_tags(first.results.run, [BASELINE_TAG])

    def night(self, seed: int, good: float, **suite: Any) -> None:
        """Let the system give other answers."""
        self.desk.dataset(items=ITEMS, responses=answers(seed, good))
        path = self.desk.suite(**{"suite": "nightly", "judges": [judge()], "gates": [GATE], **suite})
        path.rename(path.with_name("nightly.yaml"))

    def run(self, job: Job) -> int:
        """Run the steps of a job as its scheduler does, and return the exit code of the first that failed."""
        code = 0
        variables = {
            **os.environ,
            **{name: value.replace("/var/lib/evalhub", str(self.desk.folder / "var")) for name, value in
               job.variables.items()},
            "PATH": f"{self.desk.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.desk.folder / "home"),
            "GITHUB_STEP_SUMMARY": str(self.desk.folder / "step-summary.md"),
        }  # fmt: skip
        if "EVALHUB_RUNS" not in job.variables:
            variables["EVALHUB_RUNS"] = str(self.runs)
        for command, always in job.steps:
            if code and not always:
                continue
            ended = subprocess.run(
                ["bash", "-e", "-c", command],
                cwd=self.desk.folder,
                env=variables,
                check=False,
                capture_output=True,
                text=True,
                timeout=120,
            )
            self.output = ended.stdout + ended.stderr
            code = code or ended.returncode
        return code

    def artefacts(self, job: Job) -> set[str]:
        """Return the names of the files that the job keeps."""
        paths = [self.desk.folder / name for name in job.artefacts]
        return {
            file.name
            for path in paths
            for file in (path.iterdir() if path.is_dir() else [path])
            if file.is_file()
        }


@pytest.fixture
def project(desk: Any) -> Project:
    return Project(desk)


REPORT = {"report.json", "report.html", "summary.md", "junit.xml"}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_ends_as_its_night_did(project: Project, name: str) -> None:
    job = JOBS[name]()
    nights = ((2, 0.7, 0, "0"), (3, 0.45, 1, "1"))
    for seed, good, code, failures in nights if name in ("crontab", "github-actions.yml") else nights[1:]:
        project.night(seed, good)
        assert project.run(job) == code, project.output
        assert (project.artefacts(job) == REPORT) == bool(job.artefacts)
        if name == "crontab":
            assert ("got worse" in project.output) == bool(code)
            assert bool(project.output) == bool(code)
        if job.artefacts:
            folder = project.desk.folder / "report"
            suite = ElementTree.parse(folder / "junit.xml").getroot()
            assert (suite.get("tests"), suite.get("failures")) == ("1", failures)
            assert ("Where it got worse" in (folder / "report.html").read_text()) == bool(code)
    if name == "github-actions.yml":
        fine, worse = (project.desk.folder / "step-summary.md").read_text().split("# nightly")[1:]
        assert "| ✓ |" in fine
        assert "| ✗ |" in worse


@pytest.mark.parametrize("name", ["github-actions.yml"])
def test_a_night_that_did_not_run_shows_no_report_of_another(project: Project, name: str) -> None:
    job = JOBS[name]()
    project.night(2, 0.7)
    assert project.run(job) == 0
    project.night(2, 0.7, judges=[judge(engine="nothing")])
    assert project.run(job) == 2
    assert project.artefacts(job) == set()
    if name == "github-actions.yml":
        assert "found nothing" in (project.desk.folder / "step-summary.md").read_text()


def test_what_is_not_decided_ends_with_3(project: Project) -> None:
    project.night(2, 0.7, gates=[{**GATE, "margin": 0.05, "sd": 0.1}])
    assert project.run(gitlab_job()) == 3


def test_every_file_is_run_by_a_test() -> None:
    names = {path.name for path in FOLDER.iterdir()}
    assert names == {"crontab", "evalhub-nightly.service", "evalhub-nightly.timer", "github-actions.yml",
                     "gitlab-ci.yml"}  # fmt: skip
    assert all(f"(ci/{name})" in PAGE for name in names)


def test_what_the_page_shows_stands_in_the_files() -> None:
    files = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.iterdir())
    blocks = re.findall(r"```(?:text|ini|yaml)\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        assert block in files


def test_the_folder_of_a_report_is_made_and_cleared(desk: Any, cli: Any) -> None:
    desk.suite(gates=[{"coverage": 0.5}])
    assert cli("run", "s", "--out", "here/report").code == 0
    folder = desk.folder / "here" / "report"
    assert {path.name for path in folder.iterdir()} == REPORT
    (run,) = Path(desk.runs).glob("s-*")
    assert all((run / name).read_bytes() == (folder / name).read_bytes() for name in REPORT)
    (folder / "notes.txt").write_text("mine")
    assert cli("run", "nowhere", "--out", "here/report").code == 2
    assert {path.name for path in folder.iterdir()} == {"notes.txt"}
