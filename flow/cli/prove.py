"""The verb `prove`: two runs answer the same, or one does whatever flips; by which proof, or where they do not."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ...hw.exact import sat
from ...hw.exact.equality import Verdict
from ...hw.exact.rising import Rising
from ..config import RunError
from ..equality import Of, equal, rising, unmoved
from ..folder import RunFolder
from .console import CORES, DataDir, bar, say, show, wrong
from .exact import numbers_in
from .verb import Facts, FailedError


def prove(
    folder: Annotated[Path, typer.Argument(help="folder of a run", metavar="RUN")],
    other: Annotated[Path | None, typer.Argument(help="folder of another", metavar="[OTHER]")] = None,
    of: Annotated[Of, typer.Option(help="what has to be the same")] = "class",
    flip: Annotated[
        str | None, typer.Option(help="in place of OTHER: the class stays when these bits of the code flip: 0-3,9")
    ] = None,
    pixel: Annotated[
        int | None, typer.Option(min=0, help="in place of OTHER: each class only rises, or only falls, with this pixel")
    ] = None,
    free: Annotated[
        str | None, typer.Option(help="on inputs that differ in these bits of the code alone: 0-20,35; by default all")
    ] = None,
    base: Annotated[int, typer.Option(min=0, help="the sample that all other bits are of")] = 0,
    seconds: Annotated[float | None, typer.Option(min=0, help="after which nothing more is begun")] = None,
    data_dir: DataDir = None,
    workers: Annotated[int, typer.Option(min=1, help="threads")] = CORES,
) -> Facts:
    """Prove that two runs answer the same on every input, or show one on which they do not. Exit 1 without a proof.

    - `bitneck prove runs/digits runs/digits-lossless --of scores`
    - `bitneck prove runs/digits --flip 7,71 --free 0-15`
    """
    if sum(each is not None for each in (other, flip, pixel)) != 1:
        raise RunError("prove what? give one of another run, --flip and --pixel")
    place, bits = RunFolder(folder), None if free is None else numbers_in(free, "--free")
    if pixel is not None:
        with bar("prove") as tell:
            moved = rising(place, pixel, bits, base, data_dir, workers, tell)
        return _rising(pixel, moved)
    with bar("prove") as tell:
        if flip is not None:
            flips = numbers_in(flip, "--flip")
            verdicts = [unmoved(place, flips, bits, base, data_dir, workers, seconds, tell)]
        else:
            assert other is not None
            verdicts = equal(place, RunFolder(other), of, bits, base, data_dir, workers, seconds, tell)
    for verdict in verdicts:
        _told(verdict)
    proven = all(each.answer == "equal" for each in verdicts)
    facts = {"proven": proven, "verdicts": [asdict(each) for each in verdicts]}
    if not proven:
        raise FailedError(facts)
    return facts


def _told(verdict: Verdict) -> None:
    if verdict.answer == "equal":
        return say(verdict.of, verdict.words)
    wrong(
        verdict.of, verdict.words if verdict.kind != "nothing" or sat.installed() else f"{verdict.words}; {sat.WAY_OUT}"
    )
    if verdict.witness is not None and verdict.classes is not None:
        levels = " ".join(map(str, verdict.witness))
        wrong("witness", f"classes {verdict.classes[0]} and {verdict.classes[1]} of the input {levels}")


def _rising(pixel: int, moved: Rising) -> Facts:
    drawn = Table("class", "lost", "gained", "with the pixel", box=None, pad_edge=False)
    ways = [moved.way(c) for c in range(len(moved.moved))]
    for c, way in enumerate(ways):
        drawn.add_row(str(c), f"{moved.lost(c):,}", f"{moved.gained(c):,}", "rises and falls" if way == "both" else way)
    show(drawn)
    facts = {**asdict(moved), "pixel": pixel, "ways": ways, "proven": "both" not in ways}
    facts["witnesses"] = [{"classes": pair, "input": levels} for pair, levels in moved.witnesses.items()]
    where = (
        f"{moved.steps} step{'s' * (moved.steps > 1)} of pixel {pixel} over 2^{moved.inputs.bit_length() - 1} inputs"
    )
    if "both" in ways:
        wrong("prove", f"{where}: {ways.count('both')} of {len(ways)} classes are lost and gained, every input counted")
        raise FailedError(facts)
    say("prove", f"{where}: every class is monotone, every input counted")
    return facts
