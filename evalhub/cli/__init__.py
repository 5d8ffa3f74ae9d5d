"""The command line."""

from __future__ import annotations

import gc
import signal
import sys
from contextlib import suppress
from importlib import metadata
from types import FrameType
from typing import Annotated, Any

import typer

from evalhub.cli import (
    attacks,
    compare,
    dashboard,
    export,
    gates,
    housekeeping,
    judges,
    label,
    labels,
    new_dataset,
    noise,
    runs,
    samples,
    serve,
    specs,
    train,
    trends,
    tune,
)
from evalhub.cli.endings import Signals, ending_of
from evalhub.cli.output import console, print_note
from evalhub.errors import Inconclusive

app = typer.Typer(
    help="LLM-as-a-judge evaluation that reports how far people agree with the judges.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _print_version(show: bool) -> None:
    if show:
        console().print(f"evalhub {metadata.version('evalhub-laaj')}", markup=False, highlight=False)
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[  # noqa: ARG001
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Set the options of every command."""
    _State.debug = debug


_CLOSED_PIPE = 141  # exit code of a program that a closed pipe ended


class _State:
    debug = False


app.command()(runs.run)
app.command()(runs.plan)
app.command("leaderboard")(runs.board)
app.command()(gates.gates)
app.command()(runs.report)
app.command()(runs.meta)
app.command()(compare.compare)
app.command()(compare.sensitivity)
app.command()(samples.samples)
app.command()(samples.sql)
app.command()(dashboard.dashboard)
app.command()(label.label)
app.command("serve")(serve.serve_judge)
app.command()(export.export)
app.command()(runs.index)
app.command()(runs.verify)
app.command()(housekeeping.gc)
app.command()(trends.trends)
app.add_typer(housekeeping.runs_app, name="runs")
judges.judges.command("attack")(attacks.judges_attack)
judges.judges.command("noise")(noise.judges_noise)
judges.judges.command("train")(train.judges_train)
judges.judges.command("tune")(tune.judges_tune)
specs.datasets.command("new")(new_dataset.datasets_new)
app.add_typer(gates.baseline, name="baseline")
app.add_typer(judges.judges, name="judges")
app.add_typer(labels.labels, name="labels")
app.add_typer(specs.datasets, name="datasets")
app.add_typer(specs.suites, name="suites")
app.add_typer(specs.models, name="models")


# Records make no cycles. At Python's own thresholds, to look for some among millions of records takes a
# fifth of the time of reading them.
_COLLECTION = (100_000, 20, 50)


def main() -> None:
    """Run the command line. An error is one sentence and an exit code.

    Exit codes: 0 pass, 1 gate failed, 2 bad input, 3 inconclusive, 4 storage, 5 locked, 130 interrupted.
    """
    Signals.interrupted = False
    gc.set_threshold(*_COLLECTION)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _on_interrupt)
    try:
        app()
    except BaseException as error:
        _ignore_signals()
        if isinstance(error, SystemExit) and not Signals.interrupted:
            sys.exit(_exit_code(error))
        reported, code = ending_of(error)
        if _State.debug:
            raise
        # Also where nobody can read it, on a full disk, the exit code says what happened.
        with suppress(OSError, ValueError):
            print_note(f"evalhub: {reported}", style="red")
            for excerpt in getattr(reported, "__notes__", ()):
                print_note(excerpt)
        sys.exit(code)


def _exit_code(error: SystemExit) -> Any:
    """Return the exit code of a command that ended by itself. 1 stands for a failed gate alone."""
    if isinstance(error.__context__, BrokenPipeError):
        return _CLOSED_PIPE
    if isinstance(error.__context__, EOFError | typer.Abort):
        return Inconclusive.exit_code
    return error.code


def _ignore_signals() -> None:
    """Let no further signal cut the sentence or the exit code of a command that ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _on_interrupt(number: int, frame: FrameType | None) -> None:
    """Remember a signal, since native code turns a KeyboardInterrupt into errors of its own."""
    Signals.interrupted = True
    signal.default_int_handler(number, frame)
