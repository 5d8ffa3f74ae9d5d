"""Texts that try to become a part of a query, of an address or of a path."""

import itertools

INJECTIONS = tuple(
    f"{start}{middle}{end}"
    for start, middle, end in itertools.product(
        ("x", "'", '"', "\\", "pw", "$text", "%", "i000~k~m~0", "pw · overall"),
        (
            " OR 1=1",
            "; DROP TABLE items",
            "' UNION SELECT * FROM labels",
            "') OR true",
            "$judge",
            "\x00",
            "*/ ",
        ),
        ("", " --", "/*", "'"),
    )
)
"""252 texts. None is the name of anything."""
