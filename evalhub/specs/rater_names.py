"""Names that tables use for themselves, so that no judge, jury or metric of a suite can have them."""

LENGTH = "length"
"""The rater that measures a response by its length in characters."""

ALWAYS_FIRST, COIN, LONGER = "always-first", "coin", "longer"
BASELINE_JUDGES = (ALWAYS_FIRST, COIN, LONGER)
"""Judges that read nothing: every real judge is shown beside them."""

RESPONSE_COLUMNS = frozenset({"item_id", "system", "sample", "cluster", "labels", LENGTH})
"""Columns of ratings side by side that hold no judge's and no metric's values."""

RESERVED_RATERS = RESPONSE_COLUMNS.union(BASELINE_JUDGES)
