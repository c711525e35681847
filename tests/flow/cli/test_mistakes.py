"""What people type and have by mistake: each is one line that says the place, the numbers and the way out, and exits
with 2; nothing that was there is touched.
"""

from __future__ import annotations

import shutil

import numpy as np
import pytest

# The words as typed, in a folder that holds what `home` makes, and what the line says.
MISTAKES = {
    "a preset's name": ("run runs/digit", "no preset 'digit'; did you mean 'digits'?"),
    "the preset asked for": ("run runs/new --preset tfcc", "no preset 'tfcc'; did you mean 'tfc'?"),
    "a verb's name": ("rnu runs/digits", "no such command 'rnu'; did you mean 'run'"),
    "an option's name": ("build runs/digits --cylces 3", "no such option: --cylces"),
    "no part and no board": ("synth runs/digits", "for what? --target names a part, one of up5k, hx8k"),
    "a board's name": ("synth runs/digits --board icebraker", "no board 'icebraker'; choose one of colorlight_5a_75b"),
    "a board file not here": ("synth runs/digits --board my.toml", "my.toml: no such file or directory, seen from"),
    "a board file of a run": ("synth runs/digits --board broken.toml", "broken.toml: Illegal character"),
    "pins of a board": ("synth runs/digits --board icebreaker --pins a.pcf", "--pins is of a part; a board's file"),
    "taps of a part": ("synth runs/digits --target up5k --taps all", "are of a board's link; name one with --board"),
    "gates of nothing": (
        "verify runs/digits --netlist",
        "synth holds no netlist; `bitneck synth runs/digits --target up5k`",
    ),
    "a package for nothing": ("package runs/digits", "a package for what? --vivado"),
    "a package before building": ("package runs/unbuilt --vivado", "missing; `bitneck build runs/unbuilt` makes it"),
    "energy of nothing": ("energy runs/digits", "nothing measured in runs/digits; --watts, --fps, --instrument"),
    "half a measurement": ("energy runs/digits --watts 1,2", "a measurement needs --fps, --instrument, --board too"),
    "one number of watts": (
        "energy runs/digits --watts 2 --fps 9 --instrument x --board y",
        "--watts 2: two numbers are due, IDLE,BUSY",
    ),
    "less when busy": (
        "energy runs/digits --watts 2,1 --fps 9 --instrument x --board y",
        "1 W busy are less than 2 W idle",
    ),
    "no frames": (
        "energy runs/digits --watts 1,2 --fps 0 --instrument x --board y",
        "0 frames a second are no measurement",
    ),
    "the run left out": ("build", "missing argument '"),
    "a choice": ("simulate runs/digits --tier fast", "'fast' is not one of 'library', 'cocotb'"),
    "a number below its range": ("simulate runs/digits --workers 0", "invalid value for '--workers'"),
    "words for a number": ("train runs/digits --epochs many", "invalid value for '--epochs'"),
    "a file that is not there": ("run runs/new --config nope.toml", "nope.toml: no such file or directory, seen from"),
    "a run.toml that is none": ("run runs/new --config broken.toml", "broken.toml: Illegal character '\\n' (at line 1"),
    "a key's name": ("run runs/new --config typo.toml", "network: unknown key 'widhts'; did you mean 'widths'?"),
    "text for a number": ("run runs/new --config text.toml", "training.epochs: Input should be a valid integer"),
    "an activation's name": (
        "run runs/new --config sign.toml",
        "'aprox-sign'; did you mean 'approx-sign'",
    ),
    "widths for other data": (
        "run runs/new --config widths.toml",
        "has 64 inputs of 5 bits and 10 classes, but the network 60-8-10",
    ),
    "data that are not here": ("run runs/new --dataset fashion", "fashion is no embedded data set"),
    "a folder that is not here": ("run runs/tfc --data-dir nowhere", "nowhere: no such folder; give --data-dir"),
    "a file of data not here": ("run runs/new --dataset nope.csv", "nope.csv: no such file or folder, seen from"),
    "the label's column": ("run runs/new --dataset flowers.csv", "no column 'label' among 3; known are a, b, kind"),
    "another column": (
        "run runs/new --dataset flowers.csv --label kid",
        "no column 'kid' among 3; did you mean 'kind'?",
    ),
    "arrays left out": (
        "run runs/new --dataset some.npz",
        "train_x, train_y, test_x, test_y belong there",
    ),
    "a quantity for classes": ("run runs/new --dataset real.npz", "classes are whole numbers or text"),
    "a picture for data": ("run runs/new --dataset pic.png", "pic.png: no kind of file that is read; .npz or .csv"),
    "no epoch": ("train runs/digits --epochs 0", "training.epochs: Input should be greater than or equal to 1"),
    "fewer epochs than trained": ("train runs/digits --epochs 3", "training.epochs is 6 there, 3 asked"),
    "another seed": ("train runs/digits --seed 5", "training.seed is 0 there, 5 asked"),
    "a GPU that is not here": (
        "train runs/new --preset digits --device cuda:7",
        "cannot train on device 'cuda:7'",
    ),
    "building before training": ("build runs/new", "runs/new/run.toml is missing; `bitneck train runs/new` makes it"),
    "simulating before building": (
        "simulate runs/unbuilt",
        "missing; `bitneck build runs/unbuilt` makes it",
    ),
    "a report before analysis": ("report runs/unmeasured", "plane.json is missing; `bitneck analyze runs/unmeasured`"),
    "a cluster that is not there": (
        "simulate runs/digits --scheduler tcp://localhost:1",
        "no dask scheduler",
    ),
    "a board that is not there": (
        "board runs/digits --port /dev/nowhere",
        "/dev/nowhere at 3,000,000 baud cannot be opened",
    ),
    "a layer that is not there": (
        "board runs/digits --simulate --taps dense9",
        "no layer 'dense9' to tap; it has binarize, dense1, dense2, scores",
    ),
    "every third frame": (
        "board runs/digits --simulate --taps all --every 3",
        "every 3 frames; choose 1, 2, 4, 8, 16 or 32",
    ),
    "every of no number": ("board runs/digits --simulate --taps all --every ²", "every '²' frames is no number; give"),
    "every of no layer": (
        "board runs/digits --simulate --every 2",
        "every 2 frames of no layer; name the layers to tap",
    ),
    "a port for no board": ("board runs/digits --simulate --port /dev/ttyUSB0", "--simulate needs no port"),
    "an address of nobody": ("board runs/digits --port udp://", "udp://: it names no board; say udp://ADDRESS"),
    "a port for a file": ("board runs/digits --bitstream icebreaker --port x", "--bitstream needs no port"),
    "a bitstream that is not there": (
        "board runs/digits --bitstream icebreaker",
        "has no bitstream for icebreaker; run bitneck synth runs/digits --board icebreaker",
    ),
    "a board of a net that is not built": (
        "board runs/unbuilt --simulate",
        "missing; `bitneck build runs/unbuilt` makes it",
    ),
    "a part's name": ("synth runs/digits --target artix", "no target 'artix'; choose one of up5k, hx8k"),
    "pins that are not there": ("synth runs/digits --target up5k --pins nope.pcf", "nope.pcf: no such file"),
    "a rate without a clock": (
        "fold runs/digits --target up5k --fps 9",
        "is no number of cycles without a clock",
    ),
    "more than the part has": ("fold runs/digits --target up5k --luts 9999", "9,999 LUTs on up5k, which has 5,280"),
    "codes without labels": (
        "analyze codes.npz",
        "codes.npz is a file: with --labels it is one of codes",
    ),
    "labels that are not there": (
        "analyze codes.npz --labels y2.npy",
        "y2.npy is no file, and codes.npz has no such",
    ),
    "labels of other samples": ("analyze codes.npz --labels few.npy", "100 samples, and few.npy holds 50 labels"),
    "floats for codes": ("analyze floats.npy --labels y.npy", "in sample 0 is no level; codes are what the quantiser"),
    "a model that is not there": ("import nope.onnx runs/new", "nope.onnx: no such file or directory, seen from"),
    "a model that is none": ("import flowers.csv runs/new", "not an ONNX file"),
    "no region": ("exact runs/digits", "which inputs? give one of --radius, --epsilon and --free"),
    "two regions": ("exact runs/digits --radius 2 --free 3", "give one of --radius, --epsilon and --free"),
    "no sample to look around": ("exact runs/digits --radius 2", "around which samples? give --sample with a number"),
    "words for a number of samples": (
        "exact runs/digits --samples some --radius 2",
        "--samples some: all, or how many",
    ),
    "a sample that is not there": ("exact runs/digits --sample 9999 --radius 2", "no sample 9999; the run analyses"),
    "bits that are none": ("exact runs/digits --free 3-x", "--free 3-x: bits are numbers and ranges, such as 0-20,35"),
    "a bit that is not there": ("exact runs/digits --free 500", "--free: bit 500 of 128 is none, or never changes"),
    "a pixel above the highest": ("exact runs/digits --sample 0 --epsilon 1 --vmax 3", "--vmax 3, but a pixel is"),
    "a rule's name": (
        "exact runs/digits --free 20-22 --labels twelv",
        "no labels rule 'twelv'; did you mean 'twelve'?",
    ),
    "a rule of other inputs": (
        "exact runs/digits --free 20-22 --labels twelve",
        "labels rule 'twelve' is of 12 bits; these inputs are 128 numbers up to",
    ),
    "more inputs than a rule labels": (
        "exact runs/digits --free all --labels twelve",
        "128 free bits; a rule gives labels to 2^26 inputs at most: fewer free bits",
    ),
    "labels of no region": (
        "exact runs/digits --sample 0 --radius 2 --labels twelve",
        "whose Y? give one of --teacher and --labels, with --free",
    ),
    "epochs of no region": ("exact runs/digits --sample 0 --radius 2 --epochs all", "--epochs says whose nets --free"),
    "epochs that are none": ("exact runs/digits --free 3 --epochs last", "epochs are numbers and ranges, such as 0-20"),
    "an epoch without a net": ("exact runs/digits --free 3 --epochs 999", "epoch 999 was not captured; there are 0, 1"),
    "two things of layers": ("exact runs/digits --neurons --reach dense2", "what of the layers? give one of --neurons"),
    "jointly of no layer": ("exact runs/digits --jointly 3,4", "--jointly 3,4: a layer and its neurons, such as"),
    "five neurons jointly": ("exact runs/digits --jointly dense1:0,1,2,3,4 --free 0-9", "one to 4 different ones"),
    "a neuron that is not there": ("exact runs/digits --jointly dense1:900", "dense1 has neurons 0 .. 63"),
    "a solver on a cluster": (
        "exact runs/digits --reach dense2 --scheduler tcp://localhost:1",
        "--scheduler counts; --reach asks a solver, on this machine",
    ),
    "codes of a wide layer": ("exact runs/digits --reach dense2", "dense2 has 48 neurons; the codes of up to 12"),
    "codes of no layer": ("exact runs/digits --reach scores", "no hidden layer 'scores'; there are dense1, dense2"),
    "nothing to prove": ("prove runs/digits", "prove what? give one of another run, --flip and --pixel"),
    "two things to prove": ("prove runs/digits --flip 3 --pixel 2", "give one of another run, --flip and --pixel"),
    "a flip of no bit": ("prove runs/digits --flip 128", "--flip: bit 128 of 128 is none, or never changes"),
    "flips that are none": ("prove runs/digits --flip 3-x", "--flip 3-x: bits are numbers and ranges"),
    "a pixel that is not there": ("prove runs/digits --pixel 64", "no pixel 64; a sample has 64"),
    "too many inputs for a pixel": ("prove runs/digits --pixel 20", "free bits beside the pixel; 1 .. 38 are counted"),
    "a free bit that is none": (
        "prove runs/digits runs/unbuilt --free 200",
        "bit 200 of 128 is none, or never changes",
    ),
    "a run that is not there": (
        "prove runs/digits runs/nope",
        "runs/nope/graph.npz is missing; `bitneck export runs/nope`",
    ),
    "one run to compare": ("compare runs/digits", "one run compares with nothing; name two or more"),
    "a sweep of nothing": ("sweep empty.toml", "empty.toml: a sweep needs either [grid] or [random]"),
    "a field to vary": ("sweep field.toml", "training: unknown key 'sed'; did you mean 'seed'?"),
    "faults before building": ("faults runs/unbuilt", "missing; `bitneck build runs/unbuilt` makes it"),
    "an attack before building": ("attack runs/unbuilt", "missing; `bitneck build runs/unbuilt` makes it"),
    "more flips than bits": ("attack runs/digits --flips 200", "200 flips of 128 bits that may be flipped; ask for"),
    "faults for no part": ("faults runs/digits --target xc8", "no target 'xc8'; choose one of"),
    "a search without budgets": ("search nobudget.toml", "nobudget.toml: luts: Field required"),
    "a search for no part": ("search nopart.toml", "target: no target 'xc8'; choose one of"),
    "a search's key": ("search key.toml", "unknown key 'wdths'; did you mean 'widths'?"),
    "widths of too many layers": ("search layers.toml", "widths of 3 hidden layers, and digits has 2"),
    "widths of no layer": ("search conv.toml", "widths of conv1, and digits has none of that name; known are dense1"),
    "a search not begun": ("search small.toml --so-far", "no finished supernet of this search; begin one without"),
    "a run begun again": (
        "init runs/digits",
        "is there already; edit it, or choose another folder",
    ),
    "more frames than there are": ("export runs/digits --vectors --frames 9999", "choose 1 .. 1797"),
    "a file for a run": ("build flowers.csv", "flowers.csv is a file; a run is a folder"),
}
SEARCH = """preset = "digits"
target = "xc7"
luts = [600]
widths = [8, 16]
supernet_epochs = 2
"""
RUN = """name = "new"
dataset = "digits"
[network]
widths = {widths}
input_bits = 5
{more}[training]
epochs = {epochs}
"""


