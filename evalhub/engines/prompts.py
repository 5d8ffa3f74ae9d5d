"""From messages to prompt tokens, with the model's own chat template or without one.

A base model has no template. It is shown a plain dialogue: the system prompt first, then `User:` and
`Assistant:` in turn, and it stops where it would begin the next user's turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from evalhub.engines.thinking import left_open
from evalhub.errors import ModelError
from evalhub.models import folder_tokenizer
from evalhub.records import THINK_TAGS, Message, ThinkTags

PLAIN_STOP = "\nUser:"

_TAIL = 64
_REMEMBERED = 256


class Tokenizer(Protocol):
    """The part of a transformers tokenizer that is used."""

    chat_template: Any

    def __call__(self, text: str, *, add_special_tokens: bool) -> Mapping[str, Any]:
        """Return `input_ids` of a text."""

    def apply_chat_template(
        self, conversation: Any, *, add_generation_prompt: bool, tokenize: bool
    ) -> str | list[int]:
        """Return the rendered conversation."""

    def decode(self, token_ids: Sequence[int], *, skip_special_tokens: bool) -> str:
        """Return the text of tokens."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt as the model sees it.

    Attributes:
        opened: Whether a think tag is left open, so that the answer starts inside.
        stop: Texts that end the answer besides the requested ones.
    """

    text: str
    tokens: tuple[int, ...]
    opened: bool = False
    stop: tuple[str, ...] = ()


class Prompts:
    """Renders conversations, and finds the tokens that stand for choices.

    Args:
        tokenizer: The model's own.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._choices: dict[tuple[str, tuple[str, ...]], tuple[int, ...]] = {}

    @property
    def templated(self) -> bool:
        """Whether the model brings a chat template."""
        return bool(self._tokenizer.chat_template)

    def render(
        self,
        messages: Sequence[Message],
        *,
        for_choices: bool = False,
        think: Sequence[ThinkTags] = THINK_TAGS,
    ) -> Prompt:
        """Return the prompt of a conversation.

        Args:
            messages: The conversation. The answer is the assistant's next turn, or goes on with its last.
            for_choices: Whether one token follows. A think tag that the template opened is then closed.
            think: The tags around think text.
        """
        if not self.templated:
            text = plain_dialogue(messages)
            return Prompt(text, self._tokens(text, special=True), stop=(PLAIN_STOP,))
        text = (
            self._render_unfinished(messages, think)
            if messages[-1].role == "assistant"
            else self._render_template(messages)
        )
        opened = left_open(text, think)
        if opened and for_choices:
            text, opened = f"{text.rstrip()}\n\n{opened.close}\n\n", None
        return Prompt(text, self._tokens(text, special=False), opened is not None)

    def render_text(self, text: str) -> Prompt:
        """Return a text as it is, for a model that reads no conversation."""
        return Prompt(text, self._tokens(text, special=True))

    def render_whole(self, messages: Sequence[Message]) -> Prompt:
        """Return the prompt of a conversation whose last turn, the assistant's, is complete."""
        if not self.templated:
            text = plain_dialogue(messages)
            return Prompt(text, self._tokens(text, special=True))
        text = self._render_template(messages, goes_on=False)
        return Prompt(text, self._tokens(text, special=False))

    def hides(self, tags: Sequence[ThinkTags]) -> bool:
        """Return whether a think tag is, or holds, a special token, which a decoded text leaves out."""
        special = getattr(self._tokenizer, "all_special_tokens", ())
        return any(token in text for token in special for pair in tags for text in (pair.open, pair.close))

    def choice_tokens(self, prompt: Prompt, choices: tuple[str, ...]) -> tuple[int, ...]:
        """Return the one token by which each choice would begin the answer.

        Raises:
            ModelError: A choice takes more than one token there, or two share one.
        """
        tail = prompt.text[-_TAIL:]
        if (tail, choices) not in self._choices:
            if len(self._choices) >= _REMEMBERED:
                self._choices.clear()
            self._choices[tail, choices] = self._find_choices(tail, choices)
        return self._choices[tail, choices]

    def token_text(self, token: int) -> str:
        """Return one token as text, a special one by its name."""
        return self._tokenizer.decode([token], skip_special_tokens=False)

    def _find_choices(self, tail: str, choices: tuple[str, ...]) -> tuple[int, ...]:
        """Try the choices without and with a leading space. All take the same form, to be comparable."""
        missing: str | None = None
        for space in ("", " ") if self.templated else (" ", ""):
            tokens = [self._one_token(tail, space + choice) for choice in choices]
            tokens_of_choices = tuple(token for token in tokens if token is not None)
            if len(set(tokens_of_choices)) == len(choices):
                return tokens_of_choices
            first = next(
                (choice for choice, token in zip(choices, tokens, strict=True) if token is None), None
            )
            missing = missing or first
        raise ModelError(
            "a choice is not one token of its own at the start of this model's answer",
            value=missing or choices,
            fix="name the verdicts or levels by single letters or digits",
        )

    def _one_token(self, tail: str, choice: str) -> int | None:
        before = self._tokens(tail, special=False)
        after = self._tokens(tail + choice, special=False)
        return after[-1] if after[:-1] == before else None

    def _tokens(self, text: str, *, special: bool) -> tuple[int, ...]:
        return tuple(self._tokenizer(text, add_special_tokens=special)["input_ids"])

    def _render_unfinished(self, messages: Sequence[Message], think: Sequence[ThinkTags]) -> str:
        """Render a conversation whose last turn the assistant has begun, as text that it goes on with."""
        text, answer = self._render_template(messages[:-1]), messages[-1].content
        if opened := left_open(text, think):
            answer = answer.removeprefix(opened.open).lstrip("\n")
        return text + answer

    def _render_template(self, messages: Sequence[Message], *, goes_on: bool = True) -> str:
        """Render a conversation in the first form in which the template takes all of it.

        Some templates refuse the system's turn or two turns of one speaker in a row, others leave a turn out.

        Args:
            messages: The conversation.
            goes_on: Whether the assistant's next turn begins at the end.
        """
        conversation = without_system(messages)
        forms = dict.fromkeys((tuple(messages), conversation, merge_turns(conversation)))
        refusal: Exception | None = None
        for form in forms:
            try:
                text = self._apply_template(form, goes_on=goes_on)
            except Exception as error:
                refusal = refusal or error
                continue
            missing = next((turn for turn in messages if turn.content.strip() not in text), None)
            if missing is None:
                return text
            refusal = refusal or ValueError(f"the chat template leaves out what the {missing.role} says")
        raise refusal or ValueError("the chat template renders nothing")

    def _apply_template(self, messages: Sequence[Message], *, goes_on: bool) -> str:
        turns = [{"role": message.role, "content": message.content} for message in messages]
        return str(self._tokenizer.apply_chat_template(turns, add_generation_prompt=goes_on, tokenize=False))


