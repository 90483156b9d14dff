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

    Weights are rounded per unit, inputs per row, states (which lie between -1 and 1) to steps of
    1/127. Products are exact integers, all else is float32.
    """

    def __init__(self, grus: Sequence[nn.GRU]):
        self.width = grus[0].hidden_size
        weights_in = [_quantize_weights(gru.weight_ih_l0, self.width) for gru in grus]
        weights_rec = [_quantize_weights(gru.weight_hh_l0, self.width) for gru in grus]
        self.weights_in, self.steps_in = zip(*weights_in, strict=True)
        self.weights_rec, steps_rec = zip(*weights_rec, strict=True)
        gates = 2 * self.width
        steps = torch.stack(steps_rec) / 127  # (n_grus, 1, 3 * width), states' steps included
        self.gate_steps, self.new_steps = steps[..., :gates], steps[..., gates:]
        bias_in = torch.stack([_doubled(gru.bias_ih_l0, self.width) for gru in grus])
        bias_rec = torch.stack([_doubled(gru.bias_hh_l0, self.width) for gru in grus])
        bias_in[:, :gates] += bias_rec[:, :gates]
        self.bias_in, self.new_bias = bias_in, bias_rec[:, None, gates:]

    def __call__(self, x: Tensor, rows: Sequence[Tensor], batch_sizes: Sequence[int]) -> Tensor:
        """Read packed sequences: states (n_grus, n_chars, width).

        x: (n, n_in). rows: for each GRU the rows of x in the order of a packed sequence
        (n_chars,). batch_sizes: how many sequences each step has, never rising.
        """
        inputs = self._project(x, rows)
        states = x.new_empty(len(rows), len(rows[0]), self.width)
        state = x.new_zeros(len(rows), batch_sizes[0], self.width)
        start = 0
        for n in batch_sizes:
            here = slice(start, start + n)
            state = self._step(inputs[:, here], state[:, :n], out=states[:, here])
            start += n
        return states

    def _project(self, x: Tensor, rows: Sequence[Tensor]) -> Tensor:
        """What the inputs add to the gates at each step: (n_grus, n_chars, 3 * width)."""
        quantized, step = quantize(x)
        inputs = x.new_empty(len(rows), len(rows[0]), 3 * self.width)
        for i, places in enumerate(rows):
            product = torch._int_mm(quantized.index_select(0, places), self.weights_in[i])
            inputs[i].copy_(product).mul_(step.index_select(0, places))
            torch.addcmul(self.bias_in[i], inputs[i], self.steps_in[i], out=inputs[i])
        return inputs

    def _step(self, inputs: Tensor, state: Tensor, out: Tensor) -> Tensor:
        """The next states (n_grus, n, width), as `torch.nn.GRU` defines them."""
        gates = 2 * self.width
        quantized = (state * 127).round_().to(torch.int8)
        products = state.new_empty(*state.shape[:2], 3 * self.width)
        for i, weights in enumerate(self.weights_rec):
            products[i].copy_(torch._int_mm(quantized[i], weights))
        reset, update = (
            torch.addcmul(inputs[..., :gates], products[..., :gates], self.gate_steps)
            .sigmoid_()
            .chunk(2, dim=-1)
        )
        new = torch.addcmul(self.new_bias, products[..., gates:], self.new_steps)
        new = torch.addcmul(inputs[..., gates:], new, reset)
        # tanh(v) = 2 sigmoid(2v) - 1, with the 2 in the weights: sigmoid is much the faster one
        new.sigmoid_().mul_(2).sub_(1)
        return torch.lerp(new, state, update, out=out)


def _quantize_weights(weights: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """(3 * width, n_in) as int8 (n_in, 3 * width) and the size of its steps (1, 3 * width)."""
    quantized, step = quantize(_doubled(weights, width))
    return quantized.t().contiguous(), step.t()


def _doubled(parameter: Tensor, width: int) -> Tensor:
    """A copy, the rows of the new state (behind those of the two gates) multiplied by 2."""
    copy = parameter.detach().clone()
    copy[2 * width :] *= 2
    return copy
