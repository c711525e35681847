"""The seed paper's experiment as one page: do binary nets fit and compress at once, and float nets in two phases?

Raj, Nayak and Kalyani 2020, arXiv 2006.07522. Every net is a task of a sweep, so an interrupted run goes on; every
number on the page is computed from the sweep's table, and the verdict's words follow from the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...ib_analysis.pictures.planes_of_kinds import late_compression, mean_planes
from ...ib_analysis.pictures.plots import inline_svg
from ..measured import decisive
from ..sweep import Task
from .earlier_numbers import checks
from .generalisation import DECAYS, generalised
from .paper_brackets import wide_part
from .paper_found import NOTABLE_BITS, NOTABLE_SHARE, Found, found
from .paper_nets import Part
from .template import rendered


def page(folder: Path, wanted: Sequence[Part], others: Sequence[Task], full: bool = False) -> str:
    """The HTML text: the paper's parts, then late compression over `others`. Same results, same bytes.

    full   whether these are the parts of `paper_nets.parts(full=True)`; the page says how it is made again
    """
    shown, all_found = [], []
    for part in wanted:
        results = [found(folder, variant) for variant in part.variants]
        everything = [each for each, _ in results]
        all_found += everything
        planes = mean_planes([(each.variant.name, seeds) for each, seeds in results])
        figure = inline_svg(planes, f"{part.title}: I(T;Y) over I(X;T) of every kind of net; numbers below")
        entry = {"part": part, "found": everything, "figure": figure, **verdicts(everything)}
        checked = [check for each in everything for check in checks(each)]
        wide = wide_part(folder, part.variants)
        shown.append(entry | {"seeds": part.variants[0].seeds, "checks": checked, "wide": wide})
    compared = generalised(folder, others)
    data = any(variant.files_sha256 for part in wanted for variant in part.variants)
    return rendered(
        "paper.html.jinja",
        answer=answer(all_found),
        shown=shown,
        bits=NOTABLE_BITS,
        share=NOTABLE_SHARE,
        compared=compared,
        scatter=inline_svg(late_compression(compared.late), "Test accuracy over late compression, layer by layer"),
        decays=DECAYS,
        command=f"bitneck paper{' --full' * full}{' --data-dir DIR' * data}",
        on_data=data,
        decisive={name: value for name, value in decisive("").items() if name != "data"},
    )


def answer(everything: Sequence[Found]) -> str:
    """The title's question, answered in a sentence from the numbers of all parts."""
    binary, at_once, floats, first = _counted(everything)
    word = "Yes" if len(at_once) == len(binary) else "In part" if at_once else "No"
    return (
        f"{word}: I(X;T) falls without rising first in {len(at_once)} of {len(binary)} kinds of binary nets; of float "
        f"nets the binned quantity rises first, and falls later, in {len(first)} of {len(floats)}."
    )


def _counted(everything: Sequence[Found]) -> tuple[list[Found], list[Found], list[Found], list[Found]]:
    """Binary nets, those of them that fit and compress at once, float nets, those of them that fit first."""
    binary = [each for each in everything if each.variant.binary]
    floats = [each for each in everything if not each.variant.binary]
    at_once = [each for each in binary if not each.rises and each.compresses]
    return binary, at_once, floats, [each for each in floats if each.rises and each.compresses]


def verdicts(everything: Sequence[Found]) -> dict[str, str]:
    """The claim's two halves, each answered from the numbers."""
    binary, at_once, floats, first = _counted(everything)
    return {
        "binary_verdict": (
            f"In {len(at_once)} of {len(binary)} kinds I(X;T) falls and hardly rises before, in any layer: no "
            "fitting phase of its own, as claimed. " + _exceptions(binary, at_once)
        ).strip(),
        "float_verdict": (
            f"In {len(first)} of {len(floats)} the binned quantity of some layer rises first and falls later, as the "
            "paper reports of float nets; it is the information of the bins and not of the net."
        ),
    }


def _exceptions(binary: Sequence[Found], at_once: Sequence[Found]) -> str:
    words = [
        f"{each.variant.name} rises in {', '.join(layer.layer for layer in each.rises) or 'no layer, nor falls'}"
        for each in binary
        if each not in at_once
    ]
    return f"Not so: {'; '.join(words)}." if words else ""
