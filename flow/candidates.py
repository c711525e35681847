"""What is asked about one net while searching, each question a task of its own that any process can answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..ib_analysis.codes import Codes
from ..ib_analysis.probe import probe_bound
from ..ib_analysis.symbols import label_symbols
from ..models.config import TrainingConfig
from ..models.datasets import Dataset
from .cluster import said
from .config import RunConfig, RunError
from .evolution import Candidate
from .folder import RunFolder
from .run import train
from .searched import Signals
from .shrink_ladder import Costs, Hidden

if TYPE_CHECKING:
    from distributed import Client

    from ..models.networks import BinaryNet

Item = TypeVar("Item", contravariant=True)
Answer = TypeVar("Answer", covariant=True)


class Question(Protocol[Item, Answer]):
    def __call__(self, item: Item, /) -> Answer: ...


@dataclass(frozen=True, eq=False)
class InSupernet:
    """What a net costs, and what it has right with the weights of the supernet.

    arrays   of the supernet's training
    data     whose test samples are those of the validation
    thresholds   of the pixels in the nets that will be trained, as `Costs` takes them
    """

    config: RunConfig
    arrays: Mapping[str, NDArray]
    data: Dataset
    thresholds: NDArray[np.int32] | None

    def __getstate__(self) -> dict[str, Any]:
        """For another process, which finds out net and costs anew: their caches cannot travel."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def net(self) -> BinaryNet:
        from ..models.checkpoints import network
        from ..models.networks import BinaryNet

        net = network(self.arrays)
        assert isinstance(net, BinaryNet)
        return net

    @cached_property
    def costs(self) -> Costs:
        hardware = self.config.hardware
        assert hardware.target is not None
        assert hardware.cycles is not None
        rate = hardware.target, hardware.cycles
        return Costs(self.config.network, self.thresholds, *rate, hardware.output, hardware.fifo_depth)

    def __call__(self, hidden: Hidden) -> Candidate:
        from ..models.supernet import judged

        return Candidate(hidden, self.costs.of(hidden), judged(self.net, hidden, self.data)[0])


@dataclass(frozen=True, eq=False)
class EarlySignals:
    """Of one net. recipe: of the few epochs that it is trained for, on the training samples of the supernet."""

    there: InSupernet
    recipe: TrainingConfig

    def __call__(self, hidden: Hidden) -> Signals:
        from ..models.capture import capture
        from ..models.supernet import judged
        from ..models.training import start, train

        data, network = self.there.data, self.there.config.network
        accuracy, codes = judged(self.there.net, hidden, data)
        run = start(network.of_rows(hidden), self.recipe, data)
        *_, last = train(run)
        own = capture(run.net, data.test_x).codes[network.names[-2]]
        return Signals(hidden, accuracy, _bits(codes, data), last.test_accuracy, _bits(own, data))


def _bits(codes: Codes, data: Dataset) -> float:
    return probe_bound(codes, label_symbols(data.test_y), np.random.default_rng(0)).bits


@dataclass(frozen=True)
class Training:
    """Trains a run in its folder, or goes on with it; every process sees the folders."""

    data_dir: Path | None

    def __call__(self, asked: tuple[str, RunConfig]) -> str:
        folder, config = asked
        train(RunFolder(folder), config, self.data_dir)
        return folder


def answered(
    question: Question[Any, Any], items: Sequence[Any], client: Client | None, tell: Callable[[int, int, Any], None]
) -> Iterator[tuple[Any, Any]]:
    """Each item with its answer, as they come; in order without a client, which asks here.

    tell   of answers so far, how many there will be, and the item of the last

    Raises what the question raises, or RunError where a worker does.
    """
    if client is None:
        for done, item in enumerate(items):
            tell(done, len(items), item)
            yield item, question(item)
        return
    from distributed import as_completed

    there = client.scatter(question, hash=False, broadcast=True)
    asked = {client.submit(_asked, there, item, pure=False): item for item in items}
    try:
        for done, future in enumerate(as_completed(list(asked)), 1):
            if future.status != "finished":
                raise RunError(f"{asked[future]}, on a worker: {said(future.exception())}")
            tell(done, len(items), asked[future])
            yield asked[future], future.result()
    finally:
        client.cancel([*asked, there])


def _asked(question: Question[Any, Any], item: Any) -> Any:
    return question(item)
