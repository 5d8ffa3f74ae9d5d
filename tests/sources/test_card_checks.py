"""Everything that is wrong in a card's records is refused with one sentence that says what and where.

Row 29: two records of the same ids, and a record without an id, are refused by name and row.
"""

from typing import Any

import pytest

from evalhub.errors import EvalhubError, SpecError, UnknownNameError
from evalhub.records import AnnotatorKind, FailureKind, digest
from evalhub.scales import Order, Winner
from evalhub.sources import load
from evalhub.specs import CriterionSpec, load_card

pytestmark = pytest.mark.usefixtures("near")

PAIR = "1 AS item_id, 'overall' AS criterion, 'k' AS system_a, 'm' AS system_b, 'human' AS annotator_kind"
POINT = "1 AS item_id, 'fluency' AS criterion, 'k' AS system, 'human' AS annotator_kind"
JUDGED = "1 AS item_id, 'overall' AS criterion, 'm' AS system_a, 'k' AS system_b, 'j' AS judge"


def refused(mini: Any, **changes: Any) -> str:
    with pytest.raises(EvalhubError) as excinfo:
        mini.load(**changes)
    sentence = str(excinfo.value)
    assert "\n" not in sentence
    assert sentence.endswith((".", "?"))
    assert excinfo.value.exit_code == 2
    return sentence


@pytest.mark.parametrize(
    ("items", "excerpt"),
    [
        ("SELECT prompt FROM q", "must return the column item_id"),
        ("SELECT id AS item_id, prompt, 1 AS clutser FROM q", "did you mean 'cluster'?"),
        ("SELECT id AS item_id, prompt, prompt FROM q", "returns a column twice, got 'prompt'"),
        (
            "SELECT id AS item_id, 5 AS prompt FROM q",
            "the column prompt has a value that is not allowed (item_id 1), got 5",
        ),
        (
            "SELECT id AS item_id, prompt, [1] AS refs FROM q",
            "the column refs has a value that is not allowed",
        ),
        ("SELECT id AS item_id, prompt, 'train' AS split FROM q", "got 'train'; allowed: dev, test"),
        (
            "SELECT 1 AS item_id, prompt FROM q",
            "two items have the same ids (dataset 'mini', item_id '1'), got 'rows 1, 2 of the SELECT'",
        ),
        ("SELECT id AS item_id, prompt FROM q WHERE false", "the SELECT returns no items"),
        ("SELECT NULL AS item_id, prompt FROM q", "the column item_id is NULL"),
        (
            "SELECT 'a b' AS item_id, prompt FROM q WHERE id = 1",
            "got 'a b'; allowed: 1 to 200 of the characters",
        ),
        ("SELECT repeat('x', 201) AS item_id, prompt FROM q WHERE id = 1", "1 to 200 of the characters"),
        (
            "SELECT '' AS item_id, prompt FROM q WHERE id = 1",
            "the column item_id has a value that is not allowed",
        ),
        ("SELECT id AS item_id, ['a', ' '] AS turns FROM q", "a turn is blank beside others"),
        ("SELECT id AS item_id, prompt, [prompt] AS turns FROM q", "both prompt and turns"),
        ("SELECT id AS item_id, ['a', 'b'] AS turns, ['x'] AS refs FROM q", "one for each turn"),
        ("SELECT id AS item_id, ['a', 'b'] AS turns, [['x']] AS refs FROM q", "refs has 1 lists for 2 turns"),
        ("SELECT id AS item_id, promt AS prompt FROM q", 'Candidate bindings: "prompt"'),
        ("SELECT id AS item_id FROM missing", "Table with name missing does not exist"),
        ("SELEC 1", "the SELECT cannot be read"),
        ("SELECT 1; SELECT 2", "exactly one SELECT, got '2 statements'"),
        ("  ", "exactly one SELECT, got '0 statements'"),
    ],
)
def test_items(mini: Any, items: str, excerpt: str) -> None:
    sentence = refused(mini, items=items, responses=None)
    assert excerpt in sentence
    assert sentence.startswith(f"{mini.path}:items: ")


@pytest.mark.parametrize(
    ("responses", "excerpt"),
    [
        ("SELECT id AS item_id, system FROM r", "neither text, turns nor chars (item_id '1'"),
        ("SELECT id AS item_id, 'm' AS system, text FROM r", "two responses have the same ids"),
        ("SELECT 9 AS item_id, 'm' AS system, 'x' AS text", "answers an item that `items` does not return"),
        (
            "SELECT 1 AS item_id, 'm' AS system, ['x', 'y'] AS turns",
            "system 'm'), got '2 turns'; allowed: at most 1",
        ),
        ("SELECT 1 AS item_id, 'my model' AS system, 'x' AS text", "rename it in the SELECT"),
        ("SELECT 1 AS item_id, 'm' AS system, -1 AS chars", "allowed: a whole number from 0"),
        ("SELECT 1 AS item_id, 'm' AS system, 'x' AS text, 1.5 AS sample", "allowed: a whole number from 0"),
    ],
)
def test_responses(mini: Any, responses: str, excerpt: str) -> None:
    sentence = refused(mini, responses=responses)
    assert excerpt in sentence
    assert sentence.startswith(f"{mini.path}:responses: ")


