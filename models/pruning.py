"""A smaller net from a trained one: the neurons that survive, with what they have learnt, ready to be trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .config import NetworkConfig, TrainingConfig
from .datasets import Dataset
from .history import TrainingError
from .layers import named, shapes
from .networks import BinaryNet
from .training import Run, reestimate, start


def narrowed(
    base: Run,
    kept: Sequence[NDArray[np.int64]],
    config: TrainingConfig,
    device: str = "cpu",
    data: Dataset | None = None,
    inputs: NDArray[np.int64] | None = None,
) -> Run:
    """An untrained run whose net is that of `base` with some of its `rows` left: neurons, channels of a map.

    kept     of each hidden layer that has weights the indexes of those that stay, rising, at least one
    config   how it is to be trained on, from epoch 0, which is the net as it is here
    data     without the inputs that are left out, and `inputs` that stay, rising, of a net of no maps; by default all

    Latent weights, batch-norm and read-outs of the survivors are those of `base`, and optimisers start anew. What a
    neuron no longer hears moves its sums, so means and variances are taken again over the training set; thresholds
    follow from them. Raises TrainingError where `kept` is not of this net.
    """
    network = base.net.config
    if not (isinstance(base.net, BinaryNet) and network.one_bit and network.passes == 1):
        raise TrainingError(f"{network} of {network.activation}: only 1-bit nets of one pass are narrowed")
    if network.codebook_bits is not None:
        raise TrainingError(f"{network}: kernels are words of codebooks, and are not taken out one by one")
    if len(kept) != len(network.rows):
        raise TrainingError(
            f"neurons of {len(kept)} layers are to stay, the net has {len(network.rows)} hidden layers with weights"
        )
    entering = np.arange(network.entering[-1]) if inputs is None else inputs
    layers = list(_left(network, kept, entering))
    narrow = network.of_rows(map(len, kept), None if inputs is None else len(inputs))
    run = start(narrow, config, base.data if data is None else data, device)
    state = base.net.state_dict()
    if base.net.binarize is not None and not network.of_maps:
        state["binarize.threshold"] = state["binarize.threshold"].cpu()[entering]
    for layer in layers:
        own = [name for name in state if name.startswith(layer.prefix)]
        state |= {name: layer.of(state[name].cpu()) for name in own}
    run.net.load_state_dict(state)
    for readout, was, reader in zip(run.readouts, base.readouts, layers[1:], strict=False):
        read = was.state_dict()
        readout.load_state_dict({"weight": read["weight"].cpu()[:, reader.elements], "bias": read["bias"]})
    reestimate(run.net, torch.tensor(run.data.train_x, device=run.net.scores.weight.device))
    return run


class _Left(NamedTuple):
    """Of a layer with weights.

    prefix     of its entries in the net's state
    rows       neurons that stay
    columns    of its weights: channels of what enters a convolution, elements of what enters a dense layer
    elements   of what enters it, in torch's order, channel by channel
    """

    prefix: str
    rows: Tensor
    columns: Tensor
    elements: Tensor

    def of(self, value: Tensor) -> Tensor:
        """One entry of the net's state: a row for every neuron, or a number that all share."""
        rows = value[self.rows] if value.ndim else value
        return rows[:, self.columns] if value.ndim > 1 else rows


def _left(network: NetworkConfig, kept: Sequence[NDArray[np.int64]], inputs: NDArray[np.int64]) -> Iterator[_Left]:
    """Every layer with weights, from input to output. Raises TrainingError where neurons are kept that it has not."""
    layers, stays = list(named(network.chain)), iter(kept)
    channels = torch.from_numpy(inputs)
    for place, ((name, layer), entering) in enumerate(
        zip(layers, shapes(network.entering, network.chain), strict=False)
    ):
        if layer.pool is not None:
            continue
        stay = next(stays) if name != "scores" else np.arange(network.classes)
        if not len(stay) or stay.min() < 0 or stay.max() >= layer.channels or (np.diff(stay) <= 0).any():
            raise TrainingError(
                f"{name}: {len(stay)} of {layer.channels} neurons stay; give rising indexes, one at least"
            )
        places = prod(entering[:-1])
        elements = (channels[:, None] * places + torch.arange(places)).flatten()
        prefix, rows = "scores." if name == "scores" else f"hidden.{place}.", torch.from_numpy(stay.copy())
        yield _Left(prefix, rows, channels if layer.conv else elements, elements)
        channels = rows
