"""The verb `shrink`: smaller nets from a trained one, and how each way of choosing its neurons does."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ...hw.costs.search import cell_name
from ...hw.parts import PARTS, part_names
from ..config import RunError
from ..folder import RunFolder
from ..lossless import fold_lossless
from ..shrink import Shrinking, Wish
from ..shrunk import Shrunk
from .console import DataDir, bar, say, show, step
from .verb import Facts


def shrink(
    folder: Annotated[Path, typer.Argument(help="folder of a trained run", metavar="RUN")],
    target: Annotated[
        str, typer.Option(help=f"part that costs are of: one of {', '.join(PARTS)}", autocompletion=part_names)
    ] = "xc7",
    luts: Annotated[
        int | None, typer.Option(min=1, help="logic cells or LUTs to come down to; by default half of the net's own")
    ] = None,
    cycles: Annotated[
        int | None, typer.Option(min=1, help="clock cycles a frame, at most; by default the run's")
    ] = None,
    floor: Annotated[
        float | None, typer.Option(min=0, max=1, help="narrow until fewer of the test set are right, 0 .. 1")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="of each net, from the run's own on")] = 3,
    points: Annotated[int, typer.Option(min=1, help="widths on the way down")] = 3,
    epochs: Annotated[int | None, typer.Option(min=1, help="to train on; by default a third of the run's")] = None,
    inputs: Annotated[
        bool, typer.Option("--inputs", help="leave out pixels, too: the design is streamed those that stay")
    ] = False,
    synth: Annotated[
        bool, typer.Option("--synth", help="prove and synthesise the whole net and each narrower one, first seed")
    ] = False,
    so_far: Annotated[bool, typer.Option("--so-far", help="show what is done and train nothing")] = False,
    lossless: Annotated[
        bool, typer.Option("--lossless", help="only fold what never changes and copies; trains nothing, loses nothing")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="a folder; by default RUN-shrunk, or RUN-lossless")
    ] = None,
    data_dir: DataDir = None,
) -> Facts:
    """Narrow a trained net by what its neurons say of the label; beside it by gains, by chance, and trained anew.

    Every net is an ordinary run in the folder. Goes on where it was interrupted.

    - `bitneck shrink runs/digits --target up5k`
    - `bitneck shrink runs/tfc --luts 2400 --synth`
    """
    from ..pages.shrink_page import write_page

    if lossless:
        return _lossless(RunFolder(folder), RunFolder(output or _beside(folder, "lossless")), data_dir)
    if floor is not None and luts is not None:
        raise RunError("--floor narrows as far as the net stays right, --luts as far as it must; give one of them")
    place = output or _beside(folder, "shrunk")
    wish = Wish(target, cycles, luts, floor, seeds, points, epochs, inputs)
    shrinking = Shrinking(RunFolder(folder), wish, place, data_dir)
    if so_far:
        done = shrinking.so_far()
    else:
        with bar("shrink") as advance:
            done = shrinking.run(advance, synth)
    page = write_page(done, place / "shrink.html")
    show(_table(done))
    if done.chosen is None:
        none = "no narrower net is done yet" if floor is None else f"no narrower net keeps {floor:.2%} right"
        say("shrink", none, page)
    else:
        widths = "-".join(map(str, done.chosen.hidden))
        say("shrink", f"{widths} takes {done.chosen.cost.cells:,} {cell_name(target)}, estimated", page)
    return {"chosen": done.chosen, "rows": [asdict(row) for row in done.rows()], "page": page, "folder": place}


def _beside(folder: Path, what: str) -> Path:
    return folder.with_name(f"{folder.resolve().name}-{what}")


def _lossless(folder: RunFolder, place: RunFolder, data_dir: Path | None) -> Facts:
    with step("shrink") as tell:
        done = fold_lossless(folder, place, data_dir, tell)
    for name, number in done.before.items():
        found = f"{done.constant.get(name, 0):,} never change, {done.copied.get(name, 0):,} copies"
        say(name, f"{number:,} neurons, {found}; {done.after[name]:,} left")
    if done.folded:
        say("shrink", f"{done.folded:,} neurons folded; the same classes over {done.samples:,} samples", place.path)
        for proof in done.proofs:
            say("class", proof)
    else:
        say("shrink", "nothing to fold: no neuron can go without a change of some answer that ±1 weights can carry")
    return {**asdict(done), "folded": done.folded, "folder": place.path if done.folded else None}


def _table(done: Shrunk) -> Table:
    head = (
        "widths",
        "how",
        cell_name(done.target),
        "fewer",
        "synth",
        "blocks",
        "epochs",
        "right",
        "from",
        "to",
        "bits ≥",
    )
    drawn = Table(*head, box=None, header_style="bold", pad_edge=False)
    for row in done.rows():
        drawn.add_row(
            "-".join(map(str, row.hidden)),
            row.what,
            f"{row.cells:,}",
            "" if row.saved is None else f"{row.saved:.0%}",
            "" if row.synthesised is None else f"{row.synthesised:,}",
            str(row.brams),
            str(row.epochs),
            *(f"{share:.2%}" for share in (row.accuracy, row.low, row.high)),
            "" if row.i_ty_low_bits is None else f"{row.i_ty_low_bits:.3f}",
        )
    return drawn
