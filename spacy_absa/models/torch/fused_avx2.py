"""A pair of GRUs in 8-bit integers on CPUs without VNNI, each one compiled function."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import torch
from torch import Tensor

from ...compiling import compiled
from .avx2 import UNITS, multiply, pack
from .fused import layout, next_state, quantize, scales_of
from .int8 import Int8GRUs

# With fewer items for each direction threads are not worth their start.
_PER_THREAD = 512


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
    recurrent = np.empty((n_sequences, weights_rec.shape[0] * UNITS), np.int32)
    out = np.zeros((n_steps * n_sequences, width), np.float32)
    first = 0
    for b in range(len(borders) - 1):
        sizes = batch_sizes[borders[b] : borders[b + 1]]
        rows = all_rows[:, first : first + sizes.sum()]
        quantized = np.zeros((1, rows.shape[1], 2 * weights_in.shape[1]), np.int16)
        steps = np.empty(rows.shape, np.float32)
        quantize(items, rows, quantized, steps)
        inputs = np.empty((rows.shape[1], weights_in.shape[0] * UNITS), np.int32)
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


class FusedAvx2GRUs:
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
            _run_together(run, list(product(range(n_parts), range(2))))
        return torch.from_numpy(states)


def _run_together(run: Callable[[int, int], None], tasks: list[tuple[int, int]]) -> None:
    """Do each task in a thread of its own, or in this one where no more can be started.

    So it is once the main thread has ended, and where the system allows no more threads.
    """
    started = []
    with ThreadPoolExecutor(len(tasks)) as pool:
        for task in tasks:
            try:
                started.append(pool.submit(run, *task))
            except RuntimeError:
                run(*task)
    for future in started:
        future.result()
