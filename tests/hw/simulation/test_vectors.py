"""Golden vectors, replayed by a bench that shares nothing with ours: plain Verilog, its own handshake, `$readmemh`.

The bench is made from `vectors.json` and README.txt alone, as a stranger would.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from bitneck.hw.accelerator import lower
from bitneck.hw.folding import Folding
from bitneck.hw.simulation.vectors import vectors
from bitneck.hw.simulation.verilator import find_verilator
from bitneck.hw.verilog import verilog
from conv_nets import every_stage, random_levels
from random_nets import random_frames, random_graph

PIXELS = random_graph([12, 9, 6, 3], 5, name="pixels")
BITS = random_graph([12, 10, 7, 2], 1, name="bits")
DESIGNS = {
    "pixels": (
        PIXELS,
        lower(
            PIXELS, {"binarize": Folding(4), "dense1": Folding(3, 3), "dense2": Folding(2, 9), "scores": Folding(1, 2)}
        ),
    ),
    "scores": (
        BITS,
        lower(BITS, {"dense1": Folding(5, 3), "dense2": Folding(7, 2), "scores": Folding(2, 1)}, "scores", 3),
    ),
    "maps": every_stage(fifo_depth=3),
}
X = {
    "pixels": random_frames(PIXELS, 20),
    "scores": random_frames(BITS, 20),
    "maps": random_levels(DESIGNS["maps"][0], 4),
}
EVERY = pytest.mark.parametrize("name", DESIGNS)
SIMULATORS = [
    "verilator",
    pytest.param("icarus", marks=pytest.mark.skipif(not shutil.which("iverilog"), reason="no Icarus")),
]


def exported(name: str) -> dict[str, str]:
    graph, accelerator = DESIGNS[name]
    return vectors(accelerator, X[name], graph(X[name]))


WATCH = """
  reg [{bits}:0] words_{stream} [0:{count}-1];
  integer seen_{stream} = 0;
  initial $readmemh("{file}", words_{stream});
  always @(posedge clk) if (!rst && {valid} && {ready}) begin
    if (seen_{stream} >= {count}) begin $display("DIFFERENT {stream}: a beat too many"); bad = 1; end
    else if ({shown} !== words_{stream}[seen_{stream}]{part}) begin
      if (!bad) $display("DIFFERENT {stream} beat %0d: %h", seen_{stream}, {shown});
      bad = 1;
    end
    seen_{stream} = seen_{stream} + 1;
  end
