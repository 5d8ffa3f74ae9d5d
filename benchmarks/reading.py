"""Measures the reading of recorded replies: SummEval's 3,200 real ones, and 10,000 fuzzed ones.

The fuzz holds the reader against an oracle that shares nothing with it: each reply is built around a
verdict that is known, or around words that give none, and then changed in ways that cannot change it.
Reading it must give that verdict or a failure. A cut inside of a number, or one that turns a count
into a score, leaves a text that really says something else, so no such cut is made.

Usage: python benchmarks/reading.py
"""

from __future__ import annotations

import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from evalhub.judging import ParsedReply, ReplySpec, parse_reply
from evalhub.scales import Winner
from evalhub.sources import load
from evalhub.specs import load_card

REPLIES, SEED = 10_000, 7
SIDES = {"A": Winner.A, "B": Winner.B, "tie": Winner.TIE}
SPELLED = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}
PROSE = (
    "The text is clear.", "It covers 2 of the 5 facts.", "Written in 2015, it cites 12 people.",
    "On a 5-point scale this is hard.", "The team won 3-1.", "It has no errors at all", "Nothing is missing.",
    "Two sentences are too long.", "The opening is strong, the end weak.", "About 40% is copied.",
    "Il manque des détails.", "Costs rose by $5 million.", "He was born on 4/5/1990.",
    "A good answer, a short one.",
)  # fmt: skip
SAYS = (
    "Score: {n}", "Score: {n}/5.", "Score: {n} out of 5.", "It scores a {n}.", "{n} out of 5", "{n}/5", "{n}",
    "earning a score of {n}.", "therefore, the score is {n}.", "resulting in a score of {n} for clarity.",
    "I rate it {n}/5.", "I would give this summary a {n}.", "I'd give it a score of {n} out of 5.",
    "Rating: {n} (fair)", "Final score: {n}", "Clarity: {n}", "Score (1-5): {n}", "; {n} out of 5.",
    "It does not deserve a score of 5, but nothing is lost. Score: {n}", "Score: {n} - short and plain.",
    "<think>Score: 5? Or 2?</think>Score: {n}", "Score: {n}. Rating: {n}/5.", "with a score of {n}",
    "On a scale of 1 to 5, I rate this response a {n}.", "The summary receives a rating of {n}.",
    "It is written at an advanced level. {n}", "It deserves a clarity score of {n}.",
    "I would give the text a clarity score of {n}.", "resulting in a low clarity rating of {n}.",
    "It covers the loss that follows if they fail to qualify, earning a score of {n}.",
    "It does not say whether he will leave, so it receives a score of {n}.",
    "It does not lie and receives a score of {n}.", "I rate the clarity of this text as a {n}.",
    "They do not believe that they will win, and the summary says so, earning a score of {n}.",
    "Clarity: {n}\nGrammar: 5", "It names 2 teams and the 3-1 result, earning a score of {n}.",
    "On a 5-point scale, I rate it {n}.", "Score: {n} for clarity.", "I think that it earns a score of {n}.",
    "Although it is short, it earns a score of {n}.", "Score: {n} for missing most of the main points.",
    "[RESULT] {n}", "Feedback: It is clear. [RESULT] {n}", "<score>{n}</score>", "Overall: {n}",
    "<feedback>It is clear.</feedback>\n<score>{n}</score>", "Overall: {n}/5", "Score: \\boxed{{{n}}}",
    "It lacks what it takes, in sum, deserving a score of {n}",
)  # fmt: skip
SAYS_NOTHING = (
    "It covers {n} of the 5 facts.", "not a {n}", "This is not a score of {n}.", "Score: between {n} and 5",
    "Score: {n} or {m}", "Score: {n}. Score: {m}", "Score: -{n}", "Score: {n}0", "Score: {n}/10",
    "{n}% of it",
    "It does not deserve a score of {n}.", "A score of {n} would need more.", "If it were clear, score: {n}.",
    "The prompt says \"Score: {n}\".", "> Score: {n}", "~~Score: {n}~~", "<think>Score: {n}", "Score: {n}½",
    "The highest score is {n}.", "He scored {n} goals.", "They won with a final score of {n}-1.",
    "Score: {n}-{m}", "Score: at least {n}", "Score: {n}, maybe even {m}", "without earning a score of {n}",
    "I do not think the summary deserves a {n}.", "Score: {n}. Wait, no.", "{n}. The text is clear.",
    "on {n}/5 it rained", "For example, Score: {n}", "Punktzahl: {n} von 5", "评分：{n}",
    "{n} facts are missing.",
    "Score (1-10): {n}", "Score: {n}.5.2", "Score: {n}:30", "I cannot rate this, not even with a {n}.",
    "rather than earning a score of {n}", "<think>so</think>Score: {n}<think>or</think>Score: {m}",
    "Number of facts: {n}", "Page {n} of 5 is clear.", "Score: {n}²",
    "See the table in Fig. {n}", "1. It is clear. 2. It is short. {n}", "It earns a fluency score of {n}.",
    "If it were clear, earning a score of {n}.", "A clarity score of {n} would need more.",
    "It would be perfect if it were shorter, earning a score of {n}.", "not worthy of a clarity score of {n}",
    "No text covers all and earns a score of {n}.", "It falls short of a clarity score of {n}.",
    "The response ends with: an advanced level. {n}", "Bad level. 1 Fair level. {n} Good level. 5",
    "I would agree if it were shorter, it earns a score of {n}.", "It asks for level. {n} points",
    "Score: {n} for fluency and {m} for clarity", "Score: {n}/5 for style, {m}/5 for clarity",
    "Its score for grammar: {n}", "Score: {n}. On reflection, {m}.", "Final score: {n} (before), {m} after.",
    "On a scale of ten, I rate it {n}.", "It is not, in my view, earning a score of {n}.",
    "But for the typo, it earns a score of {n}.", "It says that it is clear, deserving a score of {n}.",
    "It tells the grader that it is perfect, earning a score of {n}.", "Fluency: Score: {n}",
    "The grammar of the text earns a score of {n}.", "Score: {n}, if the typo is ignored.",
    "According to its author, it is clear, earning a score of {n}.",
    "If errors are left aside, earning a score of {n}.", "I do not think that it earns a score of {n}.",
    "No score.\n{n}", "Score: N/A\n{n}", "I cannot rate this.\n{n}", "The text ends with [RESULT] {n}",
    "It is not <score>{n}</score>", "<score>{n}</score>/10", "<example><score>{n}</score></example>",
    "Grammar: {m}\nOverall: {n}", "The task's answer is\n\\boxed{{{n}}}", "Overall, {n} facts are missing.",
    "<score>{n}</score><score>{m}</score>", "[RESULT] {n} or {m}",
)  # fmt: skip
WINS = {
    "verdict": (
        "[[{l}]]", "My final verdict is: [[{l}]]", "**[[{l}]]**", "Both are fine. [[{l}]] [[{l}]]",
        "<think>[[B]]</think>[[{l}]]", "[[ {l} ]]", "The other is not right, so my verdict is [[{l}]].",
    ),
    "letter": ("{l}", "({l})", "Answer: {l}", "The answer is ({l}).", "Verdict: **{l}**",
        "{l}\nIt is shorter.", "\\boxed{{{l}}}", "<answer>{l}</answer>", "[RESULT] {l}", "Winner: {l}",
    ),
    "json": (
        '{{"pick": "{l}"}}', '```json\n{{"why": "short", "pick": "{l}"}}\n```',
        'So: {{"pick": "{l}", "p": 0.4}}.',
    ),
}  # fmt: skip
WINS_NOTHING = {
    "verdict": ("[[{l}]] [[D]]", "[{l}]", "[[{l}", "Answer {l} is better.", "<think>[[{l}]]", "[[1]]",
        "My final verdict is not [[{l}]].", "It isn't [[{l}]]", "If it were shorter, [[{l}]]",
        "Neither [[A]] nor [[B]]", "[[{l}]] is wrong", "[[{l}]] is what the other judge says", "[[{l}]]?",
        "Write [[{l}]] if it is better", "<think>so</think>[[A]]<think>or</think>[[B]]",
    ),
    "letter": ("{l} good one", "Either {l} or none", "Not {l}", "If so, the answer is {l}.",
        "Answer: {l} or E", "The model chose the answer: {l}", "A or B\n{l}", "Answer: {l} if edited.",
        "No verdict.\n{l}", "Response {l} is shorter.", "Response A\nIt is fine.\nResponse B\nIt is not.",
        "Answer: Response {l} or Response C", "The model wrote \\boxed{{{l}}}",
        "The answer is not Response {l}.",
    ),
    "json": ('{{"pick": "{l}"', '{{"x": {{"pick": "{l}"}}}}', "{{'pick': '{l}'}}", '{{"pick": ["{l}"]}}'),
}  # fmt: skip


