"""A pair of GRUs in 8-bit integers, all between its matrix products compiled (the extra `fast`).

Nothing depends on where in a batch a sequence stands: each float is reckoned by the same operations
in the same order (so no `fastmath`), and sums of integers are exact in any order.
"""

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from ...compiling import compiled
from .int8 import Int8GRUs

# Up to so many sequences at a step are multiplied here: a call of PyTorch's takes longer than that.
_FEW = 2
# Products of inputs that are held at a time: enough rows to keep the CPU busy, few enough to stay
# in its cache.
_BLOCK = 256


_ONE = np.float32(1)
_LOG2_E = np.float32(np.log2(np.e))
# Taylor's series of 2^f = e^(f log 2). Where |f| <= 1/2 it is off by a share of about
# (log(2) / 2)^7 / 7! = 1.2e-7.
_E1, _E2, _E3, _E4, _E5, _E6 = np.cumprod(np.log(2) / np.arange(1, 7)).astype(np.float32)
# Added to a float32 between -2^22 and 2^22, it leaves the nearest integer in the lowest bits.
_MAGIC = np.float32(1.5 * 2**23)


@compiled
def _bits(v: np.float32) -> np.int32:
    return np.float32(v).view(np.int32)


@compiled
def _from_bits(bits: np.int32) -> np.float32:
    return np.int32(bits).view(np.float32)


@compiled
def sigmoid(v: np.float32) -> np.float32:
    """1 / (1 + e^-v), less than 1e-6 off, without branches: so many are reckoned at a time."""
    power = min(max(v, np.float32(-30)), np.float32(30)) * -_LOG2_E
    shifted = power + _MAGIC
    f = power - (shifted - _MAGIC)
    near_1 = _ONE + f * (_E1 + f * (_E2 + f * (_E3 + f * (_E4 + f * (_E5 + f * _E6)))))
    # the integer part of the power goes to the exponent
    return _ONE / (_ONE + _from_bits(_bits(near_1) + (_bits(shifted) << 23)))


@compiled
def nearest(v: np.float32) -> np.int8:
    """The integer next to v, which must be one of 8 bits."""
    return np.int8(_bits(v + _MAGIC))


@compiled
def layout(lengths: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, ...]:
    """How sequences of a padded batch are packed: step by step, the longest first.

    lengths: of the sequences by rank, descending. order: the column of each rank. Returns how many
    sequences each step has (n_steps,), for each direction the rows of the packed items in the
    batch, its first two dimensions taken as one (2, n_items), and where a block begins of steps
    whose inputs are multiplied together, all of few sequences or all of many; last, where all end.
    """
    batch_sizes = np.zeros(lengths[0], np.int64)
    for length in lengths:
        batch_sizes[:length] += 1
    rows = np.empty((2, lengths.sum()), np.int64)
    borders = np.empty(len(batch_sizes) + 1, np.int64)
    item, n_blocks, last = 0, 0, (-1, False)
    for t in range(len(batch_sizes)):
        block = (item + batch_sizes[t] - 1) // _BLOCK, batch_sizes[t] <= _FEW
        if block != last:
            borders[n_blocks], last = t, block
            n_blocks += 1
        for rank in range(batch_sizes[t]):
            rows[0, item] = t * len(order) + order[rank]
            rows[1, item] = (lengths[rank] - 1 - t) * len(order) + order[rank]
            item += 1
    borders[n_blocks] = len(batch_sizes)
    return batch_sizes, rows, borders[: n_blocks + 1]


@compiled
def quantize(x: np.ndarray, rows: np.ndarray, out: np.ndarray, steps: np.ndarray) -> None:
    """Round rows of x (n, n_in), as `int8.quantize` does.

    rows: (n_ways, n_items). out: (n_ways, n_items, n_in). steps: (n_ways, n_items).
    """
    for way in range(len(rows)):
        for item in range(rows.shape[1]):
            row = x[rows[way, item]]
            bits = row.view(np.int32)
            largest = np.int32(0)
            for k in range(len(bits)):  # floats of one sign are in the order of their bits
                largest = max(largest, bits[k] & np.int32(0x7FFFFFFF))
            step = max(_from_bits(largest), np.float32(1e-8)) / np.float32(127)
            steps[way, item] = step
            per_step = _ONE / step
            for k in range(len(row)):
                out[way, item, k] = nearest(row[k] * per_step)


@compiled
def next_state(
    inputs: np.ndarray,
    step: np.float32,
    recurrent: np.ndarray,
    scales: np.ndarray,
    state: np.ndarray,
    rounded: np.ndarray,
    out: np.ndarray,
) -> None:
    """Let one sequence take one step, from its integer products (3 * width,).

    In two loops, as a CPU can work at more units at a time if less is to be done for each.
    """
    width = len(state)
    in_r, in_z, in_n = inputs[:width], inputs[width : 2 * width], inputs[2 * width :]
    rec_r, rec_z, rec_n = recurrent[:width], recurrent[width : 2 * width], recurrent[2 * width :]
    for j in range(width):
        r = np.float32(in_r[j]) * (step * scales[0, j]) + np.float32(rec_r[j]) * scales[3, j]
        n = np.float32(in_n[j]) * (step * scales[2, j]) + scales[8, j]
        remembered = np.float32(rec_n[j]) * scales[5, j] + scales[9, j]
        out[j] = n + sigmoid(r + scales[6, j]) * remembered
    for j in range(width):
        z = np.float32(in_z[j]) * (step * scales[1, j]) + np.float32(rec_z[j]) * scales[4, j]
        n = sigmoid(out[j])
        state[j] = n + sigmoid(z + scales[7, j]) * (state[j] - n)
        rounded[j] = nearest(np.float32(254) * state[j] - np.float32(127))
        out[j] = np.float32(2) * state[j] - _ONE


