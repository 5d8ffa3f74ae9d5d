"""What a judge is trained on, and how."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from evalhub.specs import EngineSpec

LENGTH = "length"
"""What can be held out of a head: the length of a response, or the difference of two."""

ADAPTER_OPTIONS = ("rank", "epochs", "learning_rate")
"""The options that an adapter alone has."""


class Method(StrEnum):
    """What is trained: a linear head on frozen layers, or the factors of a LoRA adapter."""

    HEAD = "head"
    LORA = "lora"


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What a judge is trained on, and how.

    Attributes:
        source: Path or id of a suite, or a run. Its datasets hold the labels.
        on: The datasets to learn from, each as `DATASET` or `DATASET:CRITERION`. Empty = all.
        rubric: Path or id of the rubric whose prompt the judge reads.
        model: The base model.
        out: The new folder.
        method: What is trained.
        criterion: One of the rubric's criteria, by default the first.
        teacher: A pairwise judge of the run, whose probabilities are learned instead of labels of pairs.
        augment: Whether each labelled pair brings one more, of which a response is worse by construction.
        limit: Most pairs or ratings of each dataset, drawn with the seed. None for all.
        max_length: Tokens of the longest prompt. Whatever has a longer one is left out. None = the model's
            own default, at most 4096.
        seed: Seed of the dev clusters, of the folds, and of the draw of pairs or ratings.
        runs: The folder that holds the runs.
        layers: The layers that a head tries. Empty = five that are spread over the model.
        control: What is held out of a head: `length`.
        engine: The engine that gives a head the hidden states, by default `pooling`.
        rank: The rank of an adapter's factors, by default 16.
        epochs: How often an adapter reads each pair at most, by default twice.
        learning_rate: The largest one of an adapter, by default .0002.
    """

    source: str
    model: str
    out: Path
    on: tuple[str, ...] = ()
    rubric: str = "helpfulness"
    method: Method = Method.HEAD
    criterion: str | None = None
    teacher: str | None = None
    augment: bool = False
    limit: int | None = None
    max_length: int | None = None
    seed: int = 0
    runs: Path | None = None
    layers: tuple[int, ...] = ()
    control: tuple[str, ...] = ()
    engine: EngineSpec | None = None
    rank: int | None = None
    epochs: int | None = None
    learning_rate: float | None = None
