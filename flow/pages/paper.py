"""The seed paper's experiment as one page: do binary nets fit and compress at once, and float nets in two phases?

Raj, Nayak and Kalyani 2020, arXiv 2006.07522. Every net is a task of a sweep, so an interrupted run goes on; every
number on the page is computed from the sweep's table, and the verdict's words follow from the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeAlias, get_args

import numpy as np

from ...ib_analysis.dynamics import Trajectory, dpi_violations
from ...ib_analysis.pictures.planes_of_kinds import late_compression, mean_planes
from ...ib_analysis.pictures.plots import inline_svg
from ...models.config import Sign
from ..config import RunConfig, changed, from_preset
from ..measured import BINS, decisive
from ..sweep import Task, rows_of, trajectories_of
from .generalisation import DECAYS, generalised
from .template import rendered

NOTABLE_BITS = 0.1  # less is no rise and no compression worth the word
NOTABLE_SHARE = 0.1  # of the compression: a smaller rise is no phase of its own
FLOATS = ("tanh", "relu")


@dataclass(frozen=True)
class Variant:
    """One kind of net, over several seeds; `files_sha256` as in `sweep.Task`."""

    name: str
    config: RunConfig
    seeds: int
    files_sha256: str | None = None

    @property
    def binary(self) -> bool:
        """Whether it has codes, whose information is exact."""
        return self.config.network.binary

    @property
    def quantity(self) -> str:
        """What its I(X;T) is."""
        if self.binary:
            return "of exact codes"
        scale = "of [-1, 1]" if self.config.network.activation == "tanh" else "from 0 to the largest activation"
        return f"of {BINS} bins {scale}, of [0, 1] for the class probabilities; not the net's information"

    @property
    def tasks(self) -> list[Task]:
        return [
            Task(changed(self.config, training__seed=seed), (("net", self.name), ("seed", seed)), self.files_sha256)
            for seed in range(self.seeds)
        ]


@dataclass(frozen=True)
class LayerFigures:
    """Medians over the seeds, with the smallest and the largest; bits and epochs.

    while_fitting   share of the compression that is over when I(T;Y) has made 90 % of its gain; None where no seed
                    compresses
    """

    layer: str
    first: tuple[float, float, float]
    last: tuple[float, float, float]
    rise: tuple[float, float, float]
    peak_epoch: tuple[float, float, float]
    compression: tuple[float, float, float]
    while_fitting: tuple[float, float, float] | None
    i_ty_last: tuple[float, float, float]


@dataclass(frozen=True)
class Found:
    """What came out of one variant."""

    variant: Variant
    layers: tuple[LayerFigures, ...]
    accuracy: tuple[float, float, float]
    violations: int

    @property
    def rises(self) -> list[LayerFigures]:
        """Layers with a fitting phase of their own: what they gain first counts, also beside what they lose."""
        return [
            layer
            for layer in self.layers
            if layer.rise[0] > NOTABLE_BITS and layer.rise[0] > NOTABLE_SHARE * layer.compression[0]
        ]

    @property
    def compresses(self) -> list[LayerFigures]:
        return [layer for layer in self.layers if layer.compression[0] > NOTABLE_BITS]

    def sentence(self) -> str:
        """What the numbers say of the claim, in words."""
        if not self.compresses:
            return f"{self.variant.name}: no layer loses {NOTABLE_BITS} bit of I(X;T); there is no compression to time."
        rising = ", ".join(f"{layer.layer} (+{layer.rise[0]:.2f} bit)" for layer in self.rises) or "none"
        shares = [layer.while_fitting[0] for layer in self.compresses if layer.while_fitting]
        share = f"{median(shares):.0%}" if shares else "none"
        return (
            f"{self.variant.name}: I(X;T) rises first in {len(self.rises)} of {len(self.layers)} layers ({rising}) and "
            f"falls in {len(self.compresses)}; of the fall, {share} (median over layers) is over when the fit is."
        )


@dataclass(frozen=True)
class Part:
    """Kinds of net on one data set, drawn on equal axes."""

    title: str
    text: str
    variants: tuple[Variant, ...]

    @property
    def tasks(self) -> list[Task]:
        return [task for variant in self.variants for task in variant.tasks]


def parts(full: bool, mnist_sha256: str | None) -> tuple[Part, ...]:
    """What the page shows: the 12-bit set always, MNIST where its files are at hand, and of which sha256."""
    seeds, float_epochs = (10, 3000) if full else (3, 1000)
    made = [twelve(seeds, 300, float_epochs)]
    if mnist_sha256 is not None:
        made += on_mnist(mnist_sha256, 5, 40) if full else on_mnist(mnist_sha256, 2, 10)
    return tuple(made)


def twelve(seeds: int, epochs: int, float_epochs: int) -> Part:
    """Every sign of the paper, and float twins, on the 12-bit set: enumerated, so binary nets' numbers are exact."""
    base = changed(from_preset("twelve"), training__epochs=epochs)
    slow = changed(base, training__learning_rate=4e-4, training__epochs=float_epochs)
    kinds = [Variant(f"BNN, {sign}", changed(base, network__activation=sign), seeds) for sign in get_args(Sign)]
    twins = [Variant(f"float twin, {kind}", changed(slow, network__activation=kind), seeds) for kind in FLOATS]
    text = (
        "12-10-7-5-4-3-2 on the 12-bit set of Shwartz-Ziv and Tishby 2017. All 4,096 inputs are enumerated, so I(X;T) "
        "and I(T;Y) of the binary nets' codes are counted exactly."
    )
    return Part("The 12-bit set", text, (*kinds, *twins))


