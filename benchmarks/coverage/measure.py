"""Coverage of every interval that evalhub prints: `measure.py [THEME ...] [--quick]`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from frame import SIMULATIONS, measure, show


def main() -> None:
    """Measure the themes that are named, or all; exit 1 where a rule is broken."""
    quick = "--quick" in sys.argv
    here = Path(__file__).parent
    themes = sorted(path.stem for path in here.glob("*.py") if path.stem not in ("frame", "measure"))
    named = [one for one in sys.argv[1:] if not one.startswith("-")] or themes
    good = True
    for theme in named:
        print(f"\n== {theme}")
        good &= show(measure(import_module(theme).cells(), most=200 if quick else SIMULATIONS))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
