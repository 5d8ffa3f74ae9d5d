"""A LoRA adapter that answers a rubric's prompt by its verdict token, fitted to pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from evalhub import stats
from evalhub.engines import Prompts
from evalhub.errors import InputError, Interrupted
from evalhub.models import ResolvedModel, folder_tokenizer
from evalhub.records import Request, RequestKind, digest, prompt_sha256
from evalhub.runner.one_judge.augmented_pairs import augmented_pairs
from evalhub.runner.one_judge.train_options import ADAPTER_OPTIONS, TrainOptions
from evalhub.runner.one_judge.training_pairs import TrainingPair, pair_requests
from evalhub.runner.one_judge.training_rows import joined_clusters
from evalhub.runner.one_judge.training_set import Distance, TrainedJudge, TrainingSet, longer_accuracy
from evalhub.runner.progress import Progress
from evalhub.training import (
    AdapterFacts,
    Look,
    LoraFit,
    LoraOptions,
    PairPrompts,
    check_training_packages,
    fit_lora,
    write_adapter,
)

TOO_LONG = "pairs with a prompt above --max-length"
LONGEST_BY_DEFAULT = 4096

_VALIDATION_PART = 5


def check_adapter_options(options: TrainOptions) -> None:
    """Refuse options that an adapter does not have, and values that cannot be.

    Raises:
        InputError: An option is wrong, or a package is missing.
    """
    check_training_packages()
    for name in ("layers", "control", "engine"):
        if getattr(options, name):
            raise InputError(
                f"--{name} belongs to a head", where=f"--{name}", fix="leave it out, or write --method head"
            )
    if options.rank is not None and not 1 <= options.rank <= 512:
        raise InputError("a rank is a number", where="--rank", value=options.rank, allowed="1 to 512")
    if options.epochs is not None and options.epochs < 1:
        raise InputError("an epoch is read at least once", where="--epochs", value=options.epochs)
    if options.learning_rate is not None and not (0 < options.learning_rate < 1):
        raise InputError(
            "the learning rate is a number between 0 and 1",
            where="--learning-rate",
            value=options.learning_rate,
        )


def train_adapter(training: TrainingSet, options: TrainOptions, progress: Progress) -> TrainedJudge:
    """Train an adapter, and write it beside a merged model.

    A fifth of the clusters is not learned from. The loss there decides when to stop.

    Args:
        training: What it learns from.
        options: How it is trained.
        progress: Shows how far it is.

    Raises:
        InputError: The labels prefer one side alone, or there are too few clusters.
        Interrupted: Ctrl-C. Nothing is kept.
        ModelError: The answers of the rubric are not one token each, or the verdicts are no numbers any more.
        StorageError: A disk is full.
    """
    import numpy as np

    training_pairs, validation_pairs = _split(training.pairs, options.seed)
    if options.augment:
        # What is augmented has no label, so it validates nothing, and no text of a validation pair is in it.
        training_pairs = [*training_pairs, *augmented_pairs(training_pairs, options.seed)]
    reader = _Reader(training, options)
    training_pairs, training_prompts = reader.read(training_pairs)
    validation_pairs, validation_prompts = reader.read(validation_pairs)
    stats.check_sides(np.array([pair.share for pair in training_pairs]))
    lora = _lora_options(options)
    fit = _fit_prompts(training.model, training_prompts, validation_prompts, lora, progress)
    facts = AdapterFacts(
        **training.describe([*training_pairs, *validation_pairs], options),
        rank=lora.rank,
        alpha=lora.alpha,
        learning_rate=lora.learning_rate,
        validation=tuple(asdict(look) for look in fit.looks),
        validation_items=tuple(sorted({prompt_sha256(pair.item) for pair in validation_pairs})),
    )
    write_adapter(training.model, fit.network, facts, options.out)
    return TrainedJudge(
        facts,
        pairs=sum(pair.augmentation is None for pair in training_pairs),
        accuracy=training.accuracy(fit.after, validation_pairs),
        longer=longer_accuracy(validation_pairs),
        exclusions=dict(training.exclusions + reader.exclusions),
        base=training.accuracy(fit.before, validation_pairs),
        teacher=_distance(fit, validation_pairs) if training.teacher else None,
    )


class _Reader:
    """Renders pairs as the model reads them, and leaves out those whose prompts are too long.

    Attributes:
        exclusions: The pairs that were left out, by reason.
    """

    def __init__(self, training: TrainingSet, options: TrainOptions) -> None:
        model = training.model
        tokenizer = folder_tokenizer(model.path)
        if tokenizer is None:
            raise InputError("the model has no tokenizer.json", where=model.id)
        self._training = training
        self._prompts = Prompts(tokenizer)
        self._longest = _longest(model, options.max_length)
        self.exclusions: Counter[str] = Counter()

    def read(self, pairs: Sequence[TrainingPair]) -> tuple[list[TrainingPair], list[PairPrompts]]:
        """Return the pairs whose prompts are short enough, with the tokens of both orders."""
        rubric, criterion = self._training.rubric, self._training.criterion
        short_pairs, pair_prompts = [], []
        for pair in pairs:
            requests = pair_requests(rubric, criterion, pair, RequestKind.GENERATE)
            prompts = _pair_prompts(self._prompts, requests, pair.share)
            if prompts.length <= self._longest:
                short_pairs.append(pair)
                pair_prompts.append(prompts)
        if len(short_pairs) < len(pairs):
            self.exclusions[TOO_LONG] += len(pairs) - len(short_pairs)
        return short_pairs, pair_prompts


def _longest(model: ResolvedModel, max_length: int | None) -> int:
    """Return the tokens of the longest prompt that is read.

    Raises:
        InputError: It is above what the model was made for.
    """
    context = model.context_length
    if max_length is None:
        return min(model.max_length or context or LONGEST_BY_DEFAULT, LONGEST_BY_DEFAULT)
    if context is not None and max_length > context:
        raise InputError(
            "the longest prompt is above what the model was made for",
            where="--max-length",
            value=max_length,
            allowed=f"at most {context}",
        )
    return max_length


def _pair_prompts(prompts: Prompts, requests: tuple[Request, Request], share: float) -> PairPrompts:
    first, second = (prompts.render(request.messages, for_choices=True) for request in requests)
    of_first, of_second = (
        prompts.choice_tokens(prompt, request.choices)
        for prompt, request in zip((first, second), requests, strict=True)
    )
    return PairPrompts(
        (first.tokens, second.tokens),
        ((of_first[0], of_first[1]), (of_second[0], of_second[1])),
        share,
    )


def _split(pairs: Sequence[TrainingPair], seed: int) -> tuple[list[TrainingPair], list[TrainingPair]]:
    """Return the pairs to learn from, and those of the fifth of clusters that validate."""
    clusters = joined_clusters(pairs)
    order = sorted(set(clusters), key=lambda cluster: digest([seed, "validation", cluster]))
    validating_clusters = set(order[: max(1, len(order) // _VALIDATION_PART)])
    training_pairs: list[TrainingPair] = []
    validation_pairs: list[TrainingPair] = []
    for pair, cluster in zip(pairs, clusters, strict=True):
        (validation_pairs if cluster in validating_clusters else training_pairs).append(pair)
    return training_pairs, validation_pairs


def _fit_prompts(
    model: ResolvedModel,
    training_prompts: Sequence[PairPrompts],
    validation: Sequence[PairPrompts],
    lora: LoraOptions,
    progress: Progress,
) -> LoraFit:
    progress.stage("training", len(training_prompts) * lora.epochs)

    def show(look: Look) -> None:
        accuracy = "" if look.accuracy is None else f", accuracy {look.accuracy:.3f}"
        progress.note(f"after {look.pairs} pairs: loss {look.loss:.4f} on validation clusters{accuracy}")

    try:
        return fit_lora(
            model,
            training_prompts,
            validation,
            lora,
            lambda count: progress.advance(steps=count),
            show,
        )
    except KeyboardInterrupt as error:
        raise Interrupted("the training was stopped, and nothing of it is kept") from error


def _lora_options(options: TrainOptions) -> LoraOptions:
    named_options = {name: getattr(options, name) for name in ADAPTER_OPTIONS}
    return LoraOptions(
        seed=options.seed, **{name: value for name, value in named_options.items() if value is not None}
    )


def _distance(fit: LoraFit, pairs: Sequence[TrainingPair]) -> Distance:
    """Return the distance of the verdicts to the teacher's, before and after."""
    import numpy as np

    clusters = joined_clusters(pairs)
    shares = np.array([pair.share for pair in pairs])
    before, after = (
        stats.mean_estimate(stats.divergences(np.array(log_odds), shares).tolist(), clusters)
        for log_odds in (fit.before, fit.after)
    )
    return Distance(before, after)
