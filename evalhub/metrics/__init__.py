"""Metrics: texts in, numbers out. No metric calls a model or reads a file."""

from evalhub.metrics.base import NO_REFERENCE, NO_TEXT, Column, CountedMetric, LanguageMetric, Metric, column
from evalhub.metrics.length import LENGTH_COLUMNS
from evalhub.metrics.options import read_choice, read_choices, read_flag, refuse_unknown
from evalhub.metrics.rouge import score_many
from evalhub.metrics.signature import References, RougeSignature, RougeStatistic, Variant
from evalhub.metrics.table import METRICS, build
from evalhub.metrics.tokenize import RougeTokenizer, Splitter

__all__ = [
    "LENGTH_COLUMNS", "METRICS", "NO_REFERENCE", "NO_TEXT", "Column", "CountedMetric", "LanguageMetric",
    "Metric", "References", "RougeSignature", "RougeStatistic", "RougeTokenizer", "Splitter", "Variant",
    "build", "column", "read_choice", "read_choices", "read_flag", "refuse_unknown",
    "score_many",
]  # fmt: skip
