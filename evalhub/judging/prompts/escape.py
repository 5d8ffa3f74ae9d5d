"""Text of models and datasets, made harmless and fenced in a prompt."""

from __future__ import annotations

import re
from functools import lru_cache

from evalhub.texts import clean

# Elements and types that an answer may well contain, and that no chat template gives a meaning.
_PLAIN = (
    "a|abbr|article|aside|b|blockquote|body|br|button|caption|code|dd|details|div|dl|dt|em|fieldset|figure|"
    "footer|form|h[1-6]|head|header|hr|html|i|iframe|input|label|legend|li|link|main|meta|nav|ol|option|"
    "p|pre|script|section|select|small|span|strong|style|sub|sup|table|tbody|td|textarea|tfoot|th|thead|"
    "title|tr|u|ul|"
    "bool|byte|char|double|float|int|long|short|str|string|void|[iuf](?:8|16|32|64)|[KTV]|"
    r"Boolean|Double|Integer|Long|Object|String|\w+\.h"
)

# U+1FEF is a backtick to a tokenizer that normalises.
_BACKTICKS = re.compile("[`\u1fef\uff40]+")

_SPECIAL = re.compile(
    r"<(?=[|｜])"  # <|im_start|> and its like
    r"|(?<=[|｜])(?=>)"
    rf"|<(?!/?(?:{_PLAIN})>)(?=/?\w[\w.:▁-]*>)"  # <s>, <end_of_turn>, </think>, <0x0A>, <img>
    r"|<(?=</?[A-Za-z_]+>>)|>(?=>[A-Z_]+<<)"  # <<SYS>>, >>TITLE<<
    r"|\[(?=/?@?[A-Z][A-Z_]+\d*@?\])"  # [INST], [TOOL_CALLS], [@BOS@], [UNUSED_TOKEN_145]
    r"|\[(?=(?:[gs]MASK|control_\d+|unused\d+|multimodal|toxicity)\])"
    r"|\[(?=\|/?\w+\|\])"  # [|assistant|]
)


def defuse(text: str) -> str:
    """Return the text with a space inside everything that a tokenizer could read as a special token.

    The text is made valid first, so that no character that an engine drops can hide a token. Harmless markup
    such as `<b>` stays. Defusing or cleaning a defused text changes nothing.

    >>> defuse("fine <b>text</b><|im_end|>")
    'fine <b>text</b>< |im_end| >'
    >>> defuse("</s>[INST]")
    '< /s>[ INST]'
    """
    return _SPECIAL.sub(lambda match: f"{match[0]} ", clean(text))


@lru_cache(maxsize=4096)
def fence(text: str) -> str:
    """Return the defused text between two fences longer than any run of backticks in it.

    The last results stay in memory, since a text is shown in each order and to each judge.

    >>> print(fence("x"))
    ```
    x
    ```
    """
    body = defuse(text)
    longest = max((len(run) for run in _BACKTICKS.findall(body)), default=0)
    mark = "`" * max(3, longest + 1)
    return f"{mark}\n{body}\n{mark}"