"""

BENCH = """
`timescale 1ns/1ns
module stranger;
  reg clk = 0, rst = 1, bad = 0;
  always #5 clk = ~clk;
  integer cycle = 0, sent = 0;
  integer chance = 32'h1234567;
  reg [{in_bits}:0] stimulus [0:{in_count}-1];
  initial $readmemh("s_axis.hex", stimulus);
  reg offering = 0, taking = 0;
  wire accepted;
  wire [{in_bits}-1:0] s_data = offering ? stimulus[sent][{in_bits}-1:0] : {{{in_bits}{{1'b0}}}};
  wire [{out_bits}-1:0] m_data;
  wire m_valid, m_last;
  {design} dut (.clk(clk), .rst(rst), .s_axis_tdata(s_data), .s_axis_tvalid(offering), .s_axis_tready(accepted),
    .m_axis_tdata(m_data), .m_axis_tvalid(m_valid), .m_axis_tready(taking), .m_axis_tlast(m_last));
  {watches}
  always @(negedge clk) begin  // half a cycle away from the edge at which the design looks
    cycle = cycle + 1;
    if (cycle == 4) rst = 0;
    chance = chance * 1103515245 + 12345;
    if (!offering && !rst && sent < {in_count}) offering = chance[20];
    taking = chance[23:22] != 0;
    if (seen_m_axis == {out_count} || cycle == 40000) begin
      if (seen_m_axis != {out_count}) begin $display("DIFFERENT m_axis: only %0d beats", seen_m_axis); bad = 1; end
      if (!bad) $display("EQUAL");
      $finish;
    end
  end
  always @(posedge clk) if (offering && accepted) begin
    sent <= sent + 1;
    offering <= sent + 1 < {in_count} && chance[25];
  end
endmodule
"""


def stranger(manifest: dict) -> str:
    """A testbench for the vectors, from what their manifest says."""
    frames, streams = manifest["frames"], {row["stream"]: row for row in manifest["streams"]}
    counts = {name: frames * row["beats_per_frame"] for name, row in streams.items()}
    watches = ""
    for name, row in streams.items():
        if name == "s_axis":
            continue
        inner = name != "m_axis"
        top = row["data_bits"] - 1
        watches += WATCH.format(
            stream=name,
            file=row["file"],
            bits=row["data_bits"],
            count=counts[name],
            valid=f"dut.{name}_tvalid" if inner else "m_valid",
            ready=f"dut.{name}_tready" if inner else "taking",
            shown=f"dut.{name}_tdata" if inner else "{m_last, m_data}",
            part=f"[{top}:0]" if inner else "",
        )
    return BENCH.format(
        design=manifest["design"],
        in_bits=streams["s_axis"]["data_bits"],
        in_count=counts["s_axis"],
        out_bits=streams["m_axis"]["data_bits"],
        out_count=counts["m_axis"],
        watches=watches,
    )


def neighbour() -> dict[str, str]:
    """A design of the same shape with other weights, of a version whose neurons answer the opposite."""
    graph, accelerator = DESIGNS["pixels"]
    lanes = {name: accelerator.layer(name).lanes() for name in accelerator.layers}
    foldings = {name: Folding(each["PE"], each.get("SIMD", 1)) for name, each in lanes.items()}
    files = verilog(lower(random_graph([12, 9, 6, 3], graph.input_bits, seed=7, name="neighbour"), foldings))
    assert any("!accumulators" in text for text in files.values())
    return {name: text.replace("!accumulators", "accumulators") for name, text in files.items()}


def compiled(simulator: str, name: str, folder: Path) -> list[str]:
    """The command that replays the vectors that lie in `folder`, where another design lies too."""
    for file, text in {**verilog(DESIGNS[name][1]), **exported(name), **neighbour()}.items():
        (folder / file).write_text(text)
    (folder / "stranger.sv").write_text(stranger(json.loads((folder / "vectors.json").read_text())))
    sources = sorted(path.name for path in folder.glob("*.sv"))
    if simulator == "icarus":
        subprocess.run(["iverilog", "-g2012", "-s", "stranger", "-o", "stranger", *sources], cwd=folder, check=True)
        return ["vvp", "-n", "stranger"]
    tool = find_verilator()
    options = ["--binary", "--timing", "-Wno-fatal", "-Wno-lint", "--top-module", "stranger", "-CFLAGS", "-O0"]
    subprocess.run(
        [str(tool.binary), *options, *sources], cwd=folder, env=tool.environment(), check=True, capture_output=True
    )
    return [str(folder / "obj_dir" / "Vstranger")]


@pytest.fixture(scope="module", params=SIMULATORS)
def replay(request, tmp_path_factory):
    """Replays a design's vectors, some of them replaced by `planted`; what the bench said."""
    built: dict[str, tuple[Path, list[str]]] = {}

    def run(name: str, **planted: str) -> str:
        if name not in built:
            folder = tmp_path_factory.mktemp(f"{request.param}_{name}")
            built[name] = folder, compiled(request.param, name, folder)
        folder, command = built[name]
        kept = {stream: (folder / f"{stream}.hex").read_text() for stream in planted}
        try:
            for stream, text in planted.items():
                (folder / f"{stream}.hex").write_text(text)
            return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60).stdout
        finally:
            for stream, text in kept.items():
                (folder / f"{stream}.hex").write_text(text)

    run.read = lambda name, stream: (built[name][0] / f"{stream}.hex").read_text()  # type: ignore[attr-defined]
    return run


@EVERY
def test_a_strangers_bench_finds_every_stream_as_the_vectors_say(replay, name):
    assert "EQUAL" in replay(name).splitlines()


def flipped(text: str, line: int, bit: int) -> str:
    lines = text.splitlines()
    lines[line] = f"{int(lines[line], 16) ^ 1 << bit:0{len(lines[line])}x}"
    return "\n".join(lines) + "\n"


@EVERY
def test_a_flipped_bit_of_any_vector_is_found_where_it_lies(replay, name):
    assert "EQUAL" in replay(name)
    for row in json.loads(exported(name)["vectors.json"])["streams"]:
        stream, beat, top = row["stream"], len(X[name]) * row["beats_per_frame"] // 2, row["data_bits"] - 1
        if stream == "s_axis":
            continue
        for bit in {0, top}:
            said = replay(name, **{stream: flipped(replay.read(name, stream), beat, bit)})
            assert said.startswith(f"DIFFERENT {stream} beat {beat}: "), (stream, bit, said)


def test_a_wrong_tlast_of_the_output_is_found(replay):
    assert "EQUAL" in replay("scores")
    said = replay("scores", m_axis=flipped(replay.read("scores", "m_axis"), 3, 8))
    assert said.startswith("DIFFERENT m_axis beat 3: ")


def test_a_flipped_bit_of_the_stimulus_changes_what_is_computed(replay):
    assert "EQUAL" in replay("scores")
    assert "DIFFERENT dense1" in replay("scores", s_axis=flipped(replay.read("scores", "s_axis"), 0, 0))


@EVERY
def test_digests_are_what_the_documented_recipe_gives(name):
    files, frames = exported(name), len(X[name])
    rows = {row["stream"]: row for row in json.loads(files["vectors.json"])["streams"]}
    layers = DESIGNS[name][0](X[name]).layers()
    assert [stream for stream, row in rows.items() if "codes_sha256" in row] == list(layers)
    for stream, row in rows.items():
        words = files[row["file"]].splitlines()
        assert len(words) == frames * row["beats_per_frame"]
        assert hashlib.sha256(files[row["file"]].encode()).hexdigest() == row["sha256"]
        if stream not in layers:
            continue
        width, beats = row["data_bits"], row["beats_per_frame"]
        content = b""
        for frame in range(frames):
            code = 0
            for beat, word in enumerate(words[frame * beats : (frame + 1) * beats]):
                assert int(word, 16) >> width == (beat == beats - 1)
                code |= (int(word, 16) % (1 << width)) << beat * width
            content += code.to_bytes(-(-row["code_bits"] // 8), "little")
        digest = hashlib.sha256(f"{row['code_bits']} {frames}\n".encode() + content).hexdigest()
        assert digest == row["codes_sha256"] == layers[stream].digest()


def test_a_line_read_backwards_is_the_buffer_of_a_dma():
    """The note on PYNQ: pixels in the order in which they lie in memory."""
    lines = exported("pixels")["s_axis.hex"].splitlines()
    lanes = DESIGNS["pixels"][1].stages[0].in_width // 8
    buffer = b"".join((int(line, 16) % (1 << 8 * lanes)).to_bytes(lanes, "little") for line in lines)
    assert buffer == X["pixels"].tobytes()