@pytest.mark.parametrize(
    ("labels", "excerpt"),
    [
        (f"SELECT {PAIR}", "a pairwise verdict is a winner"),
        (f"SELECT {PAIR}, 'c' AS winner", "got 'c'; allowed: a, tie, b"),
        (f"SELECT {PAIR}, 'm' AS winner", "got 'm'; allowed: a, tie, b"),
        (f"SELECT {PAIR}, 'a' AS winner, 1 AS value", "a pairwise verdict is a winner"),
        (f"SELECT {PAIR}, 'a' AS winner, 'aa' AS shown", "got 'aa'; allowed: ab, ba"),
        (f"SELECT {PAIR}, 'a' AS winner, 1.5 AS probability", "allowed: a number from 0 to 1"),
        (f"SELECT {PAIR.replace('overall', 'strict')}, 'tie' AS winner", "got 'tie'; allowed: a, b"),
        (f"SELECT {PAIR.replace('overall', 'overal')}, 'a' AS winner", "did you mean 'overall'?"),
        (f"SELECT {PAIR.replace('human', 'person')}, 'a' AS winner", "allowed: human, constructed, model"),
        (f"SELECT {PAIR.replace('1 AS', '9 AS')}, 'a' AS winner", "an item that `items` does not return"),
        (
            f"SELECT {PAIR.replace(chr(39) + 'k', chr(39) + 'z')}, 'a' AS winner",
            "item '1', system 'z', sample 0",
        ),
        (f"SELECT {PAIR}, 'a' AS winner, 3 AS sample", "system 'k', sample 3"),
        (
            f"SELECT {PAIR.replace(chr(39) + 'k', chr(39) + 'm')}, 'a' AS winner",
            "a system is paired with itself",
        ),
        (f"SELECT {PAIR}, 'm' AS system, 'a' AS winner", "compares system_a with system_b"),
        (
            f"SELECT {PAIR}, 'a' AS winner UNION ALL SELECT {PAIR}, 'b'",
            "two labels have the same ids",
        ),
        (f"SELECT {POINT}, 'a' AS winner", "a pointwise verdict is a value"),
        (f"SELECT {POINT}, 4 AS value", "got 4.0; allowed: 1, 2, 3"),
        (f"SELECT {POINT}, 2.5 AS value", "got 2.5; allowed: 1, 2, 3"),
        (f"SELECT {POINT}, 'nan'::DOUBLE AS value", "got nan; allowed: a finite number"),
        (f"SELECT {POINT}, 'inf'::DOUBLE AS value", "got inf; allowed: a finite number"),
        (f"SELECT {POINT}, true AS value", "allowed: a finite number"),
        (f"SELECT {POINT.replace('fluency', 'share')}, 1.01 AS value", "allowed: a number from 0 to 1"),
        (f"SELECT {POINT.replace('fluency', 'mean')}, 3.01 AS value", "allowed: 1, 2, 3"),
        (f"SELECT {POINT.replace('fluency', 'passes')}, 'maybe' AS value", "allowed: no, yes"),
        (f"SELECT {POINT.replace('AS system', 'AS system_a')}, 1 AS value", "rates one system"),
    ],
)
def test_labels(mini: Any, labels: str, excerpt: str) -> None:
    sentence = refused(mini, labels=labels)
    assert excerpt in sentence
    assert sentence.startswith(f"{mini.path}:labels: ")


@pytest.mark.parametrize(
    ("judgments", "excerpt"),
    [
        (f"SELECT {JUDGED}, 1.2 AS p_a", "allowed: a number from 0 to 1"),
        (f"SELECT {JUDGED}, 3 AS value", "one verdict of its criterion's kind"),
        (f"SELECT {JUDGED}, 'a' AS winner, 'parse' AS failure", "one failure or one verdict"),
        (f"SELECT {JUDGED}, 'lost' AS failure", "allowed: parse, ambiguous"),
        (f"SELECT {JUDGED}, 'a' AS winner, 'human' AS annotator", "unknown column"),
        (
            f"SELECT {JUDGED.replace(chr(39) + 'j', chr(39) + 'jj')}, 'a' AS winner",
            "unknown judge",
        ),
        (f"SELECT {JUDGED}, 'a' AS winner UNION ALL SELECT {JUDGED}, 'b'", "two judgments have the same"),
    ],
)
def test_judgments(mini: Any, judgments: str, excerpt: str) -> None:
    sentence = refused(mini, judgments=judgments, judges={"j": {}})
    assert excerpt in sentence
    assert sentence.startswith(f"{mini.path}:judgments: ")


