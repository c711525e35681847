"""`make planted`: single bits of LUTs turned round in a packed iCE40 bitstream, read back, run over every sample of the
run, and looked for: a line each.

    python tests/hw/planted_bits.py runs/digits-tiny [--bits N] [--seed N]

Exit 1 where a bit that changes a frame is not found.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from bitneck.flow import silicon
from bitneck.flow.belonging import graph_of
from bitneck.flow.config import chosen_samples, design
from bitneck.flow.folder import RunFolder
from bitneck.flow.run import trained_on
from bitneck.hw.gate_level.chip import chip
from bitneck.hw.gate_level.fault import culprits
from bitneck.hw.gate_level.simulator import case_of, gate_level, interface
from bitneck.hw.synthesis.read_back import read_back
from bitneck.hw.synthesis.shell import Shell
from bitneck.hw.synthesis.targets import target_of
from bitneck.hw.synthesis.yowasp import run
from pins import UP5K

TABLE = (4, 14, 15, 5, 6, 16, 17, 7, 3, 13, 12, 2, 1, 11, 10, 0)
"""Of a logic cell's 20 bits, ten in each of two rows from column 36 on, those of its LUT (Project IceStorm)."""


def turned_round(text: str, tile: tuple[int, int], lut: int, bit: int) -> str:
    """The unpacked bitstream with one bit of a LUT the other way."""
    lines = text.splitlines()
    at = lines.index(f".logic_tile {tile[0]} {tile[1]}") + 1 + 2 * lut + TABLE[bit] // 10
    column = 36 + TABLE[bit] % 10
    lines[at] = lines[at][:column] + "10"[int(lines[at][column])] + lines[at][column + 1 :]
    return "\n".join([*lines, ""])


def main() -> int:
    parser = argparse.ArgumentParser(prog="make planted")
    parser.add_argument("run", type=Path)
    parser.add_argument("--bits", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    folder, target, rng = RunFolder(asked.run), target_of("up5k"), np.random.default_rng(asked.seed)
    assert target.unpack is not None
    assert target.pack is not None
    silicon.synth(folder, "up5k", UP5K)
    graph, config = graph_of(folder), folder.config()
    accelerator = design(config, graph)
    shell, made = Shell(accelerator), folder.synthesis("up5k").parent
    x, _ = chosen_samples(config, trained_on(folder, config, None))
    expected, missed = graph(x), 0
    with tempfile.TemporaryDirectory(prefix="bitneck-") as work:
        right = chip(read_back(shell, target, made, Path(work) / "right"), shell.name)
        cells = [lut.name for lut in right.luts if lut.name.startswith("LUT ") and len(set(lut.inputs)) == 4]
        for trial in range(asked.bits):
            where = cells[rng.integers(len(cells))]
            words = where.replace("(", "").replace(")", "").replace(",", "").split()
            lut, tile, bit = int(words[1]), (int(words[4]), int(words[5])), int(rng.integers(16))
            wrong = Path(shutil.copytree(made, Path(work) / f"wrong{trial}"))
            run(target.unpack, wrong)
            (wrong / "chip.asc").write_text(turned_round((wrong / "chip.asc").read_text(), tile, lut, bit))
            shutil.copy(wrong / "chip.asc", wrong / target.pack.arguments[0])
            run(target.pack, wrong)
            shutil.copy(made / target.pack.arguments[0], wrong)  # what the placer said of wires
            circuit = chip(read_back(shell, target, wrong, Path(work) / f"read{trial}"), shell.name)
            model, began = gate_level(circuit, accelerator, "bitstream"), time.process_time()
            said = model(x)
            seconds = time.process_time() - began
            differs = said.classes != expected.predictions()
            for name, codes in expected.layers().items():
                differs |= (codes.packed != said.trace.layers()[name].packed).any(axis=1)
            print(
                f"a bit of {where} turned round: {differs.sum():,} of {len(x):,} frames differ, {seconds:.3f} s of CPU"
            )
            if not differs.any():
                continue
            some = np.concatenate([np.flatnonzero(differs)[:8], np.flatnonzero(~differs)[:8]])
            one, several = (case_of(circuit, accelerator, x[part], graph(x[part])) for part in (some[:1], some))
            began = time.process_time()
            found = culprits(circuit, *interface(circuit, accelerator), one, several, 2 * shell.cycles + 200)
            print(
                f"    found in {time.process_time() - began:.0f} s of CPU: {' or '.join(map(str, found)) or 'nothing'}"
            )
            missed += not any(each.part.name == where for each in found)
            sys.stdout.flush()
    return bool(missed)


sys.exit(main())
