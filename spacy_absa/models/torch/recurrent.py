"""Recurrent layers over padded batches that padding cannot reach."""

from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence

from . import int8, training

if TYPE_CHECKING:
    from .fused import FusedGRUs
    from .fused_avx2 import FusedAvx2GRUs

    IntegerGRUs = int8.Int8GRUs | FusedGRUs | FusedAvx2GRUs


@cache
def fused_grus() -> "type[FusedGRUs] | type[FusedAvx2GRUs] | None":
    """What does the work of `Int8GRUs` faster: None without numba (the extra `fast`) or AVX2."""
    try:
        from . import avx2, fused, fused_avx2  # numba takes a while to import
    except ImportError:  # or it is too old for the NumPy beside it
        return None
    if int8.is_supported():
        return fused.FusedGRUs
    return fused_avx2.FusedAvx2GRUs if avx2.is_supported() else None


def reverse_within_lengths(x: Tensor, lengths: Tensor) -> Tensor:
    """Turn each sequence round and leave its padding where it is.

    x: (n_steps, batch, …); lengths: (batch,). The function is its own inverse.
    """
    steps = torch.arange(x.shape[0], device=x.device).unsqueeze(1)  # (n_steps, 1)
    mirrored = lengths.unsqueeze(0) - 1 - steps  # (n_steps, batch)
    index = torch.where(mirrored >= 0, mirrored, steps.expand_as(mirrored))
    return x[index, torch.arange(x.shape[1], device=x.device)]


def _state_of(weights: Tensor) -> tuple[int, int]:
    """What changes with the weights. Copies made in inference mode have no version."""
    return weights.data_ptr(), 0 if weights.is_inference() else weights._version


class TwoWayGRU(nn.Module):
    """One GRU from left to right and one from right to left, side by side.

    With gradients, both read their sequences from the first step on, the second one a turned copy,
    so all padding lies in either's future: no output depends on it, or on the batch mates. CPUs do
    so by `TrainingGRU`. Without, the sequences are packed, so that padding takes no time.
    `quantize`: without gradients, calculate in 8-bit integers where the CPU is made for it (see
    `Int8GRUs`, and `fused_grus`). `mixed_precision`: with gradients, multiply in bfloat16 where the
    CPU is made for it (see `TrainingGRU`).
    """

    def __init__(
        self, n_in: int, width: int, quantize: bool = False, mixed_precision: bool = False
    ):
        super().__init__()
        self.width = width
        self.quantize = quantize
        self.mixed_precision = mixed_precision and training.has_bfloat16()
        self.forwards = nn.GRU(n_in, width)
        self.backwards = nn.GRU(n_in, width)
        self._quantized: tuple[list[tuple[int, int]], IntegerGRUs] | None = None

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(n_steps, batch, n_in) → (n_steps, batch, 2 * width): left-to-right, right-to-left.

        Both states at a step have read the input of that step.
        """
        if torch.is_grad_enabled():
            return self._run_padded(x, lengths)
        in_integers = self.quantize and x.device.type == "cpu"
        if in_integers and fused_grus():
            return self._int8_grus()(x, lengths)
        return self._run_packed(x, lengths, in_integers and int8.is_supported())

    def _run_padded(self, x: Tensor, lengths: Tensor) -> Tensor:
        left_to_right = self._run(self.forwards, x)
        right_to_left = self._run(self.backwards, reverse_within_lengths(x, lengths))
        return torch.cat([left_to_right, reverse_within_lengths(right_to_left, lengths)], dim=-1)

    def _run(self, gru: nn.GRU, x: Tensor) -> Tensor:
        if x.device.type != "cpu":
            return gru(x)[0]
        dtype = torch.bfloat16 if self.mixed_precision else torch.float32
        return training.TrainingGRU.apply(dtype, x, *gru.all_weights[0])

    def _run_packed(self, x: Tensor, lengths: Tensor, in_integers: bool) -> Tensor:
        n_steps, n_sequences, _ = x.shape
        lengths, order = lengths.sort(descending=True)
        steps = torch.arange(n_steps, device=x.device).unsqueeze(1)
        step, rank = (steps < lengths).nonzero(as_tuple=True)  # in a packed sequence's order
        batch_sizes = torch.bincount(step).cpu()
        rows = step * n_sequences + order[rank]
        mirrored = (lengths[rank] - 1 - step) * n_sequences + order[rank]
        flat = x.flatten(0, 1)
        if in_integers:
            outputs = self._int8_grus()(flat, (rows, mirrored), batch_sizes.tolist())
        else:
            outputs = [
                gru(PackedSequence(flat[places], batch_sizes))[0].data
                for gru, places in ((self.forwards, rows), (self.backwards, mirrored))
            ]
        states = x.new_zeros(len(flat), 2 * self.width)
        states[rows, : self.width], states[mirrored, self.width :] = outputs
        return states.view(n_steps, n_sequences, -1)

    def _int8_grus(self) -> "IntegerGRUs":
        """The GRUs in integers, made anew when the weights have changed."""
        grus = self.forwards, self.backwards
        weights = [_state_of(w) for gru in grus for w in gru.all_weights[0]]
        if self._quantized is None or self._quantized[0] != weights:
            made, fused = int8.Int8GRUs(grus), fused_grus()
            self._quantized = weights, fused(made) if fused else made
        return self._quantized[1]

    def train(self, mode: bool = True) -> "TwoWayGRU":
        """Set the mode. Training may change the weights in place, behind PyTorch's back."""
        if mode:
            self._quantized = None
        return super().train(mode)


class BiGRUEncoder(nn.Module):
    """Stacked bidirectional GRUs with locked dropout around each.

    Locked dropout draws one mask for all steps of a sequence (Gal & Ghahramani 2016).
    """

    def __init__(
        self,
        n_in: int,
        width: int,
        depth: int,
        quantize: bool = False,
        mixed_precision: bool = False,
    ):
        super().__init__()
        widths = [n_in] + [2 * width] * depth
        self.layers = nn.ModuleList(
            TwoWayGRU(n, width, quantize, mixed_precision) for n in widths[:-1]
        )

    def forward(self, x: Tensor, lengths: Tensor, dropout: float) -> Tensor:
        """(n_steps, batch, n_in) → (n_steps, batch, 2 * width)."""
        for layer in self.layers:
            x = layer(self._locked_dropout(x, dropout), lengths)
        return self._locked_dropout(x, dropout)

    def _locked_dropout(self, x: Tensor, rate: float) -> Tensor:
        if not self.training or rate == 0.0:
            return x
        return x * F.dropout(torch.ones_like(x[:1]), rate)  # (1, batch, n) over all steps
