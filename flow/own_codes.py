"""Codes of any framework without a run: files of arrays and their labels, measured and drawn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..ib_analysis.codes import Codes, CodesError, numbers
from ..ib_analysis.diagnostics import Target
from ..ib_analysis.labels import label_numbers
from ..ib_analysis.map_shape import MapShape
from .config import BRACKETED_EPOCHS, RunError
from .files import read_array, read_arrays, read_trace, sha256_of, write
from .folder import Analysis, write_analysis
from .information import information
from .large_arrays import waiting

MOST_BITS = 16  # of a level
LABELS = ("labels", "y")  # what labels are called in a file of several arrays
Arrays: TypeAlias = Mapping[str, NDArray | Codes]
_AT_A_TIME = 1 << 24  # bytes


@dataclass(frozen=True)
class _Form:
    """What the arrays of one layer hold, over all epochs: (…) of one sample, and its numbers."""

    shape: tuple[int, ...]
    low: int
    high: int
    zeros: bool

    def with_(self, other: _Form) -> _Form:
        return _Form(self.shape, min(self.low, other.low), max(self.high, other.high), self.zeros or other.zeros)

    @property
    def signs(self) -> bool:
        return self.low == -1 and self.high <= 1 and not self.zeros

    @property
    def bits(self) -> int:
        """Of a level."""
        span = self.high if self.low >= 0 else self.high - self.low
        return 1 if self.signs else max(1, span.bit_length())

    @property
    def map(self) -> MapShape | None:
        """Of a feature map; None where a sample is at one position."""
        *positions, channels = self.shape
        if int(np.prod(positions)) < 2:
            return None
        height, width = positions if len(positions) == 2 else (1, positions[0])
        return MapShape(height, width, channels, self.bits)

    def codes(self, values: NDArray | Codes) -> Codes:
        if isinstance(values, Codes):
            return values
        width = self.bits * int(np.prod(self.shape))
        packed = waiting(len(values), -(-width // 8))
        for rows in _some(values):
            packed[rows] = self._codes(values[rows]).packed
        return Codes(packed, width)

    def _codes(self, values: NDArray) -> Codes:
        rows = values.reshape(len(values), -1)
        if self.signs or (self.bits == 1 and self.low >= 0):
            return Codes.pack(rows == 1)
        return Codes.pack_integers(rows.astype(np.int64) - min(self.low, 0), self.bits)

    def __str__(self) -> str:
        levels = "" if self.bits == 1 else f" of {self.bits} bits, {self.low} .. {self.high}"
        if self.bits == 8 and self.low >= 0 and len(self.shape) == 1:
            levels += "; --width says so if they are bits, packed"
        if self.map is not None:
            return f"maps of {' x '.join(map(str, self.shape))}{levels}"
        return f"{int(np.prod(self.shape))} {'bits' if self.bits == 1 else f'levels{levels}'}"


@dataclass(frozen=True)
class OwnCodes:
    """The codes of a net by epoch, and what they are of.

    codes_of   the layers at one of the epochs
    forms      what each layer's arrays were taken for, in words
    labels     (n,) int64
    digests    sha256 by name of the files read
    """

    epochs: Sequence[int]
    codes_of: Callable[[int], Mapping[str, Codes]]
    shapes: Mapping[str, MapShape]
    forms: Mapping[str, str]
    labels: NDArray[np.int64]
    digests: Mapping[str, str]


def read(path: Path, labels: str, widths: Mapping[str, int] | None = None, channels_first: bool = False) -> OwnCodes:
    """Codes of (n, …) bits (bool, 0 and 1, −1 and +1 in any number type) or of whole numbers, whose levels they are.

    path             .npz: an array a layer, `NAME@EPOCH` where there are several epochs, or a trace of ours; .npy: one
                     layer; or a folder of them: a .npz for every epoch, the last number of its name, or a .npy for
                     every layer, `NAME.npy` or `NAME@EPOCH.npy`
    labels           a file .npy or .npz (array `labels` or `y`), or the name of an array beside the codes
    widths           bits of a code, of layers whose arrays are packed bits (n, ceil(width/8)) uint8, little bit order
    channels_first   maps are (n, channels, height, width), as torch has them; else (n, height, width, channels). Maps
                     of one dimension accordingly

    Raises CodesError, with file, array, numbers and way out.
    """
    widths = dict(widths or {})
    y_file = Path(labels)
    files = _files(path, y_file)
    y, beside = _labels(path, labels, files)
    by_epoch = _by_epoch(path, files, beside)
    forms: dict[str, _Form] = {}
    for epoch, arrays in by_epoch.items():
        here = {
            name: _form(f"{path}, {name}", _positions_first(array, channels_first), widths.get(name))
            for name, array in arrays().items()
        }
        if not here:
            raise CodesError(f"{path} holds no array of codes; name one after each layer")
        if forms and list(here) != list(forms):
            raise CodesError(f"{path}: epoch {epoch} has the layers {', '.join(here)}, others {', '.join(forms)}")
        for name, (form, samples) in here.items():
            if samples != len(y):
                raise CodesError(
                    f"{path}, {name}: {samples:,} samples, and {labels} holds {len(y):,} labels; both need the same "
                    "samples in the same order"
                )
            if name in forms and forms[name].shape != form.shape:
                raise CodesError(f"{path}, {name}: {form.shape} at epoch {epoch}, {forms[name].shape} before")
            forms[name] = forms[name].with_(form) if name in forms else form
    if unknown := sorted({*widths} - {*forms}):
        raise CodesError(f"{path}: a width of {unknown[0]}, but the layers are {', '.join(forms)}")
    for name, form in forms.items():
        if form.bits > MOST_BITS:
            raise CodesError(
                f"{path}, {name}: numbers {form.low} .. {form.high} are levels of {form.bits} bits, at most "
                f"{MOST_BITS} are taken; codes come behind the quantiser, sums and floats in front of it"
            )

    def codes_of(epoch: int) -> dict[str, Codes]:
        return {
            name: _packed(f"{path}, {name}", array, widths[name])
            if name in widths
            else forms[name].codes(_positions_first(array, channels_first))
            for name, array in by_epoch[epoch]().items()
        }

    read_files = {each.name: sha256_of(each) for each in [*files, *([y_file] if beside is None else [])]}
    maps = {name: form.map for name, form in forms.items() if form.map is not None and name not in widths}
    said = {name: f"{widths[name]} bits, packed" if name in widths else str(form) for name, form in forms.items()}
    return OwnCodes(sorted(by_epoch), codes_of, maps, said, y, read_files)


def analyze(
    own: OwnCodes,
    name: str,
    output: Path,
    target: Target = "dataset",
    brackets: int = BRACKETED_EPOCHS,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Analysis:
    """Measures them, and writes `plane.json` and `plane.html`, a self-contained page, into `output`."""
    from .pages.plane_page import page, sections

    analysis = information(
        own.epochs, own.codes_of, own.labels, target, own.shapes, own.digests, brackets=brackets, progress=progress
    )
    content = page(sections(name, analysis.points, analysis.population))
    write_analysis(output / "plane.json", analysis)
    write(output / "plane.html", content)
    return analysis


def _files(path: Path, labels: Path) -> list[Path]:
    if not path.exists():
        raise CodesError(f"{path}: no such file or folder")
    found = [path] if path.is_file() else sorted(path.iterdir())
    files = [each for each in found if each.suffix in (".npz", ".npy") and not _same(each, labels)]
    if not files:
        raise CodesError(f"{path} is no .npz or .npy, and no folder with one; save arrays with np.savez")
    if len({each.suffix for each in files}) > 1:
        raise CodesError(f"{path} holds .npz and .npy; a .npz is an epoch, a .npy a layer: keep one kind")
    return files


def _same(one: Path, other: Path) -> bool:
    return other.exists() and one.samefile(other)


def _labels(path: Path, labels: str, files: Sequence[Path]) -> tuple[NDArray[np.int64], str | None]:
    """The labels, and the name of the array that they are where they lie beside the codes."""
    file, beside = Path(labels), None
    if file.is_file():
        if file.suffix == ".npy":
            array = read_array(file)
        else:
            arrays = read_arrays(file)
            name = next((name for name in LABELS if name in arrays), None)
            if name is None:
                raise CodesError(f"{file} holds {', '.join(arrays)}; call the array of labels {' or '.join(LABELS)}")
            array = arrays[name]
    else:
        arrays = read_arrays(files[0]) if files[0].suffix == ".npz" else {}
        if labels not in arrays:
            beside_them = f"{files[0]} has no such array but {', '.join(arrays)}" if arrays else "no .npz is here"
            raise CodesError(f"{labels} is no file, and {beside_them}; --labels takes a file or such an array's name")
        array, beside = arrays[labels], labels
    try:
        return label_numbers(array), beside
    except CodesError as error:
        raise CodesError(f"{labels}: {error}") from None


def _by_epoch(path: Path, files: Sequence[Path], beside: str | None) -> dict[int, Callable[[], Arrays]]:
    """What gives the arrays of each epoch, layers in order."""
    if files[0].suffix == ".npy":
        named = {each.stem: each for each in files}
        return {epoch: partial(_read_each, named, names) for epoch, names in _epochs(path, named).items()}
    if len(files) == 1:
        arrays = _of_npz(files[0], beside)
        return {epoch: partial(_renamed, arrays, names) for epoch, names in _epochs(path, arrays).items()}
    found: dict[int, Path] = {}
    for each in files:
        digits = re.findall(r"\d+", each.stem)
        if not digits:
            raise CodesError(f"{each}: which epoch is it? In a folder of several .npz each has a number in its name")
        if (epoch := int(digits[-1])) in found:
            raise CodesError(f"{each} and {found[epoch].name} are both of epoch {epoch}; keep one")
        found[epoch] = each
    return {epoch: partial(_of_npz, found[epoch], beside) for epoch in sorted(found)}


def _read_each(files: Mapping[str, Path], names: Mapping[str, str]) -> Arrays:
    return {layer: read_array(files[name]) for layer, name in names.items()}


def _renamed(arrays: Arrays, names: Mapping[str, str]) -> Arrays:
    return {layer: arrays[name] for layer, name in names.items()}


def _epochs(path: Path, names: Mapping[str, object]) -> dict[int, dict[str, str]]:
    """`LAYER@EPOCH`, or `LAYER` alone of epoch 0, by epoch: layer → whole name. In the order given."""
    epochs: dict[int, dict[str, str]] = {}
    for name in names:
        layer, at, number = name.rpartition("@")
        if at and not number.isdecimal():
            raise CodesError(f"{path}: {name} is no LAYER@EPOCH; behind the @ comes the number of an epoch")
        epochs.setdefault(int(number) if at else 0, {})[layer if at else name] = name
    return {epoch: epochs[epoch] for epoch in sorted(epochs)}


def _of_npz(file: Path, labels: str | None = None) -> Arrays:
    """Its arrays but for those of labels; of a trace of ours its layers."""
    arrays = read_arrays(file)
    if {"names", "widths", "scores"} <= set(arrays):
        return read_trace(file).layers()
    return {name: array for name, array in arrays.items() if name != labels}


def _positions_first(array: Any, channels_first: bool) -> Any:
    return np.moveaxis(array, 1, -1) if channels_first and not isinstance(array, Codes) and array.ndim > 2 else array


def _form(place: str, array: NDArray | Codes, width: int | None) -> tuple[_Form, int]:
    """What an array holds, and of how many samples."""
    if isinstance(array, Codes):
        return _Form((array.width,), 0, 1, True), len(array)
    if width is not None:
        return _Form((_packed(place, array, width).width,), 0, 1, True), len(array)
    values = numbers(array, f"{place}: codes need (n, width) bits")
    if not 1 <= values.ndim <= 4 or not values.size:
        raise CodesError(
            f"{place}: {values.shape} are no codes; (n, width), or of maps (n, height, width, channels) or "
            "(n, length, channels), with something in it"
        )
    forms = [_form_of(place, values[rows], rows.start) for rows in _some(values)]
    return reduce(_Form.with_, forms), len(values)


def _form_of(place: str, values: NDArray, first: int) -> _Form:
    """Of some samples from the `first` on."""
    if values.dtype.kind == "f":
        wrong = np.argwhere(~(np.isfinite(values) & (values == np.floor(values))))
        if len(wrong):
            raise CodesError(
                f"{place}: {values[tuple(wrong[0])]} in sample {first + wrong[0][0]} is no level; codes are what the "
                "quantiser makes of it, of a sign x >= 0"
            )
    return _Form(values.shape[1:] or (1,), int(values.min()), int(values.max()), bool((values == 0).any()))


def _some(values: NDArray) -> Iterator[slice]:
    """Samples in order, as many at a time as _AT_A_TIME allows."""
    each = max(1, _AT_A_TIME // max(1, values[0].nbytes))
    return (slice(start, start + each) for start in range(0, len(values), each))


def _packed(place: str, array: NDArray | Codes, width: int) -> Codes:
    due = -(-width // 8)
    if isinstance(array, Codes) and array.width == width:
        return array
    if isinstance(array, Codes):
        raise CodesError(f"{place}: codes of {array.width} bits, {width} are said; a trace knows its widths")
    if array.ndim != 2 or array.shape[1] != due or array.dtype != np.uint8:
        raise CodesError(
            f"{place}: {width} packed bits are (n, {due}) uint8, got {array.shape} {array.dtype}; give --width the "
            "bits of a code, or leave it out where every element is a bit"
        )
    try:
        return Codes(np.ascontiguousarray(array), width)
    except CodesError as error:
        raise CodesError(f"{place}: {error}; pack them with np.packbits(bits, axis=1, bitorder='little')") from None


def width_option(text: str) -> tuple[str, int]:
    """`LAYER=BITS`. Raises RunError for anything else."""
    layer, equals, bits = text.rpartition("=")
    if not equals or not layer or not bits.isdecimal() or not int(bits):
        raise RunError(f"--width {text}: LAYER=BITS is needed, as dense1=784")
    return layer, int(bits)
