"""Row 31: a change of any field of a suite, a rubric or a card makes exactly its parts anew, and no other.

Whoever adds a field says here what it decides: a field without a row fails the test.
"""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from evalhub import runner
from evalhub.errors import SpecError
from evalhub.specs import Card, Rubric, Suite, locate, parse_rubric
from evalhub.specs.suite import Budget, Candidate, Controls, JudgeUse, Pairs, Price, SamplingSpec
from evalhub.specs.uses import DatasetUse

from ..conftest import CANDIDATE, PAIR, PAIR_JUDGE, RATE, RATE_JUDGE, scripted

SUITE: dict[str, Any] = {
    "suite": "s",
    "datasets": [{"id": "tiny", "dataset": "tiny", "limit": 3}],
    "candidates": [CANDIDATE | {"sampling": {"temperature": 0.5, "max_tokens": 12}}],
    "judges": [
        {
            **PAIR_JUDGE,
            "criteria": ["overall"],
            "mode": "explain",
            "samples": 2,
            "sampling": {"temperature": 0.5},
        },
        RATE_JUDGE,
        {**RATE_JUDGE, "id": "thinks", "mode": "think"},
    ],
    "metrics": ["length", {"rouge": {"variants": [1]}}],
    "controls": {},
    "budget": {},
}
NOTHING = frozenset[str]()
DATA, BOT, PW, PT = (frozenset({name}) for name in ("tiny", "bot", "pw", "pt"))
THINKS = frozenset({"thinks"})
JUDGES, SCORES = PW | PT | THINKS, frozenset({"length", "rouge"})
ANSWERS = BOT | JUDGES | SCORES
ALL = DATA | ANSWERS
OTHER = scripted(max_length=999)

