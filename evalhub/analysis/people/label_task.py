"""What annotators of a queue are asked: the guideline, the possible answers, and what must stay hidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from evalhub.errors import InputError
from evalhub.scales import Kind, Level, Winner
from evalhub.specs import CriterionSpec, Rubric
from evalhub.store import LabelQueue, Run, all_runs, read_queue

_MOST_LEVELS = 9
_SHORT_NAME = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Guideline:
    """What annotators are told, and how they may answer.

    Attributes:
        title: The question in short. "" = there is none.
        criterion: What counts, in a sentence.
        instructions: What the judge is told beside that, so that people and judge answer the same question.
        version: Stored with each label. "" = not known.
        has_ties: Whether two responses may be equally good.
        levels: The levels of a rating, the worst first. None for pairs, and where any number of `range` is a
            rating.
        range: The lowest and the highest rating.
    """

    title: str = ""
    criterion: str = ""
    instructions: str = ""
    version: str = ""
    has_ties: bool = True
    levels: tuple[Level, ...] = ()
    range: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class LabelTask:
    """A queue with its guideline.

    Attributes:
        title: The queue's name, if an annotator may read it. It is "" where a system or a judge is named in
            it.
    """

    queue: LabelQueue
    guideline: Guideline
    title: str


def label_task(path: Path, runs: Path) -> LabelTask:
    """Return what the annotators of a queue are asked.

    What the queue says itself counts first. The newest run with its dataset and criterion says the rest.

    Args:
        path: The file of the queue.
        runs: The folder of the runs.

    Raises:
        InputError: The file is no queue, or neither it nor a run says which ratings there are.
    """
    queue = read_queue(path)
    of_dataset = [run for run in all_runs(runs) if queue.dataset in run.manifest.cards]
    guideline = next((text for run in of_dataset if (text := _guideline_of_run(queue, run))), Guideline())
    if not queue.is_pairwise and not guideline.levels and guideline.range is None:
        raise InputError(
            f"no run says which ratings the criterion {queue.criterion} of {queue.dataset} has",
            where=str(path),
            fix="name the folder of its run with --runs",
        )
    names = queue.systems.union(*map(_raters, of_dataset))
    title = "" if names_any(queue.name, names) else queue.name
    return LabelTask(queue, _with_words_of(queue, guideline), title)


def names_any(text: str, names: Iterable[str]) -> bool:
    """Return whether a text holds one of some names. A short name counts only as a whole word.

    >>> names_any("2026-zebrafish2", ["zebrafish"]), names_any("quokka", ["k"]), names_any("a-k", ["k"])
    (True, False, True)
    """
    text = text.casefold()
    words = "".join(sign if sign.isalnum() else " " for sign in text).split()
    return any(
        name in (text if len(name) > _SHORT_NAME else words) for name in (name.casefold() for name in names)
    )


def _raters(run: Run) -> Iterator[str]:
    manifest = run.manifest
    yield from manifest.judges
    yield from manifest.rubrics
    yield from (jury.id for jury in manifest.juries)
    yield from (judge for card in manifest.cards.values() for judge in card.judges)


def _with_words_of(queue: LabelQueue, guideline: Guideline) -> Guideline:
    """Return a guideline with the words of the queue itself, where it has some."""
    unit = queue.units[0]
    if not unit.guideline:
        return guideline
    return Guideline(
        criterion=unit.guideline, version=unit.guideline_version, has_ties=guideline.has_ties,
        levels=guideline.levels, range=guideline.range,
    )  # fmt: skip


def _guideline_of_run(queue: LabelQueue, run: Run) -> Guideline | None:
    """Return what a run says of the criterion of a queue. None = nothing."""
    spec = run.manifest.cards[queue.dataset].criteria.get(queue.criterion)
    if spec is not None and (spec.kind is Kind.PAIRWISE) != queue.is_pairwise:
        return None
    rubric, name = next(_rubrics_about(queue, run), (None, ""))
    if spec is None and rubric is None:
        return None
    version = run.manifest.resolved.datasets.get(queue.dataset)
    words = Guideline(
        title=(spec.title if spec else None) or "",
        version=f"v{version.version}" if version and version.version else "",
    )
    if rubric is not None:
        words = Guideline(
            title=rubric.title or words.title,
            criterion=rubric.criteria[name],
            instructions=rubric.system,
            version=f"v{rubric.version}",
        )
    return _with_answers(words, spec, rubric, name)


def _with_answers(
    words: Guideline, spec: CriterionSpec | None, rubric: Rubric | None, name: str
) -> Guideline:
    """Return a guideline with the possible answers: those of the labels' criterion, else the judge's."""
    has_ties = Winner.TIE in (spec.levels or ()) if spec else bool(rubric and rubric.ties)
    scale = spec.scale if spec else rubric.scale_for(name) if rubric else None
    levels = tuple(level for level in scale.levels if level.applicable) if scale else ()
    bounds = spec.range if spec and not levels else None
    if bounds is not None:
        levels = _whole_levels(*bounds)
        levels = levels if spec is None or spec.higher_is_better else levels[::-1]
    return Guideline(
        title=words.title, criterion=words.criterion, instructions=words.instructions, version=words.version,
        has_ties=has_ties, levels=levels, range=bounds,
    )  # fmt: skip


def _whole_levels(low: float, high: float) -> tuple[Level, ...]:
    """Return the whole numbers of a short range as levels. Nothing where the range is none."""
    if low % 1 or high % 1 or high - low >= _MOST_LEVELS:
        return ()
    return tuple(Level(str(value), float(value), "") for value in range(int(low), int(high) + 1))


def _rubrics_about(queue: LabelQueue, run: Run) -> Iterator[tuple[Rubric, str]]:
    """Yield the rubrics of the judges that are compared with labels of the queue, and their criterion."""
    for judge, fields in run.manifest.rubrics.items():
        try:
            rubric = Rubric.model_validate(fields)
        except ValidationError:
            continue  # another version of evalhub wrote it
        if (rubric.kind is Kind.PAIRWISE) != queue.is_pairwise:
            continue
        planned = run.manifest.label_criteria.get(judge, {}).get(queue.dataset, {})
        for name in rubric.criteria:
            if planned.get(name, name) == queue.criterion:
                yield rubric, name
