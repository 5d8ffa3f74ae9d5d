r"""Marks of other formats, rewritten as labels: `<score>4</score>`, `\boxed{A}`."""

from __future__ import annotations

import re

# Parts of the instructions that a reply repeats.
_REPEATED = re.compile(
    r"<(?P<name>examples?|format|template|prompt|instructions?|input|document|quote)>.*?</(?P=name)>",
    re.IGNORECASE | re.DOTALL,
)
_TAGGED = re.compile(
    r"<(?P<name>[a-z][a-z _-]{0,30})>\s*(?P<value>[^<>\n]{1,60}?)\s*</(?P=name)>"
    r"(?=[\s</]|\Z|[.,;:!?)]+(?:\s|\Z))(?P<next>(?=\s*<))?",
    re.IGNORECASE,
)
_CLOSED = re.compile(r"</[a-z][\w -]{0,30}>", re.IGNORECASE)
# Prometheus closes its feedback with "[RESULT] 4".
_RESULT = re.compile(r"\[[ ]*result[ ]*\](?:[ ]*:)?", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n[ ]*\n\s*")
_BOXED = re.compile(
    r"(?:\$\$?|\\[(\[])?\s*\\(?:boxed|fbox)\{\s*"
    r"(?:\\(?:text|textbf|mathrm|mathbf)\{\s*(?P<words>[^{}\n]{1,40}?)\s*\}|(?P<bare>[^{}\n\\]{1,40}?))"
    r"\s*\}(?:\s*(?:\$\$?|\\[)\]]))?"
)


def as_labels(text: str) -> str:
    r"""Return a text in which each mark is written as a label with its value.

    A value in a box becomes a value in brackets. It may be the solution of a task, and is no verdict by
    itself.

    >>> as_labels("Short. <final_score> 4 </final_score>"), as_labels(r"The answer is $\boxed{\text{A}}$.")
    ('Short. final score: 4', 'The answer is [A].')
    >>> as_labels("Feedback: It is short. [RESULT] 4")
    'Feedback: It is short. verdict: 4'
    """
    if "</" in text:
        text = _REPEATED.sub("…", text)
        text = _TAGGED.sub(_label, text)
        text = _CLOSED.sub("\n", text)
    text = _RESULT.sub("verdict:", text)
    text = _BLANK_LINES.sub("\n\n", text).strip()
    return _BOXED.sub(lambda box: f"[{box['words'] or box['bare']}]", text)


def _label(tagged: re.Match[str]) -> str:
    name = re.sub(r"[_-]", " ", tagged["name"])
    return f"{name}: {tagged['value']}" + ("" if tagged["next"] is None else "\n")
