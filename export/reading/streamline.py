"""The reader: a QONNX file, our own, of Brevitas, FINN or BNN-PYNQ, as the integer Graph.

Float nodes between a sum and its quantizer are not rearranged: they are evaluated on every accumulator that there can
be, or, where those are too many, where the answer changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

import numpy as np
import onnx
from numpy.typing import NDArray

from ..graph import BIPOLAR, Binarize, Conv, Cut, Dense, Graph, GraphError, Layer, Levels, Pool, Scores
from ..graph.windows import Pair
from .asking import WAYS_OUT, Decision, Rounding, ask, check_range
from .chain import Chain, StreamlineError, read
from .edges import Edge, compressed, each, levels_of, moved, of_map
from .linear import Product, conv, matmul, window, zero_level
from .pixels import pixel_levels
from .purity import DECISIONS, ELEMENTWISE, POOLS, PRODUCTS, SHAPES
from .quantizers import QUANTIZERS, QuantizerError, levels, options
from .rounding import Margin, product_rounding
from .tail import Order, check_decisions, order_of
from .threshold import ThresholdError, Thresholds, refuse_nan


@dataclass(frozen=True, eq=False)
class Streamlined:
    """The integers of a file, and where in the file they are.

    tensors   ONNX tensor that carries each layer's code and for `scores` what leaves the net, by layer name
    orders    (elements,) place in our stream of each element of that tensor, in its own order
    margins   by layer name, `scores` among them, where scales make float sums inexact; empty where all are exact
    sums      how the floats of the last tensor are made of scores; None for a net that ends in codes
    chain     the file
    pixels    (levels,) the float that the file takes for each level of its input
    entering  (elements,) place in our stream of each element of the input
    unpooled  nodes that, added to the file, make the codes of a layer whose sums it pools before it quantises them
    kept      channels that are left of a layer, by its name, where constant ones were folded away
    decisions by layer whose sums round: (accumulator, element, error) -> the levels between which a sum that is off by
              up to `error` may be quantised
    dropped   what stands behind the scores and does not change which is the first maximum, by node
    """

    graph: Graph
    tensors: Mapping[str, str]
    margins: Mapping[str, Margin]
    orders: Mapping[str, NDArray[np.int64]]
    sums: Order | None
    chain: Chain
    pixels: NDArray[np.float32]
    entering: NDArray[np.int64]
    unpooled: tuple[onnx.NodeProto, ...] = ()
    dropped: tuple[str, ...] = ()
    kept: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)


def streamline(
    model: onnx.ModelProto | bytes,
    pixel_values: Sequence[float] | NDArray | None = None,
    margin: Rounding = "refuse",
) -> Streamlined:
    """The integer Graph of a file, named as the file is; its layers are `binarize` or `cut1`, `conv1`, `pool1`,
    `dense1` … and `scores`.

    pixel_values   (levels,) the float that the file takes for each pixel 0, 1 …: `np.arange(256) / 255` for a stock
                   export of 8-bit images, (-1, 1) for ±1 inputs. Needed where the input is not annotated with an
                   integer type, and does not start with a quantizer.
    margin         where a scale such as 0.1 makes float sums inexact: refuse a layer in which rounding might decide, or
                   state it in `margins` and decide as exact sums do. Equal scores of such a file are different floats
                   by rounding, so that all but a few are refused; stated, they are ties, and the first class wins.

    Raises StreamlineError, naming the node, where the file is no such chain; ThresholdError, naming the neuron, where
    the float nodes before a quantizer are no thresholds.
    """
    if margin not in get_args(Rounding):
        raise StreamlineError(f"margin={margin!r}; choose one of {', '.join(get_args(Rounding))}")
    chain = read(model)
    return _Walk(chain, pixel_levels(chain, pixel_values), margin).done()


@dataclass(eq=False)
class _Walk:
    """Down the chain: what is known so far, and what is left."""

    chain: Chain
    pixels: NDArray[np.float32]
    margin: Rounding
    layers: list[Layer] = field(default_factory=list)
    tensors: dict[str, str] = field(default_factory=dict)
    orders: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    margins: dict[str, Margin] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    unpooled: list[onnx.NodeProto] = field(default_factory=list)
    decisions: dict[str, Decision] = field(default_factory=dict)

    def done(self) -> Streamlined:
        chain, rest = self.chain, list(self.chain.nodes)
        shape = chain.entering(rest[0])
        if len(shape) > 3:
            raise chain.refusal(
                rest[0], f"takes {shape} of one sample; rows, and maps of one or two dimensions are read"
            )
        order = np.arange(int(np.prod(shape))) if len(shape) == 1 else of_map(shape)
        edge, rest = self._codes(Edge(shape, BIPOLAR, order), rest, self.pixels)
        while rest and rest[0].op_type in (*PRODUCTS, *POOLS):
            if rest[0].op_type in POOLS:
                edge, rest = self._pool(edge, rest)
                continue
            product = (matmul if rest[0].op_type == "MatMul" else conv)(chain, rest[0], edge)
            between, rest = self._until(rest[1:], (*PRODUCTS, *POOLS, *DECISIONS, "Pad"))
            quantized = [index for index, node in enumerate(between) if node.op_type in QUANTIZERS]
            if rest and rest[0].op_type in POOLS and not quantized:
                edge, rest = self._pooled_sums(product, between, rest)
            elif quantized:
                last = quantized[-1] + 1
                edge = self._quantized(product, between[:last], last_layer=not rest)
                edge, rest = self._codes(edge, [*between[last:], *rest])
            elif rest and rest[0].op_type in PRODUCTS:
                raise chain.refusal(
                    rest[0], f"follows a {product.node.op_type} without a quantizer between; only codes are multiplied"
                )
            else:
                return self._scores(product, between, rest)
        check_decisions(chain, rest)
        if not any(isinstance(layer, Dense | Conv) for layer in self.layers):
            raise chain.refusal(chain.nodes[-1], "no MatMul or Conv comes before the output; a net needs one")
        return self._streamlined(None, tuple(node.op_type for node in rest))

    def _streamlined(self, sums: Order | None, dropped: tuple[str, ...]) -> Streamlined:
        chain = self.chain
        shape = chain.entering(chain.nodes[0])
        height, width, channels = Edge(shape, BIPOLAR, np.arange(0)).map
        stream = () if len(shape) == 1 or channels == 1 == height * width else (height, width, channels)
        count = len(self.pixels)
        flat = all(isinstance(layer, Binarize | Dense | Scores) for layer in self.layers)
        known = None if flat and count in (1 << bits for bits in range(1, 9)) else self._entering()
        try:
            graph = Graph(
                chain.model.graph.name or "net",
                (count - 1).bit_length(),
                tuple(self.layers),
                () if flat else stream,
                known,
            )
        except GraphError as error:
            raise StreamlineError(str(error)) from None
        start = np.arange(int(np.prod(shape))) if len(shape) == 1 else of_map(shape)
        return Streamlined(
            graph,
            self.tensors,
            self.margins,
            self.orders,
            sums,
            chain,
            self.pixels,
            start,
            tuple(self.unpooled),
            dropped,
            decisions=self.decisions,
        )

    def _entering(self) -> Levels:
        found = levels_of(self.pixels)
        return Levels(0, 1, len(self.pixels)) if found is None else found

    def _name(self, kind: str) -> str:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return f"{kind}{self.counts[kind]}"

    def _add(self, layer: Layer, node: onnx.NodeProto, order: NDArray[np.int64]) -> None:
        self.layers.append(layer)
        self.tensors[layer.name], self.orders[layer.name] = node.output[0], order

    def _until(
        self, nodes: Sequence[onnx.NodeProto], ends: Sequence[str]
    ) -> tuple[list[onnx.NodeProto], list[onnx.NodeProto]]:
        """The nodes before the next of these types, and that one with all behind it."""
        for index, node in enumerate(nodes):
            if node.op_type in ends:
                return list(nodes[:index]), list(nodes[index:])
            if node.op_type not in (*ELEMENTWISE, *QUANTIZERS, *SHAPES):
                raise self.chain.refusal(node, "is not read here, between a sum and its quantizer")
        return list(nodes), []

    # What stands between codes and the next product: other codes, another shape, other floats for the same levels.

    def _codes(
        self, edge: Edge, nodes: list[onnx.NodeProto], values: NDArray[np.float32] | None = None
    ) -> tuple[Edge, list[onnx.NodeProto]]:
        """The edge that enters the next product or pool.

        values   (count,) floats of the levels, where they are no evenly spaced ones yet: those of pixels
        """
        chain = self.chain
        values = edge.levels.values() if values is None else values
        between, rest = self._until(nodes, (*PRODUCTS, *POOLS, *DECISIONS, "Pad"))
        quantized = [index for index, node in enumerate(between) if node.op_type in QUANTIZERS]
        last = quantized[-1] + 1 if quantized else 0
        if last:
            edge, values = self._cut(edge, between[:last], values)
        if between[last:]:
            answers = each(chain, edge, between[last:], values)
            if (answers != answers[:, :1]).any():
                raise chain.refusal(
                    between[last],
                    "makes different floats of one level, and what it makes is summed without a quantizer",
                )
            values, edge = answers[:, 0], moved(chain, edge, between[last:])
        found = levels_of(values) if between[last:] or self.pixels is values else edge.levels
        if found is None:
            raise chain.refusal(
                (between or rest or chain.nodes)[-1 if between else 0],
                f"{len(values)} levels stand for floats {values[:4].tolist()} …, which are not evenly spaced; put a "
                "quantizer behind",
            )
        same = np.array_equal(found.values(), edge.levels.values()) and found.count == edge.levels.count
        edge = edge if same else replace(edge, levels=found)
        if rest and rest[0].op_type == "Pad":
            return self._padded(edge, rest)
        return edge, rest

    def _padded(self, edge: Edge, rest: list[onnx.NodeProto]) -> tuple[Edge, list[onnx.NodeProto]]:
        """A Pad of codes with one of their values, before a Conv."""
        node, chain = rest[0], self.chain
        said = options(node)
        given = [chain.constants[name] for name in node.input[1:] if name in chain.constants]
        pads = [int(each) for each in (given[0].ravel() if given else said.get("pads", ()))]  # type: ignore[attr-defined]
        value = float(given[1].ravel()[0]) if len(given) > 1 and given[1].size else float(said.get("value", 0.0))  # type: ignore[arg-type]
        axes = len(edge.shape) + 1
        if str(said.get("mode", "constant")) != "constant" or len(pads) != 2 * axes or len(node.input) > 3:
            raise chain.refusal(node, f"pads {pads} in mode {said.get('mode')}; constants around maps are read")
        if len(rest) < 2 or rest[1].op_type != "Conv" or not edge.is_map or any(edge.around[0]):
            raise chain.refusal(node, "pads what no Conv takes; only maps that go straight into one are padded")
        before, after = pads[:axes], pads[axes:]
        if any(before[:2]) or any(after[:2]) or min(pads) < 0:
            raise chain.refusal(node, f"pads {pads}, beyond the rows and columns of a map")
        at = np.flatnonzero(edge.levels.values() == np.float32(value))
        if not len(at):
            if value == 0:
                zero_level(chain, node, edge.levels)
            raise chain.refusal(node, f"pads with {value:g}, which is none of the levels {edge.levels}")
        around = (before[2], before[3], after[2], after[3]) if axes == 4 else (0, before[2], 0, after[2])
        return replace(edge, around=(around, int(at[0]))), rest[1:]

    def _cut(
        self, edge: Edge, nodes: Sequence[onnx.NodeProto], values: NDArray[np.float32]
    ) -> tuple[Edge, NDArray[np.float32]]:
        """A table from levels to those of the last of `nodes`, a quantizer; no layer where nothing changes."""
        chain, quantizer = self.chain, nodes[-1]
        emits = self._levels(quantizer)
        answers = each(chain, edge, nodes, values)
        refuse_nan("the input" if not self.layers else self.layers[-1].name, values, answers)
        try:
            table = emits.of(answers)
        except GraphError as error:
            raise chain.refusal(quantizer, str(error)) from None
        behind = moved(chain, edge, nodes)
        stream = np.empty_like(table)
        stream[:, behind.order] = table
        table = stream.T  # (elements, count), in our order
        if emits.count == len(values) and (table == np.arange(emits.count)).all():
            return replace(behind, levels=emits), emits.values()
        shape = behind.map if len(behind.shape) > 1 and behind.is_map else (len(behind.order),)
        if not self.layers and emits.count == 2 and len(shape) == 1:
            layer: Layer = self._binarize(quantizer, table)
        else:
            layer = Cut(self._name("cut"), compressed(table, shape), shape, emits)
        self._add(layer, quantizer, behind.order)
        return replace(behind, levels=emits), emits.values()

    def _binarize(self, quantizer: onnx.NodeProto, table: NDArray[np.bool_]) -> Layer:
        """Pixels into ±1, each by a threshold; a table where one falls, or of other than 2^bits levels."""
        count = table.shape[1]
        bits = (count - 1).bit_length()
        if count != 1 << bits or bits < 2 or (np.diff(table.astype(np.int8), axis=1) < 0).any():
            if bits == 1:
                raise self.chain.refusal(quantizer, "does not pass a 1-bit input through as it is")
            return Cut(self._name("cut"), compressed(table, (len(table),)), (len(table),), self._levels(quantizer))
        return Binarize("binarize", (count - table.sum(axis=1)).astype(np.int32), bits)

    def _levels(self, quantizer: onnx.NodeProto) -> Levels:
        try:
            return levels(quantizer, self.chain.constants)
        except QuantizerError as error:
            raise self.chain.refusal(quantizer, str(error)) from None

    # Sums and their quantizers.

    def _quantized(self, product: Product, nodes: Sequence[onnx.NodeProto], last_layer: bool) -> Edge:
        """A Dense or Conv whose sums go through `nodes`, the last of them a quantizer."""
        quantizer = nodes[-1]
        emits = self._levels(quantizer)
        is_conv = product.node.op_type == "Conv"
        name = self._name("conv" if is_conv else "dense")
        name = "scores" if last_layer and not is_conv else name
        found = self._thresholds(name, product, nodes, emits)
        return self._layer(name, product, found, emits, quantizer, nodes)

    def _layer(
        self,
        name: str,
        product: Product,
        found: Thresholds,
        emits: Levels,
        quantizer: onnx.NodeProto,
        nodes: Sequence[onnx.NodeProto],
    ) -> Edge:
        weight, at, takes = product.stored(found.falling), found.at, product.levels.count
        leaving = self.chain.leaving(quantizer)
        if product.node.op_type == "MatMul":
            self._add(Dense(name, weight, at, takes, emits), quantizer, np.arange(product.rows))
            return Edge(leaving, emits, np.arange(product.rows))
        shape = Edge(self.chain.entering(product.node), emits, np.arange(0)).map
        top, left, bottom, right = product.padding
        if product.node.input and self._was_padded(product):
            shape = (shape[0] - top - bottom, shape[1] - left - right, shape[2])
        try:
            layer = Conv(
                name, weight, at, shape, product.stride, product.padding, product.pad, product.groups, takes, emits
            )
        except GraphError as error:
            raise self.chain.refusal(product.node, str(error)) from None
        order = of_map(self.chain.leaving(product.node))
        edge = moved(self.chain, Edge(self.chain.leaving(product.node), emits, order), nodes)
        self._add(layer, quantizer, edge.order)
        return edge

    def _was_padded(self, product: Product) -> bool:
        """Whether a Pad node before it did its padding, so that what enters it is padded already."""
        producer = next((n for n in self.chain.nodes if product.node.input[0] in n.output), None)
        return producer is not None and producer.op_type == "Pad"

    def _thresholds(self, name: str, product: Product, nodes: Sequence[onnx.NodeProto], emits: Levels) -> Thresholds:
        asked = ask(self.chain, name, product, nodes, emits, self.margin)
        if asked.margin is not None and asked.decision is not None:
            self.margins[name], self.decisions[name] = asked.margin, asked.decision
        return asked.thresholds

    # Pools.

    def _window(self, edge: Edge, node: onnx.NodeProto) -> tuple[Pair, Pair, tuple[int, int, int, int]]:
        if not edge.is_map:
            raise self.chain.refusal(node, f"pools {edge.shape} of one sample, whose elements come in another order")
        axes, said = len(edge.shape) - 1, options(node)
        if node.op_type.startswith("Global"):
            return edge.map[:2], (1, 1), (0, 0, 0, 0)  # type: ignore[return-value]
        kernel = [int(each) for each in said.get("kernel_shape", ())]  # type: ignore[attr-defined]
        if len(kernel) != axes or any(each != 1 for each in said.get("dilations", ())):  # type: ignore[attr-defined]
            raise self.chain.refusal(
                node, f"pools windows of {kernel}, dilated {said.get('dilations')}, over {edge.shape}"
            )
        pair = (1, kernel[0]) if axes == 1 else (kernel[0], kernel[1])
        stride, padding = window(self.chain, node, edge, pair)
        return pair, stride, padding

    def _make_pool(self, edge: Edge, node: onnx.NodeProto, of: tuple, emits: Levels) -> Edge:
        kernel, stride, padding = self._window(edge, node)
        try:
            pool = Pool(self._name("pool"), edge.map, of, kernel, stride, padding, edge.levels.count, emits)
        except GraphError as error:
            raise self.chain.refusal(node, str(error)) from None
        leaving = self.chain.leaving(node)
        if Edge(leaving, emits, np.arange(0)).map != pool.out_shape:
            raise self.chain.refusal(
                node, f"makes {leaving}; windows that lie within the map make {pool.out_shape} (ceil_mode is not read)"
            )
        edge = Edge(leaving, emits, of_map(leaving))
        self._add(pool, node, edge.order)
        return edge

    def _pool(self, edge: Edge, rest: list[onnx.NodeProto]) -> tuple[Edge, list[onnx.NodeProto]]:
        node = rest[0]
        if node.op_type in ("MaxPool", "GlobalMaxPool"):
            rising = edge.levels.step > 0
            edge = self._make_pool(edge, node, ("max",) if rising else ("min",), edge.levels)
        else:
            kernel, _, padding = self._window(edge, node)
            if any(padding):
                raise self.chain.refusal(node, "averages over padding; only windows within the map are averaged")
            size = kernel[0] * kernel[1]
            count = edge.levels.top * size + 1
            if count > 1 << 16:
                raise self.chain.refusal(node, f"averages {size} elements of {edge.levels.count} levels")
            sums = Levels(edge.levels.low, edge.levels.step / size, count)
            edge = self._make_pool(edge, node, ("sum",), sums)
        return self._codes(edge, rest[1:])

    def _pooled_sums(
        self, product: Product, before: Sequence[onnx.NodeProto], rest: list[onnx.NodeProto]
    ) -> tuple[Edge, list[onnx.NodeProto]]:
        """A maximum of sums, quantised behind it: the same codes come of a maximum, or where the nodes behind it fall a
        minimum, of the quantised sums.
        """
        chain, pool = self.chain, rest[0]
        if pool.op_type not in ("MaxPool", "GlobalMaxPool"):
            raise chain.refusal(pool, "averages sums that no quantizer has seen; quantise before it")
        after, behind = self._until(rest[1:], (*PRODUCTS, *POOLS, *DECISIONS, "Pad"))
        quantized = [index for index, node in enumerate(after) if node.op_type in QUANTIZERS]
        if not quantized or product.node.op_type != "Conv":
            raise chain.refusal(pool, "pools sums that no quantizer follows; only codes are pooled and multiplied")
        last = quantized[-1] + 1
        if any(node.op_type in SHAPES for node in (*before, *after[:last])):
            raise chain.refusal(pool, "pools sums whose shape changes before their quantizer")
        emits = self._levels(after[last - 1])
        name = self._name("conv")
        tensor, again = self._again(after[:last], pool)
        made = {output: chain.shapes[pool.input[0]] for node in again for output in node.output}
        self.chain = chain = replace(chain, shapes={**chain.shapes, **made})
        self.unpooled += again
        nodes = [*before, *again]
        found = self._thresholds(name, product, nodes, emits)
        ends = np.stack([np.zeros_like(product.spans()), product.spans()])
        entering = chain.channels(before, product.floats(ends))
        leaving = chain.channels(after[:last], entering)
        falls = (leaving[1] - leaving[0]) * (entering[1] - entering[0]) * np.sign(emits.step) < 0
        of = tuple("min" if falling else "max" for falling in falls)
        self._window(Edge(chain.entering(pool), emits, of_map(chain.entering(pool))), pool)
        edge = self._layer(name, product, found, emits, product.node, [])
        self.tensors[name] = tensor
        edge = self._make_pool(edge, pool, of if len(set(of)) > 1 else of[:1], emits)
        pooled = self.layers[-1].name
        self.tensors[pooled] = after[last - 1].output[0]
        return self._codes(edge, [*after[last:], *behind])

    def _again(self, nodes: Sequence[onnx.NodeProto], pool: onnx.NodeProto) -> tuple[str, list[onnx.NodeProto]]:
        """The nodes behind a pool once more, on what enters it, and the tensor that they make."""
        copies: list[onnx.NodeProto] = []
        renamed = {pool.output[0]: pool.input[0]}
        for node in nodes:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copy.name = f"{node.name}/unpooled"
            for index, name in enumerate(node.input):
                copy.input[index] = renamed.get(name, name)
            renamed |= {name: f"{name}/unpooled" for name in node.output if name}
            for index, name in enumerate(node.output):
                copy.output[index] = renamed.get(name, name)
            copies.append(copy)
        return renamed[nodes[-1].output[0]], copies

    # The end.

    def _scores(
        self, product: Product, between: Sequence[onnx.NodeProto], rest: Sequence[onnx.NodeProto]
    ) -> Streamlined:
        chain = self.chain
        check_decisions(chain, rest)
        if product.node.op_type != "MatMul":
            size = chain.leaving(product.node)[1:]
            if int(np.prod(size)) != 1:
                raise chain.refusal(product.node, f"leaves scores at {size} places; a class needs one score")
            product = replace(product, weight=_as_matrix(chain, product))
        check_range(chain, product)
        order = order_of(chain, product, between)
        rounding = product_rounding(product)
        if not rounding.exact:
            self.margins["scores"] = Margin(0.0 if rounding.ties else rounding.apart / 2, rounding.error)
            if self.margin == "refuse" and not self.margins["scores"].safe:
                raise chain.refusal(
                    product.node,
                    f"the scores sum terms of {rounding.units[0]:.9g}, which round: two classes may have equal sums "
                    f"and rounding may move each by {rounding.error:.3g}, so that it decides the class, not the "
                    f"file; {WAYS_OUT}, where the first of equal classes wins",
                )
        falling = np.full(product.rows, order.falling)
        try:
            scores = Scores(product.stored(falling), product.levels.count, order.offset, order.multiplier)
        except GraphError as error:
            raise chain.refusal(product.node, str(error)) from None
        last = between[-1] if between else product.node
        self._add(scores, last, np.arange(product.rows))
        dropped = tuple(node.op_type for node in (*between, *rest))
        return self._streamlined(order, dropped)


def _as_matrix(chain: Chain, product: Product) -> NDArray[np.int64]:
    """A Conv with one place as the rows that it is, in the order of our stream of what enters."""
    height, width, _ = Edge(chain.entering(product.node), BIPOLAR, np.arange(0)).map
    if any(product.padding) or product.groups != 1 or product.weight.shape[1:3] != (height, width):
        raise chain.refusal(product.node, "makes scores of a padded, grouped or partly seen map")
    return product.integers()


__all__ = ["Rounding", "StreamlineError", "Streamlined", "ThresholdError", "streamline"]
