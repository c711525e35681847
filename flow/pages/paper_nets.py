"""The nets of the seed paper: which kinds are trained, on what, how long, how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np

from ...models.config import Sign
from ..config import RunConfig, changed, from_preset
from ..measured import BINS, Extras
from ..sweep import Task

FLOATS = ("tanh", "relu")


@dataclass(frozen=True)
class Variant:
    """One kind of net, over several seeds; `files_sha256` as in `sweep.Task`.

    brackets   whether the first seed's layers, where counting gives no number of the population, get its ends
    """

    name: str
    config: RunConfig
    seeds: int
    files_sha256: str | None = None
    brackets: bool = False

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
            Task(
                changed(self.config, training__seed=seed),
                (("net", self.name), ("seed", seed)),
                self.files_sha256,
                Extras(brackets=self.brackets and seed == 0),
            )
            for seed in range(self.seeds)
        ]


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
            Variant(f"BNN, {sign}", changed(base, network__activation=sign), seeds, sha256, brackets=True)
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
