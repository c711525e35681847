"""A circuit as C++ in which lanes are frames.

What no pixel can reach is the same for every frame. That is found from the netlist alone, by following what the data
inputs drive, and holds for all control of a design of ours: these nets are one truth each, and decide by branches.
Where control does depend on data, it is a vector, and a check asks in every cycle whether all lanes agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from .circuit import FALSE, TRUE, Circuit, FlipFlop, Lut, Memory, reads
from .schedule import ALWAYS, Guard, Pins, Schedule, State, Stream, registers_of
from .simplified import lut as reduced_lut
from .simplified import simplified
from .terms import Term, term

STATEMENTS = 250  # of a function: what a compiler likes


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
    schedule = Schedule(smaller, pins, tuple(streams))
    writer = _Writer(schedule)
    text = "\n".join([*writer.lines(), ""])
    of_lanes = sum(map(schedule.is_own, smaller.luts))
    return Code(text, tuple(writer.checks), of_lanes, len(smaller.luts) - of_lanes)


class _Writer:
    """Of one schedule."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule, self.circuit, self.varies = schedule, schedule.circuit, schedule.varies
        self.pins, self.streams = schedule.pins, schedule.streams
        self.checks: list[str] = []
        self.places: dict[int, str] = {}
        self.sizes: Counter[str] = Counter()
        self.numbers = {memory.name: index for index, memory in enumerate(self.circuit.memories)}

    def place(self, net: int) -> str:
        """Where a net is stored."""
        if net not in self.places:
            kind = "o.v" if net in self.varies else "u"
            self.places[net] = f"{kind}[{self.sizes[kind]}]"
            self.sizes[kind] += 1
        return self.places[net]

    def value(self, net: int, local: dict[int, str] | None = None) -> str:
        if net in (FALSE, TRUE):
            return "NO" if net == FALSE else "YES"
        return local[net] if local and net in local else self.place(net)

    def lines(self) -> Iterator[str]:
        same, _ = self.schedule.state
        asked = self.asked_by_frames()
        ordered = sorted(same, key=lambda part: asked.isdisjoint(registers_of(part)))
        near = [part for part in ordered if not asked.isdisjoint(registers_of(part))]
        program = self.schedule.program()
        # First what frames ask for. Of that, and of the rest, the registers first, which change all at once.
        first = [net for part in near for net in registers_of(part)]
        rest = [net for part in ordered[len(near) :] for net in registers_of(part)]
        bounds = []
        for nets in (first, sorted(asked), rest):
            for net in nets:
                self.place(net)
            bounds.append(self.sizes["u"])
        body = [
            *self.functions("same", [(ALWAYS, [*self.schedule.logic[0], *self.certain_passes()])]),
            *self.functions("own", program),
            *self.committed_same(ordered, bounds),
            *self.committed_own({part for _, steps in program for part in steps if isinstance(part, FlipFlop)}),
            *self.recorded(),
            *self.started(),
        ]
        yield '#include "lanes.h"'
        yield from self.memories()
        yield "struct Same {  // for all frames; `shared` of it is asked by what is a frame's own"
        yield f"  static constexpr int shared = {bounds[1]}, streams = {len(self.streams)};"
        yield f"  static constexpr bool certain = {'true' if self.schedule.certain else 'false'};"
        registers = bounds[0] + bounds[2] - bounds[1]
        room = max(self.sizes["u"], -(-bounds[1] // 64) * 64)
        yield f"  uint64_t u[{max(1, room)}], next[{max(1, registers)}];"
        for index, memory in enumerate(self.circuit.memories):
            if not self.stored(memory) and memory.is_written:
                yield f"  uint64_t m{index}[{len(memory.words)} * {_words(memory)}];"
        yield "};"
        yield "struct Own {  // of each frame"
        yield f"  Bits v[{max(1, self.sizes['o.v'])}];"
        for index, memory in enumerate(self.circuit.memories):
            if self.stored(memory):
                yield f"  Bits m{index}[{len(memory.words)} * {len(memory.output)}];"
                yield f"  uint64_t last{index};  // address that stands at its output"
        yield "  int64_t lanes, first_lane, complaint, lane;"
        yield "};"
        yield from TRUTHS
        yield from body
        yield '#include "run.h"'

    def asked_by_frames(self) -> set[int]:
        """What is the same for all frames and read by what is not, or by who drives and records."""
        parts = (*self.schedule.logic[1], *self.schedule.state[1])
        found = {*self.asked_by_drivers(), *(net for part in parts for net in reads(part))}
        return found - self.varies - {FALSE, TRUE}

    def asked_by_drivers(self) -> Iterator[int]:
        yield self.pins.ready
        for stream, passes in zip(self.streams, self.schedule.passes, strict=True):
            yield from (*stream.data, stream.valid, stream.ready, passes.output)

    def certain_passes(self) -> list[Lut]:
        pairs = zip(self.schedule.passes, self.streams, strict=True)
        return [passes for passes, stream in pairs if self.schedule.is_certain(stream)]

    def stored(self, memory: Memory) -> bool:
        """Whether each frame has a memory of its own."""
        return self.schedule.is_own(memory)

    def memory(self, memory: Memory) -> str:
        number = self.numbers[memory.name]
        if self.stored(memory):
            return f"o.m{number}"
        return f"s.m{number}" if memory.is_written else f"words{number}"

    # What is computed in a cycle

    def functions(self, name: str, blocks: Iterable[tuple[Guard, Sequence[Lut | State]]]) -> Iterator[str]:
        """Functions of some statements each, and NAME, which calls them. A net that one of them alone uses is
        a variable of it.
        """
        chunks: list[tuple[Guard, list[Lut | State]]] = []
        for guard, parts in blocks:
            left = iter(parts)
            while chunk := list(islice(left, STATEMENTS)):
                chunks.append((guard, chunk))
        used = Counter(net for part in self.circuit.parts for net in {*reads(part)})
        used.update({*self.asked_by_drivers()})
        takes, gives = ("Same& s", "s") if name == "same" else ("const uint64_t* u, Own& o", "u, o")
        calls = []
        for index, (guard, chunk) in enumerate(chunks):
            here = Counter(net for part in chunk for net in {*reads(part)})
            local: dict[int, str] = {}
            yield f"static void {name}_{index}({takes}) {{"
            yield from ["  uint64_t* const u = s.u;"] if name == "same" else []
            for part in chunk:
                if isinstance(part, Memory):
                    yield from self.read_at_once(part)
                    continue
                if isinstance(part, FlipFlop):
                    yield f"  {self.place(part.output)} = {self.next_value(part, local)};"
                    continue
                said = self.lut(part, local)
                net = part.output
                if here[net] == used[net]:
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

    # What changes with the clock

    def committed_same(self, ordered: Sequence[State], bounds: Sequence[int]) -> Iterator[str]:
        """bounds   of u: registers that frames ask for end at the first; others lie from the second to the third"""
        yield "static void commit_same(Same& s) {"
        yield "  uint64_t* const u = s.u;"
        register = 0
        for part in ordered:
            if isinstance(part, FlipFlop):
                yield f"  s.next[{register}] = {self.next_value(part)};"
            elif not part.asynchronous:
                yield f"  if ({self.all_hold(part.read_enable, part, 'read enable')}) {{"
                at = self.address(part.read, part, "read address")
                yield f"    const uint64_t* word = {self.memory(part)} + {_words(part)} * {at};"
                for limb in range(_words(part)):
                    count = min(64, len(part.output) - 64 * limb)
                    yield f"    spread<{count}>(s.next + {register + 64 * limb}, word[{limb}]);"
                yield "  }"
            register += len(registers_of(part))
            if isinstance(part, Memory):
                yield from self.store(part)
        near, begin, end = bounds
        yield f"  std::copy_n(s.next, {near}, u);"
        yield f"  std::copy_n(s.next + {near}, {end - begin}, u + {begin});"
        yield "}"

    def committed_own(self, done: Container[State]) -> Iterator[str]:
        """done   has changed already"""
        yield "static void commit_own([[maybe_unused]] const uint64_t* u, [[maybe_unused]] Own& o) {"
        saved, order = self.schedule.changes(done)
        for part in saved:
            for net in registers_of(part):
                yield f"  const Bits old{net} = {self.place(net)};"
        old = {net: f"old{net}" for part in saved for net in registers_of(part)}
        last: Guard | None = None
        for part in order:
            guard = self.schedule.guard(part)
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
        if varies and enable not in self.varies and self.schedule.guard(ff) != ALWAYS:
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

    def clocked(self, memory: Memory, old: dict[int, str]) -> Iterator[str]:
        """Of a memory in which each frame has its own words."""
        if memory.asynchronous:
            yield from self.store(memory, old)
            return
        number, output = self.numbers[memory.name], [self.place(net) for net in memory.output]
        aside = not {*memory.output}.isdisjoint((*memory.write, *memory.written, *memory.keep, *memory.write_enable))
        yield "  {"
        yield f"    const uint64_t reads = {self.all_hold(memory.read_enable, memory, 'read enable')};"
        yield f"    const uint64_t at = reads ? {self.address(memory.read, memory, 'read address')} : 0;"
        yield f"    const Bits* from = {self.memory(memory)} + {len(output)} * at;"
        yield f"    const bool fresh = reads && at != o.last{number};"
        yield f"    if (fresh) o.last{number} = at;"
        if aside:
            yield f"    Bits out[{len(output)}];"
            yield f"    if (fresh) std::copy_n(from, {len(output)}, out);"
            yield from self.store(memory, old)
            yield "    if (fresh) {"
            yield from (f"      {place} = out[{bit}];" for bit, place in enumerate(output))
            yield "    }"
        else:
            yield "    if (fresh) {"
            yield from (f"      {place} = from[{bit}];" for bit, place in enumerate(output))
            yield "    }"
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
            yield from [] if memory.asynchronous else [f"    o.last{self.numbers[memory.name]} = ~uint64_t(0);"]
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

    # Control: where it varies, all frames have to agree

    def agreed(self, net: int, what: str) -> str:
        if net not in self.varies:
            return self.value(net)
        self.checks.append(what)
        return f"agreed(o, {self.place(net)}, {len(self.checks) - 1})"

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
        yield "static uint64_t moved(const uint64_t* u, Own& o) {"
        yield "  uint64_t found = 0;"
        for index, (stream, passes) in enumerate(zip(self.streams, self.schedule.passes, strict=True)):
            ends = ((stream.valid, "valid"), (stream.ready, "ready"))
            said = " & ".join(self.agreed(net, f"{stream.name}: {what}") for net, what in ends)
            certain = self.schedule.is_certain(stream)
            yield f"  found |= ({self.value(passes.output) if certain else said}) & uint64_t(1) << {index};"
        yield "  return found;"
        yield "}"
        yield "static void record(const uint64_t* u, const Own& o, uint64_t moved, Tap* taps, int64_t group) {"
        for index, stream in enumerate(self.streams):
            yield f"  if (moved >> {index} & 1) {{"
            yield f"    Bits* to = taps[{index}].next(group);"
            for bit, each in enumerate(stream.data):
                said = self.value(each)
                yield f"    to[{bit}] = {said if each in self.varies else f'filled({said})'};"
            yield "  }"
        yield "}"
        ready = self.agreed(self.pins.ready, "the ready of the stream that goes in")
        yield f"static uint64_t ready(const uint64_t* u, Own& o) {{ return {ready}; }}"
        yield "static void set_control(uint64_t* u, uint64_t reset, uint64_t valid, uint64_t leaves) {"
        for net, said in ((self.pins.reset, "reset"), (self.pins.valid, "valid"), (self.pins.leaves, "leaves")):
            yield f"  {self.place(net)} = {said};"
        yield "}"
        yield "static void set_data(Own& o, const Bits* beat) {"
        for bit, net in enumerate(self.pins.data):
            if net in self.places:
                yield f"  {self.place(net)} = beat[{bit}];"
        yield "}"

    def memories(self) -> Iterator[str]:
        """What they are at first, of 64 bits a limb."""
        for index, memory in enumerate(self.circuit.memories):
            limbs = (
                f"{word >> 64 * limb & (2**64 - 1):#x}u" for word in memory.words for limb in range(_words(memory))
            )
            yield f"static const uint64_t words{index}[] = {{{', '.join(limbs)}}};"

    def started(self) -> Iterator[str]:
        said: dict[bool, list[str]] = {False: [], True: []}
        for ff in self.circuit.flip_flops:
            if ff.first:
                varies = ff.output in self.varies
                said[varies].append(f"  {self.place(ff.output)} = {'all(true)' if varies else 'YES'};")
        for index, memory in enumerate(self.circuit.memories):
            width, words = len(memory.output), _words(memory)
            if self.stored(memory):
                bit = f"words{index}[i / {width} * {words} + i % {width} / 64] >> (i % {width} % 64) & 1"
                size = len(memory.words) * width
                said[True].append(f"  for (int64_t i = 0; i < {size}; i++) {self.memory(memory)}[i] = all({bit});")
                said[True].append(f"  o.last{index} = ~uint64_t(0);")
            elif memory.is_written:
                said[False].append(f"  std::copy(std::begin(words{index}), std::end(words{index}), s.m{index});")
        yield "static void start(Same& s) {"
        yield "  [[maybe_unused]] uint64_t* const u = s.u;"
        yield from said[False]
        yield from ("}", "static void start([[maybe_unused]] Own& o) {", *said[True], "}")


TRUTHS = (
    "constexpr uint64_t NO = 0, YES = ~uint64_t(0);",
    "[[maybe_unused]] static uint64_t agreed(Own& o, const Bits& of, int check) {",
    "  const uint64_t first = -(of.word()[0] & 1);",
    "  const int64_t lane = o.complaint < 0 ? other_lane(of, first, o.lanes) : -1;",
    "  if (lane >= 0) o.complaint = check, o.lane = o.first_lane + lane;",
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
