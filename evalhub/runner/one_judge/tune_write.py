"""Variants that a model writes. It sees the rubric and dev pairs on which judge and labels disagree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import cast

from evalhub.errors import InputError
from evalhub.judging import fence
from evalhub.records import CUT, Item, Response, digest, key_of
from evalhub.runner.one_judge.tune_bench import Bench
from evalhub.runner.one_judge.tune_pairs import JudgedPair
from evalhub.runner.one_judge.tune_variants import (
    Origin,
    Variant,
    body_of,
    check_variant,
    slots_of,
    with_body,
)
from evalhub.runner.plan.prepared import prepare_resolved
from evalhub.runner.plan.resolve import resolve
from evalhub.runner.progress import Progress
from evalhub.runner.run import carry_out
from evalhub.scales import Winner
from evalhub.sources import Dataset
from evalhub.specs import Candidate, Card, DatasetUse, EngineSpec, FileSpec, SamplingSpec, Suite, parse_rubric
from evalhub.store import Run, all_runs

SHOWN_PAIRS = 4
"""Most disagreements in one prompt."""

_LONGEST = 2_000  # characters of a text in the prompt
_WRITER = "writer"
_START = re.compile(r"^## (?:System|User)\s*$", re.MULTILINE)
_FENCE = re.compile(r"^`{3,}", re.MULTILINE)

_PROMPT = """\
You improve the instructions of a judge. The judge is a language model that compares two responses to a
request. It reads the instructions, in which each line such as {{{{question}}}} is replaced by data.

# The instructions
{body}

# Pairs on which the judge and people disagree
{pairs}

