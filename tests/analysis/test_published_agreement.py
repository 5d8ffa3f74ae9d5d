"""How far the annotators of the labelled sets agree: the published numbers, and a second library's."""

import json
import os
from collections.abc import Sequence
from functools import cache
from itertools import combinations
from pathlib import Path

import krippendorff
import numpy as np
import pytest

from evalhub.records import Label
from evalhub.sources import Dataset, load
from evalhub.specs import load_card
from evalhub.stats.agreement.alpha import Measurement, krippendorff_alpha
from evalhub.stats.agreement.kappa import cohen_kappa
from evalhub.stats.estimate import Estimate

MIRROR = os.environ.get("EVALHUB_MIRROR", "")
pytestmark = pytest.mark.skipif(not MIRROR, reason="needs EVALHUB_MIRROR: the labelled sets in shared/data")

CRITERIA = ("coherence", "consistency", "fluency", "relevance")
DIALSUMMEVAL = dict(zip(CRITERIA, (0.553, 0.493, 0.134, 0.387), strict=True))


@cache
def data(name: str) -> Dataset:
    """Return a set with its labels. Verdicts of recorded judges are not read."""
    return load(*load_card(name), ("labels",))


def labels_of(name: str) -> tuple[Label, ...]:
    return tuple(data(name).labels)


@cache
def clusters_of(name: str) -> dict[str, str]:
    return {item.item_id: item.cluster or item.item_id for item in data(name).items}


def alpha(name: str, labels: Sequence[Label], measurement: Measurement) -> Estimate:
    """Return alpha with its interval, and hold it against the krippendorff package."""
    values = [label.value if label.winner is None else str(label.winner) for label in labels]
    units = [f"{label.item_id} {label.system or (label.system_a, label.system_b)}" for label in labels]
    raters = [label.annotator for label in labels]
    clusters = [clusters_of(name)[label.item_id] for label in labels]
    found = krippendorff_alpha(values, units, raters, clusters=clusters, measurement=measurement)
    assert found.estimate == pytest.approx(by_the_package(values, units, raters, measurement), abs=1e-8)
    return found


def by_the_package(
    values: Sequence, units: Sequence[str], raters: Sequence[str], measurement: Measurement
) -> float:
    places = [np.unique(ids, return_inverse=True)[1] for ids in (raters, units)]
    number = values if measurement is Measurement.INTERVAL else np.unique(values, return_inverse=True)[1]
    table = np.full((places[0].max() + 1, places[1].max() + 1), np.nan)
    table[places[0], places[1]] = number
    return krippendorff.alpha(reliability_data=table, level_of_measurement=measurement.value)


def show(name: str, found: Estimate) -> None:
    ends = found.reason if found.low is None else f"[{found.low:.3f}, {found.high:.3f}] {found.method}"
    print(f"{name}: {found.estimate:.4f} {ends}, n={found.n}, clusters={found.clusters}")


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize(("kind", "people"), [("expert", 3), ("crowd", 5)])
def test_summeval(kind: str, people: int, criterion: str) -> None:
    labels = [
        label
        for label in labels_of("summeval")
        if label.criterion == criterion and label.annotator.startswith(kind)
    ]
    assert len({label.annotator for label in labels}) == people
    found = alpha("summeval", labels, Measurement.INTERVAL)
    show(f"SummEval {kind} {criterion}, interval", found)
    assert (found.n, found.clusters) == (800, 100)
    assert found.reason or found.low < found.estimate < found.high


@pytest.mark.parametrize("criterion", CRITERIA)
def test_dialsummeval(criterion: str) -> None:
    labels = [label for label in labels_of("dialsummeval") if label.criterion == criterion]
    found = alpha("dialsummeval", labels, Measurement.INTERVAL)
    show(f"DialSummEval {criterion}, interval", found)
    assert found.estimate == pytest.approx(DIALSUMMEVAL[criterion], abs=0.001)
    assert (found.n, found.clusters) == (1400, 100)
    assert found.reason or found.low < found.estimate < found.high


def test_pandalm_alpha() -> None:
    found = alpha("pandalm", labels_of("pandalm"), Measurement.NOMINAL)
    show("PandaLM, nominal", found)
    assert found.estimate == pytest.approx(0.864, abs=0.001)
    assert (found.n, found.clusters) == (999, 170)
    assert found.low < found.estimate < found.high


def test_pandalm_kappas() -> None:
    by_person: dict[str, dict[str, str]] = {}
    for label in labels_of("pandalm"):
        by_person.setdefault(label.annotator, {})[label.item_id] = str(label.winner)
    items = sorted(next(iter(by_person.values())))
    clusters = [clusters_of("pandalm")[item] for item in items]
    kappas = []
    for first, second in combinations(sorted(by_person), 2):
        columns = [[by_person[person][item] for item in items] for person in (first, second)]
        found = cohen_kappa(*columns, clusters)
        show(f"PandaLM kappa of {first} and {second}", found)
        assert found.low < found.estimate < found.high
        kappas.append(found.estimate)
    assert sorted(kappas) == pytest.approx(sorted([0.852, 0.879, 0.862]), abs=0.001)


def test_qags() -> None:
    found_in = [Path(one) / "qags" / "mturk_cnndm.jsonl" for one in MIRROR.split(os.pathsep) if one]
    path = next((one for one in found_in if one.exists()), None)
    if path is None:
        pytest.skip("no qags/mturk_cnndm.jsonl in EVALHUB_MIRROR")
    rows = [
        (vote["response"], f"{article} {number}", str(place), str(article))
        for article, line in enumerate(path.read_text("utf-8").splitlines())
        for number, sentence in enumerate(json.loads(line)["summary_sentences"])
        for place, vote in enumerate(sentence["responses"])
    ]
    values, units, raters, clusters = zip(*rows, strict=True)
    found = krippendorff_alpha(values, units, raters, clusters=clusters, measurement=Measurement.NOMINAL)
    show("QAGS CNN/DM, nominal", found)
    assert found.estimate == pytest.approx(0.514, abs=0.001)
    assert found.estimate == pytest.approx(
        by_the_package(values, units, raters, Measurement.NOMINAL), abs=1e-8
    )
    assert (found.n, found.clusters) == (714, 235)
    assert found.low < found.estimate < found.high
