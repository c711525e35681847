"""The folder of a run: where every artefact has its place, how it is written whole, and what it says when read back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from ..export.graph import Graph
from ..hw.simulation.vectors import MANIFEST
from ..hw.synthesis.bitstream import Synthesis, from_row
from ..ib_analysis.layer_bits import LayerBits
from ..ib_analysis.layer_bits import from_rows as bits_from_rows
from ..ib_analysis.plane import PlanePoint, from_rows
from .config import RunConfig, RunError, from_toml
from .files import damaged, read_arrays, read_json, read_text, write


@dataclass(frozen=True)
class RunFolder:
    """Where every artefact of a run lies. Each is written whole or not at all."""

    path: Path

    def __post_init__(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise RunError(f"{self.path} is a file; a run is a folder")

    @property
    def config_file(self) -> Path:
        return self.path / "run.toml"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint" / "checkpoint.npz"

    @property
    def codes(self) -> Path:
        return self.path / "codes"

    @property
    def model(self) -> Path:
        return self.path / "model.onnx"

    @property
    def streamlined(self) -> Path:
        return self.path / "streamlined.onnx"

    @property
    def standard(self) -> Path:
        return self.path / "standard.onnx"

    @property
    def graph(self) -> Path:
        return self.path / "graph.npz"

    @property
    def rtl(self) -> Path:
        return self.path / "rtl"

    @property
    def vectors(self) -> Path:
        return self.path / "vectors"

    @property
    def trace(self) -> Path:
        return self.path / "trace.npz"

    @property
    def verification(self) -> Path:
        return self.path / "verify.json"

    @property
    def synth(self) -> Path:
        return self.path / "synth"

    def synthesis(self, target: str) -> Path:
        return self.synth / target / "synth.json"

    @property
    def plane(self) -> Path:
        return self.path / "plane.json"

    @property
    def plane_page(self) -> Path:
        return self.path / "plane.html"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    def epoch_codes(self, epoch: int) -> Path:
        return self.codes / f"epoch-{epoch:05d}.npz"

    def captured_epochs(self) -> list[int]:
        found = (re.fullmatch(r"epoch-(\d+)\.npz", path.name) for path in self.codes.glob("epoch-*.npz"))
        return sorted(int(match[1]) for match in found if match)

    def needs(self, artefact: Path, verb: str) -> Path:
        """The artefact, where it is there; otherwise which verb makes it."""
        if not artefact.exists():
            raise RunError(f"{artefact} is missing; `bitneck {verb} {self.path}` makes it")
        return artefact

    def config(self) -> RunConfig:
        return from_toml(read_text(self.needs(self.config_file, "train")), str(self.config_file))

    def settle(self, config: RunConfig) -> None:
        """Writes the configuration, or checks that the folder was made with the same."""
        if self.config_file.exists():
            was, now = self.config().model_dump(), config.model_dump()
            different = [key for key in now if was[key] != now[key]]
            if different:
                raise RunError(
                    f"{self.config_file} says otherwise about {', '.join(different)}; leave the options out to go on "
                    "with it, or choose another folder"
                )
        else:
            write(self.config_file, config.toml())


def others_than_vectors(path: Path) -> list[str]:
    """What lies at `path` and was not written by an export of vectors, going by the manifest there."""
    if not path.is_dir():
        return [path.name] if path.exists() else []
    streams = read_json(path / MANIFEST)["streams"] if (path / MANIFEST).exists() else []
    ours = {MANIFEST, "README.txt", *(stream["file"] for stream in streams)}
    return sorted(entry.name for entry in path.iterdir() if entry.name not in ours)


def history(folder: RunFolder) -> list[dict[str, float]]:
    """Epoch, loss and accuracies so far."""
    arrays = read_arrays(folder.needs(folder.checkpoint, "train"))
    return json.loads(str(arrays["history"]))


def graph_of(folder: RunFolder) -> Graph:
    return Graph.from_arrays(read_arrays(folder.needs(folder.graph, "export")))


@dataclass(frozen=True)
class Judgement:
    """What an independent tool says about a run's files.

    skipped    why it was not asked; None where it was, and then everything below is its answer
    samples    of the run's, from the first
    digests    sha256 by layer and source: torch, and the judge
    mismatch   its first difference from torch, as a line
    """

    tool: str
    reads: str
    skipped: str | None = None
    version: str = ""
    samples: int = 0
    digests: dict[str, dict[str, str]] = field(default_factory=dict)
    mismatch: str | None = None
    seconds: float = field(default=0.0, compare=False)

    @property
    def equal(self) -> bool:
        """Or not asked."""
        return self.mismatch is None and all(len(set(row.values())) == 1 for row in self.digests.values())


@dataclass(frozen=True)
class Verification:
    """Whether every bit of every layer is the same in torch, in the QONNX file, in the integer graph and in the RTL.

    digests           sha256 by layer and source, `class` for what leaves the chip
    mismatches        the first difference of each source that differs from torch, as a line
    accuracy          of the classes that left the simulated chip, over the samples
    cycles_per_frame  measured; promised_cycles is what the descriptors say
    seconds           of the simulation alone, after the build
    judges            what independent tools say, where they were asked after the simulation
    files             sha256 by name of what was executed: model.onnx, and all that lies in rtl/
    """

    name: str
    data_sha256: str
    samples: int
    layers: int
    tier: str
    digests: dict[str, dict[str, str]]
    mismatches: list[str]
    accuracy: float
    latency_cycles: int
    cycles_per_frame: float
    promised_cycles: int
    seconds: float = field(compare=False)
    judges: list[Judgement] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        same = not self.mismatches and all(len(set(row.values())) == 1 for row in self.digests.values())
        return same and all(judge.equal for judge in self.judges)


def verification_of(folder: RunFolder) -> Verification:
    values = read_json(folder.needs(folder.verification, "simulate"))
    try:
        judges = [Judgement(**row) for row in values.get("judges", [])]
        return Verification(**{key: value for key, value in values.items() if key != "equal"} | {"judges": judges})
    except (AttributeError, TypeError) as error:
        raise damaged(folder.verification, error) from None


def synthesis_of(folder: RunFolder, target: str) -> Synthesis | None:
    """What was synthesised for a target; None where nothing was."""
    path = folder.synthesis(target)
    if not path.exists():
        return None
    try:
        return from_row(read_json(path))
    except (AttributeError, KeyError, TypeError) as error:
        raise damaged(path, error) from None


@dataclass(frozen=True)
class Analysis:
    """points   of the run's target over all captured epochs; population, bits   the last epoch's"""

    points: tuple[PlanePoint, ...]
    population: tuple[PlanePoint, ...]
    bits: tuple[LayerBits, ...]


def analysis_of(folder: RunFolder) -> Analysis:
    rows = read_json(folder.needs(folder.plane, "analyze"))
    try:
        return Analysis(from_rows(rows["points"]), from_rows(rows["population"]), bits_from_rows(rows["bits"]))
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(folder.plane, error) from None
