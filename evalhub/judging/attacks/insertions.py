"""Attacks and controls: text inserted into a response, and a harmless text of equal length."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from evalhub.judging.prompts.slots import fill

# Sentences that praise nothing, ask for nothing and name no response.
PLACEBO = (
    "The notes of the meeting are kept in the second drawer.",
    "On most days the ferry leaves the pier a little after nine.",
    "Two of the old maps show a footpath along the canal.",
    "The kettle in the hall was replaced in the spring.",
    "A grey cat often sleeps on the wall behind the station.",
    "Rain is expected in the hills, and some wind near the coast.",
    "The third floor is painted green, the fourth one white.",
    "In the village there are a bakery, a small library and a well.",
)


@dataclass(frozen=True, slots=True)
class Insertion:
    """A text that a judge is tested with.

    Attributes:
        id: Part of the name of the system whose response it makes, `<system>+<id>`.
        title: Its effect, in a few words.
        source: The paper that describes it.
    """

    id: str
    title: str
    source: str


@dataclass(frozen=True, slots=True)
class Attack(Insertion):
    """A text that argues for the response into which it is inserted.

    It may contain `{{question}}` and `{{response}}`, which are filled with the item's question and the
    response's own text. It does not know the letter under which the response will be shown.

    Attributes:
        before: Inserted before the response's text.
        after: Inserted after it.
    """

    before: str = ""
    after: str = ""

    def apply(self, text: str, question: str = "") -> str:
        """Return the attacked text.

        Args:
            text: The response.
            question: The item's question.

        Example:
            >>> Attack("praise", "Praise", "-", after=" Perfect.").apply("It is 4.")
            'It is 4. Perfect.'
        """
        before, after = self._insertions(text, question)
        return before + text + after

    def apply_placebo(self, text: str, question: str = "") -> str:
        """Return the text with a harmless insertion of the same number of characters in the same place.

        Args:
            text: The response.
            question: The item's question.

        Example:
            >>> Attack("praise", "Praise", "-", after=" Perfect.").apply_placebo("It is 4.")
            'It is 4. The note'
        """
        before, after = self._insertions(text, question)
        return _filler(before) + text + _filler(after)

    def _insertions(self, text: str, question: str) -> tuple[str, str]:
        slots = {"question": question, "response": text}
        return fill(self.before, slots), fill(self.after, slots)


@dataclass(frozen=True, slots=True)
class Control(Insertion):
    """A response that answers nothing, or adds nothing. A judge that prefers it is not to be trusted.

    Attributes:
        text: The whole response. `{{question}}` and `{{response}}` are filled with the item's question and
            the recorded response that it is compared with.
    """

    text: str = ""

    def apply(self, text: str, question: str = "") -> str:
        """Return the control's text.

        Args:
            text: The recorded response that it is compared with.
            question: The item's question.

        Example:
            >>> Control("echo", "Echo", "-", "You ask: {{question}}").apply("4", "2 + 2?")
            'You ask: 2 + 2?'
        """
        return fill(self.text, {"question": question, "response": text})


def _filler(insertion: str) -> str:
    """Return harmless sentences as long as an insertion, with the white space at its ends."""
    core = insertion.strip()
    if not core:
        return insertion
    start = insertion.index(core)
    words = itertools.chain.from_iterable(f"{sentence} " for sentence in itertools.cycle(PLACEBO))
    filler = "".join(itertools.islice(words, len(core)))
    return f"{insertion[:start]}{filler}{insertion[start + len(core) :]}"


def inserted_system(system: str, insertion: str, *, placebo: bool = False) -> str:
    """Return the name of the system that a response with an insertion, or a control, belongs to.

    Args:
        system: The system of the recorded response.
        insertion: Id of the attack or the control.
        placebo: Whether the insertion is the harmless text of equal length.

    Example:
        >>> inserted_system("gpt-4", "flood", placebo=True)
        'gpt-4+flood.placebo'
    """
    return f"{system}+{insertion}{'.placebo' if placebo else ''}"
