"""A linear head on the frozen layers of a model, fitted to pairs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.runner.one_judge.augmented_pairs import augmented_pairs
from evalhub.runner.one_judge.head_features import fit_best, layer_states
from evalhub.runner.one_judge.train_options import LENGTH, TrainOptions
from evalhub.runner.one_judge.training_pairs import PAIRS, pair_requests
from evalhub.runner.one_judge.training_rows import joined_clusters
from evalhub.runner.one_judge.training_set import TrainedJudge, TrainingSet, longer_accuracy
from evalhub.runner.progress import Progress
from evalhub.training import HeadFacts, write_classifier

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.floating[Any]]


def train_head(
    training: TrainingSet, layers: tuple[int, ...], options: TrainOptions, progress: Progress
) -> TrainedJudge:
    """Train a head, and write it as a model folder.

    The layer and the penalty are chosen by cross-validation over clusters.

    Args:
        training: What it learns from.
        layers: The layers to try.
        options: How it is trained.
        progress: Shows how far it is.

    Raises:
        InputError: The labels prefer one side alone.
        ModelError: The model gives no hidden states.
        StorageError: A disk is full.
    """
    import numpy as np

    pairs = training.pairs
    if options.augment:
        pairs = [*pairs, *augmented_pairs(pairs, options.seed)]
    requests = [pair_requests(training.rubric, training.criterion, pair) for pair in pairs]
    states, places, failures = layer_states(requests, training.model, layers, options, progress, PAIRS)
    pairs = [pairs[place] for place in places]
    lengths = np.diff(np.log1p(np.array([pair.chars for pair in pairs])), axis=1)[:, 0]
    fit, scale, selection = fit_best(
        {
            layer: _without(first, second, lengths, options.control)
            for layer, (first, second) in states.items()
        },
        stats.Preferences(np.array([pair.share for pair in pairs])),
        joined_clusters(pairs),
        options,
        in_loss=np.array([pair.augmentation is None for pair in pairs]),
    )
    facts = HeadFacts(
        **training.describe(pairs, options),
        layer=selection.best.layer,
        ridge=selection.best.ridge,
        control=options.control,
        cross_validation=tuple(asdict(candidate) for candidate in selection.candidates),
    )
    is_prompt = not training.rubric.verdict
    # The log-odds of a pair are the mean of its two orders, the second turned round.
    write_classifier(training.model, fit.weights / scale * (2 if is_prompt else 1), facts, options.out)
    return TrainedJudge(
        facts,
        pairs=sum(pair.augmentation is None for pair in pairs),
        accuracy=training.accuracy(selection.predictions.tolist(), pairs),
        longer=longer_accuracy(pairs),
        exclusions=dict(training.exclusions + failures),
    )


def _without(first: Numbers, second: Numbers, lengths: Numbers, control: tuple[str, ...]) -> Numbers:
    """Return the differences of features, orthogonal to what must not move the score.

    That is the mean of all features, so that the score of one prompt alone is centred too. With the control
    of length it is also the direction in which features go along with the length, so that the score and the
    difference in length do not correlate on these pairs.
    """
    import numpy as np

    differences = first - second
    directions = [(first + second).mean(axis=0)]
    if LENGTH in control:
        directions.append(differences.T @ lengths)
    return stats.project_out(differences, np.array(directions))
