"""What tests of the dashboard share."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from evalhub.store import Run

from .browsing import Site, browser, make_hostile_run, served
from .desks import APP, Open, prepared


@pytest.fixture(autouse=True, scope="session")
def _packages_are_read_once() -> Iterator[None]:
    """Let Streamlit look for components in the installed packages once, not once for each page."""
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        scan = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    """A browser of this machine."""
    with browser() as process:
        yield process


@pytest.fixture(scope="module")
def site(shared_desk: Any) -> Iterator[Site]:
    """The app on a run of hostile texts."""
    with shared_desk() as desk:
        run = make_hostile_run(desk)
        with served(desk.runs) as address:
            yield Site(address, run)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a view on the runs of a desk, with query parameters."""
    from streamlit.testing.v1 import AppTest

    def call(runs: Path, view: str, **parameters: str) -> Any:
        # A view can be chosen only after a first run, which is short where there is nothing to draw.
        monkeypatch.setenv("EVALHUB_RUNS", str(APP.parent / "nowhere"))
        page = AppTest.from_file(str(APP), default_timeout=60).run()
        monkeypatch.setenv("EVALHUB_RUNS", str(runs))
        for name, value in parameters.items():
            page.query_params[name] = value
        page = page.switch_page(view).run()
        assert not page.exception, page.exception[0].message
        return page

    return call


@pytest.fixture(scope="module")
def labelled_run(shared_desk: Any) -> Run:
    """A run of the prepared desk."""
    with shared_desk() as desk:
        run: Run = prepared(desk).run()
        return run
