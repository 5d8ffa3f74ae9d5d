"""How the judgments of each judge of a run are combined."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from evalhub.specs import Combine, CombineOrders, Positions
from evalhub.store import Manifest


@dataclass(frozen=True, slots=True)
class Rules:
    """How the judgments of judges are combined.

    Attributes:
        two_orders: The judges whose pairs need both orders.
        voting: The judges whose samples vote.
        agreeing: The dataset and judge of recorded verdicts that both orders must give.
    """

    two_orders: Collection[str] = frozenset()
    voting: Collection[str] = frozenset()
    agreeing: Collection[tuple[str, str]] = frozenset()


def rules_of(manifest: Manifest) -> Rules:
    """Return the rules of a run's judges."""
    judges = manifest.judges
    return Rules(
        two_orders={name for name, facts in judges.items() if facts.positions == Positions.BOTH},
        voting={name for name, facts in judges.items() if facts.combine == Combine.VOTE},
        agreeing={
            (dataset, name)
            for dataset, card in manifest.cards.items()
            for name, recorded in card.judges.items()
            if recorded.combine_orders is CombineOrders.AGREE
        },
    )
