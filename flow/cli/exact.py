"""The verb `exact`: all inputs of a region, none of them sampled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ..config import RunError
from ..exact import Around, around
from ..folder import RunFolder
from .console import CORES, DataDir, bar, say, show
from .verb import Facts


def exact(
    folder: Annotated[Path, typer.Argument(help="folder of a run", metavar="RUN")],
    sample: Annotated[int | None, typer.Option(min=0, help="number of a sample that the run analyses")] = None,
    samples: Annotated[str | None, typer.Option(help="all, or how many from the first")] = None,
    radius: Annotated[int | None, typer.Option(min=1, help="bits of its code that flip, at most")] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="after which nothing more is begun")] = None,
    data_dir: DataDir = None,
    workers: Annotated[int, typer.Option(min=1, help="threads")] = CORES,
    scheduler: Annotated[str | None, typer.Option(help="a dask scheduler's address, in place of threads")] = None,
) -> Facts:
    """Count every input around a sample that the net takes for another class. Goes on where it was interrupted.

    - `bitneck exact runs/digits --sample 17 --radius 4`
    - `bitneck exact runs/tfc --samples 100 --radius 4 --seconds 60`
    """
    if radius is None:
        raise RunError("which inputs? --radius counts those within so many flipped bits of a sample")
    numbers = _samples(sample, samples)
    with bar("exact") as tell:
        found = around(RunFolder(folder), numbers, radius, data_dir, workers, seconds, tell, scheduler)
    if len(found) == 1:
        show(_one(found[0]))
    else:
        show(_many(found))
    place = RunFolder(folder).exact
    for each in found if len(found) == 1 else []:
        say("exact", f"sample {each.sample}, radius {radius}: {each.certain}{_replayed(each)}", place)
    if len(found) > 1:
        whole = [each for each in found if each.finished]
        safe = sum(each.first is None for each in whole)
        kept = f"{len(whole):,} of {len(found):,} samples finished, {safe:,} of them keep their class within {radius}"
        say("exact", kept if len(whole) < len(found) else f"exact; {kept}", place)
    return {"radius": radius, "finished": all(each.finished for each in found), "around": [_facts(each) for each in found]}


def _samples(sample: int | None, samples: str | None) -> list[int] | int | None:
    if (sample is None) == (samples is None):
        raise RunError("around which samples? give --sample with a number, or --samples with all or how many")
    if sample is not None:
        return [sample]
    if samples == "all":
        return None
    if not str(samples).isdecimal() or not int(str(samples)):
        raise RunError(f"--samples {samples}: all, or how many from the first")
    return int(str(samples))


def _replayed(found: Around) -> str:
    if found.replayed is None:
        return ""
    return f"; {found.replayed} witnesses replayed in RTL" if found.replayed else ""


def _facts(found: Around) -> dict[str, object]:
    return {
        "sample": found.sample,
        "label": found.label,
        "predicted": found.predicted,
        "changed": found.changed,
        "inputs": found.inputs,
        "first": found.first,
        "witnesses": found.witnesses,
        "finished": found.finished,
        "certain": found.certain,
        "replayed": found.replayed,
        "seconds": found.seconds,
    }


def _one(found: Around) -> Table:
    drawn = Table("distance", "another class", "of", "share", "one of them flips", box=None, pad_edge=False)
    for column in drawn.columns[:4]:
        column.justify = "right"
    least = "" if found.finished else "≥ "
    for distance, (changed, inputs) in enumerate(zip(found.changed, found.inputs, strict=True)):
        witness = found.witnesses[distance]
        drawn.add_row(
            str(distance),
            f"{least}{changed:,}",
            f"{inputs:,}",
            f"{changed / inputs:.3%}",
            "" if witness is None else " ".join(map(str, witness)),
        )
    return drawn


def _many(found: list[Around]) -> Table:
    """How many samples have their first other class at each distance."""
    drawn = Table("first at distance", "samples", box=None, pad_edge=False)
    for column in drawn.columns:
        column.justify = "right"
    whole = [each for each in found if each.finished]
    for distance in range(1, found[0].radius + 1):
        drawn.add_row(str(distance), str(sum(each.first == distance for each in whole)))
    drawn.add_row(f"> {found[0].radius}", str(sum(each.first is None for each in whole)))
    if len(whole) < len(found):
        drawn.add_row("not finished", str(len(found) - len(whole)))
    return drawn
