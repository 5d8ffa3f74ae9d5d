"""Signal handlers of the process of the tests."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def keep_signals() -> Iterator[None]:
    """Restore the signal handlers of this process, which a command that ends leaves ignored.

    A process that a later test starts would ignore them too.
    """
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
