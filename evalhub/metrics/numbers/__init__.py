"""Numbers as people write them: found in a text, and read with whatever else they could mean."""

from evalhub.metrics.numbers.final import RULE, final_number
from evalhub.metrics.numbers.reading import Agreement, Reading, compare

__all__ = ["RULE", "Agreement", "Reading", "compare", "final_number"]
