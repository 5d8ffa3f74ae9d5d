"""The one measurement on test clusters: the winner beside the original, and who has looked there before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from evalhub import stats
from evalhub.analysis.frames.splits import DEV, TEST
from evalhub.errors import StorageError
from evalhub.records import Item, prompt_sha256
from evalhub.runner.one_judge.tune_bench import Bench, Survey
from evalhub.runner.one_judge.tune_pairs import measure, read_pairs
from evalhub.runner.one_judge.tune_variants import Variant
from evalhub.runner.progress import Progress
from evalhub.store import Run, all_runs


@dataclass(frozen=True, slots=True)
class WinnerMeasurement:
    """What the winner and the original reach on test clusters.

    Attributes:
        run: The id of the run.
        accuracies: By variant, with intervals over clusters.
        difference: Winner minus original, on the same pairs.
        shared: Pairs that are left out, since their cluster or their prompt is a dev one too.
        looks: The other tunings that measured variants of this rubric on some of these clusters: their runs.
        chosen_on: Pairs of items on which an earlier tuning chose its winner.
    """

    run: str
    accuracies: Mapping[str, stats.Estimate]
    difference: stats.Estimate
    shared: int
    looks: tuple[str, ...]
    chosen_on: int

    @property
    def is_better(self) -> bool:
        """Whether the winner is shown to be better: the interval of the difference lies above 0."""
        return self.difference.low is not None and self.difference.low > 0

    @property
    def is_held_out(self) -> bool:
        """Whether no earlier tuning has used the clusters."""
        return not self.looks and not self.chosen_on


def measure_on_test(
    bench: Bench, original: Variant, winner: Variant, dev: Survey, progress: Progress
) -> WinnerMeasurement:
    """Judge the test clusters with the winner and the original, and no other variant.

    Args:
        bench: Where they judge.
        original: The rubric as it is.
        winner: The variant that won on dev clusters.
        dev: What was judged, or could have been, on dev clusters.
        progress: Shows how far it is.

    Raises:
        Interrupted: Ctrl-C. The same call goes on.
    """
    run = bench.judge([original, winner], TEST, progress, None)
    every_pair = read_pairs(run, bench)
    pairs = [pair for pair in every_pair if not dev.has(pair)]
    measured = measure(pairs, winner.id, original.id)
    prompts = {prompt_sha256(pair.item) for pair in pairs}
    earlier_runs = [stored for stored in all_runs(bench.root) if stored.id != run.id]
    choice_prompts = _prompts_of(_named(earlier_runs, bench.suite_name(DEV)))
    return WinnerMeasurement(
        run=run.id,
        accuracies={
            original.id: measure(pairs, original.id, None).accuracy,
            winner.id: measured.accuracy,
        },
        difference=measured.difference or stats.Estimate.none("nothing was measured"),
        shared=len(every_pair) - len(pairs),
        looks=_looks(_named(earlier_runs, bench.suite_name(TEST)), run, prompts),
        chosen_on=sum(prompt_sha256(pair.item) in choice_prompts for pair in pairs),
    )


def _named(runs: Sequence[Run], suite: str) -> list[Run]:
    return [run for run in runs if run.manifest.suite == suite]


def _looks(runs: Sequence[Run], own_run: Run, prompts: set[str]) -> tuple[str, ...]:
    """Return the runs that measured something else on some of the same items. The same suite is one look."""
    by_suite: dict[str, str] = {}
    for run in runs:
        if run.manifest.suite_hash != own_run.manifest.suite_hash and _prompts_of([run]) & prompts:
            by_suite.setdefault(run.manifest.suite_hash, run.id)
    return tuple(by_suite.values())


def _prompts_of(runs: Sequence[Run]) -> set[str]:
    prompts = set()
    for run in runs:
        with suppress(StorageError):
            prompts |= {prompt_sha256(cast("Item", record)) for record in run.records("items")}
    return prompts