def on_mnist(sha256: str, seeds: int, epochs: int) -> list[Part]:
    """The paper's wide net, and one so narrow that 10,000 images do not saturate it."""
    made = []
    for title, preset in (("MNIST, the paper's net", "paper-mnist"), ("MNIST, a narrow net", "narrow-mnist")):
        base = changed(from_preset(preset), training__epochs=epochs)
        kinds = [
            Variant(f"BNN, {sign}", changed(base, network__activation=sign), seeds, sha256)
            for sign in ("ste-clipped", "approx-sign")
        ]
        tanh = changed(base, network__activation="tanh", training__learning_rate=1e-3)
        text = (
            f"{'-'.join(map(str, base.network.widths))} on MNIST; X is uniform over the 10,000 test images, and codes "
            f"are counted exactly. At most log2 N = {np.log2(10_000):.2f} bits can be seen: a layer that stays there "
            f"shows the sample size and not the network. The data's sha256 is {sha256}."
        )
        made.append(Part(title, text, (*kinds, Variant("float twin, tanh", tanh, seeds, sha256))))
    return made


def found(folder: Path, variant: Variant) -> tuple[Found, list[list[Trajectory]]]:
    """What the sweep's folder holds of a variant, and the trajectories of every seed for the picture."""
    runs = [rows_of(folder, task) for task in variant.tasks]
    seeds = [trajectories_of(rows) for rows in runs]
    layers = []
    for each in zip(*seeds, strict=True):
        shares = [share for t in each if (share := t.compression_while_fitting()) is not None]
        layers.append(
            LayerFigures(
                each[0].layer,
                first=_spread([t.i_xt[0] for t in each]),
                last=_spread([t.i_xt[-1] for t in each]),
                rise=_spread([t.rise_bits for t in each]),
                peak_epoch=_spread([t.peak_epoch for t in each]),
                compression=_spread([t.compression_bits for t in each]),
                while_fitting=_spread(shares) if shares else None,
                i_ty_last=_spread([t.i_ty[-1] for t in each]),
            )
        )
    accuracy = _spread([rows[-1]["test_accuracy"] for rows in runs])
    return Found(variant, tuple(layers), accuracy, sum(len(dpi_violations(each)) for each in seeds)), seeds


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, smallest, largest."""
    return float(median(values)), float(min(values)), float(max(values))


Interval: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Reference:
    """What independent runs of 12-10-7-5-4-3-2 gave before this code was written: means of ten, medians for the rise.

    first, last, rise   bits of I(X;T) by layer; rise from layer `rising` on
    peak                between which epochs these layers have their largest I(X;T)
    i_ty_last           of the last layer
    """

    epochs: int
    accuracy: float
    first: tuple[float, ...]
    last: tuple[float, ...]
    rising: int
    rise: tuple[float, ...]
    peak: Interval
    i_ty_last: float


REFERENCES = {
    "BNN, ste-clipped": Reference(
        epochs=300,
        accuracy=0.85,
        first=(8.28, 5.41, 3.75, 2.85, 1.91, 1.54),
        last=(4.28, 2.68, 1.94, 1.64, 1.39, 1.34),
        rising=0,
        rise=(0, 0, 0.05, 0.01, 0.02, 0.31),
        peak=(0, 4),
        i_ty_last=0.498,
    ),
    "float twin, tanh": Reference(
        epochs=3000,
        accuracy=0.96,
        first=(12, 12, 11.78, 10.43, 8.15, 2.68),
        last=(12, 11.99, 11.86, 10.22, 4.14, 1.48),
        rising=3,
        rise=(0.52, 0.69, 1.70),
        peak=(28, 34),
        i_ty_last=0.941,
    ),
}


@dataclass(frozen=True)
class Check:
    """One number that had to come out, rounded as it was given: within the spread of our seeds, or not."""

    what: str
    expected: Interval
    got: tuple[float, float, float]
    digits: int

    @property
    def within(self) -> bool:
        half = 0.5 * 10.0**-self.digits
        return self.got[1] - half <= self.expected[1] and self.expected[0] <= self.got[2] + half


def checks(each: Found) -> list[Check]:
    """Of a kind that has a reference, layer by layer; what a shorter training cannot show is left out."""
    reference = REFERENCES.get(each.variant.name)
    if reference is None or each.variant.config.network.widths != (12, 10, 7, 5, 4, 3, 2):
        return []

    def check(what: str, expected: float | Interval, got: tuple[float, float, float], digits: int) -> Check:
        interval = expected if isinstance(expected, tuple) else (expected, expected)
        return Check(f"{each.variant.name}: {what}", interval, got, digits)

    made = [
        check(f"I(X;T) of {layer.layer}, untrained", bits, layer.first, 2)
        for layer, bits in zip(each.layers, reference.first, strict=True)
    ]
    rising = each.layers[reference.rising :]
    for layer, bits in zip(rising, reference.rise, strict=True):
        made.append(check(f"rise of {layer.layer}", bits, layer.rise, 2))
        made.append(check(f"peak epoch of {layer.layer}", reference.peak, layer.peak_epoch, 0))
    if each.variant.config.training.epochs == reference.epochs:
        made += [
            check(f"I(X;T) of {layer.layer}, trained", bits, layer.last, 2)
            for layer, bits in zip(each.layers, reference.last, strict=True)
        ]
        made.append(
            check(f"I(T;Y) of {each.layers[-1].layer}, trained", reference.i_ty_last, each.layers[-1].i_ty_last, 3)
        )
        made.append(check("test accuracy", reference.accuracy, each.accuracy, 2))
    return made


def page(folder: Path, wanted: Sequence[Part], others: Sequence[Task], full: bool = False) -> str:
    """The HTML text: the paper's parts, then late compression over `others`. Same results, same bytes.

    full   whether these are the parts of `parts(full=True)`; the page says how it is made again
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
        shown.append(entry | {"seeds": part.variants[0].seeds, "checks": checked})
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
