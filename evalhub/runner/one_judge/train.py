"""A judge of one's own: a head on the frozen layers of a model, trained on labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.errors import InputError, UnknownNameError
from evalhub.judging import check_rubric
from evalhub.models import ResolvedModel, model_settings
from evalhub.models import resolve as resolve_model
from evalhub.records import Request, prompt_sha256
from evalhub.runner.one_judge.augmented_pairs import augmented_pairs
from evalhub.runner.one_judge.hidden_states import hidden_states
from evalhub.runner.one_judge.training_labels import read_labels
from evalhub.runner.one_judge.training_pairs import (
    FAILED,
    TrainingPair,
    annotator_notes,
    check_trainable,
    joined_clusters,
    pair_requests,
    training_pairs,
)
from evalhub.runner.plan.heads import HEAD
from evalhub.runner.plan.runners import POOLS
from evalhub.runner.progress import Progress, Silent
from evalhub.specs import EngineSpec, Rubric, load_rubric
from evalhub.training import HeadFacts, check_base, write_classifier

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.floating[Any]]

LENGTH = "length"
RIDGES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
"""The penalties that are tried, where the differences of features have a mean square length of 1."""

# The default layers, as shares of the model's.
_DEPTHS = (1 / 3, 1 / 2, 2 / 3, 5 / 6, 1)


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What a judge is trained on, and how.

    Attributes:
        source: Path or id of a suite, or a run. Its datasets hold the labels.
        on: The datasets to learn from, each as `DATASET` or `DATASET:CRITERION`. Empty = all.
        rubric: Path or id of the rubric whose prompt the judge reads.
        model: The base model.
        out: The new folder.
        criterion: One of the rubric's criteria, by default the first.
        layers: The layers to try. Empty = five that are spread over the model.
        control: What is held out of the head: `length`.
        augment: Whether each labelled pair brings one more, of which a response is worse by construction.
        limit: Most pairs of each dataset, drawn with the seed. None for all.
        seed: Seed of the dev clusters, of the folds, and of the draw of pairs.
        engine: The engine that gives the hidden states.
        runs: The folder that holds the runs.
    """

    source: str
    model: str
    out: Path
    on: tuple[str, ...] = ()
    rubric: str = "helpfulness"
    criterion: str | None = None
    layers: tuple[int, ...] = ()
    control: tuple[str, ...] = ()
    augment: bool = False
    limit: int | None = None
    seed: int = 0
    engine: EngineSpec = field(default_factory=lambda: EngineSpec(type=POOLS))
    runs: Path | None = None


@dataclass(frozen=True, slots=True)
class TrainedHead:
    """A trained head.

    Attributes:
        facts: What it rests on, as it stands in its folder.
        pairs: The number of pairs that it was trained on.
        accuracy: On pairs of clusters that a fold left out, in [0, 1].
        longer: The accuracy of the longer response on the same pairs.
        exclusions: The pairs that were left out, by reason.
    """

    facts: HeadFacts
    pairs: int
    accuracy: stats.Estimate
    longer: stats.Estimate
    exclusions: Mapping[str, int]


def train_head(options: TrainOptions, progress: Progress | None = None) -> TrainedHead:
    """Train a head on the frozen layers of a model, and write it as a model folder.

    The layer and the penalty are chosen by cross-validation over the dev clusters. Clusters of the test split
    are never read.

    Args:
        options: What it is trained on, and how.
        progress: Shows how far it is.

    Raises:
        InputError: No label may be learned from, the labels prefer one side alone, or the folder exists.
        UnknownNameError: There is no such suite or run, dataset, criterion, rubric or model.
        ModelError: No head can be put on the model.
        StorageError: A disk is full.
    """
    progress = progress or Silent()
    if options.out.exists():
        raise InputError("the folder exists already", where="--out", value=str(options.out))
    if options.limit is not None and options.limit < 1:
        raise InputError("a limit is at least 1", where="--limit", value=options.limit)
    rubric, criterion = _rubric(options)
    model = resolve_model(options.model, progress=progress.note)
    check_base(model)
    layers = _layers(options.layers, model)
    results, criteria = read_labels(options.source, options.on, options.runs, progress)
    pairs, exclusions = training_pairs(
        results, criteria, rubric.inputs, seed=options.seed, limit=options.limit
    )
    if options.augment:
        pairs = [*pairs, *augmented_pairs(pairs, options.seed)]
    requests = [pair_requests(rubric, criterion, pair) for pair in pairs]
    states, pairs, failures = _states(pairs, requests, model, layers, options, progress)
    exclusions += failures
    fit = _fit(states, pairs, layers, options)
    facts = _facts(options, rubric, criterion, model, pairs, fit, annotator_notes(results, criteria))
    is_prompt = not rubric.verdict
    # The log-odds of a pair are the mean of its two orders, the second turned round.
    write_classifier(model, fit.weights * (2 if is_prompt else 1), facts, options.out)
    accuracy, longer = _accuracies(fit, pairs)
    count = sum(pair.augmentation is None for pair in pairs)
    return TrainedHead(facts, count, accuracy, longer, dict(exclusions))


