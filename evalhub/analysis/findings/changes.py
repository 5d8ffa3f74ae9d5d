"""What changed since the baseline, and because of what?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from evalhub import stats
from evalhub.analysis.findings.finding import ALPHA, Finding, Question, Verdict, listed, on
from evalhub.analysis.findings.rankings import MAIN_MEASURES
from evalhub.analysis.ranking.comparison import run_comparison
from evalhub.analysis.results import Results
from evalhub.analysis.tables import rows_of
from evalhub.errors import StorageError
from evalhub.store import Run, all_runs, tags_of
from evalhub.texts import number

Row = Mapping[str, Any]

_POWER = 0.8
_baselines: WeakKeyDictionary[Results, Results] = WeakKeyDictionary()

BASELINE_TAG = "baseline"
"""The tag of the run with which later runs of its suite are compared."""


def baseline_of(run: Run) -> Run | None:
    """Return the newest earlier run of the same suite that is finished and has the tag `baseline`."""
    suite = run.manifest.suite
    return next(
        (
            other
            for other in all_runs(run.path.parent)
            if other.id != run.id
            and other.manifest.suite == suite
            and other.finished
            and other.manifest.created < run.manifest.created
            and BASELINE_TAG in tags_of(other)
        ),
        None,
    )


def baseline_results(results: Results) -> Results | None:
    """Return the results of `baseline_of`. Gates and findings of one run share what is read of them."""
    baseline = baseline_of(results.run)
    if baseline is None:
        return None
    before = _baselines.get(results)
    if before is None or before.run.id != baseline.id:
        before = _baselines[results] = Results(baseline)
    return before


def change_findings(results: Results) -> Iterator[Finding]:
    """Yield what changed since the baseline of the run's suite. Nothing where there is none."""
    before = baseline_results(results)
    if before is None or not results.run.finished:
        return
    try:
        rows = rows_of(run_comparison(results, before, measures=MAIN_MEASURES))
    except StorageError:
        sentence = f"Nothing can be said of changes: the baseline {before.run.id} cannot be read."
        yield Finding(
            question=Question.CHANGE, verdict=Verdict.UNKNOWN, sentence=sentence, command="evalhub verify"
        )
    else:
        yield from describe_changes(rows, before.run.id)


def describe_changes(rows: Sequence[Row], before: str) -> Iterator[Finding]:
    """Yield which systems changed between two runs, by dataset.

    Args:
        rows: Rows of `run_comparison`. Only the judges' verdicts and scores count.
        before: Id of the earlier run.
    """
    compared = [row for row in rows if row["measure"] in MAIN_MEASURES]
    for dataset in dict.fromkeys(row["dataset"] for row in compared):
        yield _describe(dataset, [row for row in compared if row["dataset"] == dataset], before)


def _describe(dataset: str, rows: list[Row], before: str) -> Finding:
    tested = [row for row in rows if row["p"] is not None]
    adjusted = stats.adjusted([row["p"] for row in tested])
    changed = [row for row, p in zip(tested, adjusted, strict=True) if p is not None and p < ALPHA]
    worse = [row for row in changed if _gain(row) < 0]
    place = f"{on(dataset)} since {before}"
    if changed:
        parts = listed([_in_words(row) for row in sorted(changed, key=_gain)])
        sentence = f"{parts} {place}."
        if len(changed) < len(tested):
            sentence += " No other change is beyond chance."
    elif tested:
        sentence = f"No system changed beyond chance {place}."
        if (size := _findable(tested)) is not None:
            sentence += f" A change of {number(size)} would have been found in 80 of 100 runs."
    else:
        sentence = f"Nothing can be said of changes {place}: {rows[0]['reason'] or 'too few items'}."
    causes = list(dict.fromkeys(filter(None, map(_cause, rows))))
    verdict = Verdict.BAD if worse else Verdict.GOOD if tested else Verdict.UNKNOWN
    if causes:
        sentence += f" {'; '.join(causes)}."
        verdict = Verdict.CAUTION if verdict is Verdict.GOOD or worse else verdict
    return Finding(
        question=Question.CHANGE,
        verdict=verdict,
        sentence=sentence,
        dataset=dataset,
        subject=changed[0]["system"] if len(changed) == 1 else None,
        numbers={row["system"]: row["estimate"] for row in changed},
        n=max((row["n"] for row in rows), default=None),
        link=f"compare?data={dataset}&base={before}",
        command=f"evalhub compare RUN {before}",
    )


def _gain(row: Row) -> float:
    """Return by how much a system became better."""
    sign = -1.0 if row["higher_is_better"] is False else 1.0
    return sign * float(row["estimate"])


def _in_words(row: Row) -> str:
    verb = "gained" if _gain(row) > 0 else "lost"
    sign = -1.0 if row["estimate"] < 0 else 1.0
    ends = ""
    if row["low"] is not None:
        low, high = sorted((sign * row["low"], sign * row["high"]))
        ends = f" [{number(low)}, {number(high)}]"
    criterion = row["criterion"]
    of_criterion = f", {criterion}" if criterion not in (None, "", "overall") else ""
    rater = f"{row['measure']} by {row['rater']}{of_criterion}"
    return f"{row['system']} {verb} {number(sign * row['estimate'])}{ends} ({rater})"


def _findable(tested: Sequence[Row]) -> float | None:
    """Return the change that the widest comparison finds in 80 of 100 runs, adjusted for all of them."""
    from scipy import special

    halves = [(row["high"] - row["low"]) / 2 for row in tested if row["low"] is not None]
    if not halves:
        return None
    adjusted, single = (float(special.ndtri(1 - ALPHA / (2 * n))) for n in (len(tested), 1))
    return float(max(halves)) / single * (adjusted + float(special.ndtri(_POWER)))


def _cause(row: Row) -> str | None:
    """Return what else changed, which may have moved the numbers."""
    if row["changed"]:
        return f"{row['rater']} changed too ({row['changed']}), so the difference may come from that"
    if row["changed_data"]:
        return f"The dataset changed too ({row['changed_data']}). Only items that are the same are compared"
    return None
