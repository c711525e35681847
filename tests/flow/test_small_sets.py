"""Sets of hardly any samples: trained and analysed where that can be, else one line and no folder."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from bitneck.flow.belonging import analysis_of
from bitneck.flow.files import read_inputs
from bitneck.flow.folder import RunFolder


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


def test_inputs_that_repeat_are_known_and_a_layer_that_tells_them_apart_is_saturated(bitneck, tmp_path):
    """120 pictures of black and white, the second half of the samples showing some of them again and again."""
    data = set_of(tmp_path / "noise", 120, 120, 2)
    train, test = data / "train-images-idx3-ubyte", data / "t10k-images-idx3-ubyte"
    head, black_or_white = (
        train.read_bytes()[:16],
        np.random.default_rng(0).integers(0, 2, (120, 16)).astype(np.uint8) * 255,
    )
    train.write_bytes(head + black_or_white.tobytes())
    test.write_bytes(head + black_or_white[np.arange(120) % 7].tobytes())
    config = tmp_path / "asked.toml"
    config.write_text(
        'name = "noise"\ndataset = "noise"\n[network]\nwidths = [16, 64, 2]\ninput_bits = 8\n'
        "[training]\nepochs = 1\nbatch_size = 60\n[analysis]\nbrackets = 0\n"
    )
    assert bitneck("train", tmp_path / "run", "--config", config, "--data-dir", data).exit_code == 0
    assert bitneck("analyze", tmp_path / "run").exit_code == 0
    alike = read_inputs(RunFolder(tmp_path / "run").labels)
    assert alike is not None
    assert len(set(alike)) == len(np.unique(black_or_white, axis=0))
    wide = next(p for p in analysis_of(RunFolder(tmp_path / "run")).points if p.layer == "dense1")
    assert wide.i_xt.bits < np.log2(240) - 0.5, "far from log2 N"
    assert wide.i_xt.saturated, "and yet every input has a code of its own"
