"""Gates: conditions that a run of a suite has to meet. A CI job acts on their exit codes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from evalhub.specs.base import Id, Name, Spec

ERROR = 0.005
"""Two-sided error of a gate's interval: half of it is the chance of a red night without a change."""

_KINDS = ("measure", "coverage", "cut_answers", "agreement", "flips", "controls")
_OF_MEASURES = ("system", "rater", "criterion", "tag", "margin", "sd")
_OF_JUDGES = ("agreement", "flips", "controls")


class OtherSystem(Spec):
    """Another system of the same run, with which a gate compares."""

    system: str


Share = Annotated[float, Field(ge=0, le=1)]


class Gate(Spec):
    """One condition. Exactly one of its kinds is given: `measure`, `coverage`, `cut_answers`, `agreement`,
    `flips` or `controls`.

    Attributes:
        id: Its name in reports, by default made of what it is about.
        measure: A measure of the leaderboard, such as `win rate`, `mean score`, a metric, or
            `win rate (soft), people + judge` (what people would say). The system may not get worse by
            `margin` or more.
        system: The system that is gated.
        rater: The judge, jury or metric of the measure. None = all that have the measure.
        criterion: The criterion of the measure. None = all.
        dataset: The dataset. None = all that have the measure.
        tag: Only the items with this tag.
        against: `baseline`, a number, or another system of the run.
        margin: Least loss that counts, in the unit of the measure.
        error: Two-sided error of the interval, over all gates of a family together.
        sd: Expected standard deviation of the paired differences, by which a plan knows the gate's power. By
            default half of the range of a rate or a rating.
        family: Gates with the same name share their error.
        coverage: Least share of valid verdicts of each judge, or of `judge`.
        cut_answers: Largest share of a system's answers that the token limit may cut, of all or of `system`.
        judge: The judge of `agreement`, `flips`, `controls` or `coverage`.
        agreement: Least accuracy against labels: the upper end of its interval must reach it.
        flips: Largest share of verdicts that may change with the order: the lower end may not exceed it.
        controls: Largest win rate of a response that answers nothing, by `judge`, against recorded responses:
            the upper end must stay below it.
    """

    id: Name | None = None
    measure: str | None = None
    system: str | None = None
    rater: str | None = None
    criterion: str | None = None
    dataset: Id | None = None
    tag: str | None = None
    against: Literal["baseline"] | float | OtherSystem = "baseline"
    margin: float | None = Field(default=None, ge=0)
    error: float = Field(default=ERROR, gt=0, lt=0.5)
    sd: float | None = Field(default=None, gt=0)
    family: str = "all"
    coverage: Share | None = None
    cut_answers: Share | None = None
    judge: str | None = None
    agreement: Share | None = None
    flips: Share | None = None
    controls: Share | None = None

    @property
    def kind(self) -> str:
        """What the gate is about: the one of its kinds that is given."""
        return next(kind for kind in _KINDS if getattr(self, kind) is not None)

    @model_validator(mode="after")
    def _is_one_condition(self) -> Gate:
        kinds = [kind for kind in _KINDS if getattr(self, kind) is not None]
        if len(kinds) != 1:
            raise ValueError(f"a gate has one of {', '.join(_KINDS)}, and this one has {len(kinds)}")
        if self.measure is not None and (self.system is None or self.margin is None):
            raise ValueError("a gate on a measure names its system and its margin")
        if kinds[0] in _OF_JUDGES and self.judge is None:
            raise ValueError(f"a gate on {kinds[0]} names its judge")
        return self

    @model_validator(mode="after")
    def _has_only_its_own_keys(self) -> Gate:
        if self.measure is None:
            allowed = ("system",) if self.cut_answers is not None else ()
            names = [name for name in _OF_MEASURES if name not in allowed]
            surplus = [name for name in names if getattr(self, name) is not None]
            if surplus:
                raise ValueError(f"{', '.join(surplus)} stands in a gate on a measure alone")
            fields = type(self).model_fields
            names = [
                name for name in ("against", "error", "family") if getattr(self, name) != fields[name].default
            ]
            if self.kind in ("coverage", "controls") and self.dataset is not None:
                names.append("dataset")
            if names:
                raise ValueError(f"{', '.join(names)} does not stand in a gate on {self.kind}")
        if self.judge is not None and self.kind not in (*_OF_JUDGES, "coverage"):
            kinds = ", ".join((*_OF_JUDGES, "coverage"))
            raise ValueError(f"judge stands in gates on {kinds}: name it as rater here")
        return self
