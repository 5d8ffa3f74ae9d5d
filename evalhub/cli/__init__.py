"""The command line."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from evalhub.cli import runs, specs
from evalhub.cli.output import notes
from evalhub.errors import EvalhubError, Interrupted

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
app.command()(runs.dashboard)
app.command()(runs.export)
app.command()(runs.verify)
app.add_typer(specs.judges, name="judges")
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
        if _State.debug:
            raise
        notes().print(f"evalhub: {error}", markup=False, style="red", soft_wrap=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(Interrupted.exit_code)
