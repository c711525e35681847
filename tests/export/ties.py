"""`make ties`: in how many codes each judge differs from torch, on a plain Brevitas export and on ours.

The nets are made of what breaks them: neurons whose batch-norm puts a reachable accumulator exactly on the decision,
that fall (gain < 0), are constant (gain = 0), always or never fire. They see
all 256 inputs of 8 bits, so every accumulator is reached.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import onnx
import torch
from adversarial_nets import KINDS, adversarial_net, walk_net
from bitneck.export.judges import finn, finn_plus, onnx_runtime, qonnx
from bitneck.export.reading.streamline import streamline
from bitneck.export.writing.qonnx import export, serialize
from bitneck.export.writing.standard import standard
from bitneck.export.writing.streamlined import streamlined
from bitneck.ib_analysis.codes import Trace
from bitneck.models.brevitas_net import BrevitasNet
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.batchnorm_to_affine import BatchNormToAffine
from qonnx.util.cleanup import cleanup_model

WIDTHS = (8, 2000, 2)
COMPILER_LIMIT_S = 60.0
INPUTS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
GROUPS = {
    "ties": ("tie in the mean", "tie in the bias"),
    "ties, gain < 0": ("falling tie in the mean", "falling tie in the bias"),
    "gain < 0": ("falling", "gain huge"),
    "gain = 0": tuple(kind for kind in KINDS if kind.startswith("gain zero") or kind.startswith("gain negative")),
    "always, never": ("always", "never"),
    "all kinds": KINDS,
}

Execute = Callable[[onnx.ModelProto], Trace]


@dataclass(frozen=True)
class Row:
    """Codes in which a judge differs from torch, by group; ours over all groups.

    plain   None: the judge reads no such file; None of a group: it refuses that file, or never comes to an end
    """

    judge: str
    plain: Mapping[str, int | None] | None
    ours: int


def affine(model: onnx.ModelProto) -> onnx.ModelProto:
    """Batch-norms as one multiplication and one addition, the first step of FINN's streamlining."""
    return ModelWrapper(model, make_deepcopy=True).transform(BatchNormToAffine()).model


def judges() -> Iterator[tuple[str, Execute]]:
    """Who reads model.onnx, ours and the plain one alike."""
    yield "qonnx", lambda model: qonnx.execute(model, INPUTS)
    yield "qonnx, after BatchNormToAffine", lambda model: qonnx.execute(affine(model), INPUTS)
    yield "ONNX Runtime", lambda model: onnx_runtime.execute(model, INPUTS)
    yield "ONNX Runtime, after BatchNormToAffine", lambda model: onnx_runtime.execute(affine(model), INPUTS)
    if finn.available() is None:
        yield "finn-base", lambda model: finn.execute(model, INPUTS)
        yield "finn-base, after BatchNormToAffine", lambda model: finn.execute(affine(model), INPUTS)


def compilers() -> Iterator[tuple[str, Execute]]:
    """Who compiles model.onnx, ours and the plain one alike; it takes some 3 s for each group."""
    if finn_plus.available() is None:
        yield (
            "FINN+, hardware operators",
            lambda model: finn_plus.judge(serialize(model), INPUTS, {}, limit_s=COMPILER_LIMIT_S).hardware,
        )


def judges_of_integers() -> Iterator[tuple[str, Execute]]:
    """Who reads the files of the integer Graph, which a plain export has not."""
    yield "qonnx on streamlined.onnx", lambda model: qonnx.execute(streamlined(streamline(model).graph), INPUTS)
    yield "ONNX Runtime on standard.onnx", lambda model: onnx_runtime.execute(standard(streamline(model).graph), INPUTS)
    if finn.available() is None:
        yield "finn-base on streamlined.onnx", lambda model: finn.execute(streamlined(streamline(model).graph), INPUTS)


def plain(net: BrevitasNet) -> onnx.ModelProto:
    """What Brevitas writes, with nothing changed but the names of the tensors that are looked at."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a kernel package that nobody needs, and of the exporter's own age
        from brevitas.export import export_qonnx

        written = export_qonnx(net, torch.zeros(1, net.config.inputs), dynamo=False)
    model = cleanup_model(ModelWrapper(written))
    model.rename_tensor(model.graph.input[0].name, "x")
    model.set_tensor_datatype("x", DataType["BIPOLAR"])
    quantizer = model.find_producer(model.find_producer(model.graph.output[0].name).input[1])
    model.rename_tensor(quantizer.input[0], "scores.weight")
    model.set_tensor_datatype("scores.weight", DataType["BIPOLAR"])
    for layer, tensor in streamline(model.model).tensors.items():
        model.rename_tensor(tensor, "scores" if layer == "scores" else f"{layer}.code")
    model.model.functions.extend(export(net).functions)  # ONNX Runtime knows no BipolarQuant
    return model.model


def rows(compiled: bool) -> Iterator[Row]:
    """compiled   those of `compilers` too"""
    nets = {group: adversarial_net(WIDTHS, 1, 3, kinds) for group, kinds in GROUPS.items()}
    said = {group: walk_net(net, INPUTS) for group, net in nets.items()}
    plain_files = {group: plain(net) for group, net in nets.items()}
    our_files = {group: export(net) for group, net in nets.items()}

    def different(execute: Execute, files: Mapping[str, onnx.ModelProto]) -> dict[str, int]:
        return {group: _different(said[group], execute(model)) for group, model in files.items()}

    def endured(execute: Execute) -> dict[str, int | None]:
        found: dict[str, int | None] = {}
        for group, model in plain_files.items():
            try:
                found[group] = _different(said[group], execute(model))
            except finn_plus.JudgeError:
                found[group] = None
        return found

    for judge, execute in [*judges(), *(compilers() if compiled else ())]:
        yield Row(judge, endured(execute), sum(different(execute, our_files).values()))
    for judge, execute in judges_of_integers():
        yield Row(judge, None, sum(different(execute, our_files).values()))


def _different(reference: Trace, other: Trace) -> int:
    return sum(int((codes.bits() != other.codes[layer].bits()).sum()) for layer, codes in reference.codes.items())


def table(found: Iterator[Row]) -> Iterator[str]:
    yield f"| codes that differ from torch's, of {len(INPUTS) * WIDTHS[1]:,} | {' | '.join(GROUPS)} | ours, all six |"
    yield "|---|" + "---:|" * (len(GROUPS) + 1)
    for row in found:
        cells = [""] * len(GROUPS) if row.plain is None else map(_cell, row.plain.values())
        yield f"| {row.judge} | {' | '.join(cells)} | {row.ours:,} |"


def _cell(different: int | None) -> str:
    return "none" if different is None else f"{different:,}"


if __name__ == "__main__":
    for line in table(rows(compiled=True)):
        print(line, flush=True)
