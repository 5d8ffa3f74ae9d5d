"""LoRA: small factors beside frozen weights learn the verdict token of a judge's prompt.

The loss is the cross-entropy of the verdict token alone, in both orders of each pair. The targets are labels,
or the probabilities of a teacher.

Source: Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, ICLR 2022; Hinton, Vinyals and Dean,
Distilling the Knowledge in a Neural Network, 2015.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from random import Random
from typing import TYPE_CHECKING, Any

from evalhub.errors import InputError, ModelError
from evalhub.models import ResolvedModel, hide_broken_media
from evalhub.stats import mean_loss, side_share

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_BATCH_TOKENS = 2_048
_WARM_UP = 0.1
_CLIP = 1.0
# What plain LoRA is put on: every linear layer but the head.
_TARGETS = "all-linear"


@dataclass(frozen=True, slots=True)
class PairPrompts:
    """A pair as the model reads it, in both orders.

    Attributes:
        prompts: The tokens of the two prompts, the first response shown first and second.
        choices: For each prompt the tokens by which an answer names the response shown first and second.
        share: The preference for the first response, in [0, 1].
    """

    prompts: tuple[tuple[int, ...], tuple[int, ...]]
    choices: tuple[tuple[int, int], tuple[int, int]]
    share: float

    @property
    def length(self) -> int:
        """The tokens of the longer prompt."""
        return max(len(prompt) for prompt in self.prompts)


@dataclass(frozen=True, slots=True)
class LoraOptions:
    """How factors are fitted.

    Attributes:
        rank: The rank of the factors.
        epochs: How often each pair is read at most.
        learning_rate: The largest one. It rises over the first tenth of all steps, then falls to 0.
        batch: Pairs in a step.
        looks: How often the validation pairs are read in each epoch.
        patience: Looks without a lower loss after which training stops.
        seed: Seed of the factors and of the order of pairs.
    """

    rank: int = 16
    epochs: int = 2
    learning_rate: float = 2e-4
    batch: int = 8
    looks: int = 4
    patience: int = 6
    seed: int = 0

    @property
    def alpha(self) -> int:
        """The scale of the factors."""
        return 2 * self.rank


@dataclass(frozen=True, slots=True)
class Look:
    """What the factors reach on the validation pairs.

    Attributes:
        pairs: Pairs that were learned from by then, repeated ones included.
        loss: Mean log loss of the verdicts of both orders together, in nats. Lower is better.
        accuracy: Share of the pairs without a tie whose better response is named. None without such pairs.
        training_loss: Mean loss on the pairs learned from since the last look. None before the first step.
    """

    pairs: int
    loss: float
    accuracy: float | None
    training_loss: float | None = None


@dataclass(slots=True)
class LoraFit:
    """Fitted factors.

    Attributes:
        looks: Every look, the first one before any step.
        best: The place of the best look, whose factors are kept.
        before: The log-odds of the validation pairs without the factors.
        after: The same with the factors.
        network: The model with the factors of the best look, as peft has it.
    """

    looks: list[Look] = field(default_factory=list)
    best: int = 0
    before: tuple[float, ...] = ()
    after: tuple[float, ...] = ()
    network: Any = None


def check_training_packages() -> None:
    """Refuse to train where a package is missing.

    Raises:
        InputError: peft is not installed.
    """
    for name in ("torch", "peft"):
        if find_spec(name) is None:
            raise InputError(
                f"{name} is not installed",
                where="--method",
                value="lora",
                fix="pip install 'evalhub-laaj[cpu,train]'",
            )


def fit_lora(
    model: ResolvedModel,
    pairs: Sequence[PairPrompts],
    validation: Sequence[PairPrompts],
    options: LoraOptions,
    advance: Callable[[int], None] = lambda _: None,
    show: Callable[[Look], None] = lambda _: None,
) -> LoraFit:
    """Fit the factors of an adapter, and keep those of the lowest loss on the validation pairs.

    Args:
        model: The base model. Its weights stay as they are.
        pairs: What is learned from.
        validation: Pairs of other clusters, which decide when to stop.
        options: How the factors are fitted.
        advance: Called with the number of further pairs.
        show: Called with every look.

    Raises:
        InputError: There is no pair to learn from or to validate on.
        ModelError: The verdicts are no numbers any more.
    """
    if not pairs or not validation:
        raise InputError(
            "a judge is trained on pairs of some clusters and validated on those of others",
            value=f"{len(pairs)} and {len(validation)} pairs",
            fix="label more clusters",
        )
    network = _with_factors(model, options)
    fit = LoraFit(network=network)
    fit.before = tuple(_log_odds(network, validation))
    _add_look(fit, _look(fit.before, validation, 0, None), show)
    best, fit.after = _factors_of(network), fit.before
    for pair_count, loss in _steps(network, pairs, options, advance):
        log_odds = tuple(_log_odds(network, validation))
        _add_look(fit, _look(log_odds, validation, pair_count, loss), show)
        if fit.best == len(fit.looks) - 1:
            best, fit.after = _factors_of(network), log_odds
        elif len(fit.looks) - 1 - fit.best >= options.patience:
            break
    _restore(network, best)
    return fit


def _add_look(fit: LoraFit, look: Look, show: Callable[[Look], None]) -> None:
    fit.looks.append(look)
    if look.loss < fit.looks[fit.best].loss:
        fit.best = len(fit.looks) - 1
    show(look)


def _with_factors(model: ResolvedModel, options: LoraOptions) -> Any:
    """Load a model with new factors, which change nothing yet."""
    hide_broken_media()
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    torch.manual_seed(options.seed)
    network = AutoModelForCausalLM.from_pretrained(model.path, dtype=torch.bfloat16)
    network.to("cuda" if torch.cuda.is_available() else "cpu")
    config = LoraConfig(
        r=options.rank, lora_alpha=options.alpha, target_modules=_TARGETS, task_type="CAUSAL_LM"
    )
    return get_peft_model(network, config)


def _steps(
    network: Any, pairs: Sequence[PairPrompts], options: LoraOptions, advance: Callable[[int], None]
) -> Iterator[tuple[int, float]]:
    """Yield before each look how many pairs were learned from, and the mean loss since the last one."""
    import torch

    factors = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(factors, lr=options.learning_rate, weight_decay=0.0)
    batches = math.ceil(len(pairs) / options.batch)
    total = batches * options.epochs
    spacing = max(1, batches // options.looks)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, total))
    step, pair_count, losses = 0, 0, []
    for epoch in range(options.epochs):
        for batch in _shuffled(pairs, options, epoch):
            network.train()
            losses.append(_learn(network, batch))
            torch.nn.utils.clip_grad_norm_(factors, _CLIP)
            optimizer.step()
            rate.step()
            optimizer.zero_grad()
            step, pair_count = step + 1, pair_count + len(batch)
            advance(len(batch))
            if step % spacing == 0 or step == total:
                yield pair_count, sum(losses) / len(losses)
                losses.clear()


def _rate(step: int, total: int) -> float:
    """Return the learning rate of a step as a share of the largest one."""
    warm_up = max(1, round(_WARM_UP * total))
    if step < warm_up:
        return (step + 1) / warm_up
    return max(0.0, (total - step) / max(1, total - warm_up))


def _shuffled(pairs: Sequence[PairPrompts], options: LoraOptions, epoch: int) -> list[list[PairPrompts]]:
    """Return the batches of an epoch."""
    order = list(pairs)
    Random(f"{options.seed} {epoch}").shuffle(order)
    return [order[start : start + options.batch] for start in range(0, len(order), options.batch)]


def _learn(network: Any, batch: Sequence[PairPrompts]) -> float:
    """Add the gradients of a batch, a few prompts at a time, and return its mean loss."""
    total = 0.0
    for group in _groups(batch):
        loss = _loss(network, group).sum() / len(batch)
        loss.backward()
        total += loss.item()
    return total


def _loss(network: Any, pairs: Sequence[PairPrompts]) -> Tensor:
    """Return (n,) cross-entropy of the verdict token, the mean of both orders, in nats."""
    import torch

    logprobs = _choice_logprobs(network, pairs)
    shares = torch.tensor([pair.share for pair in pairs], device=logprobs.device)
    targets = torch.stack([shares, 1 - shares], dim=-1)
    return -(targets[:, None, :] * logprobs).sum(dim=-1).mean(dim=-1)


def _log_odds(network: Any, pairs: Sequence[PairPrompts]) -> list[float]:
    """Return the log-odds for the first response of each pair, the mean of both orders."""
    import torch

    network.eval()
    by_place: dict[int, float] = {}
    places = sorted(range(len(pairs)), key=lambda place: pairs[place].length)
    for group in _groups(places, lambda place: pairs[place].length):
        with torch.no_grad():
            logprobs = _choice_logprobs(network, [pairs[place] for place in group])
        log_odds = (logprobs[..., 0] - logprobs[..., 1]).mean(dim=-1).tolist()
        by_place |= dict(zip(group, log_odds, strict=True))
    return [by_place[place] for place in range(len(pairs))]


def _choice_logprobs(network: Any, pairs: Sequence[PairPrompts]) -> Tensor:
    """Return (n, 2, 2) log-probabilities: of each pair, in each order, that the first or second is better."""
    import torch

    prompts = [prompt for pair in pairs for prompt in pair.prompts]
    width = max(len(prompt) for prompt in prompts)
    tokens = torch.zeros((len(prompts), width), dtype=torch.long)
    mask = torch.zeros_like(tokens)
    for row, prompt in enumerate(prompts):
        # Padding stands at the left, so that the last token of each prompt is at the same place.
        tokens[row, width - len(prompt) :] = torch.tensor(prompt)
        mask[row, width - len(prompt) :] = 1
    device: torch.device = network.device
    tokens, mask = tokens.to(device), mask.to(device)
    logits = network(
        input_ids=tokens,
        attention_mask=mask,
        position_ids=(mask.cumsum(dim=-1) - 1).clamp(min=0),
        logits_to_keep=1,
        use_cache=False,
    ).logits[:, -1]
    logprobs = torch.log_softmax(logits.float(), dim=-1)
    # In the second order the first response of the pair is the one shown second.
    choices = [(pair.choices[0], pair.choices[1][::-1]) for pair in pairs]
    places = torch.tensor(choices, device=device).reshape(len(prompts), 2)
    return logprobs.gather(1, places).reshape(len(pairs), 2, 2)


def _groups(
    entries: Sequence[Any], length: Callable[[Any], int] = lambda pair: pair.length
) -> Iterator[list[Any]]:
    """Yield entries in their order, so many that their padded prompts fit into one pass."""
    group: list[Any] = []
    width = 0
    for entry in entries:
        width = max(width, length(entry))
        if group and 2 * (len(group) + 1) * width > _BATCH_TOKENS:
            yield group
            group, width = [], length(entry)
        group.append(entry)
    if group:
        yield group


def _look(
    log_odds: Sequence[float], pairs: Sequence[PairPrompts], pair_count: int, training_loss: float | None
) -> Look:
    import numpy as np

    if not all(map(math.isfinite, log_odds)):
        raise ModelError("the verdicts are no numbers any more", fix="choose a lower learning rate")
    shares = [pair.share for pair in pairs]
    points = [side_share(value, share) for value, share in zip(log_odds, shares, strict=True) if share != 0.5]
    accuracy = sum(points) / len(points) if points else None
    return Look(pair_count, mean_loss(np.array(log_odds), np.array(shares)), accuracy, training_loss)


def _factors_of(network: Any) -> dict[str, Tensor]:
    return {
        name: parameter.detach().clone()
        for name, parameter in network.named_parameters()
        if parameter.requires_grad
    }


def _restore(network: Any, factors: dict[str, Tensor]) -> None:
    import torch

    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name in factors:
                parameter.copy_(factors[name])
