"""Which answers are one token of a model, known from its folder alone."""

import json
import string
from pathlib import Path
from typing import Any

import pytest

from evalhub.engines import folder_prompts
from evalhub.errors import ModelError
from evalhub.models import folder_tokenizer
from evalhub.records import Message

tokenizers = pytest.importorskip("tokenizers")

USER = (Message("user", "How good is it?"),)
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def folder(path: Path, template: Any = CHATML, *, digits: bool = True, words: str = "") -> Path:
    """Write a tokenizer whose numbers are one token each, or one token a digit."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    number = r"\d" if digits else r"\d+"
    expected = [
        *map(str, range(101)),
        *string.ascii_uppercase,
        *"\n ",
        "<|im_start|>",
        "<|im_end|>",
        "assistant",
    ]
    vocabulary = {token: place for place, token in enumerate(dict.fromkeys([*expected, *words.split(), "?"]))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(rf"{number}|\w+|\s|[^\w\s]"), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    path.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path / "tokenizer.json"))
    settings = {"bos_token": {"content": "<s>"}, "eos_token": "<|im_end|>"}
    if template is not None:
        settings["chat_template"] = template
    (path / "tokenizer_config.json").write_text(json.dumps(settings))
    return path


def tokens(where: Path, *choices: str) -> tuple[int, ...]:
    prompts = folder_prompts(where)
    assert prompts is not None
    return prompts.choice_tokens(prompts.render(USER, for_choices=True), choices)


def test_a_number_is_as_many_tokens_as_the_model_makes_of_it(tmp_path: Path) -> None:
    whole_words, split = folder(tmp_path / "one", digits=False), folder(tmp_path / "many")
    levels = tuple(map(str, range(0, 101, 10)))
    assert len(set(tokens(whole_words, *levels))) == len(levels)
    with pytest.raises(ModelError, match="not one token of its own"):
        tokens(split, *levels)
    assert len(set(tokens(split, *"ABCDEFGHIJK"))) == 11


@pytest.mark.parametrize("label", ["-1", "0.5", "10%", "far better", "1/2"])
def test_signs_fractions_and_words_are_several_tokens(tmp_path: Path, label: str) -> None:
    with pytest.raises(ModelError, match="not one token of its own"):
        tokens(folder(tmp_path / "m", words="far better"), "0", label)


def test_words_of_the_vocabulary_are_one_token(tmp_path: Path) -> None:
    assert len(tokens(folder(tmp_path / "m", words="bad good"), "bad", "good")) == 2


def test_a_template_that_opens_a_think_tag_is_closed_before_the_answer(tmp_path: Path) -> None:
    prompts = folder_prompts(folder(tmp_path / "m", CHATML.replace("assistant\n", "assistant\n<think>\n")))
    assert prompts is not None
    assert prompts.render(USER).opened
    assert prompts.render(USER, for_choices=True).text.endswith("</think>\n\n")


@pytest.mark.parametrize(
    ("template", "text"),
    [
        (CHATML, "<|im_start|>user\nHow good is it?<|im_end|>\n<|im_start|>assistant\n"),
        ([{"name": "rag", "template": "x"}, {"name": "default", "template": "{{ bos_token }}" + CHATML}],
         "<s><|im_start|>user\nHow good is it?<|im_end|>\n<|im_start|>assistant\n"),
        ("{% for m in messages %}\n{% generation %}{{ m.content | tojson }}{% endgeneration %}{% endfor %}",
         '"How good is it?"'),
        ("{% for m in messages * 2 %}{% if loop.last %}{% break %}{% endif %}{{ m.content }}{% endfor %}",
         "How good is it?"),
        ("{{ strftime_now('%Y') | length }}{% if tools %}tools{% endif %}{{ messages[0].content }}",
         "4How good is it?"),
    ],
)  # fmt: skip
def test_templates_are_rendered_as_their_makers_mean_them(tmp_path: Path, template: Any, text: str) -> None:
    prompts = folder_prompts(folder(tmp_path / "m", template))
    assert prompts is not None
    assert prompts.render(USER).text == text


def test_a_template_that_takes_no_system_turn(tmp_path: Path) -> None:
    strict = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + CHATML
    prompts = folder_prompts(folder(tmp_path / "m", strict))
    assert prompts is not None
    assert "Be brief.\n\nHow good is it?" in prompts.render((Message("system", "Be brief."), *USER)).text


def test_a_model_without_a_template_continues_a_dialogue(tmp_path: Path) -> None:
    prompts = folder_prompts(folder(tmp_path / "m", None))
    assert prompts is not None
    assert not prompts.templated
    assert prompts.render(USER).text.endswith("Assistant:")


def test_tokens_are_text_again(tmp_path: Path) -> None:
    tokenizer = folder_tokenizer(folder(tmp_path / "m"))
    assert tokenizer is not None
    ids = tokenizer("<|im_start|>A 7", add_special_tokens=False)["input_ids"]
    assert [tokenizer.decode([token], skip_special_tokens=False) for token in ids] == [
        "<|im_start|>",
        "A",
        " ",
        "7",
    ]


def test_a_folder_without_a_tokenizer_file_says_nothing(tmp_path: Path) -> None:
    assert folder_tokenizer(tmp_path) is None
    assert folder_prompts(tmp_path) is None


def test_a_damaged_tokenizer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match="the tokenizer cannot be read"):
        folder_tokenizer(tmp_path)
