"""Real files of others: what they take, and what is known of them. They lie in models/ of BITNECK_DATA."""

from __future__ import annotations

import gzip
import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper


@dataclass(frozen=True)
class Public:
    """pixels     as --pixels; None where the file says it
    dataset    that its classes are of; None where there is none here
    accuracy   of its whole test set, which for MNIST is what their makers say within .0003; of CIFAR-10's, which went
               through JPEG here, of the first 1,000
    widths     of every layer: neurons of a dense one, channels of a map
    """

    file: str
    pixels: str | None
    dataset: str | None
    accuracy: float | None
    widths: tuple[int, ...]

    def content(self) -> bytes:
        content = (folder() / self.file).read_bytes()
        return gzip.decompress(content) if self.file.endswith(".gz") else content


TFC = (784, 64, 64, 64, 10)
CNV = (3, 64, 64, 64, 128, 128, 128, 256, 256, 512, 512)
RADIO = (64,) * 14
PUBLIC = (
    Public("zoo_TFC_1W1A.onnx", "0..1", "mnist", 0.9296, TFC),
    Public("finn_build_dataflow_tfc.onnx", None, "mnist", 0.9296, TFC),
    Public("zoo_TFC_1W2A.onnx", "0..1", "mnist", 0.9474, TFC),
    Public("zoo_TFC_2W2A.onnx", "0..1", "mnist", 0.9660, TFC),
    Public("bnnpynq_cifar10_cnvW1A1.onnx.gz", "0..255", "cifar10", 0.758, (*CNV, 10)),
    Public("bnnpynq_cifar10_cnvW1A2.onnx.gz", "0..255", "cifar10", 0.773, (*CNV, 10)),
    Public("bnnpynq_cifar10_cnvW2A2.onnx.gz", "0..255", "cifar10", 0.780, (*CNV, 10)),
    Public("bnnpynq_road-signs_cnvW1A1.onnx.gz", "0..255", None, None, (*CNV, 44)),
    Public("bnnpynq_streetview_cnvW1A1.onnx.gz", "0..255", None, None, (*CNV, 10)),
    Public("cybsec_w2a2_brevitas0134.onnx", "-1..1:2", None, None, (64, 64, 64, 1)),
    Public("radioml_vgg10_w8a8.onnx", None, None, None, (*RADIO, 128, 128, 24)),
)


# FINN's published folding of CNV, PE and SIMD; BNN-PYNQ's W1A2 takes as many cycles at it.
CNV_FOLDING = {
    **{"conv1": (16, 3), "conv2": (32, 32), "conv3": (16, 32), "conv4": (16, 32), "conv5": (4, 32), "conv6": (1, 32)},
    **{"dense1": (1, 4), "dense2": (1, 8), "scores": (5, 1, "block")},
}


def cifar10_images(count: int) -> NDArray[np.uint8]:
    """(count, 3072) pixels, colours last, of the first test images, which lie beside models/ as JPEG."""
    from PIL import Image

    stored = np.load(folder().parent / "cifar10" / "test.npz")
    jpeg, ends = stored["jpeg"], stored["offsets"]
    files = (io.BytesIO(jpeg[ends[i] : ends[i + 1]].tobytes()) for i in range(count))
    return np.stack([np.asarray(Image.open(file).convert("RGB")).reshape(-1) for file in files])


def cifar10_labels(count: int) -> NDArray[np.int64]:
    return np.load(folder().parent / "cifar10" / "test.npz")["labels"][:count].astype(np.int64)


def folder() -> Path:
    """Of the files; one that is not there where none are at hand."""
    return Path(os.environ.get("BITNECK_DATA", "/nowhere")) / "models"


def random_levels(count: int, inputs: int, samples: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, count, (samples, inputs)).astype(np.uint8)


def finn_cybsec(x: NDArray[np.uint8]) -> list[NDArray[np.int64]]:
    """What FINN's own integers of the cybsec net say of (n, 600) bits, layer by layer: its compiler's last file before
    hardware, whose nodes are matrix units with weights (fan-in, rows) and thresholds (rows, steps).
    """
    graph = onnx.load(folder() / "finn_cybsec_PE_SIMD.onnx").graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    values, said = 2 * x.astype(np.int64) - 1, []
    for node in graph.node:
        weight, threshold = (tensors[name] for name in node.input[1:3])
        values = ((values @ weight.astype(np.int64))[:, :, None] >= threshold).sum(axis=2)
        said.append(values)
    return said


def packed_cnv(name: str, x: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(n, 10) scores that BNN-PYNQ's own packed parameters of a CNV give for (n, 3072) pixels, by its manual's rules.

    A neuron is at as many levels as thresholds lie *below* its sum. Sums of ±1 by ±1 are agreeing bits; layer 0 takes
    pixels of 2p/255 − 1 at 2^-7 and counts in 2^-8. Weights are ordered kernel row, kernel column, channel.
    """
    stored = np.load(folder() / f"{name}.npz")
    one_bit = stored["t1"].shape[1] == 1
    values = 2 * np.clip(np.round((x.reshape(-1, 32, 32, 3) * (2 / 255) - 1) * 128), -128, 127)
    for layer in range(9):
        weight, fan_in = stored[f"w{layer}"], int(stored[f"shape{layer}"][1])
        signs = np.unpackbits(weight, axis=1, count=fan_in) * 2.0 - 1 if weight.dtype == np.uint8 else weight
        if layer < 6:
            windows = np.lib.stride_tricks.sliding_window_view(values, (3, 3), axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)
            values = windows.reshape(*windows.shape[:3], -1)
        else:
            values = values.reshape(len(values), -1)
        sums = values @ signs.T.astype(float)
        if layer == 8:
            return np.rint(sums[:, :10]).astype(np.int64)
        sums = (sums + fan_in) / 2 if one_bit and layer else sums
        level = (sums[..., None] > stored[f"t{layer}"]).sum(axis=-1)
        values = (2 * level - 1 if one_bit else level - 1).astype(float)
        if layer in (1, 3):
            n, size, _, channels = values.shape
            values = values.reshape(n, size // 2, 2, size // 2, 2, channels).max(axis=(2, 4))
    raise AssertionError
