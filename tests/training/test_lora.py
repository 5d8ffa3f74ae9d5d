"""LoRA factors learn the verdict token of both orders of a pair."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from evalhub.errors import InputError, ModelError
from evalhub.models import TRAINING, ResolvedModel, hide_broken_media, resolve
from evalhub.training import (
    AdapterFacts,
    LoraFit,
    LoraOptions,
    PairPrompts,
    check_training_packages,
    fit_lora,
    lora,
    write_adapter,
)
from tests.drawn_model import write_drawn_model

hide_broken_media()
pytest.importorskip("peft")

GOOD, BAD, FIRST, SECOND = 50, 60, 2, 3
QUICK = LoraOptions(rank=8, epochs=6, learning_rate=1e-2, batch=4, looks=1)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> ResolvedModel:
    hide_broken_media()
    return resolve(str(write_drawn_model(tmp_path_factory.mktemp("lora") / "tiny", "some words")))


def planted(seed: int, length: int | None = None) -> PairPrompts:
    """Return a pair of which one response holds a token that makes it better."""
    random = Random(seed)
    words = [random.randrange(100, 300) for _ in range(length or random.randrange(3, 12))]
    is_first = random.random() < 0.5
    sides = (GOOD, BAD) if is_first else (BAD, GOOD)
    prompts = ((*words, sides[0], 5, sides[1], 6), (*words, sides[1], 5, sides[0], 6))
    return PairPrompts(prompts, ((FIRST, SECOND), (FIRST, SECOND)), float(is_first))


PAIRS = [planted(seed) for seed in range(48)]
VALIDATION = [planted(seed) for seed in range(1000, 1016)]


@pytest.fixture(scope="module")
def fit(base: ResolvedModel) -> LoraFit:
    return fit_lora(base, PAIRS, VALIDATION, QUICK)


def test_a_planted_preference_is_learned(fit: LoraFit) -> None:
    first, best = fit.looks[0], fit.looks[fit.best]
    assert (first.pairs, first.training_loss) == (0, None)
    assert best.loss < first.loss / 4
    assert best.accuracy == 1.0
    # The factors of the best look are the ones that are kept.
    assert lora._log_odds(fit.network, VALIDATION) == pytest.approx(fit.after, abs=1e-6)
    sides = [(odds > 0) == (pair.share > 0.5) for odds, pair in zip(fit.after, VALIDATION, strict=True)]
    assert all(sides)


def test_new_factors_change_nothing(base: ResolvedModel) -> None:
    from transformers import AutoModelForCausalLM

    network = lora._with_factors(base, QUICK)
    plain = AutoModelForCausalLM.from_pretrained(base.path, dtype="bfloat16")
    assert lora._log_odds(network, VALIDATION) == pytest.approx(lora._log_odds(plain, VALIDATION), abs=1e-3)


def test_padding_changes_no_verdict(base: ResolvedModel) -> None:
    network = lora._with_factors(base, QUICK)
    pairs = [planted(seed, length) for seed, length in enumerate((2, 30, 7, 90))]
    alone = [lora._log_odds(network, [pair])[0] for pair in pairs]
    together = lora._choice_logprobs(network, pairs)
    log_odds = (together[..., 0] - together[..., 1]).mean(dim=-1).tolist()
    assert log_odds == pytest.approx(alone, abs=0.02)  # the activations are in bf16


def test_exchanged_responses_mirror_the_verdict(base: ResolvedModel) -> None:
    network = lora._with_factors(base, QUICK)
    mirrored = [PairPrompts(pair.prompts[::-1], pair.choices[::-1], 1 - pair.share) for pair in VALIDATION]
    expected = [-value for value in lora._log_odds(network, VALIDATION)]
    assert lora._log_odds(network, mirrored) == pytest.approx(expected, abs=1e-6)


def test_the_loss_is_that_of_the_verdict_token_alone(base: ResolvedModel) -> None:
    network = lora._with_factors(base, QUICK)
    (pair,) = VALIDATION[:1]
    logprobs = lora._choice_logprobs(network, [pair])[0]
    chosen = 0 if pair.share == 1.0 else 1
    expected = -(logprobs[0, chosen] + logprobs[1, chosen]) / 2
    assert lora._loss(network, [pair]).item() == pytest.approx(expected.item(), abs=1e-6)
    # In the second order the other token names the same response.
    import torch

    logits = network(input_ids=torch.tensor([pair.prompts[1]])).logits[0, -1].float()
    token = pair.choices[1][1 - chosen]
    assert logprobs[1, chosen].item() == pytest.approx(torch.log_softmax(logits, -1)[token].item(), abs=0.02)


def test_a_teachers_probabilities_are_reached(base: ResolvedModel) -> None:
    soft_pairs = [PairPrompts(pair.prompts, pair.choices, 0.8 if pair.share > 0.5 else 0.2) for pair in PAIRS]
    options = replace(QUICK, epochs=20)
    hard = fit_lora(base, PAIRS[:24], PAIRS[:24], options)
    soft = fit_lora(base, soft_pairs[:24], soft_pairs[:24], options)
    # ln 4 are the log-odds of .8. Labels pull verdicts ever further, and a teacher does not.
    assert sum(map(abs, soft.after)) / 24 == pytest.approx(1.386, abs=0.5)
    assert sum(map(abs, hard.after)) / 24 > 2.5


def test_training_stops_where_nothing_is_gained(base: ResolvedModel) -> None:
    random = Random(5)
    coins = [
        PairPrompts(pair.prompts, pair.choices, float(random.random() < 0.5))
        for pair in [*PAIRS, *VALIDATION]
    ]
    options = LoraOptions(rank=8, epochs=40, learning_rate=1e-2, batch=4, looks=2, patience=3)
    fit = fit_lora(base, coins[:48], coins[48:], options)
    assert fit.looks[-1].pairs < 40 * 48
    assert len(fit.looks) - 1 - fit.best == options.patience


def test_verdicts_that_are_no_numbers_end_in_one_sentence(base: ResolvedModel) -> None:
    options = LoraOptions(rank=8, epochs=3, learning_rate=1e30, batch=4)
    with pytest.raises(ModelError, match="no numbers any more"):
        fit_lora(base, PAIRS, VALIDATION, options)


@pytest.mark.parametrize(("pairs", "validation"), [([], VALIDATION), (PAIRS, [])])
def test_pairs_of_too_few_clusters_are_refused(
    base: ResolvedModel, pairs: list[PairPrompts], validation: list[PairPrompts]
) -> None:
    with pytest.raises(InputError, match="label more clusters"):
        fit_lora(base, pairs, validation, QUICK)


def facts(base: ResolvedModel) -> AdapterFacts:
    return AdapterFacts(
        method="lora", base=base.id, base_hash=base.content_hash, rubric={"id": "pair", "hash": "h"},
        criterion="overall", seed=0, datasets={}, items=("a" * 64,), versions={}, rank=8, alpha=16,
        learning_rate=1e-2, validation=({"pairs": 0, "loss": 1.0},), validation_items=(),
    )  # fmt: skip


def test_the_adapter_and_the_merged_model_say_the_same(
    base: ResolvedModel, fit: LoraFit, tmp_path: Path
) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    write_adapter(base, fit.network, facts(base), tmp_path / "judge")
    adapter, merged = tmp_path / "judge" / "adapter", tmp_path / "judge" / "merged"
    settings = json.loads((adapter / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == base.id
    assert str(base.path) not in (adapter / "adapter_config.json").read_text()
    whole = AutoModelForCausalLM.from_pretrained(merged, dtype="bfloat16")
    of_base = AutoModelForCausalLM.from_pretrained(base.path, dtype="bfloat16")
    beside = PeftModel.from_pretrained(of_base, adapter)
    assert lora._log_odds(beside, VALIDATION) == pytest.approx(fit.after, abs=1e-3)
    assert lora._log_odds(whole, VALIDATION) == pytest.approx(fit.after, abs=0.3)  # rounded to bf16
    for part in (adapter, merged):
        record = json.loads((part / TRAINING).read_text())
        assert (record["method"], record["items"]) == ("lora", ["a" * 64])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["judge"]
    # Both are read as models that were trained on these items.
    assert resolve(str(merged)).trained_on == {"a" * 64}
    assert resolve(str(base.path), adapter=str(adapter)).trained_on == {"a" * 64}


def test_settings_that_transformers_refuses_to_write_are_copied(tmp_path: Path) -> None:
    """Some models have a temperature in their settings and draw no token."""
    folder = write_drawn_model(tmp_path / "smollm-tiny", "some words")
    settings = {"do_sample": False, "temperature": 0.6, "eos_token_id": [1, 2]}
    (folder / "generation_config.json").write_text(json.dumps(settings))
    base = resolve(str(folder))
    fit = fit_lora(base, PAIRS[:4], PAIRS[:4], replace(QUICK, epochs=1))
    write_adapter(base, fit.network, replace(facts(base), families=base.families), tmp_path / "judge")
    merged = tmp_path / "judge" / "merged"
    assert json.loads((merged / "generation_config.json").read_text()) == settings
    # The folder is named for the judge, and its families are those of the base.
    model = resolve(str(merged))
    assert (model.id, model.families) == ("judge", base.families)
    assert "smollm" in model.families


def test_an_adapter_that_never_beat_its_base_has_learned_nothing(base: ResolvedModel) -> None:
    looks = [{"pairs": 0, "loss": 0.68}, {"pairs": 40, "loss": 0.7}]
    assert not replace(facts(base), validation=tuple(looks)).has_learned
    assert replace(facts(base), validation=(*looks, {"pairs": 80, "loss": 0.6})).has_learned


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        return None if name == "peft" else name

    monkeypatch.setattr(lora, "find_spec", absent)
    with pytest.raises(InputError, match=r"peft is not installed.*train"):
        check_training_packages()
