"""Runs beside one another: what each reached, as a row; and in what two or more of them differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .belonging import analysis_of
from .config import RunConfig
from .folder import RunFolder, all_synthesised, history, is_there
from .pages.planes_of_runs import distinct_names
from .unbuilt import proven

Row = dict[str, Any]
ABSENT = "-"


def row(folder: RunFolder, name: str) -> Row:
    """What a run has reached so far; what it has not is not among it.

    Accuracies are 0 .. 1; `equal` says whether every bit of every source is; sizes are of every part synthesised.
    """
    config = folder.config()
    found: Row = {"run": name, "dataset": config.dataset, "net": config.described()}
    if isinstance(config, RunConfig) and is_there(folder.checkpoint):
        epochs = history(folder)
        found |= {"epochs": int(epochs[-1]["epoch"]), "test_accuracy": epochs[-1]["test_accuracy"]}
    if is_there(folder.verification):
        found |= _proof(folder)
    for done in all_synthesised(folder):
        found |= {f"{done.place}_luts": done.total("luts"), f"{done.place}_brams": done.total("brams")}
        if done.fmax_mhz is not None and done.frames_per_second is not None:
            found |= {f"{done.place}_mhz": done.fmax_mhz, f"{done.place}_frames_per_second": done.frames_per_second}
    if is_there(folder.plane):
        points = analysis_of(folder).points
        for point in (point for point in points if point.epoch == points[-1].epoch):
            for what, estimate in (("i_xt", point.i_xt), ("i_ty", point.i_ty)):
                found[f"{point.layer}_{what}_bits"] = None if estimate.verdict.refused else estimate.bits
    return found


def _proof(folder: RunFolder) -> Row:
    done = proven(folder)
    said: Row = {"samples": done.samples, "equal": done.equal}
    for key in ("accuracy", "cycles_per_frame", "latency_cycles"):
        if hasattr(done, key):
            said["proven_accuracy" if key == "accuracy" else key] = getattr(done, key)
    return said


def rows(folders: Sequence[RunFolder]) -> list[Row]:
    """Of every run, all with the same keys; None where one has not come so far."""
    names = distinct_names(folder.path for folder in folders)
    found = [row(folder, name) for folder, name in zip(folders, names, strict=True)]
    keys = list(dict.fromkeys(key for each in found for key in each))
    return [{key: each.get(key) for key in keys} for each in found]


def differences(folders: Sequence[RunFolder]) -> list[Row]:
    """A row for every field of the configurations, and every layer's digest, that is not the same in all runs.

    `what`, then a column a run.
    """
    names = distinct_names(folder.path for folder in folders)
    asked = [dict(_flat(folder.config().model_dump(mode="json"))) for folder in folders]
    digests = [_digests(folder) for folder in folders]
    whats = [
        *((key, [each.get(key) for each in asked]) for key in _keys(asked)),
        *((f"codes of {layer}, sha256", [each.get(layer) for each in digests]) for layer in _keys(digests)),
    ]
    return [
        {"what": what, **dict(zip(names, values, strict=True))}
        for what, values in whats
        if any(value != values[0] for value in values)
    ]


def _keys(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for each in rows for key in each))


def _flat(values: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{place}{key}.")
        else:
            yield place + key, value


def _digests(folder: RunFolder) -> dict[str, str]:
    """Of every layer's codes, of the source that the others are held against; empty where nothing was proven."""
    if not is_there(folder.verification):
        return {}
    done = proven(folder)
    return {layer: next(iter(by_source.values())) for layer, by_source in done.digests.items()}


def shown(key: str, value: Any) -> str:
    """A cell of a table to read."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if key.endswith("accuracy"):
        return f"{value:.2%}"
    if isinstance(value, float):
        return f"{value:,.0f}" if key.endswith("per_second") else f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)[:16] if "sha256" in key else str(value)
