"""A trained adapter as a folder that vLLM serves beside its base, and merged into it as a model folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from evalhub.models import ADAPTER, MERGED, ResolvedModel
from evalhub.training.facts import AdapterFacts
from evalhub.training.files import copy_tokenizer, new_folder, write_json, write_record

_GENERATION = "generation_config.json"


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
        _write_merged(model, network.merge_and_unload(), merged)
        for part in (adapter, merged):
            write_record(part, facts)


def _write_merged(model: ResolvedModel, network: Any, folder: Path) -> None:
    """Write the merged weights with the other files of the base."""
    # transformers refuses to write the settings of some bases that it reads. They are copied as they are.
    network.generation_config = type(network.generation_config)()
    network.save_pretrained(folder)
    (folder / _GENERATION).unlink(missing_ok=True)
    if (model.path / _GENERATION).is_file():
        shutil.copyfile(model.path / _GENERATION, folder / _GENERATION)
    copy_tokenizer(model.path, folder)
