"""What a judge learns from, and what it reached, whatever is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from evalhub import stats
from evalhub.models import ResolvedModel
from evalhub.records import prompt_sha256
from evalhub.runner.one_judge.train_options import TrainOptions
from evalhub.runner.one_judge.training_pairs import PAIRS, TrainingPair
from evalhub.runner.one_judge.training_ratings import RATINGS, TrainingRating
from evalhub.runner.one_judge.training_rows import joined_clusters
from evalhub.specs import Rubric
from evalhub.training import RatingHeadFacts, TrainingFacts


@dataclass(frozen=True, slots=True)
class Distance:
    """How far verdicts are from those of a teacher.

    Attributes:
        before: Mean Kullback-Leibler divergence of the base's verdicts from the teacher's, in nats.
        after: The same of the trained judge.
    """

    before: stats.Estimate
    after: stats.Estimate


@dataclass(frozen=True, slots=True)
class TrainedJudge:
    """A judge that was trained on pairs.

    Attributes:
        facts: What it rests on, as it stands in its folder.
        pairs: The number of pairs that it was trained on, without augmented ones.
        accuracy: On pairs of clusters that it did not learn from, in [0, 1].
        longer: The accuracy of the longer response on the same pairs.
        exclusions: The pairs that were left out, by reason.
        base: The accuracy of the base on the same pairs. None where it was not asked.
        teacher: The distance to the teacher on the same pairs. None without a teacher.
    """

    facts: TrainingFacts
    pairs: int
    accuracy: stats.Estimate
    longer: stats.Estimate
    exclusions: Mapping[str, int]
    base: stats.Estimate | None = None
    teacher: Distance | None = None


@dataclass(frozen=True, slots=True)
class RatingSkill:
    """How well levels are told from something, on clusters that were not learned from.

    Attributes:
        correlation: Spearman's, of the expected level with the label, in [-1, 1]. Higher is better.
        error: Mean distance of the most probable level from the label, in levels. Lower is better.
    """

    correlation: stats.Estimate
    error: stats.Estimate


@dataclass(frozen=True, slots=True)
class TrainedRater:
    """A judge that was trained on ratings.

    Attributes:
        facts: What it rests on, as it stands in its folder.
        ratings: The number of ratings that it was trained on.
        skill: On ratings of clusters that it did not learn from.
        length: The same of the length of the response alone.
        commonest: The level with the largest share of the labels.
        commonest_error: Mean distance of this level from the label, in levels.
        exclusions: The ratings that were left out, by reason.
    """

    facts: RatingHeadFacts
    ratings: int
    skill: RatingSkill
    length: RatingSkill
    commonest: str
    commonest_error: stats.Estimate
    exclusions: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingBasis:
    """What a judge learns from, whether pairs or ratings.

    Attributes:
        rubric: The rubric whose prompt it reads.
        criterion: One of its criteria.
        model: The base model.
        exclusions: The pairs or ratings that were left out, by reason.
        notes: What whoever uses the judge has to know of its labels.
        teacher: The run and the judge whose probabilities are learned. None for labels.
        families: Those of the teacher.
        inherited: The prompts of the items that the teacher was trained on.
    """

    rubric: Rubric
    criterion: str
    model: ResolvedModel
    exclusions: Counter[str]
    notes: tuple[str, ...]
    teacher: Mapping[str, str] | None = None
    families: tuple[str, ...] = ()
    inherited: frozenset[str] = frozenset()

    def describe(
        self, examples: Sequence[TrainingPair] | Sequence[TrainingRating], options: TrainOptions
    ) -> dict[str, Any]:
        """Return the fields of the facts that every trained judge has.

        Args:
            examples: The pairs or ratings that it has read.
            options: How it was trained.
        """
        model, rubric = self.model, self.rubric
        packages = ("evalhub-laaj", "torch", "transformers")
        items = model.trained_on | self.inherited | {prompt_sha256(entry.item) for entry in examples}
        return {
            "method": options.method.value,
            "base": model.id,
            "base_hash": model.content_hash,
            "rubric": {"id": rubric.id, "version": rubric.version, "hash": rubric.hash},
            "criterion": self.criterion,
            "seed": options.seed,
            "datasets": _describe_datasets(examples),
            "items": tuple(sorted(items)),
            "versions": {name: metadata.version(name) for name in packages},
            "families": tuple(dict.fromkeys((*model.families, *self.families))),
            "teacher": self.teacher,
            "cutoff": model.cutoff,
            "max_length": model.max_length,
            "notes": self.notes,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingSet(TrainingBasis):
    """What a judge of single responses learns from.

    Attributes:
        ratings: The ratings of dev clusters.
    """

    ratings: list[TrainingRating]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet(TrainingBasis):
    """What a judge of pairs learns from.

    Attributes:
        pairs: The pairs of dev clusters.
    """

    pairs: list[TrainingPair]

    def accuracy(self, log_odds: Sequence[float], pairs: Sequence[TrainingPair]) -> stats.Estimate:
        """Return the share of pairs whose better response the log-odds name.

        Args:
            log_odds: For the first response of each pair.
            pairs: The pairs. Ties and augmented pairs do not count.
        """
        points = [stats.side_share(value, _side(pair)) for value, pair in zip(log_odds, pairs, strict=True)]
        return _mean_of_decided(points, pairs)


def longer_accuracy(pairs: Sequence[TrainingPair]) -> stats.Estimate:
    """Return the share of pairs whose better response is the longer one, without ties and augmented pairs."""
    return _mean_of_decided([_longer_is_right(pair) for pair in pairs], pairs)


def _mean_of_decided(points: Sequence[float], pairs: Sequence[TrainingPair]) -> stats.Estimate:
    places = [place for place, pair in enumerate(pairs) if pair.share != 0.5 and pair.augmentation is None]
    clusters = joined_clusters(pairs)
    return stats.mean_estimate(
        [points[place] for place in places], [clusters[place] for place in places], bounds=(0.0, 1.0)
    )


def _side(pair: TrainingPair) -> float:
    """Return 1 or 0 for the better response of a pair, .5 for a tie."""
    return 0.5 if pair.share == 0.5 else float(pair.share > 0.5)


def _longer_is_right(pair: TrainingPair) -> float:
    first, second = pair.chars
    return 0.5 if first == second else float((first > second) == (pair.share > 0.5))


def _describe_datasets(
    examples: Sequence[TrainingPair] | Sequence[TrainingRating],
) -> dict[str, dict[str, Any]]:
    datasets = {}
    for name in sorted({entry.dataset for entry in examples}):
        of_dataset = [entry for entry in examples if entry.dataset == name]
        datasets[name] = {
            "criterion": of_dataset[0].criterion,
            **_counts(of_dataset),
            "clusters": len({entry.cluster for entry in of_dataset}),
        }
    return datasets


def _counts(examples: Sequence[TrainingPair | TrainingRating]) -> dict[str, Any]:
    pairs = [entry for entry in examples if isinstance(entry, TrainingPair)]
    if not pairs:
        return {RATINGS: len(examples)}
    augmented = Counter(pair.augmentation for pair in pairs if pair.augmentation)
    return {PAIRS: len(pairs) - augmented.total(), "augmented": dict(sorted(augmented.items()))}
