"""A pair of GRUs in 8-bit integers, for inference on CPUs that multiply them in one instruction."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def is_supported() -> bool:
    """Whether the CPU has AVX-512 VNNI.

    Without, PyTorch's product of int8 matrices is slow, or even overflows (on AVX2).
    """
    return torch.cpu._is_vnni_supported()


def quantize(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Round each row of (n, width) to 255 steps between plus and minus its largest value.

    Returns int8 (n, width) and the size of a step (n, 1). As each row has a scale of its own, no
    result depends on what else is in the batch.
    """
    step = rows.abs().amax(1, keepdim=True).clamp_(min=1e-8) / 127
    return (rows / step).round_().to(torch.int8), step


class Int8GRUs:
    """Frozen copies of GRUs of one size that read sequences side by side.

    Weights are rounded per unit, inputs per row, states to steps of 1/127. Products are exact
    integers, all else is float32.

    Inside, a state h between -1 and 1 is kept as (h + 1) / 2. In place of tanh(v) = 2 s(2v) - 1
    this takes the sigmoid s, much the faster of the two, alone; the 2 is in the weights.
    """

    def __init__(self, grus: Sequence[nn.GRU]):
        self.width = grus[0].hidden_size
        weights_in = [_quantize_weights(gru.weight_ih_l0, self.width) for gru in grus]
        weights_rec = [_quantize_weights(gru.weight_hh_l0, self.width) for gru in grus]
        self.weights_in, self.steps_in = zip(*weights_in, strict=True)
        self.weights_rec, steps_rec = zip(*weights_rec, strict=True)
        self.steps_rec = torch.stack(steps_rec) / 127  # (n_grus, 1, 3 * width), the states' too
        self.gate_steps, self.new_steps = self._split(self.steps_rec)
        bias_in = torch.stack([_doubled(gru.bias_ih_l0, self.width) for gru in grus])
        bias_rec = torch.stack([_doubled(gru.bias_hh_l0, self.width) for gru in grus])
        gate_bias, self.new_bias = self._split(bias_rec[:, None])
        self._split(bias_in[:, None])[0].add_(gate_bias)
        self.bias_in = bias_in
        self.minus_127 = torch.tensor(-127.0)

    def __call__(self, x: Tensor, rows: Sequence[Tensor], batch_sizes: list[int]) -> Tensor:
        """Read packed sequences: states (n_grus, n_chars, width).

        x: (n, n_in). rows: for each GRU the rows of x in the order of a packed sequence
        (n_chars,). batch_sizes: how many sequences each step has, never rising.
        """
        gates, new = self._split(self._project(x, rows))
        states = x.new_empty(len(rows), len(rows[0]), self.width)
        state = x.new_full((len(rows), batch_sizes[0], self.width), 0.5)
        steps = (part.split(batch_sizes, dim=1) for part in (gates, new, states))
        room = None
        for n, gates_in, new_in, out in zip(batch_sizes, *steps, strict=True):
            if room is None or n < state.shape[1]:
                room = self._room(len(rows), n)
                state = state[:, :n]
            state = self._step(gates_in, new_in, state, out, *room)
        return states.mul_(2).sub_(1)

    def _project(self, x: Tensor, rows: Sequence[Tensor]) -> Tensor:
        """What the inputs add to the gates at each step: (n_grus, n_chars, 3 * width)."""
        quantized, step = quantize(x)
        inputs = x.new_empty(len(rows), len(rows[0]), 3 * self.width)
        for i, places in enumerate(rows):
            product = torch._int_mm(quantized.index_select(0, places), self.weights_in[i])
            inputs[i].copy_(product).mul_(step.index_select(0, places))
            torch.addcmul(self.bias_in[i], inputs[i], self.steps_in[i], out=inputs[i])
        return inputs

    def _step(
        self, gates_in: Tensor, new_in: Tensor, state: Tensor, out: Tensor, *room: Tensor
    ) -> Tensor:
        """Write the next states (n_grus, n, width), as `torch.nn.GRU` defines them, to `out`."""
        products, floats, reset_update, new, reset, update = room
        quantized = torch.add(self.minus_127, state, alpha=254).round_().to(torch.int8)
        for i, weights in enumerate(self.weights_rec):
            torch._int_mm(quantized[i], weights, out=products[i])
        floats.copy_(products)
        torch.addcmul(gates_in, reset_update, self.gate_steps, out=reset_update).sigmoid_()
        torch.addcmul(self.new_bias, new, self.new_steps, out=new)
        torch.addcmul(new_in, new, reset, out=new).sigmoid_()
        return torch.lerp(new, state, update, out=out)

    def _room(self, n_grus: int, n: int) -> tuple[Tensor, ...]:
        """Where a step of `n` sequences works, and views of it."""
        products = torch.empty(n_grus, n, 3 * self.width, dtype=torch.int32)
        floats = torch.empty(n_grus, n, 3 * self.width)
        reset_update, new = self._split(floats)
        reset, update = reset_update.chunk(2, dim=-1)
        return products, floats, reset_update, new, reset, update

    def _split(self, parts: Tensor) -> tuple[Tensor, Tensor]:
        """(…, 3 * width) into what belongs to the two gates, and to the new state."""
        return parts.split([2 * self.width, self.width], dim=-1)


def _quantize_weights(weights: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """(3 * width, n_in) as int8 (n_in, 3 * width) and the size of its steps (1, 3 * width)."""
    quantized, step = quantize(_doubled(weights, width))
    return quantized.t(), step.t()  # not contiguous: so the products of single rows are fastest


def _doubled(parameter: Tensor, width: int) -> Tensor:
    """A copy, the rows of the new state (behind those of the two gates) multiplied by 2."""
    copy = parameter.detach().clone()
    copy[2 * width :] *= 2
    return copy
