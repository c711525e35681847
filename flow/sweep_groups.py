"""Which networks of a sweep are trained together: those that differ in the seed alone, some at a time."""

from __future__ import annotations

from collections.abc import Sequence

from ..models.alike import trainable
from .sweep_file import Task

MOST = 50  # what an interruption loses, and the memory for activations, grow with it
ROUNDS = 2  # groups for each worker, so that none waits long for the last


def grouped(wanted: Sequence[Task], workers: int) -> list[list[Task]]:
    """Each of them once, in order of the first of its kind; on its own where `many` cannot train it."""
    alike: dict[object, list[Task]] = {}
    for task in wanted:
        alike.setdefault(_alike(task), []).append(task)
    most = max(1, min(MOST, -(-len(wanted) // (ROUNDS * workers))))
    return [group for same in alike.values() for group in _evenly(same, most, workers)]


def at_once(wanted: Sequence[Task], workers: int) -> int:
    """Networks that so many workers begin with."""
    return sum(len(group) for group in grouped(wanted, workers)[:workers])


def _evenly(same: list[Task], most: int, workers: int) -> list[list[Task]]:
    """Parts of at most so many, of much the same size; as few as there can be, but none of several rounds is idle."""
    parts = -(-len(same) // most)
    if parts > workers:
        parts = -(-parts // workers) * workers
    size = -(-len(same) // parts)
    return [same[start : start + size] for start in range(0, len(same), size)]


def _alike(task: Task) -> object:
    network, training = task.config.network, task.config.training
    if not trainable(network, training):
        return task.key
    unseeded = task.config.model_copy(update={"training": training.model_copy(update={"seed": 0})})
    return unseeded.toml(), task.data_sha256, task.extras
