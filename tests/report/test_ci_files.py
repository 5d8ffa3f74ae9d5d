"""junit.xml and summary.md: what a CI job reads of a run, whatever its texts are."""

from typing import Any
from xml.etree import ElementTree

import pytest

from evalhub.report.outputs.ci import junit_xml, summary_markdown

HOSTILE = "<script>alert(1)</script> ![x](http://evil.example/x) | & \x1b[31m \x00 \u202e ]]> `"


def gate(state: str, *, is_regression: bool = False, text: str = "k got worse") -> dict[str, Any]:
    return {
        "id": f"gate {text}", "kind": "measure", "state": state, "is_regression": is_regression,
        "sentence": text,
    }  # fmt: skip


def data_of(*gates: dict[str, Any], title: str | None = None) -> dict[str, Any]:
    finding = {"question": "best", "verdict": "unknown", "sentence": HOSTILE, "command": None}
    return {
        "suite": "s", "title": title, "run": "s-1", "created": "2026-01-01T00:00:00", "state": "sealed",
        "seconds": 1.0, "gates": list(gates), "findings": [finding | {"verdict": "not known"}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "is_regression", "tag"),
    [
        ("pass", False, None),
        ("fail", True, "failure"),
        ("fail", False, "error"),
        ("inconclusive", False, "skipped"),
    ],
)
def test_a_gate_is_a_test(state: str, is_regression: bool, tag: str | None) -> None:
    suite = ElementTree.fromstring(junit_xml(data_of(gate(state, is_regression=is_regression))))
    (test,) = suite
    assert [child.tag for child in test] == [tag or "system-out"]
    counts = {name: int(suite.get(name, "")) for name in ("tests", "failures", "errors", "skipped")}
    expected = {"failure": "failures", "error": "errors", "skipped": "skipped"}.get(tag or "")
    assert counts == {
        "tests": 1,
        **{name: int(name == expected) for name in ("failures", "errors", "skipped")},
    }


def test_texts_do_not_act() -> None:
    data = data_of(gate("fail", is_regression=True, text=HOSTILE), title=HOSTILE)
    (test,) = ElementTree.fromstring(junit_xml(data))
    assert "<script>" in str(test[0].get("message"))
    page = summary_markdown(data)
    assert "\x1b" not in page
    assert "\x00" not in page
    assert r"\<script\>" in page
    assert r"\!\[x\]\(" in page
    (row,) = [line for line in page.splitlines() if line.startswith("| ✗")]
    assert row.replace(r"\|", "").count("|") == 4


def test_files_are_written_with_gates_alone(desk: Any, cli: Any) -> None:
    run = desk.run()
    cli("report", run.id, "--runs", str(desk.runs))
    assert not (run.path / "junit.xml").exists()
    desk.suite(gates=[{"coverage": 0.5}])
    assert cli("run", "s", "--runs", str(desk.runs)).code == 0
    (folder,) = [path.parent for path in desk.runs.glob("*/junit.xml")]
    assert (
        "All" in (folder / "report.html").read_text()
        or "The gate holds" in (folder / "report.html").read_text()
    )
    assert "coverage" in (folder / "summary.md").read_text()
