"""What an attack is: text put before or after a response, and an equally long harmless one in its place."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from evalhub.judging.prompts.slots import fill

# Sentences that praise nothing, ask for nothing and name no response.
HARMLESS = (
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
    """What a judge is tried with.

    Attributes:
        id: Part of the name of the system whose response it makes, `<system>+<id>`.
        title: What it does, in a few words.
        source: Where it was described.
    """

    id: str
    title: str
    source: str


@dataclass(frozen=True, slots=True)
class Attack(Insertion):
    """A response that argues for itself: what is inserted, and where.

    The text may hold `{{question}}` and `{{response}}`, filled with the item's question and the response's
    own text. It never knows the letter under which the response will be shown.

    Attributes:
        before: Inserted before the response's text.
        after: Inserted after it.
    """

    before: str = ""
    after: str = ""

    def applied(self, text: str, question: str = "") -> str:
        """Return the attacked text.

        Args:
            text: The response.
            question: What the item asks.

        Example:
            >>> Attack("praise", "Praise", "-", after=" Perfect.").applied("It is 4.")
            'It is 4. Perfect.'
        """
        before, after = self._inserted(text, question)
        return before + text + after

    def harmless(self, text: str, question: str = "") -> str:
        """Return the text with a harmless insertion of the same number of characters in the same place.

        Args:
            text: The response.
            question: What the item asks.

        Example:
            >>> Attack("praise", "Praise", "-", after=" Perfect.").harmless("It is 4.")
            'It is 4. The note'
        """
        before, after = self._inserted(text, question)
        return _filler(before) + text + _filler(after)

    def _inserted(self, text: str, question: str) -> tuple[str, str]:
        slots = {"question": question, "response": text}
        return fill(self.before, slots), fill(self.after, slots)


@dataclass(frozen=True, slots=True)
class Control(Insertion):
    """A response that answers nothing, or adds nothing: a judge that prefers it is not to be trusted.

    Attributes:
        text: All that it says; `{{question}}` and `{{response}}` are the item's question and the recorded
            response that it is set against.
    """

    text: str = ""

    def applied(self, text: str, question: str = "") -> str:
        """Return what the control says.

        Args:
            text: The recorded response that it is set against.
            question: What the item asks.

        Example:
            >>> Control("echo", "Echo", "-", "You ask: {{question}}").applied("4", "2 + 2?")
            'You ask: 2 + 2?'
        """
        return fill(self.text, {"question": question, "response": text})


def _filler(inserted: str) -> str:
    """Return harmless sentences as long as an insertion, with the white space at its ends."""
    core = inserted.strip()
    if not core:
        return inserted
    start = inserted.index(core)
    words = itertools.chain.from_iterable(f"{sentence} " for sentence in itertools.cycle(HARMLESS))
    filled = "".join(itertools.islice(words, len(core)))
    return f"{inserted[:start]}{filled}{inserted[start + len(core) :]}"


def inserted_system(system: str, insertion: str, *, harmless: bool = False) -> str:
    """Return the name of a system whose response was attacked, or of a control that is set against it.

    Args:
        system: Whose response it was.
        insertion: Id of the attack or the control.
        harmless: Whether the insertion is the attack's harmless counterpart.

    Example:
        >>> inserted_system("gpt-4", "flood", harmless=True)
        'gpt-4+flood.harmless'
    """
    return f"{system}+{insertion}{'.harmless' if harmless else ''}"
