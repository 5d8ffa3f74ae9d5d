"""ROUGE and people against people, on labelled sets whose correlations are published, number by number."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from evalhub.metrics import score_many
from evalhub.metrics.signature import RougeSignature, Variant
from evalhub.sources import consensus, load
from evalhub.specs import load_card
from evalhub.stats import Coefficient, Granularity, correlate
from evalhub.stats.correlation.coefficients import coefficient, rounded

pytestmark = pytest.mark.skipif(
    "EVALHUB_MIRROR" not in os.environ, reason="needs EVALHUB_MIRROR: the labelled sets in shared/data"
)

WITHIN = 0.002
COEFFICIENTS = {
    Coefficient.PEARSON: lambda x, y: stats.pearsonr(x, y).statistic,
    Coefficient.SPEARMAN: lambda x, y: stats.spearmanr(x, y).statistic,
    Coefficient.KENDALL: lambda x, y: stats.kendalltau(x, y).statistic,
}
SIGNATURES = {
    variant: RougeSignature(variant) for variant in (Variant.ROUGE_1, Variant.ROUGE_2, Variant.ROUGE_L)
}

# rouge-score 0.1.2, stemmer, F1, the reference summary; Spearman and Kendall within each dialogue, averaged
DIALOGUES = {
    Variant.ROUGE_1: {"coherence": (0.181, 0.145), "consistency": (0.170, 0.147), "fluency": (0.331, 0.266),
                      "relevance": (0.160, 0.137)},
    Variant.ROUGE_2: {"coherence": (0.177, 0.142), "consistency": (0.186, 0.148), "fluency": (0.316, 0.258),
                      "relevance": (0.170, 0.130)},
    Variant.ROUGE_L: {"coherence": (0.210, 0.170), "consistency": (0.137, 0.114), "fluency": (0.324, 0.260),
                      "relevance": (0.106, 0.083)},
}  # fmt: skip

# the same ROUGE; Pearson, Spearman and Kendall over all sentences
SENTENCES = {
    Variant.ROUGE_1: {"informativeness": (0.128, 0.129, 0.098), "naturalness": (0.100, 0.109, 0.081),
                      "overall": (0.027, 0.029, 0.021)},
    Variant.ROUGE_L: {"informativeness": (0.089, 0.097, 0.073), "naturalness": (0.092, 0.097, 0.071),
                      "overall": (0.011, 0.011, 0.008)},
}  # fmt: skip

# how much better the second of two answers scores, against how much better people find it: Pearson, Spearman
ANSWERS = {
    "rouge1": {"correctness": (0.439, 0.456), "completeness": (0.597, 0.575), "overall": (0.555, 0.560)},
    "rougeL": {"correctness": (0.438, 0.480), "completeness": (0.534, 0.560), "overall": (0.516, 0.562)},
    "length": {"correctness": (0.051, 0.064), "completeness": (0.364, 0.428), "overall": (0.213, 0.261)},
    "other annotator": {"correctness": (0.6367, 0.5919), "completeness": (0.7191, 0.6836),
                        "overall": (0.7009, 0.6889)},
}  # fmt: skip


class Table:
    """Rows of published and found numbers, printed and checked at once."""

    def __init__(self, title: str) -> None:
        self.lines = [title]
        self.worst = 0.0

    def add(self, name: str, published: float, found: float | None) -> None:
        assert found is not None, name
        self.worst = max(self.worst, abs(found - published))
        self.lines.append(f"{name:60} {published:7.4f} {found:8.5f} {found - published:+9.5f}")

    def check(self, rows: int) -> None:
        print("\n".join([*self.lines, f"worst of {len(self.lines) - 1}: {self.worst:.5f}"]))
        assert len(self.lines) - 1 == rows
        assert self.worst <= WITHIN


def rated(name: str, variants: Sequence[Variant]) -> pd.DataFrame:
    """Return one row per response that is no reference: its ROUGE, and people's mean of each criterion."""
    found = load(*load_card(name))
    references = {item.item_id: item.references for item in found.items}
    apart = found.card.reference_systems
    responses = [one for one in found.responses if one.system not in apart]
    columns = score_many(
        [one.text for one in responses],
        [references[one.item_id] for one in responses],
        [SIGNATURES[variant] for variant in variants],
    )
    frame = pd.DataFrame({"item": [r.item_id for r in responses], "system": [r.system for r in responses]})
    for variant, column in zip(variants, columns, strict=True):
        assert column.signature == f"rouge{variant}|m:f|stem:yes|tok:rouge-score|split:no|refs:mean|v:3"
        frame[variant] = column.values
    for criterion, spec in found.card.criteria.items():
        labels = [label for label in found.labels if label.criterion == criterion]
        means = {(label.item_id, label.system): label.value for label in consensus(labels, spec)}
        frame[criterion] = [means[key] for key in zip(frame["item"], frame["system"], strict=True)]
    return frame


