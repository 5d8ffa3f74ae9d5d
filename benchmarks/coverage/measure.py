"""Coverage of every interval that evalhub prints: `measure.py [THEME ...] [--draws N] [--seed N]`."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from frame import SEED, SIMULATIONS, measure, show


def main() -> None:
    """Measure the themes that are named, or all; exit 1 where a rule is broken."""
    here = Path(__file__).parent
    themes = sorted(path.stem for path in here.glob("*.py") if path.stem not in ("frame", "measure"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("themes", nargs="*", metavar="THEME", help=f"of {', '.join(themes)}; none = all")
    parser.add_argument("--draws", type=int, default=SIMULATIONS, help="simulations of each cell")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of the simulations")
    given = parser.parse_args()
    good = True
    for theme in given.themes or themes:
        print(f"\n== {theme}")
        good &= show(measure(import_module(theme).cells(), draws=given.draws, seed=given.seed))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
