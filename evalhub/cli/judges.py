"""The commands about rubrics: a first file, checks, gold cases, training data."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import evalhub as hub
from evalhub.cli.options import Engine, Json, Mode, Name, Names, RunNames, Runs
from evalhub.cli.output import (
    console,
    notes,
    print_fields,
    print_json,
    print_note,
    print_rows,
    print_text,
)
from evalhub.cli.progress import choose_progress
from evalhub.errors import EvalhubError, GateFailed, InputError, SpecError, StorageError, UnknownNameError
from evalhub.scales import Shape

if TYPE_CHECKING:
    from evalhub.models import ResolvedModel
    from evalhub.records import Item, Response
    from evalhub.specs import Mode as JudgeMode
    from evalhub.specs import Rubric
    from evalhub.store import Run

DEMO_JUDGE = "qwen2.5-coder-1.5b-instruct"
MOST_RESPONSES = 8
"""Most responses of a list that a judge is shown."""

judges = typer.Typer(help="Rubrics: one Markdown file each.", no_args_is_help=True)

Model = Annotated[
    str, typer.Option(help="Model whose tokens decide how a scale is asked. It is not fetched.")
]


@judges.command("new")
def judges_new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Id of the new rubric.")],
    protocol: Annotated[
        str, typer.Option(help="Protocol of the judge, such as pairwise, pointwise, checklist or listwise.")
    ] = "pairwise",
    as_json: Json = False,
) -> None:
    """Write a first rubric into judges/ of the working directory, with gold cases beside it."""
    path = Path("judges", f"{name}.md")
    hub.specs.check_name(name, where="NAME")
    rubrics = hub.specs.available("judges")
    if name in rubrics:
        raise InputError(
            "a rubric of that name already exists", where=str(rubrics[name]), fix="choose another name"
        )
    texts = dict(zip((path, hub.specs.cases_path(path)), hub.judging.starter(name, protocol), strict=True))
    for file in texts:
        if file.exists():
            raise InputError("the file exists already", where=str(file), fix="choose another name")
    try:
        path.parent.mkdir(exist_ok=True)
        for file, text in texts.items():
            with file.open("x", encoding="utf-8") as target:
                target.write(text)
    except OSError as error:
        raise StorageError(f"the file cannot be written ({error.strerror})", where=str(path)) from error
    print_fields({"rubric": str(path), "gold_cases": str(hub.specs.cases_path(path))}, as_json=as_json)
    print_note(
        f"next: write what you judge by into {path}, then\n"
        f"  evalhub judges check {name}\n  evalhub judges preview {name}\n"
        f"  evalhub judges test {name} --model {DEMO_JUDGE}"
    )


@judges.command("list")
def judges_list(as_json: Json = False) -> None:
    """List all rubrics."""
    rows = []
    for name, path in hub.specs.available("judges").items():
        try:
            rubric = hub.specs.load_rubric(str(path))
        except EvalhubError as error:
            print_note(f"{name}: {error}", style="red")
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
    """Print a rubric's file, or its fields as JSON."""
    path = hub.specs.locate("judges", name)
    rubric = hub.specs.load_rubric(name)
    if as_json:
        print_json({**rubric.model_dump(mode="json"), "hash": rubric.hash, "path": str(path)})
        return
    print_text(path.read_text(encoding="utf-8"))
    notes().print(f"{path}  sha256 {rubric.hash}", markup=False)


