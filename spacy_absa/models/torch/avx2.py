"""A pair of GRUs in 8-bit integers on x86 CPUs without VNNI, compiled (the extra `fast`).

PyTorch has no product of such integers that is both exact and fast there. This one multiplies them
in pairs of 16 bits (VPMADDWD), which takes half the time of one in floats.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product

import numpy as np
import torch
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic
from torch import Tensor

from ...compiling import compiled
from .fused import layout, next_state, quantize, scales_of
from .int8 import Int8GRUs

# A tile of a product: what is loaded is used three times, and all sums stay in registers.
_ROWS, _VECTORS = 3, 3
_LANES = 8  # sums of 32 bits in a vector of AVX2
_UNITS = _VECTORS * _LANES
# With fewer items for each direction threads are not worth their start.
_PER_THREAD = 512

_PAIR = ir.IntType(32)
_PAIRS = ir.VectorType(ir.IntType(16), 2 * _LANES)
_SUMS = ir.VectorType(ir.IntType(32), _LANES)


def is_supported() -> bool:
    """Whether numba compiles for a CPU with AVX2."""
    _, _, features = cpu_target.target_context.codegen().magic_tuple()
    return "+avx2" in features.split(",")


def _tile(n_rows: int) -> Callable:
    """The instructions that fill a tile of a product, since no loop of Python's becomes them.

    They take rows (n_rows, n_in), one block of what `pack` returns and the tile (n_rows, _UNITS).
    """

    @intrinsic
    def fill(typing_context, rows, weights, tile):
        def generate(context, builder, signature, arguments):
            number = partial(context.get_constant, types.intp)
            arrays = [
                context.make_array(kind)(context, builder, value)
                for kind, value in zip(signature.args, arguments, strict=True)
            ]

            def address(which: int, row: ir.Value, column: ir.Value, kind: ir.Type) -> ir.Value:
                place = context, builder, signature.args[which], arrays[which], [row, column]
                return builder.bitcast(cgutils.get_item_pointer(*place), kind.as_pointer())

            multiply_add = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(_SUMS, [_PAIRS, _PAIRS]), "llvm.x86.avx2.pmadd.wd"
            )
            nothing = ir.Constant(_SUMS, None)
            sums = [
                [cgutils.alloca_once_value(builder, nothing) for _ in range(_VECTORS)]
                for _ in range(n_rows)
            ]
            n_pairs, _ = cgutils.unpack_tuple(builder, arrays[1].shape)
            with cgutils.for_range(builder, n_pairs) as loop:
                vectors = [
                    builder.load(address(1, loop.index, number(2 * _LANES * j), _PAIRS), align=2)
                    for j in range(_VECTORS)
                ]
                column = builder.mul(loop.index, number(2))
                for i in range(n_rows):
                    pair = builder.load(address(0, number(i), column, _PAIR), align=2)
                    one = builder.insert_element(nothing, pair, number(0))
                    everywhere = builder.shuffle_vector(one, one, nothing)
                    pairs = builder.bitcast(everywhere, _PAIRS)
                    for total, vector in zip(sums[i], vectors, strict=True):
                        products = builder.call(multiply_add, [pairs, vector])
                        builder.store(builder.add(builder.load(total), products), total)
            for i in range(n_rows):
                for j, total in enumerate(sums[i]):
                    place = address(2, number(i), number(_LANES * j), _SUMS)
                    builder.store(builder.load(total), place, align=4)
            return context.get_dummy_value()

        return types.void(rows, weights, tile), generate

    return fill


_fill_rows, _fill_row = _tile(_ROWS), _tile(1)


def pack(weights: np.ndarray) -> np.ndarray:
    """Lay integers (n_in, n_units) out as `multiply` reads them.

    Returns int16 (n_blocks, n_pairs, 2 * units in a block): of each block of units the weights of
    two inputs side by side. Zeros fill up the last pair and the last block.
    """
    n_in, n_units = weights.shape
    padded = np.pad(weights.astype(np.int16), ((0, -n_in % 2), (0, -n_units % _UNITS)))
    pairs = padded.reshape(-1, 2, padded.shape[1] // _UNITS, _UNITS)
    return np.ascontiguousarray(pairs.transpose(2, 0, 3, 1)).reshape(*pairs.shape[2::-2], -1)


@compiled
def multiply(rows: np.ndarray, weights: np.ndarray, out: np.ndarray) -> None:
    """Fill `out` (n or more rows, units of all blocks) with sums of products.

    rows: int16 (n, n_in), n_in even. weights: as `pack` returns them.
    """
    n = len(rows)
    for block in range(len(weights)):
        units = out[:, block * _UNITS : (block + 1) * _UNITS]
        for i in range(0, n - _ROWS + 1, _ROWS):
            _fill_rows(rows[i : i + _ROWS], weights[block], units[i : i + _ROWS])
        for i in range(n - n % _ROWS, n):
            _fill_row(rows[i : i + 1], weights[block], units[i : i + 1])


@compiled
def read(
    x: np.ndarray,
    lengths: np.ndarray,
    way: int,
    weights_in: np.ndarray,
    weights_rec: np.ndarray,
    scales: np.ndarray,
) -> np.ndarray:
    """Let one GRU read all sequences: (n_steps, batch, n_in) → states (n_steps, batch, width).

    lengths: (batch,). way: 0 from left to right, 1 from right to left. weights_in, weights_rec:
    as `pack` gives them. scales: as `scales_of` gives them (10, width).
    """
    n_steps, n_sequences, n_in = x.shape
    width = scales.shape[1]
    items = x.reshape(n_steps * n_sequences, n_in)
    order = np.argsort(-lengths, kind="mergesort")
    batch_sizes, both_rows, borders = layout(lengths[order], order)
    all_rows = both_rows[way : way + 1]
    states = np.full((n_sequences, width), np.float32(0.5))
    rounded = np.zeros((n_sequences, 2 * weights_rec.shape[1]), np.int16)
    recurrent = np.empty((n_sequences, weights_rec.shape[0] * _UNITS), np.int32)
    out = np.zeros((n_steps * n_sequences, width), np.float32)
    first = 0
    for b in range(len(borders) - 1):
        sizes = batch_sizes[borders[b] : borders[b + 1]]
        rows = all_rows[:, first : first + sizes.sum()]
        quantized = np.zeros((1, rows.shape[1], 2 * weights_in.shape[1]), np.int16)
        steps = np.empty(rows.shape, np.float32)
        quantize(items, rows, quantized, steps)
        inputs = np.empty((rows.shape[1], weights_in.shape[0] * _UNITS), np.int32)
        multiply(quantized[0], weights_in, inputs)
        at = 0
        for n in sizes:
            multiply(rounded[:n], weights_rec, recurrent)
            for i in range(n):
                next_state(
                    inputs[at],
                    steps[0, at],
                    recurrent[i],
                    scales,
                    states[i],
                    rounded[i],
                    out[rows[0, at]],
                )
                at += 1
        first += at
    return out.reshape(n_steps, n_sequences, width)


class PairedGRUs:
    """A pair of `Int8GRUs`, one for each direction, with the same numbers as `FusedGRUs`."""

    def __init__(self, grus: Int8GRUs):
        weights = zip(grus.weights_in, grus.weights_rec, scales_of(grus), strict=True)
        self.weights = [(pack(w_in.numpy()), pack(w_rec.numpy()), s) for w_in, w_rec, s in weights]
        self.width = grus.width

    def __call__(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(n_steps, batch, n_in) → (n_steps, batch, 2 * width): left-to-right, right-to-left.

        Of a large batch each of PyTorch's threads reads a part of the sequences in one direction.
        """
        n_parts = min(torch.get_num_threads() // 2, len(lengths), int(lengths.sum()) // _PER_THREAD)
        inputs, ends = x.numpy(), lengths.numpy()
        states = np.zeros((*x.shape[:2], 2 * self.width), np.float32)

        def run(part: int, way: int) -> None:
            columns = slice(part, None, max(n_parts, 1))
            some = np.ascontiguousarray(inputs[:, columns])
            units = slice(way * self.width, (way + 1) * self.width)
            states[:, columns, units] = read(some, ends[columns], way, *self.weights[way])

        if n_parts == 0:
            run(0, 0)
            run(0, 1)
        else:
            tasks = product(range(n_parts), range(2))
            with ThreadPoolExecutor(2 * n_parts) as pool:
                list(pool.map(run, *zip(*tasks, strict=True)))
        return torch.from_numpy(states)
