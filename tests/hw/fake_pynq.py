"""PYNQ as its DMA class sees it, without a board: registers of an AXI DMA in simple mode, and buffers of numpy.

PYNQ's own DMA class runs on them.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import ClassVar
from unittest.mock import patch

import numpy as np

SOURCE = Path(__file__).resolve().parents[2] / "build" / "pynq" / "pynq" / "lib" / "dma.py"
STATUS, ADDRESS, LENGTH = 0x04, 0x18, 0x28
RECEIVE = 0x30  # where the registers of the other channel begin
IDLE = 0x02


class Buffer(np.ndarray):
    """Of PYNQ's `allocate`."""

    made: ClassVar[list[Buffer]] = []
    physical_address = 0
    freed = False

    def flush(self) -> None: ...
    def invalidate(self) -> None: ...
    def freebuffer(self) -> None:
        self.freed = True

    cacheable = coherent = False


def allocate(shape, dtype) -> Buffer:
    found = np.zeros(shape, dtype).view(Buffer)
    Buffer.made.append(found)
    found.physical_address = 4096 * len(Buffer.made)
    return found


class Registers:
    """Of an AXI DMA: a transfer either way ends once both sides are there, with as many bytes as the design sends.

    design   the bytes of a batch → those that come back before TLAST; None for one that never answers
    """

    def __init__(self, design: Callable[[bytes], bytes] | None) -> None:
        self.design, self.values = design, {STATUS: IDLE, RECEIVE + STATUS: IDLE}
        self.order: list[str] = []

    def read(self, offset: int) -> int:
        return self.values.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        self.values[offset] = value
        if offset in (LENGTH, RECEIVE + LENGTH):
            self.order.append("receive" if offset > RECEIVE else "send")
            self.values[offset - LENGTH + STATUS] = 0
            if self.order[-2:] == ["receive", "send"] and self.design is not None:
                self._run()

    def _run(self) -> None:
        sent, came = (Buffer.made[self.values[side + ADDRESS] // 4096 - 1] for side in (0, RECEIVE))
        answer = np.frombuffer(self.design(sent.tobytes()), np.uint8)
        some = answer[: len(came)]
        came[: len(some)] = some
        self.values |= {RECEIVE + LENGTH: len(answer), STATUS: IDLE, RECEIVE + STATUS: IDLE}


class Ip:
    """Of PYNQ's `DefaultIP`: registers behind a driver."""

    def __init__(self, description) -> None:
        self.mmio = description["registers"]


def pynqs_dma(registers: Registers):
    """PYNQ's own DMA class on these registers, from its file alone, for the rest of it needs a board.

    None where `make boards` has not fetched it.
    """
    if not SOURCE.exists():
        return None
    around = {
        "pynq": {"allocate": allocate, "DefaultIP": Ip, "UnsupportedConfiguration": Exception},
        "pynqutils.runtime.repr_dict": {"ReprDict": dict},
    }
    modules = {name: ModuleType(name) for name in ("pynqutils", "pynqutils.runtime", *around)}
    for name, values in around.items():
        vars(modules[name]).update(values)
    with patch.dict(sys.modules, modules):
        loaded = importlib.util.spec_from_file_location("pynq_dma", SOURCE)
        module = importlib.util.module_from_spec(loaded)
        loaded.loader.exec_module(module)
    parameters = {
        "c_include_sg": "0",
        "c_sg_length_width": "26",
        **{f"c_include_{side}": "1" for side in ("mm2s", "s2mm")},
        **{f"c_m_axi_{side}_data_width": "32" for side in ("mm2s", "s2mm")},
    }
    return module.DMA({"registers": registers, "device": None, "parameters": parameters, "interrupts": {}})
