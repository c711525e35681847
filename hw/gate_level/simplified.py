"""A circuit without what would be computed in vain: constants, copies, inputs that do not matter, dead parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

from .circuit import FALSE, TRUE, Circuit, Lut, Memory, outputs, reads
from .terms import halves

COPY = 0b10


def simplified(circuit: Circuit, ends: Iterable[int]) -> tuple[Circuit, Callable[[int], int]]:
    """What the nets `ends` need, and under which number a net of the circuit is found in it."""
    same: dict[int, int] = {}

    def now(net: int) -> int:
        while net in same:
            net = same[net]
        return net

    kept = list[Lut]()
    for part in circuit.in_order():
        if isinstance(part, Memory):
            continue
        smaller = lut(part.name, part.output, tuple(map(now, part.inputs)), part.table)
        if not smaller.inputs:
            same[part.output] = TRUE if smaller.table else FALSE
        elif len(smaller.inputs) == 1 and smaller.table == COPY:
            same[part.output] = smaller.inputs[0]
        else:
            kept.append(smaller)
    found = replace(
        circuit,
        luts=tuple(kept),
        flip_flops=tuple(
            replace(ff, data=now(ff.data), enable=now(ff.enable), reset=now(ff.reset)) for ff in circuit.flip_flops
        ),
        memories=tuple(_renamed(memory, now) for memory in circuit.memories),
        nets={name: tuple(map(now, nets)) for name, nets in circuit.nets.items()},
    )
    return _alive(found, {now(net) for net in ends}), now


def _alive(circuit: Circuit, ends: set[int]) -> Circuit:
    needs: dict[int, set[int]] = defaultdict(set)
    for part in circuit.parts:
        for net in outputs(part):
            needs[net].update(reads(part))
    left, alive = list(ends), set(ends)
    while left:
        more = needs[left.pop()] - alive
        alive |= more
        left += more
    return replace(
        circuit,
        luts=tuple(each for each in circuit.luts if each.output in alive),
        flip_flops=tuple(each for each in circuit.flip_flops if each.output in alive),
        memories=tuple(each for each in circuit.memories if alive & {*each.output}),
    )


def _renamed(memory: Memory, now: Callable[[int], int]) -> Memory:
    def all_now(nets: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(map(now, nets))

    return replace(
        memory,
        read=all_now(memory.read),
        read_enable=all_now(memory.read_enable),
        write=all_now(memory.write),
        written=all_now(memory.written),
        keep=all_now(memory.keep),
        write_enable=all_now(memory.write_enable),
    )


def lut(name: str, output: int, inputs: tuple[int, ...], table: int) -> Lut:
    """Without the inputs that are constant, that repeat, or that do not matter."""
    kept, rows = list(inputs), table & ((1 << (1 << len(inputs))) - 1)
    at = 0
    while at < len(kept):
        low, high = halves(rows, len(kept), at)
        first = kept.index(kept[at])
        if kept[at] in (FALSE, TRUE):
            rows = high if kept[at] == TRUE else low
        elif low == high:
            rows = low
        elif first < at:
            rows = _where_equal(rows, len(kept), first, at)
        else:
            at += 1
            continue
        del kept[at]
        at = 0
    return Lut(name, output, tuple(kept), rows)


def _where_equal(rows: int, inputs: int, first: int, at: int) -> int:
    """The table without input `at`, which is the same net as `first`."""
    low, high = halves(rows, inputs, at)
    return sum(((high if row >> first & 1 else low) >> row & 1) << row for row in range(1 << (inputs - 1)))
