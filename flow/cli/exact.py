"""The verb `exact`: all inputs of a region, none of them sampled."""

from __future__ import annotations

from dataclasses import asdict
from math import log2
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ...hw.exact.shards import Spread
from ..config import RunError
from ..exact import around, spread_over
from ..exact_free import free as over_free_bits
from ..exact_labels import labelled
from ..exact_record import MOST_BITS, Around, Labelled, Taught
from ..exact_regions import within
from ..exact_teacher import taught
from ..folder import RunFolder
from .console import CORES, DataDir, bar, say, show
from .exact_epochs import epochs_told
from .exact_layers import jointly_told, neurons_told, reach_told
from .verb import Facts


def exact(
    folder: Annotated[Path, typer.Argument(help="folder of a run", metavar="RUN")],
    sample: Annotated[int | None, typer.Option(min=0, help="number of a sample that the run analyses")] = None,
    samples: Annotated[str | None, typer.Option(help="all, or how many from the first")] = None,
    radius: Annotated[
        int | None, typer.Option(min=1, help="count inputs with so many bits of the code flipped, at most")
    ] = None,
    epsilon: Annotated[int | None, typer.Option(min=1, help="count images with every pixel within ± this")] = None,
    vmax: Annotated[
        int | None, typer.Option(min=1, help="a pixel's highest value; by default what its bits can say")
    ] = None,
    free: Annotated[str | None, typer.Option(help="count inputs over these bits of the code: all, or 0-20,35")] = None,
    base: Annotated[int, typer.Option(min=0, help="the sample that all other bits are of")] = 0,
    teacher: Annotated[Path | None, typer.Option(help="of --free: another run; what layers say of its classes")] = None,
    labels: Annotated[
        str | None, typer.Option(help="of --free: a rule; what layers say of the label it gives to every input")
    ] = None,
    epochs: Annotated[
        str | None,
        typer.Option(help="of --free: of the nets at these captured epochs, all or 0,1,2,4, and their plane"),
    ] = None,
    neurons: Annotated[
        bool, typer.Option("--neurons", help="how often neurons fire, alone and by two, over --free or all bits")
    ] = False,
    jointly: Annotated[
        str | None, typer.Option(help="how often up to four neurons fire together: dense1:0,7,12")
    ] = None,
    reach: Annotated[
        str | None, typer.Option(help="which codes of this layer, of up to 12 neurons, some input gives")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="of --radius and --reach: after which nothing more is begun")
    ] = None,
    data_dir: DataDir = None,
    workers: Annotated[int, typer.Option(min=1, help="threads")] = CORES,
    scheduler: Annotated[
        str | None, typer.Option(help="a dask scheduler's address, in place of threads; not of --reach")
    ] = None,
) -> Facts:
    """Count every input around a sample, none left out: other classes, codes, bits. Goes on where it was interrupted.

    - `bitneck exact runs/digits --sample 17 --radius 4`
    - `bitneck exact runs/digits --free 0-15 --base 3`
    """
    place, layers = RunFolder(folder), (neurons or None, jointly, reach)
    bits = None if free in (None, "all") else numbers_in(free, "--free")
    if (teacher or labels) and (free is None or any(layers) or (teacher and labels)):
        raise RunError(
            "whose Y? give one of --teacher and --labels, with --free and without --neurons, --jointly, --reach"
        )
    if epochs is not None and (free is None or any(layers)):
        raise RunError("--epochs says whose nets --free is asked of; give --free, and no --neurons, --jointly, --reach")
    if any(layers):
        if sum(each is not None for each in (*layers, radius, epsilon)) != 1:
            raise RunError("what of the layers? give one of --neurons, --jointly and --reach, and --free or all bits")
        if reach is not None:
            if scheduler is not None:
                raise RunError("--scheduler counts; --reach asks a solver, on this machine: leave one of them out")
            return reach_told(place, reach, bits, base, data_dir, seconds)
    elif sum(each is not None for each in (radius, epsilon, free)) != 1:
        raise RunError("which inputs? give one of --radius, --epsilon and --free")
    elif free is not None and (sample is not None or samples is not None):
        raise RunError("--free is around one sample, which --base says; leave out --sample and --samples")
    some = None if epochs is None or epochs == "all" else numbers_in(epochs, "--epochs", "epochs")
    numbers = None if any(layers) or free is not None else _samples(sample, samples)
    with spread_over(workers, scheduler) as spread:
        if jointly is not None:
            return jointly_told(place, jointly, bits, base, data_dir, spread)
        if neurons:
            return neurons_told(place, bits, base, data_dir, spread)
        if epochs is not None:
            return epochs_told(place, bits, some, teacher, labels, base, data_dir, spread)
        if free is not None:
            return _free(place, bits, base, teacher, labels, data_dir, spread)
        if epsilon is not None:
            return _within(place, numbers, epsilon, vmax, data_dir, spread)
        assert radius is not None
        return _around(place, numbers, radius, data_dir, spread, seconds)