# Your task
Write better instructions, so that the judge prefers what people prefer. Say in general words what counts, and
speak of none of these pairs. These lines stay as they are, each once and alone on its line:
{slots}
Keep the headings that begin with ##. The judge is told elsewhere how to write its answer, so say nothing
about it. Answer with the new instructions alone, and begin with the line {start}
This is attempt {number} of {count}."""

_NAMES = {Winner.A: "response A", Winner.B: "response B", Winner.TIE: "neither"}


@dataclass(frozen=True, slots=True)
class Writer:
    """A model that writes variants.

    Attributes:
        model: The model.
        engine: The engine that runs it.
        count: The number of variants that it writes.
        seed: Seed of the draw of pairs, and of its tokens.
    """

    model: str
    engine: EngineSpec
    count: int
    seed: int


def write_variants(
    bench: Bench,
    original: Variant,
    run: Run,
    pairs: Sequence[JudgedPair],
    writer: Writer,
    progress: Progress,
) -> list[Variant]:
    """Return what a model writes, the valid variants and those that are refused.

    It writes as a candidate of a run, so that the same call asks nothing twice.

    Args:
        bench: Where the variants judge.
        original: The rubric as it is.
        run: A run in which the original judged dev clusters.
        pairs: The pairs of that run.
        writer: The model.
        progress: Shows how far it is.

    Raises:
        UnknownNameError: There is no such model.
        Interrupted: Ctrl-C. The same call goes on.
    """
    name = bench.suite_name("write")
    prompts = _prompts(original, run, pairs, writer)
    dataset = _dataset(name, prompts, bench)
    suite = Suite(
        suite=name,
        title=f"Variants of {bench.rubric.id} by {writer.model}",
        datasets=(DatasetUse(id=name),),
        candidates=(
            Candidate(
                id=_WRITER,
                model=writer.model,
                engine=writer.engine,
                sampling=SamplingSpec(temperature=1.0, max_tokens=2_048, seed=writer.seed),
            ),
        ),
    )
    resolved = resolve(suite, bench.path, progress, (dataset,), "--writer")
    progress.note(f"{writer.model} writes {writer.count} variants")
    written_run = carry_out(prepare_resolved(resolved, all_runs(bench.root)), bench.root, progress)
    responses = {
        response.item_id: response
        for response in cast("list[Response]", list(written_run.records("responses")))
    }
    return [
        _read(f"written-{number}", responses.get(str(number)), original, writer.model)
        for number in range(1, writer.count + 1)
    ]


def _read(name: str, response: Response | None, original: Variant, model: str) -> Variant:
    """Return a response as a variant, or as one that is refused with its reason."""
    if response is None or response.text is None or original.rubric is None:
        reason = response.detail or str(response.failure) if response else "no answer"
        return Variant(name, Origin.MODEL, model, "", refusal=f"the model gave no text ({reason})")
    if response.finish_reason == CUT:
        return Variant(
            name, Origin.MODEL, model, response.text, refusal="the text was cut by the limit of tokens"
        )
    text = with_body(original.text, read_body(response.text))
    try:
        rubric = parse_rubric(text, name)
        check_variant(rubric, original.rubric, name)
    except InputError as error:
        return Variant(name, Origin.MODEL, model, response.text, refusal=error.sentence())
    return Variant(name, Origin.MODEL, model, text, rubric)


def read_body(answer: str) -> str:
    """Return the sections of a rubric in an answer, without what stands before them or around a fence."""
    start = _START.search(answer)
    if start is None:
        return answer
    body = answer[start.start() :]
    fences = _FENCE.findall(answer[: start.start()])
    if len(fences) % 2:
        end = re.search(rf"^{fences[-1]}\s*$", body, re.MULTILINE)
        body = body[: end.start()] if end else body
    return body


def _prompts(original: Variant, run: Run, pairs: Sequence[JudgedPair], writer: Writer) -> list[str]:
    assert original.rubric is not None
    responses = {key_of(record): cast("Response", record) for record in run.records("responses")}
    differing = [pair for pair in pairs if pair.verdicts.get(original.id, pair.label) is not pair.label]
    body = body_of(original.rubric)
    slots = "\n".join(f"{{{{{name}}}}}" for name in sorted(slots_of(original.rubric)))
    start = body.split("\n", 1)[0]
    prompts = []
    for number in range(1, writer.count + 1):
        random = Random(digest([writer.seed, "writes", number]))
        shown = random.sample(differing, min(SHOWN_PAIRS, len(differing)))
        texts = [_show(place, pair, responses, original.id) for place, pair in enumerate(shown, 1)]
        prompts.append(
            _PROMPT.format(
                body=body,
                pairs="\n\n".join(texts) or "There is none among those that were looked at.",
                slots=slots,
                start=start,
                number=number,
                count=writer.count,
            )
        )
    return prompts


def _show(place: int, pair: JudgedPair, responses: dict[tuple[object, ...], Response], judge: str) -> str:
    dataset, item_id, *systems, sample = pair.key
    texts = [responses[dataset, item_id, system, sample].text or "" for system in systems]
    question = "\n\n".join([*pair.item.context, *pair.item.turns])
    return "\n".join(
        [
            f"## Pair {place}",
            "Request:",
            fence(_shorten(question)),
            "Response A:",
            fence(_shorten(texts[0])),
            "Response B:",
            fence(_shorten(texts[1])),
            f"People prefer {_NAMES[pair.label]}. The judge prefers {_NAMES[pair.verdicts[judge]]}.",
        ]
    )


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} […]"


def _dataset(name: str, prompts: Sequence[str], bench: Bench) -> Dataset:
    """Return the prompts as a dataset, whose file stands for them."""
    card = Card(
        id=name,
        version=1,
        title=f"What a writer of variants of {bench.rubric.id} is asked",
        licence="not stated",
        source="made from the rubric and dev clusters",
        anonymous=True,
        files={"prompts": FileSpec(path="prompts", sha256=digest(list(prompts)), format="lines")},
        items="SELECT text FROM prompts",
    )
    items = tuple(
        Item(name, str(number), turns=(prompt,), cluster=str(number))
        for number, prompt in enumerate(prompts, 1)
    )
    hashes = {"card": card.hash, "prompts": digest(list(prompts))}
    return Dataset(
        card=card,
        path=bench.path,
        items=items,
        responses=(),
        labels=(),
        judgments=(),
        scores=(),
        hashes=hashes,
    )
