"""FINN's law of rounding: thresholds that a value reaches where it is equal to them, so that halves are rounded up,
whatever the file's own quantizers do with halves.

A judge that follows it differs from a file that rounds half to even, by a number that is measured here; and what the
law does not explain is a difference as any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from ...ib_analysis.codes import Codes, Source, Trace
from ..reading.quantizers import QUANTIZERS, levels, options
from ..reading.streamline import Streamlined, streamline
from ..writing.nodes import QONNX
from .finn_plus import RefusalError
from .foreign import answer, explained, in_stream


@dataclass(frozen=True)
class Moved:
    """In what a judge differs from the file's integers, where its law explains all of it.

    codes     elements of all layers over the samples, of `of`: those that were decided otherwise, and what follows
    classes   of the samples
    law       that explains it, in a few words; empty where nothing differs
    mismatch  the first difference that the law does not explain, as a line
    """

    codes: int
    of: int
    classes: int
    law: str = ""
    mismatch: str | None = None


def moved(read: Streamlined, due: Trace, said: Callable[[Streamlined], Trace], x: NDArray[np.uint8]) -> Moved:
    """How a judge that rounds half up, or as the file does, differs from the file's own integers.

    due    what the graph says of x
    said   what the judge says of x, as a trace of the file, or of the same under its law
    """
    trace = said(read)
    codes, of = _different(read, due, trace)
    classes = int((trace.predictions() != due.predictions()).sum())
    if not codes:
        return Moved(0, of, 0)
    found = explained(read, trace, x)[1]
    if found is None:
        return Moved(codes, of, classes, "float sums round")
    by_law, names = half_up(read)
    under_law = said(by_law)
    if not names or codes <= _different(by_law, by_law.graph(x), under_law)[0]:  # nearer to the file's law
        return Moved(codes, of, classes, mismatch=found)
    law = f"halves go up, where the file says {' and '.join(names)}"
    return Moved(codes, of, classes, law, explained(by_law, under_law, x)[1])


def _different(read: Streamlined, due: Trace, said: Trace) -> tuple[int, int]:
    found = int((due.scores != said.scores).sum())
    for layer in read.graph.layers[:-1]:
        each = [trace.codes[layer.name].levels(layer.emits.bits) for trace in (due, said)]
        found += int((each[0] != each[1]).sum())
    return found, sum(layer.outputs for layer in read.graph.layers) * len(said)


def half_up(read: Streamlined) -> tuple[Streamlined, list[str]]:
    """The file read anew with thresholds in place of its quantizers, and the roundings that they had.

    The thresholds are those of FINN+ (`qonnx_activation_handlers.py` of version 1.6.1): halves between two levels,
    computed in float64 and kept in float32.
    """
    model = onnx.ModelProto()
    model.CopyFrom(read.chain.model)
    decide = {*read.tensors.values()}
    names: set[str] = set()
    for node in model.graph.node:
        if node.op_type not in ("Quant", "IntQuant") or node.output[0] not in decide:
            continue
        emits, mode = levels(node, read.chain.constants), str(options(node).get("rounding_mode", "ROUND")).upper()
        if emits.count == 2 and emits.low < 0:  # of one bit, signed: a sign
            continue
        names.add(mode)
        at = emits.low + emits.step * (np.arange(emits.top, dtype=np.float64) + 0.5)
        name = f"{node.output[0]}/halves"
        model.graph.initializer.append(numpy_helper.from_array(at.astype(np.float32)[None], name))
        node.CopyFrom(
            helper.make_node(
                "MultiThreshold",
                [node.input[0], name],
                list(node.output),
                node.name,
                domain=QONNX,
                out_scale=emits.step,
                out_bias=emits.low,
                out_dtype="FLOAT32",
            )
        )
    found = streamline(model, read.pixels, margin="state")
    if [layer.name for layer in found.graph.layers] != [layer.name for layer in read.graph.layers]:
        raise RefusalError("rounding halves up makes other layers of this file, so that nothing can be compared")
    return replace(found, graph=replace(found.graph, name=read.graph.name)), sorted(names)


def trace_of(
    read: Streamlined,
    reached: Sequence[NDArray[np.uint16]],
    last: NDArray[np.float32],
    x: NDArray[np.uint8],
    source: Source,
) -> Trace:
    """A judge's trace from what each quantizer of the file reached, in the file's order, and the floats that left.

    A layer without a quantizer of its own, such as a pool, says what its own codes give: what the judge made of it,
    the next layer shows. Raises RefusalError where the judge has other quantizers than the file.
    """
    made = [node.output[0] for node in read.chain.nodes if node.op_type in QUANTIZERS]
    if len(made) != len(reached):
        raise RefusalError(f"it makes {len(reached)} quantizers of {len(made)}, so that layers cannot be told")
    by_tensor = dict(zip(made, reached, strict=True))
    codes: dict[str, Codes] = {}
    values: NDArray = x
    *hidden, end = read.graph.layers
    for layer in hidden:
        found = by_tensor.get(read.tensors[layer.name])
        values = answer(layer, values) if found is None else in_stream(read, layer, found.astype(layer.emits.dtype))
        codes[layer.name] = Codes.of_levels(values, layer.emits.bits)
    code = by_tensor.get(read.tensors[end.name])
    scores = in_stream(read, end, code) if read.sums is None else read.sums.scores(last)  # type: ignore[arg-type]
    return Trace(source, codes, scores.astype(np.int32), read.graph.top, read.graph.ends_in_code)
