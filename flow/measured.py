"""Networks trained and measured in memory, and everything that decides its numbers."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ..hw.costs.resources import total
from ..hw.stages import FoldingError
from ..ib_analysis.codes import Codes, Trace
from ..ib_analysis.float_quantities import binned_not_mi
from ..ib_analysis.layer_bits import PERMUTATIONS
from ..ib_analysis.neurons import dead
from ..ib_analysis.nulls import p_value
from ..ib_analysis.plane import plane
from ..ib_analysis.points import PlanePoint, row_of
from ..ib_analysis.symbols import label_symbols, symbols
from ..models.config import log_spaced, schedule
from ..models.datasets import ENVIRONMENT, Dataset
from ..plugins import distributions
from .config import RunConfig, RunError, chosen_samples, design, loaded

if TYPE_CHECKING:
    from ..models.floats import FloatTrace
    from ..models.history import Epoch
    from ..models.networks import Net
    from ..models.training import Run

BINS = 30  # of a float net's activations, as in Shwartz-Ziv and Tishby 2017
Row: TypeAlias = dict[str, Any]
ROOMS = "models", "ib_analysis"
PACKAGES = "brevitas", "numpy", "scikit-learn", "scipy", "torch"  # none other touches a number
HARDWARE_ROOMS, HARDWARE_PACKAGES = ("export", "hw"), ("onnx", "qonnx")  # and these where it is measured
ROOT = Path(__file__).parents[1]


def decisive(data_sha256: str, hardware: bool = False) -> dict[str, str]:
    """What decides the numbers beside the configuration: the data, our code, versions of packages and plug-ins.

    The code is that of models/ and ib_analysis/ (estimators, verdicts; pictures apart), of the configuration and of
    this file; with hardware, of export/ and hw/ too. Not in it: the processor, whose vector width changes how torch
    rounds its sums, and Python itself.
    """
    rooms, packages = (ROOMS + HARDWARE_ROOMS, PACKAGES + HARDWARE_PACKAGES) if hardware else (ROOMS, PACKAGES)
    versions = {name: _version(name) for name in packages} | distributions()
    return {"data": data_sha256, "bitneck": _code(rooms), **versions}


@cache
def _code(rooms: tuple[str, ...] = ROOMS) -> str:
    inside = [path for room in rooms for path in sorted((ROOT / room).rglob("*")) if path.suffix in (".py", ".json")]
    files = [path.relative_to(ROOT) for path in (*inside, ROOT / "flow" / "config.py", ROOT / "flow" / "measured.py")]
    digest = hashlib.sha256()
    for file in (file for file in files if "pictures" not in file.parts):
        digest.update(f"{file.as_posix()}\n".encode() + (ROOT / file).read_bytes())
    return digest.hexdigest()


@cache
def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def data_here(config: RunConfig, data_dir: Path | str | None) -> Dataset:
    """The data set of a configuration, as this machine has it. Raises DataError where it has none.

    data_dir   of whoever asks; where there is no such folder here, the one that BITNECK_DATA names here
    """
    elsewhere = data_dir is not None and not Path(data_dir).is_dir() and ENVIRONMENT in os.environ
    return loaded(config, None if elsewhere else data_dir)


@dataclass(frozen=True)
class Extras:
    """What is measured beside the information of a net's codes.

    hardware   whether the trained net becomes the accelerator that the configuration asks for
    brackets   whether a population's ends are sought where counting gives no number, at as many epochs as [analysis]
               says: the columns i_xt_at_least_bits … i_ty_at_most_by
    """

    hardware: bool = False
    brackets: bool = False


NOTHING_MORE = Extras()


def measure(
    config: RunConfig, data: Dataset, due: Mapping[str, str] | None = None, extras: Extras = NOTHING_MORE
) -> list[Row]:
    """One network trained and measured in memory: a row for each captured epoch and layer.

    due   what decides the numbers at whoever asks, as `decisive` gives it; None for whatever is here

    A refused number is None, never a value. Rows of the last epoch alone have p-values, and what `_hardware` gives.
    Of a float net the bins of its activations and of its class probabilities are measured, and the verdict says that
    this is no mutual information. Raises RunError where anything decisive is another here.
    """
    return measure_together([config], data, due, extras)[0]


def measure_together(
    configs: Sequence[RunConfig],
    data: Dataset,
    due: Mapping[str, str] | None = None,
    extras: Extras = NOTHING_MORE,
) -> list[list[Row]]:
    """The rows that `measure` gives for each: of one network, or of some that `many.train` takes."""
    from ..models import many, training
    from ..models.history import TeacherEpoch

    here = decisive(data.sha256, extras.hardware)
    if other := [
        f"{name} {have} and not {value}"
        for name, value in (due or here).items()
        if (have := here.get(name, "none")) != value
    ]:
        raise RunError(
            f"the worker in {Path.cwd()} would measure something else: it has {', '.join(other)}; give it the packages "
            "that the caller has, and the same data or none, for then they are sent"
        )
    runs = [training.start(config.network, config.training, data) for config in configs]
    looked_at = [_Measured(config, data, extras) for config in configs]
    alone = ([epoch] for epoch in training.train(runs[0]) if not isinstance(epoch, TeacherEpoch))
    epochs = many.train(runs) if len(runs) > 1 else alone
    for rows in epochs:
        if rows[0].epoch in looked_at[0].due:
            for epoch, run, trace, one in zip(rows, runs, _traces(runs, looked_at), looked_at, strict=True):
                one.look(epoch, run.net, trace)
    return [one.rows() for one in looked_at]


def _traces(runs: Sequence[Run], looked_at: Sequence[_Measured]) -> Iterator[Trace | FloatTrace]:
    """What every net says of the samples that are measured: of all at once where they are the same."""
    from ..models import many
    from ..models.capture import capture, capture_floats
    from ..models.networks import BinaryNet

    nets, x = [run.net for run in runs], looked_at[0].x
    if len(runs) > 1 and all(np.array_equal(one.x, x) for one in looked_at):
        yield from many.capture(cast(list[BinaryNet], nets), x)
    else:
        for net, one in zip(nets, looked_at, strict=True):
            yield capture(net, one.x) if isinstance(net, BinaryNet) else capture_floats(net, one.x)


class _Measured:
    """What has been measured of one net, epoch after epoch of its training."""

    def __init__(self, config: RunConfig, data: Dataset, extras: Extras) -> None:
        self.config, self.extras = config, extras
        self.x, self.labels = chosen_samples(config, data)
        self.due = schedule(config.training.epochs)
        bracketed = extras.brackets and config.network.binary
        self.chosen = log_spaced(self.due, config.analysis.brackets) if bracketed else []
        self.found: list[Row] = []
        self.wide: dict[int, dict[str, Codes]] = {}

    def look(self, epoch: Epoch, net: Net, trace: Trace | FloatTrace) -> None:
        """At an epoch that is due; `trace` is what the net says of `x`."""
        accuracies = {"train_accuracy": epoch.train_accuracy, "test_accuracy": epoch.test_accuracy}
        common: Row = {"epoch": epoch.epoch, "samples": len(self.x), "loss": epoch.loss, **accuracies}
        if isinstance(trace, Trace):
            layers = trace.layers()
            if self.extras.hardware:
                common |= _hardware(net, self.config, epoch.epoch == self.config.training.epochs)
            if epoch.epoch in self.chosen:
                self.wide[epoch.epoch] = layers
            rows = _of_codes(layers, self.labels, self.config, epoch.epoch)
        else:
            rows = _of_floats(trace, self.labels, self.config)
        self.found += [common | row for row in rows]

    def rows(self) -> list[Row]:
        known: dict[tuple[Any, Any], PlanePoint] = {
            (point.epoch, point.layer): point for point in plane(self.wide, self.labels, "population", brackets=True)
        }
        return [row | _ends(known.get((row["epoch"], row["layer"]))) for row in self.found]


def _ends(point: PlanePoint | None) -> Row:
    """Between which a population's numbers lie, and how that was had: brackets, or intervals where a number has one."""
    ends: Row = {}
    if point is not None:
        for name, one in (("i_xt", point.xt), ("i_ty", point.ty)):
            low, high = one.ends or (None, None)
            by = (
                (one.bracket.low_method, one.bracket.high_method)
                if one.bracketed and one.bracket
                else ("interval",) * 2
            )
            ends |= {f"{name}_at_least_bits": low, f"{name}_at_most_bits": high}
            ends |= {f"{name}_at_least_by": by[0], f"{name}_at_most_by": by[1]}
    return ends


