"""`make members`: TFC with eight sets of thresholds beside the same net with one; the table of docs/members.md.

Needs mnist/ and, of strangers, cifar10/ and models/ where BITNECK_DATA says.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from bitneck.ib_analysis.reliability import BINS, Reliability, auroc, reliability, softmax
from bitneck.models import plain, training
from bitneck.models.capture import evaluating
from bitneck.models.config import preset
from bitneck.models.datasets import load
from bitneck.models.threshold_sets import HELD_OUT, most_likely
from public_models import cifar10_images

SETS = 8


def strangers() -> np.ndarray:
    """CIFAR-10's test images in grey, their middle: (10000, 784) uint8."""
    grey = cifar10_images(10_000).reshape(-1, 32, 32, 3) @ [0.299, 0.587, 0.114]
    return grey[:, 2:30, 2:30].reshape(-1, 784).round().astype(np.uint8)


def said(net, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Dot products (n, classes) of the net itself, and (sets, n, classes) of its members."""
    with evaluating(net):
        signs = plain.input_bits(net, torch.tensor(x))
        return plain.forward(net, signs)[-1].numpy(), net.members(signs)[-1].numpy()


def by_chance(probabilities: np.ndarray, draws: int = 500) -> str:
    """The ECE of classes that are right as often as they say: its mean, and what one draw in twenty exceeds."""
    rng, confidence = np.random.default_rng(0), probabilities.max(axis=1)
    places = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    found = []
    for _ in range(draws):
        right = rng.random(len(confidence)) < confidence
        found.append(100 * np.abs(np.bincount(places, right - confidence)).sum() / len(confidence))
    return f"by chance {np.mean(found):.2f}, at most {np.quantile(found, 0.95):.2f}"


def shown(name: str, found: Reliability) -> str:
    return f"{name} {100 * found.accuracy:.2f} % NLL {found.nll:.3f} ECE {100 * found.ece:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--warp", type=float, default=1.0)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    data, others, chosen = load("mnist"), strangers(), preset("tfc")
    network = chosen.network.model_copy(update={"threshold_sets": SETS})
    held = np.arange(len(data.train_y)) % HELD_OUT == HELD_OUT - 1
    rows = []
    for seed in range(options.seeds):
        recipe = {"epochs": options.epochs, "seed": seed, "warp": options.warp}
        run = training.start(network, chosen.training.model_copy(update=recipe), data)
        began = time.perf_counter()
        for _ in training.train(run):
            pass
        seconds, net = time.perf_counter() - began, run.net
        one, members = said(net, data.test_x)
        trained_at = run.config.temperature * net.scores.in_features**0.5
        _, tuned = most_likely(torch.tensor(said(net, data.train_x[held])[0]), torch.tensor(data.train_y[held]))
        as_trained, as_tuned = (reliability(softmax(one, each), data.test_y) for each in (trained_at, tuned))
        probabilities = softmax(members.mean(axis=0), float(net.temperature))
        together = reliability(probabilities, data.test_y)
        one_of_others, members_of_others = said(net, others)
        spread, strange = (np.ptp(each, axis=0).sum(axis=1) / 2 for each in (members, members_of_others))
        right = one.argmax(axis=1) == data.test_y
        wrong = members.mean(axis=0).argmax(axis=1) != data.test_y
        best = probabilities.max(axis=1)
        best_of_others = softmax(members_of_others.mean(axis=0), float(net.temperature)).max(axis=1)
        alone, alone_of_others = (softmax(each, trained_at).max(axis=1) for each in (one, one_of_others))
        figures = {
            "errors by spread": auroc(spread[wrong], spread[~wrong]),
            "errors by probability": auroc(-best[wrong], -best[~wrong]),
            "errors by one set's probability": auroc(*(-alone[each] for each in (~right, right))),
            "strangers by spread": auroc(strange, spread),
            "strangers by probability": auroc(-best_of_others, -best),
            "strangers by one set's probability": auroc(-alone_of_others, -alone),
        }
        of_one = as_trained.accuracy, as_trained.nll, as_trained.ece, as_tuned.ece
        rows.append((*of_one, together.accuracy, together.nll, together.ece))
        print(
            f"seed {seed}, {seconds:.0f} s, s {float(net.spread):.2f}, T {float(net.temperature):.2f}: "
            f"{shown('one set', as_trained)}, its temperature tuned to {tuned:.2f} NLL {as_tuned.nll:.3f} "
            f"ECE {100 * as_tuned.ece:.2f} ({by_chance(softmax(one, tuned))}); {shown(f'{SETS} sets', together)} "
            f"({by_chance(probabilities)}); AUROC "
            + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()),
            flush=True,
        )
    gain = np.median([100 * (row[4] - row[0]) for row in rows])
    names = ("accuracy of one", "its NLL", "its ECE", "tuned", "accuracy of members", "their NLL", "their ECE")
    print(
        f"median gain {gain:.2f} points; medians: "
        + ", ".join(f"{name} {value:.4f}" for name, value in zip(names, np.median(rows, axis=0), strict=True))
    )


if __name__ == "__main__":
    main()
