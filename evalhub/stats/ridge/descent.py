"""What the penalised fits share: the descent to the least loss, and the sigmoid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.floating[Any]]
Vector = npt.NDArray[np.floating[Any]]

_TOLERANCE = 1e-9
_STEPS = 500


def minimise(penalised: Callable[[Vector], tuple[float, Vector]], initial: Vector) -> Vector:
    """Return the parameters with the least loss, by L-BFGS.

    Args:
        penalised: From (p,) parameters to the loss and its (p,) gradient.
        initial: (p,) parameters to start from.
    """
    from scipy import optimize

    result = optimize.minimize(
        penalised,
        initial,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _STEPS, "ftol": _TOLERANCE, "gtol": 1e-7},
    )
    return np.asarray(result.x, float)


def sigmoid(log_odds: Vector) -> Vector:
    """Return the probabilities of log-odds of any size.

    >>> sigmoid(np.array([0.0, -1000.0])).tolist()
    [0.5, 0.0]
    """
    return np.asarray(np.exp(-np.logaddexp(0.0, -log_odds)))
