"""A circuit as C++ in which lanes are frames.

What no pixel can reach is the same for every frame. That is found from the netlist alone, by following what the data
inputs drive, and holds for all control of a design of ours: these nets are one truth each, and decide by branches.
Where control does depend on data, it is a vector, and a check asks in every cycle whether all lanes agree.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeAlias

from .circuit import FALSE, TRUE, Circuit, FlipFlop, Lut, Memory, outputs, part_inputs, reads
from .simplified import lut as reduced_lut
from .simplified import simplified
from .terms import Term, term

STATEMENTS = 250  # of a function: what a compiler likes
GUARDS = 6  # nets of which one must hold for a block to be of use, at most; else it always is

Guard: TypeAlias = frozenset[int]
"""What is computed under it is used only where one of these nets holds."""
ALWAYS: Guard = frozenset({TRUE})
State: TypeAlias = FlipFlop | Memory


@dataclass(frozen=True)
class Stream:
    """Nets of a stream that is recorded where valid and ready both hold; data of a beat, the lowest bit first."""

    name: str
    data: tuple[int, ...]
    valid: int
    ready: int


@dataclass(frozen=True)
class Pins:
    """Nets through which a circuit is driven: reset, the stream that goes in, and ready of the one that leaves."""

    reset: int
    data: tuple[int, ...]
    valid: int
    ready: int
    leaves: int


@dataclass(frozen=True)
class Code:
    """text     to compile; it includes `run.h`
    checks   what each check is of, by its number
    lanes, uniform   LUTs of frames' own data, and of what is the same for all
    """

    text: str
    checks: tuple[str, ...]
    lanes: int
    uniform: int


def code(circuit: Circuit, pins: Pins, streams: Sequence[Stream]) -> Code:
    """Raises NetlistError where logic forms a loop."""
    ends = {pins.ready, *(net for stream in streams for net in (*stream.data, stream.valid, stream.ready))}
    smaller, now = simplified(circuit, ends)
    pins = replace(pins, ready=now(pins.ready))
    streams = [
        Stream(stream.name, tuple(map(now, stream.data)), now(stream.valid), now(stream.ready)) for stream in streams
    ]
    writer = _Writer(smaller, pins, tuple(streams))
    text = "\n".join([*writer.lines(), ""])
    of_lanes = sum(lut.output in writer.varies for lut in smaller.luts)
    return Code(text, tuple(writer.checks), of_lanes, len(smaller.luts) - of_lanes)


def varying(circuit: Circuit, sources: Iterable[int]) -> set[int]:
    """The nets that the sources can reach, through any number of cycles."""
    reaches: dict[int, set[int]] = defaultdict(set)
    for part in circuit.parts:
        for net in reads(part):
            reaches[net].update(outputs(part))
    found = {net for net in sources if net not in (FALSE, TRUE)}
    left = list(found)
    while left:
        more = reaches[left.pop()] - found
        found |= more
        left += more
    return found


class _Writer:
    """Of one circuit."""

    def __init__(self, circuit: Circuit, pins: Pins, streams: tuple[Stream, ...]) -> None:
        self.circuit, self.pins, self.streams = circuit, pins, streams
        self.varies = varying(circuit, pins.data)
        self.checks: list[str] = []
        self.places: dict[int, str] = {}
        self.sizes: Counter[str] = Counter()
        self.passes = [circuit.size + index for index in range(len(streams))]  # of a stream: valid and ready

    def place(self, net: int) -> str:
        """Where a net is stored."""
        if net not in self.places:
            kind = "o.v" if net in self.varies else "s.u"
            self.places[net] = f"{kind}[{self.sizes[kind]}]"
            self.sizes[kind] += 1
        return self.places[net]

    def value(self, net: int, local: dict[int, str] | None = None) -> str:
        if net in (FALSE, TRUE):
            return "NO" if net == FALSE else "YES"
        return local[net] if local and net in local else self.place(net)

    def lines(self) -> Iterator[str]:
        circuit, varies = self.circuit, self.varies
        state: list[State] = [*circuit.flip_flops, *(each for each in circuit.memories if changes(each))]
        same = [part for part in state if not varies & {*outputs(part)}]
        own = [part for part in state if varies & {*outputs(part)}]
        for part in same:  # first, and in this order: they change all at once
            for net in registers_of(part):
                self.place(net)
        registers = self.sizes["s.u"]
        order = circuit.in_order()
        passes = [
            Lut(f"{stream.name} passes", net, (stream.valid, stream.ready), 0b1000)
            for net, stream in zip(self.passes, self.streams, strict=True)
            if not varies & {stream.valid, stream.ready}
        ]
        uniform = [*(part for part in order if not varies & {*outputs(part)}), *passes]
        body = [
            *self.functions("same", [(ALWAYS, uniform)]),
            *self.functions("own", self.blocks([part for part in order if varies & {*outputs(part)}], own)),
            *self.committed(same, own),
            *self.recorded(),
            *self.started(),
        ]
        yield '#include "lanes.h"'
        room: dict[bool, list[str]] = {False: [], True: []}
        for index, memory in enumerate(circuit.memories):
            each, kind = (len(memory.output), "Bits") if self.stored(memory) else (_words(memory), "uint64_t")
            room[self.stored(memory)].append(f"  {kind} m{index}[{len(memory.words)} * {each}];")
            if not self.stored(memory):  # the address that was read last
                room[False].append(f"  uint64_t last{index} = ~uint64_t(0);")
        yield "struct Same {  // for all frames"
        yield f"  static constexpr int registers = {registers}, streams = {len(self.streams)};"
        yield f"  uint64_t u[{max(1, self.sizes['s.u'])}], next[{max(1, registers)}];"
        yield from room[False]
        yield "  int64_t complaint = -1, lane = 0;"
        yield "};"
        yield "struct Own {  // of each frame"
        yield f"  Bits v[{max(1, self.sizes['o.v'])}];"
        yield from room[True]
        yield "  int64_t lanes, first_lane;"
        yield "};"
        yield from TRUTHS
        yield from body
        yield '#include "run.h"'

    def stored(self, memory: Memory) -> bool:
        """Whether each frame has a memory of its own."""
        return not self.varies.isdisjoint(memory.output)

    def memory(self, memory: Memory) -> str:
        return f"{'o' if self.stored(memory) else 's'}.m{self.circuit.memories.index(memory)}"

    # What is computed in a cycle

    def blocks(self, parts: Sequence[Lut | Memory], own: Iterable[State]) -> list[tuple[Guard, list[Lut | Memory]]]:
        """By the guard under which each is of use: whatever a block reads was written in one before it, for what is
        read under several guards is computed under all of them.
        """
        of_use: dict[int, set[int]] = defaultdict(set)
        for state in own:
            for net in reads(state):
                of_use[net] |= self.guard(state)
        for net, stream in zip(self.passes, self.streams, strict=True):
            certain = self.varies & {stream.valid, stream.ready}
            for each in (*stream.data, stream.valid, stream.ready):
                of_use[each] |= ALWAYS if certain else {net}
        of_use[self.pins.ready] |= ALWAYS
        found: dict[Guard, list[Lut | Memory]] = defaultdict(list)
        for part in reversed(parts):
            guard = frozenset[int]().union(*(of_use[net] for net in outputs(part)))
            if TRUE in guard or len(guard) > GUARDS:
                guard = ALWAYS
            for net in part_inputs(part):
                of_use[net] |= guard
            found[guard].append(part)
        ordered = sorted(found, key=lambda guard: (guard != ALWAYS, -len(guard), min(guard, default=0)))
        return [(guard, found[guard][::-1]) for guard in ordered]

    def guard(self, part: State) -> Guard:
        """Where none of these holds, it stays as it is."""
        if isinstance(part, Memory):
            return ALWAYS
        nets = {part.enable, part.reset} if part.reset_first else {part.enable}
        nets.discard(FALSE)
        return ALWAYS if nets & self.varies or TRUE in nets else frozenset(nets)

    def functions(self, name: str, blocks: Iterable[tuple[Guard, Sequence[Lut | Memory]]]) -> Iterator[str]:
        """Functions of some statements each, and NAME, which calls them. A net that one of them alone uses is
        a variable of it.
        """
        chunks: list[tuple[Guard, list[Lut | Memory]]] = []
        for guard, parts in blocks:
            left = iter(parts)
            while chunk := list(islice(left, STATEMENTS)):
                chunks.append((guard, chunk))
        used = Counter(net for _, chunk in chunks for part in chunk for net in part_inputs(part))
        state: tuple[State, ...] = (*self.circuit.flip_flops, *self.circuit.memories)
        elsewhere = {net for each in state for net in reads(each)}
        elsewhere |= {net for stream in self.streams for net in (*stream.data, stream.valid, stream.ready)}
        elsewhere |= {self.pins.ready, *self.passes}
        if name == "same":  # other functions read them
            elsewhere |= {net for lut in self.circuit.luts if lut.output in self.varies for net in lut.inputs}
            elsewhere |= {net for memory in self.circuit.memories for net in memory.read}
        takes, gives = ("Same& s", "s") if name == "same" else ("Same& s, Own& o", "s, o")
        calls = []
        for index, (guard, chunk) in enumerate(chunks):
            here = Counter(net for part in chunk for net in part_inputs(part))
            local: dict[int, str] = {}
            yield f"static void {name}_{index}({takes}) {{"
            for part in chunk:
                if isinstance(part, Memory):
                    yield from self.read_at_once(part)
                    continue
                said = self.lut(part, local)
                net = part.output
                if net not in elsewhere and here[net] == used[net]:
                    local[net] = f"x{net}"
                    yield f"  const {'Bits' if net in self.varies else 'uint64_t'} x{net} = {said};"
                else:
                    yield f"  {self.place(net)} = {said};"
            yield "}"
            calls.append((guard, f"{name}_{index}({gives});"))
        yield f"static void {name}({takes}) {{"
        for guard, call in calls:
            yield f"  {self.under(guard)}{call}"
        yield "}"

    def under(self, guard: Guard) -> str:
        return "" if guard == ALWAYS else f"if ({' | '.join(self.value(net) for net in sorted(guard)) or 'NO'}) "

    def lut(self, lut: Lut, local: dict[int, str]) -> str:
        inputs = [(self.value(net, local), net in self.varies) for net in lut.inputs]
        text, varies = _text(term(lut.table, len(lut.inputs)), inputs)
        return text if varies or lut.output not in self.varies else f"filled({text})"

    # What changes with the clock

    def committed(self, same: Sequence[State], own: Sequence[State]) -> Iterator[str]:
        yield "static void commit_same(Same& s) {"
        register = 0
        for part in same:
            if isinstance(part, Memory) and part.asynchronous:
                yield from self.store(part)
                continue
            if isinstance(part, FlipFlop):
                yield f"  s.next[{register}] = {self.next_value(part)};"
                register += 1
                continue
            index, read = self.circuit.memories.index(part), self.all_hold(part.read_enable, part, "read enable")
            yield f"  const uint64_t at{index} = {self.address(part.read, part, 'read address')};"
            # What is read again stays: the next values are those that there are.
            fresh = "true" if part.is_written else f"at{index} != s.last{index}"
            yield f"  if ({read} && {fresh}) {{"
            yield f"    s.last{index} = at{index};"
            yield f"    const uint64_t* word = {self.memory(part)} + {_words(part)} * at{index};"
            for bit in range(len(part.output)):
                yield f"    s.next[{register + bit}] = -(word[{bit // 64}] >> {bit % 64} & 1);"
            yield "  }"
            yield from self.store(part)
            register += len(part.output)
        yield "  std::memcpy(s.u, s.next, sizeof s.next);"
        yield "}"
        yield "static void commit_own(Same& s, Own& o) {"
        saved, order = self.changes(own)
        for part in saved:
            for net in registers_of(part):
                yield f"  const Bits old{net} = {self.place(net)};"
        old = {net: f"old{net}" for part in saved for net in registers_of(part)}
        last: Guard | None = None
        for part in order:
            guard = self.guard(part)
            if guard != last:
                yield from [] if last in (None, ALWAYS) else ["  }"]
                yield from [] if guard == ALWAYS else [f"  {self.under(guard)}{{"]
            last = guard
            if isinstance(part, FlipFlop):
                yield f"  {self.place(part.output)} = {self.next_value(part, old)};"
            else:
                yield from self.clocked(part, old)
        yield from [] if last in (None, ALWAYS) else ["  }"]
        yield "}"

    def next_value(self, ff: FlipFlop, old: dict[int, str] | None = None) -> str:
        """Under its guard, where it has one."""
        enable, varies = ff.enable, ff.output in self.varies
        if varies and enable not in self.varies and self.guard(ff) != ALWAYS:
            enable = TRUE  # the guard, or the reset before it, has decided
        inputs = [(self.value(net, old), net in self.varies) for net in (ff.data, enable, ff.reset, ff.output)]
        table = 0
        for row in range(16):
            data, on, reset, stays = (row >> bit & 1 for bit in range(4))
            if ff.reset_first:
                found = int(ff.value) if reset else data if on else stays
            else:
                found = stays if not on else int(ff.value) if reset else data
            table |= found << row
        reduced = reduced_lut(ff.name, ff.output, (ff.data, enable, ff.reset, ff.output), table)
        by_net = dict(zip((ff.data, enable, ff.reset, ff.output), inputs, strict=True))
        text, vector = _text(term(reduced.table, len(reduced.inputs)), [by_net[net] for net in reduced.inputs])
        return text if vector or not varies else f"filled({text})"

    def changes(self, own: Sequence[State]) -> tuple[list[State], list[State]]:
        """In which order they may change one after the other: who reads another before it changes. And first those
        whose old values have to be kept aside, where some read each other.
        """
        writer = {net: index for index, part in enumerate(own) for net in registers_of(part)}
        read_by = [{writer[net] for net in reads(part) if net in writer} - {i} for i, part in enumerate(own)]
        readers: list[set[int]] = [set() for _ in own]
        for index, others in enumerate(read_by):
            for read in others:
                readers[read].add(index)
        saved, order, guard = list[State](), list[State](), ALWAYS
        ready: dict[Guard, list[int]] = defaultdict(list)
        left = set(range(len(own)))
        for index in left:
            if not readers[index]:
                ready[self.guard(own[index])].append(index)
        while left:
            if not ready[guard]:
                guard = max(ready, key=lambda each: len(ready[each]))
            if ready[guard]:
                index = ready[guard].pop()
                left.discard(index)
                order.append(own[index])
                freed = read_by[index]
            else:  # all that is left is read by something that is left
                kept = max(left, key=lambda each: (isinstance(own[each], FlipFlop), len(readers[each])))
                saved.append(own[kept])
                freed, readers[kept] = set(), set()
                ready[self.guard(own[kept])].append(kept)
                for others in read_by:
                    others.discard(kept)
                continue
            for each in freed:
                readers[each].discard(index)
                if not readers[each] and each in left and each not in ready[self.guard(own[each])]:
                    ready[self.guard(own[each])].append(each)
        return saved, order

    def clocked(self, memory: Memory, old: dict[int, str]) -> Iterator[str]:
        """Of a memory in which each frame has its own words."""
        if memory.asynchronous:
            yield from self.store(memory, old)
            return
        width = len(memory.output)
        yield f"  if ({self.all_hold(memory.read_enable, memory, 'read enable')}) {{"
        at = self.address(memory.read, memory, "read address")
        yield f"    const Bits* word = {self.memory(memory)} + {width} * {at};"
        yield f"    Bits out[{width}];"
        yield f"    for (int i = 0; i < {width}; i++) out[i] = word[i];"
        yield from self.store(memory, old)
        for bit, net in enumerate(memory.output):
            yield f"    {self.place(net)} = out[{bit}];"
        yield "  } else {"
        yield from self.store(memory, old)
        yield "  }"

    def store(self, memory: Memory, old: dict[int, str] | None = None) -> Iterator[str]:
        if not memory.is_written:
            return
        width = len(memory.output)
        yield f"  if ({self.all_hold(memory.write_enable, memory, 'write enable')}) {{"
        at = self.address(memory.write, memory, "write address")
        if self.stored(memory):
            yield f"    Bits* word = {self.memory(memory)} + {width} * {at};"
        else:
            yield f"    uint64_t* word = {self.memory(memory)} + {_words(memory)} * {at};"
        keeps = memory.keep or (FALSE,) * width
        for bit, (net, keep) in enumerate(zip(memory.written, keeps, strict=True)):
            said, varies = self.value(net, old), net in self.varies
            if self.stored(memory):
                new = said if varies else f"filled({said})"
                if keep in self.varies:
                    yield f"    word[{bit}] = lut<0xCA>({self.value(keep, old)}, word[{bit}], {new});"
                else:
                    yield f"    if (!{self.value(keep)}) word[{bit}] = {new};"
            else:
                place, one = f"word[{bit // 64}]", f"(uint64_t(1) << {bit % 64})"
                yield f"    if (!{self.value(keep)}) {place} = ({place} & ~{one}) | ({said} & {one});"
        yield "  }"

    def read_at_once(self, memory: Memory) -> Iterator[str]:
        width = len(memory.output)
        at = self.address(memory.read, memory, "read address")
        yield "  {"
        if self.stored(memory):
            yield f"    const Bits* word = {self.memory(memory)} + {width} * {at};"
            for bit, net in enumerate(memory.output):
                yield f"    {self.place(net)} = word[{bit}];"
        else:
            yield f"    const uint64_t* word = {self.memory(memory)} + {_words(memory)} * {at};"
            for bit, net in enumerate(memory.output):
                yield f"    {self.place(net)} = -(word[{bit // 64}] >> {bit % 64} & 1);"
        yield "  }"

    # Control: where it varies, all frames have to agree

    def agreed(self, net: int, what: str) -> str:
        if net not in self.varies:
            return self.value(net)
        self.checks.append(what)
        return f"agreed(s, o, {self.place(net)}, {len(self.checks) - 1})"

    def all_hold(self, nets: Iterable[int], memory: Memory, what: str) -> str:
        return " & ".join(self.agreed(net, f"{memory.name}: {what}") for net in nets if net != TRUE) or "YES"

    def address(self, nets: Iterable[int], memory: Memory, what: str) -> str:
        bits = (
            f"({self.agreed(net, f'{memory.name}: {what}, bit {bit}')} & {1 << bit})"
            for bit, net in enumerate(nets)
            if net != FALSE
        )
        return f"({' | '.join(bits) or '0'})"

    # What goes in and is recorded

    def recorded(self) -> Iterator[str]:
        yield "static uint64_t record(Same& s, Own& o, Tap* taps, int64_t group) {"
        yield "  uint64_t moved = 0;"
        for index, (stream, net) in enumerate(zip(self.streams, self.passes, strict=True)):
            certain = not self.varies & {stream.valid, stream.ready}
            ends = (
                self.agreed(stream.valid, f"{stream.name}: valid"),
                self.agreed(stream.ready, f"{stream.name}: ready"),
            )
            yield f"  if ({self.value(net) if certain else ' & '.join(ends)}) {{"
            yield f"    Bits* to = taps[{index}].next(group);"
            for bit, each in enumerate(stream.data):
                said = self.value(each)
                yield f"    to[{bit}] = {said if each in self.varies else f'filled({said})'};"
            yield f"    moved |= uint64_t(1) << {index};"
            yield "  }"
        yield "  return moved;"
        yield "}"
        ready = self.agreed(self.pins.ready, "the ready of the stream that goes in")
        yield f"static uint64_t ready(Same& s, Own& o) {{ return {ready}; }}"
        yield "static void set_control(Same& s, uint64_t reset, uint64_t valid, uint64_t leaves) {"
        for net, said in ((self.pins.reset, "reset"), (self.pins.valid, "valid"), (self.pins.leaves, "leaves")):
            yield f"  {self.place(net)} = {said};"
        yield "}"
        yield "static void set_data(Own& o, const Bits* beat) {"
        for bit, net in enumerate(self.pins.data):
            if net in self.places:
                yield f"  {self.place(net)} = beat[{bit}];"
        yield "}"

    def started(self) -> Iterator[str]:
        said: dict[bool, list[str]] = {False: [], True: []}
        for ff in self.circuit.flip_flops:
            if ff.first:
                varies = ff.output in self.varies
                said[varies].append(f"  {self.place(ff.output)} = {'all(true)' if varies else 'YES'};")
        for index, memory in enumerate(self.circuit.memories):
            if not any(memory.words):
                continue
            width, words = len(memory.output), _words(memory)
            limbs = (f"{word >> 64 * limb & (2**64 - 1):#x}u" for word in memory.words for limb in range(words))
            yield f"static const uint64_t words{index}[] = {{{', '.join(limbs)}}};"
            if self.stored(memory):
                bit = f"words{index}[i / {width} * {words} + i % {width} / 64] >> (i % {width} % 64) & 1"
                size = len(memory.words) * width
                said[True].append(f"  for (int64_t i = 0; i < {size}; i++) {self.memory(memory)}[i] = all({bit});")
            else:
                said[False].append(f"  std::memcpy({self.memory(memory)}, words{index}, sizeof words{index});")
        yield from ("static void start(Same& s) {", *said[False], "  std::memcpy(s.next, s.u, sizeof s.next);", "}")
        yield from ("static void start(Own& o) {", *said[True], "}")


def changes(memory: Memory) -> bool:
    """Whether a clock edge changes anything of it."""
    return memory.is_written or not memory.asynchronous


def registers_of(part: State) -> tuple[int, ...]:
    """The nets that a clock edge changes."""
    return () if isinstance(part, Memory) and part.asynchronous else outputs(part)


TRUTHS = (
    "constexpr uint64_t NO = 0, YES = ~uint64_t(0);",
    "static uint64_t agreed(Same& s, const Own& o, const Bits& of, int check) {",
    "  const uint64_t first = -(of.word()[0] & 1);",
    "  const int64_t lane = s.complaint < 0 ? other_lane(of, first, o.lanes) : -1;",
    "  if (lane >= 0) s.complaint = check, s.lane = o.first_lane + lane;",
    "  return first;",
    "}",
)


def _words(memory: Memory) -> int:
    """Of 64 bits, that a word of it takes."""
    return -(-len(memory.output) // 64)


def _text(of: Term, inputs: Sequence[tuple[str, bool]]) -> tuple[str, bool]:
    """The term in C++, and whether it is a vector."""
    if isinstance(of, bool):
        return "YES" if of else "NO", False
    if isinstance(of, int):
        return inputs[of]
    table, *rest = of
    found = [_text(each, inputs) for each in rest]
    varies = any(vector for _, vector in found)
    texts = (text if vector or not varies else f"filled({text})" for text, vector in found)
    return f"lut<{table}>({', '.join(texts)})", varies
