"""A bidirectional character language model (one GRU a direction, neither sees its target)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .recurrent import TwoWayGRU

# Sizes of the frequent classes that the adaptive softmax keeps at hand. The alphabet is sorted
# by frequency: in Chinese text the first 200 characters are half of what is written.
CUTOFFS = (200, 1000)


class CharVectors(nn.Module):
    """Character vectors without context: the embedding of the language model alone."""

    def __init__(self, n_symbols: int, vector_width: int):
        super().__init__()
        self.embedding = nn.Embedding(n_symbols, vector_width)

    def forward(self, symbols: Tensor, lengths: Tensor) -> Tensor:
        """(n_steps, batch) symbol numbers → (n_steps, batch, vector_width)."""
        return self.embedding(symbols)


class CharStates(CharVectors):
    """Contextual character vectors: the states of both GRUs of the language model."""

    def __init__(
        self,
        n_symbols: int,
        vector_width: int,
        width: int,
        quantize: bool = False,
        mixed_precision: bool = False,
    ):
        super().__init__(n_symbols, vector_width)
        self.gru = TwoWayGRU(vector_width, width, quantize, mixed_precision)

    def forward(self, symbols: Tensor, lengths: Tensor) -> Tensor:
        """(n_steps, batch) symbol numbers → (n_steps, batch, 2 * width)."""
        return self.gru(self.embedding(symbols), lengths)


class NextCharHead(nn.Module):
    """Negative log-likelihood of every character, given what is left and what is right of it.

    The classes are scored by an adaptive softmax (Grave et al. 2017), exactly normalised and
    ten times as fast as a full softmax over 4,000 characters. Both directions share it.
    """

    def __init__(self, n_symbols: int, width: int):
        super().__init__()
        cutoffs = [c for c in CUTOFFS if c < n_symbols] or [n_symbols - 1]
        self.softmax = nn.AdaptiveLogSoftmaxWithLoss(width, n_symbols, cutoffs, div_value=2.0)

    def forward(self, states: Tensor, symbols: Tensor, lengths: Tensor, dropout: float) -> Tensor:
        """Score a padded batch of texts, each between two boundary symbols.

        states: (n_steps, batch, 2 * width); symbols: (n_steps, batch).
        Returns (n_steps - 1, batch, 2) in nats: row t, column 0 is the left-to-right surprise at
        symbol t + 1, column 1 the right-to-left surprise at symbol t. Padding is 0.
        """
        states = F.dropout(states, dropout, self.training)
        left_to_right, right_to_left = states.chunk(2, dim=-1)
        steps = torch.arange(symbols.shape[0] - 1, device=symbols.device).unsqueeze(1)
        real = steps < lengths - 1  # (n_steps - 1, batch)
        nll = states.new_zeros(*real.shape, 2)
        nll[..., 0][real] = self._nll(left_to_right[:-1][real], symbols[1:][real])
        nll[..., 1][real] = self._nll(right_to_left[1:][real], symbols[:-1][real])
        return nll

    def _nll(self, states: Tensor, targets: Tensor) -> Tensor:
        return -self.softmax(states, targets).output
