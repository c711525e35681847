"""The top of an accelerator speaks AXI4-Stream as others understand it: cocotbext-axi is the judge."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from bitneck.hw.accelerator import Accelerator, lower
from bitneck.hw.folding import Folding
from bitneck.hw.packing import beat_bytes, integer_bits
from bitneck.hw.simulation.runner import run_cocotb
from bitneck.hw.verilog import verilog
from numpy.typing import NDArray
from random_nets import random_frames, random_graph
from stage_bench import FASTEST

FRAMES = 12


def complaints(accelerator: Accelerator, sent: NDArray, expected: NDArray, folder: Path) -> list[str | None]:
    """Of cocotbext-axi about frames of bytes."""
    for name, text in verilog(accelerator).items():
        (folder / name).write_text(text)
    frames = {"sent": sent, "expected": expected}
    (folder / "case.json").write_text(
        json.dumps({key: [frame.tobytes().hex() for frame in value] for key, value in frames.items()})
    )
    here = {"PYTHONPATH": str(Path(__file__).parent)}
    sources = sorted(folder.glob("*.sv"))
    return list(run_cocotb(FASTEST, sources, accelerator.name, "bench_axi", folder, environment=here).values())


def test_classes_of_pixels_leave_one_byte_a_frame(tmp_path):
    graph = random_graph([12, 9, 6, 3], 5, name="pixels")
    foldings = {"binarize": Folding(4), "dense1": Folding(3, 3), "dense2": Folding(2, 9), "scores": Folding(1, 2)}
    accelerator = lower(graph, foldings)
    x = random_frames(graph, FRAMES)
    garbage = np.random.default_rng(3).integers(0, 8, x.shape).astype(np.uint8) << 5  # pixels have five bits
    classes = graph(x).predictions().astype(np.uint8)
    assert len(set(classes)) > 1
    assert complaints(accelerator, x | garbage, classes, tmp_path) == [None] * 4


def test_scores_wider_than_a_byte_leave_one_a_beat_and_padding_is_ignored(tmp_path):
    graph = random_graph([60, 260, 3], 1, name="scored")
    accelerator = lower(graph, {"dense1": Folding(26, 20), "scores": Folding(3, 26)}, output="scores")
    x = random_frames(graph, FRAMES)
    sent = beat_bytes(x.astype(np.bool_).reshape(-1, 20))  # three bytes of which four bits are padding
    sent[:, 2] |= np.random.default_rng(3).integers(0, 16, len(sent)).astype(np.uint8) << 4
    expected = beat_bytes(integer_bits(graph(x).scores.reshape(-1, 1), 16))
    assert complaints(accelerator, sent.reshape(FRAMES, -1), expected.reshape(FRAMES, -1), tmp_path) == [None] * 4
