"""Which nets `many` can train together; torch is not needed to know it."""

from __future__ import annotations

from .config import NetworkConfig, TrainingConfig

SMALL = 20_000  # products a sample, above which arithmetic and not overhead is what takes the time


def trainable(network: NetworkConfig, config: TrainingConfig) -> bool:
    """Small dense 1-bit nets that a frame passes once, that learn by Adam from the labels of samples as they are."""
    as_they_are = not (config.moved or config.mixup)
    of_labels_and_bits = not (config.taught or config.readout_weight or config.on_float_weights or config.bilinear)
    once = network.passes == 1 and not network.complex
    small = network.rows_of_bits and once and network.products <= SMALL
    return small and as_they_are and of_labels_and_bits and config.optimizer == "adam"


def recipe(network: NetworkConfig, config: TrainingConfig) -> tuple[str, str]:
    """Everything but the seed: trainable nets of one recipe can be trained together."""
    return network.model_dump_json(), config.model_copy(update={"seed": 0}).model_dump_json()