def test_several_annotators_need_a_rule(mini: Any) -> None:
    two = f"SELECT {POINT}, x AS annotator, 1 AS value FROM (VALUES ('ann'), ('bob')) t(x)"
    sentence = refused(mini, labels=two)
    assert f"{mini.path}:criteria.fluency: several annotators" in sentence
    assert "rule for one label" in sentence


def test_truth_must_count_somebody(mini: Any) -> None:
    consensus = {"by": "mean", "annotators": "expert-*"}
    criteria = {"fluency": {"kind": "pointwise", "range": [1, 3], "consensus": consensus}}
    sentence = refused(mini, labels=f"SELECT {POINT}, 'crowd-1' AS annotator, 1 AS value", criteria=criteria)
    assert (
        "criteria.fluency.consensus.annotators: no annotator matches, got 'expert-*'; allowed: crowd-1"
        in sentence
    )


def test_reference_systems_must_answer(mini: Any) -> None:
    assert "did you mean" in refused(mini, reference_systems=["mm"])


def test_pairs_are_stored_in_bytewise_order(mini: Any) -> None:
    turned = PAIR.replace("'k' AS system_a, 'm' AS system_b", "'m' AS system_a, 'k' AS system_b")
    data = mini.load(
        labels=f"SELECT {turned}, 'a' AS winner, 'ab' AS shown",
        judgments=f"SELECT {JUDGED}, .75 AS p_a, 'ba' AS shown",
    )
    label, judgment = data.labels[0], data.judgments[0]
    assert (label.system_a, label.system_b, label.winner, label.shown) == ("k", "m", Winner.B, Order.BA)
    assert (judgment.system_a, judgment.p_a, judgment.winner, judgment.shown) == (
        "k",
        0.25,
        Winner.B,
        Order.AB,
    )
    assert judgment.response_hashes == (digest("k on 1")[:32], digest("m on 1")[:32])


def test_capitals_sort_before_small_letters(mini: Any) -> None:
    votes = f"SELECT {PAIR.replace(chr(39) + 'm', chr(39) + 'Z')}, 'a' AS winner"
    label = mini.load(responses=None, labels=votes).labels[0]
    assert (label.system_a, label.system_b, label.winner) == ("Z", "k", Winner.B)


def test_verdicts_of_recorded_judges(mini: Any) -> None:
    base = "1 AS item_id, 'fluency' AS criterion, 'k' AS system, 'j' AS judge"
    rows = "(0, 2, NULL, NULL), (1, 9, NULL, NULL), (2, NULL, 'Nice.', NULL), (3, NULL, NULL, 'refused')"
    data = mini.load(
        judgments=f"SELECT {base}, x.* FROM (VALUES {rows}) x(repeat, value, raw_text, failure)",
        judges={"j": {"range": [0, 5]}},
    )
    verdicts = [(judgment.value, judgment.failure, judgment.raw_text) for judgment in data.judgments]
    assert verdicts == [
        (2.0, None, None),
        (None, FailureKind.OFF_SCALE, None),
        (None, FailureKind.PARSE, "Nice."),
        (None, FailureKind.REFUSED, None),
    ]


@pytest.mark.parametrize(("p_a", "winner"), [(0.5, Winner.TIE), (0.5 + 2e-6, Winner.B), (0.4, Winner.A)])
def test_a_probability_names_the_winner(mini: Any, p_a: float, winner: Winner) -> None:
    assert mini.load(judgments=f"SELECT {JUDGED}, {p_a}::DOUBLE AS p_a").judgments[0].winner is winner


@pytest.mark.parametrize(("winner", "p_a"), [("a", 0.6), ("b", 0.4), ("tie", 0.5), ("tie", 0.5 + 1e-9)])
def test_a_winner_may_stand_beside_its_probability(mini: Any, winner: str, p_a: float) -> None:
    judgment = mini.load(judgments=f"SELECT {JUDGED}, '{winner}' AS winner, {p_a}::DOUBLE AS p_a").judgments[
        0
    ]
    assert judgment.p_a in (p_a, 1 - p_a)
    assert judgment.winner is Winner(winner).swapped()


@pytest.mark.parametrize(("winner", "p_a"), [("a", 0.4), ("b", 0.5), ("tie", 0.55), ("a", 0)])
def test_a_winner_that_contradicts_its_probability_is_refused(mini: Any, winner: str, p_a: float) -> None:
    sentence = rf"the winner contradicts p_a \(.*'winner {winner}, p_a {p_a:g}'.*give one of the two"
    with pytest.raises(SpecError, match=sentence):
        mini.load(judgments=f"SELECT {JUDGED}, '{winner}' AS winner, {p_a} AS p_a")


