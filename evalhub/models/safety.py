"""Refuses model folders that could run code: pickled weights, code of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from evalhub.errors import ModelError

_PICKLED = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".dill"})
_INDEX = "model.safetensors.index.json"
_NOT_SETTINGS = frozenset({"tokenizer.json", "vocab.json", "added_tokens.json", _INDEX})
_HEADER_LIMIT = 100_000_000


def check_folder(folder: Path, *, trust_remote_code: bool = False, allow_pickle: bool = False) -> None:
    """Check that a model folder is whole and runs no code when it is loaded.

    Args:
        folder: Holds `config.json` and weights.
        trust_remote_code: Accept Python files and `auto_map`.
        allow_pickle: Accept pickled files.

    Raises:
        ModelError: No settings, no or cut weights, pickled files, or code that is not trusted.
    """
    if not (folder / "config.json").is_file():
        raise ModelError("the model folder has no config.json", where=str(folder))
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    pickled = [path.relative_to(folder).as_posix() for path in files if path.suffix.lower() in _PICKLED]
    if pickled and not allow_pickle:
        raise ModelError(
            "the model folder holds pickled files, which can run code when they are read",
            where=str(folder),
            value=", ".join(pickled[:3]),
            allowed="safetensors",
            fix="convert the weights to safetensors and remove these files",
        )
    code = _remote_code(folder, files)
    if code and not trust_remote_code:
        raise ModelError(
            "the model folder brings code of its own",
            where=str(folder),
            value=", ".join(code[:3]),
            fix="use a model without remote code, or trust this one with trust_remote_code",
        )
    weights = sorted(folder.glob("*.safetensors"))
    if not weights and not pickled:
        raise ModelError("the model folder has no weights", where=str(folder), allowed="*.safetensors")
    _check_shards(folder)
    for path in weights:
        tensor_names(path)


def tensor_names(path: Path) -> frozenset[str]:
    """Return the names in a safetensors file, from its header alone.

    Raises:
        ModelError: The file is cut short or is no safetensors file.
    """
    return frozenset(_read_header(path))


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes in a safetensors file by name, from its header alone.

    Raises:
        ModelError: The file is cut short or is no safetensors file.
    """
    return {name: tuple(entry["shape"]) for name, entry in _read_header(path).items()}


def _read_header(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= _HEADER_LIMIT:
                raise ValueError("no header")
            header: dict[str, Any] = json.loads(file.read(length))
        header.pop("__metadata__", None)
        end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
        if path.stat().st_size != 8 + length + end:
            raise ValueError("wrong size")
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelError(
            "a weight file is damaged or cut short", where=str(path), fix="fetch it again"
        ) from error
    return header


def read_settings(path: Path) -> dict[str, Any]:
    """Return one JSON settings file of a model. An absent one is empty.

    Raises:
        ModelError: It is not a JSON object.
    """
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError("a settings file of the model is not JSON", where=str(path)) from error
    if not isinstance(content, dict):
        raise ModelError("a settings file of the model is not a JSON object", where=str(path))
    return content


def _remote_code(folder: Path, files: list[Path]) -> list[str]:
    """Return the files that hold or name code."""
    names = [path.relative_to(folder).as_posix() for path in files if path.suffix.lower() in {".py", ".so"}]
    for path in sorted(folder.glob("*.json")):
        if path.name not in _NOT_SETTINGS and _has_key(_json_or_none(path), "auto_map"):
            names.append(f"auto_map in {path.name}")
    return names


def _json_or_none(path: Path) -> object:
    """Return the content of a JSON file. None for any other file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return None


def _has_key(content: object, key: str) -> bool:
    """Tell whether a key occurs anywhere in JSON content."""
    if isinstance(content, dict):
        return key in content or any(_has_key(value, key) for value in content.values())
    return isinstance(content, list) and any(_has_key(value, key) for value in content)


def _check_shards(folder: Path) -> None:
    """Check that every shard that the index names is there."""
    shards = read_settings(folder / _INDEX).get("weight_map", {})
    missing = sorted({str(shard) for shard in shards.values() if not (folder / str(shard)).is_file()})
    if missing:
        raise ModelError("weight files are missing", where=str(folder), value=", ".join(missing[:3]))
