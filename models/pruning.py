"""A smaller net from a trained one: the neurons that survive, with what they have learnt, ready to be trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .config import TrainingConfig
from .history import TrainingError
from .networks import BinaryNet
from .training import Run, reestimate, start


def narrowed(base: Run, kept: Sequence[NDArray[np.int64]], config: TrainingConfig, device: str = "cpu") -> Run:
    """An untrained run whose net is that of `base` with some neurons of its hidden layers left.

    kept     of each hidden layer the indexes of those that stay, rising, at least one
    config   how it is to be trained on, from epoch 0, which is the net as it is here

    Latent weights, batch-norm and read-outs of the survivors are those of `base`, and optimisers start anew. What a
    neuron no longer hears moves its sums, so means and variances are taken again over the training set; thresholds
    follow from them. Raises TrainingError where `kept` is not of this net.
    """
    if not (isinstance(base.net, BinaryNet) and base.net.config.one_bit):
        raise TrainingError(f"{base.net.config} of {base.net.config.activation}: only 1-bit nets are narrowed")
    if base.net.config.of_maps:
        raise TrainingError(f"{base.net.config} is a net of maps; nets of dense layers alone are narrowed")
    hidden = base.net.config.hidden
    if len(kept) != len(hidden):
        raise TrainingError(f"neurons of {len(kept)} layers are to stay, the net has {len(hidden)} hidden layers")
    for index, (stay, width) in enumerate(zip(kept, hidden, strict=True)):
        if not len(stay) or stay.min() < 0 or stay.max() >= width or (np.diff(stay) <= 0).any():
            raise TrainingError(
                f"dense{index + 1}: {len(stay)} of {width} neurons stay; give rising indexes, one at least"
            )
    network = base.net.config.model_copy(
        update={"widths": (base.net.config.inputs, *map(len, kept), base.net.config.classes)}
    )
    run = start(network, config, base.data, device)
    stays = [torch.from_numpy(np.ascontiguousarray(stay)) for stay in kept]
    state = base.net.state_dict()
    run.net.load_state_dict({name: _surviving(name, value.cpu(), stays) for name, value in state.items()})
    if len(run.readouts):
        read = [readout.state_dict() for readout in base.readouts]
        for readout, was, left in zip(run.readouts, read, stays, strict=False):
            readout.load_state_dict({"weight": was["weight"].cpu()[:, left], "bias": was["bias"]})
    reestimate(run.net, torch.tensor(run.data.train_x, device=run.net.scores.weight.device))
    return run


def _surviving(name: str, value: Tensor, stays: Sequence[Tensor]) -> Tensor:
    """Of one entry of the net's state; rows are a layer's own neurons, columns those of the layer before."""
    part, _, rest = name.partition(".")
    if part == "scores":
        return value[:, stays[-1]] if value.ndim == 2 else value
    if part != "hidden" or not value.ndim:
        return value
    layer = int(rest.partition(".")[0])
    own = value[stays[layer]]
    return own[:, stays[layer - 1]] if value.ndim == 2 and layer else own