@pytest.mark.parametrize(
    ("criterion", "value", "stored"),
    [
        ("fluency", "2", 2.0),
        ("fluency", "'3'", 3.0),
        ("mean", "2.5", 2.5),
        ("passes", "'yes'", 1.0),
        ("share", ".25", 0.25),
    ],
)
def test_values(mini: Any, criterion: str, value: str, stored: float) -> None:
    labels = f"SELECT {POINT.replace('fluency', criterion)}, {value} AS value"
    assert mini.load(labels=labels).labels[0].value == stored


def test_what_is_left_out(mini: Any) -> None:
    data = mini.load(labels=f"SELECT {PAIR}, 'a' AS winner")
    label, response = data.labels[0], data.responses[0]
    assert (label.annotator, label.annotator_kind, label.sample, label.shown) == (
        "annotator", AnnotatorKind.HUMAN, 0, None,
    )  # fmt: skip
    assert (response.text, response.chars, response.families) == ("k on 1", 6, ("unknown",))
    assert [item.cluster for item in data.items] == ["1", "2"]


def test_lengths_without_texts(mini: Any) -> None:
    data = mini.load(responses="SELECT 1 AS item_id, 'm' AS system, 7 AS chars, ['gpt', 'llama'] AS family")
    (response,) = data.responses
    assert (response.text, response.sha256, response.chars) == (None, None, 7)
    assert response.families == ("gpt", "llama")


def test_turns(mini: Any) -> None:
    data = mini.load(
        items="SELECT 1 AS item_id, ['a', 'b'] AS turns, [['x', 'y'], []] AS refs",
        responses="SELECT 1 AS item_id, 'm' AS system, ['one', 'two'] AS turns",
    )
    assert data.items[0].refs == (("x", "y"), ())
    assert (data.responses[0].turns, data.responses[0].text) == (("one", "two"), "two")
    assert data.responses[0].chars == 6


def test_some_kinds(mini: Any) -> None:
    card = load_card(str(mini.write(labels=f"SELECT {PAIR}, 'a' AS winner")))
    assert load(*card, ["items"]).responses == ()
    assert len(load(*card, ["labels"]).responses) == 4
    with pytest.raises(UnknownNameError, match="did you mean 'labels'"):
        load(*card, ["label"])


def test_a_prompt_in_several_clusters_is_told(mini: Any) -> None:
    data = mini.load(items="SELECT id AS item_id, 'Same?' AS prompt FROM q")
    assert data.warnings == ("1 prompts are in more than one cluster: give such items one `cluster`",)


@pytest.mark.parametrize(
    "change", [{"id": "../mini"}, {"id": "a/../../b"}, {"id": "/etc"}, {"folder": "../m"}]
)
def test_an_id_stays_in_its_folder(mini: Any, change: dict[str, str]) -> None:
    with pytest.raises(SpecError, match="must not lead out of it"):
        mini.load(**change)


def test_pairwise_truth_is_by_majority(mini: Any) -> None:
    criteria = {"overall": {"kind": "pairwise", "levels": ["a", "b"], "consensus": {"by": "mean"}}}
    assert "by majority" in refused(mini, criteria=criteria)


@pytest.mark.parametrize("levels", [{1: "poor", 2.5: "fair", 10: "good"}, {"no": "fails", "yes": "passes"}])
def test_levels_survive_json(levels: dict[Any, str]) -> None:
    spec = CriterionSpec(kind="pointwise", levels=levels)
    again = CriterionSpec.model_validate_json(spec.model_dump_json())
    assert again == spec
    assert again.scale == spec.scale
    assert again.scale is not None
    assert again.scale.names == tuple(map(str, levels))


def test_several_votes_of_a_pair_become_one_by_majority(mini: Any) -> None:
    votes = f"SELECT {PAIR}, 'a' AS winner, unnest(['x', 'y']) AS annotator"
    assert refused(mini, labels=votes).endswith(
        "write a rule for one label into consensus, such as {by: majority}."
    )


@pytest.mark.parametrize("kind", ["items", "responses", "labels", "judgments", "scores"])
@pytest.mark.parametrize("blank", ["", " \n\t", "-- later"])
def test_a_blank_select_is_refused(mini: Any, kind: str, blank: str) -> None:
    criteria = {"overall": {"kind": "pairwise", "levels": ["a", "b"]}}
    sentence = refused(mini, criteria=criteria, **{kind: blank})
    assert f":{kind}: there must be exactly one SELECT, got '0 statements'" in sentence
