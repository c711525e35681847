"""The nets that a training went through: kept at every captured epoch where `exact` can count over their inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from numpy.typing import NDArray

from ..export.graph import Graph
from .config import RunError
from .files import read_arrays
from .folder import RunFolder
from .trained import as_captured

if TYPE_CHECKING:
    from ..models.networks import Net


MOST_BYTES = 1 << 20  # of an epoch's net; of TFC it is a quarter


def is_kept(net: Net) -> bool:
    """Of dense nets of bits that a frame passes once, the small ones."""
    size = sum(value.numel() * value.element_size() for value in net.state_dict().values())
    return net.config.rows_of_bits and net.config.passes == 1 and size <= MOST_BYTES


def qonnx_of(arrays: Mapping[str, NDArray], name: str) -> bytes:
    """The net in arrays of a checkpoint, or of one epoch, as tie-proof QONNX."""
    from ..export.writing.qonnx import export, serialize
    from ..models import checkpoints
    from ..models.brevitas_net import in_brevitas

    return serialize(export(in_brevitas(checkpoints.network(arrays)), name))


def graph_at(folder: RunFolder, epoch: int) -> Graph:
    """The integer graph of the net at a captured epoch. Raises RunError where none was kept."""
    from ..export.writing.step_file import graph_of

    record = folder.origin().record
    path = folder.epoch_net(epoch)
    if epoch not in record.epochs:
        raise RunError(f"{folder.path}: epoch {epoch} was not captured; there are {', '.join(map(str, record.epochs))}")
    if path.name not in record.codes:
        raise RunError(
            f"{folder.path} keeps no net of epoch {epoch}: a training does of dense 1-bit nets of at most "
            f"{MOST_BYTES >> 20} MB, and one of an earlier version did not; train anew, in another folder"
        )
    return graph_of(qonnx_of(read_arrays(as_captured(record, path)), folder.config().name))
