"""Think text is split off where it begins a text, in every form that models write, and nowhere else."""

import pytest

from evalhub.records import ThinkTags, closing_tag, has_tags, join_reasoning, split_thinking
from evalhub.records.thinking import Thought

from ..timing import measure_shortest

SEED = ThinkTags("<seed:think>", "</seed:think>")
MISTRAL = ThinkTags("[THINK]", "[/THINK]")
CHANNELS = ThinkTags("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>")
WORDS = ThinkTags("analysis", "assistantfinal")


@pytest.mark.parametrize(
    ("text", "answer", "reasoning"),
    [
        ("plain", "plain", None),
        ("  plain \n", "  plain \n", None),
        ("", "", None),
        ("<think>a</think>b", "b", "a"),
        ("\n<think>\na\n</think>\n\nb\n", "b\n", "a"),
        ("<think></think>b", "b", ""),
        ("<think>a</think>", "", "a"),
        ("<think>a</think>\n\n<think>b</think>\nc", "c", "a\nb"),
        ("a</think>b", "b", "a"),
        ("a\n</think>\n<think>b</think>c", "c", "a\nb"),
        ("<think>a <think>b</think> c</think> d", "d", "a <think>b</think> c"),
        ("<think>a <think> b</think> c", "c", "a <think> b"),
        ("<think>a <think> b</think> c <think>d</think>", "c <think>d</think>", "a <think> b"),
        ("<THINK>a</Think>b", "b", "a"),
        ("<think >a</think >b", "b", "a"),
        ('<think budget="9">a</think>b', "b", "a"),
        ("<thinking>a</thinking>b", "b", "a"),
        ("\ufeff<think>a</think>b", "b", "a"),
        ("<think>a", None, "a"),
        ("<think>", None, ""),
        ("<think>a</think><think>b", None, "a\nb"),
        ("Write <think>a</think> first.", "Write <think>a</think> first.", None),
        ("b <think>a", "b <think>a", None),
        ("```\n<think>a</think>\n```", "```\n<think>a</think>\n```", None),
        ("`</think>` ends it", "`</think>` ends it", None),
        ("<think>I end with `</think>`.</think>b", "b", "I end with `</think>`."),
        ("<think/>a", "<think/>a", None),
        ("<thinker>a</thinker>", "<thinker>a</thinker>", None),
    ],
)
def test_thoughts_stand_at_the_beginning(text: str, answer: str | None, reasoning: str | None) -> None:
    assert split_thinking(text) == Thought(answer, reasoning)


@pytest.mark.parametrize(
    ("tags", "text", "answer", "reasoning"),
    [
        (SEED, "<seed:think>a</seed:think>b", "b", "a"),
        (MISTRAL, "[think]a[/THINK]b", "b", "a"),
        (MISTRAL, "<think>a</think>b", "<think>a</think>b", None),
        (CHANNELS, f"{CHANNELS.open}a{CHANNELS.close}b", "b", "a"),
        (CHANNELS, f"{CHANNELS.open}a", None, "a"),
        (WORDS, "analysisAn analysis follows.assistantfinalb", "b", "An analysis follows."),
        (WORDS, "Analysis shows b", "Analysis shows b", None),
        (ThinkTags("◁think▷", "◁/think▷"), "◁think▷a◁/think▷b", "b", "a"),
        (ThinkTags("(.*)", "(/.*)"), "(.*)a(/.*)b", "b", "a"),
    ],
)
def test_other_tags(tags: ThinkTags, text: str, answer: str | None, reasoning: str | None) -> None:
    assert split_thinking(text, (tags,)) == Thought(answer, reasoning)


def test_several_pairs_of_tags_stand_side_by_side() -> None:
    for text in ("<seed:think>a</seed:think>b", "[THINK]a[/THINK]b"):
        assert split_thinking(text, (SEED, MISTRAL)) == Thought("b", "a")


def test_without_tags_all_is_answer() -> None:
    assert split_thinking("<think>a</think>b", (), opened=True) == Thought("<think>a</think>b")


@pytest.mark.parametrize("opened", [{"opened": True}, {"tags": (ThinkTags("<think>", "</think>", True),)}])
def test_a_tag_that_the_prompt_opened(opened: dict[str, bool]) -> None:
    assert split_thinking("a</think>b", **opened) == Thought("b", "a")
    assert split_thinking("<think>a</think>b", **opened) == Thought("b", "a")
    assert split_thinking("a", **opened) == Thought(None, "a")


def test_blocks_anywhere() -> None:
    text = "<think>a</think>b <think>c</think> d</think>"
    assert split_thinking(text, anywhere=True) == Thought("b\nd", "a\nc")
    assert split_thinking("b <think>c", anywhere=True) == Thought(None, "c")


def test_closing_tags_follow_from_plain_opening_ones() -> None:
    assert [closing_tag(tag) for tag in ("<x-y>", "[A]", "</x>", "◁a▷", "<|a|>")] == [
        "</x-y>",
        "[/A]",
        None,
        None,
        None,
    ]


def test_tags_within_backticks_are_none() -> None:
    assert [has_tags(text) for text in ("a <think>", "a </THINKING>", "`<think>`", "think")] == [
        True,
        True,
        False,
        False,
    ]


def test_the_thoughts_of_several_turns_are_one_text() -> None:
    assert join_reasoning([None, "a", "", "b"]) == "a\n\nb"
    assert join_reasoning([None, ""]) == ""
    assert join_reasoning([None]) is None


@pytest.mark.parametrize(
    "piece", ["<think>", "</think>", "<think></think>", "<think><think></think>", "<think "]
)
def test_hostile_texts_take_no_long_time(piece: str) -> None:
    assert measure_shortest(lambda: split_thinking(piece * 20_000), 2) < 2
    assert measure_shortest(lambda: split_thinking(piece * 20_000, anywhere=True), 2) < 2
