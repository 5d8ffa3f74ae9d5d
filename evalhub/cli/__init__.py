"""The command line."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from evalhub.cli import attacks, judges, runs, specs
from evalhub.cli.output import notes
from evalhub.errors import EvalhubError, Interrupted, StorageError

app = typer.Typer(
    help="LLM-as-a-judge evaluation whose numbers say how far people agree with them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Take what holds for every command."""
    _State.debug = debug


class _State:
    debug = False


app.command()(runs.run)
app.command()(runs.plan)
app.command("leaderboard")(runs.board)
app.command()(runs.report)
app.command()(runs.meta)
app.command()(runs.dashboard)
app.command()(runs.export)
app.command()(runs.verify)
judges.judges.command("attack")(attacks.judges_attack)
app.add_typer(judges.judges, name="judges")
app.add_typer(specs.datasets, name="datasets")
app.add_typer(specs.suites, name="suites")
app.add_typer(specs.models, name="models")


def main() -> None:
    """Run the command line; an error is one sentence and an exit code.

    Exit codes: 0 pass, 1 gate failed, 2 bad input, 3 inconclusive, 4 storage, 5 locked, 130 interrupted.
    """
    try:
        app()
    except EvalhubError as error:
        _end(error, error.exit_code)
    except KeyboardInterrupt:
        again = "give the same command again to go on"
        _end(Interrupted("stopped; what was finished is kept", fix=again), Interrupted.exit_code)
    except OSError as error:
        where = str(error.filename or "")
        _end(StorageError(f"a file cannot be used ({error.strerror or error})", where=where), 4)
    except Exception as error:
        fix = "give the command again with --debug before the verb, and report what it prints"
        _end(EvalhubError(f"evalhub itself failed ({type(error).__name__}: {error})", fix=fix), 3)


def _end(error: EvalhubError, code: int) -> None:
    """Print the sentence and leave; with --debug, show where it comes from."""
    if _State.debug:
        raise
    notes().print(f"evalhub: {error}", markup=False, style="red", soft_wrap=True)
    sys.exit(code)
