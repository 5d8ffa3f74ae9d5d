"""One night of a suite: it is calibrated and run, its gates are decided, and its reports are written."""

from evalhub.night.calibration import prepare_calibration
from evalhub.night.night import Night, run_night

__all__ = ["Night", "prepare_calibration", "run_night"]
