"""The manifest of a run: its plan, the models and versions in use, and the files that hold its records."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from evalhub.errors import InputError, StorageError
from evalhub.files import write_file
from evalhub.specs import CardFacts, Combine, Expectation, Mode, Positions, Suite
from evalhub.specs.base import Spec
from evalhub.store.parts import DecidedPair, MetricFacts, Part

FORMAT = 3
"""The version of the manifest. A change of a key that readers need raises it."""


class State(StrEnum):
    """Whether a run is being written, can be resumed, ended without some answers, or is complete."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"
    SEALED = "sealed"


class DatasetVersion(Spec):
    """The hashes of a dataset's card and files.

    Attributes:
        files: The hash of the card, under `card`, and of each file.
        version: The version that the card states. None = the run does not have the dataset.
    """

    card: str | None = None
    files: dict[str, str] = Field(default_factory=dict)
    version: int | None = None

    @property
    def data_files(self) -> dict[str, str]:
        """The hash of each file apart from the card."""
        return {name: sha256 for name, sha256 in self.files.items() if name != "card"}


class RubricVersion(Spec):
    """The hash of a rubric, and how the levels of its criteria are answered where that is by letters."""

    id: str
    hash: str
    version: int
    answers: dict[str, str] = Field(default_factory=dict)


class TrainingItems(Spec):
    """The number of clusters that a model was trained on, and their hash."""

    items: int
    sha256: str


class ModelFacts(Spec):
    """A model on its engine.

    Attributes:
        families: The model's ancestors and teachers.
        cutoff: Month of its newest training data, YYYY-MM.
        settings: The engine's settings that decide what it answers.
        since: The night since which a server is taken to answer alike. None = since ever.
        moved: The last night on which the model behind a server was seen to have changed.
    """

    model: str
    trained_on: TrainingItems | None = None
    families: tuple[str, ...] = ()
    cutoff: str | None = None
    content_hash: str | None = None
    chat_template_hash: str | None = None
    engine: str | None = None
    engine_version: str | None = None
    device: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    since: str | None = None
    moved: str | None = None


class AttackFacts(Spec):
    """The attacks of a run of attacks.

    Attributes:
        criterion: The judge's criterion that they aim at.
        attacks: The ids of the insertions that try to win.
        controls: The ids of the responses that must not win.
        texts: The hash of all their texts.
    """

    criterion: str
    attacks: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    texts: str = ""


class ResolvedSuite(Spec):
    """Everything that decides the results."""

    suite: Suite
    datasets: dict[str, DatasetVersion] = Field(default_factory=dict)
    rubrics: dict[str, RubricVersion] = Field(default_factory=dict)
    evalhub: str = ""
    models: dict[str, ModelFacts] = Field(default_factory=dict)
    attack: AttackFacts | None = None


class JudgeFacts(Spec):
    """A judge that the run executes.

    Attributes:
        answers: The criteria that are answered by letters.
        opens_thinking: Whether the model's chat template begins each answer with a think tag.
        positions: The orders in which a pair is shown. None if a verdict cannot depend on an order.
    """

    rubric: str
    protocol: str
    model: str
    mode: Mode
    positions: Positions | None
    samples: int
    combine: Combine
    families: tuple[str, ...]
    answers: dict[str, str] = Field(default_factory=dict)
    opens_thinking: bool = False


class JuryFacts(Spec):
    """A jury with its quorum.

    Attributes:
        criteria: For each of its criteria, the criterion of each member.
    """

    id: str
    members: tuple[str, ...]
    combine: Combine
    quorum: int
    criteria: dict[str, dict[str, str]]


class EarlyStopping(Spec):
    """The sequential tests of a run.

    Attributes:
        confidence: That of the order of all systems together, in (0, 1).
        seeds: The seed of each pairwise judge, which decides the order of the items.
        order_sizes: The number of pairs that make up one order, by judge, dataset and criterion.
        pairs: Those that are decided.
    """

    confidence: float
    seeds: dict[str, int]
    order_sizes: dict[str, dict[str, dict[str, int]]]
    pairs: tuple[DecidedPair, ...] = ()

    def pair_confidence(self, dataset: str, judge: str, criterion: str) -> float:
        """Return the confidence level of the test of one pair, so that the whole order has that of the suite.

        Source: Bonferroni: the chances of a false alarm add up.
        """
        return 1 - (1 - self.confidence) / self.order_sizes[judge][dataset][criterion]


