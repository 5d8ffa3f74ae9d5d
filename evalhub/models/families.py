"""Which family a model belongs to, from its name and architecture."""

from __future__ import annotations

import re
from collections.abc import Iterable

UNKNOWN = "unknown"
NOT_AN_LLM = "none"

_FAMILIES = (
    "claude", "cohere", "deepseek", "falcon", "gemini", "gemma", "glm", "gpt", "granite", "internlm",
    "llama", "minicpm", "mistral", "olmo", "phi", "pythia", "qwen", "smollm", "tinyllama", "yi",
)  # fmt: skip
# Other names of their models.
_MEMBERS = {
    "cohere": ("aya", "command"),
    "gemma": ("codegemma", "medgemma", "shieldgemma"),
    "glm": ("chatglm",),
    "llama": ("alpaca", "codellama", "vicuna"),
    "mistral": ("codestral", "devstral", "magistral", "ministral", "mixtral", "zephyr"),
    "qwen": ("qwq",),
}
# Words of a model's name. A name may hold several: a distilled model has a teacher.
_NAMES = {name: name for name in _FAMILIES} | {
    name: home for home, names in _MEMBERS.items() for name in names
}
# Only architectures that one lineage uses: many families share Llama's, Mistral's and GPT-2's.
_ARCHITECTURES = ("cohere", "deepseek", "falcon", "gemma", "glm", "granite", "olmo", "phi", "qwen", "smollm")


def families_of(names: Iterable[str], architectures: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the families that a model's names and architectures give away.

    Args:
        names: What the model is called: its hub id, its folder's name.
        architectures: Class names of its `config.json`.

    Returns:
        Sorted families. `("unknown",)` where nothing is known.

    Example:
        >>> families_of(["org/DeepSeek-R1-Distill-Qwen-7B"])
        ('deepseek', 'qwen')
        >>> families_of(["my-judge"], ["LlamaForCausalLM"])
        ('unknown',)
    """
    families = {_NAMES[word] for name in names for word in _words(name) if word in _NAMES}
    for architecture in architectures:
        families.update(family for family in _ARCHITECTURES if architecture.lower().startswith(family))
    return tuple(sorted(families)) or (UNKNOWN,)


def _words(name: str) -> list[str]:
    """Split a name at everything that is not a letter: `Qwen2.5-7B` gives `qwen` and `b`."""
    return re.findall(r"[a-z]+", name.lower())
