"""The group about rubrics: from a first file to gold cases and training data."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import evalhub as hub
from evalhub.cli.options import Engine, Json, Name, Names, RunNames, Runs
from evalhub.cli.output import console, notes, print_fields, print_json, print_rows
from evalhub.cli.progress import chosen
from evalhub.errors import EvalhubError, GateFailed, InputError, SpecError, StorageError, UnknownNameError

if TYPE_CHECKING:
    from evalhub.models import ResolvedModel
    from evalhub.records import Item, Response
    from evalhub.specs import Mode as JudgeMode
    from evalhub.specs import Rubric
    from evalhub.store import Run

DEMO_JUDGE = "qwen2.5-coder-1.5b-instruct"

judges = typer.Typer(help="Rubrics: one Markdown file each.", no_args_is_help=True)

Model = Annotated[
    str, typer.Option(help="Whose tokens are read, to say how a scale is asked; nothing is fetched.")
]
Mode = Annotated[Literal["direct", "explain", "think"], typer.Option(help="How the judge answers.")]

Out = Annotated[
    Path, typer.Option("--out", help="The .jsonl file that is made; its manifest stands beside it.")
]


@judges.command("new")
def judges_new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Id of the rubric that is made.")],
    protocol: Annotated[
        str, typer.Option(help="What the judge does: pairwise, pointwise, checklist, listwise, swap, …")
    ] = "pairwise",
    as_json: Json = False,
) -> None:
    """Write a first rubric into judges/ of the working directory, with gold cases beside it."""
    path = Path("judges", f"{name}.md")
    hub.specs.check_name(name, where="NAME")
    known = hub.specs.available("judges")
    if name in known:
        raise InputError(
            "a rubric of that name already exists", where=str(known[name]), fix="choose another name"
        )
    made = dict(zip((path, hub.specs.cases_path(path)), hub.judging.starter(name, protocol), strict=True))
    for file in made:
        if file.exists():
            raise InputError("the file exists already", where=str(file), fix="choose another name")
    try:
        path.parent.mkdir(exist_ok=True)
        for file, text in made.items():
            with file.open("x", encoding="utf-8") as target:
                target.write(text)
    except OSError as error:
        raise StorageError(f"the file cannot be written ({error.strerror})", where=str(path)) from error
    print_fields({"rubric": str(path), "gold_cases": str(hub.specs.cases_path(path))}, as_json=as_json)
    notes().print(
        f"next: write what you judge by into {path}, then\n"
        f"  evalhub judges check {name}\n  evalhub judges preview {name}\n"
        f"  evalhub judges test {name} --model {DEMO_JUDGE}",
        markup=False,
        soft_wrap=True,
    )


@judges.command("list")
def judges_list(as_json: Json = False) -> None:
    """List the rubrics that are found."""
    rows = []
    for name, path in hub.specs.available("judges").items():
        try:
            rubric = hub.specs.load_rubric(str(path))
        except EvalhubError as error:
            notes().print(f"{name}: {error}", markup=False, style="red", soft_wrap=True)
            continue
        rows.append(
            {
                "id": name,
                "protocol": rubric.protocol,
                "inputs": list(rubric.inputs),
                "criteria": list(rubric.criteria),
                "title": rubric.title,
            }
        )
    print_rows(rows, as_json=as_json)


@judges.command("show")
def judges_show(name: Name, as_json: Json = False) -> None:
    """Print a rubric as it stands, or its fields as JSON."""
    path = hub.specs.locate("judges", name)
    rubric = hub.specs.load_rubric(name)
    if as_json:
        print_json({**rubric.model_dump(mode="json"), "hash": rubric.hash, "path": str(path)})
        return
    console().print(path.read_text(encoding="utf-8"), markup=False, soft_wrap=True)
    notes().print(f"{path}  sha256 {rubric.hash}", markup=False)


@judges.command("check")
def judges_check(
    names: Names = None,
    model: Model = DEMO_JUDGE,
    mode: Mode = "direct",
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Refuse what a run would refuse; report how a scale is asked, and what a prompt shares with the next."""
    known = hub.store.all_runs(hub.store.runs_root(runs))
    here = hub.models.model_here(model)
    rubrics = names or hub.specs.available("judges")
    rows = [_checked(name, here, hub.specs.Mode(mode), known) for name in rubrics]
    print_rows(rows, as_json=as_json)
    _say_absent(model, here)


def _say_absent(model: str, here: ResolvedModel | None) -> None:
    if here is None:
        absent = f"{model} is not on this machine: labels of one character are taken to be one token of it"
        notes().print(absent, markup=False, soft_wrap=True)


def _checked(name: str, model: ResolvedModel | None, mode: JudgeMode, runs: list[Run]) -> dict[str, Any]:
    rubric = hub.specs.load_rubric(name)
    hub.judging.check_rubric(rubric, name)
    hub.runner.refuse_changed(rubric, runs, name)
    cases = hub.specs.load_cases(name)
    if cases:
        hub.judging.expectations(rubric, cases.cases, str(cases.path))
    forms = hub.runner.answer_forms(rubric, mode, model, name)
    shares = hub.judging.cacheable(rubric, _example(rubric, "quickstart", None, 2), forms)
    return {
        "id": rubric.id,
        "version": rubric.version,
        "answers": hub.runner.forms_text(rubric, forms),
        "prompt_chars": shares.prompt_chars,
        "fixed_chars": len(shares.fixed),
        "fixed_tokens": hub.models.count_tokens(model.path, shares.fixed) if model else None,
        "shared_by_item": shares.shared_by_item,
        "gold_cases": len(cases.cases) if cases else 0,
        "hash": rubric.hash[:12],
    }


