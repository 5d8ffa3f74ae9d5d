"""The glossary: what people read for each term of a table, and what it means. All outputs use it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """A term of a table.

    Attributes:
        label: What people read.
        meaning: What it is, in one sentence, with its direction where it has one.
        section: The heading of docs/glossary.md under which it stands.
    """

    label: str
    meaning: str
    section: str


SYSTEMS, JUDGES, BIASES, RUNS = "Systems", "Judges", "Biases", "Runs"

GLOSSARY: dict[str, Word] = {
    "win rate": Word(
        "win rate",
        "How often a system's response is preferred. A tie counts one half. Higher is better.",
        SYSTEMS,
    ),
    "win rate (soft)": Word(
        "win probability",
        "The mean probability with which the judge prefers a system's response. Higher is better.",
        SYSTEMS,
    ),
    "mean score (soft)": Word(
        "expected score",
        "The mean of the levels, each weighed by the probability that the judge gives it.",
        SYSTEMS,
    ),
    "rank": Word(
        "rank",
        "1 is best. Two ranks are the best and the worst that the data allow, for all systems at once.",
        SYSTEMS,
    ),
    "clusters": Word(
        "independent items", "What is resampled: items that belong together count as one.", SYSTEMS
    ),
    "agreement": Word(
        "agreement",
        "The share of labelled pairs on which the judge gives the label, or the correlation of its scores "
        "with the labels. Higher is better.",
        JUDGES,
    ),
    "baseline": Word(
        "baseline",
        "The agreement of a coin or of the longer answer, whichever is higher. A judge has to beat it.",
        JUDGES,
    ),
    "trust": Word(
        "use",
        "What the judge may be used for: in place of people, as a useful judge, not at all (chance, refuse), "
        "or not known.",
        JUDGES,
    ),
    "people": Word(
        "people", "How far people agree with each other, measured as the judge's agreement is.", JUDGES
    ),
    "choice mass": Word(
        "within the allowed answers",
        "The probability that the judge gave to its allowed answers together. Higher is better.",
        JUDGES,
    ),
    "flip rate": Word(
        "changes with the order",
        "The share of pairs whose verdict changes when the two responses change places. 0 is best.",
        BIASES,
    ),
    "first position": Word("first wins", "How often the response shown first wins. 0.50 is best.", BIASES),
    "length": Word(
        "twice the length",
        "Percentage points that twice the length adds to the win probability, all else equal. 0 is best.",
        BIASES,
    ),
    "own family": Word(
        "prefers its relatives",
        "How much more often the judge prefers responses of its own model family. 0 is best.",
        BIASES,
    ),
    "coverage": Word(
        "coverage", "The share of the planned judgments that are valid. Every one is counted.", RUNS
    ),
    "n": Word("n", "How many observations entered the number.", RUNS),
    "interval": Word(
        "[low, high]", "The interval of a number at 95% confidence, over independent items.", RUNS
    ),
}
"""Each term of a table, as the code names it, with what people read."""


def label(term: str) -> str:
    """Return what people read for a term. A term that is in no glossary is read as it is.

    >>> label("flip rate"), label("accuracy")
    ('changes with the order', 'accuracy')
    """
    word = GLOSSARY.get(term)
    return word.label if word else term
