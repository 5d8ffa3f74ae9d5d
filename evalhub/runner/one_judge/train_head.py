"""A linear head on the frozen layers of a model, fitted to pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.errors import InputError, UnknownNameError
from evalhub.models import ResolvedModel, model_settings
from evalhub.records import Request
from evalhub.runner.one_judge.hidden_states import hidden_states
from evalhub.runner.one_judge.train_options import LENGTH, TrainOptions
from evalhub.runner.one_judge.training_pairs import FAILED, TrainingPair, joined_clusters, pair_requests
from evalhub.runner.one_judge.training_set import TrainedJudge, TrainingSet, longer_accuracy
from evalhub.runner.plan.runners import POOLS
from evalhub.runner.progress import Progress
from evalhub.specs import EngineSpec
from evalhub.training import HeadFacts, write_classifier

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.floating[Any]]

RIDGES = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
"""The penalties that are tried, where the differences of features have a mean square length of 1."""

# The default layers, as shares of the model's.
_DEPTHS = (1 / 3, 1 / 2, 2 / 3, 5 / 6, 1)


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
    requests = [pair_requests(training.rubric, training.criterion, pair) for pair in training.pairs]
    states, pairs, failures = _states(training, requests, layers, options, progress)
    fit = _fit(states, pairs, layers, options)
    best = fit.selection.best
    facts = HeadFacts(
        **training.describe(pairs, options),
        layer=best.layer,
        ridge=best.ridge,
        control=options.control,
        cross_validation=tuple(asdict(candidate) for candidate in fit.selection.candidates),
    )
    is_prompt = not training.rubric.verdict
    # The log-odds of a pair are the mean of its two orders, the second turned round.
    write_classifier(training.model, fit.weights * (2 if is_prompt else 1), facts, options.out)
    return TrainedJudge(
        facts,
        pairs=sum(pair.augmentation is None for pair in pairs),
        accuracy=training.accuracy(fit.selection.log_odds.tolist(), pairs),
        longer=longer_accuracy(pairs),
        exclusions=dict(training.exclusions + failures),
    )


def check_head_options(options: TrainOptions) -> None:
    """Refuse a control that a head does not have.

    Raises:
        UnknownNameError: There is no such control.
    """
    for name in options.control:
        if name != LENGTH:
            raise UnknownNameError("control", name, [LENGTH], where="--control")


def choose_layers(layers: tuple[int, ...], model: ResolvedModel) -> tuple[int, ...]:
    """Return the layers to try, from the first of the model to the last."""
    count = model_settings(model.path).get("num_hidden_layers")
    if not isinstance(count, int):
        raise InputError("the model does not say how many layers it has", where=model.id)
    chosen_layers = sorted(set(layers)) or sorted({max(1, round(depth * count)) for depth in _DEPTHS})
    if not 1 <= chosen_layers[0] <= chosen_layers[-1] <= count:
        raise InputError(
            "the model has no such layer", where="--layers", value=layers, allowed=f"1 to {count}"
        )
    return tuple(chosen_layers)


def _states(
    training: TrainingSet,
    requests: Sequence[tuple[Request, Request]],
    layers: tuple[int, ...],
    options: TrainOptions,
    progress: Progress,
) -> tuple[dict[int, tuple[Numbers, Numbers]], list[TrainingPair], Counter[str]]:
    """Return for each layer the hidden states of both prompts of each pair that has them."""
    pairs, model, engine = training.pairs, training.model, options.engine
    if engine.type == POOLS:
        length = {} if options.max_length is None else {"max_length": options.max_length}
        engine = EngineSpec(type=POOLS, **{**length, **engine.settings, "layers": list(layers)})
    width = model_settings(model.path)["hidden_size"]
    rows, failures = hidden_states(
        list(chain.from_iterable(requests)), model, engine, width * len(layers), progress
    )
    failed = {place // 2 for place in failures}
    usable = [place for place in range(len(pairs)) if place not in failed]
    by_layer = {}
    for number, layer in enumerate(layers):
        of_layer = rows[:, number * width : (number + 1) * width]
        by_layer[layer] = (of_layer[0::2][usable], of_layer[1::2][usable])
    return by_layer, [pairs[place] for place in usable], Counter({FAILED: len(failed)} if failed else {})


@dataclass(frozen=True, slots=True)
class _HeadFit:
    weights: Numbers
    selection: stats.RidgeSelection


def _fit(
    states: Mapping[int, tuple[Numbers, Numbers]],
    pairs: Sequence[TrainingPair],
    layers: tuple[int, ...],
    options: TrainOptions,
) -> _HeadFit:
    """Choose a layer and a penalty by cross-validation, then fit to all pairs."""
    import numpy as np

    shares = np.array([pair.share for pair in pairs])
    clusters = joined_clusters(pairs)
    lengths = np.diff(np.log1p(np.array([pair.chars for pair in pairs])), axis=1)[:, 0]
    by_layer, scales = {}, {}
    for layer in layers:
        first, second = states[layer]
        differences = _without(first, second, lengths, options.control)
        scales[layer] = float(np.sqrt(np.mean(np.sum(differences**2, axis=1)))) or 1.0
        by_layer[layer] = differences / scales[layer]
    labelled = np.array([pair.augmentation is None for pair in pairs])
    selection = stats.choose_ridge(by_layer, shares, clusters, RIDGES, seed=options.seed, in_loss=labelled)
    best = selection.best
    fit = stats.fit_preferences(by_layer[best.layer], shares, best.ridge)
    return _HeadFit(fit.weights / scales[best.layer], selection)


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
