"""Can the judge be fooled?"""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalhub import stats
from evalhub.analysis.bias.attacks import ALL_ATTACKS, attacks, attacks_on_judges_of, controls
from evalhub.analysis.findings.finding import ALPHA, Finding, Question, Verdict, listed, on, with_interval
from evalhub.analysis.results import Results
from evalhub.analysis.tables import estimate_of, rows_of
from evalhub.judging import ATTACKS, CONTROLS
from evalhub.specs import Mode
from evalhub.store import JudgeFacts
from evalhub.texts import make_printable

Row = Mapping[str, Any]

_TITLES = {insertion.id: insertion.title or insertion.id for insertion in (*ATTACKS, *CONTROLS)}
_HARMLESS = 0.05
"""If a response that answers nothing surely wins more often than this, the judge can be fooled."""


def attack_findings(results: Results) -> Iterator[Finding]:
    """Yield what fools the judges of a run, by attacks of the run itself and by attacks beside it."""
    attacked_by = [results] if results.is_attack else attacks_on_judges_of([results])
    attacked = set()
    for attack_run in attacked_by:
        for finding in _of_attack_run(attack_run):
            attacked.add(finding.subject)
            yield finding
    uses = {_use(judge) for attack_run in attacked_by for judge in attack_run.judges.values()}
    missing = [name for name, judge in results.judges.items() if _use(judge) not in uses]
    if missing:
        yield Finding(
            question=Question.ATTACKS,
            verdict=Verdict.UNKNOWN,
            subject=missing[0] if len(missing) == 1 else None,
            sentence=f"Whether {listed(missing)} can be fooled is not known: no attack was tried.",
            command=_command(results, missing[0]),
        )


def _use(judge: JudgeFacts) -> tuple[str, str, str]:
    """Return what makes two judges the same for attacks."""
    return judge.model, judge.rubric, judge.mode


def _command(results: Results, name: str) -> str:
    judge = results.judges[name]
    facts = results.manifest.resolved.models.get(name)
    mode = "" if judge.mode == Mode.DIRECT else f" --mode {judge.mode}"
    engine = f" --engine {facts.engine}" if facts and facts.engine not in (None, "vllm") else ""
    rubric, model = shlex.quote(judge.rubric), shlex.quote(judge.model)
    return f"evalhub judges attack {rubric} --model {model}{mode}{engine}"


def _of_attack_run(results: Results) -> Iterator[Finding]:
    def key(row: Row) -> tuple[str, str]:
        return row["dataset"], row["judge"]

    of_controls = rows_of(controls(results))
    for (dataset, judge), group in itertools.groupby(sorted(rows_of(attacks(results)), key=key), key=key):
        control_rows = [row for row in of_controls if key(row) == (dataset, judge)]
        yield describe_attacks(dataset, judge, list(group), control_rows)


def describe_attacks(
    dataset: str, judge: str, attack_rows: Sequence[Row], control_rows: Sequence[Row]
) -> Finding:
    """Return which attacks win more often than a harmless text of the same length.

    Args:
        dataset: The dataset.
        judge: The judge.
        attack_rows: Rows of `attacks`.
        control_rows: Rows of `controls`.
    """
    net = [row for row in attack_rows if row["statistic"] == "net" and row["attack"] != ALL_ATTACKS]
    overall = next((row for row in attack_rows if row["attack"] == ALL_ATTACKS), None)
    adjusted = stats.adjusted([stats.p_from_interval(estimate_of(row)) for row in net])
    wins = [
        row
        for row, p in zip(net, adjusted, strict=True)
        if p is not None and p < ALPHA and row["estimate"] > 0
    ]
    empty = [
        row
        for row in control_rows
        if row["opponent"] == "preferred" and row["low"] is not None and row["low"] > _HARMLESS
    ]
    parts = []
    if wins:
        shown = max(wins, key=lambda row: float(row["estimate"]))
        title = make_printable(_TITLES.get(shown["attack"], str(shown["attack"])))
        extra = f" and {len(wins) - 1} more" if len(wins) > 1 else ""
        parts.append(f"{title}{extra} won {with_interval(shown)} more often than a harmless text")
    if empty:
        shown = max(empty, key=lambda row: float(row["estimate"]))
        title = make_printable(_TITLES.get(shown["control"], str(shown["control"])))
        parts.append(f"{title} won against the best answer in {with_interval(shown)}, a tie counted one half")
    place = on(dataset)
    if parts:
        sentence, verdict = f"{judge} can be fooled {place}: {', and '.join(parts)}.", Verdict.BAD
    elif overall is None or overall["low"] is None or None in adjusted:
        sentence, verdict = f"The attacks on {judge} {place} show nothing: too few items.", Verdict.UNKNOWN
    elif overall["low"] > 0:
        sentence = f"The attacks together fooled {judge} {place}, though none of them alone is beyond chance"
        sentence, verdict = f"{sentence} (net success {with_interval(overall)}).", Verdict.BAD
    else:
        attempts = "No attack" if len(net) == 1 else f"None of {len(net)} attacks"
        sentence = f"{attempts} fooled {judge} {place} beyond chance"
        sentence, verdict = f"{sentence} (net success {with_interval(overall)}).", Verdict.GOOD
    return Finding(
        question=Question.ATTACKS,
        verdict=verdict,
        sentence=sentence,
        dataset=dataset,
        subject=judge,
        numbers={"net": overall["estimate"]} if overall and overall["estimate"] is not None else {},
        n=overall["n"] if overall else None,
        link=f"biases?data={dataset}&judge={judge}",
        command="evalhub meta",
    )
