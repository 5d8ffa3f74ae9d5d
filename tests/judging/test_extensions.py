"""A protocol and a reply format of another package need their own file and an entry point, nothing else."""

import shutil
import sys
from pathlib import Path

import pytest

from evalhub.errors import UnknownNameError
from evalhub.judging import (
    ParsedReply,
    ReplySpec,
    check_rubric,
    expectations,
    parse_reply,
    preview,
    starter,
)
from evalhub.records import FailureKind, Item, Response
from evalhub.specs import load_cases, parse_rubric

FILES = Path(__file__).parent / "extensions"
POINTS = """
[evalhub.protocols]
mistakes = anticipated_mistakes:PROTOCOL
[evalhub.reply_formats]
thumbs = thumbs:REPLY_FORMAT
"""
ITEM = Item("d", "i", turns=("Name a colour.",))
RESPONSE = Response("d", "i", "system", text="Blue.")


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the two files as a package with entry points."""
    facts = tmp_path / "extension-1.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: extension\nVersion: 1\n")
    (facts / "entry_points.txt").write_text(POINTS)
    for file in FILES.glob("*.py"):
        shutil.copy(file, tmp_path)
        monkeypatch.delitem(sys.modules, file.stem, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_a_protocol_brings_its_own_slot(tmp_path: Path) -> None:
    text, cases = starter("colours", "mistakes")
    rubric = parse_rubric(text, "colours.md")
    check_rubric(rubric, "colours.md")
    (tmp_path / "colours.md").write_text(text)
    (tmp_path / "colours.cases.yaml").write_text(cases)
    case_file = load_cases(str(tmp_path / "colours.md"))
    assert case_file is not None
    assert len(expectations(rubric, case_file.cases, "colours.cases.yaml")) == 2
    first, second = preview(rubric, ITEM, "quality", (RESPONSE,))
    assert first.messages[0].content.startswith("List three mistakes")
    assert "# Likely mistakes\n```\n(here stands what the judge wrote)\n```" in second.messages[-1].content
    assert second.choices == ("1", "2", "3")


def test_a_slot_that_no_protocol_fills_is_refused() -> None:
    text = starter("colours", "mistakes")[0].replace("protocol: mistakes", "protocol: pointwise")
    with pytest.raises(UnknownNameError, match=r"colours\.md:inputs: unknown input"):
        check_rubric(parse_rubric(text, "colours.md"), "colours.md")


@pytest.mark.parametrize(
    ("reply", "parsed"),
    [
        ("Short and clear. Thumbs up!", ParsedReply(value=5.0)),
        ("Thumbs down.", ParsedReply(value=1.0)),
        (
            "Thumbs up, or thumbs down?",
            ParsedReply(failure=FailureKind.AMBIGUOUS, reason="the reply says 'up' and 'down'"),
        ),
        (
            "Nice.",
            ParsedReply(failure=FailureKind.PARSE, reason="nothing reads as a thumb, such as 'Thumbs up'"),
        ),
    ],
)
def test_a_reply_format_of_another_package_is_parsed(reply: str, parsed: ParsedReply) -> None:
    assert parse_reply(reply, ReplySpec("thumbs", limits=(1.0, 5.0))) == parsed
