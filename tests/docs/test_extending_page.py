"""The package that the page shows is installed as another package, and its five parts work in one run."""

import base64
import hashlib
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import Results, leaderboard, rows_of
from evalhub.judging import PROTOCOLS
from evalhub.metrics import METRICS
from evalhub.runner import Options, run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "extending.md"
BLOCK = re.compile(r"^`([\w./-]+)`\n\n```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINES_OF_AN_EXAMPLE = 45


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """The files of the page by path."""
    return dict(BLOCK.findall(PAGE.read_text(encoding="utf-8")))


def build_wheel(files: dict[str, str], folder: Path) -> Path:
    """Write the wheel that a build of the page's package makes, without fetching a build backend."""
    project = tomllib.loads(files["pyproject.toml"])["project"]
    name, version = project["name"].replace("-", "_"), project["version"]
    points = "".join(
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
        for group, entries in project["entry-points"].items()
    )
    info = f"{name}-{version}.dist-info"
    members = {path: text for path, text in files.items() if re.fullmatch(r"example_\w+\.py", path)}
    members |= {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": points,
    }
    record = "".join(f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in members.items())
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**members, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(path, text)
    return wheel


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


@pytest.fixture
def results(files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Results]:
    """The run of the page's suite, with its package installed by pip in a folder of its own."""
    packages = tmp_path / "packages"
    wheel = build_wheel(files, tmp_path)
    install = ["pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(packages), str(wheel)]
    subprocess.run([sys.executable, "-m", *install], check=True)
    monkeypatch.syspath_prepend(str(packages))
    # Child processes of engines find it in the same way.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(packages), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.delenv("EVALHUB_MIRROR", raising=False)
    monkeypatch.delenv("EVALHUB_PATH", raising=False)
    monkeypatch.setenv("EVALHUB_CACHE", str(tmp_path / "cache"))
    desk = tmp_path / "desk"
    answers = files["datasets/samples/colours/answers.txt"]
    for path, text in files.items():
        if "/" in path:
            target = desk / path
            target.parent.mkdir(parents=True, exist_ok=True)
            sha256 = hashlib.sha256(answers.encode()).hexdigest()
            target.write_text(text.replace("SHA256", sha256), encoding="utf-8")
    monkeypatch.chdir(desk)
    yield Results(run("colours", Options(runs=desk / "runs")))
    for name in [name for name in sys.modules if name.startswith("example_")]:
        del sys.modules[name]


def test_the_five_parts_work_in_one_run(results: Results) -> None:
    rows = rows_of(leaderboard(results))
    ranks = {(row["rater"], row["system"]): row["rank"] for row in rows}
    assert (ranks["edit_distance", "short"], ranks["edit_distance", "long"]) == (1, 2)
    judgments = results.judgments().set_index(["judge", "system"])
    assert judgments.loc[("thumb", "short"), "value"] == 1
    assert judgments.loc[("thumb", "long"), "value"] == 0
    assert {*judgments.loc["careful", "value"]} == {2}
    completions = results.completions()
    assert any(text.startswith("> List three mistakes") for text in completions["text"])


def test_each_example_is_one_short_file_that_no_table_knows(files: dict[str, Any]) -> None:
    examples = [path for path in files if path.startswith("example_")]
    assert len(examples) == 5
    for path in examples:
        assert len(files[path].splitlines()) <= LINES_OF_AN_EXAMPLE
    assert not {"edit_distance"} & {*METRICS}
    assert not {"mistakes"} & {*PROTOCOLS}
