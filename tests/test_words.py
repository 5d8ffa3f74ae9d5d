"""The glossary and its page say the same."""

from pathlib import Path

import pytest

from evalhub.words import GLOSSARY, label

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "glossary.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("term", GLOSSARY)
def test_each_word_stands_on_the_page_under_its_section(term: str) -> None:
    word = GLOSSARY[term]
    section = PAGE.partition(f"## {word.section}\n")[2].partition("\n## ")[0]
    assert f"| {word.label} | {word.meaning} |" in section


def test_the_page_has_no_other_word() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| word")]
    assert len(rows) == len(GLOSSARY)


def test_meanings_are_plain_sentences_and_labels_are_distinct() -> None:
    assert all(word.meaning.endswith(".") for word in GLOSSARY.values())
    labels = [word.label for word in GLOSSARY.values()]
    assert len(set(labels)) == len(labels)


def test_a_term_without_a_word_is_read_as_it_is() -> None:
    assert label("rougeL") == "rougeL"
