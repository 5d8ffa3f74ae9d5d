"""What a CI job reads: junit.xml for its list of tests, and summary.md for its summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

from evalhub.analysis.findings.finding import Question
from evalhub.report.facts import summary
from evalhub.report.format import escape_markdown, grouped, visible
from evalhub.report.outputs.marks import action_of, mark_of
from evalhub.stats import GateState

Row = Mapping[str, Any]

_MARKS = {GateState.PASS.value: "✓", GateState.FAIL.value: "✗", GateState.INCONCLUSIVE.value: "?"}
_TAGS = {"regression": "failure", "unfit": "error", "not decided": "skipped"}


def junit_xml(data: Mapping[str, Any]) -> str:
    """Return the gates of a run as JUnit's XML, a test for each.

    A regression is a failure. A gate on coverage or a judge that does not hold is an error, since the night
    says nothing of the systems. What is not decided is skipped.

    Args:
        data: As `report_data` returns it.
    """
    gates: list[Row] = list(data["gates"])
    suite = ElementTree.Element("testsuite", name=visible(data["suite"]), timestamp=visible(data["created"]))
    counts = dict.fromkeys(("failure", "error", "skipped"), 0)
    for gate in gates:
        name = {"classname": visible(f"{data['suite']}.{gate['kind']}"), "name": visible(gate["id"])}
        test = ElementTree.SubElement(suite, "testcase", name)
        sentence = visible(gate["sentence"])
        if tag := _tag_of(gate):
            counts[tag] += 1
            ElementTree.SubElement(test, tag, message=sentence)
        else:
            ElementTree.SubElement(test, "system-out").text = sentence
    suite.set("tests", str(len(gates)))
    for tag, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(attribute, str(counts[tag]))
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _tag_of(gate: Row) -> str | None:
    """Return the element that says why a gate does not hold. None where it does."""
    if gate["state"] == GateState.PASS.value:
        return None
    if gate["state"] == GateState.INCONCLUSIVE.value:
        return _TAGS["not decided"]
    return _TAGS["regression" if gate["is_regression"] else "unfit"]


def summary_markdown(data: Mapping[str, Any]) -> str:
    """Return what a run found as Markdown: its gates in a table, then each question with its answers.

    No text of the run acts in it.

    Args:
        data: As `report_data` returns it.
    """
    return "\n".join(_lines(data)) + "\n"


def _lines(data: Mapping[str, Any]) -> Iterator[str]:
    yield f"# {escape_markdown(data['title'] or data['suite'])}"
    yield ""
    yield escape_markdown(summary(dict(data)))
    if data["gates"]:
        yield from ("", "| | gate | what it found |", "|---|---|---|")
        for gate in data["gates"]:
            cells = (escape_markdown(gate[name]) for name in ("id", "sentence"))
            yield f"| {_MARKS[gate['state']]} | {' | '.join(cells)} |"
    findings = [row for row in data["findings"] if row["question"] != Question.GATES.name.lower()]
    for (name,), answers in grouped(findings, "question"):
        yield from ("", f"### {Question[name.upper()].value}", "")
        for row in answers:
            yield f"- {mark_of(row)} {escape_markdown(row['sentence'])}"
            if command := action_of(row):
                yield f"  `{visible(command).replace('`', '')}`"
