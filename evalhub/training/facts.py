"""What a trained judge rests on. It stands as JSON beside the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FORMAT = "evalhub-judge/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingFacts:
    """What every trained judge rests on.

    Attributes:
        method: `head` or `lora`.
        base: The base model's id.
        base_hash: The sha256 of its content.
        rubric: Id, version and hash of the rubric whose prompt the judge reads.
        criterion: The criterion of the rubric.
        seed: Seed of the splits, the folds and the order of pairs.
        datasets: The number of pairs or ratings and of clusters of each dataset, with the criterion of its
            labels.
        items: `prompt_sha256` of the items that it was trained on, sorted.
        versions: Of the packages that made it.
        families: Those of the base and of the teacher, which it may favour.
        teacher: The judge whose probabilities it learned, with its run. None if it learned labels.
        cutoff: Month of the base model's newest training data, YYYY-MM. None where it is unknown.
        max_length: The base model's default length in tokens. None leaves it to the engine.
        notes: What whoever uses the judge has to know.
    """

    method: str
    base: str
    base_hash: str
    rubric: Mapping[str, Any]
    criterion: str
    seed: int
    datasets: Mapping[str, Any]
    items: tuple[str, ...]
    versions: Mapping[str, str]
    families: tuple[str, ...] = ()
    teacher: Mapping[str, str] | None = None
    cutoff: str | None = None
    max_length: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def attempts(self) -> tuple[Mapping[str, Any], ...]:
        """What was tried before it was chosen, a row each."""
        return ()

    @property
    def choice(self) -> dict[str, Any]:
        """What was chosen, or set, for what is trained."""
        return {}

    @property
    def has_learned(self) -> bool:
        """Whether what was trained differs from the base."""
        return True

    @property
    def caution(self) -> str | None:
        """Why the choice is in doubt, as a clause. None where it is not."""
        return None

    def describe(self) -> dict[str, Any]:
        """Return the record as it stands in its file."""
        return {"format": FORMAT, **asdict(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadFacts(TrainingFacts):
    """What a trained head rests on.

    Attributes:
        layer: The layer whose hidden states the head reads.
        ridge: The penalty of its weights.
        control: What was held out of the head, such as `length`.
        cross_validation: What each layer and penalty reached on held-out clusters.
    """

    layer: int
    ridge: float
    control: tuple[str, ...]
    cross_validation: tuple[Mapping[str, Any], ...]

    @property
    def attempts(self) -> tuple[Mapping[str, Any], ...]:
        """The layers and penalties that were tried."""
        return self.cross_validation

    @property
    def choice(self) -> dict[str, Any]:
        """The layer and the penalty."""
        return {"layer": self.layer, "ridge": self.ridge}

    @property
    def caution(self) -> str | None:
        """Whether the best penalty is the outermost that was tried."""
        ridges = {candidate["ridge"] for candidate in self.cross_validation}
        if len(ridges) > 1 and self.ridge == max(ridges):
            return "the largest penalty was the best, so the hidden states say little about these labels"
        if len(ridges) > 1 and self.ridge == min(ridges):
            return "the smallest penalty was the best, so a smaller one may be better still"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingHeadFacts(HeadFacts):
    """What a trained head rests on that rates single responses.

    Attributes:
        levels: The names of the levels, the worst first. A level that is not applicable is none of them.
        cut_points: The rising scores between them, one fewer. The log-odds of at most a level are its cut
            point minus the score of the head.
    """

    levels: tuple[str, ...]
    cut_points: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterFacts(TrainingFacts):
    """What a trained LoRA adapter rests on.

    Attributes:
        rank: The rank of its factors.
        alpha: Their scale: what they add is multiplied by alpha / rank.
        learning_rate: The largest one, after the warm-up.
        validation: What it reached on the validation clusters each time that it was measured.
        validation_items: `prompt_sha256` of their items. They are among `items`, because they chose the step.
    """

    rank: int
    alpha: int
    learning_rate: float
    validation: tuple[Mapping[str, Any], ...]
    validation_items: tuple[str, ...]

    @property
    def attempts(self) -> tuple[Mapping[str, Any], ...]:
        """The looks at the validation clusters."""
        return self.validation

    @property
    def choice(self) -> dict[str, Any]:
        """The rank, and the pairs after which the factors were best."""
        return {"rank": self.rank, "best after pairs": self._best_pairs}

    @property
    def has_learned(self) -> bool:
        """Whether a later look was better than the base, which the first look is."""
        return self._best_pairs > 0

    @property
    def caution(self) -> str | None:
        """Whether the base was better than what was trained."""
        if self.has_learned:
            return None
        return (
            "nothing was learned: on the validation clusters the base beat every later look. Learn from more "
            "pairs, for more epochs, or at another learning rate"
        )

    @property
    def _best_pairs(self) -> int:
        best = min(self.validation, key=lambda look: look["loss"])
        return int(best["pairs"])
