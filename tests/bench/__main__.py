"""`make bench`: what ours does a second, and how many times that of each peer or floor, measured in the same run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import estimates
import exact
import gates
import golden
import information
import maps
import methods
import simulation
import training
from timing import Row

BENCHES = {
    "golden": lambda: lines(golden.rows()),
    "simulation": lambda: lines(simulation.rows()),
    "gates": lambda: lines(gates.rows()),
    "maps": lambda: lines(maps.rows()),
    "methods": lambda: lines(methods.rows()),
    "information": lambda: lines(information.rows()),
    "exact": lambda: lines(exact.rows()),
    "training": lambda: lines(training.rows()),
    "estimates": estimates.lines,
}


def lines(rows: Iterator[Row]) -> Iterator[str]:
    """A table a group: medians, noise as half the interquartile range, ours over this row's rate, of the medians and of
    each one's fastest run, which no neighbour slowed down.
    """
    ours: Row | None = None
    for row in rows:
        if ours is None or row.group != ours.group:
            ours = row
            yield f"\n{row.group}"
            ratio = ""
        else:
            fastest = ours.amount / ours.timing.fastest / (row.amount / row.timing.fastest)
            ratio = f"ours / this = {ours.rate / row.rate:,.3g}, of fastest runs {fastest:,.3g}"
        rate = f"{row.rate:16,.0f} {row.unit}/s" if row.amount > 1 else ""
        noise = f"± {row.timing.noise:4.0%}" if row.timing.runs > 1 else "1 run "
        timed = f"{1e3 * row.timing.seconds:12,.3f} ms {noise}"
        yield f"  {row.what:44} {rate:28} {timed}  {ratio}".rstrip()


def main() -> None:
    chosen = sys.argv[1:] or list(BENCHES)  # the estimates last: they wait minutes for yosys
    if unknown := [name for name in chosen if name not in BENCHES]:
        sys.exit(f"no bench {', '.join(unknown)}; choose of {', '.join(BENCHES)}")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians, ± half the interquartile range")
    for name in chosen:
        for line in BENCHES[name]():
            print(line, flush=True)


main()
