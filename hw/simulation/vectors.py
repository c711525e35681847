"""Golden vectors as text: what goes into a design, and what every stream of it must then say, for any other simulator.

One file a stream, one word a beat, as `$readmemh` reads it; `vectors.json` and README.txt say how to read them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...ib_analysis.codes import Codes, Trace
from ..accelerator import Accelerator
from ..packing import Beats, beat_bytes, bytes_beats, memory_file

MANIFEST = "vectors.json"

README = """\
Golden vectors of the design {design}: {frames} frames.

  s_axis.hex   what goes into the design's port s_axis
  NAME.hex     what then passes the stream NAME_tdata, NAME_tvalid, NAME_tready inside the design
  m_axis.hex   what then leaves the design's port m_axis

A line is a beat, one transfer in which valid and ready are both high, in hexadecimal: `$readmemh` reads the file into
reg [data_bits:0] words [0:frames * beats_per_frame - 1]. The highest bit, data_bits, is TLAST: one in the last beat of
every frame. s_axis and the inner streams have no such wire: there it only says where frames end. The bits below are
TDATA: on the ports padded to whole bytes (zero when they leave, ignored when they enter), inside as wide as the stream
is. Frames follow each other without a gap; beats may be any number of cycles apart, and stalls must change no word.

Bit order: the lowest index is in bit 0 of the first beat. A pixel is a byte, the first one in bits 7:0.
In a memory that a DMA reads or fills (PYNQ: a uint8 buffer), byte 0 of a beat is TDATA[7:0]; in the line it is the LAST
two digits. So the buffer of a beat is its TDATA, TLAST dropped, as a little-endian number. Nothing is reversed further:
drivers that reverse bits or bytes, as FINN's do, must not be used.

{manifest} has for every stream: file, stream, data_bits, beats_per_frame, and sha256 of the file. Layers also have
code_bits and codes_sha256, the digest of their codes: sha256 over the line "CODE_BITS FRAMES", a newline, and each code
in ceil(code_bits / 8) bytes, bit j of the code in bit j % 8 of byte j // 8. A code is a frame's beats, first to last.
"""


@dataclass(frozen=True)
class Stream:
    """A file of vectors, as the manifest has it."""

    file: Annotated[str, Field(pattern=r"^\w+\.hex$")]
    stream: str
    data_bits: Annotated[int, Field(ge=1)]
    beats_per_frame: Annotated[int, Field(ge=1)]
    sha256: str
    code_bits: Annotated[int, Field(ge=1)] | None = None
    codes_sha256: str | None = None


@dataclass(frozen=True)
class Manifest:
    design: str
    frames: Annotated[int, Field(ge=1)]
    streams: tuple[Stream, ...]


def vectors(accelerator: Accelerator, x: NDArray[np.uint8], expected: Trace) -> dict[str, str]:
    """Every file by name. The layers' streams are those of `expected`, what software said of the frames x.

    What lies between and behind the layers (width converters, argmax) is what the descriptors make of them.
    """
    data = accelerator.input_data(x)
    beats = bytes_beats(data, accelerator.stages[0].in_width)
    ports = {"s_axis": bytes_beats(data, 8 * data.shape[1])}
    inner, layers = {}, accelerator.streams(expected)
    for stage in accelerator.stages:
        inner[stage.name] = beats = layers.get(stage.name, stage(beats))
    out = beat_bytes(beats)
    ports["m_axis"] = bytes_beats(out, 8 * out.shape[1])
    files, rows = {}, []
    for name, stream in {"s_axis": ports["s_axis"], **inner, "m_axis": ports["m_axis"]}.items():
        text = memory_file(_with_tlast(stream, len(x)))
        files[f"{name}.hex"] = text
        row = {
            "file": f"{name}.hex",
            "stream": name,
            "data_bits": stream.shape[1],
            "beats_per_frame": len(stream) // len(x),
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
        }
        if name in layers:
            codes = Codes.pack(stream.reshape(len(x), -1))
            row |= {"code_bits": codes.width, "codes_sha256": codes.digest()}
        rows.append(row)
    manifest = {"design": accelerator.name, "frames": len(x), "streams": rows}
    files[MANIFEST] = json.dumps(manifest, indent=1) + "\n"
    files["README.txt"] = README.format(design=accelerator.name, frames=len(x), manifest=MANIFEST)
    return files


def _with_tlast(stream: Beats, frames: int) -> Beats:
    """One more bit above the highest: whether the beat is the last of its frame."""
    beats = len(stream) // frames
    last = np.arange(len(stream)) % beats == beats - 1
    return np.column_stack([stream, last])
