"""One night of a suite: it is calibrated and run, its gates are decided, and its reports are written."""

from evalhub.night.calibration import prepare_calibration
from evalhub.night.night import Night, decide_gates, run_night

__all__ = ["Night", "decide_gates", "prepare_calibration", "run_night"]