def test_rouge_within_the_dialogues_of_dialsummeval() -> None:
    frame = rated("dialsummeval", list(DIALOGUES))
    assert len(frame) == 1300
    by_dialogue = frame.drop(columns="system").round(10).groupby("item")
    spreads = by_dialogue.max() - by_dialogue.min()
    table = Table("DialSummEval, within dialogues; published, found, difference")
    for variant, by_criterion in DIALOGUES.items():
        for criterion, expected in by_criterion.items():
            found = correlate(
                frame[criterion], frame[variant], items=frame["item"], systems=frame["system"],
                granularities=[Granularity.ITEM], coefficients=[Coefficient.SPEARMAN, Coefficient.KENDALL],
            )  # fmt: skip
            for one, published in zip(found, expected, strict=True):
                name = f"{SIGNATURES[variant]} {criterion} {one.coefficient}"
                table.add(name, published, one.estimate.estimate)
                # Dialogues where a column is constant, which pandas' nanmean leaves out.
                constant = spreads[[criterion, variant]].eq(0).any(axis=1).sum()
                assert (one.estimate.n, one.estimate.n_excluded) == (100 - constant, constant)
    table.check(24)


def test_rouge_over_the_sentences_of_sfres() -> None:
    frame = rated("sfres_data2text", list(SENTENCES))
    table = Table("SFRES, pooled; published, found, difference")
    for variant, by_criterion in SENTENCES.items():
        for criterion, expected in by_criterion.items():
            for kind, published in zip(COEFFICIENTS, expected, strict=True):
                x, y = frame[criterion], frame[variant]
                value = coefficient(kind, rounded(x.to_numpy(float)), rounded(y.to_numpy(float)))
                table.add(f"{SIGNATURES[variant]} {criterion} {kind}", published, value)
                assert (len(x), x.isna().sum() + y.isna().sum()) == (1181, 0)
                assert value == pytest.approx(COEFFICIENTS[kind](x, y.round(12)), abs=1e-8)
    table.check(18)


def test_rouge_length_and_people_on_the_answers_of_ragchecker() -> None:
    path = Path(os.environ["EVALHUB_MIRROR"]) / "ragchecker_meta" / "human_labeled_data.json"
    rows = pd.DataFrame(json.loads(path.read_text(encoding="utf-8")))
    rows["pair"] = [
        f"{one.dataset}/{one.query_id}/{one.model1['model_name']}/{one.model2['model_name']}"
        for one in rows.itertuples()
    ]
    pairs = rows.drop_duplicates("pair").set_index("pair").sort_index()
    assert (len(rows), len(pairs)) == (560, 280)
    texts = {side: [model["response"] for model in pairs[side]] for side in ("model1", "model2")}
    references = [[answer] for answer in pairs["gt_answer"]]
    wanted = [SIGNATURES[Variant.ROUGE_1], SIGNATURES[Variant.ROUGE_L]]
    first, second = (score_many(texts[side], references, wanted) for side in ("model1", "model2"))
    scores = {
        one.name: np.subtract(other.values, one.values) for one, other in zip(first, second, strict=True)
    }
    scores["length"] = np.array(
        [len(b) - len(a) for a, b in zip(texts["model1"], texts["model2"], strict=True)]
    )
    table = Table("RAGChecker, pooled; published, found, difference")
    for metric, by_criterion in ANSWERS.items():
        for criterion, expected in by_criterion.items():
            labels = rows.groupby("pair")[f"{criterion}_label"]
            x, y = labels.mean(), scores.get(metric)
            if y is None:
                x, y = labels.first(), labels.last()
            found = correlate(
                x, y, items=pairs["query_id"], systems=["second - first"] * 280,
                granularities=[Granularity.POOLED],
                coefficients=[Coefficient.PEARSON, Coefficient.SPEARMAN],
            )  # fmt: skip
            for one, published in zip(found, expected, strict=True):
                table.add(f"{metric} {criterion} {one.coefficient}", published, one.estimate.estimate)
                assert (one.estimate.n, one.estimate.n_excluded) == (280, 0)
    table.check(24)
