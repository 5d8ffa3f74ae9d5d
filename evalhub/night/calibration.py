"""The calibration of a night: do the judges behind servers still agree with people as before?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evalhub.analysis import Results
from evalhub.errors import LittleCoverage, SpecError
from evalhub.gates import JudgeChart, judge_charts, keep_charts, kept_charts
from evalhub.runner import Options, Prepared, Progress, Silent
from evalhub.runner.plan.epochs import with_night
from evalhub.runner.plan.prepared import prepare_resolved
from evalhub.runner.plan.resolve import resolve
from evalhub.runner.run import carry_out
from evalhub.scales import Shape
from evalhub.specs import Controls, CrossFamily, JudgeUse, Pairs, Suite, load_rubric, load_suite
from evalhub.store import Run, all_runs, find_run, runs_root

PREFIX = "calibration"


def prepare_calibration(
    suite: str, options: Options | None = None, progress: Progress | None = None
) -> Prepared | None:
    """Return the calibration of a suite's judges, planned. None where the suite has none.

    Args:
        suite: Path or id of a suite.
        options: The runs and the night. A part of the suite has no calibration.
        progress: Shows what is fetched.

    Raises:
        SpecError: A dataset of the calibration has no labels.
        EvalhubError: Something that the suite names does not exist or is invalid.
    """
    options = options or Options()
    spec, path = load_suite(suite)
    if not spec.calibration or not spec.judges or options.is_trial:
        return None
    resolved = resolve(_calibration_suite(spec, path), path, progress or Silent())
    resolved = replace(with_night(resolved, options.night), part_of=spec.suite)
    prepared = prepare_resolved(resolved, all_runs(runs_root(options.runs)))
    for dataset in prepared.resolved.datasets:
        if not dataset.card.criteria:
            raise SpecError(
                "a calibration is held against labels, and the dataset has none",
                where=f"{path}:calibration",
                value=dataset.id,
                fix="take a dataset whose card has labels",
            )
    return prepared


def calibrate_judges(suite: str, options: Options, progress: Progress) -> list[JudgeChart]:
    """Judge a suite's calibration, and return the charts of its judges behind servers.

    Args:
        suite: Path or id of the suite.
        options: The runs and the night.
        progress: Shows how far it is.

    Raises:
        EvalhubError: As `evalhub.runner.run` raises.
    """
    prepared = prepare_calibration(suite, options, progress)
    if prepared is None:
        return []
    try:
        run = carry_out(prepared, runs_root(options.runs), progress)
    except LittleCoverage as error:
        # The chart of such a judge says that nothing is known of the night. The others have theirs.
        run = find_run(error.where, runs_root(options.runs))
    earlier = _earlier_charts(run, options)
    charts = judge_charts(Results(run), options.night, earlier)
    keep_charts(run, charts)
    return charts


def _earlier_charts(run: Run, options: Options) -> list[JudgeChart]:
    """Return the charts of the newest calibration of the same suite before a night."""
    for other in all_runs(runs_root(options.runs)):
        if other.manifest.suite == run.manifest.suite:
            charts = kept_charts(other)
            if charts and all(chart.night < options.night for chart in charts):
                return charts
    return []


def _calibration_suite(spec: Suite, path: Path) -> Suite:
    """Return the suite that judges the labelled units alone. Labels judge the judge, of whatever family."""
    return Suite(
        suite=f"{PREFIX}-{spec.suite}",
        title=f"Calibration of the judges of {spec.suite}",
        datasets=spec.calibration,
        judges=tuple(_on_labelled_pairs(use, path) for use in spec.judges),
        controls=Controls(
            cross_family=CrossFamily.ALLOW, min_choice_mass=spec.controls.min_choice_mass, min_coverage=0
        ),
    )


def _on_labelled_pairs(use: JudgeUse, path: Path) -> JudgeUse:
    rubric = load_rubric(use.rubric, where=f"{path}:judges.{use.id}.rubric", referrer=path)
    return use if rubric.shape is Shape.RESPONSE else use.model_copy(update={"pairs": Pairs()})
