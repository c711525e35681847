"""`make models`: every public model that lies in models/ of BITNECK_DATA, read and held against two executors; a table.

    python tests/export/models.py [--samples N] [FILE ...]

Exit 1 where a code differs by more than rounding.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bitneck.flow.config import RANDOM
from bitneck.flow.importing import Report, import_model
from public_models import PUBLIC, Public, folder
from rich.console import Console
from rich.table import Table

HEAD = ("file", "layers", "samples", "of", "right", "ONNX Runtime", "qonnx", "seconds")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make models")
    parser.add_argument("files", nargs="*", help="parts of names; by default all")
    parser.add_argument("--samples", type=int, default=1000, help="that executors are asked for")
    asked = parser.parse_args()
    console = Console()
    if not folder().is_dir():
        console.print("no models here: BITNECK_DATA names no folder that holds models/")
        return 2
    table, different = Table(*HEAD, box=None), False
    for public in PUBLIC:
        if asked.files and not any(part in public.file for part in asked.files):
            continue
        began = time.monotonic()
        with console.status(public.file) as status, tempfile.TemporaryDirectory() as place:
            report = imported(
                public, Path(place), asked.samples, lambda text, name=public.file: status.update(f"{name}: {text}")
            )
        different |= not report.equal
        table.add_row(*row(public, report), f"{time.monotonic() - began:.0f}")
    console.print(table)
    return 1 if different else 0


def imported(public: Public, place: Path, samples: int, tell) -> Report:
    file = place / public.file.removesuffix(".gz")
    file.write_bytes(public.content())
    data = Path(os.environ["BITNECK_DATA"])
    has_data = public.dataset is not None and any((data / public.dataset).glob("t*"))
    if public.dataset == "cifar10":
        has_data = (data / "cifar10" / "test_batch.bin").exists()
    dataset = public.dataset if has_data and public.dataset else RANDOM
    return import_model(file, place / "run", public.pixels, dataset, data, prove=samples, tell=tell)


def row(public: Public, report: Report) -> list[str]:
    said = [
        each.skipped
        or each.mismatch
        or ("equal" if not each.moved else f"rounding moved {each.moved:,} of {each.codes:,}, {each.classes} classes")
        for each in report.executed
    ]
    right = "" if report.accuracy is None else f"{report.accuracy:.2%}"
    return [public.file, str(len(report.graph.layers)), f"{report.proven:,}", report.dataset, right, *said]


if __name__ == "__main__":
    sys.exit(main())
