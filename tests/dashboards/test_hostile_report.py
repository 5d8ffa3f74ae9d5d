"""Row 14: fifty hostile texts in the HTML report are texts, and no page of the app takes text as markup."""

import ast
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import Results
from evalhub.report import report_data
from evalhub.report.outputs.page import report_page

from ..report.test_report import Outside
from .browsing import Watch, opening
from .hostile import HOSTILE_TEXTS

DASHBOARDS = Path(__file__).resolve().parents[2] / "dashboards"
MARKUP = ("html", "iframe", "write_stream")


@pytest.fixture(scope="module")
def report(shared_desk: Any) -> str:
    """The report of a run, in which each text stands for a sample, a note, a dataset and a finding."""
    with shared_desk() as desk:
        desk.dataset(items=[{"item_id": "i0", "prompt": "?"}])
        desk.suite(title="plain")
        data = report_data(Results(desk.run()))
    texts = [text[:20_000] for text, _ in HOSTILE_TEXTS]
    data["title"] = " ".join(text[:100] for text in texts)
    data["notes"] = texts
    for name in ("worth_reading", "datasets"):
        data[name] = [filled(data[name][0], text) for text in texts]
    data["findings"] = [{**data["findings"][0], "sentence": text} for text in texts]
    return report_page(data)


def filled(row: dict[str, Any], text: str) -> dict[str, Any]:
    """Return a row with a text in place of all of its own."""
    return {name: text if isinstance(value, str) else value for name, value in row.items()}


def test_nothing_in_the_report_acts(report: str) -> None:
    assert len(HOSTILE_TEXTS) == 50
    outside = Outside()
    outside.feed(report)
    assert outside.found == []
    assert "default-src 'none'" in report
    assert report.count("&lt;svg/onload=alert(1)&gt;") >= 4
    assert "\x1b" not in report
    assert "\u202e" not in report


@pytest.mark.browser
@pytest.mark.timeout(240)
def test_a_browser_asks_for_nothing_and_opens_no_dialog(report: str, chrome: Any) -> None:
    with opening(chrome) as page:
        watch = Watch(page)
        page.set_content(report, wait_until="load")
        assert page.locator("a, script, img, iframe, form, base, object").count() == 0
        assert watch.requests == []
        assert watch.dialogs == []


def test_no_page_takes_text_as_markup() -> None:
    """HTML comes from constants of a module alone, and Markdown is never allowed to hold it."""
    calls = [
        (path.name, node)
        for path in DASHBOARDS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    assert len(calls) > 1_000
    assert not [name for name, call in calls for word in call.keywords if word.arg == "unsafe_allow_html"]
    of_markup = [
        (name, call.args[0])
        for name, call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in MARKUP and call.args
    ]
    assert of_markup
    for name, argument in of_markup:
        assert isinstance(argument, ast.Name), name
        assert argument.id.isupper(), name
