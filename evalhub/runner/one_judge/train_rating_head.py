"""A linear head on the frozen layers of a model, fitted to ratings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.errors import InputError
from evalhub.runner.one_judge.head_features import fit_best, layer_states
from evalhub.runner.one_judge.train_options import LENGTH, TrainOptions
from evalhub.runner.one_judge.training_ratings import RATINGS, TrainingRating, rating_request
from evalhub.runner.one_judge.training_rows import joined_clusters
from evalhub.runner.one_judge.training_set import RatingSet, RatingSkill, TrainedRater
from evalhub.runner.progress import Progress
from evalhub.scales import Scale
from evalhub.specs import Rubric
from evalhub.training import RatingHeadFacts, write_classifier

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.floating[Any]]


def check_rating_options(options: TrainOptions, rubric: Rubric) -> None:
    """Refuse options that only pairs have.

    Raises:
        InputError: Such an option is set.
    """
    if options.teacher is not None:
        raise InputError(
            f"a teacher's probabilities are about pairs, and the rubric {rubric.id} rates single responses",
            where="--teacher",
            value=options.teacher,
            fix="leave it out, or name a pairwise rubric",
        )
    if options.augment:
        raise InputError(
            "augmented responses are worse than another one, and nobody knows their level on the scale of "
            f"the rubric {rubric.id}",
            where="--augment",
            fix="leave it out, or name a pairwise rubric",
        )


def train_rating_head(
    training: RatingSet, layers: tuple[int, ...], options: TrainOptions, progress: Progress
) -> TrainedRater:
    """Train a head with cut points between levels, and write it as a model folder.

    The layer and the penalty are chosen by cross-validation over clusters.

    Args:
        training: What it learns from.
        layers: The layers to try.
        options: How it is trained.
        progress: Shows how far it is.

    Raises:
        InputError: The labels are all of one level.
        ModelError: The model gives no hidden states.
        StorageError: A disk is full.
    """
    import numpy as np

    requests = [(rating_request(training.rubric, training.criterion, rating),) for rating in training.ratings]
    states, places, failures = layer_states(requests, training.model, layers, options, progress, RATINGS)
    ratings = [training.ratings[place] for place in places]
    scale = training.rubric.scale_for(training.criterion) or Scale(())
    levels = [level.name for level in scale.levels if level.applicable]
    positions = np.array([rating.position for rating in ratings])
    shares = stats.level_shares(positions, len(levels))
    lengths = _lengths(ratings)
    clusters = joined_clusters(ratings)
    fit, size, selection = fit_best(
        {layer: _without(rows, lengths, options.control) for layer, (rows,) in states.items()},
        stats.LevelShares(shares),
        clusters,
        options,
    )
    facts = RatingHeadFacts(
        **training.describe(ratings, options),
        layer=selection.best.layer,
        ridge=selection.best.ridge,
        control=options.control,
        cross_validation=tuple(asdict(candidate) for candidate in selection.candidates),
        levels=tuple(levels),
        cut_points=tuple(fit.cut_points.tolist()),
    )
    write_classifier(training.model, fit.weights / size, facts, options.out)
    _, _, by_length = fit_best({0: lengths[:, None]}, stats.LevelShares(shares), clusters, options)
    commonest = int(np.argmax(shares.sum(axis=0)))
    return TrainedRater(
        facts,
        ratings=len(ratings),
        skill=_skill(selection.predictions, ratings, clusters),
        length=_skill(by_length.predictions, ratings, clusters),
        commonest=levels[commonest],
        commonest_error=_error(np.full(len(ratings), commonest), positions, clusters, len(levels)),
        exclusions=dict(training.exclusions + failures),
    )


def _lengths(ratings: Sequence[TrainingRating]) -> Numbers:
    """Return the logarithms of the lengths, minus their mean."""
    import numpy as np

    lengths = np.log1p(np.array([rating.chars for rating in ratings], float))
    return np.asarray(lengths - lengths.mean())


def _without(rows: Numbers, lengths: Numbers, control: tuple[str, ...]) -> Numbers:
    """Return features, orthogonal to what must not move the score.

    That is their mean, so that they and the scores are centred. With the control of length it is also the
    direction in which features go along with the length, so that the score and the length do not correlate on
    these responses.
    """
    import numpy as np

    directions = [rows.mean(axis=0)]
    if LENGTH in control:
        directions.append(rows.T @ lengths)
    return stats.project_out(rows, np.array(directions))


def _skill(logs: Numbers, ratings: Sequence[TrainingRating], clusters: Sequence[str]) -> RatingSkill:
    """Return how well log-probabilities of levels tell the labels."""
    import numpy as np

    positions = np.array([rating.position for rating in ratings])
    (correlation,) = stats.correlate(
        np.exp(logs) @ np.arange(logs.shape[1]),
        positions,
        items=[f"{rating.dataset} {rating.item.item_id}" for rating in ratings],
        systems=[rating.response.system for rating in ratings],
        clusters=clusters,
        granularities=[stats.Granularity.POOLED],
        coefficients=[stats.Coefficient.SPEARMAN],
    )
    error = _error(np.argmax(logs, axis=1), positions, clusters, logs.shape[1])
    return RatingSkill(correlation.estimate, error)


def _error(
    answers: npt.NDArray[np.integer[Any]], positions: Numbers, clusters: Sequence[str], levels: int
) -> stats.Estimate:
    """Return the mean distance of answers from labels, in levels."""
    import numpy as np

    distances = np.abs(answers - positions).tolist()
    return stats.mean_estimate(distances, list(clusters), bounds=(0.0, levels - 1.0))
