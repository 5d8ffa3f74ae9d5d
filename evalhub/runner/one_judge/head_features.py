"""What heads of every kind are fitted to: the hidden states of some layers, scaled, and the best of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from evalhub import stats
from evalhub.errors import InputError, UnknownNameError
from evalhub.models import ResolvedModel, model_settings
from evalhub.records import Request
from evalhub.runner.one_judge.hidden_states import hidden_states
from evalhub.runner.one_judge.train_options import ADAPTER_OPTIONS, LENGTH, TrainOptions
from evalhub.runner.one_judge.training_rows import FAILED
from evalhub.runner.plan.runners import POOLS
from evalhub.runner.progress import Progress
from evalhub.specs import EngineSpec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.floating[Any]]

RIDGES = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
"""The penalties that are tried, where features have a mean square length of 1."""

# The default layers, as shares of the model's.
_DEPTHS = (1 / 3, 1 / 2, 2 / 3, 5 / 6, 1)

Fit = TypeVar("Fit")


def check_head_options(options: TrainOptions) -> None:
    """Refuse a control that a head does not have, and the options of an adapter.

    Raises:
        UnknownNameError: There is no such control.
        InputError: An option belongs to an adapter.
    """
    for name in ADAPTER_OPTIONS:
        if getattr(options, name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise InputError(
                f"{option} belongs to an adapter", where=option, fix="leave it out, or write --method lora"
            )
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


def layer_states(
    requests: Sequence[tuple[Request, ...]],
    model: ResolvedModel,
    layers: tuple[int, ...],
    options: TrainOptions,
    progress: Progress,
    noun: str,
) -> tuple[dict[int, tuple[Numbers, ...]], list[int], Counter[str]]:
    """Return the hidden states of the prompts of each example.

    Args:
        requests: The prompts of each example, as many for each.
        model: The base model.
        layers: The layers to try.
        options: How the head is trained.
        progress: Shows how far it is.
        noun: What an example is, for the reason of those that are left out.

    Returns:
        For each layer an (n, d) array of each prompt, the places of the n examples all of whose prompts have
        hidden states, and how many have not.

    Raises:
        ModelError: The model gives no hidden states.
        EngineError: The engine gives none.
        StorageError: The cache cannot be written.
    """
    engine, prompts = options.engine or EngineSpec(type=POOLS), len(requests[0])
    if engine.type == POOLS:
        length = {} if options.max_length is None else {"max_length": options.max_length}
        engine = EngineSpec(type=POOLS, **{**length, **engine.settings, "layers": list(layers)})
    width = model_settings(model.path)["hidden_size"]
    rows, failures = hidden_states(
        list(chain.from_iterable(requests)), model, engine, width * len(layers), progress
    )
    failed = {place // prompts for place in failures}
    usable = [place for place in range(len(requests)) if place not in failed]
    by_layer = {}
    for number, layer in enumerate(layers):
        of_layer = rows[:, number * width : (number + 1) * width]
        by_layer[layer] = tuple(of_layer[prompt::prompts][usable] for prompt in range(prompts))
    return by_layer, usable, Counter({FAILED.format(noun): len(failed)} if failed else {})


def fit_best(
    features: Mapping[int, Numbers],
    outcomes: stats.Outcomes[Fit],
    clusters: Sequence[str],
    options: TrainOptions,
    in_loss: npt.NDArray[np.bool_] | None = None,
) -> tuple[Fit, float, stats.RidgeSelection]:
    """Choose a layer and a penalty by cross-validation, then fit to all rows.

    Args:
        features: For each layer (n, d) features.
        outcomes: What the labels of the n rows say.
        clusters: (n,) the cluster of each row.
        options: How the head is trained.
        in_loss: (n,) whether a row counts in the losses. None = all count.

    Returns:
        The fit to features of a mean square length of 1, the length that they had, and the choice.

    Raises:
        InputError: The labels are all alike, or of too few clusters.
    """
    import numpy as np

    scales = {
        layer: float(np.sqrt(np.mean(np.sum(of_layer**2, axis=1)))) or 1.0
        for layer, of_layer in features.items()
    }
    by_layer = {layer: of_layer / scales[layer] for layer, of_layer in features.items()}
    selection = stats.choose_ridge(by_layer, outcomes, clusters, RIDGES, seed=options.seed, in_loss=in_loss)
    best = selection.best
    fit = outcomes.fit(by_layer[best.layer], np.ones(len(clusters), bool), best.ridge)
    return fit, scales[best.layer], selection
