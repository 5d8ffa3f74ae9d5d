"""One judge that is looked at alone: with its gold cases, or under attack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalhub.scales import Shape
from evalhub.specs import (
    Controls,
    CrossFamily,
    DatasetUse,
    EngineSpec,
    JudgeUse,
    Mode,
    Pairs,
    Rubric,
    Suite,
)

_TITLES = {"attack": "Attacks on", "gold": "Gold cases of", "noise": "Noise of"}


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """One judge: a rubric and the model that answers it.

    Attributes:
        rubric: Path or id of the rubric.
        model: The judge's model.
        mode: How the judge answers.
        engine: The engine that runs the model.
        runs: The folder that holds the runs.
        settings: More keys of the judge, as a suite has them.
    """

    rubric: str
    model: str
    mode: Mode = Mode.DIRECT
    engine: EngineSpec = field(default_factory=EngineSpec)
    runs: Path | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def make_suite(
        self, rubric: Rubric, kind: str, dataset: DatasetUse, cap: int | None, **use: Any
    ) -> Suite:
        """Return the suite of this judge alone.

        Args:
            rubric: The rubric, read.
            kind: What is done with the judge: gold, attack or noise.
            dataset: What is judged.
            cap: Most pairs of an item. None for all.
            use: More keys of the judge.
        """
        if rubric.shape is Shape.PAIR:
            use["pairs"] = Pairs(by="all", cap=cap)
        names = {"id": rubric.id, "rubric": self.rubric, "model": self.model}
        judge = JudgeUse(**{**self.settings, **use, **names, "engine": self.engine, "mode": self.mode})
        return Suite(
            suite=f"{kind}-{rubric.id.replace('/', '-')}",
            title=f"{_TITLES[kind]} {rubric.id} by {self.model}",
            datasets=(dataset,),
            judges=(judge,),
            controls=Controls(cross_family=CrossFamily.ALLOW),
        )