def _rubric(options: TrainOptions) -> tuple[Rubric, str]:
    rubric = load_rubric(options.rubric, where="--rubric")
    check_rubric(rubric, options.rubric)
    check_trainable(rubric, "--rubric")
    criterion = options.criterion or next(iter(rubric.criteria))
    if criterion not in rubric.criteria:
        raise UnknownNameError("criterion", criterion, rubric.criteria, where="--criterion")
    for name in options.control:
        if name != LENGTH:
            raise UnknownNameError("control", name, [LENGTH], where="--control")
    return rubric, criterion


def _layers(layers: tuple[int, ...], model: ResolvedModel) -> tuple[int, ...]:
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
    pairs: Sequence[TrainingPair],
    requests: Sequence[tuple[Request, Request]],
    model: ResolvedModel,
    layers: tuple[int, ...],
    options: TrainOptions,
    progress: Progress,
) -> tuple[dict[int, tuple[Numbers, Numbers]], list[TrainingPair], Counter[str]]:
    """Return for each layer the hidden states of both prompts of each pair that has them."""
    engine = options.engine
    if engine.type == POOLS:
        engine = EngineSpec(type=POOLS, **{**engine.settings, "layers": list(layers)})
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


def _accuracies(fit: _HeadFit, pairs: Sequence[TrainingPair]) -> tuple[stats.Estimate, stats.Estimate]:
    decided = [place for place, pair in enumerate(pairs) if pair.share != 0.5 and pair.augmentation is None]
    all_clusters = joined_clusters(pairs)
    clusters = [all_clusters[place] for place in decided]
    right = [stats.side_share(float(fit.selection.log_odds[place]), pairs[place].share) for place in decided]
    longer = [_longer_is_right(pairs[place]) for place in decided]
    return (
        stats.mean_estimate(right, clusters, bounds=(0.0, 1.0)),
        stats.mean_estimate(longer, clusters, bounds=(0.0, 1.0)),
    )


def _longer_is_right(pair: TrainingPair) -> float:
    first, second = pair.chars
    return 0.5 if first == second else float((first > second) == (pair.share > 0.5))


def _facts(
    options: TrainOptions,
    rubric: Rubric,
    criterion: str,
    model: ResolvedModel,
    pairs: Sequence[TrainingPair],
    fit: _HeadFit,
    notes: tuple[str, ...],
) -> HeadFacts:
    datasets: dict[str, dict[str, Any]] = {}
    for name in sorted({pair.dataset for pair in pairs}):
        of_dataset = [pair for pair in pairs if pair.dataset == name]
        augmented = Counter(pair.augmentation for pair in of_dataset if pair.augmentation)
        datasets[name] = {
            "criterion": of_dataset[0].criterion,
            "pairs": len(of_dataset) - augmented.total(),
            "augmented": dict(sorted(augmented.items())),
            "clusters": len({pair.cluster for pair in of_dataset}),
        }
    best = fit.selection.best
    return HeadFacts(
        method=HEAD,
        base=model.id,
        base_hash=model.content_hash,
        rubric={"id": rubric.id, "version": rubric.version, "hash": rubric.hash},
        criterion=criterion,
        layer=best.layer,
        ridge=best.ridge,
        seed=options.seed,
        control=options.control,
        datasets=datasets,
        cross_validation=tuple(asdict(candidate) for candidate in fit.selection.candidates),
        items=tuple(sorted(model.trained_on | {prompt_sha256(pair.item) for pair in pairs})),
        versions={name: metadata.version(name) for name in ("evalhub-laaj", "torch", "transformers")},
        cutoff=model.cutoff,
        max_length=model.max_length,
        notes=notes,
    )
