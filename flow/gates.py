"""What was synthesised of a run, gate by gate over every sample: netlists as placed, and iCE40's bitstreams."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from ..export.graph import Graph
from ..export.judges.compare import first_mismatch
from ..hw import cache
from ..hw.accelerator import Accelerator
from ..hw.gate_level.chip import chip
from ..hw.gate_level.circuit import Circuit
from ..hw.gate_level.fault import culprits
from ..hw.gate_level.simulator import BehaviourError, case_of, gate_level, interface
from ..hw.gate_level.yosys_json import FAMILIES, circuit
from ..hw.synthesis.bitstream import NETLIST, Synthesis, design_digest
from ..hw.synthesis.read_back import CELL, read_back
from ..hw.synthesis.shell import Shell
from ..hw.synthesis.targets import SynthesisError, target_of
from ..ib_analysis.codes import Trace
from .config import RunError
from .files import sha256_of
from .folder import RunFolder, Verification, all_synthesised
from .record import BY_GATES

SHOWN = 3  # culprits, at most
TRIED = 8  # frames of each kind, right and wrong, that a culprit has to explain

Tell = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Gates:
    """A circuit of a run, and the file that it was read from.

    source   as it is called among the sources: netlist, bitstream, and the part
    """

    source: str
    circuit: Circuit
    file: Path


def with_gates(
    folder: RunFolder,
    recorded: Verification,
    graph: Graph,
    accelerator: Accelerator,
    design: dict[str, str],
    x: NDArray[np.uint8],
    tell: Tell,
) -> Verification:
    """The record with a source for every netlist and bitstream in synth/, of all samples.

    Raises RunError where there is none, or one is of another design than lies in rtl/.
    """
    reference = graph(x)
    digests = {
        layer: {source: digest for source, digest in row.items() if not source.startswith(BY_GATES)}
        for layer, row in recorded.digests.items()
    }
    lines = [line for line in recorded.mismatches if not line.startswith(BY_GATES)]
    files = {name: digest for name, digest in recorded.files.items() if not name.startswith(f"{folder.synth.name}/")}
    absent = {name: why for name, why in recorded.absent.items() if not name.startswith(BY_GATES)}
    for gates in _all_gates(folder, accelerator, design, absent, tell):
        tell(f"{gates.source}: compiling {len(gates.circuit.luts):,} LUTs")
        model = gate_level(gates.circuit, accelerator, gates.source)
        tell(f"{gates.source}: {len(x):,} frames")
        files[str(gates.file.relative_to(folder.path))] = sha256_of(gates.file)
        try:
            said = model(x)
        except BehaviourError as error:
            lines.append(f"{error}; {_explained(gates, accelerator, x, reference, np.arange(min(2, len(x))), tell)}")
            continue
        for layer, codes in said.trace.layers().items():
            digests[layer][gates.source] = codes.digest()
        wrong = _wrong(reference, said.trace) | (said.classes != reference.predictions())
        if wrong.any():
            found = first_mismatch(graph, reference, said.trace, x)
            what = f"class: sample {int(wrong.argmax())}: other than graph says" if found is None else str(found)
            kinds = [np.flatnonzero(wrong)[:TRIED], np.flatnonzero(~wrong)[:TRIED]]
            lines.append(
                f"{gates.source}: {what}; {int(wrong.sum()):,} of {len(x):,} frames differ; "
                f"{_explained(gates, accelerator, x, reference, np.concatenate(kinds), tell)}"
            )
    return replace(recorded, digests=digests, mismatches=lines, files=files, absent=absent)


def _all_gates(
    folder: RunFolder, accelerator: Accelerator, design: dict[str, str], absent: dict[str, str], tell: Tell
) -> Iterator[Gates]:
    """absent   is told why one is not among them"""
    done = [each for each in all_synthesised(folder) if each.board is None]
    if not done:
        raise RunError(f"{folder.synth} holds no netlist; `bitneck synth {folder.path} --target up5k` makes one")
    for each in done:
        if each.design != design_digest(design):
            raise RunError(
                f"{folder.synth / each.target} is of another design than {folder.rtl}; `bitneck synth {folder.path} "
                f"--target {each.target}` makes it anew"
            )
        target, made = target_of(each.target), folder.synthesis(each.target).parent
        source = f"netlist {each.target}"
        if target.part.family not in FAMILIES:
            absent[source] = f"cells of {target.part.family} are not modelled"
            continue
        tell(f"{source}: reading")
        yield Gates(
            source,
            circuit(json.loads((made / NETLIST).read_text()), each.top, target.part.family),
            made / NETLIST,
        )
        if each.bitstream is not None and target.part.family == "ice40":
            source = f"bitstream {each.target}"
            tell(f"{source}: reading back")
            try:
                text = _read_back(accelerator, each, made)
            except SynthesisError as error:
                absent[source] = str(error)
                continue
            yield Gates(source, chip(text, each.top), made / target.bitstream)


def _read_back(accelerator: Accelerator, done: Synthesis, made: Path) -> str:
    """The bitstream as Verilog, from the cache where these very files were read before."""
    target = target_of(done.target)
    read = [made / target.bitstream, made / NETLIST, made / "design.asc", made / "pins.pcf"]
    text = "".join([CELL, *(sha256_of(path) for path in read if path.exists())])
    name = f"chip-{hashlib.sha256(text.encode()).hexdigest()[:24]}.v"
    kept = cache.take(name)
    if kept is not None:
        return kept.decode()
    with TemporaryDirectory(prefix="bitneck-") as work:
        verilog = read_back(Shell(accelerator), target, made, Path(work))
    cache.keep(name, verilog.encode())
    return verilog


def _wrong(reference: Trace, said: Trace) -> NDArray[np.bool_]:
    """(n,) which samples differ in any layer."""
    pairs = ((codes.packed, said.layers()[name].packed) for name, codes in reference.layers().items())
    return np.asarray(np.array([(one != other).any(axis=1) for one, other in pairs]).any(axis=0))


def _explained(
    gates: Gates,
    accelerator: Accelerator,
    x: NDArray[np.uint8],
    reference: Trace,
    frames: NDArray[np.int64],
    tell: Tell,
) -> str:
    """Which cell, where one bit of one LUT explains it."""
    pins, streams = interface(gates.circuit, accelerator)
    one, several = (
        case_of(gates.circuit, accelerator, x[some], _part(reference, some)) for some in (frames[:1], frames)
    )
    cycles = 2 * accelerator.cycles + 2 * accelerator.inputs + 200

    def told(done: int, of: int) -> None:
        tell(f"{gates.source}: which bit? {done:,} of {of:,} bits tried")

    found = culprits(gates.circuit, pins, streams, one, several, cycles, told)
    if not found:
        return "no single bit of a LUT explains it"
    more = f" or one of {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"explained by one bit: {' or '.join(map(str, found[:SHOWN]))}{more}"


def _part(of: Trace, samples: NDArray[np.int64]) -> Trace:
    return replace(of, codes={name: codes[samples] for name, codes in of.codes.items()}, scores=of.scores[samples])