@judges.command("preview")
def judges_preview(
    name: Name,
    dataset: Annotated[str, typer.Option(help="Dataset that the item is taken from.")] = "quickstart",
    item: Annotated[str | None, typer.Option(help="Item; the first that fits by default.")] = None,
    criterion: Annotated[str | None, typer.Option(help="Criterion; the first by default.")] = None,
    mode: Mode = "direct",
    model: Model = DEMO_JUDGE,
    as_json: Json = False,
) -> None:
    """Print the prompts exactly as a judge is sent them, for a real item."""
    rubric = hub.specs.load_rubric(name)
    hub.judging.check_rubric(rubric, name)
    chosen_one = criterion or next(iter(rubric.criteria))
    if chosen_one not in rubric.criteria:
        raise UnknownNameError("criterion", chosen_one, rubric.criteria, where="--criterion")
    wanted = {"response": 1, "responses": 8}.get(rubric.shows[0], 2)
    found, responses = _example(rubric, dataset, item, min(wanted, 2))
    judge_mode, here = hub.specs.Mode(mode), hub.models.model_here(model)
    forms = hub.runner.answer_forms(rubric, judge_mode, here, name)
    sent = hub.judging.preview(rubric, found, chosen_one, responses[:wanted], mode=judge_mode, forms=forms)
    if as_json:
        print_json([asdict(request) for request in sent])
        return
    for number, request in enumerate(sent, 1):
        if len(sent) > 1:
            console().rule(f"request {number} of {len(sent)}")
        for message in request.messages:
            console().print(f"[bold]{message.role}[/bold]")
            console().print(_harmless(message.content), markup=False, soft_wrap=True)
    if rubric.scale:
        _say_absent(model, here)


def _harmless(text: str) -> str:
    """Return a text in which nothing can steer the terminal; as it is where a program reads it."""
    if not sys.stdout.isatty():
        return text
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in text)


def _example(
    rubric: Rubric, dataset: str, item_id: str | None, least: int
) -> tuple[Item, tuple[Response, ...]]:
    """Return an item that fits the rubric with its responses, eight at most."""
    writes = hub.judging.protocol_named(rubric.protocol).writes
    inputs = tuple(name for name in rubric.inputs if name not in writes)
    card, path = hub.specs.load_card(dataset, where="--dataset")
    data = hub.sources.load(card, path, ("items", "responses"))
    if item_id is not None and item_id not in {one.item_id for one in data.items}:
        raise UnknownNameError("item", item_id, [one.item_id for one in data.items], where="--item")
    for item in data.items:
        answers = tuple(one for one in data.responses if one.item_id == item.item_id and one.text)
        fits = hub.runner.has_inputs(item, inputs) and len(answers) >= least
        if item_id == item.item_id or (item_id is None and fits):
            if not fits:
                raise SpecError(
                    "the item lacks an input or a response of the rubric", where="--item", value=item_id
                )
            return item, answers[:8]
    raise SpecError("no item of the dataset has the rubric's inputs", where="--dataset", value=dataset)


@judges.command("test")
def judges_test(
    name: Name,
    model: Annotated[str, typer.Option(help="The judge's model.")],
    mode: Mode = "direct",
    engine: Engine = "vllm",
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Ask the judge about the gold cases beside its rubric; exit with 1 where one is not passed."""
    progress = chosen()
    options = hub.runner.GoldOptions(
        rubric=name,
        model=model,
        mode=hub.specs.Mode(mode),
        engine=hub.engines.parse_engine(engine, where="--engine"),
        runs=runs,
    )
    try:
        done = hub.runner.run_gold(options, progress)
    finally:
        progress.stop()
    rows = hub.analysis.rows_of(hub.analysis.gold(hub.load(done)))
    print_rows(rows, as_json=as_json)
    failed = [row["case"] for row in rows if not row["passed"]]
    if failed:
        raise GateFailed(f"{len(failed)} of {len(rows)} gold cases failed: {', '.join(failed)}", where=name)


@judges.command("export")
def judges_export(
    run_names: RunNames = None,
    out: Annotated[
        Path, typer.Option(help="The .jsonl file that is made; its manifest stands beside it.")
    ] = (Path("training.jsonl")),
    seed: Annotated[int, typer.Option(help="Draws the dev clusters where a dataset has no split.")] = 0,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Write rationales and verdicts that the labels confirm, to train a judge on."""
    names: list[str | None] = [*run_names] if run_names else [None]
    found = hub.analysis.training([hub.load(one, runs) for one in names], seed)
    beside = hub.analysis.export_training(found, out)
    told = {name: value for name, value in found.manifest.items() if name != "items"}
    if not as_json:
        told["splits"] = [f"{dataset}: {how}" for dataset, how in told["splits"].items()]
        told["left_out"] = [f"{count} {why}" for why, count in told["left_out"].items()]
    print_fields(
        {"written": str(out), "manifest": str(beside), **told, "items": len(found.manifest["items"])},
        as_json=as_json,
    )