@lru_cache(maxsize=4)
def folder_prompts(folder: Path) -> Prompts | None:
    """Return the prompts of a model that is not loaded. None where its tokenizer cannot be read alone."""
    tokenizer = folder_tokenizer(folder)
    return None if tokenizer is None else Prompts(tokenizer)


def plain_dialogue(messages: Sequence[Message]) -> str:
    """Return a conversation for a model without a chat template, up to where the assistant goes on.

    Example:
        >>> plain_dialogue([Message("system", "Be brief."), Message("user", "Hi")])
        'Be brief.\\n\\nUser: Hi\\n\\nAssistant:'
    """
    names = {"user": "User: ", "assistant": "Assistant: "}
    turns = [names.get(message.role, "") + message.content for message in messages]
    is_unfinished = messages[-1].role == "assistant"
    return "\n\n".join(turns if is_unfinished else [*turns, "Assistant:"])


def without_system(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return a conversation whose system prompt stands at the head of the first user turn.

    Example:
        >>> without_system([Message("system", "Be brief."), Message("user", "Hi")])
        (Message(role='user', content='Be brief.\\n\\nHi'),)
    """
    system = [message.content for message in messages if message.role == "system"]
    turns = [message for message in messages if message.role != "system"]
    if not system or not turns:
        return tuple(messages)
    first = next((place for place, turn in enumerate(turns) if turn.role == "user"), 0)
    turns[first] = Message(turns[first].role, "\n\n".join([*system, turns[first].content]))
    return tuple(turns)


def merge_turns(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return a conversation in which turns of one speaker that follow on each other are one turn.

    Example:
        >>> merge_turns([Message("user", "Hi"), Message("user", "you")])
        (Message(role='user', content='Hi\\n\\nyou'),)
    """
    groups = groupby(messages, key=lambda message: message.role)
    return tuple(Message(role, "\n\n".join(turn.content for turn in turns)) for role, turns in groups)
