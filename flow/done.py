"""Whether a run is done: all that the verbs make lies there, is of each other, and was drawn last."""

from __future__ import annotations

from pathlib import Path

from .belonging import analysis_of, graph_of
from .config import RunConfig
from .folder import RunFolder, is_there, verification_of
from .record import disproven, of_other_files
from .run import built, finished


def done_before(folder: RunFolder, wanted: RunConfig, tier: str) -> bool:
    """Whether `run` would make again what is there.

    tier   of simulation, as asked

    Every file is held against those that it was made of, as the report does; whether the page is newer than what it
    shows goes by the time of the files, as in make. A data set made of files is not read again.
    """
    if not is_there(folder.report) or not is_there(folder.plane_page) or folder.asked() != wanted:
        return False
    try:
        config, verification = finished(folder), verification_of(folder)
        accelerator, _ = built(folder, graph_of(folder))
        analysis_of(folder)
        stale = of_other_files(folder, verification) or disproven(folder, config, accelerator, verification)
    except ValueError:  # something is missing, damaged or of another net: the verbs will say or mend it
        return False
    if stale or not verification.equal or not verification.tier.startswith(tier):
        return False
    shown = [folder.config_file, folder.checkpoint, folder.verification, folder.plane, *_synthesised(folder)]
    return max(map(_written, shown)) <= min(_written(folder.report), _written(folder.plane_page))


def _synthesised(folder: RunFolder) -> list[Path]:
    return sorted(folder.synth.glob("*/synth.json"))


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns
