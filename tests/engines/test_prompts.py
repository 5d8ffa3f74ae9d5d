import pytest

from evalhub.engines.prompts import PLAIN_STOP, Prompts
from evalhub.engines.thinking import outcome_of_text
from evalhub.errors import ModelError
from evalhub.records import FailureKind, Message, Request, Sampling, ThinkTags

SYSTEM, USER = Message("system", "Be brief."), Message("user", "Hi")


class WordTokenizer:
    """Splits into spaced words, or refuses system prompts, as told."""

    def __init__(self, template="yes", *, ending="<assistant>\n", refuses=False):
        self.chat_template = template
        self._ending = ending
        self._refuses = refuses
        self._known = {}

    def __call__(self, text, *, add_special_tokens):
        pieces, word = [], ""
        for char in text:
            if char in " \n<" and word:
                pieces.append(word)
                word = ""
            word += char
            if char in "\n>":
                pieces.append(word)
                word = ""
        pieces += [word] if word else []
        pieces = [part for piece in pieces for part in (piece if piece.strip().isdigit() else [piece])]
        ids = [self._known.setdefault(piece, len(self._known) + 1) for piece in pieces]
        return {"input_ids": [0, *ids] if add_special_tokens else ids}

    def apply_chat_template(self, conversation, *, add_generation_prompt, tokenize):
        if self._refuses and conversation[0]["role"] == "system":
            raise ValueError("System role not supported")
        return "".join(f"<{turn['role']}>\n{turn['content']}\n" for turn in conversation) + self._ending


def test_the_template_is_applied():
    prompt = Prompts(WordTokenizer()).render([SYSTEM, USER])
    assert prompt.text == "<system>\nBe brief.\n<user>\nHi\n<assistant>\n"
    assert prompt.tokens[0] != 0
    assert prompt.stop == ()


def test_a_template_that_refuses_system_prompts_gets_them_with_the_user():
    prompt = Prompts(WordTokenizer(refuses=True)).render([SYSTEM, USER])
    assert prompt.text == "<user>\nBe brief.\n\nHi\n<assistant>\n"


def test_without_a_template_it_is_a_plain_dialogue():
    prompts = Prompts(WordTokenizer(template=None))
    prompt = prompts.render([SYSTEM, USER, Message("assistant", "Hello"), Message("user", "Bye")])
    assert prompt.text == "Be brief.\n\nUser: Hi\n\nAssistant: Hello\n\nUser: Bye\n\nAssistant:"
    assert prompt.tokens[0] == 0
    assert prompt.stop == (PLAIN_STOP,)


def test_choices_take_the_form_that_fits_the_prompts_end():
    tokenizer = WordTokenizer()
    prompts = Prompts(tokenizer)
    bare = prompts.choice_tokens(prompts.render([USER]), ("A", "B"))
    assert bare == tuple(tokenizer(text, add_special_tokens=False)["input_ids"][0] for text in "AB")
    base = Prompts(WordTokenizer(template=None))
    tokens = base.choice_tokens(base.render([USER]), ("A", "B"))
    assert tokens == base.choice_tokens(base.render([USER]), ("A", "B"))
    assert len(set(tokens)) == 2


@pytest.mark.parametrize(("choices", "reported"), [(("1", "10"), "10"), (("A", "A"), "A")])
def test_a_choice_that_is_not_one_token_is_named(choices, reported):
    prompts = Prompts(WordTokenizer())
    with pytest.raises(ModelError, match=f"not one token of its own.*{reported}"):
        prompts.choice_tokens(prompts.render([USER]), choices)


def test_an_opened_think_tag_is_noticed_and_closed_before_a_choice():
    prompts = Prompts(WordTokenizer(ending="<assistant>\n<think>\n"))
    assert prompts.render([USER]).opened
    closed = prompts.render([USER], for_choices=True)
    assert closed.text.endswith("<think>\n\n</think>\n\n")
    assert not closed.opened


def test_other_think_tags_are_noticed_too():
    tags = (ThinkTags("<seed:think>", "</seed:think>"),)
    prompts = Prompts(WordTokenizer(ending="<assistant>\n<seed:think>"))
    assert not prompts.render([USER]).opened
    assert prompts.render([USER], think=tags).opened
    assert prompts.render([USER], for_choices=True, think=tags).text.endswith(
        "<seed:think>\n\n</seed:think>\n\n"
    )
    assert prompts.render([USER, Message("assistant", "<seed:think>so")], think=tags).text.endswith(
        "think>so"
    )