# The path of a key of the suite, its new value, and the sources whose parts are made anew. What depends on
# answers that are not made yet is among them.
OF_SUITE: dict[str, tuple[Any, frozenset[str]]] = {
    "suite": ("other", NOTHING),
    "title": ("Another", NOTHING),
    "datasets": ([{"id": "tiny", "limit": 2}], ALL),
    "candidates": ([], JUDGES | SCORES),
    "judges": ([RATE_JUDGE], NOTHING),
    "juries": ([{"id": "both", "members": ["pw", "pw2"]}], frozenset({"pw2"})),
    "cascades": ([{"id": "c", "stages": ["pw"]}], NOTHING),
    "metrics": (["length", {"rouge": {"variants": [2]}}], frozenset({"rouge"})),
    "controls": ({"length_penalty": 0.5}, NOTHING),
    "gates": ([{"coverage": 0.5}], NOTHING),
    "budget": ({"judgments": 10_000}, NOTHING),
    "datasets.0.id": ("mine", ALL - DATA | {"mine"}),
    "datasets.0.dataset": (None, NOTHING),
    "datasets.0.limit": (2, ALL),
    "datasets.0.clusters": (2, ALL),
    "datasets.0.seed": (1, ALL),
    "datasets.0.split": ("dev", DATA),
    "datasets.0.tags": (["x"], DATA),
    "datasets.0.exclude_tags": (["y"], DATA),
    "candidates.0.id": ("bot2", ANSWERS - BOT | {"bot2"}),
    "candidates.0.model": ("another", ANSWERS),
    "candidates.0.engine": (OTHER, ANSWERS),
    "candidates.0.families": (["delta"], ANSWERS),
    "candidates.0.adapter": ("own", ANSWERS),
    "candidates.0.cutoff": ("2020-01", NOTHING),
    "candidates.0.sampling": ({"max_tokens": 6}, ANSWERS),
    "candidates.0.samples": (2, ANSWERS),
    "candidates.0.system_prompt": ("Be short.", ANSWERS),
    "candidates.0.think": ("none", ANSWERS),
    **{
        f"candidates.0.sampling.{name}": (value, ANSWERS)
        for name, value in {
            "temperature": 0.6, "top_p": 0.9, "top_k": 5, "max_tokens": 6, "seed": 4, "stop": ["x"],
        }.items()
    },
    "judges.0.id": ("pw2", frozenset({"pw2"})),
    "judges.0.model": ("another", PW),
    "judges.0.engine": (OTHER, PW),
    "judges.0.adapter": ("own", PW),
    "judges.0.families": (["delta"], PW),
    "judges.0.cutoff": ("2020-01", NOTHING),
    "judges.0.rubric": ("pair2", PW),
    "judges.0.protocol": ("reward", PW),
    "judges.0.mode": ("think", PW),
    "judges.0.positions": ("fixed", PW),
    "judges.0.criteria": (["second"], PW),
    "judges.0.label_criteria": ({"overall": "overall"}, NOTHING),
    "judges.0.pairs": ({"by": "baseline", "baseline": "k"}, PW),
    "judges.0.pairs.by": ("labelled", PW),
    "judges.0.pairs.baseline": ({"by": "baseline", "baseline": "m"}, PW),
    "judges.0.pairs.cap": (1, PW),
    "judges.0.sampling": ({"temperature": 0.6}, PW),
    **{
        f"judges.0.sampling.{name}": (value, PW)
        for name, value in {
            "temperature": 0.6, "top_p": 0.9, "top_k": 5, "max_tokens": 6, "seed": 4, "stop": ["x"],
        }.items()
    },
    "judges.0.samples": (3, PW),
    "judges.0.combine": ("vote", PW),
    "judges.0.rationale_tokens": (19, PW),
    "judges.2.think_tokens": (500, THINKS),
    "judges.2.think_extensions": (1, THINKS),
    "judges.0.seed": (2, PW),
    "controls.cross_family": ("allow", JUDGES),
    "controls.length_penalty": (0.5, NOTHING),
    "controls.min_coverage": (0.5, NOTHING),
    "controls.min_choice_mass": (0.01, JUDGES),
    "calibration": (["tiny"], NOTHING),
    "candidates.0.price": ({"prompt": 1, "completion": 1}, NOTHING),
    "judges.0.price": ({"prompt": 1, "completion": 1}, NOTHING),
    **{
        f"judges.0.price.{name}": ({"prompt": 1, "completion": 1, name: 0.5}, NOTHING)
        for name in ("prompt", "completion", "cached", "batch")
    },
    "budget.judgments": (10_000, NOTHING),
    "budget.tokens": (10_000, NOTHING),
    "budget.minutes": (10, NOTHING),
    "budget.cost": (10, NOTHING),
    "budget.early_stopping": (0.9, JUDGES),
}  # fmt: skip
MODELS: dict[str, type[BaseModel]] = {
    "": Suite, "datasets.0.": DatasetUse, "candidates.0.": Candidate,
    "candidates.0.sampling.": SamplingSpec,
    "judges.0.": JudgeUse, "judges.0.pairs.": Pairs, "judges.0.sampling.": SamplingSpec,
    "judges.0.price.": Price,
    "controls.": Controls,
    "budget.": Budget,
}  # fmt: skip

