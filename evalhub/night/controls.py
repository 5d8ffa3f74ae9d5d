"""Control responses: does a judge prefer what answers nothing to a recorded answer?"""

from __future__ import annotations

from evalhub.analysis import Results, rows_of
from evalhub.analysis.bias.attacks import controls_of_judge
from evalhub.judging import CONTROLS
from evalhub.runner import AttackOptions, Options, Progress, attack
from evalhub.specs import DatasetUse, load_suite
from evalhub.specs.find import locate
from evalhub.specs.gates import Gate

ITEMS = 100

_RECORDED = """
SELECT count(DISTINCT item_id) AS n FROM responses
WHERE dataset = $dataset AND source = 'recorded' AND text IS NOT NULL"""


def try_controls(suite: str, results: Results, options: Options, progress: Progress) -> None:
    """Let the judges of a suite's gates on control responses judge them, unless a run has done so.

    Args:
        suite: Path or id of the suite.
        results: The finished run.
        options: The runs and the night.
        progress: Shows how far it is.

    Raises:
        EvalhubError: As `evalhub.runner.one_judge.attack` raises.
    """
    for gate in results.suite.gates:
        if gate.controls is not None and controls_of_judge(results, str(gate.judge)) is None:
            progress.note(f"{gate.judge}: control responses are tried")
            attack(_attack_options(suite, results, gate, options), progress)


def _attack_options(suite: str, results: Results, gate: Gate, options: Options) -> AttackOptions:
    spec, path = load_suite(suite)
    use = next(judge for judge in spec.judges if judge.id == gate.judge)
    dataset = max(spec.datasets, key=lambda part: _count_items(results, part))
    settings = use.model_dump(
        exclude_unset=True,
        include={"families", "sampling", "samples", "combine", "rationale_tokens", "think_tokens",
                 "think_extensions", "seed"}
    )  # fmt: skip
    return AttackOptions(
        rubric=str(locate("judges", use.rubric, referrer=path)),
        model=use.model,
        mode=use.mode,
        engine=use.engine,
        runs=options.runs,
        settings=settings,
        dataset=str(locate("datasets", dataset.name, referrer=path)),
        limit=ITEMS,
        names=tuple(control.id for control in CONTROLS if "{{response}}" not in control.text),
        night=options.night,
        part_of=spec.suite,
    )


def _count_items(results: Results, dataset: DatasetUse) -> int:
    """Return the number of items with recorded answers."""
    names = {"dataset": dataset.id}
    (row,) = rows_of(results.sql(_RECORDED, names))
    return int(row["n"])
