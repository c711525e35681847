"""The folder of a run: where every artefact has its place, how it is written whole, and what it says when read back."""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import Field, FiniteFloat

from ..hw.parts import part_names
from ..hw.simulation.vectors import MANIFEST, Manifest
from ..hw.synthesis.bitstream import Digest, Synthesis
from ..ib_analysis.layer_bits import LayerBits
from ..ib_analysis.map_information import MapLayer
from ..ib_analysis.maps_over_epochs import MapPoint
from ..ib_analysis.plane import PlanePoint
from .config import ImportedConfig, RunConfig, RunError, any_from_toml, from_toml
from .files import damaged, read_json, read_record, read_row, read_text, write, write_record
from .trained import LABELS, Imported, Trained, different, disagreements, origin


@dataclass(frozen=True, init=False)
class RunFolder:
    """Where every artefact of a run lies. Each is written whole or not at all."""

    path: Path

    def __init__(self, path: Path | str) -> None:
        object.__setattr__(self, "path", Path(path))
        if self.path.exists() and not self.path.is_dir():
            raise RunError(f"{self.path} is a file; a run is a folder")

    @property
    def config_file(self) -> Path:
        return self.path / "run.toml"

    @property
    def data(self) -> Path:
        """The arrays that Python handed over; of any other data set nothing is kept."""
        return self.path / "data.npz"

    @property
    def taken(self) -> Path:
        """How a user's samples became a data set, and what that lost."""
        return self.path / "data.json"

    @property
    def cuts(self) -> Path:
        """By which numbers became levels, where they did."""
        return self.path / "cuts.npz"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint" / "checkpoint.npz"

    @property
    def codes(self) -> Path:
        return self.path / "codes"

    @property
    def labels(self) -> Path:
        return self.codes / LABELS

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
    def faults(self) -> Path:
        return self.path / "faults.json"

    @property
    def attack(self) -> Path:
        return self.path / "attack.json"

    @property
    def vivado(self) -> Path:
        return self.path / "vivado"

    @property
    def energy(self) -> Path:
        return self.path / "energy.json"

    @property
    def board(self) -> Path:
        """What came back from a board, or from the RTL of its link."""
        return self.path / "board"

    @property
    def board_codes(self) -> Path:
        return self.board / "codes.npz"

    @property
    def exact(self) -> Path:
        return self.path / "exact.json"

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

    def epoch_net(self, epoch: int) -> Path:
        """What emitted them; kept where all its inputs can be counted (`epoch_nets`)."""
        return self.codes / f"net-{epoch:05d}.npz"

    def exact_at(self, epoch: int) -> Path:
        """As `exact`, of that net."""
        return self.path / "exact" / f"epoch-{epoch:05d}.json"

    @property
    def exact_plane(self) -> Path:
        """What was counted of several epochs, drawn."""
        return self.path / "exact" / "plane.html"

    def captured_epochs(self) -> list[int]:
        found = (re.fullmatch(r"epoch-(\d+)\.npz", path.name) for path in self.codes.glob("epoch-*.npz"))
        return sorted(int(match[1]) for match in found if match)

    def needs(self, artefact: Path, verb: str) -> Path:
        """The artefact, where it is there; otherwise which verb makes it."""
        if not is_there(artefact):
            raise RunError(f"{artefact} is missing; `bitneck {verb} {self.path}` makes it")
        return artefact

    def asked(self) -> RunConfig | ImportedConfig:
        """What run.toml says, whatever was trained."""
        return any_from_toml(read_text(self.needs(self.config_file, "train")), str(self.config_file))

    def trainable(self) -> RunConfig:
        """The same. Raises RunError where the net that lies here was imported."""
        asked = self.asked()
        if not isinstance(asked, RunConfig):
            raise RunError(f"{self.path} holds a net that was imported; `bitneck build {self.path}` goes on with it")
        return asked

    def config(self) -> RunConfig | ImportedConfig:
        """The same. Raises RunError where the net that lies here was trained otherwise."""
        config = self.asked()
        self._agree(config)
        return config

    def origin(self) -> Trained | Imported:
        """Where the net comes from: what the checkpoint says of itself."""
        return origin(self.needs(self.checkpoint, "train"))

    def check(self, config: RunConfig) -> None:
        """Raises RunError where run.toml or the trained net is of another configuration; more epochs are none."""
        if self.config_file.exists():
            now, was = config.model_dump(mode="json"), self.asked().model_dump(mode="json")
            if "training" not in was:
                raise RunError(f"{self.path} holds a net that was imported; choose another folder to train one")
            was["training"]["epochs"] = max(was["training"]["epochs"], config.training.epochs)
            if found := different(now, was, "is {1} there, {0} asked"):
                raise RunError(
                    f"{self.config_file} says otherwise about {'; '.join(found)}; leave the options out to go on with "
                    "it, or choose another folder"
                )
        self._agree(config)

    def _agree(self, config: RunConfig | ImportedConfig) -> None:
        if is_there(self.checkpoint) and (found := disagreements(config, self.origin())):
            verb = "import" if isinstance(config, ImportedConfig) else "train"
            only_up = " (epochs can be raised, never lowered)" * any("training.epochs" in each for each in found)
            raise RunError(
                f"{self.config_file}: {'; '.join(found)}{only_up}; put the old value back, or remove "
                f"{self.checkpoint.parent} and {verb} anew with `bitneck {verb} {self.path}`, or choose another folder"
            )

    def settle(self, config: RunConfig) -> None:
        """Writes a configuration that passed `check`; of a run.toml that is there, only the epochs where they rise."""
        if not self.config_file.exists():
            write(self.config_file, config.toml())
        elif self.asked() != config:
            text = read_text(self.config_file)
            raised = re.sub(r"(?m)^(\s*epochs\s*=\s*)\w+", rf"\g<1>{config.training.epochs}", text, count=1)
            write(self.config_file, raised if from_toml(raised, "") == config else config.toml())


