"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Runs = Annotated[
    Path | None, typer.Option("--runs", help="Folder of the runs; else EVALHUB_RUNS, else ./runs.")
]
RunName = Annotated[
    str | None, typer.Argument(metavar="[RUN]", help="A run's folder, id or suite; the newest by default.")
]
RunNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="[RUN]...", help="Runs' folders, ids or suites; the newest by default."),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="An id, or the path of a file.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Ids or paths; all by default.")]
SuiteName = Annotated[str, typer.Argument(metavar="SUITE", help="Path or id of a suite.")]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", help="Keep only this candidate, judge or dataset; may be given again."),
]
Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        help="What runs the model: an engine's name, or its settings as in '{type: openai, base_url: URL}'.",
    ),
]
Limit = Annotated[int | None, typer.Option("--limit", help="At most so many items of each dataset.")]
By = Annotated[
    list[str] | None,
    typer.Option(
        "--by", metavar="TAG", help="Break down by a tag, tags' first words, or a pattern; again for more."
    ),
]