def test_tags_that_are_special_tokens_are_known_to_be_hidden():
    tokenizer = WordTokenizer()
    tokenizer.all_special_tokens = ["[THINK]", "<|end|>"]
    hides_tags = {
        pair: Prompts(tokenizer).hides([ThinkTags(*pair)])
        for pair in (("[THINK]", "[/THINK]"), ("<a>", "</a>"))
    }
    assert list(hides_tags.values()) == [True, False]


ASKED = Request((USER,), Sampling(max_tokens=9))


@pytest.mark.parametrize(
    ("text", "opened", "answer", "thought"),
    [
        ("plain", False, "plain", None),
        ("\n<think>\na\n</think>\n\nb", False, "b", "a"),
        ("a</think>b", True, "b", "a"),
        ("a</think>b", False, "b", "a"),
        ("the tags <think> and </think> in a text", False, "the tags <think> and </think> in a text", None),
    ],
)
def test_think_text_is_split_off(text, opened, answer, thought):
    outcome = outcome_of_text(text, ASKED, opened=opened, finish_reason="stop")
    assert (outcome.text, outcome.reasoning, outcome.failure) == (answer, thought, None)


@pytest.mark.parametrize(
    ("text", "options"),
    [("a", {"opened": True}), ("<think>a", {}), ("", {"reasoning": "a"}), ("<think>", {"reasoning": "a"})],
)
def test_an_answer_that_was_cut_while_it_thought_is_truncated(text, options):
    outcome = outcome_of_text(text, ASKED, finish_reason="length", **options)
    assert (outcome.text, outcome.reasoning, outcome.failure) == (None, "a", FailureKind.TRUNCATED)
    assert outcome.detail == "the answer ends while it still thinks (max_tokens 9)"


def test_an_empty_answer_after_thinking_is_an_answer():
    for outcome in (
        outcome_of_text("<think>a</think>", ASKED, finish_reason="length"),
        outcome_of_text("", ASKED, finish_reason="stop", reasoning="a"),
    ):
        assert (outcome.text, outcome.reasoning, outcome.failure) == ("", "a", None)


def test_a_turn_that_the_judge_began_may_end_anywhere():
    begun = Request((USER, Message("assistant", "<think>\n")))
    outcome = outcome_of_text("I wonder", begun, opened=True, finish_reason="length")
    assert (outcome.text, outcome.reasoning, outcome.failure) == ("", "I wonder", None)


class Strict(WordTokenizer):
    """A template that wants the user first and speakers in turn."""

    def apply_chat_template(self, conversation, *, add_generation_prompt, tokenize):
        for place, turn in enumerate(conversation):
            if turn["role"] != ("user", "assistant")[place % 2]:
                raise ValueError("Conversation roles must alternate")
        return super().apply_chat_template(conversation, add_generation_prompt=True, tokenize=False)


class Forgetful(WordTokenizer):
    """A template that leaves out what is not the user's."""

    def apply_chat_template(self, conversation, *, add_generation_prompt, tokenize):
        user_turns = [turn for turn in conversation if turn["role"] == "user"]
        return super().apply_chat_template(user_turns, add_generation_prompt=True, tokenize=False)


def test_turns_of_one_speaker_become_one_where_the_template_wants_that():
    prompt = Prompts(Strict()).render([SYSTEM, USER, Message("user", "you"), Message("assistant", "a"), USER])
    assert prompt.text == "<user>\nBe brief.\n\nHi\n\nyou\n<assistant>\na\n<user>\nHi\n<assistant>\n"


def test_a_system_prompt_that_the_template_leaves_out_stands_before_the_users_words():
    assert Prompts(Forgetful()).render([SYSTEM, USER]).text == "<user>\nBe brief.\n\nHi\n<assistant>\n"


def test_a_conversation_that_the_template_cannot_tell_is_refused():
    with pytest.raises(ValueError, match="leaves out what the assistant says"):
        Prompts(Forgetful()).render([USER, Message("assistant", "Hello."), Message("user", "And?")])
    with pytest.raises(ValueError, match="must alternate"):
        Prompts(Strict()).render([Message("assistant", "Hello."), USER])
