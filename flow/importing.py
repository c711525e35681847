"""A net that was made elsewhere, as a run: its integers, the proof of them against executors of the file, its codes."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import external_data_helper

from ..export.annotations import QonnxError
from ..export.graph import Graph, Scores
from ..ib_analysis.codes import Trace
from ..models.datasets import Dataset, load
from .config import RANDOM, AnalysisConfig, ImportedConfig, ModelConfig, RunConfig, RunError, chosen_samples
from .files import sample_arrays, sha256_of, write, write_arrays
from .folder import RunFolder
from .held import held
from .trained import Imported, Record

if TYPE_CHECKING:
    from ..export.reading.streamline import Streamlined

Tell = Callable[[str], None]
SAMPLES = 1000  # of a net that comes without data
PROVEN = 1000  # samples that executors of the file are asked for: a convolutional net takes them 10 ms each
NAME = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")
PIXELS = re.compile(r"(?P<low>[^.]*(?:\.\d+)?)\.\.(?P<high>[^:]*)(?::(?P<count>\d+))?")


@dataclass(frozen=True)
class Row:
    """One layer of the table of what was read. margin and moved are empty where float sums are exact."""

    name: str
    kind: str
    shape: str
    weights: str
    levels: str
    thresholds: str
    never_change: str
    margin: str


@dataclass(frozen=True)
class Executed:
    """What one executor of the file said, beside the integers.

    codes     elements of all layers over all samples
    moved     of them, those that its rounding moved: their sums lie so near a decision that floats may take either side
    mismatch  the first difference that rounding does not explain, as a line
    """

    source: str
    codes: int
    moved: int
    classes: int
    mismatch: str | None = None
    skipped: str | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """What `import_model` understood, and what it compared.

    samples   that the run analyses; executors of the file were asked for the first `proven` of them
    """

    graph: Graph
    rows: tuple[Row, ...]
    dropped: tuple[str, ...]
    samples: int
    proven: int
    dataset: str
    accuracy: float | None
    executed: tuple[Executed, ...]
    warnings: tuple[str, ...]

    @property
    def equal(self) -> bool:
        return all(each.mismatch is None for each in self.executed)

    def __repr__(self) -> str:
        asked = [each.source for each in self.executed if each.skipped is None]
        found = next((f"DIFFERENT: {each.mismatch}" for each in self.executed if each.mismatch), None)
        said = found or " = ".join([*asked, "integers"])
        return f"Report({self.graph.name}, {len(self.graph.layers)} layers; {self.proven:,} of {self.dataset}: {said})"

    def _repr_html_(self) -> str:
        from ..ib_analysis.pictures.in_notebook import table

        head = [field.name.replace("_", " ") for field in fields(Row)]
        said = repr(self).removeprefix("Report(").removesuffix(")")
        return table(head, [astuple(row) for row in self.rows], said, [f"beware: {each}" for each in self.warnings])


def content_of(path: Path) -> bytes:
    """Of an ONNX file, which may be packed by gzip; data that it keeps in files beside it are put inside.

    Raises RunError where there is none, or where it asks for a file that is not in its own folder.
    """
    content = path.read_bytes()
    if why := _no_onnx(content):
        raise RunError(f"{path} is {why}")
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, ValueError) as error:
            raise RunError(f"{path} is no whole gzip file ({error}); fetch it again") from None
    if b"external" not in content and b"location" not in content:
        return content
    from ..export.reading.chain import decoded

    model = decoded(content)
    outside = [tensor for tensor in model.graph.initializer if tensor.data_location == onnx.TensorProto.EXTERNAL]
    if not outside:
        return content
    for tensor in outside:
        said = {entry.key: entry.value for entry in tensor.external_data}
        place = (path.parent / said.get("location", "")).resolve()
        if place.parent != path.parent.resolve() or not place.is_file() or place.is_symlink():
            raise RunError(
                f"{path}: {tensor.name} lies in {said.get('location', 'no file')!r}, which is no file in its folder; "
                "put it there, or save the model with its data inside"
            )
    try:
        external_data_helper.load_external_data_for_model(model, str(path.parent.resolve()))
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        raise RunError(f"{path}: its data beside it cannot be read ({str(error).splitlines()[0]})") from None
    for tensor in outside:
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]
    return model.SerializeToString(deterministic=True)


def _no_onnx(content: bytes) -> str | None:
    """What nets come in instead of ONNX files, and the way out; None for anything else."""
    names = []
    if content[:4] == b"PK\x03\x04" and zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    if names and all(name.endswith(".npy") for name in names):
        return (
            "a NumPy archive, as BNN-PYNQ's parameters come, and no ONNX file: it does not say how its layers follow "
            "each other; write them as QONNX, each a MatMul or Conv of ±1 and a MultiThreshold, whose thresholds are "
            "reached at >= where BNN-PYNQ's are passed at >, and import that"
        )
    if content[:2] == b"\x80\x02" or any(name.endswith("data.pkl") for name in names):
        return (
            "a checkpoint of PyTorch and no ONNX file; it is not opened, for that would run what it holds: export its "
            "net as QONNX with Brevitas, and import that"
        )
    return f"a zip archive of {len(names)} files and no ONNX file; unpack it" if names else None


def pixels_of(text: str) -> NDArray[np.float32]:
    """LOW..HIGH[:LEVELS], evenly spaced floats, 256 of them by default. Raises RunError for anything else."""
    match = PIXELS.fullmatch(text.strip())
    try:
        assert match is not None
        low, high, count = float(match["low"]), float(match["high"]), int(match["count"] or 256)
    except (AssertionError, ValueError):
        raise RunError(
            f"--pixels {text!r}: LOW..HIGH[:LEVELS] belongs there, such as 0..1, 0..255, -1..1:2 or -127..127:255"
        ) from None
    if not 2 <= count <= 256 or not np.isfinite([low, high]).all() or low == high:
        raise RunError(f"--pixels {text!r}: 2 to 256 levels between two different finite numbers belong there")
    return np.linspace(low, high, count).astype(np.float32)


def onnx_of(model: Any) -> tuple[str, bytes]:
    """Name and bytes of what Python hands in: bytes, an onnx.ModelProto, or an nn.Module of Brevitas.

    A module says with `example` what it takes: a tensor of one sample; without it, `(module, example)` is given.
    """
    if isinstance(model, bytes):
        return "model.onnx", model
    if isinstance(model, onnx.ModelProto):
        return f"{model.graph.name or 'model'}.onnx", model.SerializeToString(deterministic=True)
    module, example = model if isinstance(model, tuple) else (model, None)
    if example is None:
        raise RunError("an nn.Module does not say what it takes; give (module, example) with a tensor of one sample")
    from ..export.writing.qonnx import of_module, serialize

    return f"{type(module).__name__}.onnx", serialize(of_module(module, example))


def import_model(
    model: Path | str | Any,
    folder: RunFolder | Path | str,
    pixels: str | NDArray | None = None,
    dataset: str = RANDOM,
    data_dir: Path | str | None = None,
    samples: str = "test",
    name: str | None = None,
    fold_constants: bool = False,
    prove: int = PROVEN,
    tell: Tell = lambda _: None,
) -> Report:
    """A file, bytes, an onnx.ModelProto or (nn.Module, example tensor) as a run: everything that `train` and `export`
    would have written, and a report of what was understood.

    pixels    the float that the file takes for each level of its input: LOW..HIGH[:LEVELS], or the floats themselves;
              not needed where the file says it
    dataset   labelled samples to prove and to analyse on; by default SAMPLES random inputs over the whole range, whose
              labels are what the net itself says
    prove     of the samples, those from the first on that executors of the file are asked for

    Nothing is written where the file cannot be read, or where an executor of it differs by more than rounding.
    """
    place = folder if isinstance(folder, RunFolder) else RunFolder(Path(folder))
    if isinstance(model, str | Path):
        file, content = Path(model).name, content_of(Path(model))
    else:
        file, content = onnx_of(model)
    with held(place.path, "import", make=True):
        return _import(place, file, content, pixels, dataset, data_dir, samples, name, fold_constants, prove, tell)


def _import(
    folder: RunFolder,
    file: str,
    content: bytes,
    pixels: str | NDArray | None,
    dataset: str,
    data_dir: Path | str | None,
    samples: str,
    name: str | None,
    fold: bool,
    prove: int,
    tell: Tell,
) -> Report:
    given = pixels_of(pixels) if isinstance(pixels, str) else pixels
    said = pixels if isinstance(pixels, str) else ""
    name = design_name(name or folder.path.name)
    config = ImportedConfig(
        name=name,
        dataset=dataset,
        model=ModelConfig(file=file, sha256=hashlib.sha256(content).hexdigest(), pixels=said, folded=fold),
        analysis=AnalysisConfig(samples="all" if dataset == RANDOM else samples),  # type: ignore[arg-type]
    )
    _check_place(folder, config)
    tell(f"reading {file}")
    read = read_file(content, given, name, False)
    data = samples_of(read.graph, config, data_dir)
    x, y = chosen_samples(config, data)
    tell(f"graph: the golden model over {len(x):,} samples")
    trace = read.graph(x)
    executed = tuple(_execute(read, x[:prove], trace.head(prove), tell))
    if all(each.skipped for each in executed):
        raise RunError(f"{file}: no executor takes it, so nothing proves what was read: {executed[0].skipped}")
    rows = tuple(_rows(read))
    if fold:
        read = folded(read)
        trace = _same(read, trace, read.graph(x))
    report = Report(
        read.graph,
        rows,
        read.dropped,
        len(x),
        min(prove, len(x)),
        dataset,
        None if dataset == RANDOM else float((trace.predictions() == y).mean()),
        executed,
        tuple(_warnings(read)),
    )
    if not report.equal:
        return report
    _write(folder, config, read, content, given, data, (x, y), trace)
    return report


def design_name(name: str) -> str:
    """Of the top module, after a folder. Raises RunError where nothing of it could be one."""
    found = re.sub("[^a-z0-9]+", "_", name.lower()).lstrip("_0123456789").rstrip("_")
    if not NAME.fullmatch(found):
        raise RunError(f"{name!r} cannot name a module; say with --name one of small letters, digits and _")
    return found


def _check_place(folder: RunFolder, config: ImportedConfig) -> None:
    """Raises RunError where another net lies in the folder."""
    if not folder.config_file.exists():
        return
    was = folder.asked()
    if isinstance(was, RunConfig):
        raise RunError(f"{folder.path} holds a net that is trained here; choose another folder to import into")
    if was.model.sha256 != config.model.sha256:
        raise RunError(f"{folder.path} holds {was.model.file}, another file; choose another folder to import into")


def read_file(content: bytes, pixels: NDArray | None, name: str, fold: bool) -> Streamlined:
    """The integers of a file under the name of a run. Raises StreamlineError or ThresholdError."""
    from ..export.reading.streamline import streamline

    read = streamline(content, pixels, margin="state")
    read = replace(read, graph=replace(read.graph, name=name))
    return folded(read) if fold else read


def folded(read: Streamlined) -> Streamlined:
    """The same net without the channels that never change."""
    from ..export.graph.constants import fold_constants

    found = fold_constants(read.graph)
    return replace(read, graph=found.graph, kept=found.kept)


def _same(read: Streamlined, whole: Trace, trace: Trace) -> Trace:
    """The trace of a folded net, which says what the whole one says in every channel that is left."""
    scores = trace.scores == whole.scores
    for layer in read.graph.layers[:-1]:
        bits = layer.emits.bits
        due, left = whole.codes[layer.name].levels(bits), trace.codes[layer.name].levels(bits)
        if layer.name in read.kept:
            kept = read.kept[layer.name]
            places = left.shape[1] // len(kept)
            due = due.reshape(len(due), places, -1)[:, :, kept].reshape(left.shape)
        assert np.array_equal(due, left), f"{layer.name} changed when constants were folded"
    assert scores.all(), "scores changed when constants were folded"
    return trace


def samples_of(graph: Graph, config: ImportedConfig, data_dir: Path | str | None) -> Dataset:
    """The data set of an imported net, its samples as the net takes them. Raises RunError where it takes others.

    RANDOM is SAMPLES inputs over the whole range, the same for the same net. Nobody knows their classes:
    their labels are what the net says.
    """
    if config.dataset == RANDOM:
        x = np.random.default_rng(0).integers(0, graph.layers[0].takes, (SAMPLES, graph.inputs)).astype(np.uint8)
        y, half = graph(x).predictions(), SAMPLES // 2
        return Dataset(RANDOM, x[:half], y[:half], x[half:], y[half:], int(y.max()) + 1, graph.input_bits)
    data = load(config.dataset, data_dir, config.data, bits=8)
    if data.quantiser is not None:
        raise RunError(
            f"{config.dataset} holds numbers that are no levels, and {config.model.file} takes 0 .. "
            f"{graph.layers[0].takes - 1}; write them as the levels that the net was trained with"
        )
    count = graph.layers[0].takes
    if data.features != graph.inputs or (1 << data.input_bits) < count or int(data.all()[0].max()) >= count:
        raise RunError(
            f"{config.dataset} has {data.features} inputs of {data.input_bits} bits, {config.model.file} takes "
            f"{graph.inputs} of {count} levels; name another data set, or none for random inputs"
        )
    return data


def _execute(read: Streamlined, x: NDArray[np.uint8], trace: Trace, tell: Tell) -> Iterator[Executed]:
    from ..export.judges import foreign

    elements = sum(layer.outputs for layer in read.graph.layers) * len(x)
    for source, run in (("onnxruntime", foreign.onnx_runtime), ("qonnx", foreign.qonnx)):
        tell(f"{source}: executing the file over {len(x):,} samples")
        try:
            said = run(read, x, progress=_telling(tell, source, len(x)))
        except QonnxError as error:
            yield Executed(source, 0, 0, 0, skipped=str(error))
            continue
        moved, mismatch = foreign.explained(read, said, x)
        classes = int((said.predictions() != trace.predictions()).sum())
        yield Executed(source, elements, moved, classes, mismatch)


def _telling(tell: Tell, source: str, samples: int) -> Callable[[int], None]:
    return lambda done: tell(f"{source}: {done:,} of {samples:,} samples")


def _rows(read: Streamlined) -> Iterator[Row]:
    from ..export.graph.constants import constants

    never = constants(read.graph)
    for layer in read.graph.layers:
        margin = read.margins.get(layer.name)
        emits = None if isinstance(layer, Scores) else layer.emits
        bits = getattr(layer, "weight_bits", None)
        shape = " x ".join(map(str, layer.out_shape))
        yield Row(
            layer.name,
            type(layer).__name__.lower(),
            shape,
            "" if bits is None else f"{bits} bit",
            f"0 … {read.graph.top}" if emits is None else str(emits),
            "" if emits is None or bits is None else f"{emits.top} each",
            "" if layer.name not in never else f"{int((never[layer.name] >= 0).sum())} of {len(never[layer.name])}",
            "" if margin is None else f"{margin.distance:.2g} ± {margin.error:.2g}",
        )


def _warnings(read: Streamlined) -> Iterator[str]:
    """What may have been read other than it was meant."""
    from ..export.graph import Binarize, Cut

    head = read.graph.layers[0]
    top = head.takes - 1
    if isinstance(head, Binarize):
        at = np.unique(head.threshold)
    elif isinstance(head, Cut):
        at = np.unique(np.argwhere(np.diff(head.table.astype(int), axis=1))[:, 1] + 1)
    else:
        return
    if head.takes > 2 and len(at) and set(at.tolist()) <= {0, 1, top, top + 1}:
        yield (
            f"every pixel is cut at level {', '.join(map(str, at.tolist()))} of 0 … {top}: were the floats of the "
            "pixels meant so? --pixels says which float stands for each"
        )


def _write(
    folder: RunFolder,
    config: ImportedConfig,
    read: Streamlined,
    content: bytes,
    pixels: NDArray | None,
    data: Dataset,
    samples: tuple[NDArray[np.uint8], NDArray[np.int64]],
    trace: Trace,
) -> None:
    if not folder.config_file.exists() or folder.asked() != config:
        write(folder.config_file, config.toml())
    write_arrays(folder.labels, sample_arrays(*samples))
    write_arrays(folder.epoch_codes(0), replace(trace, source="integers").arrays())
    codes = {path.name: sha256_of(path) for path in (folder.labels, folder.epoch_codes(0))}
    record = Record.of(config, codes)
    floats = np.zeros(0, np.float32) if pixels is None else np.asarray(pixels, dtype=np.float32)
    kept = Imported(config.model.file, content, floats, config.model.folded, data.sha256, record)
    write_arrays(folder.checkpoint, kept.arrays())


def read_again(folder: RunFolder) -> Streamlined:
    """The file of an imported run, as it was read. Raises RunError where the run's net was not imported."""
    origin, config = folder.origin(), folder.config()
    if not isinstance(origin, Imported):
        raise RunError(f"{folder.path} holds a net that is trained here, and no file of another")
    return read_file(origin.content, origin.pixels if len(origin.pixels) else None, config.name, origin.folded)
