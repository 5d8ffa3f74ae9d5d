"""The pytest plugin: a fixture that runs suites, and a marker that holds a test to the gates of one."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from evalhub.night import Night
    from evalhub.store import Run

MARKER = "evalhub"
RUN = "evalhub_run"
_DESCRIPTION = "evalhub(suite): run a suite, hold the test to its gates, and give it the run as `evalhub_run`"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the folder of the runs as an option and as a setting."""
    where = "Folder of the runs, by default EVALHUB_RUNS or ./runs."
    parser.getgroup("evalhub").addoption("--evalhub-runs", metavar="FOLDER", help=where)
    parser.addini("evalhub_runs", f"{where} Relative to the file of the setting.")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", _DESCRIPTION)
    config.stash[_NIGHTS] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have a marked test run its suite, also if it does not ask for the run."""
    for item in items:
        names: list[str] | None = getattr(item, "fixturenames", None)
        if names is not None and RUN not in names and item.get_closest_marker(MARKER):
            names.append(RUN)


@pytest.fixture(scope="session")
def run_suite(pytestconfig: pytest.Config) -> Callable[[str | os.PathLike[str]], Night]:
    """Return what runs a suite: from its path or id to the night, with its gates and reports.

    It raises what `evalhub.night.run_night` raises.
    """

    def run(suite: str | os.PathLike[str]) -> Night:
        options = import_module("evalhub.runner").Options(runs=_runs_folder(pytestconfig))
        night: Night = import_module("evalhub.night").run_night(os.fspath(suite), options)
        return night

    return run


@pytest.fixture
def evalhub_run(request: pytest.FixtureRequest, run_suite: Callable[[str], Night]) -> Run:
    """Return the run of the marker's suite. A suite is run once for all tests of a session.

    A regression fails the test. What is no fault of a system is an error of the test, and gates that are not
    decided skip it.
    """
    marker = request.node.get_closest_marker(MARKER)
    if marker is None or len(marker.args) != 1 or marker.kwargs:
        pytest.fail('name a suite: @pytest.mark.evalhub("suites/nightly.yaml")', pytrace=False)
    night = _night_of(request.config, marker.args[0], run_suite)
    request.node.stash[_REGRESSIONS] = _judge(night)
    return night.results.run


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Fail a test whose suite found a regression. Failing in a fixture would count as an error."""
    if sentences := item.stash.get(_REGRESSIONS, ""):
        pytest.fail(sentences, pytrace=False)


_NIGHTS = pytest.StashKey[dict[str, Any]]()
_REGRESSIONS = pytest.StashKey[str]()


def _night_of(config: pytest.Config, suite: str, run: Callable[[str], Night]) -> Night:
    """Return the night of a suite. What stopped it is told to each test, without another try."""
    errors = import_module("evalhub.errors")
    nights, key = config.stash[_NIGHTS], os.fspath(suite)
    if key not in nights:
        try:
            nights[key] = run(suite)
        except errors.Interrupted as error:
            raise KeyboardInterrupt from error
        except errors.EvalhubError as error:
            nights[key] = error
    if isinstance(nights[key], errors.EvalhubError):
        pytest.fail(str(nights[key]), pytrace=False)
    night: Night = nights[key]
    return night


def _judge(night: Night) -> str:
    """Return the regressions of a night. It ends the test where the night says nothing of the systems."""
    state = import_module("evalhub.stats").GateState
    sentences_of = import_module("evalhub.testing.assertions").sentences_of
    if regressions := [gate for gate in night.gates if gate.is_regression]:
        return str(sentences_of(regressions))
    if night.faults:
        pytest.fail("\n".join(map(str, night.faults)), pytrace=False)
    if unfit := [gate for gate in night.gates if gate.state is state.FAIL]:
        pytest.fail(sentences_of(unfit), pytrace=False)
    if undecided := [gate for gate in night.gates if gate.state is state.INCONCLUSIVE]:
        pytest.skip(sentences_of(undecided))
    return ""


def _runs_folder(config: pytest.Config) -> Path | None:
    """Return the folder of the runs that is set. None = as on the command line."""
    if folder := config.getoption("--evalhub-runs"):
        return Path(folder)
    if setting := config.getini("evalhub_runs"):
        base = config.inipath.parent if config.inipath else config.rootpath
        return base / str(setting)
    return None
