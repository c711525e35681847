"""FINN+ as an independent judge: its own compiler reads our file, executes it in its own operators, and estimates it.

It lives in an environment of its own (`make judge` makes .venv-judge; FINN+ and finn-base both own files under finn/),
so it is asked through a process: `finn_plus_script.py` runs there and imports nothing of ours.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...ib_analysis.codes import Codes, Source, Trace
from ..graph import Graph
from .compare import first_mismatch
from .estimates import Estimates, Operator

VERSION = "1.6.1"
PART = "xc7z020clg400-1"  # the Zynq of the Pynq-Z1 and Z2, for which FINN publishes its numbers
PYTHON = "BITNECK_FINN_PLUS"  # environment variable: the Python of another environment that has FINN+
PROGRESS = "finn-plus: "  # begins the lines of finn_plus_script.py that are meant for us
STAGES: Mapping[str, Source] = {
    "streamlined": "finn-plus",
    "hardware": "finn-plus hardware",
    "narrowed": "finn-plus narrowed",
}


class JudgeError(ValueError):
    """FINN+ is not there, refuses the file, or takes too long."""


class RefusalError(JudgeError):
    """A judge was asked, and does not take the file."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """What FINN+ made of a file.

    streamlined   of its streamlined model: floats absorbed into thresholds, XNOR and popcount
    hardware      of the hardware operators that it infers from that, with integer thresholds
    narrowed      of the same with the widths that it finds enough. FINN+ 1.6.1 takes the range of a popcount for that
                  of a sum of ±1 over bits 0 and 1, and clips thresholds to it: where this trace differs, or where an
                  operator of `estimates` has an overflow, what it would build errs, and our file is not to blame
    classes       (n,) by source, what its TopK or LabelSelect says
    """

    streamlined: Trace
    hardware: Trace
    narrowed: Trace
    classes: Mapping[Source, NDArray[np.int32]]
    estimates: Estimates

    def mismatches(self, graph: Graph, reference: Trace, x: NDArray[np.uint8]) -> list[str]:
        """Where FINN+ says something else than `reference`; empty where it agrees. `narrowed` is not our concern."""
        return [
            complaint
            for trace in (self.streamlined, self.hardware)
            if (complaint := self.mismatch(trace, graph, reference, x)) is not None
        ]

    def mismatch(self, trace: Trace, graph: Graph, reference: Trace, x: NDArray[np.uint8]) -> str | None:
        """The first difference of one of the three traces: a bit, a score, or the class of a sample."""
        found = first_mismatch(graph, reference, trace, x)
        if found is not None:
            return str(found)
        said, due = self.classes[trace.source], reference.predictions()
        if np.array_equal(said, due):
            return None
        sample = int((said != due).argmax())
        return f"class: sample {sample}: {reference.source} says {due[sample]}, {trace.source} says {said[sample]}"


@dataclass(frozen=True)
class ThresholdingRtl:
    """One generated `Thresholding_rtl`, which tells for every channel whether its input reaches its threshold.

    name         of our layer
    top          its module
    pe           channels a beat
    input_bits   of one channel
    sources      every file to compile; its memories lie beside the last, and it looks for them in the working folder
    """

    name: str
    top: str
    pe: int
    input_bits: int
    sources: tuple[Path, ...]


def available() -> str | None:
    """None where FINN+ can be asked; otherwise one sentence with the way out."""
    python, question = _python(), "from importlib.metadata import version; print(version('finn-plus'))"
    way_out = f"`make judge` installs it, or set {PYTHON} to the Python of an environment that has it"
    try:
        done = subprocess.run([python, "-I", "-c", question], capture_output=True, text=True)
    except OSError as error:
        return f"FINN+ is not installed: {python}: {error.strerror}; {way_out}"
    if done.stdout.strip() == VERSION:
        return None
    found = f"finn-plus {done.stdout.strip()}" if done.returncode == 0 else "no finn-plus"
    return f"{python} has {found}, not {VERSION}; {way_out}"


def judge(
    model: bytes,
    x: NDArray[np.uint8],
    foldings: Mapping[str, tuple[int, int]],
    part: str = PART,
    progress: Callable[[str], None] = lambda line: None,
    limit_s: float = 600,
) -> Verdict:
    """What FINN+ makes of a file of `bitneck export`: every layer's codes and the scores of x, and what it would cost.

    x          (n, inputs) uint8, as for `Graph.__call__`
    foldings   PE and SIMD by layer; a layer left out gets one lane
    progress   is told what FINN+ is at
    limit_s    seconds after which it is stopped

    Raises JudgeError where FINN+ is missing, refuses the file or takes longer.
    """
    with tempfile.TemporaryDirectory(prefix="bitneck-judge-") as work:
        folder = Path(work)
        np.save(folder / "x.npy", x)
        _ask(folder, model, _request(foldings, part), progress, limit_s)
        said = dict(np.load(folder / "said.npz"))
        rows = json.loads((folder / "estimates.json").read_text())
    traces = {stage: _trace(said, stage) for stage in STAGES}
    classes = {source: said[f"{stage}/classes"][:, 0] for stage, source in STAGES.items()}
    return Verdict(**traces, classes=classes, estimates=Estimates(part, tuple(Operator(**row) for row in rows)))


def thresholding_rtl(
    model: bytes, foldings: Mapping[str, tuple[int, int]], folder: Path, part: str = PART, limit_s: float = 600
) -> Sequence[ThresholdingRtl]:
    """FINN's own SystemVerilog for the thresholds of every layer, left in `folder`; simulators need no vendor tool.

    Each takes agreeing bits, or the pixels where it is `binarize`, and PE as in `foldings`.
    """
    _ask(folder, model, _request(foldings, part, rtl=True), lambda line: None, limit_s)
    rows = json.loads((folder / "rtl.json").read_text())
    return [ThresholdingRtl(**row | {"sources": tuple(Path(source) for source in row["sources"])}) for row in rows]


def thresholds_reached(
    model: bytes,
    x: NDArray[np.float32],
    progress: Callable[[str], None] = lambda line: None,
    limit_s: float = 600,
) -> tuple[list[NDArray[np.uint16]], NDArray[np.float32]]:
    """Of any QONNX file, as far as FINN+ streamlines it: by quantizer, in the file's order, how many of its thresholds
    each element reaches, (n, elements) in the order of its tensor, and the floats that leave.

    x   (n, ...) what the file takes

    Raises RefusalError where FINN+ does not get through it or takes longer, JudgeError where it is missing.
    """
    with tempfile.TemporaryDirectory(prefix="bitneck-judge-") as work:
        folder = Path(work)
        np.save(folder / "x.npy", x)
        _ask(folder, model, {"any": True}, progress, limit_s)
        said = dict(np.load(folder / "said.npz"))
    return [said[name] for name in sorted(said.keys() - {"last"})], said["last"]


def _python() -> Path:
    given = os.environ.get(PYTHON)
    return Path(given) if given else Path(__file__).resolve().parents[2] / ".venv-judge" / "bin" / "python"


def _request(foldings: Mapping[str, tuple[int, int]], part: str, rtl: bool = False) -> dict[str, Any]:
    return {"foldings": dict(foldings), "part": part, "rtl": rtl, "any": False}


def _ask(
    folder: Path,
    model: bytes,
    request: Mapping[str, Any],
    progress: Callable[[str], None],
    limit_s: float,
) -> None:
    """Runs the script in FINN+'s environment; its answers lie in `folder` afterwards."""
    if (missing := available()) is not None:
        raise JudgeError(missing)
    (folder / "model.onnx").write_bytes(model)
    (folder / "request.json").write_text(json.dumps(request))
    # FINN+ would otherwise make a folder in the user's home for its settings.
    environment = {**os.environ, "FINN_SETTINGS": str(folder / "settings.yaml"), "FINN_BUILD_DIR": str(folder)}
    words = folder / "words.log"
    script = resources.files(__package__).joinpath("finn_plus_script.py")
    with resources.as_file(script) as path, words.open("w") as complaints:
        # -I: or the script's own folder would hide packages behind our modules of the same name
        command = [str(part) for part in (_python(), "-I", path, folder)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=complaints, text=True) as child:
            watch = threading.Timer(limit_s, child.kill)
            watch.start()
            try:
                assert child.stdout is not None
                for line in child.stdout:
                    if line.startswith(PROGRESS):
                        progress(line.removeprefix(PROGRESS).rstrip())
            except BaseException:
                child.kill()
                raise
            finally:
                watch.cancel()
    if child.returncode == -signal.SIGKILL:
        raise RefusalError(
            f"FINN+ was stopped after {limit_s:g} s, or before for want of memory; ask about fewer samples"
        )
    if child.returncode:
        raise RefusalError(f"FINN+ does not get through this file: {_complaint(words.read_text())}")


def _complaint(words: str) -> str:
    """What a traceback ends in, which may run over lines; the last line of anything else."""
    lines = words.strip().splitlines() or ["it said nothing"]
    raised = [index for index, line in enumerate(lines) if re.match(r"[\w.]+(Error|Exception)\b", line)]
    return " ".join(" ".join(lines[raised[-1] if raised else -1 :]).split())[:300]


def _trace(said: Mapping[str, NDArray], stage: str) -> Trace:
    layers = {key.partition("/")[2]: value for key, value in said.items() if key.startswith(f"{stage}/")}
    scores = layers.pop("scores")
    del layers["classes"]
    codes = {name: Codes.from_array(values) for name, values in layers.items()}
    return Trace(STAGES[stage], codes, scores, int(said["fan_in"]))
