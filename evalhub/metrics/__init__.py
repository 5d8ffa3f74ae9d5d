"""Metrics: strings in, numbers out; no model call, no disk."""

from evalhub.metrics.base import NO_TEXT, Column, CountedMetric, LanguageMetric, Metric
from evalhub.metrics.rouge import score_many
from evalhub.metrics.signature import Measure, References, RougeSignature, Variant
from evalhub.metrics.table import METRICS, build
from evalhub.metrics.tokenize import Splitter, Tokenizer, choose_tokenizer

__all__ = [
    "METRICS",
    "NO_TEXT",
    "Column",
    "CountedMetric",
    "LanguageMetric",
    "Measure",
    "Metric",
    "References",
    "RougeSignature",
    "Splitter",
    "Tokenizer",
    "Variant",
    "build",
    "choose_tokenizer",
    "score_many",
]
