"""Frames to a design behind an AXI DMA, and its answers back. Needs numpy, and on the board PYNQ.

    from driver import Net
    net = Net.of_overlay("digits.bit")
    classes = net(x)                        # (n, inputs) uint8 → (n,) int64, or (n, classes) int64 of scores

`design.json` beside this file says what the design takes and sends.
"""

import json
import time
from pathlib import Path

import numpy as np


class DriverError(RuntimeError):
    """The samples do not fit the design, or the DMA does not do what it was told."""


def packed(x, design):
    """(n, inputs) uint8 as the bytes of their beats, each padded to the width of the DMA's stream.

    The lowest index is in the lowest bits: a pixel a byte, inputs of one bit eight a byte. FINN's driver reverses both.
    """
    x = np.ascontiguousarray(x)
    if x.dtype != np.uint8 or x.ndim != 2 or x.shape[1] != design["inputs"] or not len(x):
        raise DriverError(f"the design takes (n, {design['inputs']}) uint8, and got {x.shape} {x.dtype}")
    beats = x.reshape(len(x) * design["beats_in"], -1)
    if design["lane"] == 1:
        beats = np.packbits(beats != 0, axis=1, bitorder="little")
    padded = np.zeros((len(beats), design["bytes_in"]), np.uint8)
    padded[:, : beats.shape[1]] = beats
    return padded.reshape(-1)


def unpacked(data, design):
    """The bytes that came as (n,) int64 classes, or as (n, classes) int64 scores where those leave the design."""
    beats = data.reshape(-1, design["bytes_out"])
    bits = np.unpackbits(beats, axis=1, bitorder="little")[:, : design["lanes_out"] * design["answer_bits"]]
    lanes = bits.reshape(len(beats), design["lanes_out"], design["answer_bits"]).astype(np.int64)
    numbers = (lanes << np.arange(design["answer_bits"])).sum(axis=2)
    frames = numbers.reshape(-1, design["beats_out"] * design["lanes_out"])
    return frames[:, 0] if frames.shape[1] == 1 else frames


class Net:
    """A net behind `dma`, of PYNQ's class or one like it.

    allocate   numpy's shape and dtype → a buffer that the DMA reaches
    batch      samples a transfer, at most; by default as many as the DMA's counter of 26 bits takes
    """

    def __init__(self, dma, allocate, design=None, batch=None):
        self.dma, self.allocate = dma, allocate
        self.design = design or json.loads(Path(__file__).with_name("design.json").read_text())
        frame = max(
            self.design["beats_in"] * self.design["bytes_in"], self.design["beats_out"] * self.design["bytes_out"]
        )
        self.batch = min(batch or (1 << 26) // frame, ((1 << 26) - 1) // frame)

    @classmethod
    def of_overlay(cls, bitstream):
        """Loads the bitstream, whose .hwh lies beside it."""
        from pynq import Overlay, allocate

        return cls(Overlay(str(bitstream)).dma, allocate)

    def __call__(self, x, timeout_seconds=10.0):
        """Raises DriverError where the DMA is not done in time, or has brought another number of bytes than is due."""
        parts = [self._transfer(x[at : at + self.batch], timeout_seconds) for at in range(0, len(x), self.batch)]
        if not parts:
            raise DriverError("no samples")
        return np.concatenate(parts)

    def _transfer(self, x, timeout_seconds):
        data = packed(x, self.design)
        due = len(x) * self.design["beats_out"] * self.design["bytes_out"]
        sent, came = self.allocate(shape=(len(data),), dtype=np.uint8), self.allocate(shape=(due,), dtype=np.uint8)
        try:
            sent[:] = data
            self.dma.recvchannel.transfer(came)  # first, so that no answer waits
            self.dma.sendchannel.transfer(sent)
            self._wait(timeout_seconds, len(x))
            self.dma.sendchannel.wait()
            self.dma.recvchannel.wait()  # returns at once, and counts what came
            if self.dma.recvchannel.transferred != due:
                raise DriverError(
                    f"{self.dma.recvchannel.transferred:,} bytes came of {len(x):,} samples, and {due:,} are due: "
                    "design.json is of another design than the bitstream"
                )
            return unpacked(np.array(came), self.design)
        finally:
            for buffer in (sent, came):
                buffer.freebuffer()

    def _wait(self, timeout_seconds, samples):
        """Until both are idle: PYNQ's own wait would spin for ever."""
        end = time.monotonic() + timeout_seconds
        for name in ("sendchannel", "recvchannel"):
            channel = getattr(self.dma, name)
            while channel.error or not channel.idle:
                if channel.error:
                    raise DriverError(f"the DMA's {name} says error; load the bitstream anew")
                if time.monotonic() > end:
                    raise DriverError(
                        f"{samples:,} samples were not through in {timeout_seconds:g} s, and {name} waits; is the "
                        "bitstream of this design, and its clock on?"
                    )
