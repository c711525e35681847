"""A design between bytes: frames in, answers out, and layers recorded beside it, whatever carries the bytes."""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Self

from ..accelerator import Accelerator
from ..stages import Binarize, Cut, DwcDown, DwcUp, Stage
from ..synthesis.bitstream import design_digest
from ..verilog import FRAME_END, OWN, bytes_up, instance, own_modules, top, verilog

MOST_KEPT = 32  # frames of which records lie there: their places are counted modulo 64
EVERY = (1, 2, 4, 8, 16, 32)  # divisors of what numbers are counted modulo
BLOCK_BITS = 4096  # of a memory block of the smallest parts
BLOCK_WIDTH = 16


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
class Framed(ABC):
    """What `Linked` and `Datagrams` share: the core, between a stream of bytes `taken` and one of bytes `sent`.

    taps         layers whose codes come back
    every        they come with every so many frames, whole, and in between the answer comes alone: 1, 2, 4, … 32
    pixels_cut   the first layer, of thresholds on pixels, is the host's: it sends codes, an eighth of the bytes

    Raises LinkError where the design has no such layer, its first one is no cut, or `every` is none of these.
    """

    core: Accelerator
    taps: tuple[str, ...] = ()
    pixels_cut: bool = False
    every: int = 1

    kind: ClassVar[str]  # what the module is called after
    ends: ClassVar[tuple[str, ...]]  # the modules from which `taken` comes and to which `sent` goes
    anew: ClassVar[str]  # the wire that resets everything between them
    settles: ClassVar[bool]  # whether `sent` may be taken byte by byte, and has to wait for the memory of records
    harness: ClassVar[str]  # of hw/simulation/harness, around its ports

    def __post_init__(self) -> None:
        if self.every not in EVERY:
            raise LinkError(f"{self.core.name}: every {self.every} frames; choose {listed(EVERY)}")
        if self.every > 1 and not self.taps:
            raise LinkError(f"{self.core.name}: every {self.every} frames of no layer; name the layers to tap, or all")
        if self.pixels_cut and not all(isinstance(stage, Binarize | Cut) for stage in self.cut):
            raise LinkError(f"{self.core.name}: {self.core.layers[0]} is no cut that a host could make; leave it there")
        for layer in self.taps:
            if layer not in self.inner.layers:
                raise LinkError(f"{self.core.name}: no layer {layer!r} to tap; it has {', '.join(self.inner.layers)}")

    @property
    def name(self) -> str:
        return OWN.format(design=self.core.name, name=self.kind)

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
    @abstractmethod
    def window(self) -> int:
        """Frames that may be under way: more would find no room."""

    @property
    def kept(self) -> int:
        """Frames whose records lie there at a time."""
        answers, *layers = self.records
        return min([MOST_KEPT, answers.frames, *(self.every * layer.frames for layer in layers)])

    @property
    def at_full_rate(self) -> Self:
        """The same with the least `every` at which answers take the line no longer than frames do; the largest, where
        none is enough.
        """
        if not self.taps:
            return self
        ways = [replace(self, every=every) for every in EVERY]
        return next((way for way in ways if sum(way.answer_bytes) <= self.bytes_in * way.every), ways[-1])

    @property
    def buffers_answers(self) -> bool:
        """Whether answers are kept behind the core, because they may come faster than they leave, or with records."""
        return bool(self.taps)

    @cached_property
    def identity(self) -> int:
        """32 bits that belong to this design and this form of it, however fast it is and its link."""
        said = design_digest(verilog(self.core)) + self._unhurried()._verilog(0)
        return int.from_bytes(hashlib.sha256(said.encode()).digest()[:4], "big")

    def _unhurried(self) -> Self:
        """The same, without what its identity does not hang on."""
        return self

    @abstractmethod
    def _verilog(self, identity: int) -> str:
        """The module that `kind` names."""

    def files(self) -> dict[str, str]:
        """The link by file name, with the modules that it is built from. The core's files are its own matter."""
        wanted = list(self.ends)
        wanted += [stage.module for stage in (*self._waiting(), *self._widening(), *self._narrowing())]
        if self.buffers_answers:
            wanted += ["keep", "in_turn", *["settle"] * self.settles]
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

    def _waiting(self) -> Sequence[Stage]:
        """What keeps frames in front of the core."""
        return ()

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

    def _between(self) -> Iterator[str]:
        """From the bytes of `taken`, of frame `number`, to those of `sent`, of answer `answered`, both modulo 64."""
        head, last = self.inner.stages[0], self.inner.stages[-1]
        source = "taken"
        if self.taps:
            yield from stream("admitted", 8)
            bits = self.kept.bit_length()
            yield f"{self._own('gate')} #(.WIDTH(8), .FRAMES({self.kept})) input_gate ("
            yield f"  .number({bits}'(number)), .leaving({bits}'(answered)),"
            yield f"  {side('s_axis', 'taken')}, {side('m_axis', 'admitted')}"
            yield ");"
            source = "admitted"
        for stage in (*self._waiting(), *self._widening()):
            yield from stream(stage.name, stage.out_width)
            yield from self._stage(stage, source)
            source = stage.name
        width = bytes_up(head.in_width)
        narrow = head.in_width if self.packs else width
        data = f"{{{width - narrow}'b0, {source}_tdata}}" if width > narrow else f"{source}_tdata"
        yield from stream("answer", bytes_up(last.out_width))
        yield "wire answer_tlast;"
        for tap in self.records[1:]:
            yield f"wire [{tap.stage.out_width - 1}:0] tap_{tap.stage.name}_tdata;"
            yield f"wire tap_{tap.stage.name}_beat;"
        taps = (f", .tap_{name}_tdata, .tap_{name}_beat" for name in self.taps)
        yield f"{self._inner_name} core ("
        yield f"  .clk, .rst({self.anew}), .s_axis_tdata({data}), .s_axis_tvalid({source}_tvalid), "
        yield f"  .s_axis_tready({source}_tready), {side('m_axis', 'answer')},"
        yield f"  .m_axis_tlast(answer_tlast){''.join(taps)}"
        yield ");"
        yield from self._recorded() if self.buffers_answers else self._passed_on()
        unused = ["answer_tlast", "answered", "number", *(["answer_tdata", "some"] if self.buffers_answers else [])]
        yield f"wire unused = &{{1'b0, {', '.join(unused)}}};"

    def _stage(self, stage: Stage, source: str) -> Iterator[str]:
        before, behind = ((f"{name}_tdata", f"{name}_tvalid", f"{name}_tready") for name in (source, stage.name))
        for line in instance(stage, before, behind, self.name):
            yield line.replace(".rst,", f".rst({self.anew}),")

    def _passed_on(self) -> Iterator[str]:
        source = "answer"
        for stage in self._narrowing():
            yield from stream(stage.name, 8)
            yield from self._stage(stage, source)
            source = stage.name
        for part in ("tdata", "tvalid"):
            yield f"assign sent_{part} = {source}_{part};"
        yield f"assign {source}_tready = sent_tready;"
        if self.bytes_out == 1:
            yield "assign sent_tlast = 1'b1;"
            return
        yield f"{self._own(FRAME_END)} #(.BEATS({self.bytes_out})) answer_frame ("
        yield f"  .clk, .rst({self.anew}), .tvalid(sent_tvalid), .tready(sent_tready), .tlast(sent_tlast)"
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
            slots = max(2, _up(-(-self.kept // every)))
            number = f"{slots.bit_length()}'(answered >> {every.bit_length() - 1})"
            yield f"{self._own('keep')} #("
            yield f"  .WIDTH({stage.out_width}), .PACK({record.pack}), .BEATS({stage.out_beats}), .FRAMES({slots}),"
            yield f"  .EVERY({every}), .INDEX_WIDTH({bits})"
            yield f") keep_{at}_{name} ("
            yield f"  .clk, .rst({self.anew}), .tdata({data}), .beat({beat}), .number({number}),"
            yield f"  .index, .data(kept[{8 * at} +: 8]), .some(some[{at}])"
            yield ");"
        table = "".join(f"{value:0{bits}b}" for value in reversed(lasts))
        spoken = "record" if self.settles else "sent"
        if self.settles:
            yield from stream("record", 8)
            yield "wire record_tlast;"
        yield f"{self._own('in_turn')} #("
        yield f"  .STREAMS({count}), .COUNT_WIDTH({bits}), .LAST({len(table)}'b{table})"
        yield ") turns ("
        # What leaves the core comes last of all: where its frame is there, those of the layers are.
        yield f"  .clk, .rst({self.anew}), .data(kept), .some(some[0]), .alone, .index,"
        yield f"  {side('m_axis', spoken)}, .m_axis_tlast({spoken}_tlast)"
        yield ");"
        if self.settles:
            yield f"{self._own('settle')} #(.WIDTH(9)) settle ("
            yield f"  .clk, .rst({self.anew}),"
            yield "  .s_axis_tdata({record_tlast, record_tdata}), .s_axis_tvalid(record_tvalid),"
            yield "  .s_axis_tready(record_tready), .m_axis_tdata({sent_tlast, sent_tdata}),"
            yield "  .m_axis_tvalid(sent_tvalid), .m_axis_tready(sent_tready)"
            yield ");"


def _up(number: int) -> int:
    """To a power of two."""
    return 1 << (number - 1).bit_length()


def listed(numbers: Iterable[int]) -> str:
    *others, last = map(str, numbers)
    return f"{', '.join(others)} or {last}" if others else last


def stream(name: str, width: int) -> Iterator[str]:
    yield f"wire [{width - 1}:0] {name}_tdata;"
    yield f"wire {name}_tvalid, {name}_tready;"


def side(port: str, wires: str) -> str:
    return ", ".join(f".{port}_{part}({wires}_{part})" for part in ("tdata", "tvalid", "tready"))
