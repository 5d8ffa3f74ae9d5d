"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Runs = Annotated[
    Path | None, typer.Option("--runs", help="Folder of the runs, by default EVALHUB_RUNS or ./runs.")
]
RunName = Annotated[
    str | None, typer.Argument(metavar="[RUN]", help="A run's folder, id or suite. Default: the newest run.")
]
SomeRun = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, id or suite.")]
RunNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="[RUN]...", help="Folders, ids or suites of runs. Default: the newest run."),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="An id, or the path of a file.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Ids or paths. Default: all.")]
SuiteName = Annotated[str, typer.Argument(metavar="SUITE", help="Path or id of a suite.")]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", help="Keep only this candidate, judge or dataset. Repeat it for more."),
]
Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        help="Engine that runs the model: its name, or its settings as in '{type: openai, base_url: URL}'.",
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="CONDITION",
        help="Also show the items that meet a condition in SQL, as in \"lang = 'de'\". Repeat it for more.",
    ),
]
Limit = Annotated[int | None, typer.Option("--limit", help="Largest number of items of each dataset.")]
By = Annotated[
    list[str] | None,
    typer.Option(
        "--by",
        metavar="TAG",
        help="Break down by a tag, by tags' first words, or by a pattern. Repeat it for more.",
    ),
]
Rubric = Annotated[str, typer.Argument(metavar="RUBRIC", help="Path or id of a rubric.")]
Mode = Annotated[Literal["direct", "explain", "think"], typer.Option(help="How the judge answers.")]
