"""A rubric improved from labels: variants race on dev clusters, and the winner is measured on others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evalhub.analysis.frames.splits import DEV, TEST
from evalhub.errors import InputError, StorageError
from evalhub.runner.one_judge.options import JudgeOptions
from evalhub.runner.one_judge.training_labels import choose_criterion
from evalhub.runner.one_judge.tune_bench import Bench, Survey, open_bench
from evalhub.runner.one_judge.tune_pairs import Accuracy, read_pairs
from evalhub.runner.one_judge.tune_race import Race, RaceRules, Reading, run_race
from evalhub.runner.one_judge.tune_variants import (
    Variant,
    name_variants,
    read_original,
    read_variants,
    winner_text,
)
from evalhub.runner.one_judge.tune_winner import WinnerMeasurement, measure_on_test
from evalhub.runner.one_judge.tune_write import Writer, write_variants
from evalhub.runner.plan.rubric_versions import next_version, refuse_changed
from evalhub.runner.progress import Progress, Silent
from evalhub.specs import EngineSpec, Rubric
from evalhub.store import all_runs, runs_root


@dataclass(frozen=True, slots=True)
class TuneOptions(JudgeOptions):
    """The judge whose rubric is improved, its variants, and the labels.

    Attributes:
        source: Path or id of a suite, or a run. Its datasets hold the labels.
        on: The datasets to take, each as `DATASET` or `DATASET:CRITERION`. Empty = all.
        criterion: One of the rubric's criteria, by default the first.
        variants: Paths or ids of rubrics that a person wrote.
        writer: The model that writes variants. None for no such variants.
        writer_engine: The engine that runs the writer, by default that of the judge.
        writes: The number of variants that it writes.
        budget: Most judgments on dev clusters, those of all variants together. None for no limit.
        first: Clusters of the largest dataset in the first round, with the same share of the others. Each
            later round has twice as many.
        seed: Seed of the draw of dev and test clusters, of their order, and of the writer.
        out: The new file for the winner. None writes none.
    """

    source: str = "quickstart"
    on: tuple[str, ...] = ()
    criterion: str | None = None
    variants: tuple[str, ...] = ()
    writer: str | None = None
    writer_engine: EngineSpec | None = None
    writes: int = 4
    budget: int | None = None
    first: int = 32
    seed: int = 0
    out: Path | None = None


@dataclass(frozen=True, slots=True)
class VariantOutcome:
    """What became of a variant.

    Attributes:
        status: `winner`, `not chosen`, `stopped after N clusters`, `duplicate of ID`, or `refused: REASON`.
        measured: On dev clusters. None where it was not judged with.
    """

    variant: Variant
    status: str
    measured: Accuracy | None


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a tuning found.

    Attributes:
        outcomes: The original first, then the variants in their order.
        winner: The winner's id.
        race: The race on dev clusters. None where no variant was left to compare.
        test: The winner beside the original on test clusters. None where the original won.
        file: The file of the winner. None where none was asked for, or the original won.
        version: The version of the winner in that file.
    """

    outcomes: tuple[VariantOutcome, ...]
    winner: str
    race: Race | None
    test: WinnerMeasurement | None
    file: Path | None
    version: int | None


