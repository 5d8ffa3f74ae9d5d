"""Metrics of a run know each item's language, and count every script that a dataset holds."""

from typing import Any

import pytest

from evalhub.analysis import Results

NUMBER = {"exact_match": {"normalizer": "number"}}


def scores(desk: Any, answers: dict[str, tuple[str | None, str, str]], metric: object) -> Any:
    """Return the scores of answers (language, reference, text) by item."""
    languages = " ".join(f"WHEN '{item}' THEN '{lang}'" for item, (lang, _, _) in answers.items() if lang)
    desk.dataset(
        items=[
            {"item_id": item, "prompt": f"{item}?", "refs": [ref]} for item, (_, ref, _) in answers.items()
        ],
        responses=[
            {"item_id": item, "system": "k", "family": "alpha", "text": text}
            for item, (_, _, text) in answers.items()
        ],
        card={
            "items": "SELECT item_id, prompt, refs, item_id AS cluster, "
            f"CASE item_id {languages or 'WHEN NULL THEN NULL'} END AS lang FROM items"
        },
    )
    desk.suite(judges=[], metrics=[metric])
    return Results(desk.run()).scores().set_index("item_id")


def test_a_number_is_read_as_the_card_says_the_item_is_written(desk: Any) -> None:
    rows = scores(
        desk,
        {
            "de": ("de", "#### 7300", "Das macht 7.300 Euro."),
            "en": ("en", "#### 7300", "It is 7.300."),
            "fr": ("fr-FR", "#### 7.3", "Cela fait 7,3 %."),
            "open": (None, "#### 7300", "It is 7.300."),
            "plain": (None, "#### 7300", r"It is $7{,}300$."),
        },
        NUMBER,
    )
    assert rows["value"].drop("open").to_dict() == {"de": 1.0, "en": 0.0, "fr": 1.0, "plain": 1.0}
    assert "two ways" in rows["reason"]["open"]
    assert rows["reason"].drop("open").isna().all()


@pytest.mark.parametrize(
    "text", ["รถไฟมาช้า", "Поезд опоздал", "火车晚点", "ट्रेन देर से आई", "tàu đến muộn ở ga"]
)
def test_a_rare_script_is_counted(desk: Any, text: str) -> None:
    english = {
        f"i{n:02}": ("en", f"The late train number {n} came to the station", f"The train {n} came")
        for n in range(58)
    }
    rows = scores(
        desk,
        english | {"x": (None, text, text), "y": (None, f"{text}!", text)},
        {"rouge": {"variants": [1, "L"]}},
    )
    assert set(rows.loc[["x", "y"], "value"]) == {1.0}
    assert rows["signature"].str.contains("tok:unicode").all()
    # 4 of the candidate's 4 words and of the reference's 9.
    assert rows.loc["i07", "value"].tolist() == pytest.approx([8 / 13, 8 / 13])


def test_a_tokenizer_that_was_asked_for_says_what_it_cannot_count(desk: Any) -> None:
    answers = {"e": ("en", "the late train", "the late train"), "x": ("th", "รถไฟมาช้า", "รถไฟมาช้า")}
    rows = scores(desk, answers, {"rouge": {"variants": [1], "tokenizer": "rouge-score"}})
    assert rows["value"]["e"] == 1.0
    assert rows["value"].isna()["x"]
    assert "take tokenizer unicode" in rows["reason"]["x"]
