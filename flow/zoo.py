"""Nets that travel with the package: trained here, packed as bits and thresholds, with what made them.

python -m bitneck.flow.zoo RUN NAME      packs the net of a trained run, for whoever adds one to the package
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from ..export.graph import Graph
from ..hw.synthesis.bitstream import Digest
from ..models.config import NetworkConfig, Strict, TrainingConfig, describe, nearest
from ..models.datasets import EMBEDDED
from .config import RANDOM, RunError, from_preset, loaded
from .files import read_arrays, write
from .folder import RunFolder
from .importing import Report, import_model
from .tally import Tally
from .trained import checkpoint_arrays, trained

PLACE = Path(__file__).parent / "nets"
MADE = "made"  # the array beside those of the graph
PROVEN = 200  # samples that executors of the file are asked for


class Made(Strict):
    """Where a net comes from.

    epochs     trained, of those that `training` planned
    digests    sha256 by layer of its codes, and of `scores`, of all test samples, as `Codes.digest` gives them
    accuracy   on them
    """

    preset: str
    dataset: str
    data_sha256: Digest
    network: NetworkConfig
    training: TrainingConfig
    epochs: Annotated[int, Field(ge=0)]
    accuracy: Annotated[float, Field(ge=0, le=1)]
    samples: Annotated[int, Field(ge=1)]
    digests: dict[str, Digest]

    @property
    def command(self) -> str:
        """That trains it again."""
        data = "" if self.dataset in EMBEDDED else " --data-dir DATA"
        return f"bitneck run runs/{self.preset} --preset {self.preset} --seed {self.training.seed}{data}"

    @property
    def trained(self) -> str:
        planned = self.training.epochs
        return str(planned) if self.epochs == planned else f"{self.epochs} of {planned}"


@dataclass(frozen=True, eq=False)
class Packed:
    name: str
    graph: Graph
    made: Made


def names() -> list[str]:
    return sorted(path.stem for path in PLACE.glob("*.npz"))


def packed(name: str) -> Packed:
    """Raises RunError with the nearest name where there is none of this one."""
    path = PLACE / f"{name}.npz"
    if name not in names():
        raise RunError(f"no net {name!r} in the zoo; {nearest(name, names())}")
    arrays = read_arrays(path)
    try:
        made = Made.model_validate_json(str(arrays.pop(MADE)))
    except ValidationError as error:
        raise RunError(f"{path} is damaged: {describe(error)}; install bitneck anew") from None
    return Packed(name, Graph.from_arrays(arrays), made)


def rows() -> Iterator[tuple[str, ...]]:
    """Of each net: name, network, data, weights, epochs, accuracy on all test samples."""
    for name in names():
        made = packed(name).made
        weights = f"{made.network.synapses:,}"
        yield name, str(made.network), made.dataset, weights, made.trained, f"{made.accuracy:.2%}"


HEAD = ("net", "layers", "data", "weights", "epochs", "test accuracy")


SHARE = 2000  # samples at a time: a map's codes are many


def spoken(graph: Graph, x: NDArray[np.uint8]) -> tuple[dict[str, str], NDArray[np.int64]]:
    """sha256 of every layer's codes and of the scores, by name; and the class of each sample."""
    tally, classes = Tally(graph, len(x)), []
    for start in range(0, len(x), SHARE):
        part = x[start : start + SHARE]
        said = graph(part)
        classes.append(said.predictions())
        tally.add(part, [said], classes[-1])
    digests = {name: digest for name, row in tally.digests().items() for digest in row.values()}
    return digests, np.concatenate(classes)


def unpack(
    name: str, folder: RunFolder, data_dir: Path | str | None = None, tell: Callable[[str], None] = lambda _: None
) -> Report:
    """A run of the net, as `import_model` makes one, on the test samples that it was measured on, or where
    no `data_dir` is given and they are not at hand, on random inputs.

    Raises DataError where `data_dir` does not hold them, RunError where their codes are not those that it was packed
    with.
    """
    from ..export.writing.tie_proof import tie_proof

    net = packed(name)
    config = from_preset(net.made.preset)
    try:
        data = loaded(config, data_dir)
    except ValueError as error:
        if data_dir is not None:
            raise
        tell(f"on random inputs, for {error}")
        dataset = RANDOM
    else:
        dataset = config.dataset
        if data.sha256 != net.made.data_sha256:
            tell(f"{data.name} here has other samples than those that it was trained on; accuracy is of yours")
        elif spoken(net.graph, data.test_x)[0] != net.made.digests:
            raise RunError(f"{name}: its codes are not those that it was packed with; install bitneck anew")
    return import_model(tie_proof(net.graph), folder, None, dataset, data_dir, "test", prove=PROVEN, tell=tell)


def pack(folder: RunFolder, preset: str, data_dir: Path | str | None = None) -> bytes:
    """The file of a run's net as far as it is trained."""
    from ..export.reading.streamline import streamline
    from ..export.writing.qonnx import export, serialize
    from ..models.brevitas_net import in_brevitas
    from ..models.checkpoints import network

    arrays, _ = checkpoint_arrays(folder.checkpoint)
    was, config = trained(folder.checkpoint), folder.trainable()
    data = loaded(config, data_dir)
    graph = streamline(serialize(export(in_brevitas(network(arrays)), preset.replace("-", "_")))).graph
    digests, classes = spoken(graph, data.test_x)
    made = Made(
        preset=preset,
        dataset=config.dataset,
        data_sha256=was.data_sha256,
        network=was.network,
        training=was.training,
        epochs=was.epochs,
        accuracy=float((classes == data.test_y).mean()),
        samples=len(data.test_y),
        digests=digests,
    )
    out = io.BytesIO()
    np.savez_compressed(out, **graph.arrays(), **{MADE: np.array(made.model_dump_json())})  # type: ignore[arg-type]
    return out.getvalue()


if __name__ == "__main__":
    run, named = sys.argv[1:]
    write(PLACE / f"{named}.npz", pack(RunFolder(run), named))
    print(json.dumps(json.loads(packed(named).made.model_dump_json()), indent=1))