@compiled
def take_step(
    first: int,
    n: int,
    at: int,
    inputs: np.ndarray,
    recurrent: np.ndarray,
    steps: np.ndarray,
    rows: np.ndarray,
    scales: np.ndarray,
    states: np.ndarray,
    rounded: np.ndarray,
    out: np.ndarray,
) -> None:
    """Let `n` sequences take one step in either direction, with the items from `first` on.

    Read: products of the rounded inputs (2, …, 3 * width) from place `at` on, and of the rounded
    states (2, n, 3 * width); what the inputs were rounded to, and the rows of the output that they
    belong to, (2, n_items) each; `scales_of`. Overwritten: the states (2, batch, width),
    the same rounded, and the output.
    """
    width = states.shape[2]
    for way in range(2):
        for i in range(n):
            next_state(
                inputs[way, at + i],
                steps[way, first + i],
                recurrent[way, i],
                scales[way],
                states[way, i],
                rounded[way, i],
                out[rows[way, first + i], way * width : (way + 1) * width],
            )


@compiled
def take_steps(
    first: int,
    batch_sizes: np.ndarray,
    weights: np.ndarray,
    inputs: np.ndarray,
    steps: np.ndarray,
    rows: np.ndarray,
    scales: np.ndarray,
    states: np.ndarray,
    rounded: np.ndarray,
    out: np.ndarray,
) -> None:
    """Let a few sequences take several steps; weights: (2, 3 * width, width), else as `take_step`.

    One direction at a time, so that its weights stay in the CPU's cache.
    """
    width = states.shape[2]
    recurrent = np.empty(3 * width, np.int32)
    wide = np.empty(width, np.int16)  # that is how CPUs multiply
    for way in range(2):
        at = 0
        for n in batch_sizes:
            for i in range(n):
                wide[:] = rounded[way, i]
                for unit in range(3 * width):
                    total = np.int32(0)
                    for k in range(width):
                        product = np.int32(np.int16(weights[way, unit, k])) * np.int32(wide[k])
                        total = np.int32(total + product)
                    recurrent[unit] = total
                next_state(
                    inputs[way, at],
                    steps[way, first + at],
                    recurrent,
                    scales[way],
                    states[way, i],
                    rounded[way, i],
                    out[rows[way, first + at], way * width : (way + 1) * width],
                )
                at += 1


def scales_of(grus: Int8GRUs) -> np.ndarray:
    """What turns products of integers into floats (2, 10, width).

    What a step of the inputs' products is worth in the two gates and the new state, the same of the
    states' products, the biases, that of the states in the new state.
    """
    parts = torch.stack(grus.steps_in), grus.steps_rec, grus.bias_in[:, None], grus.new_bias
    return torch.cat([part.reshape(2, -1, grus.width) for part in parts], 1).numpy()


class FusedGRUs:
    """A pair of `Int8GRUs`, one for each direction."""

    def __init__(self, grus: Int8GRUs):
        self.width = grus.width
        self.weights_in = grus.weights_in
        self.weights_rec = grus.weights_rec
        self.units_rec = torch.stack([weights.t() for weights in grus.weights_rec]).numpy()
        self.scales = scales_of(grus)

    def __call__(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(n_steps, batch, n_in) → (n_steps, batch, 2 * width): left-to-right, right-to-left."""
        n_steps, n_sequences, n_in = x.shape
        order = np.argsort(-lengths.numpy(), kind="stable")
        batch_sizes, rows, borders = layout(lengths.numpy()[order], order)
        quantized = torch.empty(*rows.shape, n_in, dtype=torch.int8)
        steps = np.empty(rows.shape, np.float32)
        quantize(x.reshape(-1, n_in).numpy(), rows, quantized.numpy(), steps)
        rounded = torch.zeros(2, n_sequences, self.width, dtype=torch.int8)
        states = np.full(rounded.shape, 0.5, np.float32)
        out = np.zeros((n_steps * n_sequences, 2 * self.width), np.float32)
        others = steps, rows, self.scales, states, rounded.numpy(), out
        first = 0
        for begin, end in pairwise(borders.tolist()):
            sizes = batch_sizes[begin:end]
            n_items = int(sizes.sum())
            inputs = _products(quantized[:, first : first + n_items], self.weights_in).numpy()
            if sizes[0] <= _FEW:
                take_steps(first, sizes, self.units_rec, inputs, *others)
                first += n_items
                continue
            at = 0
            for n in sizes.tolist():
                recurrent = _products(rounded[:, :n], self.weights_rec).numpy()
                take_step(first, n, at, inputs, recurrent, *others)
                first += n
                at += n
        return torch.from_numpy(out).view(n_steps, n_sequences, -1)


def _products(rows: Tensor, weights: tuple[Tensor, ...]) -> Tensor:
    """int8 (2, n, n_in) and a pair of (n_in, n_out) → int32 (2, n, n_out)."""
    products = torch.empty(*rows.shape[:2], weights[0].shape[1], dtype=torch.int32)
    for i, those in enumerate(weights):
        torch._int_mm(rows[i], those, out=products[i])
    return products
