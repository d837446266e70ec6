"""Run the benches one after the other, each in processes of its own; write bench/RESULTS.md.

With --only, sections of other benches stay there as they are.

python -m bench [--only NAME] [--quick]
"""

import argparse
import importlib
import os
from pathlib import Path

from bench.figures import Figure, table
from bench.report import Section, report

NAMES = (
    "decode",
    "ingest",
    "neighbour",
    "endurance",
    "profiles",
    "drift",
    "metrics",
    "causes",
    "slices",
    "detect",
    "evaluate",
    "pages",
)
RESULTS = Path(__file__).parent / "RESULTS.md"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", choices=NAMES, action="append", help="this bench; repeatable")
    arguments.add_argument("--quick", action="store_true", help="less data; writes no file")
    chosen = arguments.parse_args()
    sections: list[Section] = []
    for name in chosen.only or NAMES:
        bench = importlib.import_module(f"bench.{name}")
        figures: list[Figure] = []
        load = os.getloadavg()[0]
        for figure in bench.figures(quick=chosen.quick):
            figures.append(figure)
            print(f"{name}: " + "  ".join(filter(None, figure.cells())), flush=True)
        sections.append(Section(name, (bench.__doc__ or "").splitlines()[0], figures, load))
    every = [figure for section in sections for figure in section.figures]
    print("\n" + table(every))
    if not chosen.quick:
        before = RESULTS.read_text(encoding="utf-8") if chosen.only and RESULTS.exists() else ""
        RESULTS.write_text(report(sections, before), encoding="utf-8")
    missed = sum(figure.is_missed for figure in every)
    print(f"{missed} goals missed" if missed else "every goal reached")


if __name__ == "__main__":
    main()
