"""How the files that we write take samples and give codes: one reading for every executor that judges them.

In all of them the input is `x`, each layer L emits `L.code`, and the last one `scores`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from ...ib_analysis.codes import Codes, Source, Trace, concatenate
from ..annotations import QonnxError, data_types
from .spelling import check_spelling

Values: TypeAlias = Mapping[str, NDArray]


@dataclass(frozen=True)
class Ports:
    """The names and ranges at which a file of ours meets its user.

    container   numpy type of `x`; float32 in the files of the QONNX family, whatever they annotate
    bipolar     the input is ±1, and 0 and 1 have to be made so
    codes       tensors in order from input to output
    fan_in      of the last layer
    counts      `scores` are agreeing bits, and not the dot products of ±1
    """

    net: str
    inputs: int
    container: np.dtype
    bipolar: bool
    codes: tuple[str, ...]
    fan_in: int
    counts: bool

    @classmethod
    def of(cls, model: onnx.ModelProto) -> Ports:
        """Raises QonnxError where the file is none of ours."""
        graph = model.graph
        weights = {tensor.name: tensor.dims for tensor in graph.initializer}
        if [port.name for port in graph.input] != ["x"] or "scores.weight" not in weights:
            raise QonnxError(f"{graph.name}: only files of `export` name their layers; streamline others instead")
        check_spelling(model)
        tensor = graph.input[0].type.tensor_type
        kinds = data_types(model)
        return cls(
            graph.name,
            tensor.shape.dim[-1].dim_value,
            np.dtype(helper.tensor_dtype_to_np_dtype(tensor.elem_type)),
            kinds.get("x") == "BIPOLAR",
            tuple(name for node in graph.node for name in node.output if name.endswith(".code")),
            weights["scores.weight"][0],
            kinds.get("scores.weight") != "BIPOLAR",
        )

    def check(self, x: NDArray[np.uint8]) -> None:
        """Raises QonnxError where the samples x are not (n, inputs) uint8."""
        if x.ndim != 2 or x.shape[1] != self.inputs or x.dtype != np.uint8 or not len(x):
            raise QonnxError(f"{self.net} takes (n, {self.inputs}) uint8, got {x.shape} {x.dtype}")

    def trace(self, source: Source, x: NDArray[np.uint8], batch: int, run: Callable[[NDArray], Values]) -> Trace:
        """Every layer's codes and the scores of x by an executor.

        run   what `x` has to be for `batch` samples, the last ones filled up with zeros -> the executed tensors by name
        """
        self.check(x)
        traces = []
        for start in range(0, len(x), batch):
            block = x[start : start + batch]
            fed = np.zeros((batch, self.inputs), dtype=self.container)
            fed[: len(block)] = block
            traces.append(self._read(source, run(2 * fed - 1 if self.bipolar else fed), len(block)))
        return concatenate(traces)

    def _read(self, source: Source, values: Values, samples: int) -> Trace:
        rows = {name: values[name].reshape(-1, values[name].shape[-1])[:samples] for name in (*self.codes, "scores")}
        scores = rows.pop("scores")
        counts = scores if self.counts else (scores + self.fan_in) / 2
        codes = {name.removesuffix(".code"): Codes.pack(bits > 0) for name, bits in rows.items()}
        return Trace(source, codes, counts.astype(np.int32), self.fan_in)
