"""A training as plain arrays for one .npz file, and back: what goes on from them ends in the same bytes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import Tensor, nn

from . import history as histories
from .config import NetworkConfig, TrainingConfig, describe
from .datasets import Dataset
from .history import TrainingError
from .networks import Net, untrained
from .optimizers import Bilinear, Bop
from .training import Run, start


def state_arrays(run: Run) -> dict[str, NDArray]:
    """Everything that `restore` needs: same run, same bytes."""
    arrays = net_arrays(run.net)
    arrays |= {f"readouts/{name}": value.cpu().numpy() for name, value in run.readouts.state_dict().items()}
    for name, parameter in run.parameters().items():
        for optimizer in run.optimizers:
            for key, value in optimizer.state.get(parameter, {}).items():
                arrays[f"optimizer/{key}/{name}"] = value.cpu().numpy()
    arrays["history"] = np.array(histories.to_text(run.history))
    arrays["earlier"] = np.array(histories.plans_to_text(run.earlier))
    arrays["training"] = np.array(run.config.model_dump_json())
    arrays["data"] = np.array(run.data.sha256)
    if run.teacher is not None:
        arrays |= {f"teacher/{name}": value for name, value in state_arrays(run.teacher).items()}
    return arrays


def net_arrays(net: Net) -> dict[str, NDArray]:
    """What `network` needs."""
    arrays = {f"net/{name}": value.cpu().numpy() for name, value in net.state_dict().items()}
    return arrays | {"network": np.array(net.config.model_dump_json())}


def restore(arrays: Mapping[str, NDArray], data: Dataset, device: str = "cpu", epochs: int | None = None) -> Run:
    """The run that `state_arrays` described; a checkpoint from before `earlier` was kept has none.

    epochs   to go on to, where more are wanted than the checkpoint was planned for; see the head of `training`

    Raises TrainingError for other data, fewer epochs, or arrays that `state_arrays` did not write.
    """
    if _text(arrays, "data") != data.sha256:
        raise TrainingError(
            f"the checkpoint was trained on data of sha256 {arrays['data']}, but {data.name} is {data.sha256}; "
            "train anew, or give the data set that it was trained on"
        )
    net = network(arrays)
    try:
        config = TrainingConfig.model_validate_json(_text(arrays, "training"))
    except ValidationError as error:
        raise TrainingError(f"the training of a checkpoint: {describe(error)}") from None
    of_teacher = {name.removeprefix("teacher/"): value for name, value in arrays.items() if name.startswith("teacher/")}
    run = start(net.config, config, data, device, network(of_teacher) if of_teacher else None)
    if of_teacher:
        run.teacher = restore(of_teacher, data, device)
        if config.teacher or len(run.teacher.history) > config.teacher_epochs:
            run.teacher.optimizers.clear()
    run.net.load_state_dict(net.state_dict())
    run.readouts.load_state_dict(_state(arrays, "readouts", run.readouts))
    for optimizer in run.optimizers:
        _restore_optimizer(optimizer, arrays, run.parameters(), device)
    run.history = histories.from_text(_text(arrays, "history"))
    run.earlier = histories.plans_from_text(_text(arrays, "earlier")) if "earlier" in arrays else []
    planned = run.config.epochs
    if epochs is not None and epochs < planned:
        raise TrainingError(f"the checkpoint was trained for {planned} epochs, and {epochs} are fewer; train anew")
    if epochs is not None and epochs > planned:
        run.earlier.append((planned, run.history[-1].epoch))
        run.config = run.config.model_copy(update={"epochs": epochs})
    return run


def _text(arrays: Mapping[str, NDArray], name: str) -> str:
    if name not in arrays or arrays[name].dtype.kind != "U" or arrays[name].ndim:
        raise TrainingError(f"not a checkpoint of this network: {name} is missing, or no text")
    return str(arrays[name])


def _state(arrays: Mapping[str, NDArray], part: str, module: nn.Module) -> dict[str, Tensor]:
    """For `load_state_dict`."""
    return {name: _like(arrays, f"{part}/{name}", value) for name, value in module.state_dict().items()}


def _like(arrays: Mapping[str, NDArray], name: str, value: Tensor) -> Tensor:
    """The array of this name, as `value` is. Raises TrainingError where it is missing, another, or not finite."""
    if name not in arrays:
        raise TrainingError(f"not a checkpoint of this network: {name} is missing")
    found, due = arrays[name], str(value.dtype).removeprefix("torch.")
    if found.shape != tuple(value.shape) or found.dtype.name != due:
        raise TrainingError(
            f"not a checkpoint of this network: {name} is {found.dtype} of shape {found.shape}, {due} of shape "
            f"{tuple(value.shape)} belongs there"
        )
    if len(wrong := np.argwhere(~np.isfinite(found))):
        index = tuple(wrong[0].tolist())
        raise TrainingError(
            f"{name}[{', '.join(map(str, index))}] of the checkpoint is {found[index]}, no number ({len(wrong)} of "
            f"{found.size} there are none): the training diverged, or the file is damaged; train anew, with a lower "
            "learning rate where it diverged"
        )
    return torch.from_numpy(found.copy())


STATES = {
    torch.optim.Adam: ("step", "exp_avg", "exp_avg_sq"),
    torch.optim.SGD: ("momentum_buffer",),
    Bop: ("average",),
    Bilinear: ("scale", "share", "added"),
}


def _restore_optimizer(
    optimizer: torch.optim.Optimizer, arrays: Mapping[str, NDArray], parameters: Mapping[str, nn.Parameter], device: str
) -> None:
    """In place. Before the first step there is nothing to restore, and SGD without momentum never has anything."""
    moved = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    keys = STATES[type(optimizer)]
    for name, parameter in parameters.items():
        if id(parameter) in moved and f"optimizer/{keys[0]}/{name}" in arrays:
            of_row = parameter.flatten(1)[:, 0] if parameter.ndim > 1 else parameter
            like = {
                key: {"step": torch.zeros(()), "scale": of_row, "share": of_row}.get(key, parameter) for key in keys
            }
            optimizer.state[parameter] = {
                key: _like(arrays, f"optimizer/{key}/{name}", like[key]).to(device) for key in keys
            }


def network(arrays: Mapping[str, NDArray]) -> Net:
    """The net of a checkpoint alone, as export needs it.

    Raises TrainingError where an array is missing, of another shape or type, or holds NaN or an infinity.
    """
    try:
        net = untrained(NetworkConfig.model_validate_json(_text(arrays, "network")))
    except ValidationError as error:
        raise TrainingError(f"the network of a checkpoint: {describe(error)}") from None
    if strange := sorted({name for name in arrays if name.startswith("net/")} - {f"net/{n}" for n in net.state_dict()}):
        raise TrainingError(f"not a checkpoint of this network: it has no {strange[0]}")
    net.load_state_dict(_state(arrays, "net", net))
    return net
