"""No text in an address becomes a part of a query: it matches nothing, or it is dropped and said.

Row 12: 252 payloads in every parameter.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from evalhub.store import Run

from ..injections import INJECTIONS
from .desks import Open

CHOSEN = ("data", "judge", "crit", "sys", "tag", "fail", "verdict", "sure", "people", "order", "unit", "of")
SEARCHED = ("q", "item")
OTHER_PAGES = {
    "views/ranking.py": ("by", "measure", "tag", "data", "run"),
    "views/compare.py": ("a", "b", "base", "judged", "data"),
    "views/trust.py": ("judged", "judge", "crit", "run", "data"),
    "views/metrics.py": ("across", "measure", "response", "run", "data"),
    "views/library.py": ("judged", "q", "page", "run", "data"),
    "views/runs.py": ("run", "suite", "tag", "q", "data"),
    "views/sql.py": ("question", "run", "data", "suite", "q"),
}


def groups(texts: tuple[str, ...], size: int) -> Iterator[tuple[str, ...]]:
    """Yield the texts in groups, each of which fills the parameters of one address."""
    for start in range(0, len(texts), size):
        yield texts[start : start + size]


def verdicts_of(page: Any) -> int:
    """Return how many verdicts the page says that it lists."""
    counts = [element.value for element in page.markdown if " verdict" in element.value]
    return int(counts[0].replace("*", "").split()[0].replace(",", ""))


def warnings_of(page: Any) -> str:
    return " ".join(warning.value for warning in page.warning)


def test_a_name_that_matches_nothing_is_dropped_and_said(labelled_run: Run, opened: Open) -> None:
    runs = labelled_run.path.parent
    everything = verdicts_of(opened(runs, "views/samples.py"))
    for texts in groups(INJECTIONS, len(CHOSEN)):
        parameters = dict(zip(CHOSEN, texts, strict=False))
        page = opened(runs, "views/samples.py", **parameters)
        assert verdicts_of(page) == everything, texts
        assert "Left out" in warnings_of(page)


@pytest.mark.parametrize("name", SEARCHED)
def test_a_text_that_matches_nothing_lists_nothing(labelled_run: Run, opened: Open, name: str) -> None:
    page = opened(labelled_run.path.parent, "views/samples.py")
    for text in INJECTIONS[SEARCHED.index(name) :: 4]:
        page.session_state[name] = text
        page.session_state["unit"] = None
        page = page.run()
        assert not page.exception, text
        assert verdicts_of(page) == 0, text


@pytest.mark.parametrize("view", OTHER_PAGES)
def test_other_pages_draw_as_without_it(labelled_run: Run, opened: Open, view: str) -> None:
    names = OTHER_PAGES[view]
    for texts in groups(INJECTIONS[:: len(names)], len(names)):
        opened(labelled_run.path.parent, view, **dict(zip(names, texts, strict=False)))
