"""A GRU whose matrix products are in bfloat16, for training on CPUs that are made for them."""

from typing import Any

import torch
from torch import Tensor

_HALF = torch.bfloat16


def is_supported() -> bool:
    """Whether the CPU multiplies matrices of bfloat16 (AVX-512 BF16)."""
    return torch.cpu._is_avx512_bf16_supported()


class MixedGRU(torch.autograd.Function):
    """What `torch.nn.GRU` computes, its weights as arguments; all but the products is float32.

    Gates and states are those of Cho et al. 2014, in the order and with the biases of PyTorch. Of
    the gradient, all that no later step has a say in is reckoned for all steps at once.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, w_in: Tensor, w_rec: Tensor, b_in: Tensor, b_rec: Tensor
    ) -> Tensor:
        """(n_steps, batch, n_in) → the states (n_steps, batch, width), the first one before is 0.

        w_in: (3 * width, n_in), w_rec: (3 * width, width), both biases (3 * width,).
        """
        (n_steps, batch, n_in), width = x.shape, w_rec.shape[1]
        inputs, w_in, w_rec = x.reshape(-1, n_in).to(_HALF), w_in.to(_HALF), w_rec.to(_HALF)
        read = torch.addmm(b_in.to(_HALF), inputs, w_in.t()).float()
        read = read.view(n_steps, batch, 3 * width)
        b_rec, turned = b_rec.to(_HALF), w_rec.t().contiguous()
        states = x.new_zeros(n_steps + 1, batch, width)
        gates = x.new_empty(n_steps, batch, 2 * width)  # reset and update
        new, remembered = x.new_empty(2, n_steps, batch, width)
        for t in range(n_steps):
            recalled = torch.addmm(b_rec, states[t].to(_HALF), turned).float()
            torch.add(read[t, :, : 2 * width], recalled[:, : 2 * width], out=gates[t]).sigmoid_()
            remembered[t] = recalled[:, 2 * width :]
            reset, update = gates[t].chunk(2, dim=-1)
            torch.addcmul(read[t, :, 2 * width :], reset, remembered[t], out=new[t]).tanh_()
            torch.lerp(new[t], states[t], update, out=states[t + 1])
        ctx.save_for_backward(inputs, w_in, w_rec, states, gates, new, remembered)
        return states[1:]

    @staticmethod
    def backward(ctx: Any, d_states: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of all arguments of `forward`."""
        inputs, w_in, w_rec, states, gates, new, remembered = ctx.saved_tensors
        n_steps, batch, width = new.shape
        reset, update = gates.chunk(2, dim=-1)
        # Of the sums that the gates and the new state are made of, by the state that comes out.
        of_new = (1 - update) * (1 - new * new)
        of_reset = of_new * remembered * reset * (1 - reset)
        of_update = (states[:-1] - new) * update * (1 - update)
        slopes = torch.stack([of_reset, of_update, of_new * reset], dim=2)
        d_recalled = slopes.new_empty(n_steps, batch, 3 * width, dtype=_HALF)
        d_state, d_out = torch.zeros_like(new[0]), torch.empty_like(new)
        for t in reversed(range(n_steps)):
            torch.add(d_state, d_states[t], out=d_out[t])
            d_recalled[t].view_as(slopes[t]).copy_(slopes[t] * d_out[t].unsqueeze(1))
            d_state = torch.addcmul((d_recalled[t] @ w_rec).float(), d_out[t], update[t])
        d_read = d_recalled.clone()
        d_read[..., 2 * width :] = of_new * d_out
        d_read, d_recalled = d_read.view(-1, 3 * width), d_recalled.view(-1, 3 * width)
        d_x = (d_read @ w_in).float().view(n_steps, batch, -1) if ctx.needs_input_grad[0] else None
        before = states[:-1].reshape(-1, width).to(_HALF)
        products = d_read.t() @ inputs, d_recalled.t() @ before
        d_biases = d_read.float().sum(0), d_recalled.float().sum(0)
        return d_x, *(product.float() for product in products), *d_biases