class JudgeCounts(Spec):
    """A judge's numbers of planned, finished and valid judgments."""

    expected: int
    judgments: int
    valid: int


class Manifest(Spec):
    """What a run folder says of its run.

    Attributes:
        parts: What the steps that are complete have made.
        suite_hash: The hash of all that decides the results. A run is resumed by a suite of the same hash.
        rubrics: The rubric of each judge as plain values, see `Results.rubric`.
        cards: What the card of each dataset says, apart from files.
        engines: What each engine reported of itself and its work, one entry for each start.
        attack, gold: Only in a run of attacks, and of gold cases.
        part_of: The suite for whose night the run was made, where that is not its own: it calibrates the
            judges, or judges the answers of the baseline anew.
        rejudges: The run whose answers are judged anew.
        trial: Whether only a part of the suite was run. Its numbers are on no trend.
        expected: Each judge's number of planned judgments.
        generations: The number of planned responses.
        exclusions: By judge and dataset, how many judgments were not planned, by reason.
        label_criteria: By judge, dataset and criterion, the criterion of the labels.
        over_budget: The number of planned judgments that the budget leaves out.
        seconds: Of all sessions together.
        coverage: Each judge's counts when the run was sealed.
        stopped_by: The kind of error that stopped the last session.
    """

    format: Literal[3]
    run: str
    suite: str
    created: str
    state: State
    sealed: str | None = None
    parts: tuple[Part, ...]
    suite_hash: str = ""
    suite_file: str = ""
    title: str | None = None
    resolved: ResolvedSuite
    rubrics: dict[str, dict[str, Any]]
    judges: dict[str, JudgeFacts]
    cards: dict[str, CardFacts]
    environment: dict[str, Any] = Field(default_factory=dict)
    engines: tuple[dict[str, Any], ...]
    attack: AttackFacts | None = None
    gold: tuple[Expectation, ...] | None = None
    part_of: str | None = None
    rejudges: str | None = None
    trial: bool = False
    expected: dict[str, int]
    generations: int = 0
    exclusions: dict[str, dict[str, dict[str, int]]]
    label_criteria: dict[str, dict[str, dict[str, str]]]
    juries: tuple[JuryFacts, ...] = ()
    early_stopping: EarlyStopping | None = None
    over_budget: int = 0
    metrics: dict[str, MetricFacts] = Field(default_factory=dict)
    seconds: float = 0.0
    coverage: dict[str, JudgeCounts] = Field(default_factory=dict)
    stopped_by: str | None = None

    def replace(self, **facts: Any) -> Manifest:
        """Return the manifest with other values of some keys. pydantic refuses a value that does not fit."""
        return Manifest.model_validate(
            {**{name: getattr(self, name) for name in Manifest.model_fields}, **facts}
        )


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a run folder.

    Raises:
        InputError: The folder holds no run.
        StorageError: The manifest is damaged, or another version wrote it.
    """
    file = folder / "manifest.json"
    if not file.is_file():
        raise InputError("there is no run in this folder", where=str(folder), fix="`evalhub run` makes one")
    try:
        return Manifest.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise _refusal(file, error) from error


def _refusal(file: Path, error: ValidationError) -> StorageError:
    problem = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in problem["loc"])
    if key == "format" and problem["type"] != "missing":
        return StorageError(
            "another version of evalhub wrote the run",
            where=str(file),
            value=problem["input"],
            allowed=str(FORMAT),
            fix="run the suite again, or read the run with the evalhub that wrote it",
        )
    reason = f"{key}: {problem['msg']}" if key else str(problem["msg"])
    return StorageError("the manifest is damaged", where=str(file), value=reason)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step.

    Raises:
        StorageError: The file cannot be written. The earlier manifest stands.
    """
    text = manifest.model_dump_json(indent=1)
    try:
        write_file(folder / "manifest.json", text.encode("utf-8"))
    except OSError as error:
        raise StorageError(
            f"the manifest cannot be written ({error.strerror})", where=str(folder), fix="free some room"
        ) from error