@pytest.fixture(scope="module")
def home(finished_run, tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("home")
    for name, lost in {"digits": [], "unbuilt": ["rtl"], "unmeasured": ["plane.json"]}.items():
        shutil.copytree(finished_run, tmp_path / "runs" / name, ignore=shutil.ignore_patterns(*lost))
    texts = {
        "broken.toml": 'name = "new\n',
        "typo.toml": RUN.format(widths=[64, 8, 10], more="", epochs=3).replace("widths", "widhts"),
        "text.toml": RUN.format(widths=[64, 8, 10], more="", epochs='"3"'),
        "sign.toml": RUN.format(widths=[64, 8, 10], more='activation = "aprox-sign"\n', epochs=3),
        "widths.toml": RUN.format(widths=[60, 8, 10], more="", epochs=3),
        "flowers.csv": "a,b,kind\n" + "1,2,x\n3,4,y\n" * 10,
        "pic.png": "\x89PNG",
        "small.toml": SEARCH,
        "nobudget.toml": SEARCH.replace("luts = [600]\n", ""),
        "nopart.toml": SEARCH.replace("xc7", "xc8"),
        "key.toml": SEARCH.replace("widths", "wdths"),
        "conv.toml": SEARCH.replace("[8, 16]", "{ conv1 = [8, 16] }"),
        "layers.toml": SEARCH.replace("[8, 16]", "[[8, 16], [8, 16], [8, 16]]"),
        "empty.toml": 'preset = "digits"\n',
        "field.toml": 'preset = "digits"\n[grid]\n"training.sed" = [1]\n',
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "some.npz", train_x=np.zeros((4, 3)))
    np.savez(tmp_path / "real.npz", x=rng.normal(size=(40, 3)), y=rng.normal(size=40))
    np.savez(tmp_path / "codes.npz", layer1=rng.integers(0, 2, (100, 8)))
    for name, array in {"y": np.arange(100) % 3, "few": np.arange(50) % 3, "floats": rng.normal(size=(100, 4))}.items():
        np.save(tmp_path / f"{name}.npy", array)
    return tmp_path


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_with_the_way_out_and_costs_nothing(bitneck, home, monkeypatch, mistake):
    monkeypatch.chdir(home)
    monkeypatch.delenv("BITNECK_DATA", raising=False)
    words, said = MISTAKES[mistake]
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    done = bitneck(*words.split())
    assert done.exit_code == 2, done.output
    assert done.output.startswith("bitneck: ")
    assert done.output.count("\n") == 1
    assert said in done.output
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before
    assert not (home / "runs" / "new").exists()
