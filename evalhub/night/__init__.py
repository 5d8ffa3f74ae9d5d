"""One night of a suite: it is calibrated and run, its gates are decided, its reports are written and sent."""

from evalhub.night.calibration import prepare_calibration
from evalhub.night.night import Night, decide_gates, run_night
from evalhub.night.notify import Announcement, error_message, night_message

__all__ = [
    "Announcement", "Night", "decide_gates", "error_message", "night_message", "prepare_calibration",
    "run_night",
]  # fmt: skip
