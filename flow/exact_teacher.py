"""What layers say over a region of the classes of another run, its teacher: I(T;Y) with no sample; into exact.json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..hw.exact.joint_code import JointCode
from ..hw.exact.net import BitNet
from ..hw.exact.region import Region
from ..hw.exact.shards import TWO_THREADS, Spread
from ..hw.exact.side_by_side import SideBySide
from .belonging import graph_of
from .config import RunError
from .exact import Tell
from .exact_free import FreeRegion
from .exact_record import Taught
from .exact_y import TOO_MANY, Y, said_of
from .files import digest_of
from .folder import RunFolder
from .held import writing


@writing
def taught(
    folder: RunFolder,
    teacher: RunFolder,
    bits: Sequence[int] | None,
    base: int = 0,
    data_dir: Path | str | None = None,
    spread: Spread = TWO_THREADS,
    tell: Tell = lambda done, total, remark: None,
) -> Taught:
    """I(T;Y) of every hidden layer, where Y is what the teacher says, over all inputs that differ from sample `base` in
    `bits` of the code, None for all; None of a layer with too many codes. Both cut pixels alike.
    """
    region = FreeRegion.of(folder, bits, base, data_dir).checked()
    answer = said_of(by_teacher(teacher, region), region, spread, tell)
    assert isinstance(answer, Taught)
    if not answer.countable:
        raise RunError(TOO_MANY)
    return answer


def by_teacher(teacher: RunFolder, region: FreeRegion) -> Y:
    """Y is the class by another run. Raises RunError where that one cuts pixels otherwise."""
    other = graph_of(teacher)
    if len(JointCode.of_graphs(region.graph, other).element) != region.graph.inputs:
        raise RunError(
            f"{teacher.path} cuts pixels at other thresholds than {region.folder.path}; a teacher sees the same code"
        )
    by = BitNet.of(other)

    def apart(region: FreeRegion, layer: int) -> Region:
        both = SideBySide.of(region.net.hidden, by.hidden).of_second(by)
        width = len(region.net.hidden[layer].weight)
        return Region(both, region.code, region.groups, layer=layer, bits=width, apart=True)

    asked = Taught(base=region.base, free=region.free, teacher=teacher.path.name, graph=digest_of(other.arrays()))
    return Y("taught", asked, apart)