def tune(options: TuneOptions, progress: Progress | None = None) -> Tuned:
    """Choose the best of several variants of a rubric on dev clusters, and measure it once on test clusters.

    Variants judge the same clusters in the same random order, in rounds of twice as many. A variant that is
    shown to be worse than the best so far stops. The rubric as it is takes part, and wins where none is
    better. Each round is a run, so the same call goes on where it was stopped, and asks nothing twice.

    Args:
        options: The judge, the variants and the labels.
        progress: Shows how far it is.

    Raises:
        UnknownNameError: There is no such rubric, criterion, suite, run, dataset or model.
        SpecError: A rubric is invalid, or a variant differs from the rubric in more than its words.
        InputError: There is no variant, no label counts, the budget is too small, or the file exists.
        StorageError: The winner's file cannot be written.
        Interrupted: Ctrl-C. The same call goes on.
    """
    progress = progress or Silent()
    _check(options)
    original = read_original(options.rubric)
    assert original.rubric is not None
    refuse_changed(original.rubric, all_runs(runs_root(options.runs)), options.rubric)
    variants = name_variants([original, *read_variants(options.variants, original.rubric)])
    criterion = choose_criterion(original.rubric, options.criterion)
    bench = open_bench(
        options, original.rubric, criterion, options.source, options.on, options.seed, progress
    )
    survey = bench.survey(original, DEV, progress)
    # Labels without test clusters are refused before anything is spent.
    test_survey = bench.survey(original, TEST, progress)
    rules = RaceRules(options.first, options.budget, writes=options.writer is not None)
    starters = sum(variant.races for variant in variants) + (options.writes if options.writer else 0)
    rules.check(survey, starters)
    reading = None
    if options.writer:
        model_variants, reading = _write(options, bench, survey, original, rules, starters, progress)
        variants = name_variants([*variants, *model_variants])
    racing = [variant for variant in variants if variant.races]
    if len(racing) == 1:
        return Tuned(_outcomes(variants, None), original.id, None, None, None, None)
    race = run_race(bench, survey, racing, rules, progress, reading)
    outcomes = _outcomes(variants, race)
    if race.winner == original.id:
        return Tuned(outcomes, original.id, race, None, None, None)
    winner = next(variant for variant in racing if variant.id == race.winner)
    progress.note(f"{winner.id} won: {2 * test_survey.cost()} judgments on test clusters")
    test = measure_on_test(bench, original, winner, survey, progress)
    version = _write_winner(options, original.rubric, winner)
    return Tuned(outcomes, winner.id, race, test, options.out, version)


def _check(options: TuneOptions) -> None:
    if not options.variants and not options.writer:
        raise InputError(
            "there is no variant to compare",
            where="--variant",
            fix="name a rubric file with --variant, or a model that writes some with --writer",
        )
    for name, number in (
        ("--first", options.first),
        ("--writes", options.writes),
        ("--budget", options.budget),
    ):
        if number is not None and number < 1:
            raise InputError("this number is at least 1", where=name, value=number)
    if options.out is not None and options.out.exists():
        raise InputError("the file exists already", where="--out", value=str(options.out))
    if options.out is not None and not options.out.absolute().parent.is_dir():
        raise InputError("there is no such folder", where="--out", value=str(options.out.parent))


def _write(
    options: TuneOptions,
    bench: Bench,
    survey: Survey,
    original: Variant,
    rules: RaceRules,
    starters: int,
    progress: Progress,
) -> tuple[list[Variant], Reading]:
    """Judge the first clusters with the original, and let the writer see where it differs from the labels."""
    clusters = rules.writing_clusters(survey, starters)
    run = bench.judge([original], DEV, progress, survey.clusters(clusters))
    writer = Writer(
        options.writer or "", options.writer_engine or options.engine, options.writes, options.seed
    )
    pairs = read_pairs(run, bench)
    variants = write_variants(bench, original, run, pairs, writer, progress)
    return variants, Reading(clusters, frozenset(pair.key for pair in pairs))


def _outcomes(variants: Sequence[Variant], race: Race | None) -> tuple[VariantOutcome, ...]:
    outcomes = []
    for variant in variants:
        measured = race.accuracies.get(variant.id) if race else None
        outcomes.append(VariantOutcome(variant, _status(variant, race), measured))
    return tuple(outcomes)


def _status(variant: Variant, race: Race | None) -> str:
    if variant.refusal:
        return f"refused: {variant.refusal}"
    if variant.duplicate:
        return f"duplicate of {variant.duplicate}"
    if race is None or variant.id == race.winner:
        return "winner"
    if variant.id in race.stops:
        return f"stopped after {race.stops[variant.id]} clusters"
    return "not chosen"


def _write_winner(options: TuneOptions, rubric: Rubric, winner: Variant) -> int | None:
    """Write the winner under the rubric's id and a version that nobody has used. Return that version."""
    if options.out is None:
        return None
    version = next_version(rubric, all_runs(runs_root(options.runs)))
    text = winner_text(winner, rubric.id, version)
    try:
        with options.out.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise StorageError(
            f"the file cannot be written ({error.strerror})", where=str(options.out)
        ) from error
    return version