@judges.command("check")
def judges_check(
    names: Names = None,
    model: Model = DEMO_JUDGE,
    mode: Mode = "direct",
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Check rubrics as a run would, and report how a scale is asked and how much the prompts share."""
    stored_runs = hub.store.all_runs(hub.store.runs_root(runs))
    local_model = hub.models.model_here(model)
    rubrics = names or hub.specs.available("judges")
    rows = [_check(name, local_model, hub.specs.Mode(mode), stored_runs) for name in rubrics]
    print_rows(rows, as_json=as_json)
    _note_if_absent(model, local_model)


def _note_if_absent(model: str, local_model: ResolvedModel | None) -> None:
    if local_model is None:
        absent = f"{model} is not on this machine: labels of one character are taken to be one token of it"
        print_note(absent)


def _check(name: str, model: ResolvedModel | None, mode: JudgeMode, runs: list[Run]) -> dict[str, Any]:
    rubric = hub.specs.load_rubric(name)
    hub.judging.check_rubric(rubric, name)
    hub.runner.refuse_changed(rubric, runs, name)
    cases = hub.specs.load_cases(name)
    if cases:
        hub.judging.expectations(rubric, cases.cases, str(cases.path))
    forms = hub.runner.answer_forms(rubric, mode, model, name)
    prefix = hub.judging.shared_prefix(rubric, _example(rubric, "quickstart", None, 2), forms)
    return {
        "id": rubric.id,
        "version": rubric.version,
        "answers": hub.runner.forms_text(rubric, forms),
        "prompt_chars": prefix.prompt_chars,
        "fixed_chars": len(prefix.fixed),
        "fixed_tokens": hub.models.count_tokens(model.path, prefix.fixed) if model else None,
        "shared_by_item": prefix.shared_by_item,
        "gold_cases": len(cases.cases) if cases else 0,
        "hash": rubric.hash[:12],
    }


@judges.command("preview")
def judges_preview(
    name: Name,
    dataset: Annotated[str, typer.Option(help="Dataset of the item.")] = "quickstart",
    item: Annotated[str | None, typer.Option(help="Id of the item, by default the first that fits.")] = None,
    criterion: Annotated[str | None, typer.Option(help="Criterion, by default the first.")] = None,
    mode: Mode = "direct",
    model: Model = DEMO_JUDGE,
    as_json: Json = False,
) -> None:
    """Print the prompts for a real item, exactly as a judge is sent them."""
    rubric = hub.specs.load_rubric(name)
    hub.judging.check_rubric(rubric, name)
    criterion = criterion or next(iter(rubric.criteria))
    if criterion not in rubric.criteria:
        raise UnknownNameError("criterion", criterion, rubric.criteria, where="--criterion")
    count = {Shape.RESPONSE: 1, Shape.PAIR: 2, Shape.LIST: MOST_RESPONSES}[rubric.shape]
    example, responses = _example(rubric, dataset, item, min(count, 2))
    judge_mode, local_model = hub.specs.Mode(mode), hub.models.model_here(model)
    forms = hub.runner.answer_forms(rubric, judge_mode, local_model, name)
    requests = hub.judging.preview(
        rubric, example, criterion, responses[:count], mode=judge_mode, forms=forms
    )
    if as_json:
        print_json([asdict(request) for request in requests])
        return
    for number, request in enumerate(requests, 1):
        if len(requests) > 1:
            console().rule(f"request {number} of {len(requests)}")
        for message in request.messages:
            console().print(f"[bold]{message.role}[/bold]")
            print_text(message.content)
    if rubric.scale:
        _note_if_absent(model, local_model)
    if rubric.has_item_criteria and not example.criteria:
        print_note("the item brings no criteria, so stand-ins are shown: --dataset names one whose items do")


def _example(
    rubric: Rubric, dataset: str, item_id: str | None, min_responses: int
) -> tuple[Item, tuple[Response, ...]]:
    """Return an item that fits the rubric, with at most eight of its responses.

    Where the rubric asks the criteria of items, those that bring some come first.
    """
    writes = hub.judging.find_protocol(rubric.protocol).writes
    inputs = tuple(name for name in rubric.inputs if name not in writes)
    card, path = hub.specs.load_card(dataset, where="--dataset")
    data = hub.sources.load(card, path, ("items", "responses"))
    ids = [item.item_id for item in data.items]
    if item_id is not None and item_id not in ids:
        raise UnknownNameError("item", item_id, ids, where="--item")
    asks_items = rubric.has_item_criteria
    for item in sorted(data.items, key=lambda item: asks_items and not item.criteria):
        responses = tuple(
            response for response in data.responses if response.item_id == item.item_id and response.text
        )
        fits = hub.runner.has_inputs(item, inputs) and len(responses) >= min_responses
        if item_id == item.item_id or (item_id is None and fits):
            if not fits:
                raise SpecError(
                    "the item lacks an input or a response of the rubric", where="--item", value=item_id
                )
            return item, responses[:MOST_RESPONSES]
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
    """Run the gold cases beside a rubric. Exit with 1 if a case fails."""
    progress = choose_progress()
    options = hub.runner.JudgeOptions(
        rubric=name,
        model=model,
        mode=hub.specs.Mode(mode),
        engine=hub.engines.parse_engine(engine, where="--engine"),
        runs=runs,
    )
    try:
        run = hub.runner.run_gold(options, progress)
    finally:
        progress.stop()
    rows = hub.analysis.rows_of(hub.analysis.gold(hub.load(run)))
    print_rows(rows, as_json=as_json)
    failed = [row["case"] for row in rows if not row["passed"]]
    if failed:
        raise GateFailed(f"{len(failed)} of {len(rows)} gold cases failed: {', '.join(failed)}", where=name)


@judges.command("export")
def judges_export(
    run_names: RunNames = None,
    out: Annotated[Path, typer.Option(help="The new .jsonl file. Its manifest is written beside it.")] = (
        Path("training.jsonl")
    ),
    seed: Annotated[int, typer.Option(help="Seed of the dev clusters if a dataset has no split.")] = 0,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Export rationales and verdicts that the labels confirm, for training a judge."""
    names: list[str | None] = [*run_names] if run_names else [None]
    training = hub.analysis.training([hub.load(name, runs) for name in names], seed)
    manifest_path = hub.analysis.export_training(training, out)
    facts = {name: value for name, value in training.manifest.items() if name != "items"}
    if not as_json:
        facts["splits"] = [f"{dataset}: {split}" for dataset, split in facts["splits"].items()]
        facts["exclusions"] = [f"{count} {reason}" for reason, count in facts["exclusions"].items()]
    count = len(training.manifest["items"])
    print_fields(
        {"written": str(out), "manifest": str(manifest_path), **facts, "items": count}, as_json=as_json
    )
