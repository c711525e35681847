"""A design behind the two wires of a UART: frames are checked, answers numbered, layers recorded."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from ..accelerator import Accelerator
from ..stages import Binarize, Cut, DwcDown, DwcUp, Fifo, Stage
from ..synthesis.bitstream import design_digest
from ..verilog import FRAME_END, OWN, bytes_up, instance, module, own_modules, top, verilog

MOST = 63  # frames under way: their numbers are counted modulo 64
MOST_KEPT = 32  # frames of which records lie there: their places are counted modulo 64
EVERY = (1, 2, 4, 8, 16, 32)  # divisors of what numbers are counted modulo
BLOCK_BITS = 4096  # of a memory block of the smallest parts
BLOCK_WIDTH = 16
WAITING_BYTES = 2048  # of frames that wait for a slow design


class LinkError(ValueError):
    """A link that a design cannot have."""


@dataclass(frozen=True)
class Tap:
    """The record of a stage's output stream, `rtl/keep.sv`: words of memory, each of whole bytes, a power of two."""

    stage: Stage

    @property
    def pack(self) -> int:
        """Beats of a word: as many as fill a byte, where they do."""
        width, beats = self.stage.out_width, self.stage.out_beats
        return 8 // width if 8 % width == 0 and beats * width % 8 == 0 else 1

    @property
    def words(self) -> int:
        """Of a frame."""
        return self.stage.out_beats // self.pack

    @property
    def word_bytes(self) -> int:
        return _up(-(-self.stage.out_width * self.pack // 8))

    @property
    def bytes_each(self) -> int:
        """Of a frame on the wire."""
        return self.words * self.word_bytes

    @property
    def frames(self) -> int:
        """That fit into as many memory blocks as a frame and its width take anyway; 2 at least."""
        across = -(-self.stage.out_width * self.pack // BLOCK_WIDTH)
        deep = BLOCK_BITS // (BLOCK_WIDTH if across > 1 or self.stage.out_width * self.pack > 8 else 8)
        return max(2, deep // _up(self.words))


@dataclass(frozen=True, eq=False)
class Linked:
    """Pins: `clk`, synchronous `rst`, `rx`, `tx`. The protocol: `rtl/link_down.sv`, `rtl/link_up.sv`, docs/boards.md.

    divider      clock cycles a bit of the UART, 4 and more
    taps         layers whose codes come back
    every        they come with every so many frames, whole, and in between the answer comes alone: 1, 2, 4, … 32
    pixels_cut   the first layer, of thresholds on pixels, is the host's: it sends codes, an eighth of the bytes

    Raises LinkError where the design has no such layer, its first one is no cut, or `every` is none of these.
    """

    core: Accelerator
    divider: int = 4
    taps: tuple[str, ...] = ()
    pixels_cut: bool = False
    every: int = 1

    def __post_init__(self) -> None:
        if self.every not in EVERY:
            raise LinkError(f"{self.core.name}: every {self.every} frames; choose {_listed(EVERY)}")
        if self.every > 1 and not self.taps:
            raise LinkError(f"{self.core.name}: every {self.every} frames of no layer; name the layers to tap, or all")
        if self.divider < 4:
            raise LinkError(f"{self.core.name}: {self.divider} cycles a bit leave no middle of it; 4 are the least")
        if self.pixels_cut and not all(isinstance(stage, Binarize | Cut) for stage in self.cut):
            raise LinkError(f"{self.core.name}: {self.core.layers[0]} is no cut that a host could make; leave it there")
        for layer in self.taps:
            if layer not in self.inner.layers:
                raise LinkError(f"{self.core.name}: no layer {layer!r} to tap; it has {', '.join(self.inner.layers)}")

    @property
    def name(self) -> str:
        return OWN.format(design=self.core.name, name="linked")

    @property
    def cut(self) -> tuple[Stage, ...]:
        """The stages that are the host's."""
        return self.core.stages_of(self.core.layers[0]) if self.pixels_cut else ()

    @cached_property
    def inner(self) -> Accelerator:
        """What of the core is on the chip."""
        if not self.pixels_cut:
            return self.core
        return replace(self.core, stages=self.core.stages[len(self.cut) :], layers=self.core.layers[1:], lane=1)

    @property
    def records(self) -> tuple[Tap, ...]:
        """What an answer consists of: what leaves the core, and, of every so many, the tapped layers."""
        return tuple(map(Tap, [self.inner.stages[-1], *(self.inner[layer] for layer in self.taps)]))

    @property
    def packs(self) -> bool:
        """The beats of the input lie bit after bit in its bytes; otherwise each is padded to whole ones."""
        head = self.inner.stages[0]
        return head.in_beats * head.in_width % 8 == 0

    @property
    def bytes_in(self) -> int:
        """Of a frame, its framing apart."""
        head = self.inner.stages[0]
        return head.in_beats * (head.in_width if self.packs else bytes_up(head.in_width)) // 8

    @property
    def bytes_out(self) -> int:
        """Of an answer with all its records."""
        return sum(record.bytes_each for record in self.records)

    @property
    def answer_bytes(self) -> tuple[int, ...]:
        """Of the answers in turn, the framing apart."""
        return (self.bytes_out, *[self.records[0].bytes_each] * (self.every - 1))

    @property
    def window(self) -> int:
        """Frames that may be under way: more would find no room."""
        answers, *layers = self.records
        kept = [MOST_KEPT, answers.frames, *(self.every * layer.frames for layer in layers)]
        kept = kept if self.buffers_answers else []
        return min([MOST, *kept, *([max(2, WAITING_BYTES // self.bytes_in)] if self.waits else [])])

    @property
    def cycles(self) -> int:
        """A frame, at the full rate of the link: of its longer direction, or of the core."""
        line = 10 * self.divider * max(self.bytes_in + 3, self.bytes_up)
        return max(math.ceil(line), self.core.cycles)

    @property
    def bytes_up(self) -> float:
        """Of an answer with its framing, on average."""
        return sum(self.answer_bytes) / self.every + 3

    @property
    def at_full_rate(self) -> Linked:
        """The same with the least `every` at which answers take the line no longer than frames do; the largest, where
        none is enough.
        """
        if not self.taps:
            return self
        ways = [replace(self, every=every) for every in EVERY]
        return next((way for way in ways if way.bytes_up <= self.bytes_in + 3), ways[-1])

    @property
    def waits(self) -> bool:
        """Whether frames are kept in front of the core, because it may be busy when a byte comes.

        A design whose slowest stage takes at most half the time in which a frame comes never holds up a byte.
        That is a rule with a margin and no proof: where a byte is lost all the same, the link counts its frame as
        damaged and the host sends it again.
        """
        return 2 * self.inner.cycles > 10 * self.divider * (self.bytes_in + 3)

    @property
    def buffers_answers(self) -> bool:
        """Whether answers are kept behind the core, because they may come faster than they leave."""
        return bool(self.taps) or self.bytes_out > self.bytes_in

    @cached_property
    def identity(self) -> int:
        """32 bits that belong to this design and this form of it, at any baud: the upper half is in the CRC of each of
        its answers, the lower in that of each of its frames.
        """
        same = replace(self, divider=4)
        said = design_digest(verilog(self.core)) + same._verilog(0)
        return int.from_bytes(hashlib.sha256(said.encode()).digest()[:4], "big")

    @property
    def up_seed(self) -> int:
        return self.identity >> 16

    @property
    def down_seed(self) -> int:
        return self.identity & 0xFFFF

    def files(self) -> dict[str, str]:
        """The link by file name, with the modules that it is built from. The core's files are its own matter."""
        wanted = ["link_down", "link_up"]
        wanted += [stage.module for stage in (*self._widening(), *self._buffer(), *self._narrowing())]
        if self.buffers_answers:
            wanted += ["keep", "in_turn"]
        elif self.bytes_out > 1:
            wanted.append(FRAME_END)
        wanted += ["gate"] * bool(self.taps)
        own = {f"{self._inner_name}.sv": top(self.inner, self._inner_name, self.taps)} if self._is_other else {}
        return {
            **own_modules(self.name, [(name, ()) for name in dict.fromkeys(wanted)]),
            **own,
            f"{self.name}.sv": self._verilog(self.identity),
        }

    @property
    def _is_other(self) -> bool:
        return bool(self.taps) or self.pixels_cut

    @property
    def _inner_name(self) -> str:
        return OWN.format(design=self.core.name, name="core") if self._is_other else self.core.name

    def _own(self, name: str) -> str:
        return OWN.format(design=self.name, name=name)

    def _buffer(self) -> list[Stage]:
        """Frames that wait for the core."""
        return [Fifo("waiting", 8, 1 << (self.window * self.bytes_in - 1).bit_length(), self.bytes_in)] * self.waits

    def _widening(self) -> list[Stage]:
        """From bytes to the core's beats."""
        width = self.inner.stages[0].in_width if self.packs else bytes_up(self.inner.stages[0].in_width)
        wide, found, beats = math.lcm(8, width), list[Stage](), self.bytes_in
        if wide > 8:
            found.append(DwcUp("wide", 8, wide, beats))
        if wide > width:
            found.append(DwcDown("beats", wide, width, beats * 8 // wide))
        return found

    def _narrowing(self) -> list[Stage]:
        """From the core's answers to bytes, where nothing keeps them."""
        last = self.inner.stages[-1]
        width = bytes_up(last.out_width)
        return [DwcDown("narrow", width, 8, last.out_beats)] if width > 8 and not self.buffers_answers else []

    def _verilog(self, identity: int) -> str:
        ports = ["input  wire clk", "input  wire rst", "input  wire rx", "output wire tx"]
        comment = (
            f"{self.core.name} behind a UART of {self.divider} cycles a bit: {self.bytes_in} bytes a frame in, "
            f"{_listed(dict.fromkeys(self.answer_bytes))} out, up to {self.window} frames at a time."
        )
        return module(self.name, ports, self._body(identity), comment)

    def _body(self, identity: int) -> Iterator[str]:
        head, last = self.inner.stages[0], self.inner.stages[-1]
        yield "wire hello;  // everything begins anew"
        yield "wire [5:0] received;"
        yield "wire [1:0] damaged;"
        yield "wire [5:0] answered;"
        yield from _stream("taken", 8)
        yield f"{self._own('link_down')} #("
        yield f"  .DIVIDER({self.divider}), .BODY({self.bytes_in}), .SEED(16'h{identity & 0xFFFF:04x})"
        yield ") down ("
        yield f"  .clk, .rst, .rx, .hello, .received, .damaged, {_side('m_axis', 'taken')}"
        yield ");"
        source = "taken"
        if self.taps:
            yield "wire left;  // an answer"
            yield from _stream("admitted", 8)
            yield f"{self._own('gate')} #(.WIDTH(8), .BEATS({self.bytes_in}), .FRAMES({self.window})) input_gate ("
            yield f"  .clk, .rst(hello), .left, {_side('s_axis', 'taken')}, {_side('m_axis', 'admitted')}"
            yield ");"
            source = "admitted"
        for stage in (*self._buffer(), *self._widening()):
            yield from _stream(stage.name, stage.out_width)
            yield from self._stage(stage, source)
            source = stage.name
        width = bytes_up(head.in_width)
        narrow = head.in_width if self.packs else width
        data = f"{{{width - narrow}'b0, {source}_tdata}}" if width > narrow else f"{source}_tdata"
        yield from _stream("answer", bytes_up(last.out_width))
        yield "wire answer_tlast;"
        for tap in self.records[1:]:
            yield f"wire [{tap.stage.out_width - 1}:0] tap_{tap.stage.name}_tdata;"
            yield f"wire tap_{tap.stage.name}_beat;"
        taps = (f", .tap_{name}_tdata, .tap_{name}_beat" for name in self.taps)
        yield f"{self._inner_name} core ("
        yield f"  .clk, .rst(hello), .s_axis_tdata({data}), .s_axis_tvalid({source}_tvalid), "
        yield f"  .s_axis_tready({source}_tready), {_side('m_axis', 'answer')},"
        yield f"  .m_axis_tlast(answer_tlast){''.join(taps)}"
        yield ");"
        yield from self._answers()
        unused = ["answer_tlast", "answered", *(["answer_tdata", "some"] if self.buffers_answers else [])]
        yield f"wire unused = &{{1'b0, {', '.join(unused)}}};"
        yield f"{self._own('link_up')} #(.DIVIDER({self.divider}), .SEED(16'h{identity >> 16:04x})) up ("
        yield f"  .clk, .rst, .hello, .received, .damaged, {_side('s_axis', 'sent')},"
        yield "  .s_axis_tlast(sent_tlast), .answered, .tx"
        yield ");"
        if self.taps:
            yield "assign left = sent_tvalid && sent_tready && sent_tlast;"

    def _stage(self, stage: Stage, source: str) -> Iterator[str]:
        before, behind = ((f"{name}_tdata", f"{name}_tvalid", f"{name}_tready") for name in (source, stage.name))
        for line in instance(stage, before, behind, self.name):
            yield line.replace(".rst,", ".rst(hello),")

    def _answers(self) -> Iterator[str]:
        """From the core to the bytes of `sent`."""
        yield from _stream("sent", 8)
        yield "wire sent_tlast;"
        yield from self._recorded() if self.buffers_answers else self._passed_on()

    def _passed_on(self) -> Iterator[str]:
        source = "answer"
        for stage in self._narrowing():
            yield from _stream(stage.name, 8)
            yield from self._stage(stage, source)
            source = stage.name
        for part in ("tdata", "tvalid"):
            yield f"assign sent_{part} = {source}_{part};"
        yield f"assign {source}_tready = sent_tready;"
        if self.bytes_out == 1:
            yield "assign sent_tlast = 1'b1;"
            return
        yield f"{self._own(FRAME_END)} #(.BEATS({self.bytes_out})) answer_frame ("
        yield "  .clk, .rst(hello), .tvalid(sent_tvalid), .tready(sent_tready), .tlast(sent_tlast)"
        yield ");"

    def _recorded(self) -> Iterator[str]:
        lasts = [record.bytes_each - 1 for record in self.records]
        bits, count = max(1, max(lasts).bit_length()), len(lasts)
        yield f"wire [{8 * count - 1}:0] kept;"
        yield f"wire [{count - 1}:0] some;"
        yield f"wire [{bits - 1}:0] index;"
        yield "assign answer_tready = 1'b1;"
        skip = self.every.bit_length() - 1  # bits of a frame's number
        alone = f"answered[{skip - 1}:0] != '0" if skip else "1'b0"
        yield f"wire alone = {alone};"
        for at, record in enumerate(self.records):
            name, stage = record.stage.name, record.stage
            data, beat, every = f"tap_{name}_tdata", f"tap_{name}_beat", self.every
            if at == 0:
                data, beat, every = f"answer_tdata[{stage.out_width - 1}:0]", "answer_tvalid", 1
            slots = max(2, _up(-(-self.window // every)))
            number = f"{slots.bit_length()}'(answered >> {every.bit_length() - 1})"
            yield f"{self._own('keep')} #("
            yield f"  .WIDTH({stage.out_width}), .PACK({record.pack}), .BEATS({stage.out_beats}), .FRAMES({slots}),"
            yield f"  .EVERY({every}), .INDEX_WIDTH({bits})"
            yield f") keep_{at}_{name} ("
            yield f"  .clk, .rst(hello), .tdata({data}), .beat({beat}), .number({number}),"
            yield f"  .index, .data(kept[{8 * at} +: 8]), .some(some[{at}])"
            yield ");"
        table = "".join(f"{value:0{bits}b}" for value in reversed(lasts))
        yield f"{self._own('in_turn')} #("
        yield f"  .STREAMS({count}), .COUNT_WIDTH({bits}), .LAST({len(table)}'b{table})"
        yield ") record ("
        # What leaves the core comes last of all: where its frame is there, those of the layers are.
        yield "  .clk, .rst(hello), .data(kept), .some(some[0]), .alone, .index,"
        yield f"  {_side('m_axis', 'sent')}, .m_axis_tlast(sent_tlast)"
        yield ");"


def _up(number: int) -> int:
    """To a power of two."""
    return 1 << (number - 1).bit_length()


def _listed(numbers: Iterable[int]) -> str:
    *others, last = map(str, numbers)
    return f"{', '.join(others)} or {last}" if others else last


def _stream(name: str, width: int) -> Iterator[str]:
    yield f"wire [{width - 1}:0] {name}_tdata;"
    yield f"wire {name}_tvalid, {name}_tready;"


def _side(port: str, wires: str) -> str:
    return ", ".join(f".{port}_{part}({wires}_{part})" for part in ("tdata", "tvalid", "tready"))
