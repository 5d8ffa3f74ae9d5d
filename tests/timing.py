"""The processor time of an act, measured beside other work."""

import time
from collections.abc import Callable

TRIES = 4


def shortest(act: Callable[[], object], limit: float) -> float:
    """Return the shortest processor time of an act in seconds.

    The act is tried again until one try is below the limit.
    Work of other processes on the same cores makes an act take longer, and never shorter.
    """
    seconds = []
    for _ in range(TRIES):
        start = time.process_time()
        act()
        seconds.append(time.process_time() - start)
        if seconds[-1] < limit:
            break
    return min(seconds)
