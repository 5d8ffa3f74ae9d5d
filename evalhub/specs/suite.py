"""A suite: one YAML file with the datasets, candidates, judges, metrics and controls of a run."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from evalhub.records import Sampling
from evalhub.specs.base import Id, Name, Spec, parse_yaml, read_text, validate
from evalhub.specs.engine import EngineSpec
from evalhub.specs.find import locate
from evalhub.specs.gates import Gate
from evalhub.specs.thinking import THINK, Think
from evalhub.specs.uses import DatasetUse, MetricUse

REWARD = "reward"
"""The protocol of reward models, and the rubric that it takes by default."""

_MILLION = 1_000_000


class CrossFamily(StrEnum):
    """The rule for a judge of the response's own family."""

    REQUIRE = "require"
    EXCLUDE = "exclude"
    ALLOW = "allow"


class Positions(StrEnum):
    """The orders in which a pair is shown."""

    BOTH = "both"
    RANDOM = "random"
    FIXED = "fixed"


class Mode(StrEnum):
    """Whether a judge answers at once, explains first, or thinks first within think tags."""

    DIRECT = "direct"
    EXPLAIN = "explain"
    THINK = "think"


class Combine(StrEnum):
    """How several samples of a judge, or several judges, become one verdict."""

    MEAN = "mean"
    VOTE = "vote"
    WEIGHTED = "weighted"


class SamplingSpec(Spec):
    """How tokens are drawn, see `evalhub.records.Sampling`."""

    temperature: float = Field(default=0.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0)
    max_tokens: int = Field(default=256, ge=1)
    seed: int = 0
    stop: tuple[str, ...] = ()

    def sampling(self) -> Sampling:
        """Return the settings as a record."""
        return Sampling(**self.model_dump())


class Price(Spec):
    """What a server asks for, in money for a million tokens. The budget counts in the same money.

    Attributes:
        prompt: For a million tokens of prompts.
        completion: For a million generated tokens.
        cached: For a million tokens of prompts that the server has in its cache. None = the price of others.
        batch: What a token costs in a batch, as a part of these prices in (0, 1]. None = not known.
    """

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)
    batch: float | None = Field(default=None, gt=0, le=1)

    @model_validator(mode="after")
    def _is_a_discount(self) -> Self:
        if self.cached is not None and self.cached > self.prompt:
            raise ValueError(f"cached prompt tokens cost at most what others cost, {self.prompt:g}")
        return self

    def money(self, prompt: float, completion: float, *, cached: float = 0, in_batch: bool = False) -> float:
        """Return the price of some tokens.

        Args:
            prompt: Tokens of prompts, the cached ones among them.
            completion: Generated tokens.
            cached: Tokens of prompts that the server had in its cache.
            in_batch: Whether they were sent and generated in a batch.

        Raises:
            ValueError: The price of a batch is not known.

        Example:
            >>> Price(prompt=3, completion=15, cached=0.3).money(1_000_000, 100_000, cached=600_000)
            2.88
        """
        if in_batch and self.batch is None:
            raise ValueError("the price of a batch is not known")
        cached = 0 if self.cached is None else min(cached, prompt)
        full_price = (prompt - cached) * self.prompt + completion * self.completion
        part = (self.batch or 1) if in_batch else 1
        return part * (full_price + cached * (self.cached or 0)) / _MILLION


