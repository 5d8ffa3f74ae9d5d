"""A trained adapter as a folder that vLLM serves beside its base, and merged into it as a model folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from evalhub.models import ResolvedModel
from evalhub.training.facts import AdapterFacts
from evalhub.training.files import copy_tokenizer, new_folder, write_json, write_record

ADAPTER, MERGED = "adapter", "merged"


def write_adapter(model: ResolvedModel, network: Any, facts: AdapterFacts, folder: Path) -> None:
    """Write an adapter, and the model with the adapter merged into its weights.

    Args:
        model: The base model.
        network: The base with the factors, as peft has it. It is merged, so it is of no use afterwards.
        facts: What the adapter rests on.
        folder: The new folder, with `adapter` and `merged`. It appears whole or not at all.

    Raises:
        InputError: The folder exists already.
        StorageError: It cannot be written.
    """
    with new_folder(folder, "free some room and repeat the command") as partial:
        adapter, merged = partial / ADAPTER, partial / MERGED
        network.save_pretrained(adapter)
        (adapter / "README.md").unlink(missing_ok=True)
        settings = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
        # The place of the base on this machine tells nobody else anything.
        write_json(adapter / "adapter_config.json", {**settings, "base_model_name_or_path": model.id})
        network.merge_and_unload().save_pretrained(merged)
        copy_tokenizer(model.path, merged)
        for part in (adapter, merged):
            write_record(part, facts)
