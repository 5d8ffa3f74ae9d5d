"""A suite: one YAML file that says what to run, who judges, and under which controls."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from evalhub.records import Sampling
from evalhub.specs.base import Id, Name, Spec, parse_yaml, read_text, validated
from evalhub.specs.engine import EngineSpec
from evalhub.specs.find import locate
from evalhub.specs.thinking import THINK, Think
from evalhub.specs.uses import DatasetUse, MetricUse


class CrossFamily(StrEnum):
    """What happens to a judge of the response's own family."""

    REQUIRE = "require"
    EXCLUDE = "exclude"
    ALLOW = "allow"


class Positions(StrEnum):
    """In which orders a pair is shown."""

    BOTH = "both"
    RANDOM = "random"
    FIXED = "fixed"


class Mode(StrEnum):
    """Whether a judge answers at once, explains first, or thinks first between think tags."""

    DIRECT = "direct"
    EXPLAIN = "explain"
    THINK = "think"


class Combine(StrEnum):
    """How several samples of a judge, or several judges, become one verdict."""

    MEAN = "mean"
    VOTE = "vote"
    WEIGHTED = "weighted"


class SamplingSpec(Spec):
    """How tokens are drawn; see `evalhub.records.Sampling`."""

    temperature: float = Field(default=0.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0)
    max_tokens: int = Field(default=256, ge=1)
    seed: int = 0
    stop: tuple[str, ...] = ()

    def sampling(self) -> Sampling:
        """Return the settings as a record."""
        return Sampling(**self.model_dump())


