"""The hidden states of a model at the end of prompts, kept on disk so that each is computed once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

from evalhub.engines import completion_key, engine_kind, identify, open_engine
from evalhub.errors import EngineError, SpecError, StorageError
from evalhub.files import replace_file
from evalhub.models import ResolvedModel, cache_folder
from evalhub.records import Completion, Request, RequestKind, digest
from evalhub.runner.progress import Progress
from evalhub.specs import EngineSpec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    States = npt.NDArray[np.float32]

_FILE_ROWS = 256


def hidden_states(
    requests: Sequence[Request],
    model: ResolvedModel,
    engine: EngineSpec,
    width: int,
    progress: Progress,
) -> tuple[States, dict[int, str]]:
    """Return the hidden states of requests, and why a request has none.

    What was computed earlier is read from the cache. A stop loses at most the last 256 of them.

    Args:
        requests: Of the kind `embed`.
        model: The model on this machine.
        engine: The pooling engine, with the layers.
        width: The number of layers times the width of the model.
        progress: Shows how far it is.

    Returns:
        (n, width), with zeros where a request failed, and the failures by their places.

    Raises:
        ModelError: The model cannot be loaded, or gives no hidden states.
        SpecError: The engine gives no hidden states.
        EngineError: The engine cannot start, died too often, or gives something else.
        StorageError: The cache cannot be written.
    """
    import numpy as np

    identity = identify(engine, model)
    if RequestKind.EMBED not in engine_kind(engine.type).answers(identity):
        raise SpecError(
            "the engine gives no hidden states", where="--engine", value=engine.type, allowed="pooling"
        )
    keys = [completion_key(identity, request) for request in requests]
    places: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    states = np.zeros((len(keys), width), np.float32)
    folder = cache_folder() / "hidden-states" / digest(identity.key_values)[:32]
    store = _Store(folder, places, states, model.id)
    missing = {key: requests[of_key[0]] for key, of_key in places.items() if key not in store.present}
    failures: dict[str, str] = {}
    progress.stage("hidden states", len(places))
    progress.advance(steps=len(places) - len(missing), cache_hits=len(places) - len(missing))
    if missing:
        with open_engine(engine, model) as opened:
            for key, request in missing.items():
                opened.submit(key, request)
            for completion in opened.results():
                progress.advance(steps=1, failures=int(completion.failure is not None))
                if completion.failure:
                    failures[completion.key] = completion.detail or completion.failure.value
                else:
                    store.add(completion)
        store.write()
    absent = [key for key in places if key not in store.present and key not in failures]
    if absent:
        raise EngineError(f"the engine left {len(absent)} prompts unanswered", where=model.id)
    if len(failures) == len(places):
        raise EngineError("no prompt has a hidden state", where=model.id, value=next(iter(failures.values())))
    return states, {place: failures[key] for place, key in enumerate(keys) if key in failures}


class _Store:
    """The hidden states of one engine on disk: files of keys and rows, each written whole.

    Args:
        folder: The folder of the files.
        places: For each key the rows of `states` that it fills.
        states: (n, width) What is read and added goes there at once, so that it is in memory once.
        model: The model's id, for errors.

    Attributes:
        present: The keys whose rows are filled.
    """

    def __init__(self, folder: Path, places: Mapping[str, list[int]], states: States, model: str) -> None:
        self._folder = folder
        self._places = places
        self._states = states
        self._model = model
        self._new: dict[str, States] = {}
        self.present: set[str] = set()
        for key, row in self._read():
            self._fill(key, row)

    def add(self, completion: Completion) -> None:
        import numpy as np

        row = np.array(completion.values, np.float32)
        self._fill(completion.key, row)
        self._new[completion.key] = row
        if len(self._new) >= _FILE_ROWS:
            self.write()

    def _fill(self, key: str, row: States) -> None:
        width = self._states.shape[1]
        if row.shape != (width,):
            raise EngineError(
                "the engine gave hidden states of another width",
                where=self._model,
                value=len(row),
                allowed=str(width),
            )
        self._states[self._places[key]] = row
        self.present.add(key)

    def write(self) -> None:
        """Write what is not on disk yet."""
        import numpy as np

        if not self._new:
            return
        keys = sorted(self._new)
        path = self._folder / f"{digest(keys)[:32]}.npz"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with replace_file(path) as partial, partial.open("wb") as file:
                np.savez(file, keys=np.array(keys), rows=np.stack([self._new[key] for key in keys]))
        except OSError as error:
            raise StorageError(
                f"the hidden states cannot be written ({error.strerror or error})",
                where=str(path),
                fix="free some room, or set EVALHUB_CACHE to another folder",
            ) from error
        self._new = {}

    def _read(self) -> Iterator[tuple[str, States]]:
        import numpy as np

        for path in sorted(self._folder.glob("*.npz")):
            try:
                with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                    keys, rows = file["keys"], file["rows"]
            except (OSError, ValueError, KeyError, EOFError, BadZipFile):
                continue  # a damaged file is computed anew
            for key, row in zip(map(str, keys.tolist()), rows, strict=True):
                if key in self._places:
                    yield key, row
