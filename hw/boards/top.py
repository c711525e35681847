"""The top of a board: the PLL, a reset until it has locked, and the pins around a linked design."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ..accelerator import Accelerator
from ..verilog import OWN, module
from .board import Board
from .pll import CELLS

RESET_CYCLES = 4  # after the lock, so that every flip-flop sees the reset at several edges


class Inner(Protocol):
    """A module with the ports of `Linked`, or on a board with Ethernet of `Datagrams`, and a core somewhere inside, the
    instance `core`.

    cycles   a frame, at the full rate of its link
    """

    @property
    def core(self) -> Accelerator: ...
    @property
    def name(self) -> str: ...
    @property
    def cycles(self) -> int: ...
    def files(self) -> dict[str, str]: ...


@dataclass(frozen=True, eq=False)
class Top:
    """Pins: `clk`, `rx`, `tx` or those of RGMII, and `led0`, … where the board has some: the first shines once the PLL
    has locked, the second while the host sends, the third while the board does.
    """

    board: Board
    inner: Inner

    @property
    def name(self) -> str:
        return OWN.format(design=self.inner.core.name, name=self.board.name)

    @property
    def cycles(self) -> int:
        return self.inner.cycles

    @property
    def primitives(self) -> bool:
        return self.board.pll is not None or self.board.ethernet is not None

    @property
    def parents(self) -> tuple[str, ...]:
        """The module that holds the stages: the core, or the one that the link has put in its place."""
        own = OWN.format(design=self.inner.core.name, name="core")
        return (own if f"{own}.sv" in self.inner.files() else self.inner.core.name,)

    def files(self) -> dict[str, str]:
        """The top and what is inside by file name. The core's files are its own matter."""
        found = {**self.inner.files(), f"{self.name}.sv": self._verilog()}
        if self.board.ethernet is not None:
            name = self._ethernet
            found[f"{name}.sv"] = self.board.ethernet.core(name, self.board.clock_mhz)
        return found

    @property
    def _ethernet(self) -> str:
        return OWN.format(design=self.inner.core.name, name="liteeth")

    def _verilog(self) -> str:
        of = self.board.ethernet
        ports = ["input  wire clk", *(["input  wire rx", "output wire tx"] if of is None else of.ports())]
        ports += [f"output wire led{index}" for index in range(len(self.board.leds.pins))]
        comment = f"{self.inner.core.name} on {self.board.title}, {self.board.clock_mhz:g} MHz."
        return module(self.name, ports, self._body(), comment)

    def _body(self) -> Iterator[str]:
        board = self.board
        yield "(* keep *) wire system_clk;"
        yield "wire locked;"
        if board.pll is None:
            yield "assign system_clk = clk;"
            yield "assign locked = 1'b1;"
        else:
            yield from CELLS[board.pll.cell].instance(board.clock.mhz, board.pll.mhz)
        yield f"logic [{RESET_CYCLES - 1}:0] running = '0;  // as the configuration leaves flip-flops"
        yield "always_ff @(posedge system_clk)"
        yield f"  running <= locked ? {{running[{RESET_CYCLES - 2}:0], 1'b1}} : '0;"
        yield f"wire rst = !running[{RESET_CYCLES - 1}];"
        if board.ethernet is None:
            yield f"{self.inner.name} inner (.clk(system_clk), .rst, .rx, .tx);"
        else:
            yield from board.ethernet.instances(self._ethernet, self.inner.name)
        passing = ["!rx", "!tx"] if board.ethernet is None else ["heard", "said"]
        shines = ["!rst", *passing] + ["1'b0"] * len(board.leds.pins)
        for index in range(len(board.leds.pins)):
            yield f"assign led{index} = {'!' if board.leds.low else ''}({shines[index]});"