class Case(NamedTuple):
    """A reply with the verdict that it was built around; None where it gives none."""

    text: str
    form: ReplySpec
    truth: float | Winner | None


def base(draw: random.Random) -> Case:
    """Return a reply as a judge might write it."""
    if draw.random() < 0.3:
        return _comparison(draw)
    number = draw.choice([1, 2, 3, 4, 5, 1.5, 2.5, 3.5, 4.5])
    form = ReplySpec("score", (1, 5), criterion="clarity")
    if draw.random() < 0.12:
        text = draw.choice(["[[{n}]]", "Rating: [[{n}]]", "[[{n}]] It is fine. [[{n}]]"])
        return Case(text.format(n=f"{number:g}"), ReplySpec("rating-brackets", (1, 5)), number)
    if draw.random() < 0.35:
        n, m = draw.sample([1, 2, 3, 4], 2)
        return Case(draw.choice(SAYS_NOTHING).format(n=n, m=m), form, None)
    spelled = SPELLED[int(number)] if number == int(number) and draw.random() < 0.2 else f"{number:g}"
    return Case(draw.choice(SAYS).format(n=spelled), form, number)


def _comparison(draw: random.Random) -> Case:
    name = draw.choice(list(WINS))
    form = ReplySpec(name, labels=SIDES, key="pick")
    label = draw.choice(["A", "B", "C" if name == "verdict" else "tie"])
    if draw.random() < 0.35:
        return Case(draw.choice(WINS_NOTHING[name]).format(l=draw.choice("AB")), form, None)
    return Case(draw.choice(WINS[name]).format(l=label), form, {**SIDES, "C": Winner.TIE}[label])


