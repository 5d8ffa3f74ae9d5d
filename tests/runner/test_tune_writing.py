"""`judges tune`: variants that a model writes, and the winner that is written."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from evalhub.errors import InputError
from evalhub.runner import tune
from evalhub.specs import EngineSpec, load_rubric, parse_rubric
from tests.runner.tune_bench import (
    BAD,
    EQUAL,
    GOOD,
    RULES,
    halves,
    item,
    label,
    labelled,
    named,
    options,
    statuses,
    words,
)

from ..conftest import PAIR

__all__ = ["labelled"]


def writing(*texts: str) -> list[dict[str, Any]]:
    return [
        {"match": rf"(?s)You improve.*This is attempt {number} of", "text": text}
        for number, text in enumerate(texts, 1)
    ]


def body(text: str) -> str:
    return words(text).split("---\n")[2]


def test_a_written_variant_can_win_and_invalid_ones_are_shown_with_their_reasons(labelled: Any) -> None:
    texts = (
        f"Here you are:\n```markdown\n{body(GOOD)}```\nI hope that this helps.",
        "Just be better at it.",
        body(EQUAL).replace("{{response_b}}", "the second"),
        body(GOOD),
        PAIR,
    )
    tuned = tune(options(labelled, writer="w", writes=5, rules=[*writing(*texts), *RULES]))
    status = statuses(tuned)
    assert tuned.winner == "written-1"
    assert tuned.outcomes[1].variant.text == words(GOOD)
    assert re.match("refused: .*(outside a section|section '## User' is missing)", status["written-2"])
    assert re.match("refused: .*response_b", status["written-3"])
    assert status["written-4"] == "duplicate of written-1"
    assert status["written-5"] == "duplicate of original"


def test_the_writer_sees_dev_clusters_alone(labelled: Any) -> None:
    texts = (body(GOOD), body(EQUAL), body(BAD))
    tune(options(labelled, "equal", writer="w", writes=3, rules=[*writing(*texts), *RULES]))
    (run,) = named(labelled, "tune-write-pair")
    prompts = [record.turns[0] for record in run.records("items")]
    assert len(prompts) == 3
    dev, test = halves()
    seen = {n for prompt in prompts for n in map(int, re.findall(r"question, number (\d+)\?", prompt))}
    assert seen
    assert seen <= {n for n in dev if n % 3 == 0}  # those on which judge and labels differ
    for n in test:
        assert not any(f"number {n}?" in prompt or f"says {n}\n" in prompt for prompt in prompts)
    assert all("People prefer response A. The judge prefers response B." in prompt for prompt in prompts)
    assert all("{{response_a}}" in prompt for prompt in prompts)


def test_what_the_writer_read_does_not_count(labelled: Any) -> None:
    """The rubric is wrong on the pairs that the writer sees, so variants seem better there by choice."""
    tuned = tune(options(labelled, "bad", writer="w", writes=1, rules=[*writing(body(GOOD)), *RULES]))
    assert tuned.race is not None
    assert tuned.race.read_clusters == 16
    assert tuned.race.rounds[0] == 32
    measured = {outcome.variant.id: outcome.measured for outcome in tuned.outcomes}
    written = measured["written-1"]
    assert written is not None
    assert written.accuracy.clusters == tuned.race.rounds[-1] - 16
    bad = measured["person-1"]
    assert bad is not None
    assert bad.accuracy.clusters == 16


def test_labels_that_do_not_suffice_for_writer_and_race_are_refused(labelled: Any) -> None:
    labelled.dataset(items=[item(n) for n in range(5, 9)], labels=[label(n) for n in range(5, 9)])
    with pytest.raises(InputError, match="compared on others"):
        tune(options(labelled, writer="w", writes=1, rules=[*writing(body(GOOD)), *RULES]))


def test_a_writer_that_gives_no_text_is_counted(labelled: Any) -> None:
    engine = EngineSpec(type="scripted", script={"max_length": 5})
    tuned = tune(options(labelled, "good", writer="w", writes=2, writer_engine=engine))
    assert statuses(tuned)["written-1"].startswith("refused: the model gave no text")
    assert tuned.winner == "person-1"


# The file of the winner


def test_the_winner_is_written_as_the_next_version_of_the_rubric(labelled: Any) -> None:
    text = words(GOOD).replace("id: pair", "id: 'good'  # mine").replace("version: 1", "version: 5")
    labelled.rubric("good", text)
    out = labelled.folder / "judges" / "pair-2.md"
    tuned = tune(options(labelled, "good", out=out))
    assert (tuned.file, tuned.version) == (out, 2)
    rubric = load_rubric(str(out))
    assert (rubric.id, rubric.version) == ("pair", 2)
    assert rubric.user == parse_rubric(text, "good").user
    assert "# mine" in out.read_text()


def test_nothing_is_written_where_the_original_stays(labelled: Any) -> None:
    out = labelled.folder / "pair-2.md"
    tuned = tune(options(labelled, "equal", out=out))
    assert tuned.file is None
    assert not out.exists()


def test_variants_do_not_stand_in_the_way_of_the_rubric(labelled: Any) -> None:
    """A variant with the id and version of the rubric makes no text that the rubric contradicts."""
    tune(options(labelled, "good"))
    assert tune(options(labelled, "equal")).winner == "original"


# The command


def test_the_command_prints_variants_and_what_is_shown(labelled: Any, cli: Callable[..., Any]) -> None:
    engine = json.dumps({"type": "scripted", "script": {"rules": RULES}})
    arguments = (
        "judges", "tune", "pair", "--model", "j", "--on", "s", "--variant", "good", "--variant", "bad",
        "--engine", engine, "--first", "16", "--runs", str(labelled.runs),
    )  # fmt: skip
    output = cli(*arguments)
    assert output.code == 0, output
    assert "person-1 is better than the original on test clusters that no choice has seen" in output.out
    assert "The dev accuracy of person-1 is optimistic: it is the best of 3" in output.out
    assert "stopped after 16 clusters" in output.out
    values = json.loads(cli(*arguments, "--json").out)
    assert values["winner"] == "person-1"
    assert values["test"]["is_better"] is True
    assert [variant["origin"] for variant in values["variants"]] == ["original", "person", "person"]
    equal = cli(*[word if word != "good" else "equal" for word in arguments])
    assert "No variant is better than the original on dev clusters" in equal.out
