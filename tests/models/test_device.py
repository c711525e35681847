"""Training elsewhere: what is exact on a GPU, that it goes on here, what it needs; skipped where torch finds none."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice

import numpy as np
import pytest
import small_conv_nets
import torch
from bitneck.ib_analysis.codes import Codes
from bitneck.models import plain
from bitneck.models.capture import capture, evaluating
from bitneck.models.checkpoints import restore, state_arrays
from bitneck.models.config import PRESETS, NetworkConfig, TrainingConfig
from bitneck.models.datasets import Dataset
from bitneck.models.networks import untrained
from bitneck.models.training import start, tensor_cores, train

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU here")
NETS = {
    "maps": small_conv_nets.config(8, whole=True),
    "cnv": PRESETS["cnv"].network,
    "rows": NetworkConfig(widths=(60, 64, 48, 4), input_bits=8),
}


@gpu
@pytest.mark.parametrize("name", NETS)
def test_sums_on_a_gpu_are_the_integers_and_codes_those_of_the_cpu(name):
    net = untrained(NETS[name], seed=3)
    pixels = np.random.default_rng(0).integers(0, 256, (64, net.config.inputs), np.uint8)
    here = capture(net, pixels)
    there = net.cuda()
    with tensor_cores(), evaluating(there):
        signs = plain.input_bits(there, torch.from_numpy(pixels).cuda())
        for layer in there.hidden:
            if hasattr(layer, "sums"):
                sums = layer.sums(signs)
                assert torch.equal(sums, sums.round())
            signs = layer(signs)
            code = signs.permute(0, 2, 3, 1).flatten(1) if signs.ndim == 4 else signs
            name_of = net.config.names[net.binarize is not None :][list(there.hidden).index(layer)]
            assert Codes.pack((code > 0).cpu().numpy()) == here.codes[name_of]


@gpu
def test_a_training_begun_on_a_gpu_goes_on_on_the_cpu():
    x = np.random.default_rng(0).integers(0, 256, (64, 60), np.uint8)
    data = Dataset("made", x, np.arange(64) % 4, x, np.arange(64) % 4, 4, 8)
    recipe = TrainingConfig(epochs=4, batch_size=16, teacher_epochs=2)
    run = start(NETS["maps"], recipe, data, "cuda")
    list(islice(train(run), 6))
    again = restore(state_arrays(run), data)
    assert [row.epoch for row in train(again)][-1] == 4


def test_a_training_needs_no_brevitas(tmp_path):
    program = f"""
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "brevitas":
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
sys.argv = ["bitneck", "train", {str(tmp_path / "run")!r}, "--preset", "digits-tiny", "--epochs", "1", "--quiet"]
from bitneck.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "run" / "checkpoint" / "checkpoint.npz").exists()


def test_the_room_that_trains_needs_torch_numpy_and_pydantic_alone():
    program = """
import sys
import torch, numpy, pydantic
before = set(sys.modules)
import bitneck.models.training, bitneck.models.checkpoints, bitneck.models.capture
def place(name):
    return getattr(sys.modules[name], "__file__", None) or ""
others = {name.partition(".")[0] for name in set(sys.modules) - before if "site-packages" in place(name)}
print(sorted(others - {"torch", "numpy", "pydantic", "pydantic_core", "typing_inspection", "annotated_types"}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
