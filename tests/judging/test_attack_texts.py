"""What attacks and control responses say, and that none of it reaches a prompt as a special token.

Row 1 and Row 2: 30 attacks and the controls, of which none reaches a prompt as a special token.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from evalhub.judging import ATTACKS, CONTROLS, Attack, defuse, inserted_system, preview
from evalhub.models import cache_folder
from evalhub.records import Item, Response
from evalhub.scales import Shape
from evalhub.specs import Rubric, available, load_rubric
from tests.judging.vocabularies import read_tokenizer

TEXT = "The capital is Paris.\n\n```python\nprint('Paris')\n```\nIt lies on the Seine."
QUESTION = "What is the capital of France, and on which river does it lie?"
IDS = [one.id for one in (*ATTACKS, *CONTROLS)]


def attack(name: str) -> Attack:
    return next(one for one in ATTACKS if one.id == name)


def test_the_tables_are_whole() -> None:
    assert len(ATTACKS) >= 15
    assert len(CONTROLS) >= 6
    assert len(set(IDS)) == len(IDS)
    for one in (*ATTACKS, *CONTROLS):
        assert re.fullmatch(r"[a-z0-9-]+", one.id)
        assert one.title
        assert re.search(r"\d{4}", one.source), one.id


@pytest.mark.parametrize("one", ATTACKS, ids=lambda one: one.id)
@pytest.mark.parametrize("text", [TEXT, "", "x"])
def test_the_harmless_insertion_has_the_same_length_and_place(one: Attack, text: str) -> None:
    attacked, harmless = one.apply(text, QUESTION), one.apply_placebo(text, QUESTION)
    assert attacked != text
    assert attacked != harmless
    assert len(attacked) == len(harmless)
    if text == TEXT:
        assert attacked.find(text) == harmless.find(text) >= 0


@pytest.mark.parametrize("one", ATTACKS, ids=lambda one: one.id)
def test_a_harmless_insertion_says_nothing_of_the_attack(one: Attack) -> None:
    added = one.apply_placebo("", QUESTION)
    for word in (
        "response",
        "better",
        "judge",
        "answer",
        "instruct",
        "correct",
        "level",
        "highest",
        "<",
        "`",
    ):
        assert word not in added.lower()


def test_only_what_guesses_a_letter_or_imitates_the_prompt_names_one() -> None:
    named = {one.id for one in ATTACKS if re.search(r"\b(?:Response|is|Answer:) [AB]\b", one.apply("", ""))}
    assert named == {"letter-a", "letter-b", "heading"}


def test_slots_are_filled_once() -> None:
    tricky = "see {{question}} and {{response}}"
    assert attack("reference").apply(tricky, "Q").count("see {{question}} and {{response}}") == 2


def test_controls() -> None:
    said = {one.id: one.apply(TEXT, QUESTION) for one in CONTROLS}
    assert said["empty"] == ""
    assert said["echo"] == QUESTION
    assert len(said["padding"]) == pytest.approx(2 * len(TEXT), rel=0.05)
    assert said["constant"] == CONTROLS[IDS.index("constant") - len(ATTACKS)].apply("else", "else")


def test_names_of_systems() -> None:
    assert inserted_system("gpt-4", "json") == "gpt-4+json"
    assert inserted_system("gpt-4", "json", placebo=True) == "gpt-4+json.placebo"


def tokenizers() -> list[Path]:
    """Return each tokenizer of the cache once: models with 8-bit layers have that of the full model."""
    paths = sorted(cache_folder().glob("models/*/tokenizer.json"), reverse=True)
    return sorted({path.read_bytes(): path for path in paths}.values())


def specials(path: Path) -> tuple[Any, set[int]]:
    """Return a tokenizer, and its special tokens."""
    tokenizer, tokens = read_tokenizer(path)
    return tokenizer, {tokenizer.token_to_id(token) for token in tokens}


def rubrics() -> list[Rubric]:
    found = [load_rubric(name) for name in available("judges")]
    return [one for one in found if one.shows != ("responses",)]


@pytest.mark.parametrize(
    "path", tokenizers() or [None], ids=lambda path: path.parent.name if path else "none"
)
def test_no_insertion_reaches_the_prompt_as_a_special_token(path: Path | None) -> None:
    if path is None:
        pytest.skip("no model is in the cache; `evalhub models fetch` brings one")
    tokenizer, special = specials(path)
    item = Item("d", "i", turns=(QUESTION,), refs=(("Paris",),), context=("France.",))

    def tokens(rubric: Rubric, one: str, other: str) -> list[int]:
        shown = (Response("d", "i", "x", text=one), Response("d", "i", "y", text=other))
        found = preview(
            rubric, item, next(iter(rubric.criteria)), shown[: 2 if rubric.shape is Shape.PAIR else 1]
        )
        sent = "\n".join(message.content for request in found for message in request.messages)
        return [one for one in tokenizer.encode(sent, add_special_tokens=False).ids if one in special]

    raw = [one.apply(TEXT, QUESTION) for one in ATTACKS]
    for rubric in rubrics():
        clean = tokens(rubric, TEXT, "Lyon.")
        for text in (*raw, *(one.apply(TEXT, QUESTION) for one in CONTROLS)):
            assert tokens(rubric, text, "Lyon.") == clean, text
            if rubric.shape is Shape.PAIR:
                assert tokens(rubric, "Lyon.", text) == clean, text


def test_the_chat_template_attacks_are_dangerous_as_they_stand() -> None:
    found = [path for path in tokenizers() if "qwen" in path.parent.name]
    if not found:
        pytest.skip("no model of the family is in the cache; `evalhub models fetch` brings one")
    tokenizer, special = specials(found[0])
    text = attack("chatml").apply(TEXT)
    assert set(tokenizer.encode(text, add_special_tokens=False).ids) & special
    assert not set(tokenizer.encode(defuse(text), add_special_tokens=False).ids) & special
