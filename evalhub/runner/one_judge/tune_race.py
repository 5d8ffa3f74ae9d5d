"""The race of variants on dev clusters: rounds of twice as many clusters, and the worse ones stop early."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalhub import stats
from evalhub.analysis.frames.splits import DEV
from evalhub.errors import InputError
from evalhub.runner.one_judge.training_rows import joined_clusters
from evalhub.runner.one_judge.tune_bench import Bench, Survey
from evalhub.runner.one_judge.tune_pairs import Accuracy, JudgedPair, PairKey, measure, read_pairs
from evalhub.runner.one_judge.tune_variants import Origin, Variant
from evalhub.runner.progress import Progress

FEWEST_CLUSTERS = 2
"""The fewest clusters of the largest dataset on which variants are compared."""


@dataclass(frozen=True, slots=True)
class RaceRules:
    """How far a race goes.

    Attributes:
        first: Clusters of the largest dataset in the first round.
        budget: Most judgments, those of all variants together. None for no limit.
        writes: Whether a model writes variants from the first clusters, which then do not count.
    """

    first: int
    budget: int | None
    writes: bool = False

    def affordable(self, survey: Survey, racing: int, spending: int, clusters: int) -> int:
        """Return how many of so many clusters the budget pays for.

        Args:
            survey: What one variant judges.
            racing: The number of variants that judge.
            spending: The judgments of variants that have stopped.
            clusters: The clusters of the largest dataset that are asked for.
        """
        clusters = min(clusters, survey.most_clusters)
        if self.budget is None:
            return clusters
        return bisect_right(
            range(1, clusters + 1), self.budget - spending, key=lambda count: racing * survey.cost(count)
        )

    def writing_clusters(self, survey: Survey, starters: int) -> int:
        """Return how many clusters a writer reads: at most half of what can be paid for all variants."""
        return min(self.first, self.affordable(survey, starters, 0, survey.most_clusters) // 2)

    def check(self, survey: Survey, starters: int) -> None:
        """Refuse labels and a budget that allow no comparison.

        Raises:
            InputError: There are too few clusters for a writer and a race, or the budget does not pay for
                the fewest.
        """
        fewest = min(FEWEST_CLUSTERS, survey.most_clusters)
        if self.writes:
            fewest = 2 * FEWEST_CLUSTERS
            if survey.most_clusters < fewest:
                raise InputError(
                    "a model writes from some dev clusters, and the variants are compared on others",
                    where="--writer",
                    value=f"{survey.most_clusters} dev clusters",
                    allowed=f"{fewest} or more",
                    fix="label more items",
                )
        if self.affordable(survey, starters, 0, fewest) < fewest:
            raise InputError(
                f"the budget does not pay for {fewest} clusters of a dataset and {starters} variants",
                where="--budget",
                value=self.budget,
                allowed=f"{starters * survey.cost(fewest)} judgments or more",
            )


@dataclass(frozen=True, slots=True)
class Reading:
    """What a writer of variants has read.

    Attributes:
        clusters: The clusters of the largest dataset among it.
        pairs: The keys of all labelled pairs of these clusters, shown to it or not. Those that were shown are
            the ones on which the rubric as it is was wrong, so to leave out these alone would favour it.
    """

    clusters: int
    pairs: frozenset[PairKey]


@dataclass(frozen=True, slots=True)
class Race:
    """The end of a race.

    Attributes:
        winner: The variant with the best accuracy of those that did not stop. The original where it is level.
        accuracies: By variant, on the pairs that it judged.
        stops: By variant that stopped early, after how many clusters.
        rounds: The clusters of the largest dataset in each round.
        judgments: Of all variants together.
        end: Why it ended.
        runs: The ids of its runs.
        read_clusters: The clusters of the largest dataset that a writer read, which do not count.
    """

    winner: str
    accuracies: Mapping[str, Accuracy]
    stops: Mapping[str, int]
    rounds: tuple[int, ...]
    judgments: int
    end: str
    runs: tuple[str, ...]
    read_clusters: int = 0


def run_race(
    bench: Bench,
    survey: Survey,
    variants: Sequence[Variant],
    rules: RaceRules,
    progress: Progress,
    written_from: Reading | None = None,
) -> Race:
    """Judge with variants in rounds until a single one is left, or the clusters or the budget are at an end.

    The same call goes on where it was stopped, since each round is a run and judges nothing twice.

    Args:
        bench: Where they judge.
        survey: What one variant judges on dev clusters.
        variants: The original first.
        rules: How far it goes.
        progress: Shows how far it is.
        written_from: What a writer of variants has read. It is judged, and does not count.

    Raises:
        InputError: No label counts.
        Interrupted: Ctrl-C.
    """
    racing = list(variants)
    pairs_of: dict[str, list[JudgedPair]] = {}
    stops: dict[str, int] = {}
    rounds: list[int] = []
    runs: list[str] = []
    read_before = written_from.clusters if written_from else 0
    spending, size, end = 0, read_before + rules.first, ""
    while not end:
        clusters = rules.affordable(survey, len(racing), spending, size)
        if rounds and clusters <= rounds[-1]:
            end = "the budget is spent"
            break
        progress.note(
            f"round {len(rounds) + 1}: {len(racing)} variants, {clusters} clusters of the largest dataset"
        )
        run = bench.judge(racing, DEV, progress, survey.clusters(clusters))
        pairs = _without(read_pairs(run, bench), written_from)
        if not pairs:
            raise InputError(
                "no label of the dev clusters counts",
                where="--on",
                fix="name a dataset with labels of people that are no ties, or a rubric with ties",
            )
        runs.append(run.id)
        rounds.append(clusters)
        pairs_of |= {variant.id: pairs for variant in racing}
        look = _look(pairs, racing, len(variants))
        leader = racing[look.leader]
        clusters_judged = len(set(joined_clusters(pairs)))
        dropped = {variant.id for variant, drop in zip(racing, look.dropped, strict=True) if drop}
        stops |= dict.fromkeys(dropped, clusters_judged)
        spending += len(dropped) * survey.cost(clusters)
        racing = [variant for variant in racing if variant.id not in dropped]
        end = _end_of(racing, clusters, size, survey)
        size *= 2
    return Race(
        winner=leader.id,
        accuracies=_accuracies(variants, pairs_of),
        stops=stops,
        rounds=tuple(rounds),
        judgments=spending + len(racing) * survey.cost(rounds[-1]),
        end=end,
        runs=tuple(runs),
        read_clusters=read_before,
    )


def _without(pairs: Sequence[JudgedPair], reading: Reading | None) -> list[JudgedPair]:
    """Return the pairs of clusters that the writer has not read. Its variants were made from the others."""
    if reading is None:
        return list(pairs)
    clusters = joined_clusters(pairs)
    read_clusters = {
        cluster for pair, cluster in zip(pairs, clusters, strict=True) if pair.key in reading.pairs
    }
    return [pair for pair, cluster in zip(pairs, clusters, strict=True) if cluster not in read_clusters]


def _look(pairs: Sequence[JudgedPair], racing: Sequence[Variant], starters: int) -> stats.RaceLook:
    columns = [[pair.hit(variant.id) for pair in pairs] for variant in racing]
    return stats.race_look(columns, joined_clusters(pairs), starters=starters)


def _end_of(racing: Sequence[Variant], clusters: int, size: int, survey: Survey) -> str:
    """Return why a race is at its end, or "" where it goes on."""
    if len(racing) == 1:
        return "one variant is left"
    if clusters == survey.most_clusters:
        return "all dev clusters are judged"
    return "the budget is spent" if clusters < size else ""


def _accuracies(
    variants: Sequence[Variant], pairs_of: Mapping[str, Sequence[JudgedPair]]
) -> dict[str, Accuracy]:
    original = next(variant.id for variant in variants if variant.origin is Origin.ORIGINAL)
    accuracies = {}
    for variant in variants:
        pairs = pairs_of[variant.id]
        measured = measure(pairs, variant.id, original)
        if len(pairs_of[original]) < len(pairs):  # the original stopped earlier
            shared = measure(pairs_of[original], variant.id, original)
            measured = Accuracy(measured.accuracy, shared.difference)
        accuracies[variant.id] = measured
    return accuracies
