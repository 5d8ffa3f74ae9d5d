"""Fetches models from the Hugging Face hub at a stated revision."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalhub.errors import ModelError
from evalhub.models.cache import cache_folder, storage_errors

_ID = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([\w./-]+))?", re.ASCII)
_PATTERNS = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")
_IGNORED = ("*/*",)


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model on the hub: `org/name@revision`."""

    repository: str
    revision: str


def parse_hub_id(name: str) -> HubModel | None:
    """Read a hub id.

    Args:
        name: What a suite gave as a model.

    Returns:
        Repository and revision. None where the name is no hub id.

    Raises:
        ModelError: It is a hub id without a revision.

    Example:
        >>> parse_hub_id("org/name@0a1b2c")
        HubModel(repository='org/name', revision='0a1b2c')
        >>> parse_hub_id("smollm2-135m-instruct") is None
        True
    """
    match = _ID.fullmatch(name)
    if match is None:
        return None
    if match[2] is None:
        raise ModelError(
            "a hub id needs a revision, since the model behind a name can change",
            value=name,
            allowed="org/name@revision (a commit, tag or branch), or a local folder that exists",
        )
    return HubModel(match[1], match[2])


def snapshot_arguments(model: HubModel, *, trust_remote_code: bool, allow_pickle: bool) -> dict[str, Any]:
    """Return what `huggingface_hub.snapshot_download` is called with.

    Args:
        model: Repository and revision.
        trust_remote_code: Fetch Python files too.
        allow_pickle: Fetch pickled weights too.

    Returns:
        Keyword arguments. Files that can run code are fetched only if allowed.
    """
    patterns = [*_PATTERNS]
    patterns += ["*.py"] if trust_remote_code else []
    patterns += ["*.bin"] if allow_pickle else []
    return {
        "repo_id": model.repository,
        "revision": model.revision,
        "allow_patterns": patterns,
        "ignore_patterns": list(_IGNORED),
        "cache_dir": str(cache_folder() / "hub"),
    }


def fetch_snapshot(
    model: HubModel,
    *,
    trust_remote_code: bool = False,
    allow_pickle: bool = False,
    download: bool = True,
    endpoint: str | None = None,
) -> Path:
    """Return the folder of a hub model, fetched where it is not in the cache.

    Args:
        model: Repository and revision.
        trust_remote_code, allow_pickle: As in `snapshot_arguments`.
        download: False looks in the cache alone.
        endpoint: Another hub than the one that the environment names.

    Returns:
        A folder inside the cache folder.

    Raises:
        ModelError: huggingface_hub is not installed, or the hub has no such model, or cannot be reached.
        StorageError: The disk is full.
    """
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError as error:
        raise ModelError(
            "models from the hub need huggingface_hub", fix="install evalhub with its cpu or gpu extra"
        ) from error
    arguments = snapshot_arguments(model, trust_remote_code=trust_remote_code, allow_pickle=allow_pickle)
    try:
        with storage_errors(cache_folder() / "hub"):
            return Path(snapshot_download(**arguments, local_files_only=not download, endpoint=endpoint))
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise _absent(model, error, download=download) from error


def _absent(model: HubModel, error: Exception, *, download: bool) -> ModelError:
    """Say why a model is not here."""
    where = f"{model.repository}@{model.revision}"
    if not download:
        fix = f"run `evalhub models fetch {where}`"
        return ModelError("the hub model is not in the cache", where=where, fix=fix)
    return ModelError(
        "the hub model cannot be fetched",
        where=where,
        value=str(error).strip().partition("\n")[0],
        fix="check the name, the revision, the network, and HF_TOKEN where access is restricted",
    )
