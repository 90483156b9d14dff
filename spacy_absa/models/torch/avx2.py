"""Exact products of matrices of 8-bit integers on CPUs with AVX2, compiled (the extra `fast`).

PyTorch's are slow there, or overflow. These take half the time of products of floats.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from ...compiling import compiled

# A tile of a product: what is loaded is used three times, and all sums stay in registers.
_ROWS, _VECTORS = 3, 3
_LANES = 8  # sums of 32 bits in a vector of AVX2
# Products come in multiples of so many units.
UNITS = _VECTORS * _LANES

_PAIR = ir.IntType(32)
_PAIRS = ir.VectorType(ir.IntType(16), 2 * _LANES)
_SUMS = ir.VectorType(ir.IntType(32), _LANES)


def is_supported() -> bool:
    """Whether numba compiles for a CPU with AVX2."""
    _, _, features = cpu_target.target_context.codegen().magic_tuple()
    return "+avx2" in features.split(",")


def _tile(n_rows: int) -> Callable:
    """The instructions that fill a tile of a product, since no loop of Python's becomes them.

    They take rows (n_rows, n_in), one block of what `pack` returns and the tile (n_rows, UNITS).
    Two neighbours of a row are multiplied at a time with the weights of as many units as a vector
    has lanes, and their two products added (VPMADDWD).
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
    padded = np.pad(weights.astype(np.int16), ((0, -n_in % 2), (0, -n_units % UNITS)))
    pairs = padded.reshape(-1, 2, padded.shape[1] // UNITS, UNITS)
    return np.ascontiguousarray(pairs.transpose(2, 0, 3, 1)).reshape(*pairs.shape[2::-2], -1)


@compiled
def multiply(rows: np.ndarray, weights: np.ndarray, out: np.ndarray) -> None:
    """Fill `out` (n or more rows, units of all blocks) with sums of products.

    rows: int16 (n, n_in), n_in even. weights: as `pack` returns them.
    """
    n = len(rows)
    for block in range(len(weights)):
        units = out[:, block * UNITS : (block + 1) * UNITS]
        for i in range(0, n - _ROWS + 1, _ROWS):
            _fill_rows(rows[i : i + _ROWS], weights[block], units[i : i + _ROWS])
        for i in range(n - n % _ROWS, n):
            _fill_row(rows[i : i + 1], weights[block], units[i : i + 1])
