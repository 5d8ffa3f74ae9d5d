"""A judge with all that its run knows of how far it can be trusted, as plain values for each answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from evalhub.analysis import (
    JudgeCalibration,
    JudgeMeasure,
    Results,
    judge_calibration,
    judge_measures,
)
from evalhub.judging.aggregate import SOFT_SAMPLES
from evalhub.runner import MeasuredJudge, Progress, ResolvedJudge, measured_judge
from evalhub.scales import Kind
from evalhub.specs import Mode
from evalhub.stats import Estimate
from evalhub.store import Run

Row = dict[str, Any]

NOT_MEASURED = "the run did not measure what is asked here"
_NUMBERS = ("estimate", "low", "high", "confidence", "n", "clusters", "reason")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a run knows of a judge on one criterion.

    Attributes:
        measures: Its agreement with the labels of each dataset.
        calibration: The map onto labels. None where the run did not measure what is asked.
    """

    measures: tuple[JudgeMeasure, ...] = ()
    calibration: JudgeCalibration | None = None

    def as_rows(self, *, is_pairwise: bool) -> Row:
        """Return the blocks `measured` and `calibration` of an answer."""
        return {
            "measured": [asdict(measure) for measure in self.measures],
            "calibration": _calibration_row(self.calibration, is_pairwise=is_pairwise),
        }

    def calibrate(self, score: float | None) -> float | None:
        """Return a probability or an expected level after the map. None without a map."""
        if score is None or self.calibration is None or self.calibration.map is None:
            return None
        return float(self.calibration.map.at([score])[0])

    @property
    def reason(self) -> str | None:
        """Why there is no map. None where there is one."""
        return NOT_MEASURED if self.calibration is None else self.calibration.reason


@dataclass(frozen=True, slots=True)
class ServedJudge:
    """A judge of a run that is served.

    Attributes:
        measured: The judge.
        evidence: What its run knows of it, by criterion.
        allow_unmeasured: Whether it also answers what the run did not measure.
    """

    measured: MeasuredJudge
    evidence: Mapping[str, Evidence]
    allow_unmeasured: bool = False

    @property
    def judge(self) -> ResolvedJudge:
        """The judge with its rubric and its model."""
        return self.measured.judge

    @property
    def id(self) -> str:
        """The judge's id in the run."""
        return self.judge.spec.id

    @property
    def is_pairwise(self) -> bool:
        """Whether it compares two responses, and does not rate one."""
        return self.judge.rubric.kind is Kind.PAIRWISE

    @property
    def is_soft(self) -> bool:
        """Whether its probabilities count: they do not where they depend on one or two rationales."""
        spec = self.judge.spec
        return spec.mode is Mode.DIRECT or spec.samples >= SOFT_SAMPLES

    def name_row(self) -> Row:
        """Return the block `judge` of an answer."""
        judge = self.judge
        return {
            "id": self.id,
            "run": self.measured.run.id,
            "rubric": judge.rubric.id,
            "rubric_hash": judge.judge.rubric_hash,
            "model": judge.runs.identity.model,
            "mode": judge.spec.mode.value,
        }

    def describe(self) -> Row:
        """Return what the judge is, what it must be asked, and how far it can be trusted."""
        judge, identity = self.judge, self.judge.runs.identity
        rubric = judge.rubric
        inputs = [name for name in rubric.inputs if name not in judge.protocol.writes]
        return {
            "judge": {
                **self.name_row(),
                "rubric_version": rubric.version,
                "protocol": rubric.protocol,
                "kind": rubric.kind.value,
                "ties": rubric.ties,
                "samples": judge.spec.samples,
                "both_orders": self.is_pairwise and not judge.protocol.reads_alone,
                "model_hash": identity.model_hash,
                "engine": identity.engine,
                "engine_version": identity.version,
                "device": identity.device,
                "families": list(judge.runs.families),
            },
            "inputs": inputs,
            "allow_unmeasured": self.allow_unmeasured,
            "unmeasured": list(self.measured.changes),
            "machine": list(self.measured.machine),
            "criteria": {
                name: {
                    "text": rubric.criteria.get(name),
                    **self.evidence[name].as_rows(is_pairwise=self.is_pairwise),
                }
                for name in judge.criteria
            },
        }


def prepare(
    run: Run, name: str, *, allow_unmeasured: bool = False, progress: Progress | None = None
) -> ServedJudge:
    """Return a judge of a run, calibrated on the run's labels. Its engine is not opened.

    Args:
        run: The run that measured it.
        name: The judge's id in the run.
        allow_unmeasured: Whether a judge that has changed is served, and what the run did not measure is
            answered.
        progress: Shows what is fetched.

    Raises:
        UnknownNameError: The run has no such judge. The nearest one is named.
        SpecError: The rubric or the model has changed since the run.
    """
    measured = measured_judge(run, name, allow_changes=allow_unmeasured, progress=progress)
    criteria = measured.judge.criteria
    if measured.changes:
        return ServedJudge(measured, dict.fromkeys(criteria, Evidence()), allow_unmeasured)
    results = Results(run)
    evidence = {
        criterion: Evidence(
            tuple(judge_measures(results, name, criterion)), judge_calibration(results, name, criterion)
        )
        for criterion in criteria
    }
    return ServedJudge(measured, evidence, allow_unmeasured)


def _calibration_row(calibration: JudgeCalibration | None, *, is_pairwise: bool) -> Row:
    if calibration is None:
        return {"labels": 0, "clusters": 0, "reason": NOT_MEASURED}
    errors = {name: _estimate_row(getattr(calibration, name)) for name in ("raw", "calibrated", "change")}
    return {
        "labels": calibration.labels,
        "clusters": calibration.clusters,
        "annotator_kind": calibration.annotator_kind,
        "datasets": list(calibration.datasets),
        "method": "isotonic, errors cross-fitted over clusters" if calibration.map else None,
        "brier" if is_pairwise else "mean_squared_error": errors,
        "reason": calibration.reason,
    }


def _estimate_row(estimate: Estimate) -> Row:
    return {name: getattr(estimate, name) for name in _NUMBERS}
