"""How far numbers of positions can be believed: `python -m bitneck.ib_analysis.image_calibration`.

Images of distributions of known entropy, whose positions are independent, or repeat their image's first code, or follow
the component that their image belongs to, which is its label. For each what `whole_images` says, beside what it would
say if positions were independent samples. The cut-offs of `whole_images` come from here.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from . import information, whole_images
from .calibration import distribution, entropy_bits
from .diagnostics import Verdict
from .information import Estimate
from .symbols import label_symbols

IMAGES, POSITIONS = (50, 100, 300, 1000, 3000), (4, 16, 64)
SHARES = (0.0, 0.3, 0.6, 0.9, 1.0)  # of the positions that repeat their image
DISTRIBUTIONS = 400


@dataclass(frozen=True)
class Trial:
    """Of one quantity: what whole images say, what positions would, and the truth in bits."""

    quantity: str
    ours: Estimate
    theirs: Estimate
    truth_bits: float

    @property
    def error_bits(self) -> float:
        return abs(self.ours.bits - self.truth_bits)


def trials(rng: np.random.Generator, distributions: int, widths: tuple[int, int] = (3, 14)) -> Iterator[Trial]:
    """`distributions` sets of images; of those with labels two trials each."""
    for _ in range(distributions):
        width = int(rng.integers(widths[0], widths[1] + 1))
        images, positions = int(rng.choice(IMAGES)), int(rng.choice(POSITIONS))
        labelled = rng.random() < 0.5
        p = np.stack([distribution(rng, width) for _ in range(int(rng.integers(2, 9)) if labelled else 1)])
        labels = rng.integers(0, len(p), images)
        codes = np.empty((images, positions), np.int64)
        for label, each in enumerate(p):
            codes[labels == label] = rng.choice(len(each), (int((labels == label).sum()), positions), p=each)
        if not labelled:
            codes = np.where(rng.random(codes.shape) < rng.choice(SHARES), codes[:, :1], codes)
        t, y = label_symbols(codes.ravel()), label_symbols(labels)
        everywhere = label_symbols(np.repeat(labels, positions))
        truth = entropy_bits(p.mean(axis=0))
        ours = whole_images.i_xt(t, positions, width, "population")
        yield Trial("I(patch;T)", ours, information.i_xt(t, width, "population"), truth)
        if labelled:
            ours = whole_images.i_ty(t, y, positions, width, "population")
            known = truth - float(np.mean([entropy_bits(each) for each in p]))
            yield Trial("I(T;Y)", ours, information.i_ty(t, everywhere, width, "population"), known)


def table(done: Iterable[Trial]) -> str:
    """A row for each quantity and verdict: |error|, and how often an interval held the truth."""
    done = list(done)
    lines = ["quantity    verdict     trials  |error|, 95th percentile  interval held  of positions"]
    for quantity in dict.fromkeys(trial.quantity for trial in done):
        for verdict in Verdict:
            chosen = [t for t in done if t.quantity == quantity and t.ours.verdict is verdict and not verdict.refused]
            if chosen:
                error = float(np.quantile([trial.error_bits for trial in chosen], 0.95))
                held = [_share(chosen, side) for side in ("ours", "theirs")]
                lines.append(f"{quantity:11} {verdict:11} {len(chosen):6} {error:25.3f}  {held[0]:>13}  {held[1]:>12}")
    drawn = [trial for trial in done if trial.ours.low is not None]
    lines.append(f"all {len(drawn)} intervals: {_share(drawn, 'ours')} held; of positions {_share(drawn, 'theirs')}")
    refused = sum(trial.ours.verdict.refused for trial in done)
    return "\n".join([*lines, f"refused: {refused} of {len(done)}"])


def _share(done: Iterable[Trial], side: str) -> str:
    held = [
        each.low <= trial.truth_bits <= each.high
        for trial in done
        if (each := getattr(trial, side)).low is not None and each.high is not None
    ]
    return f"{np.mean(held):.0%}" if held else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description="numbers of positions against known entropies, by verdict")
    parser.add_argument("--distributions", type=int, default=DISTRIBUTIONS)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print(table(trials(np.random.default_rng(chosen.seed), chosen.distributions)))


if __name__ == "__main__":
    main()