class Runs(Spec):
    """What candidates and judges share: a model on an engine.

    Attributes:
        families: The model's ancestors and teachers, where its name does not give them away.
        cutoff: Month of its newest training data, YYYY-MM.
    """

    id: Id
    model: str
    engine: EngineSpec = EngineSpec()
    families: tuple[str, ...] | None = None
    cutoff: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}$")

    @field_validator("engine", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value


class Candidate(Runs):
    """A system whose responses are generated here.

    Attributes:
        think: What its think text stands between; `none` leaves all of it in the answers.
    """

    sampling: SamplingSpec = SamplingSpec()
    samples: int = Field(default=1, ge=1)
    system_prompt: str | None = None
    think: Think = THINK


class Pairs(Spec):
    """Which pairs of responses a pairwise judge sees.

    `by` labelled takes the pairs that people labelled; baseline sets every system against
    one; all takes every pair. `cap` limits the pairs for each item.
    """

    by: Literal["labelled", "baseline", "all"] = "labelled"
    baseline: Id | None = None
    cap: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _baseline_named(self) -> Pairs:
        if (self.by == "baseline") != (self.baseline is not None):
            raise ValueError("by: baseline and baseline: SYSTEM go together")
        return self


class JudgeUse(Runs):
    """A judge: a rubric, a model, a mode and positions."""

    rubric: str
    mode: Mode = Mode.DIRECT
    positions: Positions = Positions.BOTH
    criteria: tuple[str, ...] | None = None
    against: dict[str, str] = Field(default_factory=dict)
    pairs: Pairs = Pairs()
    sampling: SamplingSpec = SamplingSpec()
    samples: int = Field(default=1, ge=1)
    combine: Literal[Combine.MEAN, Combine.VOTE] = Combine.MEAN
    rationale_tokens: int = Field(default=256, ge=8)
    think_tokens: int = Field(default=512, ge=8)
    waits: int = Field(default=0, ge=0, le=8)
    seed: int = 0


class Jury(Spec):
    """Several judges of the suite who become one.

    Attributes:
        combine: The mean of their probabilities or levels, a vote, or a vote weighted by how far each
            agrees with the labels of other clusters.
        quorum: The valid verdicts that a verdict of the jury needs; more than half of the members by
            default.
    """

    id: Id
    members: tuple[Id, ...]
    combine: Combine = Combine.MEAN
    quorum: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _sensible(self) -> Jury:
        if len(self.members) < 2:
            raise ValueError("a jury has at least two members")
        if len(set(self.members)) < len(self.members):
            raise ValueError("a member appears twice")
        if self.quorum is not None and self.quorum > len(self.members):
            raise ValueError(f"a quorum of {self.quorum} cannot be met by {len(self.members)} members")
        return self


class CascadeUse(Spec):
    """Judges of the suite in turn: each decides what it is sure of, people decide the rest.

    Attributes:
        stages: The judges, the cheapest first.
        agreement: Least share of decided pairs on which judge and labels shall agree.
        confidence: Probability with which that is promised of every stage.
        criterion: The labels' criterion; each that the judges are held against by default.
    """

    id: Id
    stages: tuple[Id, ...] = Field(min_length=1)
    agreement: float = Field(default=0.8, gt=0, lt=1)
    confidence: float = Field(default=0.9, gt=0, lt=1)
    criterion: str | None = None

    @field_validator("stages")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a stage appears twice")
        return value


class Controls(Spec):
    """What keeps the biases of judges in check.

    Attributes:
        cross_family: What happens to a judge of the response's own family.
        length_penalty: How strongly longer responses are penalised; 0 = not at all.
        min_coverage: Least share of a judge's planned verdicts, and of a candidate's responses, that have to
            be valid, in the whole run and on each dataset (and criterion); below it a run is inconclusive.
            0 = any.
        min_choice_mass: Least probability of a judge's allowed answers together, in [0, 1]. Below it the
            judge wanted to say something else, and has no verdict. 0 takes every verdict.
    """

    cross_family: CrossFamily = CrossFamily.REQUIRE
    length_penalty: float = Field(default=0.0, ge=0)
    min_coverage: float = Field(default=0.8, ge=0, le=1)
    min_choice_mass: float = Field(default=0.05, ge=0, le=1)


class Budget(Spec):
    """What may be spent at most.

    Attributes:
        judgments: Number of judgments.
        settled: Confidence with which the order of all systems is settled, at every look together; a pairwise
            judge is asked no more about two of them once their part of it is. None judges everything.
    """

    judgments: int | None = Field(default=None, ge=1)
    settled: float | None = Field(default=None, gt=0.5, lt=1)


class Suite(Spec):
    """What `evalhub run` runs."""

    suite: Name
    title: str | None = None
    datasets: tuple[DatasetUse, ...] = Field(min_length=1)
    candidates: tuple[Candidate, ...] = ()
    judges: tuple[JudgeUse, ...] = ()
    juries: tuple[Jury, ...] = ()
    cascades: tuple[CascadeUse, ...] = ()
    metrics: tuple[str | dict[str, dict[str, Any]], ...] = ()
    controls: Controls = Controls()
    gates: tuple[Any, ...] = ()
    budget: Budget = Budget()

    @field_validator("metrics", mode="before")
    @classmethod
    def _names_or_options(cls, value: Any) -> Any:
        return [MetricUse.entry(metric) for metric in value] if isinstance(value, list | tuple) else value

    @field_validator("metrics", mode="after")
    @classmethod
    def _one_name_each(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        for metric in value:
            MetricUse.read(metric)
        return value

    @field_validator("gates")
    @classmethod
    def _no_gates_yet(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if value:
            raise ValueError("gates are not supported yet; leave them out")
        return value

    @model_validator(mode="after")
    def _whole_panels(self) -> Suite:
        for kind in ("juries", "cascades"):
            if self.budget.settled is not None and getattr(self, kind):
                raise ValueError(
                    f"budget.settled stops each judge on its own, and {kind} need all verdicts of each; "
                    "leave one of the two out"
                )
        return self

    @model_validator(mode="after")
    def _distinct(self) -> Suite:
        named = {
            "datasets": [part.id for part in self.datasets],
            "candidates, judges and juries": [
                *(part.id for part in (*self.candidates, *self.judges)),
                *(jury.id for jury in self.juries),
            ],
            "cascades": [cascade.id for cascade in self.cascades],
            "metrics": [use.name for use in self.metric_uses()],
        }
        for kind, ids in named.items():
            for one in ids:
                if ids.count(one) > 1:
                    raise ValueError(f"{one!r} appears twice among {kind}{_OWN_ID.get(kind, '')}")
        return self

    def metric_uses(self) -> list[MetricUse]:
        """Return each metric with its options."""
        return list(map(MetricUse.read, self.metrics))


_OWN_ID = {
    "datasets": "; give each an id of its own: {id: MINE, dataset: NAME}",
    "metrics": "; give each an id of its own: {NAME: {id: MINE}}",
}


def load_suite(name: str) -> tuple[Suite, Path]:
    """Return the suite that an id or a path names, and the file that it stands in.

    Raises:
        SpecError: A key of the suite is wrong.
        UnknownNameError: There is no suite of that id.
    """
    path = locate("suites", name)
    return validated(Suite, parse_yaml(read_text(path), str(path)), str(path)), path
