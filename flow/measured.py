"""One network trained and measured in memory, and everything that decides its numbers."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ..ib_analysis.float_quantities import binned_not_mi
from ..ib_analysis.plane import plane
from ..ib_analysis.symbols import label_symbols
from ..models.config import schedule
from ..models.datasets import ENVIRONMENT
from ..plugins import distributions
from .config import RunConfig, RunError, chosen_samples, loaded

BINS = 30  # of a float net's activations, as in Shwartz-Ziv and Tishby 2017
Row: TypeAlias = dict[str, Any]
PACKAGES = ("brevitas", "numpy", "scipy", "torch")  # they draw, round and sum; none other touches a number
ROOT = Path(__file__).parents[1]


def decisive(data_sha256: str) -> dict[str, str]:
    """What decides the numbers beside the configuration: the data, our code, versions of packages and plug-ins.

    The code is that of models/ and ib_analysis/ (estimators, verdicts; pictures apart), of the configuration and of
    this file. Not in it: the processor, whose vector width changes how torch rounds its sums, and Python itself.
    """
    versions = {name: _version(name) for name in PACKAGES} | distributions()
    return {"data": data_sha256, "bitneck": _code(), **versions}


@cache
def _code() -> str:
    rooms = [path for room in ("models", "ib_analysis") for path in sorted((ROOT / room).rglob("*.py"))]
    files = [path.relative_to(ROOT) for path in (*rooms, ROOT / "flow" / "config.py", ROOT / "flow" / "measured.py")]
    digest = hashlib.sha256()
    for file in (file for file in files if "pictures" not in file.parts):
        digest.update(f"{file.as_posix()}\n".encode() + (ROOT / file).read_bytes())
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def measure(config: RunConfig, data_dir: Path | str | None = None, due: Mapping[str, str] | None = None) -> list[Row]:
    """One network trained and measured in memory: a row for each captured epoch and layer.

    data_dir   of whoever asks; where there is no such folder here, the one that BITNECK_DATA names here
    due        what decides the numbers at whoever asks, as `decisive` gives it; None for whatever is here

    A refused number is None, never a value. Of a float net the bins of its activations and of its class
    probabilities are measured, and the verdict says that this is no mutual information. Raises RunError where anything
    decisive is another here.
    """
    from ..models import training

    elsewhere = data_dir is not None and not Path(data_dir).is_dir() and ENVIRONMENT in os.environ
    data = loaded(config, None if elsewhere else data_dir)
    here = decisive(data.sha256)
    if other := [
        f"{name} {here[name]} and not {value}" for name, value in (due or here).items() if here[name] != value
    ]:
        raise RunError(
            f"the worker in {Path.cwd()} would measure something else: it has {', '.join(other)}; give it the data and "
            "the packages that the caller has"
        )
    x, labels = chosen_samples(config, data)
    looked_at = set(schedule(config.training.epochs))
    run = training.start(config.network, config.training, data)
    measured = _of_codes if config.network.binary else _of_floats
    rows = []
    for epoch in training.train(run):
        if epoch.epoch in looked_at:
            accuracies = {"train_accuracy": epoch.train_accuracy, "test_accuracy": epoch.test_accuracy}
            common = {"epoch": epoch.epoch, "samples": len(x), "loss": epoch.loss, **accuracies}
            rows += [common | row for row in measured(run.net, x, labels, config)]
    return rows


def _of_codes(net: Any, x: NDArray[np.uint8], labels: NDArray[np.int64], config: RunConfig) -> Iterator[Row]:
    from ..models.capture import capture

    for point in plane({0: capture(net, x).layers()}, labels, config.analysis.target):
        row: Row = {"layer": point.layer, "width": point.width, "target": point.i_xt.target}
        for name, estimate in (("i_xt", point.i_xt), ("i_ty", point.i_ty)):
            row[f"{name}_bits"] = None if estimate.verdict.refused else estimate.bits
            row[f"{name}_verdict"] = str(estimate.verdict)
            row[f"{name}_coverage"] = estimate.coverage
        yield row | {"saturated": point.i_xt.saturated}


def _of_floats(
    net: Any, x: NDArray[np.uint8], labels: NDArray[np.int64], config: RunConfig
) -> Iterator[dict[str, Any]]:
    """30 bins, of [-1, 1] for tanh, of 0 to the largest activation otherwise; the last layer as probabilities."""
    from ..models.capture import capture_floats

    y, trace = label_symbols(labels), capture_floats(net, x)
    for layer, values in {**trace.activations, "scores": softmax(trace.scores, axis=1)}.items():
        low, high = (-1.0, 1.0) if config.network.activation == "tanh" else (0.0, max(float(values.max()), 1e-6))
        found = binned_not_mi(values, y, BINS, *((0.0, 1.0) if layer == "scores" else (low, high)))
        row = {"layer": layer, "width": values.shape[1], "target": config.analysis.target}
        row |= {"i_xt_bits": found.xt_low_bits, "i_ty_bits": found.ty_low_bits}
        yield row | dict.fromkeys(("i_xt_verdict", "i_ty_verdict"), f"NOT MI: {found.method}")
