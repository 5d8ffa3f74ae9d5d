"""A judge of one's own, trained on labels or on the probabilities of another judge."""

from __future__ import annotations

import os

from evalhub.errors import InputError
from evalhub.judging import check_rubric
from evalhub.models import ResolvedModel
from evalhub.models import resolve as resolve_model
from evalhub.runner.one_judge.head_features import check_head_options, choose_layers
from evalhub.runner.one_judge.teachers import teacher_families, teacher_items
from evalhub.runner.one_judge.train_adapter import check_adapter_options, train_adapter
from evalhub.runner.one_judge.train_head import train_head
from evalhub.runner.one_judge.train_options import Method, TrainOptions
from evalhub.runner.one_judge.train_rating_head import check_rating_options, train_rating_head
from evalhub.runner.one_judge.training_labels import choose_criterion, read_labels
from evalhub.runner.one_judge.training_pairs import check_trainable, rates, training_pairs
from evalhub.runner.one_judge.training_ratings import training_ratings
from evalhub.runner.one_judge.training_rows import annotator_notes
from evalhub.runner.one_judge.training_set import RatingSet, TrainedJudge, TrainedRater, TrainingSet
from evalhub.runner.progress import Progress, Silent
from evalhub.scales import Kind
from evalhub.specs import Rubric, load_rubric
from evalhub.training import check_base


def train_judge(options: TrainOptions, progress: Progress | None = None) -> TrainedJudge | TrainedRater:
    """Train a judge, and write it as a folder. Clusters of the test split are never read.

    A rubric that rates single responses is learned from ratings, every other one from pairs.

    Args:
        options: What it is trained on, and how.
        progress: Shows how far it is.

    Raises:
        InputError: No label may be learned from, the labels are all alike or have another scale, a package is
            missing, or the folder exists.
        UnknownNameError: There is no such suite or run, dataset, criterion, rubric, model or teacher.
        ModelError: The model cannot be trained.
        StorageError: A disk is full.
    """
    progress = progress or Silent()
    is_head = options.method is Method.HEAD
    _check_options(options)
    check_head_options(options) if is_head else check_adapter_options(options)
    rubric, criterion = _rubric(options)
    model = resolve_model(options.model, progress=progress.note)
    check_base(model)
    layers = choose_layers(options.layers, model) if is_head else ()
    if rates(rubric):
        rating_set = _rating_set(options, rubric, criterion, model, progress)
        return train_rating_head(rating_set, layers, options, progress)
    training = _training_set(options, rubric, criterion, model, progress)
    if is_head:
        return train_head(training, layers, options, progress)
    return train_adapter(training, options, progress)


def _check_options(options: TrainOptions) -> None:
    if options.out.exists():
        raise InputError("the folder exists already", where="--out", value=str(options.out))
    # Training may take hours, and its result is written at the end.
    parent = next(folder for folder in options.out.absolute().parents if folder.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise InputError("no folder can be made there", where="--out", value=str(options.out))
    for name in ("limit", "max_length"):
        value = getattr(options, name)
        if value is not None and value < 1:
            where = f"--{name.replace('_', '-')}"
            raise InputError("a limit is at least 1", where=where, value=value)


def _rubric(options: TrainOptions) -> tuple[Rubric, str]:
    rubric = load_rubric(options.rubric, where="--rubric")
    check_rubric(rubric, options.rubric)
    check_trainable(rubric, "--rubric", writes=options.method is Method.LORA)
    if rates(rubric):
        check_rating_options(options, rubric)
    return rubric, choose_criterion(rubric, options.criterion)


def _training_set(
    options: TrainOptions, rubric: Rubric, criterion: str, model: ResolvedModel, progress: Progress
) -> TrainingSet:
    """Read the pairs of dev clusters."""
    teacher = options.teacher
    results, criteria = read_labels(
        options.source, options.on, options.runs, progress, needs_labels=teacher is None
    )
    pairs, exclusions = training_pairs(
        results, criteria, rubric.inputs, teacher=teacher, seed=options.seed, limit=options.limit
    )
    return TrainingSet(
        rubric=rubric,
        criterion=criterion,
        model=model,
        pairs=pairs,
        exclusions=exclusions,
        notes=annotator_notes(results, criteria) if teacher is None else (),
        teacher=None if teacher is None else {"run": results.run.id, "judge": teacher},
        families=() if teacher is None else teacher_families(results, teacher),
        inherited=frozenset() if teacher is None else teacher_items(results, teacher),
    )


def _rating_set(
    options: TrainOptions, rubric: Rubric, criterion: str, model: ResolvedModel, progress: Progress
) -> RatingSet:
    """Read the ratings of dev clusters."""
    results, criteria = read_labels(
        options.source, options.on, options.runs, progress, kind=Kind.POINTWISE, rubric_criterion=criterion
    )
    ratings, exclusions = training_ratings(
        results, criteria, rubric, criterion, seed=options.seed, limit=options.limit
    )
    return RatingSet(
        rubric=rubric,
        criterion=criterion,
        model=model,
        ratings=ratings,
        exclusions=exclusions,
        notes=annotator_notes(results, criteria),
    )
