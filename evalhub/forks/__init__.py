"""Children that are forked from a process which has imported what they need."""

from evalhub.forks.client import Fork, ForkServer

__all__ = ["Fork", "ForkServer"]
