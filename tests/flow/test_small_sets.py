"""Sets of hardly any samples: trained and analysed where that can be, else one line and no folder."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest


def set_of(folder: Path, train: int, test: int, classes: int) -> Path:
    """IDX files of 4 x 4 noise, the labels in turn; the folder for --data-dir."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for part, samples in (("train", train), ("t10k", test)):
        images = rng.integers(0, 256, (samples, 4, 4)).astype(np.uint8)
        labels = (np.arange(samples) % classes).astype(np.uint8)
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            head = struct.pack(f">{1 + array.ndim}I", 0x800 | array.ndim, *array.shape)
            (folder / f"{part}-{kind}-ubyte").write_bytes(head + array.tobytes())
    return folder


def trained(bitneck, tmp_path: Path, *, train: int, test: int, classes: int, samples: str, batch_size: int):
    data = set_of(tmp_path / "noise", train, test, classes)
    config = tmp_path / "asked.toml"
    config.write_text(
        f'name = "noise"\ndataset = "noise"\n[network]\nwidths = [16, 8, {classes}]\ninput_bits = 8\n'
        f'[training]\nepochs = 1\nbatch_size = {batch_size}\n[analysis]\nsamples = "{samples}"\n'
    )
    return bitneck("train", tmp_path / "run", "--config", config, "--data-dir", data)


@pytest.mark.parametrize(
    ("train", "test", "classes", "samples", "said"),
    [
        (1, 2, 1, "all", "noise has 1 training sample; batch-norm takes the variance of at least 2"),
        (1, 20, 1, "test", "noise has 1 training sample"),
        (3, 1, 1, "all", "noise: samples=all are 4, and analyze splits them for its probe; it needs 6"),
        (50, 5, 2, "test", "noise: samples=test are 5, and analyze splits"),
        (50, 0, 2, "all", "0 x 4 x 4 elements, an empty data set"),
    ],
)
def test_a_set_too_small_is_one_line_and_leaves_no_folder(bitneck, tmp_path, train, test, classes, samples, said):
    result = trained(bitneck, tmp_path, train=train, test=test, classes=classes, samples=samples, batch_size=128)
    assert result.exit_code == 2, result.output
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("train", "test", "classes", "samples", "batch_size"),
    [(2, 4, 2, "all", 128), (3, 9, 2, "test", 2), (6, 1, 1, "train", 4), (9, 5, 9, "all", 8)],
)
def test_a_small_set_is_trained_and_analysed(bitneck, tmp_path, train, test, classes, samples, batch_size):
    shape = {"train": train, "test": test, "classes": classes, "samples": samples}
    result = trained(bitneck, tmp_path, **shape, batch_size=batch_size)
    assert result.exit_code == 0, result.output
    result = bitneck("analyze", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "Probe bound" in result.output
