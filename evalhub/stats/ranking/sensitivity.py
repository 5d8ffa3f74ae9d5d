"""How a ranking changes with judge, rubric, verdict mode, length penalty or dropped failures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalhub.errors import InputError, UnknownNameError
from evalhub.stats.clusters import Column, Floats, categories, floats, same_length
from evalhub.stats.correlation.coefficients import Coefficient, coefficient, rounded

NOT_COMMON = "fewer than 2 systems are in both"
ALL_TIED = "one of the two ties all systems"


@dataclass(frozen=True, slots=True)
class RankingChange:
    """One variant of a ranking beside the reference, on the systems that both have.

    Attributes:
        variant: Its name.
        systems: Systems that have an estimate in both.
        kendall: Kendall's tau-b with the reference, in [-1, 1], 1 = the same order. None = undefined.
        spearman: Spearman's correlation with the reference, in [-1, 1]. None = undefined.
        pairs: Pairs of systems.
        swapped: Pairs whose order is the opposite. A tie in either is no swap.
        moved_system: System whose rank moves furthest, the first by name. None where no rank moves.
        moved_ranks: Places that it moves, above 0 = up. Ties share their mean rank.
        winners: Best systems of the variant, several where they tie.
        winner_changes: Whether they differ from those of the reference. None with fewer than 2 systems.
        missing: Systems that only one of the two has.
        reason: Why `kendall` and `spearman` are None.
    """

    variant: str
    systems: int
    kendall: float | None
    spearman: float | None
    pairs: int
    swapped: int
    moved_system: str | None
    moved_ranks: float
    winners: tuple[str, ...]
    winner_changes: bool | None
    missing: tuple[str, ...]
    reason: str | None


def ranking_changes(
    variants: Column, systems: Column, estimates: Column, *, reference: str
) -> tuple[RankingChange, ...]:
    """Compare the rankings of several variants with one of them.

    Args:
        variants: (n,) name of the variant of each row.
        systems: (n,) system of each row, once in each variant.
        estimates: (n,) its estimate there, higher = better. None, NaN and infinite = no estimate.
        reference: Name of the variant that the others are compared with.

    Returns:
        One row for each other variant, sorted by name.

    Raises:
        InputError: The columns differ in length, a name is missing, a system occurs twice in a variant, or
            there is no variant of the reference's name.

    Source: Kendall, Biometrika 33(3), 1945, 239-251 (tau-b).

    Example:
        >>> rows = [("raw", "x", 3), ("raw", "y", 2), ("raw", "z", 1), ("short", "x", 2), ("short", "y", 3)]
        >>> (change,) = ranking_changes(*zip(*rows), reference="raw")
        >>> round(change.kendall, 9), change.swapped, change.winners, change.missing
        (-1.0, 1, ('y',), ('z',))
    """
    same_length({"variants": variants, "systems": systems, "estimates": estimates})
    names, has_name = categories(variants)
    members, has_system = categories(systems)
    if not (has_name & has_system).all():
        raise InputError("a variant or system has no name")
    rankings: dict[str, dict[str, float]] = {str(name): {} for name in np.unique(names)}
    if reference not in rankings:
        raise UnknownNameError("variant", reference, rankings)
    cells = set()
    for name, system, value in zip(names.tolist(), members.tolist(), floats(estimates).tolist(), strict=True):
        if (name, system) in cells:
            raise InputError("a system occurs twice in a variant", value=f"{system} in {name}")
        cells.add((name, system))
        if value == value:
            rankings[name][system] = value
    return tuple(_change(name, rankings[name], rankings[reference]) for name in rankings if name != reference)


def _change(variant: str, values: dict[str, float], reference: dict[str, float]) -> RankingChange:
    common = sorted(values.keys() & reference.keys())
    missing = tuple(sorted(values.keys() ^ reference.keys()))
    pairs = len(common) * (len(common) - 1) // 2
    from scipy import stats

    estimates, baseline = (rounded(np.array([side[name] for name in common])) for side in (values, reference))
    winners = _best(common, estimates)
    if len(common) < 2:
        return RankingChange(
            variant, len(common), None, None, pairs, 0, None, 0.0, winners, None, missing, NOT_COMMON
        )
    signs = [np.sign(side[:, None] - side[None, :]) for side in (estimates, baseline)]
    moves = stats.rankdata(estimates) - stats.rankdata(baseline)
    furthest = int(np.argmax(np.abs(moves)))
    moves_at_all = bool(moves[furthest] != 0)
    tau, rho = (
        coefficient(kind, estimates, baseline) for kind in (Coefficient.KENDALL, Coefficient.SPEARMAN)
    )
    undefined = bool(np.isnan(tau))
    return RankingChange(
        variant,
        systems=len(common),
        kendall=None if undefined else tau,
        spearman=None if undefined else rho,
        pairs=pairs,
        swapped=int(np.sum(signs[0] * signs[1] < 0)) // 2,
        moved_system=common[furthest] if moves_at_all else None,
        moved_ranks=float(moves[furthest]),
        winners=winners,
        winner_changes=winners != _best(common, baseline),
        missing=missing,
        reason=ALL_TIED if undefined else None,
    )


def _best(systems: Sequence[str], values: Floats) -> tuple[str, ...]:
    return tuple(np.array(systems)[values == values.max()].tolist()) if len(systems) else ()
