"""ROUGE against the experts of SummEval, on its 8 systems: the published practice, number by number."""

import os
from typing import Any

import pytest
import yaml

from evalhub.analysis import Results, correlations, rows_of
from evalhub.specs import data_root

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


@pytest.fixture(scope="module")
def correlation_rows(shared_desk: Any) -> list[dict[str, Any]]:
    """The correlations of one run that scores the summaries against all references and against the first.

    The replies of the recorded judge are left out: no expected number depends on them.
    """
    settings = {"variants": [1, 2], "stemmer": True, "tokenizer": "rouge-score"}
    rouge = [{"rouge": {**settings, "id": name, "references": name}} for name in EXPECTED]
    card = yaml.safe_load((data_root() / "datasets" / "summeval.yaml").read_text(encoding="utf-8"))
    without_replies = {key: value for key, value in card.items() if key not in ("judges", "judgments")}
    del without_replies["files"]["replies"]
    with shared_desk() as desk, pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVALHUB_MIRROR", MIRROR)
        (desk.folder / "datasets" / "summeval.yaml").write_text(
            yaml.safe_dump(without_replies, sort_keys=False), encoding="utf-8"
        )
        desk.suite(yaml.safe_dump({"suite": "s", "datasets": [{"id": "summeval"}], "metrics": rouge}))
        return rows_of(correlations(Results(desk.run())))


@pytest.mark.parametrize("references", list(EXPECTED))
def test_rouge_against_the_experts(correlation_rows: list[dict[str, Any]], references: str) -> None:
    found = {
        (row["label_criterion"], row["second"], row["coefficient"]): row
        for row in correlation_rows
        if row["first"] == "labels" and row["granularity"] == "item" and row["annotator_kind"] == "human"
    }
    for metric, by_criterion in EXPECTED[references].items():
        name = f"{references}/{metric}"
        for criterion, expected in by_criterion.items():
            for coefficient, value in zip(("spearman", "kendall"), expected, strict=True):
                row = found[criterion, name, coefficient]
                assert row["estimate"] == pytest.approx(value, abs=0.002), (criterion, name, coefficient)
                assert row["groups"] == ARTICLES[criterion]
                assert row["n_excluded"] == 100 - ARTICLES[criterion]
                assert row["low"] < row["estimate"] < row["high"]


MIRROR = os.environ.get("EVALHUB_MIRROR", "")