AnyFolder: TypeAlias = RunFolder | Path | str


def run_folder(folder: AnyFolder) -> RunFolder:
    """However the folder of a run was named."""
    return folder if isinstance(folder, RunFolder) else RunFolder(folder)


def is_there(path: Path) -> bool:
    """Whatever it is: a link to itself is there too, and reading it will say so."""
    return os.path.lexists(path)


def others_than_vectors(path: Path) -> list[str]:
    """What lies at `path` and was not written by an export of vectors, going by the manifest there."""
    if not path.is_dir():
        return [path.name] if path.exists() else []
    streams = read_json(path / MANIFEST, Manifest).streams if (path / MANIFEST).exists() else ()
    ours = {MANIFEST, "README.txt", *(stream.file for stream in streams)}
    return sorted(entry.name for entry in path.iterdir() if entry.name not in ours)


def history(folder: RunFolder) -> list[dict[str, float]]:
    """Epoch, loss and accuracies so far."""
    return [asdict(row) for row in folder.origin().history]


Digests = dict[str, dict[str, Digest]]  # by layer and source


@dataclass(frozen=True)
class Judgement:
    """What an independent tool says about a run's files.

    skipped    why it was not asked; None where it was, and then everything below is its answer
    samples    of the run's, from the first
    digests    sha256 by layer and source: torch, and the judge
    mismatch   its first difference from torch, as a line
    law        by which it decides otherwise than the file says, where that explains all of its differences; then
    moved      so many codes and scores, of `moved_of`, and of the classes `moved_classes` are others
    """

    tool: Annotated[str, Field(min_length=1)]
    reads: Annotated[str, Field(min_length=1)]
    skipped: str | None = None
    version: str = ""
    samples: Annotated[int, Field(ge=0)] = 0
    digests: Digests = field(default_factory=dict)
    mismatch: str | None = None
    law: str = ""
    moved: Annotated[int, Field(ge=0)] = 0
    moved_of: Annotated[int, Field(ge=0)] = 0
    moved_classes: Annotated[int, Field(ge=0)] = 0
    seconds: Annotated[FiniteFloat, Field(ge=0)] = field(default=0.0, compare=False)

    @property
    def equal(self) -> bool:
        """Or not asked, or only its law differs."""
        same = all(len(set(row.values())) == 1 for row in self.digests.values())
        return self.mismatch is None and (same or bool(self.law))

    @property
    def said(self) -> str:
        """In a few words."""
        if self.skipped is not None:
            return f"skipped: {self.skipped}"
        if self.moved and self.equal:
            return (
                f"{self.samples:,} samples, {self.law}: that moves {self.moved:,} of {self.moved_of:,} codes and "
                f"{self.moved_classes:,} classes, and nothing else differs"
            )
        return f"{self.samples:,} samples, every layer {'equal' if self.equal else 'but some equal'}"


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Whether every bit of every layer is the same in all sources that there are of a net without RTL.

    digests      sha256 by layer, then by source
    mismatches   the first difference of each source that differs from the first, as a line
    judges       what independent tools say
    files        sha256 by name of what was executed
    absent       why a source is not among them: a file by its name, or `rtl`
    """

    name: Annotated[str, Field(min_length=1)]
    data_sha256: Digest
    samples: Annotated[int, Field(ge=1)]
    layers: Annotated[int, Field(ge=1)]
    digests: Annotated[Digests, Field(min_length=1)]
    mismatches: list[str]
    judges: list[Judgement] = field(default_factory=list)
    files: dict[str, Digest] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        same = not self.mismatches and all(len(set(row.values())) == 1 for row in self.digests.values())
        return same and all(judge.equal for judge in self.judges)


@dataclass(frozen=True, kw_only=True)
class Verification(Agreement):
    """Whether every bit of every layer is the same in torch, in the QONNX file, in the integer graph and in the RTL.

    digests           `class` among them, for what leaves the chip
    accuracy          of the classes that left the simulated chip, over the samples
    cycles_per_frame  measured; promised_cycles is what the descriptors say
    seconds           of the simulation alone, after the build
    judges            where they were asked after the simulation
    files             all that export and build wrote, trace.npz
    """

    tier: Annotated[str, Field(min_length=1)]
    accuracy: Annotated[float, Field(ge=0, le=1)]
    latency_cycles: Annotated[int, Field(ge=0)]
    cycles_per_frame: Annotated[FiniteFloat, Field(ge=0)]
    promised_cycles: Annotated[int, Field(ge=1)]
    seconds: Annotated[FiniteFloat, Field(gt=0)] = field(compare=False)


def verification_of(folder: RunFolder, sealed: bool = True) -> Verification:
    """Raises RunError where the file is damaged or, but for `sealed=False`, not as `simulate` or `verify` wrote it."""
    path = folder.needs(folder.verification, "simulate")
    if "rtl" in (read_row(path).get("absent") or {}):
        raise RunError(f"{path} is of a time without RTL; `bitneck simulate {folder.path}` proves what is there now")
    return read_record(path, Verification, sealed, derived=("equal",))


def agreement_of(folder: RunFolder, sealed: bool = True) -> Agreement:
    """The same of a run without RTL."""
    path = folder.needs(folder.verification, "verify --judges")
    return read_record(path, Agreement, sealed, derived=("equal",))


def synthesis_of(folder: RunFolder, target: str) -> Synthesis | None:
    """What was synthesised for a target or a board; None where nothing was."""
    path = folder.synthesis(target)
    if not is_there(path):
        return None
    done = read_record(path, Synthesis)
    if done.place != target:
        raise damaged(path, f"it is for {done.place}")
    return done


def all_synthesised(folder: RunFolder) -> list[Synthesis]:
    """For every part, in the order of `part_names`, then for every board."""
    boards = sorted(path.parent.name for path in folder.synth.glob("*/synth.json"))
    places = dict.fromkeys((*part_names(), *(name for name in boards if not name.endswith(".unfinished"))))
    return [done for name in places if (done := synthesis_of(folder, name)) is not None]


@dataclass(frozen=True)
class Analysis:
    """points   of the run's target over all captured epochs; population, bits   the last epoch's

    codes   sha256 by name of the files in codes/ that were measured
    maps    of the last epoch, too: its layers that emit feature maps. Not in the file where there are none
    over    of those layers at every captured epoch, where there are several: their positions' codes. Likewise
    """

    points: Annotated[tuple[PlanePoint, ...], Field(min_length=1)]
    population: tuple[PlanePoint, ...]
    bits: Annotated[tuple[LayerBits, ...], Field(min_length=1)]
    codes: Annotated[dict[str, Digest], Field(min_length=1)]
    maps: tuple[MapLayer, ...] = ()
    over: tuple[MapPoint, ...] = ()


def write_analysis(path: Path, analysis: Analysis) -> None:
    """As `plane.json`, sealed. Without `maps` and `over` where there are none."""
    row = asdict(analysis)
    write_record(path, {key: value for key, value in row.items() if value or key not in ("maps", "over")})
