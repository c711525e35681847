"""What independent runs had measured before, held against what the seeds here give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from .paper_found import Found

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
