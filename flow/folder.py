"""The folder of a run: where every artefact has its place, how it is written whole, and what it says when read back."""

from __future__ import annotations

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
from .files import damaged, read_arrays, read_json, read_text, sha256_of, write
from .trained import Trained, different, disagreements, trained


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

    def asked(self) -> RunConfig:
        """What run.toml says, whatever was trained."""
        return from_toml(read_text(self.needs(self.config_file, "train")), str(self.config_file))

    def config(self) -> RunConfig:
        """The same. Raises RunError where the net that lies here was trained otherwise."""
        config = self.asked()
        self._agree(config)
        return config

    def trained(self) -> Trained:
        """What the checkpoint says of itself."""
        return trained(self.needs(self.checkpoint, "train"))

    def check(self, config: RunConfig) -> None:
        """Raises RunError where run.toml or the trained net is of another configuration; more epochs are none."""
        if self.config_file.exists():
            now, was = config.model_dump(mode="json"), self.asked().model_dump(mode="json")
            was["training"]["epochs"] = max(was["training"]["epochs"], config.training.epochs)
            if found := different(now, was, "is {1} there, {0} asked"):
                raise RunError(
                    f"{self.config_file} says otherwise about {'; '.join(found)}; leave the options out to go on with "
                    "it, or choose another folder"
                )
        self._agree(config)

    def _agree(self, config: RunConfig) -> None:
        if self.checkpoint.exists() and (found := disagreements(config, self.trained())):
            only_up = " (epochs can be raised, never lowered)" * any("training.epochs" in each for each in found)
            raise RunError(
                f"{self.config_file}: {'; '.join(found)}{only_up}; put the old value back, or remove "
                f"{self.checkpoint.parent} and train anew with `bitneck train {self.path}`, or choose another folder"
            )

    def settle(self, config: RunConfig) -> None:
        """Writes a configuration that passed `check`; of a run.toml that is there, only the epochs where they rise."""
        if not self.config_file.exists():
            write(self.config_file, config.toml())
        elif self.asked() != config:
            text = read_text(self.config_file)
            raised = re.sub(r"(?m)^(\s*epochs\s*=\s*)\w+", rf"\g<1>{config.training.epochs}", text, count=1)
            write(self.config_file, raised if from_toml(raised, "") == config else config.toml())


def others_than_vectors(path: Path) -> list[str]:
    """What lies at `path` and was not written by an export of vectors, going by the manifest there."""
    if not path.is_dir():
        return [path.name] if path.exists() else []
    streams = read_json(path / MANIFEST)["streams"] if (path / MANIFEST).exists() else []
    ours = {MANIFEST, "README.txt", *(stream["file"] for stream in streams)}
    return sorted(entry.name for entry in path.iterdir() if entry.name not in ours)


def history(folder: RunFolder) -> list[dict[str, float]]:
    """Epoch, loss and accuracies so far."""
    return [row.model_dump() for row in folder.trained().history]


MADE_FROM = "checkpoint"  # in what is made from one: its sha256


def graph_of(folder: RunFolder) -> Graph:
    """Raises RunError where it is not that of the checkpoint, or bears another name than the run."""
    graph = Graph.from_arrays(read_arrays(folder.needs(folder.graph, "export")))
    if graph.name != (name := folder.config().name):
        raise RunError(
            f"{folder.graph} is of the name {graph.name!r}, {folder.config_file} says {name!r}; put the old name back, "
            f"or `bitneck export {folder.path}` writes it under the new one"
        )
    check_made(folder, folder.graph, exported_from(folder), "export")
    return graph


def exported_from(folder: RunFolder) -> str | None:
    """sha256 of the checkpoint whose net is in graph.npz; None in one that does not say."""
    arrays = read_arrays(folder.needs(folder.graph, "export"), (MADE_FROM,))
    return str(arrays[MADE_FROM]) if MADE_FROM in arrays else None


def check_made(folder: RunFolder, path: Path, made_from: object, verb: str) -> None:
    """Raises RunError where `path` was made from another checkpoint than lies there; None does not know from which."""
    if made_from is not None and folder.checkpoint.exists() and str(made_from) != sha256_of(folder.checkpoint):
        raise RunError(
            f"{path} was made from another checkpoint than {folder.checkpoint} is now; `bitneck {verb} {folder.path}` "
            "makes it anew"
        )


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
    files             sha256 by name of what was executed and what came out: all that export and build wrote, trace.npz
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
    """Raises RunError where it is of another checkpoint, or of another target than run.toml asks for."""
    rows = read_json(folder.needs(folder.plane, "analyze"))
    try:
        made_from = rows.get(MADE_FROM)
        found = Analysis(from_rows(rows["points"]), from_rows(rows["population"]), bits_from_rows(rows["bits"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise damaged(folder.plane, error) from None
    check_made(folder, folder.plane, made_from, "analyze")
    measured = {point.i_xt.target for point in found.points}
    if folder.config_file.exists() and measured - {target := folder.config().analysis.target}:
        raise RunError(
            f"{folder.plane} was measured for target {', '.join(sorted(measured))}, {folder.config_file} says "
            f"{target}; put the old target back, or `bitneck analyze {folder.path}` measures for this one"
        )
    return found
