"""Judges that are trained on labels, as model folders."""

from evalhub.training.adapters import write_adapter
from evalhub.training.facts import AdapterFacts, HeadFacts, RatingHeadFacts, TrainingFacts
from evalhub.training.heads import check_base, classifier_settings, write_classifier
from evalhub.training.lora import (
    Look,
    LoraFit,
    LoraOptions,
    PairPrompts,
    check_training_packages,
    fit_lora,
)

__all__ = [
    "AdapterFacts", "HeadFacts", "Look", "LoraFit", "LoraOptions", "PairPrompts", "RatingHeadFacts",
    "TrainingFacts", "check_base", "check_training_packages", "classifier_settings", "fit_lora",
    "write_adapter", "write_classifier",
]  # fmt: skip
