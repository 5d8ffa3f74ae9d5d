"""A model's tokenizer and chat template, read from its folder in about a second, without its weights."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from evalhub.errors import ModelError
from evalhub.models.folder import chat_template
from evalhub.models.safety import read_settings

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.nodes import Node
    from jinja2.parser import Parser

TOKENIZER = "tokenizer.json"


class FolderTokenizer:
    """The tokenizer of a folder that has a `tokenizer.json`.

    Args:
        folder: A model folder.

    Raises:
        ModelError: The tokenizer cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        try:
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        except Exception as error:  # the package raises plain exceptions
            raise ModelError("the tokenizer cannot be read", where=str(folder), value=error) from error
        self.chat_template = _default(chat_template(folder))
        self._special = _special_tokens(folder)

    def __call__(self, text: str, *, add_special_tokens: bool) -> Mapping[str, Any]:
        """Return `input_ids` of a text."""
        return {"input_ids": self._tokenizer.encode(text, add_special_tokens=add_special_tokens).ids}

    def decode(self, token_ids: Sequence[int], *, skip_special_tokens: bool) -> str:
        """Return the text of tokens."""
        return str(self._tokenizer.decode(list(token_ids), skip_special_tokens=skip_special_tokens))

    def apply_chat_template(self, conversation: Any, *, add_generation_prompt: bool, tokenize: bool) -> str:
        """Return the rendered conversation, never its tokens.

        Raises:
            ModelError: The template refuses it.
        """
        if tokenize:
            raise NotImplementedError("only the text of a conversation is rendered")
        from jinja2 import TemplateError

        try:
            template = _environment().from_string(self.chat_template or "")
            return template.render(
                messages=conversation, add_generation_prompt=add_generation_prompt, **self._special
            )
        except TemplateError as error:
            raise ModelError("the chat template cannot be applied", value=error) from error


def folder_tokenizer(folder: Path) -> FolderTokenizer | None:
    """Return the tokenizer of a model folder. None without its file or the package tokenizers.

    Raises:
        ModelError: The tokenizer cannot be read.
    """
    if not (folder / TOKENIZER).is_file() or importlib.util.find_spec("tokenizers") is None:
        return None
    return FolderTokenizer(folder)


def _default(template: str | None) -> str | None:
    """Return the template for plain conversations, where a model has several named ones."""
    if template is None or not template.startswith('[{"'):
        return template
    templates = {entry["name"]: entry["template"] for entry in json.loads(template)}
    return templates.get("default")


def _special_tokens(folder: Path) -> dict[str, str]:
    """Return the special tokens that templates name, such as `bos_token`."""
    settings = read_settings(folder / "tokenizer_config.json")
    tokens = {name: value for name, value in settings.items() if name.endswith("_token") and value}
    return {
        name: value["content"] if isinstance(value, dict) else str(value) for name, value in tokens.items()
    }


@cache
def _environment() -> Environment:
    """Return the Jinja environment of chat templates, as transformers has it."""
    from jinja2.ext import Extension
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """Reads `{% generation %}`, which marks the assistant's turns for training, as its content."""

        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Parser) -> list[Node]:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", Generation]
    )
    environment.filters["tojson"] = _to_json
    environment.globals |= {"raise_exception": _refuse, "strftime_now": datetime.now().strftime}
    return environment


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> NoReturn:
    from jinja2 import TemplateError

    raise TemplateError(message)
