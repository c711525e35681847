"""`make mutants`: every mutant of the RTL against the benches of `make test`; the score, and who survived.

    python tests/mutants [MODULE ...] [--sample N] [--seed S] [--workers W] [--output FILE]

Exit 1 where a mutant survived that `survivors.toml` does not explain, or where it explains one that is killed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "hw"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "hw" / "boards"))

from bitneck.hw.simulation.verilator import SimulationError
from execute import benched, every_mutant, execute_all
from rich.console import Console
from rich.progress import track
from score import SURVIVORS, explained, known, line, sample, stale, table, verdict


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants")
    names = benched()
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(names)}; by default all")
    parser.add_argument("--sample", type=int, help="only this many, spread over the modules")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument(
        "--output", type=Path, help="every mutant and its fate, a line each; what it has is not run again"
    )
    wanted = parser.parse_args()
    if unknown := [name for name in wanted.modules if name not in names]:
        parser.error(f"no module {unknown[0]}; choose from {', '.join(names)}")
    chosen = [each for name in wanted.modules or names for each in every_mutant(name)]
    if wanted.sample is not None:
        chosen = sample(chosen, wanted.sample, wanted.seed)
    began = time.monotonic()
    console = Console(stderr=True)
    fates = known(wanted.output, chosen) if wanted.output is not None else []
    left = [mutant for mutant in chosen if mutant not in {fate.mutant for fate in fates}]
    running = track(execute_all(left, wanted.workers), "mutants", len(left), console=console, transient=True)
    try:
        for fate in running:
            fates.append(fate)
            if wanted.output is not None:
                with wanted.output.open("a") as file:
                    file.write(line(fate))
    except SimulationError as error:
        console.print(f"mutants: {error}", highlight=False, markup=False)
        return 2
    reasons = explained(SURVIVORS.read_text())
    print(table(fates, reasons), f"\n{len(left):,} mutants in {time.monotonic() - began:.0f} s")
    complaints = verdict(fates, reasons)
    if not wanted.modules and wanted.sample is None:
        complaints += [f"explained, but there is no such mutant any more: {key}" for key in stale(chosen, reasons)]
    print("".join(f"{complaint}\n" for complaint in complaints), end="")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
