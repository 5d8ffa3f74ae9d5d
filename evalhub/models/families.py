"""Which family a model belongs to, from its name and architecture."""

from __future__ import annotations

import re
from collections.abc import Iterable

UNKNOWN = "unknown"
NOT_AN_LLM = "none"

# Words of a model's name. A name may hold several: a distilled model has a teacher.
_NAMES = {
    "alpaca": "llama",
    "aya": "cohere",
    "chatglm": "glm",
    "claude": "claude",
    "codegemma": "gemma",
    "codellama": "llama",
    "codestral": "mistral",
    "cohere": "cohere",
    "command": "cohere",
    "deepseek": "deepseek",
    "devstral": "mistral",
    "falcon": "falcon",
    "gemini": "gemini",
    "gemma": "gemma",
    "glm": "glm",
    "gpt": "gpt",
    "granite": "granite",
    "internlm": "internlm",
    "llama": "llama",
    "magistral": "mistral",
    "medgemma": "gemma",
    "ministral": "mistral",
    "minicpm": "minicpm",
    "mistral": "mistral",
    "mixtral": "mistral",
    "olmo": "olmo",
    "phi": "phi",
    "pythia": "pythia",
    "qwen": "qwen",
    "qwq": "qwen",
    "shieldgemma": "gemma",
    "smollm": "smollm",
    "tinyllama": "tinyllama",
    "vicuna": "llama",
    "yi": "yi",
    "zephyr": "mistral",
}

# Only architectures that one lineage uses: many families share Llama's, Mistral's and GPT-2's.
_ARCHITECTURES = {
    "cohere": "cohere",
    "deepseek": "deepseek",
    "falcon": "falcon",
    "gemma": "gemma",
    "glm": "glm",
    "granite": "granite",
    "olmo": "olmo",
    "phi": "phi",
    "qwen": "qwen",
    "smollm": "smollm",
}


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
        families.update(
            family for start, family in _ARCHITECTURES.items() if architecture.lower().startswith(start)
        )
    return tuple(sorted(families)) or (UNKNOWN,)


def _words(name: str) -> list[str]:
    """Split a name at everything that is not a letter: `Qwen2.5-7B` gives `qwen` and `b`."""
    return re.findall(r"[a-z]+", name.lower())
