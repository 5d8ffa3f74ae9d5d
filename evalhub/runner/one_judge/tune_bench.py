"""Where variants of a rubric are judged: the labelled clusters of a split, in one random order for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from evalhub.errors import InputError, LittleCoverage, SpecError
from evalhub.judging import find_protocol
from evalhub.records import prompt_sha256
from evalhub.runner.one_judge.options import JudgeOptions
from evalhub.runner.one_judge.training_labels import (
    check_names,
    criteria_of_labels,
    read_names,
    suite_or_run,
)
from evalhub.runner.one_judge.training_rows import Clustered
from evalhub.runner.one_judge.tune_variants import Origin, Variant
from evalhub.runner.plan.datasets import ordered_clusters
from evalhub.runner.plan.links import label_criterion
from evalhub.runner.plan.prepared import prepare_resolved
from evalhub.runner.plan.resolve import Resolved, resolve
from evalhub.runner.progress import Progress
from evalhub.runner.run import carry_out
from evalhub.scales import Kind
from evalhub.specs import (
    CardFacts,
    Controls,
    CrossFamily,
    DatasetUse,
    JudgeUse,
    Pairs,
    Rubric,
    Suite,
)
from evalhub.store import Run, all_runs, runs_root

DATASET_OPTION = "--dataset"


@dataclass(frozen=True, slots=True)
class Bench:
    """The datasets with the labels, and the judge whose rubric varies.

    Attributes:
        options: The judge.
        rubric: The rubric as it is.
        criterion: One of its criteria.
        uses: The datasets, as the suite uses them.
        path: The suite's file.
        seed: Seed of the draw of splits, and of the order of clusters.
        labels: The criterion of the labels by dataset, as tables name it.
        links: The criterion of the labels of the rubric's criterion, where its name does not say it.
    """

    options: JudgeOptions
    rubric: Rubric
    criterion: str
    uses: tuple[DatasetUse, ...]
    path: Path
    seed: int
    labels: Mapping[str, str]
    links: Mapping[str, str]

    @property
    def root(self) -> Path:
        """The folder of the runs."""
        return runs_root(self.options.runs)

    def suite_name(self, kind: str) -> str:
        """Return the name of a suite, by which its runs are found again."""
        return f"tune-{kind}-{self.rubric.id.replace('/', '-')}"

    def resolve(
        self,
        variants: Sequence[Variant],
        split: str,
        progress: Progress,
        clusters: Sequence[int] | None = None,
    ) -> Resolved:
        """Return the suite in which each variant judges the same clusters of a split.

        Args:
            variants: Those that judge.
            split: `dev` or `test`.
            progress: Shows what is fetched.
            clusters: The number of clusters of each dataset. None for all that the suite takes.

        Raises:
            EvalhubError: A dataset or the model does not exist, or does not fit the rubric.
        """
        numbers: Sequence[int | None] = clusters or [None] * len(self.uses)
        suite = Suite(
            suite=self.suite_name(split),
            title=f"Variants of {self.rubric.id} by {self.options.model} on {split} clusters",
            datasets=tuple(
                use.model_copy(update={"split": split, "seed": self.seed, "clusters": number or use.clusters})
                for use, number in zip(self.uses, numbers, strict=True)
            ),
            judges=tuple(map(self._judge, variants)),
            controls=Controls(cross_family=CrossFamily.ALLOW),
        )
        rubrics = {self._name_of(variant): variant.rubric for variant in variants if variant.rubric}
        return resolve(suite, self.path, progress, model_place="--model", rubrics=rubrics)

    def judge(
        self, variants: Sequence[Variant], split: str, progress: Progress, clusters: Sequence[int] | None
    ) -> Run:
        """Judge with variants, or resume the newest unfinished run of them. See `resolve`.

        Raises:
            Interrupted: Ctrl-C. The same call resumes the run.
            EngineError: The engine cannot start, or died too often.
        """
        resolved = self.resolve(variants, split, progress, clusters)
        try:
            return carry_out(prepare_resolved(resolved, all_runs(self.root)), self.root, progress)
        except LittleCoverage:
            # A variant without any verdict is a finding about the variant. The run is sealed all the same.
            suite_hash = resolved.hash
            return next(run for run in all_runs(self.root) if run.manifest.suite_hash == suite_hash)

    def survey(self, original: Variant, split: str, progress: Progress) -> Survey:
        """Return what one variant judges on the clusters of a split, without judging.

        Raises:
            SpecError: There is nothing to judge.
        """
        resolved = self.resolve([original], split, progress)
        planned = prepare_resolved(resolved, ()).plan
        counts: dict[str, Counter[str]] = {}
        prompts: set[str] = set()
        names: set[tuple[str, str]] = set()
        orders = []
        for dataset in resolved.datasets:
            clusters = {item.item_id: item.cluster for item in dataset.items}
            prompts |= {prompt_sha256(item) for item in dataset.items}
            names |= {(dataset.id, cluster) for cluster in clusters.values()}
            counts[dataset.id] = Counter()
            for group in planned.tasks[original.id].on(dataset.id).groups:
                counts[dataset.id][clusters[group.item_id]] += group.judgments
            order = ordered_clusters(set(clusters.values()), dataset.id, self.seed)
            orders.append(tuple(counts[dataset.id][cluster] for cluster in order))
        return Survey(tuple(orders), frozenset(prompts), frozenset(names))

    def _judge(self, variant: Variant) -> JudgeUse:
        total = find_protocol(self.rubric.protocol).total
        settings = {
            **self.options.settings,
            **({} if total else {"criteria": (self.criterion,)}),
            "id": variant.id,
            "rubric": self._name_of(variant),
            "model": self.options.model,
            "engine": self.options.engine,
            "mode": self.options.mode,
            "pairs": Pairs(by="labelled"),
            "label_criteria": dict(self.links),
        }
        return JudgeUse(**settings)

    def _name_of(self, variant: Variant) -> str:
        is_original = variant.origin is Origin.ORIGINAL or variant.rubric is None
        return self.options.rubric if is_original else str(variant.rubric and variant.rubric.id)


@dataclass(frozen=True, slots=True)
class Survey:
    """What one variant judges on a split.

    Attributes:
        judgments: For each dataset the number of judgments on each cluster, in the random order.
        prompts: The hashes of the items' prompts.
        names: The dataset and the name of each cluster.
    """

    judgments: tuple[tuple[int, ...], ...]
    prompts: frozenset[str]
    names: frozenset[tuple[str, str]]

    def has(self, pair: Clustered) -> bool:
        """Return whether the cluster of a pair, or the prompt of its item, is here."""
        return (pair.dataset, pair.cluster) in self.names or prompt_sha256(pair.item) in self.prompts

    @property
    def most_clusters(self) -> int:
        """The number of clusters with judgments of the dataset that has most of them."""
        return max(sum(count > 0 for count in counts) for counts in self.judgments)

    def clusters(self, judged: int) -> list[int]:
        """Return how many clusters of each dataset to take for a share of its clusters with judgments.

        Each dataset has the same share at every size, so that the datasets weigh in a part as in the whole.

        Args:
            judged: The clusters with judgments of the dataset that has most of them. They are the share.
        """
        sizes = [sum(count > 0 for count in counts) for counts in self.judgments]
        shares = [max(1, ceil(judged * size / max(sizes))) if size else 1 for size in sizes]
        return [_place_of(counts, share) for counts, share in zip(self.judgments, shares, strict=True)]

    def cost(self, judged: int | None = None) -> int:
        """Return the number of judgments on a share of the clusters, or on all. See `clusters`."""
        if judged is None:
            return sum(map(sum, self.judgments))
        places = self.clusters(judged)
        return sum(sum(counts[:place]) for counts, place in zip(self.judgments, places, strict=True))


def _place_of(counts: Sequence[int], judged: int) -> int:
    """Return the length of the shortest beginning with so many counts above 0, or that of all."""
    places = [place for place, count in enumerate(counts, 1) if count]
    return places[judged - 1] if judged <= len(places) else len(counts)


def open_bench(
    options: JudgeOptions,
    rubric: Rubric,
    criterion: str,
    source: str,
    on: tuple[str, ...],
    seed: int,
    progress: Progress,
) -> Bench:
    """Return the datasets with the labels of a suite or a run.

    Args:
        options: The judge.
        rubric: The rubric as it is.
        criterion: One of its criteria.
        source: Path or id of a suite, or a run.
        on: The datasets to take, each as `DATASET` or `DATASET:CRITERION`. Empty = all.
        seed: Seed of the draw of splits, and of the order of clusters.
        progress: Shows how far it is.

    Raises:
        UnknownNameError: There is no such suite or run, or no such dataset in it.
        SpecError: A dataset has no dev clusters, or the labels have criteria of several names.
        InputError: A dataset is named twice, or none has labels of pairs.
    """
    names = read_names(on, DATASET_OPTION)
    suite_source = suite_or_run(source, options.runs)
    if isinstance(suite_source, Run):
        manifest = suite_source.manifest
        suite, path = manifest.resolved.suite, Path(manifest.suite_file)
    else:
        suite, path = suite_source
    check_names(names, [use.id for use in suite.datasets], DATASET_OPTION)
    uses = tuple(use for use in suite.datasets if not names or use.id in names)
    data = Bench(options, rubric, criterion, uses, path, seed, {}, {}).resolve([], "dev", progress)
    ids = {use.id: dataset.id for use, dataset in zip(uses, data.datasets, strict=True)}
    names = {ids[name]: label for name, label in names.items()}
    cards = {dataset.id: dataset.card for dataset in data.datasets}
    labels = criteria_of_labels(cards, names, progress, DATASET_OPTION, criterion)
    if not labels:
        raise InputError("no dataset has labels of pairs", where="--on", value=source)
    uses = tuple(use for use in uses if ids[use.id] in labels)
    links = _links(criterion, labels, cards)
    return Bench(options, rubric, criterion, uses, path, seed, labels, links)


def _links(criterion: str, labels: Mapping[str, str], cards: Mapping[str, CardFacts]) -> dict[str, str]:
    """Return the link from the rubric's criterion to those of the labels, empty where its name finds them."""
    by_name = {dataset: label_criterion(cards[dataset], criterion, Kind.PAIRWISE, {}) for dataset in labels}
    if by_name == labels:
        return {}
    if len(set(labels.values())) > 1:
        raise SpecError(
            "one criterion of the rubric cannot be held against labels of several names",
            where=DATASET_OPTION,
            value=", ".join(f"{dataset}:{name}" for dataset, name in labels.items()),
            fix="tune on one of these datasets at a time",
        )
    return {criterion: next(iter(labels.values()))}
