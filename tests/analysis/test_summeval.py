"""ROUGE against the experts of SummEval, on its 8 systems: the published practice, number by number."""

import os
from typing import Any

import pytest
import yaml

from evalhub.analysis import Results, correlations, rows_of

pytestmark = pytest.mark.skipif(
    "EVALHUB_MIRROR" not in os.environ, reason="needs EVALHUB_MIRROR: the labelled sets in shared/data"
)

# rouge-score 0.1.2, stemmer, F1; Spearman and Kendall within each article, averaged over the articles
EXPECTED = {
    "mean": {
        "rouge1": {"coherence": (0.190, 0.146), "consistency": (0.079, 0.065), "fluency": (0.076, 0.061),
                   "relevance": (0.302, 0.236)},
        "rouge2": {"coherence": (0.176, 0.137), "consistency": (0.077, 0.064), "fluency": (0.089, 0.072),
                   "relevance": (0.255, 0.197)},
    },
    "first": {
        "rouge1": {"coherence": (0.186, 0.143), "consistency": (0.098, 0.084), "fluency": (0.076, 0.061),
                   "relevance": (0.213, 0.173)},
    },
}  # fmt: skip
ARTICLES = {"coherence": 100, "consistency": 84, "fluency": 91, "relevance": 100}


@pytest.mark.parametrize("references", list(EXPECTED))
def test_rouge_against_the_experts(desk: Any, monkeypatch: pytest.MonkeyPatch, references: str) -> None:
    monkeypatch.setenv("EVALHUB_MIRROR", MIRROR)
    variants = [int(name.removeprefix("rouge")) for name in EXPECTED[references]]
    rouge = {"variants": variants, "stemmer": True, "references": references, "tokenizer": "rouge-score"}
    desk.suite(
        yaml.safe_dump({"suite": "s", "datasets": [{"id": "summeval"}], "metrics": [{"rouge": rouge}]})
    )
    done = desk.run()
    rows = rows_of(correlations(Results(done)))
    found = {
        (row["label_criterion"], row["second"], row["coefficient"]): row
        for row in rows
        if row["first"] == "labels" and row["granularity"] == "item" and row["annotator_kind"] == "human"
    }
    names = {name for _, name, _ in found}
    for metric, by_criterion in EXPECTED[references].items():
        (name,) = [one for one in names if one.lower().replace("-", "").startswith(metric)]
        for criterion, expected in by_criterion.items():
            for coefficient, value in zip(("spearman", "kendall"), expected, strict=True):
                row = found[criterion, name, coefficient]
                assert row["estimate"] == pytest.approx(value, abs=0.002), (criterion, name, coefficient)
                assert row["groups"] == ARTICLES[criterion]
                assert row["n_excluded"] == 100 - ARTICLES[criterion]
                assert row["low"] < row["estimate"] < row["high"]


MIRROR = os.environ.get("EVALHUB_MIRROR", "")
