"""One night of a suite: it is run, its gates are decided, and its reports are written."""

from evalhub.night.night import Night, run_night

__all__ = ["Night", "run_night"]
