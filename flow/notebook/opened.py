"""`bitneck.open`: a run as one value whose methods are the verbs, for a notebook."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ...hw.simulation.runner import SimulatorName
from ...ib_analysis.plane import Plane
from ...models.config import PRESETS
from .. import proof, silicon
from .. import run as verbs
from ..belonging import analysis_of
from ..config import ImportedConfig, RunConfig, RunError, Samples, Target, changed, from_preset, from_toml
from ..data import given
from ..files import read_text
from ..folder import Analysis, RunFolder, is_there
from ..importing import design_name
from ..trained import different
from ..unbuilt import proven
from .design import Built, Exported, Pages, Synthesised
from .history import History
from .progress import progress_of
from .proof import Proof

R = TypeVar("R")
CORES = os.cpu_count() or 1


@dataclass(frozen=True, repr=False)
class Run:
    """A run folder and what `open` was asked for. It keeps nothing in memory: every method reads and writes the folder.

    asked      of a preset or configuration that was given; None where the folder says it
    data_dir   where data sets lie that are made of files; without it the variable BITNECK_DATA says it
    data       samples given in Python, in place of a data set by name

    `train`, `export`, `build`, `simulate`, `analyze` and `report` follow each other; each does its work when it is
    called, goes on after an interruption, and says which other one is missing. `history`, `proof`, `plane` and
    `analysis` read what they left.
    """

    folder: RunFolder
    asked: RunConfig | None = None
    data_dir: Path | None = None
    data: Any = field(default=None, repr=False, compare=False)

    @property
    def path(self) -> Path:
        return self.folder.path

    @property
    def config(self) -> RunConfig | ImportedConfig:
        """What run.toml says; before the first training, what was asked for."""
        if self.folder.config_file.exists() or self.asked is None:
            return self.folder.config()
        return self.asked

    def train(
        self,
        progress: bool = False,
        epochs: int | None = None,
        seed: int | None = None,
        cycles: int | None = None,
        samples: Samples | None = None,
        target: Target | None = None,
        device: str = "cpu",
    ) -> History:
        """Trains, or goes on where an interrupted training stopped, or as far as more `epochs` ask.

        cycles          clock cycles a frame, at most
        samples         train, test or all: which are verified and analysed
        target          dataset, enumerated or population: what they stand for
        device          where torch trains: cpu, cuda …

        What is None is as the preset, the configuration or run.toml says. Raises RunError where the net that lies in
        the folder was trained otherwise.
        """
        start = self.asked or self.folder.asked()
        if not isinstance(start, RunConfig):
            raise RunError(f"{self.path} holds a net that was imported; .build() goes on with it")
        changes = {
            "training__epochs": epochs,
            "training__seed": seed,
            "hardware__target_cycles": cycles,
            "analysis__samples": samples,
            "analysis__target": target,
        }
        wanted = changed(start, **changes)
        with progress_of("train", progress) as line:
            done = _with_torch(
                lambda: verbs.train(
                    self.folder,
                    wanted,
                    self.data_dir,
                    device,
                    self.data,
                    lambda epoch, of: line.step(epoch.epoch, of, f"test accuracy {epoch.test_accuracy:.2%}"),
                )
            )
        return History(done, wanted.training.epochs)

    def export(self) -> Exported:
        """The trained net as QONNX, and as the integers that hardware is built from."""
        refused: list[str] = []
        graph = _with_torch(lambda: verbs.export(self.folder, refused.append))
        of = self.folder
        made = (of.model, of.streamlined, of.standard, of.graph)
        return Exported(graph, tuple(path for path in made if path.exists()), tuple(refused))

    def build(self) -> Built:
        """The RTL."""
        return Built(verbs.build(self.folder), self.folder.rtl)

    def simulate(
        self,
        progress: bool = False,
        tier: proof.Tier = "library",
        simulator: SimulatorName = "verilator",
        workers: int = CORES,
        scheduler: str | None = None,
    ) -> Proof:
        """Runs the RTL over every sample and compares every layer's bits with torch, QONNX and graph.

        A difference is no error: ask `equal` of what returns, or `assert run.simulate()`.
        """
        with progress_of("simulate", progress) as line:
            return Proof(
                proof.simulate(self.folder, self.data_dir, tier, simulator, workers, line.say, scheduler=scheduler)
            )

    def verify(self, judges: bool = False, progress: bool = False, netlist: bool = False) -> Proof:
        """Whether the recorded proof is of the files that lie there; with `judges`, what other people's tools say, and
        with `netlist`, what the gates do that were synthesised.
        """
        with progress_of("verify", progress) as line:
            found, stale = proof.verify(self.folder, self.data_dir, judges, line.say, netlist)
        return Proof(found, tuple(stale))

    def analyze(self, progress: bool = False) -> Plane:
        """I(X;T) and I(T;Y) of every layer at every captured epoch; single bits and feature maps are in `analysis`."""
        with progress_of("analyze", progress) as line:
            return Plane(verbs.analyze(self.folder, line.step).points)

    def synth(self, target: str, pins: Path | str | None = None, progress: bool = False) -> Synthesised:
        """A bitstream for a part with open tools; for xc7 and xcup counts of cells. Too big a net is a result, too.

        pins   a .pcf or .lpf file; without it they are chosen
        """
        text = None if pins is None else read_text(Path(pins))
        with progress_of(f"synth {target}", progress) as line:
            done = silicon.synth(self.folder, target, text, line.say)
        return Synthesised(done, silicon.too_big(self.folder, done))

    def report(self) -> Pages:
        """One self-contained page of everything, and the information plane with an epoch slider."""
        return Pages(verbs.report(self.folder), self.folder.plane_page)

    @property
    def history(self) -> History:
        """Of the training so far; empty before it."""
        if not is_there(self.folder.checkpoint):
            config = self.config
            return History((), config.training.epochs if isinstance(config, RunConfig) else 0)
        origin = self.folder.origin()
        return History(tuple(origin.history), origin.last)

    @property
    def proof(self) -> Proof:
        """What `simulate` or `verify` recorded last; nothing is looked at anew."""
        return Proof(proven(self.folder))

    @property
    def plane(self) -> Plane:
        """What `analyze` measured last. Raises RunError where the codes are others now."""
        return Plane(self.analysis.points)

    @property
    def analysis(self) -> Analysis:
        """The same with what single bits, and positions and channels of feature maps, do at the last epoch."""
        return analysis_of(self.folder)

    def rows(self) -> list[dict[str, Any]]:
        """The verbs in order, and whether what they make lies there."""
        of = self.folder
        made = {
            "train": of.checkpoint,
            "export": of.graph,
            "build": of.rtl,
            "simulate": of.verification,
            "analyze": of.plane,
            "report": of.report,
        }
        return [{"verb": verb, "makes": path.name, "done": is_there(path)} for verb, path in made.items()]

    def __repr__(self) -> str:
        done = [row["verb"] for row in self.rows() if row["done"]]
        return f"Run({str(self.path)!r}: {self.config.dataset}, {self.config.described()}; {_so_far(done)})"

    def _repr_html_(self) -> str:
        from ...ib_analysis.pictures.in_notebook import table

        cells = [(f".{row['verb']}()", row["makes"], "done" if row["done"] else "-") for row in self.rows()]
        return table(("verb", "makes", ""), cells, repr(self).removeprefix("Run(").removesuffix(")"))


def open_run(
    path: Path | str,
    preset: str | None = None,
    config: RunConfig | Path | str | None = None,
    data_dir: Path | str | None = None,
    data: Any = None,
) -> Run:
    """The run that lies in a folder, or one that `train` will make there; writes nothing.

    preset   a net, its data set and its recipe, by name; without it and `config`, what lies in the folder, or the
             preset of the folder's name
    config   a run.toml elsewhere, or a RunConfig
    data     arrays (x, y), (train_x, train_y, test_x, test_y) or a torch Dataset, in place of a data set by name; with
             nothing else, a net that suits them

    Raises RunError where the folder holds another net than is asked for, or nothing and nothing is asked for.
    """
    folder = RunFolder(path)
    if preset is not None and config is not None:
        raise RunError(f"preset {preset!r} and a config both say what to train; give one of them")
    if data is not None and preset is None and config is None and not folder.config_file.exists():
        asked: RunConfig | None = given(data, None, design_name(folder.path.resolve().name))[0]
    else:
        asked = _asked(folder, preset, config)
    if folder.config_file.exists():
        there = folder.config()
        if asked is not None:
            _check_same_net(folder, asked, there)
    return Run(folder, asked, None if data_dir is None else Path(data_dir), data)


def _asked(folder: RunFolder, preset: str | None, config: RunConfig | Path | str | None) -> RunConfig | None:
    if isinstance(config, RunConfig):
        return config
    if config is not None:
        return from_toml(read_text(Path(config)), str(config))
    if preset is not None:
        return from_preset(preset)
    if folder.config_file.exists():
        return None
    if folder.path.name not in PRESETS:
        raise RunError(
            f"{folder.path} holds no run, and {folder.path.name!r} is no preset; give preset=…, one of "
            f"{', '.join(PRESETS)}, or config=…, a run.toml"
        )
    return from_preset(folder.path.name)


def _check_same_net(folder: RunFolder, asked: RunConfig, there: RunConfig | ImportedConfig) -> None:
    """Of what no argument of `train` changes; the rest is held against the folder there."""
    if isinstance(there, ImportedConfig):
        raise RunError(f"{folder.path} holds a net that was imported; open it without preset and config")
    had, now = ({"dataset": of.dataset, "network": of.network.model_dump(mode="json")} for of in (there, asked))
    if found := different(now, had, "is {1} there, {0} asked"):
        raise RunError(
            f"{folder.path} holds another run: {'; '.join(found)}; open it without preset and config, or another folder"
        )


def _so_far(done: list[str]) -> str:
    return f"done: {', '.join(done)}" if done else "nothing done yet, .train() begins"


def _with_torch(work: Callable[[], R]) -> R:
    try:
        return work()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("torch", "brevitas"):
            raise
        raise RunError(f"{error.name} is not installed here; `pip install 'bitneck[train]'` brings it") from None