def _around(
    place: RunFolder,
    numbers: list[int] | int | None,
    radius: int,
    data_dir: Path | None,
    spread: Spread,
    seconds: float | None,
) -> Facts:
    with bar("exact") as tell:
        found = around(place, numbers, radius, data_dir, spread, seconds, tell)
    if len(found) == 1:
        (one,) = found
        show(_one(one))
        say("exact", f"sample {one.sample}, radius {radius}: {one.certain}{_replayed(one)}", place.exact)
    else:
        show(_many(found))
        whole = [each for each in found if each.finished]
        safe = sum(each.first is None for each in whole)
        kept = f"{len(whole):,} of {len(found):,} samples finished, {safe:,} of them keep their class within {radius}"
        say("exact", kept if len(whole) < len(found) else f"exact; {kept}", place.exact)
    return {
        "radius": radius,
        "finished": all(each.finished for each in found),
        "around": [_facts(each) for each in found],
    }


def _within(
    place: RunFolder,
    numbers: list[int] | int | None,
    epsilon: int,
    vmax: int | None,
    data_dir: Path | None,
    spread: Spread,
) -> Facts:
    with bar("exact") as tell:
        found, large = within(place, numbers, epsilon, vmax, data_dir, spread, tell)
    if len(found) + len(large) == 1 and large:
        ((number, bits),) = large.items()
        raise RunError(
            f"sample {number}: images within ±{epsilon} have 2^{bits:.1f} codes; 2^{MOST_BITS} are counted at most"
        )
    for each in found if len(found) == 1 else []:
        say(
            "exact",
            f"sample {each.sample}, ±{epsilon}: {each.changed:,} of {each.images:,} images have another class than "
            f"{each.predicted}; {each.codes:,} codes, all of them looked at",
            place.exact,
        )
    right = sum(each.predicted == each.label and not each.changed for each in found)
    if len(found) + len(large) > 1:
        part = right / max(len(found), 1)
        share = f"{right:,} of {len(found):,} samples are right and stay so within ±{epsilon}: {part:.2%}"
        more = f"; {len(large):,} more have over 2^{MOST_BITS} codes and were left out" if large else ""
        say("exact", f"{share}, exact{more}", place.exact)
    facts = [asdict(each) | {"witness": each.witness} for each in found]
    return {"epsilon": epsilon, "certified": right, "of": len(found), "too_large": large, "within": facts}


def _free(
    place: RunFolder,
    bits: list[int] | None,
    base: int,
    teacher: Path | None,
    rule: str | None,
    data_dir: Path | None,
    spread: Spread,
) -> Facts:
    by: Taught | Labelled | None = None
    with bar("exact") as tell:
        if teacher is not None:
            by = taught(place, RunFolder(teacher), bits, base, data_dir, spread, tell)
        if rule is not None:
            by = labelled(place, rule, bits, base, data_dir, spread, tell)
        found = over_free_bits(place, bits, base, data_dir, spread, tell)
    head = ("layer", "neurons", "codes", "capacity, bits", "H(T)", "H(T|class)", *(["I(T;Y)"] if by else []))
    drawn = Table(*head, box=None, pad_edge=False)
    said = [None] * len(found.layers) if by is None else by.i_ty_bits
    for column in drawn.columns[1:]:
        column.justify = "right"
    answer = found.class_entropy_bits
    for each, i_ty in zip(found.layers, said, strict=True):
        if each.codes is None or each.entropy_bits is None:
            drawn.add_row(each.layer, str(each.neurons), "too many", "", "", "")
            continue
        rest = max(0.0, each.entropy_bits - answer)
        numbers = f"{log2(each.codes):.3f}", f"{each.entropy_bits:.4f}", f"{rest:.4f}"
        told = [] if i_ty is None else [f"{i_ty:.4f}"]
        drawn.add_row(each.layer, str(each.neurons), f"{each.codes:,}", *numbers, *told)
    show(drawn)
    counted = ", ".join(f"{c}: {number:,}" for c, number in enumerate(found.number) if number)
    say("exact", f"2^{len(found.free)} inputs of classes {counted}; H(class) {answer:.4f} bits", place.exact)
    if by is not None:
        say("exact", f"Y is the {by}; H(Y) {by.class_entropy_bits:.4f} bits", place.exact)
    return asdict(found) | {
        "class_entropy_bits": answer,
        "taught": asdict(by) if isinstance(by, Taught) else None,
        "labelled": asdict(by) if isinstance(by, Labelled) else None,
    }


def numbers_in(words: str, option: str, what: str = "bits") -> list[int]:
    """Numbers and ranges of them, both ends included."""
    found: list[int] = []
    for word in words.split(","):
        low, _, high = word.strip().partition("-")
        if not low.isdecimal() or not (high or low).isdecimal() or int(high or low) < int(low):
            raise RunError(f"{option} {words}: {what} are numbers and ranges, such as 0-20,35; {word!r} is neither")
        found += range(int(low), int(high or low) + 1)
    return found


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