# Where a cut leaves a number or a label that was only a part of something else.
_OPEN_END = re.compile(r"(?:[\d.]|\b(?:A|B|tie|one|two|three|four|five))\W*\Z", re.IGNORECASE)
_TAG = re.compile(r"</?think>", re.IGNORECASE)


def _cut(text: str, draw: random.Random) -> str:
    """Cut a text, never right behind or within a number."""
    places = [at for at in range(len(text)) if not _OPEN_END.search(text[:at])]
    return text[: draw.choice(places)] if places else text


def _around(text: str, draw: random.Random) -> str:
    before, after = draw.choice(PROSE), draw.choice(PROSE)
    gap = draw.choice([" ", "\n", "\n\n"])
    ends = text if text.rstrip()[-1:] in set(".!]`}\n") else text + "."
    return draw.choice([f"{before}{gap}{text}", f"{ends}{gap}{after}", f"{before}{gap}{ends}{gap}{after}"])


def _spaced(text: str, draw: random.Random) -> str:
    return text.replace(" ", draw.choice(["  ", "\u00a0", "\t", "\u2009"])) + draw.choice(["", " \n", "\r\n"])


def _in_tag(text: str, at: int) -> bool:
    return any(tag.start() < at < tag.end() for tag in _TAG.finditer(text))


def _sown(text: str, draw: random.Random) -> str:
    at = draw.choice([at for at in range(len(text) + 1) if not _in_tag(text, at)])
    return text[:at] + draw.choice("\u200b\ufeff\u0301🙂\u00ad\u202e\x00é") + text[at:]


def _dropped(text: str, draw: random.Random) -> str:
    places = [at for at, character in enumerate(text) if character.isalpha() or character in ":;,*"]
    places = [at for at in places if not _in_tag(text, at) and not _in_tag(text, at + 1)]
    at = draw.choice(places or [len(text)])
    return text[:at] + text[at + 1 :]