class ModelUse(Spec):
    """A model on an engine: the base of candidates and judges.

    Attributes:
        adapter: The folder of a LoRA adapter that is added to the model.
        price: What its tokens cost. None = nothing is known, which a budget of money refuses of a server.
        families: The model's ancestors and teachers, if its name does not show them.
        cutoff: Month of its newest training data, YYYY-MM.
    """

    id: Id
    model: str
    # Without it a suite has the hash that it had before the key existed.
    adapter: str | None = Field(default=None, exclude_if=lambda value: value is None)
    engine: EngineSpec = EngineSpec()
    families: tuple[str, ...] | None = None
    cutoff: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}$")
    price: Price | None = None

    @field_validator("engine", mode="before")
    @classmethod
    def _from_type(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value


class Candidate(ModelUse):
    """A system whose responses are generated here.

    Attributes:
        think: The tags around its think text. `none` leaves it in the answers.
    """

    sampling: SamplingSpec = SamplingSpec()
    samples: int = Field(default=1, ge=1)
    system_prompt: str | None = None
    think: Think = THINK


class Pairs(Spec):
    """The pairs of responses that a pairwise judge sees.

    Attributes:
        by: `labelled` takes the pairs with labels by people, `baseline` every system against one system, and
            `all` every pair.
        baseline: The system that all others are compared with.
        cap: Maximum number of pairs for each item.
    """

    by: Literal["labelled", "baseline", "all"] = "labelled"
    baseline: Id | None = None
    cap: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _has_baseline(self) -> Pairs:
        if (self.by == "baseline") != (self.baseline is not None):
            raise ValueError("by: baseline and baseline: SYSTEM go together")
        return self


class JudgeUse(ModelUse):
    """A judge: a rubric, a model, a mode and positions.

    Attributes:
        protocol: `reward` makes a reward model a judge. Its rubric is then `reward` unless another is named.
            All other protocols are named by the rubric alone.
    """

    # Without it a suite has the hash that it had before the key existed.
    protocol: Literal["reward"] | None = Field(default=None, exclude_if=lambda value: value is None)
    rubric: str
    mode: Mode = Mode.DIRECT
    positions: Positions = Positions.BOTH
    criteria: tuple[str, ...] | None = None
    label_criteria: dict[str, str] = Field(default_factory=dict)
    pairs: Pairs = Pairs()
    sampling: SamplingSpec = SamplingSpec()
    samples: int = Field(default=1, ge=1)
    combine: Literal[Combine.MEAN, Combine.VOTE] = Combine.MEAN
    rationale_tokens: int = Field(default=256, ge=8)
    think_tokens: int = Field(default=512, ge=8)
    think_extensions: int = Field(default=0, ge=0, le=8)
    seed: int = 0

    @model_validator(mode="before")
    @classmethod
    def _name_rubric(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and value.get("protocol") == REWARD:
            return {"rubric": REWARD, **value}
        return value


class Jury(Spec):
    """Several judges of the suite that give one verdict.

    Attributes:
        combine: The mean of their probabilities or levels, a vote, or a vote weighted by each judge's
            agreement with the labels of other clusters.
        quorum: Number of valid verdicts that a verdict of the jury needs, by default more than half of the
            members.
    """

    id: Id
    members: tuple[Id, ...]
    combine: Combine = Combine.MEAN
    quorum: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _is_valid(self) -> Jury:
        if len(self.members) < 2:
            raise ValueError("a jury has at least two members")
        if len(set(self.members)) < len(self.members):
            raise ValueError("a member appears twice")
        if self.quorum is not None and self.quorum > len(self.members):
            raise ValueError(f"a quorum of {self.quorum} cannot be met by {len(self.members)} members")
        return self


class CascadeUse(Spec):
    """Judges of the suite in turn: each decides the pairs that it is confident about, people the others.

    Attributes:
        stages: The judges, the cheapest first.
        agreement: Minimum share of decided pairs on which judge and labels agree.
        confidence: Probability with which every stage reaches that agreement.
        criterion: The criterion of the labels, by default each one that the judges are compared with.
    """

    id: Id
    stages: tuple[Id, ...] = Field(min_length=1)
    agreement: float = Field(default=0.8, gt=0, lt=1)
    confidence: float = Field(default=0.9, gt=0, lt=1)
    criterion: str | None = None

    @field_validator("stages")
    @classmethod
    def _is_distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a stage appears twice")
        return value


class Controls(Spec):
    """Controls of the judges' biases and failures.

    Attributes:
        cross_family: The rule for a judge of the response's own family.
        length_penalty: Strength of the penalty on longer responses, from 0 (none).
        min_coverage: Minimum share of valid verdicts among a judge's planned ones, and of valid responses of
            a candidate. It holds for the whole run and for each dataset and criterion. Below it a run is
            inconclusive. 0 allows any share.
        min_choice_mass: Minimum probability of a judge's allowed answers together, in [0, 1]. Below it the
            judge has no verdict, as it prefers an answer that is not allowed. 0 accepts every verdict.
    """

    cross_family: CrossFamily = CrossFamily.REQUIRE
    length_penalty: float = Field(default=0.0, ge=0)
    min_coverage: float = Field(default=0.8, ge=0, le=1)
    min_choice_mass: float = Field(default=0.05, ge=0, le=1)


LIMITS = ("judgments", "tokens", "minutes", "cost")
"""The keys of a budget that say what a run may take. They may change when it is resumed."""


class Budget(Spec):
    """Limits on what a run may take. One that is spent drains and seals the run, which can be resumed.

    A limited run takes the clusters of items in random order, both orders of a pair together and all judges
    side by side, so that what it leaves is a random part of each dataset.

    Attributes:
        judgments: Maximum number of judgments. What early stopping saves goes to pairs that are still open.
        tokens: Maximum number of tokens of prompts and answers that are computed, those of all sessions.
        minutes: Maximum time, of all sessions.
        cost: Maximum price of the computed tokens, in the money of `price`.
        early_stopping: Confidence of a sequential test, over all its interim looks and all pairs of systems.
            A pairwise judge stops judging a pair of systems once the test has decided which is better. None
            judges everything.
    """

    judgments: int | None = Field(default=None, ge=1)
    tokens: int | None = Field(default=None, ge=1)
    minutes: float | None = Field(default=None, gt=0)
    cost: float | None = Field(default=None, gt=0)
    early_stopping: float | None = Field(default=None, gt=0.5, lt=1)

    @property
    def is_metered(self) -> bool:
        """Whether a limit is known to be reached only while the run works."""
        return any(limit is not None for limit in (self.tokens, self.minutes, self.cost))


class Suite(Spec):
    """The suite of `evalhub run`.

    Attributes:
        calibration: Labelled datasets that never change. Each night the judges behind servers judge them
            anew, so that a judge that moved is noticed.
    """

    suite: Name
    title: str | None = None
    datasets: tuple[DatasetUse, ...] = Field(min_length=1)
    candidates: tuple[Candidate, ...] = ()
    judges: tuple[JudgeUse, ...] = ()
    juries: tuple[Jury, ...] = ()
    cascades: tuple[CascadeUse, ...] = ()
    metrics: tuple[str | dict[str, dict[str, Any]], ...] = ()
    controls: Controls = Controls()
    calibration: tuple[DatasetUse, ...] = ()
    gates: tuple[Gate, ...] = ()
    budget: Budget = Budget()

    @field_validator("metrics", mode="before")
    @classmethod
    def _as_entries(cls, value: Any) -> Any:
        return [MetricUse.entry(metric) for metric in value] if isinstance(value, list | tuple) else value

    @field_validator("metrics", mode="after")
    @classmethod
    def _read_entries(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        for metric in value:
            MetricUse.read(metric)
        return value

    @model_validator(mode="after")
    def _refuse_early_stopping(self) -> Suite:
        for kind in ("juries", "cascades"):
            if self.budget.early_stopping is not None and getattr(self, kind):
                raise ValueError(
                    f"budget.early_stopping stops each judge on its own, and {kind} need all verdicts of "
                    "each: leave one of the two out"
                )
        return self

    @model_validator(mode="after")
    def _is_distinct(self) -> Suite:
        ids_by_kind = {
            "datasets": [part.id for part in self.datasets],
            "datasets of the calibration": [part.id for part in self.calibration],
            "candidates, judges and juries": [
                *(part.id for part in (*self.candidates, *self.judges)),
                *(jury.id for jury in self.juries),
            ],
            "cascades": [cascade.id for cascade in self.cascades],
            "metrics": [use.name for use in self.metric_uses()],
        }
        for kind, ids in ids_by_kind.items():
            for name in ids:
                if ids.count(name) > 1:
                    raise ValueError(f"{name!r} appears twice among {kind}{_OWN_ID.get(kind, '')}")
        return self

    def metric_uses(self) -> list[MetricUse]:
        """Return each metric with its options."""
        return list(map(MetricUse.read, self.metrics))


_OF_DATASETS = "; give each an id of its own: {id: MINE, dataset: NAME}"
_OWN_ID = {
    "datasets": _OF_DATASETS,
    "datasets of the calibration": _OF_DATASETS,
    "metrics": "; give each an id of its own: {NAME: {id: MINE}}",
}


def load_suite(name: str) -> tuple[Suite, Path]:
    """Return the suite of an id or a path, and its file.

    Raises:
        SpecError: A key of the suite is wrong.
        UnknownNameError: No suite has that id.
    """
    path = locate("suites", name)
    return validate(Suite, parse_yaml(read_text(path), str(path)), str(path)), path