# What replaces what in the rubric of pw, by the field that it changes.
OF_RUBRIC: dict[str, tuple[str, str, frozenset[str]]] = {
    "id": ("id: pair", "id: other", PW),
    "version": ("version: 1", "version: 2", PW),
    "protocol": ("protocol: pairwise", "protocol: swap", PW),
    "inputs": ("[question, response_a", "[question, reference, response_a", PW),
    "criteria": ("The better answer.", "The longer answer.", PW),
    "ties": ("ties: false", "ties: true", PW),
    "source": ("version: 1", "version: 1\nsource: a paper", NOTHING),
    "title": ("version: 1", "version: 1\ntitle: Another", NOTHING),
    "system": ("## User", "## System\nBe just.\n## User", PW),
    "user": ("First response:", "Response one:", PW),
}
# And in the rubric of pt.
OF_RATING: dict[str, tuple[str, str, frozenset[str]]] = {
    "scale": ("2: fair", "2: so so", PT | THINKS),
    "answer": ("version: 1", "version: 1\nanswer: letters", PT | THINKS),
    "weights": ("protocol: pointwise", "protocol: checklist\nweights: {quality: 2}", PT | THINKS),
}
# And in the rubric `reward`, by the hash of the rubric.
OF_REWARD = {
    "verdict": ("verdict: pairwise", "verdict: pointwise"),
    "assistant": ("## Assistant\n{{response}}", "{{response}}"),
}
# The keys of the card with their new values.
OF_CARD: dict[str, tuple[Any, frozenset[str]]] = {
    "id": ("tiny2", ALL),
    "title": ("Another", DATA),
    "licence": ("MIT", DATA),
    "source": ("elsewhere", DATA),
    "released": ("2024-01-02", DATA),
    "note": ("A note.", DATA),
    "anonymous": (True, DATA | JUDGES),
    "reference_systems": (["m"], DATA | SCORES),
    "criteria": ({"overall": {"kind": "pairwise", "levels": ["a", "b"]}}, DATA),
    "judges": ({"j": {"family": "gamma"}}, DATA),
    "metrics": ({"x": {"higher_is_better": False}}, DATA),
    "version": (2, DATA),
    "url": ("http://127.0.0.1/x", DATA),
    "folder": ("tiny", NOTHING),
    "think": ("none", DATA),
    "files": ("another response", DATA | JUDGES | SCORES),
    "views": ({"v": "SELECT 1 AS one"}, DATA),
    "items": ("SELECT item_id, prompt || '!' AS prompt, refs FROM items", DATA | BOT | JUDGES | SCORES),
    "responses": (
        "SELECT item_id, system, family, upper(text) AS text FROM responses", DATA | JUDGES | SCORES,
    ),
    "labels": (
        "SELECT * EXCLUDE (file, line, winner), 'b' AS winner, 'human' AS annotator_kind FROM labels", DATA,
    ),
    "judgments": ("SELECT item_id, 'overall' AS criterion, 'k' AS system_a, 'm' AS system_b, 'a' AS winner, "
                  "'j' AS judge FROM items", DATA),
    "scores": ("SELECT item_id, 'k' AS system, 'x' AS metric, 1.0 AS value FROM items", DATA),
    "clip": ([-1, 1], DATA),
}  # fmt: skip
LABELS = [
    {"item_id": f"i{n:03}", "criterion": "overall", "system_a": "k", "system_b": "m", "winner": "a",
     "annotator": "someone"}
    for n in range(4)
]  # fmt: skip
PAIR_WITH_TWO = PAIR.replace("{overall: The better answer.}", "{overall: The better answer., second: Short.}")
PAIR_WITH_TWO = PAIR_WITH_TWO.replace("## User\n", "## User\n{{criterion}}\n")


@pytest.fixture(scope="module")
def night(shared_desk: Any) -> Iterator[Any]:
    with shared_desk() as desk:
        write(desk)
        desk.run()
        yield desk


def write(desk: Any) -> None:
    """Write everything as it was on the first night."""
    items = [
        {"item_id": f"i{n:03}", "prompt": f"What is {n} plus {n}?", "refs": [f"It is {2 * n}"]}
        for n in range(4)
    ]
    criteria = "[{'text': 'It is right.', 'points': 1}] AS criteria"
    tagged = f"SELECT item_id, prompt, refs, ['x'] AS tags, 'dev' AS split, {criteria} FROM items"
    desk.dataset(items=items, labels=LABELS, card={"items": tagged})
    desk.rubric("pair", PAIR_WITH_TWO)
    desk.rubric("pair2", PAIR_WITH_TWO.replace("id: pair", "id: pair2"))
    desk.rubric("rate", RATE)
    desk.suite(**SUITE)