def _marked(text: str, draw: random.Random) -> str:
    mark = draw.choice(["**", "*", "`", "__", '"'])
    return re.sub(r"(?<![\d./-])[\d.]*\d(?![\d./-])", lambda found: mark + found[0] + mark, text, count=1)


def _fullwidth(text: str, draw: random.Random) -> str:
    shift = draw.choice([0xFF10, 0x0660, 0x1D7CE]) - ord("0")
    return re.sub(r"[0-9]", lambda found: chr(ord(found[0]) + shift), text)


# Each keeps the verdict, or takes it away; none makes another. The last three may also turn words that
# give no verdict into words that do, so only replies with a verdict are changed by them.
KEEPING: tuple[Callable[[str, random.Random], str], ...] = (
    _around, _spaced, _marked, _fullwidth,
    lambda text, draw: draw.choice([text.upper(), text.lower(), text.title(), text.swapcase()]),
    lambda text, draw: draw.choice(["# ", "- ", "```\n", "## ", "* "]) + text,
    lambda text, draw: draw.choice([f"**{text}**", f"<b>{text}</b>"]),
    lambda text, draw: draw.choice([f"```\n{text}\n```", text + "\n\n" + text]),
)  # fmt: skip
TAKING: tuple[Callable[[str, random.Random], str], ...] = (_cut, _sown, _dropped)


def cases(count: int, seed: int) -> Iterator[Case]:
    """Yield replies with up to three changes each."""
    draw = random.Random(seed)
    for _ in range(count):
        case = base(draw)
        changes = KEEPING if case.truth is None else KEEPING + TAKING
        text = case.text
        for change in draw.choices(changes, k=draw.randrange(4)):
            text = change(text, draw)
        yield case._replace(text=text)


def misread(case: Case, parsed: ParsedReply) -> bool:
    """Return whether a parsed reply has a verdict that the reply does not give."""
    verdict = parsed.winner if parsed.value is None else parsed.value
    return verdict is not None and verdict != case.truth


def fuzz(count: int, seed: int) -> None:
    """Print how many fuzzed replies are read, refused, misread, and crash the reader."""
    outcomes: Counter[str] = Counter()
    start = time.perf_counter()
    for case in cases(count, seed):
        kind = "with a verdict" if case.truth is not None else "without a verdict"
        try:
            parsed = parse_reply(case.text, case.form)
        except Exception as error:
            outcomes["crashes"] += 1
            print(f"  crash: {case!r}: {error!r}")
            continue
        if misread(case, parsed):
            print(f"  misread: {case!r}: {parsed!r}")
            outcomes["misread"] += 1
        outcomes[f"{kind}: {'failure' if parsed.failure else 'parse_reply'}"] += 1
    seconds = time.perf_counter() - start
    wrong = f"{outcomes['crashes']} crashes, {outcomes['misread']} misread"
    print(f"{count} fuzzed replies in {seconds:.1f} s: {wrong}")
    for name in sorted(set(outcomes) - {"crashes", "misread"}):
        print(f"  {name}: {outcomes[name]}")


def real_replies() -> None:
    """Print how many of the recorded replies are read, and why each other one is not."""
    if not os.environ.get("EVALHUB_MIRROR"):
        print("EVALHUB_MIRROR names no folder with SummEval, so no real reply is read.")
        return
    start = time.perf_counter()
    judgments = load(*load_card("summeval")).judgments
    print(f"SummEval is loaded in {time.perf_counter() - start:.1f} s.")
    refused = [one for one in judgments if one.failure]
    share = 1 - len(refused) / len(judgments)
    print(f"{len(judgments)} real replies: {len(judgments) - len(refused)} read ({share:.2%})")
    _print_counts(f"{one.value:g}" for one in judgments if one.value is not None)
    for one in refused:
        print(f"  {one.failure} ({one.detail}): {one.item_id} {one.system} {one.criterion}")


def _print_counts(values: Iterable[str]) -> None:
    print("  " + ", ".join(f"{value}: {count}" for value, count in sorted(Counter(values).items())))


if __name__ == "__main__":
    real_replies()
    fuzz(REPLIES, SEED)
