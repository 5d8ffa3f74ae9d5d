"""Assertions of tests: a run meets a gate, or all gates of its suite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import Results
from evalhub.errors import InputError
from evalhub.gates import GateResult, gates_of_run
from evalhub.night import Night
from evalhub.specs.base import validate
from evalhub.specs.gates import Gate
from evalhub.stats import GateState
from evalhub.store import Run, find_run, runs_root
from evalhub.texts import make_printable

SomeRun = Night | Results | Run | Path | str


def assert_gate(
    run: SomeRun,
    *,
    allow_inconclusive: bool = False,
    runs: str | Path | None = None,
    **keys: Any,
) -> list[GateResult]:
    """Assert that a run meets one gate, against the baseline of its suite as it is now.

    The gate has its error for itself. Choose `assert_gates` for several gates, because those of a suite share
    their error. A measure by a judge that fails a gate of the suite is not decided, as on the night.

    Args:
        run: A run, what `run_suite` returned, or the folder, id or suite's name of a run.
        allow_inconclusive: Whether a gate that is not decided skips the test. By default it fails the test.
        runs: The folder that holds the runs. EVALHUB_RUNS or ./runs by default.
        keys: The keys of a gate in a suite, such as `system="bot", measure="win rate", margin=0.05`.

    Returns:
        One result for each dataset, rater and criterion that the gate is about. All of them pass.

    Raises:
        AssertionError: The gate does not hold, or is not decided. The sentences of the gate say why.
        SpecError: The keys are not those of a gate.
        InputError: There is no such run, or it is not finished.
        StorageError: The run or its baseline cannot be read.
    """
    __tracebackhide__ = True
    gate = validate(Gate, keys, "assert_gate")
    results = _finished(run, runs)
    # The judges' own gates say of whose verdicts nothing follows. They do not share the error.
    of_judges = [other for other in results.suite.gates if other.measure is None]
    gates = [gate] if gate.measure is None else [gate, *of_judges]
    verdicts = gates_of_run(results, gates)
    return _check([verdict for verdict in verdicts if verdict.kind == gate.kind], allow_inconclusive)


def assert_gates(
    run: SomeRun, *, allow_inconclusive: bool = False, runs: str | Path | None = None
) -> list[GateResult]:
    """Assert that a run meets all gates of its suite, against the baseline as it is now.

    Args:
        run: As in `assert_gate`.
        allow_inconclusive: Whether gates that are not decided skip the test, if no other gate fails. By
            default they fail the test.
        runs: The folder that holds the runs. EVALHUB_RUNS or ./runs by default.

    Returns:
        The results of all gates. All of them pass.

    Raises:
        AssertionError: A gate does not hold, or is not decided. The sentences of all such gates say why.
        InputError: The suite has no gates, there is no such run, or it is not finished.
        StorageError: The run or its baseline cannot be read.
    """
    __tracebackhide__ = True
    results = _finished(run, runs)
    if not results.suite.gates and not results.suite.calibration:
        raise InputError("the suite of this run has no gates", where=results.run.id, fix="add `gates` to it")
    return _check(gates_of_run(results), allow_inconclusive)


def sentences_of(gates: Sequence[GateResult]) -> str:
    """Return what gates found, a line for each. Nothing in it has an effect on a terminal."""
    return "\n".join(make_printable(gate.sentence) for gate in gates)


def _finished(run: SomeRun, runs: str | Path | None) -> Results:
    if isinstance(run, Night):
        results = run.results
    elif isinstance(run, Results):
        results = run
    else:
        results = Results(run if isinstance(run, Run) else find_run(str(run), runs_root(runs)))
    if not results.run.finished:
        state = results.manifest.state.value
        raise InputError("only a finished run has gates", where=results.run.id, value=state)
    return results


def _check(gates: list[GateResult], allow_inconclusive: bool) -> list[GateResult]:
    __tracebackhide__ = True
    failed = [gate for gate in gates if gate.state is GateState.FAIL]
    undecided = [gate for gate in gates if gate.state is GateState.INCONCLUSIVE]
    if undecided and allow_inconclusive and not failed:
        pytest.skip(sentences_of(undecided))
    if failed or undecided:
        raise AssertionError(sentences_of([*failed, *undecided]))
    return gates