def sources_made_anew(desk: Any) -> set[str]:
    """Return the sources of the steps of the suite that no run has made."""
    prepared = runner.prepare("s", runner.Options(runs=desk.runs))
    return {state.source for state in prepared.states if state.stored is None}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the suite with another value at a path."""
    suite = copy.deepcopy(SUITE)
    place: Any = suite
    *parents, name = path.split(".")
    if path == "judges.0.pairs.baseline" or path.startswith("judges.0.price."):
        *parents, name = parents
    for parent in parents:
        place = place[int(parent)] if parent.isdigit() else place.setdefault(parent, {})
    place[name] = value
    if path == "judges.0.protocol":
        keys = ("id", "model", "engine", "families", "pairs")
        judge = suite["judges"][0]
        suite["judges"][0] = {**{key: judge[key] for key in keys if key in judge}, "protocol": value}
    if path == "juries":
        suite["judges"].append({**suite["judges"][0], "id": "pw2", "model": "another"})
    return suite


@pytest.mark.parametrize("path", OF_SUITE)
def test_of_a_suite(night: Any, path: str) -> None:
    value, expected = OF_SUITE[path]
    write(night)
    assert sources_made_anew(night) == set()
    night.suite(**changed(path, value))
    if path == "judges.0.sampling.max_tokens":
        with pytest.raises(SpecError, match="use rationale_tokens"):
            sources_made_anew(night)
        return
    if path.endswith(".adapter"):
        # It is a part of the model's hash, which tests/models/test_adapters.py holds.
        with pytest.raises(SpecError, match="adds no adapter"):
            sources_made_anew(night)
        return
    assert sources_made_anew(night) == expected


@pytest.mark.parametrize("field", [*OF_RUBRIC, *OF_RATING])
def test_of_a_rubric(night: Any, field: str) -> None:
    write(night)
    is_pair = field in OF_RUBRIC
    old, new, expected = (OF_RUBRIC if is_pair else OF_RATING)[field]
    text = PAIR_WITH_TWO if is_pair else RATE
    assert old in text
    text = text.replace(old, new)
    if field == "inputs":
        text = text.replace("First response:", "{{reference}}\nFirst response:")
    if field == "weights":
        text = text.replace("scale: {1: wrong, 2: fair, 3: right}\n", "").replace("Levels:\n{{scale}}\n", "")
    night.rubric("pair" if is_pair else "rate", text.replace("version: 1", "version: 7"))
    if field in ("source", "title"):
        night.rubric("pair", text)
    assert sources_made_anew(night) == expected


@pytest.mark.parametrize("field", OF_REWARD)
def test_of_a_rubric_of_rewards(field: str) -> None:
    text = locate("judges", "reward").read_text()
    old, new = OF_REWARD[field]
    assert old in text
    assert parse_rubric(text.replace(old, new), "reward").hash != parse_rubric(text, "reward").hash


@pytest.mark.parametrize("key", OF_CARD)
def test_of_a_card(night: Any, key: str) -> None:
    value, expected = OF_CARD[key]
    write(night)
    path = night.folder / "datasets" / "tiny.yaml"
    if key == "files":
        rows = [
            {"item_id": f"i{n:03}", "system": system, "family": "alpha", "text": f"{value} {n}"}
            for n in range(4)
            for system in "km"
        ]
        night.dataset(
            responses=rows, labels=LABELS, card={"items": yaml.safe_load(path.read_text())["items"]}
        )
    else:
        card = yaml.safe_load(path.read_text()) | {key: value}
        if key == "metrics":
            card["scores"] = OF_CARD["scores"][0]
        if key == "id":
            card["folder"] = "tiny"
        path.write_text(yaml.safe_dump(card, sort_keys=False))
    assert sources_made_anew(night) == expected


def test_every_field_has_a_row() -> None:
    for prefix, model in MODELS.items():
        paths = {path.replace("judges.2.", "judges.0.") for path in OF_SUITE}
        assert {f"{prefix}{name}" for name in model.model_fields} <= paths
    assert {*OF_RUBRIC, *OF_RATING, *OF_REWARD} == Rubric.model_fields.keys()
    assert OF_CARD.keys() == Card.model_fields.keys()
