"""`make formal`: every property of every stage proven, and every broken copy refuted; a line a row as it is done.

Names of stages or properties as arguments choose rows. Seconds are of processor time. A proof at any time is unbounded,
k the depth at which it closed; one for n steps covers every run of n cycles from power-up.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from around import AROUND, Around
from prover import ProofError
from rows import CLAIMS, ROWS, Row
from subjects import STAGES

BESIDE = {"recorded": "gate, keep and in_turn around any core", "batched": "batch_end beside any core"}


def result(row: Row) -> tuple[bool, str]:
    """Whether the row stands, and its lines of the table."""
    try:
        verdict = row.prove()
        broken = [(fault, row.prove(fault)) for fault in row.faults]
    except ProofError as error:
        return False, f"  {row.stage:13} {row.shape}: {error}"
    stands = verdict.holds and not any(found.holds for _, found in broken)
    lines = [f"  {row.stage:13} {row.shape:28} {verdict.why:44} {verdict.seconds:6.1f} s"]
    for fault, found in broken:
        why = f"NOT NOTICED {found.why}" if found.holds else found.why
        lines.append(f"  {'':16}broken: {fault.why:47}{why}")
    return stands, "\n".join(lines)


def surrounded(around: Around) -> tuple[bool, str]:
    """The same of a property of what stands around any core."""
    try:
        verdict = around.prove()
        broken = [(fault, around.prove(fault)) for fault in around.faults]
    except ProofError as error:
        return False, f"  {around.claim}: {error}"
    lines = [f"  {around.claim}: {verdict.why}, {verdict.seconds:.1f} s"]
    lines += [f"  {'':16}broken: {fault.why:47}{'NOT NOTICED ' * found.holds}{found.why}" for fault, found in broken]
    return verdict.holds and not any(found.holds for _, found in broken), "\n".join(lines)


def report(rows: list[Row]) -> Iterator[tuple[bool, str]]:
    """Result by result in the table's order, a heading before each property."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        claim = ""
        for row, (stands, lines) in zip(rows, pool.map(result, rows), strict=True):
            if row.property != claim:
                claim = row.property
                yield True, f"\n{claim}: {CLAIMS[claim]}"
            yield stands, lines


def main() -> None:
    names = sys.argv[1:]
    if unknown := [name for name in names if name not in {*STAGES, *CLAIMS, *BESIDE}]:
        sys.exit(f"no {', '.join(unknown)}; choose of {', '.join([*STAGES, *CLAIMS, *BESIDE])}")
    rows = [row for row in ROWS if not names or {row.stage, row.property} & {*names}]
    beside = [around for around in AROUND if not names or around.checker in names]
    start = time.perf_counter()
    count, faults = len(rows) + len(beside), sum(len(row.faults) for row in (*rows, *beside))
    print(f"{count} proofs, {faults} broken copies", flush=True)
    failed = 0
    for stands, lines in report(rows):
        failed += not stands
        print(lines, flush=True)
    checker = ""
    for around in beside:
        if around.checker != checker:
            checker = around.checker
            print(f"\n{checker}: {BESIDE[checker]}")
        stands, lines = surrounded(around)
        failed += not stands
        print(lines, flush=True)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = f"{time.perf_counter() - start:.0f} s, {usage.ru_utime + usage.ru_stime:.0f} s of processor time"
    print(f"\n{spent}; {failed or 'none'} of {count} rows failed")
    sys.exit(failed > 0)


try:
    main()
except KeyboardInterrupt:
    sys.exit("interrupted: rows not printed are not proven")
