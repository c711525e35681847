"""The information plane: codes or arrays of every layer in, two Estimates of each out, as rows, table and picture."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from numbers import Integral
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits

from .brackets import WIDEST, entropy_bracket, label_bracket
from .codes import Codes, CodesError
from .data_frame import data_frame
from .diagnostics import Target
from .entropy import plug_in
from .information import ESTIMATORS, i_ty, i_xt
from .nulls import null_mean_bits
from .points import HEAD, PlaneError, PlanePoint, caption, cells, last_epoch, legend, row_of, summary
from .streamed import Streamed
from .symbols import Symbols, input_symbols, label_symbols, symbols

if TYPE_CHECKING:
    import pandas

__all__ = ["Plane", "PlaneError", "PlanePoint", "caption", "last_epoch", "legend", "plane", "summary"]

LayerCodes: TypeAlias = Mapping[str, Codes | Streamed | ArrayLike]
Row: TypeAlias = dict[str, tuple[PlanePoint, Codes | Streamed]]


class Plane(tuple[PlanePoint, ...]):
    """The points of `plane`, in order; a tuple that can also show itself.

    `print` gives the last epoch's table, a notebook that table and the picture, `rows` all points as plain numbers.
    """

    __slots__ = ()

    @property
    def layers(self) -> tuple[str, ...]:
        """From input to output."""
        return tuple(dict.fromkeys(point.layer for point in self))

    @property
    def epochs(self) -> tuple[int, ...]:
        return tuple(sorted({point.epoch for point in self}))

    def at(self, epoch: int | None = None) -> Plane:
        """The layers at one epoch, the last unless told. Raises PlaneError with those there are."""
        epoch = last_epoch(self) if epoch is None else epoch
        if epoch not in self.epochs:
            raise PlaneError(f"no point at epoch {epoch}; choose one of {list(self.epochs)}")
        return Plane(point for point in self if point.epoch == epoch)

    def rows(self) -> list[dict[str, Any]]:
        """A dict for each point; what is refused is None."""
        return [row_of(point) for point in self]

    def to_pandas(self) -> pandas.DataFrame:
        """The same as a DataFrame. Raises DataFrameError where pandas is not installed."""
        return data_frame(self.rows())

    def __repr__(self) -> str:
        if not self:
            return "Plane(no points)"
        first, epochs = self[0].i_xt, len(self.epochs)
        counted = f"{len(self.layers)} layers, {epochs} epoch{'s' * (epochs != 1)}"
        return f"Plane({counted}: {first.target}, N = {first.samples:,})"

    def __str__(self) -> str:
        return summary(self) if self else repr(self)

    def _repr_html_(self) -> str:
        if not self:
            return repr(self)
        from .pictures.in_notebook import image, table
        from .pictures.on_axes import plane_figure

        last = self.at()
        shown = table(HEAD, map(cells, last), caption(last, f"Epoch {last_epoch(self)}."), legend(last))
        return image(plane_figure(self), "information plane") + shown


def plane(
    codes: LayerCodes | Mapping[int, LayerCodes] | Iterable[tuple[int, LayerCodes]],
    labels: ArrayLike,
    target: Target = "dataset",
    chance: bool = False,
    brackets: bool = False,
    inputs: Codes | ArrayLike | None = None,
) -> Plane:
    """Every layer at every epoch, in the order given.

    codes    by layer, from input to output: Codes, or Streamed, which has no brackets, or an array (n, …) of what it
             emits for each sample, of False and True, 0 and 1, or -1 and +1, in any number type. Or such codes for each
             epoch; or (epoch, codes by layer) one after the other, so that a run larger than memory can be streamed
    labels   of the same samples in the same order: (n,) integers, strings, truth values, whole floats, or one-hot
             (n, classes); see `label_numbers`
    target   what the samples stand for: themselves (dataset), every input there is (enumerated), or a population
    chance   compute `chance_bits`, too
    brackets   the ends between which a population's number lies where it is no solid one: seconds a point
    inputs   (n, …) bits or integers of what the net was given. Where inputs repeat, I(X;T) cannot exceed their entropy,
             and a layer that keeps them apart is saturated; unless told, every input is taken to differ

    Raises PlaneError where a layer has other samples than the labels, CodesError for values that are no bits or labels.
    """
    y = label_symbols(labels)
    if target not in ESTIMATORS:
        raise PlaneError(f"target {target!r}; choose one of {list(ESTIMATORS)}")
    if not y.samples:
        raise PlaneError("an information plane needs at least one labelled sample, got 0")
    h_y_bits = ESTIMATORS[target](y.counts)
    h_x_bits = None if inputs is None else _h_x_bits(inputs, y.samples)
    points: list[PlanePoint] = []
    before: Row = {}
    for epoch, layers in _by_epoch(codes):
        now: Row = {}
        for layer, given in layers.items():
            code = _codes(layer, epoch, given)
            if len(code) != y.samples:
                raise PlaneError(
                    f"{layer}, epoch {epoch}: {len(code)} codes against {y.samples} labels; both need the same samples"
                )
            t = code.symbols if isinstance(code, Streamed) else symbols(code)
            floor = null_mean_bits(t, y) if chance else None
            both = i_xt(t, code.width, target, h_x_bits), i_ty(t, y, code.width, target, h_x_bits)
            now[layer] = PlanePoint(layer, epoch, *both, code.width, h_y_bits, floor), code
        if brackets:
            now = _bracketed(now, y, before)
        points += (point for point, _ in now.values())
        before = now
    return Plane(points)


def _bracketed(row: Row, y: Symbols, before: Row) -> Row:
    """The layers of an epoch with brackets of what is of a population and not solid, on as many cores as there are.

    before   of the epoch before: whose codes are the same, has the same brackets
    """

    def of(layer: str) -> tuple[PlanePoint, Codes | Streamed]:
        point, codes = row[layer]
        if isinstance(codes, Streamed):  # of which nothing is left that a model could be fitted to
            return point, codes
        other, earlier = before.get(layer, (point, None))
        if isinstance(earlier, Codes) and np.array_equal(earlier.packed, codes.packed):
            return replace(point, xt_bracket=other.xt_bracket, ty_bracket=other.ty_bracket), codes
        return _with_brackets(point, codes, y), codes

    # Threads share their warnings: what one of the probes silences for itself, another would let through.
    with warnings.catch_warnings(), threadpool_limits(limits=1), ThreadPoolExecutor(os.cpu_count()) as pool:
        warnings.simplefilter("ignore")
        return dict(zip(row, pool.map(of, row), strict=True))


def _with_brackets(point: PlanePoint, codes: Codes, y: Symbols) -> PlanePoint:
    """A point as it is where all is solid, or where the code is so wide that its ends would say nothing."""
    if point.i_xt.target != "population" or codes.width > WIDEST:
        return point
    rng = np.random.default_rng(0)
    return replace(
        point,
        xt_bracket=None if point.i_xt.solid else entropy_bracket(codes, rng, y),
        ty_bracket=None if point.i_ty.solid else label_bracket(codes, y, rng),
    )


def _h_x_bits(inputs: Codes | ArrayLike, samples: int) -> float:
    x = symbols(inputs) if isinstance(inputs, Codes) else input_symbols(inputs)
    if x.samples != samples:
        raise PlaneError(f"{x.samples} inputs against {samples} labels; both need the same samples")
    return plug_in(x.counts)


def _by_epoch(codes: Any) -> Iterator[tuple[int, LayerCodes]]:
    """Epochs and layers, whichever way they were given; layers alone are those of epoch 0."""
    if not isinstance(codes, Mapping):
        if isinstance(codes, Codes) or hasattr(codes, "shape"):
            raise PlaneError('one layer\'s codes without its name; give {"layer": codes}')
        pairs = iter(codes)
    elif codes and all(isinstance(key, str) for key in codes):
        pairs = iter([(0, codes)])
    else:
        pairs = iter(codes.items())
    for pair in pairs:
        epoch, layers = pair if isinstance(pair, tuple) and len(pair) == 2 else (None, None)
        if not isinstance(epoch, Integral) or not isinstance(layers, Mapping):
            raise PlaneError(
                f'{type(pair).__name__} where an epoch and its layers belong; give {{"layer": codes}}, '
                '{epoch: {"layer": codes}}, or (epoch, {"layer": codes}) one after the other'
            )
        if epoch < 0:
            raise PlaneError(f"epoch {epoch}; epochs count from 0, the untrained net")
        yield int(epoch), layers


def _codes(layer: object, epoch: int, given: Any) -> Codes | Streamed:
    if not isinstance(layer, str) or not layer:
        raise PlaneError(f"epoch {epoch}: layer {layer!r}; a layer's name is a text")
    if isinstance(given, Codes | Streamed):
        return given
    try:
        return Codes.from_array(given)
    except CodesError as error:
        raise CodesError(f"{layer}, epoch {epoch}: {error}") from None
