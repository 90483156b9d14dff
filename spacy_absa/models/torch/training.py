"""A GRU for training on CPUs, its matrix products in bfloat16 on those that are made for them."""

from typing import Any

import torch
from torch import Tensor


def has_bfloat16() -> bool:
    """Whether the CPU multiplies matrices of bfloat16 (AVX-512 BF16)."""
    return torch.cpu._is_avx512_bf16_supported()


class TrainingGRU(torch.autograd.Function):
    """What `torch.nn.GRU` computes, its weights as arguments; all but the products is float32.

    Gates and states are those of Cho et al. 2014, in the order and with the biases of PyTorch. Of
    the gradient, all that no later step has a say in is reckoned for all steps at once; on a CPU
    PyTorch's own does all of it step by step.
    """

    @staticmethod
    def forward(
        ctx: Any,
        dtype: torch.dtype,
        x: Tensor,
        w_in: Tensor,
        w_rec: Tensor,
        b_in: Tensor,
        b_rec: Tensor,
    ) -> Tensor:
        """(n_steps, batch, n_in) → the states (n_steps, batch, width), the first one before is 0.

        dtype: of the products. w_in: (3 * width, n_in), w_rec: (3 * width, width), both biases
        (3 * width,).
        """
        (n_steps, batch, n_in), width = x.shape, w_rec.shape[1]
        inputs, w_in, w_rec = x.reshape(-1, n_in).to(dtype), w_in.to(dtype), w_rec.to(dtype)
        # What the inputs add; step by step it becomes the two gates, reset and update, and the new
        # state.
        gates = torch.addmm(b_in.to(dtype), inputs, w_in.t()).float()
        gates = gates.view(n_steps, batch, 3 * width)
        b_rec, turned = b_rec.to(dtype), w_rec.t().contiguous()
        states = x.new_zeros(n_steps + 1, batch, width)
        remembered = x.new_empty(n_steps, batch, width)
        both = gates[..., : 2 * width]
        parts = both, *gates.chunk(3, dim=-1), remembered, states[:-1], states[1:]
        steps = zip(*map(torch.unbind, parts), strict=True)
        for both, reset, update, new, memory, before, after in steps:
            recalled = torch.addmm(b_rec, before.to(dtype), turned)
            both.add_(recalled[:, : 2 * width]).sigmoid_()
            memory.copy_(recalled[:, 2 * width :])
            new.addcmul_(reset, memory).tanh_()
            torch.lerp(new, before, update, out=after)
        ctx.save_for_backward(inputs, w_in, w_rec, states, gates, remembered)
        return states[1:]

    @staticmethod
    def backward(ctx: Any, d_states: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of all arguments of `forward`."""
        inputs, w_in, w_rec, states, gates, remembered = ctx.saved_tensors
        n_steps, batch, width = remembered.shape
        reset, update, new = gates.chunk(3, dim=-1)
        # Of the sums that the gates and the new state are made of, by the state that comes out.
        slopes = torch.empty_like(gates)
        of_reset, of_update, of_recalled = slopes.chunk(3, dim=-1)
        of_new = (1 - update) * (1 - new * new)
        torch.mul(of_new, reset, out=of_recalled)
        torch.mul(of_recalled * remembered, 1 - reset, out=of_reset)
        torch.mul((states[:-1] - new) * update, 1 - update, out=of_update)
        # They become the gradients of what is recalled.
        d_state, d_out = torch.zeros_like(states[0]), torch.empty_like(remembered)
        parts = d_states, d_out, slopes, slopes.view(n_steps, batch, 3, width), update
        steps = list(zip(*map(torch.unbind, parts), strict=True))
        for d_here, d_total, d_recalled, each, kept in reversed(steps):
            torch.add(d_state, d_here, out=d_total)
            each.mul_(d_total.unsqueeze(1))
            d_state = torch.addcmul((d_recalled.to(w_rec.dtype) @ w_rec).float(), d_total, kept)
        flat, before = slopes.view(-1, 3 * width), states[:-1].reshape(-1, width).to(w_rec.dtype)
        d_w_rec, d_b_rec = (flat.to(w_rec.dtype).t() @ before).float(), flat.sum(0)
        # And those of what is read, which differ in the new state.
        torch.mul(of_new, d_out, out=of_recalled)
        d_read = flat.to(w_in.dtype)
        d_x = (d_read @ w_in).float().view(n_steps, batch, -1) if ctx.needs_input_grad[1] else None
        return None, d_x, (d_read.t() @ inputs).float(), d_w_rec, flat.sum(0), d_b_rec
