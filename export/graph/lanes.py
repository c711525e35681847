"""Many bytes at once: what numba has no words for, written for LLVM.

Vectors are LLVM's own, which it lowers for whatever processor there is; all arithmetic is modulo 2^8, 2^16 or 2^32 and
has one answer. Sixteen bytes as a table, asked at many places, are an instruction of every processor since 2006. LLVM
knows it where it is written out for sixteen places (pshufb of x86, tbl of ARM); AVX2's for 32 has to be called by name.

What is compiled of it stands here too: numba asks the age of a kernel's own file alone before it trusts its cache.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .kernels import compiled

ROWS = 64  # of neurons in one block: two vectors of bytes on AVX2
WINDOWS = 4  # in one tile: with two vectors each their eight counts stay in registers
CHUNK = 256  # windows for which a block of neurons keeps its weights in the first cache
HALF = np.uint64(32)
BYTE, WORD, LONG = (ir.IntType(bits) for bits in (8, 32, 64))
TABLE = 16
LANES = 32


def _splat(kind: ir.Type, lanes: int, value: int) -> ir.Constant:
    return ir.Constant(ir.VectorType(kind, lanes), [value] * lanes)


def _vector(builder, array, index, kind: ir.Type, lanes: int):
    """Pointer to `lanes` elements from `index` on; `load` and `store` take it unaligned."""
    return builder.bitcast(builder.gep(array, [index]), ir.VectorType(kind, lanes).as_pointer())


def _arrays(context, builder, signature, args):
    """Data pointers of the arguments that are arrays; the others as 64-bit integers."""
    return [
        cgutils.create_struct_proxy(kind)(context, builder, value).data
        if isinstance(kind, types.Array)
        else context.cast(builder, value, kind, types.int64)
        for kind, value in zip(signature.args, args, strict=True)
    ]


def _looked_up(context, builder, table, places):
    """(32,) bytes of a (16,) table at (32,) places, each 0 .. 15."""
    if "+avx2" in context.codegen().magic_tuple()[2].split(","):
        twice = ir.Constant(ir.VectorType(WORD, LANES), [lane % TABLE for lane in range(LANES)])
        vector = ir.VectorType(BYTE, LANES)
        signature = ir.FunctionType(vector, [vector, vector])
        shuffle = cgutils.get_or_insert_function(builder.module, signature, "llvm.x86.avx2.pshuf.b")
        return builder.call(shuffle, [builder.shuffle_vector(table, table, twice), places])
    halves = [ir.Constant(ir.VectorType(BYTE, TABLE), ir.Undefined)] * 2
    for lane in range(LANES):
        found = builder.extract_element(table, builder.zext(builder.extract_element(places, WORD(lane)), WORD))
        halves[lane // TABLE] = builder.insert_element(halves[lane // TABLE], found, WORD(lane % TABLE))
    return builder.shuffle_vector(*halves, ir.Constant(ir.VectorType(WORD, LANES), [*range(LANES)]))


@intrinsic
def add_lookups(
    typing, sums, fresh, lifts, row, tables, maps, windows, window, last, offsets, weights, first, end, factor
):
    """sums[w, r] += factor · Σ of what is looked up for the bytes maps[windows[w] + offsets[g]], g = first .. end − 1.

    sums      (4 · 64,) in whose arithmetic all but the Σ is done, which must fit in a byte: uint16, uint32, or uint8,
              where the factor is 1
    fresh     the sums start at lifts[row + r]
    tables    (256, 2 · 16) uint8, two of each byte; or (256 · 16,), one
    windows   four from `window` on; none behind `last`, which stands in for it
    weights   (groups, 2 or 1, 64) uint8, 0 .. 15, aligned to 32 bytes: where rows ask these tables
    """

    def generate(context, builder, signature, args):
        asked = 2 if signature.args[4].ndim == 2 else 1
        (sums, fresh, lifts, row, tables, maps, windows, window, last, offsets, weights, first, end, factor) = _arrays(
            context, builder, signature, args
        )
        count = ir.IntType(signature.args[0].dtype.bitwidth)
        starts = []
        for each in range(WINDOWS):
            at = builder.add(window, LONG(each))
            at = builder.select(builder.icmp_signed("<", at, last), at, last)
            starts.append(builder.gep(maps, [builder.load(builder.gep(windows, [at]))]))
        vectors = ROWS // LANES
        counts = [cgutils.alloca_once(builder, ir.VectorType(BYTE, LANES)) for _ in range(WINDOWS * vectors)]
        for each in counts:
            builder.store(_splat(BYTE, LANES, 0), each)
        with cgutils.for_range_slice(builder, first, end, LONG(1), LONG) as (group, _):
            offset = builder.sext(builder.load(builder.gep(offsets, [group])), LONG)
            group = builder.mul(group, LONG(ROWS * asked))
            places = [
                builder.load(
                    _vector(builder, weights, builder.add(group, LONG(LANES * vector)), BYTE, LANES), align=LANES
                )
                for vector in range(vectors * asked)
            ]
            for window, start in enumerate(starts):
                byte = builder.zext(builder.load(builder.gep(start, [offset])), LONG)
                entry = builder.mul(byte, LONG(TABLE * asked))
                found = [
                    builder.load(_vector(builder, tables, builder.add(entry, LONG(TABLE * ask)), BYTE, TABLE), align=1)
                    for ask in range(asked)
                ]
                for vector in range(vectors):
                    each = counts[window * vectors + vector]
                    for ask, table in enumerate(found):
                        more = _looked_up(context, builder, table, places[ask * vectors + vector])
                        builder.store(builder.add(builder.load(each), more), each)
        wide = ir.VectorType(count, LANES)
        scale = builder.insert_element(ir.Constant(wide, ir.Undefined), builder.trunc(factor, count), WORD(0))
        scale = builder.shuffle_vector(scale, scale, _splat(WORD, LANES, 0))
        fresh = builder.trunc(fresh, ir.IntType(1))
        lifted, step = builder.gep(lifts, [row]), builder.select(fresh, LONG(0), LONG(ROWS))
        origin = builder.select(fresh, lifted, sums)
        for index, each in enumerate(counts):
            window, vector = divmod(index, vectors)
            at = builder.add(builder.mul(step, LONG(window)), LONG(LANES * vector))
            before = builder.load(_vector(builder, origin, at, count, LANES), align=1)
            more = builder.zext(builder.load(each), wide)
            more = more if count == BYTE else builder.mul(more, scale)  # processors have no product of bytes
            place = _vector(builder, sums, LONG(LANES * index), count, LANES)
            builder.store(builder.add(before, more), place, align=1)
        return context.get_dummy_value()

    return types.void(
        sums, fresh, lifts, row, tables, maps, windows, window, last, offsets, weights, first, end, factor
    ), generate


def _compared(lanes: int):
    """Bit k says left[left_at + k] >= right[right_at + k], of unsigned integers."""

    def typed(typing, left, left_at, right, right_at):
        def generate(context, builder, signature, args):
            left, left_at, right, right_at = _arrays(context, builder, signature, args)
            element = ir.IntType(signature.args[0].dtype.bitwidth)
            high = builder.load(_vector(builder, left, left_at, element, lanes), align=1)
            low = builder.load(_vector(builder, right, right_at, element, lanes), align=1)
            return builder.zext(builder.bitcast(builder.icmp_unsigned(">=", high, low), ir.IntType(lanes)), LONG)

        return types.uint64(left, left_at, right, right_at), generate

    return intrinsic(typed)


at_least_32 = _compared(32)
at_least_64 = _compared(64)


@intrinsic
def in_turns(typing, low, high):
    """The lower 32 bits of two words in one: bit k becomes bit 2k of `low`, bit 2k + 1 of `high`."""

    def generate(context, builder, signature, args):
        apart = []
        for bits in args:
            bits = builder.and_(bits, LONG(0xFFFFFFFF))
            for step in (16, 8, 4, 2, 1):  # runs of 2·step bits become two runs of step bits, a gap between them
                mask = sum(((1 << step) - 1) << at for at in range(0, 64, 2 * step))
                bits = builder.and_(builder.or_(bits, builder.shl(bits, LONG(step))), LONG(mask))
            apart.append(bits)
        return builder.or_(apart[0], builder.shl(apart[1], LONG(1)))

    return types.uint64(types.uint64, types.uint64), generate


@intrinsic
def store_64(typing, tile, here, sums, at):
    """sums[at .. at + 63] = tile[here .. here + 63]."""

    def generate(context, builder, signature, args):
        element = ir.IntType(signature.args[0].dtype.bitwidth)
        tile, here, sums, at = _arrays(context, builder, signature, args)
        row = builder.load(_vector(builder, tile, here, element, ROWS), align=1)
        builder.store(row, _vector(builder, sums, at, element, ROWS), align=1)
        return context.get_dummy_value()

    return types.void(tile, here, sums, at), generate


@intrinsic
def store_word(typing, word, answers, at):
    """answers[at .. at + 7], which are bytes, = word."""

    def generate(context, builder, signature, args):
        word, answers, at = _arrays(context, builder, signature, args)
        builder.store(word, builder.bitcast(builder.gep(answers, [at]), LONG.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(word, answers, at), generate


@compiled
def neurons(
    maps, windows, tables, offsets, weights, first, end, factor, starts, lifts, tile, at, rows, sums, answers
) -> None:
    """What blocks of 64 neurons say about windows. All arrays are flat.

    Blocks are answered whole. What the last one says beyond the last row lies where the window behind begins, whose
    own answer comes later.

    maps      maps[windows[w] + offsets[g]] is the byte of window w that group g of a block looks at
    first, end, factor   of each run of groups; those of block b are starts[b] .. starts[b + 1] − 1, at least one
    lifts     (64 · blocks,) uint8, uint16 or uint32, where the sums of each row start
    tile      (4 · 64,) of that type, for the sums of four windows
    at        ((0, 1 or 3) · 64 · blocks,) rising thresholds
    sums      (windows · rows + 64,), written where there are no thresholds
    answers   (windows · ceil(rows · bits / 8) + 16,) uint8, written where there are: levels of 1 bit, or of 2
    """
    count, padded = len(windows), len(lifts)
    bits = 1 if len(at) == padded else 2
    each_window = (rows * bits + 7) // 8
    for chunk in range(0, count, CHUNK):
        for block in range(len(starts) - 2, -1, -1):
            row = block * ROWS
            for window in range(chunk, min(chunk + CHUNK, count), WINDOWS):
                for run in range(starts[block], starts[block + 1]):
                    add_lookups(  # type: ignore[call-arg]
                        tile,
                        run == starts[block],
                        lifts,
                        row,
                        tables,
                        maps,
                        windows,
                        window,
                        count - 1,
                        offsets,
                        weights,
                        first[run],
                        end[run],
                        factor[run],
                    )
                for each in range(min(WINDOWS, count - window)):
                    here, out = each * ROWS, (window + each) * each_window + 8 * bits * block
                    if len(at) == 0:
                        store_64(tile, here, sums, (window + each) * rows + row)  # type: ignore[call-arg]
                    elif bits == 1:
                        store_word(at_least_64(tile, here, at, row), answers, out)  # type: ignore[call-arg]
                    else:
                        high = at_least_64(tile, here, at, padded + row)
                        low = at_least_64(tile, here, at, row) & ~high | at_least_64(tile, here, at, 2 * padded + row)
                        store_word(in_turns(low, high), answers, out)  # type: ignore[call-arg]
                        store_word(in_turns(low >> HALF, high >> HALF), answers, out + 8)  # type: ignore[call-arg]


@compiled
def binarize(pixels, width, threshold, never, each, answers) -> None:
    """pixel >= threshold, but where `never` says no. All arrays are flat.

    pixels      (n · width,) uint8, width 32 or more
    threshold   (width,) uint8
    never       (ceil(width / 32),) uint32
    each        bytes of an answer; what a word says beyond them lies where the answer behind begins, as above
    answers     (n · each + 8,) uint8
    """
    for sample in range(len(pixels) // width):
        start = sample * width
        for word in range(len(never)):
            pixel = min(32 * word, width - 32)  # the last word looks at pixels of the one before again
            fires = at_least_32(pixels, start + pixel, threshold, pixel) >> np.uint64(32 * word - pixel)
            store_word(fires & ~never[word], answers, sample * each + 4 * word)  # type: ignore[call-arg]
