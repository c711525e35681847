"""The verb `analyze`: of a run, of codes captured beside it, or of anybody's codes without a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...ib_analysis.diagnostics import Target
from ...ib_analysis.layer_bits import summary as bits_summary
from ...ib_analysis.map_information import summary as maps_summary
from ...ib_analysis.plane import Plane, summary
from .. import own_codes
from .. import run as flow
from ..config import BRACKETED_EPOCHS, RunError
from ..folder import Analysis, RunFolder
from ..held import held
from .console import bar, say, show
from .verb import Facts, FailedError

BEAT = "payload bits of a beat of a raw stream: PE, of scores PE x score bits, of class all (data_bits in vectors.json)"
LABELS = "of codes without a run: a .npy, a .npz with `labels` or `y`, or the array beside the codes that is so called"
TARGET = "of codes without a run: what their samples stand for"
WIDTH = "of codes without a run: LAYER=BITS where an array is packed, little bit order; again for another layer"
BRACKETS = f"at how many epochs ends are sought where counting refuses; by default {BRACKETED_EPOCHS}"
FIRST = "of codes without a run: maps are (n, channels, height, width), as torch has them"


def analyze(
    folder: Annotated[Path, typer.Argument(help="a run; or with --labels codes: .npz, .npy, a folder of them")],
    table: Annotated[bool, typer.Option(help="print the last epoch's table")] = True,
    codes: Annotated[Path | None, typer.Option(help="captured codes: a trace .npz, .npz, .npy or raw stream")] = None,
    layer: Annotated[str | None, typer.Option(help="of a .npy or raw stream: a layer, scores, class")] = None,
    beat_bits: Annotated[int | None, typer.Option(help=BEAT)] = None,
    labels: Annotated[str | None, typer.Option(help=LABELS)] = None,
    target: Annotated[Target | None, typer.Option(help=TARGET)] = None,
    width: Annotated[list[str] | None, typer.Option(help=WIDTH)] = None,
    channels_first: Annotated[bool, typer.Option("--channels-first", help=FIRST)] = False,
    brackets: Annotated[int | None, typer.Option(min=0, help=f"of codes without a run: {BRACKETS}")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="of codes without a run: the folder; by default planes/NAME")
    ] = None,
) -> Facts:
    """Measure I(X;T) and I(T;Y) of every layer at every captured epoch, or of codes captured elsewhere.

    With --codes: those beside the run's own, exit 1 where any bit differs. With --labels: codes that need no run.

    - `bitneck analyze runs/digits`
    - `bitneck analyze codes.npz --labels y.npy --target population -o planes/mine`
    """
    if codes is None and (layer is not None or beat_bits is not None):
        raise RunError("--layer and --beat-bits say what is in the file of --codes, which is missing")
    if labels is not None:
        if codes is not None:
            raise RunError("--codes stand beside a run, --labels beside codes that have none; give one of them")
        return _of_no_run(folder, labels, target or "dataset", width or [], channels_first, brackets, output, table)
    if folder.is_file():
        raise RunError(f"{folder} is a file: with --labels it is one of codes; a run is a folder")
    if target is not None or width or channels_first or brackets is not None or output is not None:
        raise RunError(
            "--target, --width, --channels-first, --brackets and -o are of codes without a run, which need --labels; a "
            "run says in its run.toml what is analysed"
        )
    place = RunFolder(folder)
    if codes is not None:
        compared = flow.analyze_captured(place, codes, layer, beat_bits)
        for each in compared:
            show(str(each))
        facts = {"equal": all(each.first_difference is None for each in compared), "layers": compared}
        if not facts["equal"]:
            raise FailedError(facts)
        return facts
    with bar("analyze") as advance:
        analysis = flow.analyze(place, lambda done, total: advance(done, total, ""))
    say("analyze", f"{_epochs(analysis)} epochs", place.plane)
    if table:
        _print(analysis)
    return _facts(analysis, place.plane)


def _of_no_run(
    path: Path,
    labels: str,
    target: Target,
    widths: list[str],
    channels_first: bool,
    brackets: int | None,
    output: Path | None,
    table: bool,
) -> Facts:
    own = own_codes.read(path, labels, dict(map(own_codes.width_option, widths)), channels_first)
    for name, form in own.forms.items():
        say("read", f"{name}: {form}")
    place = output or Path("planes") / path.stem
    with held(place, "analyze", make=True), bar("analyze") as advance:
        wanted = BRACKETED_EPOCHS if brackets is None else brackets
        analysis = own_codes.analyze(own, path.name, place, target, wanted, lambda done, of: advance(done, of, ""))
    number = _epochs(analysis)
    said = f"{len(own.labels):,} samples, {len(own.forms)} layer{'s' * (len(own.forms) > 1)}"
    say("analyze", f"{said}, {number} epoch{'s' * (number > 1)}; plane.json, plane.html", place)
    if table:
        _print(analysis)
    return _facts(analysis, place / "plane.json")


def _facts(analysis: Analysis, path: Path) -> Facts:
    """The last epoch's layers; refused numbers are none."""
    last = Plane(analysis.points).at()
    return {"epochs": _epochs(analysis), "layers": last.rows(), "plane": path}


def _epochs(analysis: Analysis) -> int:
    return len({point.epoch for point in analysis.points})


def _print(analysis: Analysis) -> None:
    parts = [summary(analysis.points), bits_summary(analysis.bits)]
    show("\n\n".join([*parts, maps_summary(analysis.maps)] if analysis.maps else parts))