def _of_codes(layers: dict[str, Codes], labels: NDArray[np.int64], config: RunConfig, epoch: int) -> Iterator[Row]:
    """Of every layer what `analyze` says of it, but for what takes seconds: sharing, and the probe's bound."""
    y = label_symbols(labels)
    for point in plane({epoch: layers}, labels, config.analysis.target, chance=True):
        codes = layers[point.layer]
        last = epoch == config.training.epochs
        p = p_value(symbols(codes), y, np.random.default_rng(0), PERMUTATIONS) if last else None
        yield row_of(point) | {"dead": len(dead(codes)), "p_value": p}


def _hardware(net: Net, config: RunConfig, last: bool) -> Row:
    """Clock cycles a frame of the trained net's accelerator; with a target, what it is estimated to take of the part.

    luts are what [hardware] means by them, logic cells of an iCE40. Where there is no such accelerator, no_hardware
    says why. Before the last epoch all are None.
    """
    row: Row = dict.fromkeys(("cycles", "part", "luts", "ffs", "brams", "no_hardware"))
    if not last:
        return row
    from ..export.reading.streamline import streamline
    from ..export.writing.qonnx import export, serialize
    from ..models.brevitas_net import in_brevitas

    graph = streamline(serialize(export(in_brevitas(net), config.name))).graph
    try:
        accelerator = design(config, graph)
    except FoldingError as error:
        return row | {"no_hardware": str(error)}
    row["cycles"] = accelerator.cycles
    if (target := config.hardware.target) is not None:
        cost = total(accelerator.stages, target)
        row |= {"part": target, "luts": cost.cells, "ffs": cost.ffs, "brams": cost.brams}
    return row


def _of_floats(trace: FloatTrace, labels: NDArray[np.int64], config: RunConfig) -> Iterator[Row]:
    """30 bins, of [-1, 1] for tanh, of 0 to the largest activation otherwise; the last layer as probabilities."""
    y = label_symbols(labels)
    for layer, values in {**trace.activations, "scores": softmax(trace.scores, axis=1)}.items():
        low, high = (-1.0, 1.0) if config.network.activation == "tanh" else (0.0, max(float(values.max()), 1e-6))
        found = binned_not_mi(values, y, BINS, *((0.0, 1.0) if layer == "scores" else (low, high)))
        row = {"layer": layer, "width": values.shape[1], "target": config.analysis.target}
        row |= {"i_xt_bits": found.xt_low_bits, "i_ty_bits": found.ty_low_bits}
        yield row | dict.fromkeys(("i_xt_verdict", "i_ty_verdict"), f"NOT MI: {found.method}")
