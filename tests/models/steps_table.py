"""`make steps`: TFC that integrates over four steps beside the same net without a state, its passes and cuts the same;
the accuracies of docs/steps.md.

Needs mnist/ where BITNECK_DATA says. The runs of the nets of steps are kept: what is there is not trained again.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from unittest import mock

import numpy as np
from bitneck import flow
from bitneck.flow.config import changed, from_preset
from bitneck.flow.folder import RunFolder
from bitneck.models import training
from bitneck.models.datasets import load
from bitneck.models.integrate import Integrate
from torch import Tensor

STEPS = 4


def stateless(neurons: Integrate, dots: Tensor) -> Tensor:
    """What each step says alone: batch-norm, which learns where to cut, and sign."""
    return neurons.activation(neurons.norm(dots.flatten(0, 1))).view_as(dots)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--warp", type=float, default=1.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--without", action="store_true", help="train the net without a state, too")
    parser.add_argument("runs", type=Path)
    options = parser.parse_args()
    data, rows = load("mnist"), list[tuple[float, ...]]()
    for seed in range(options.seeds):
        recipe = {"training__epochs": options.epochs, "training__warp": options.warp, "training__seed": seed}
        config = changed(from_preset("tfc"), network__steps=STEPS, analysis__samples="test", **recipe)
        history = flow.train(RunFolder(options.runs / f"tfc-{options.epochs}-{options.warp:g}-{seed}"), config)
        row = [100 * history[-1].test_accuracy]
        said = f"seed {seed}: {row[0]:.2f} %"
        if options.without:
            with mock.patch.object(Integrate, "forward", stateless):
                *_, last = training.train(training.start(config.network, config.training, data))
            row.append(100 * last.test_accuracy)
            said += f"; without a state {row[1]:.2f} %"
        print(said, flush=True)
        rows.append(tuple(row))
    print("medians: " + ", ".join(f"{value:.2f}" for value in np.median(rows, axis=0)) + " %")


if __name__ == "__main__":
    main()
