"""What a pretrained transformer says of a target and the text around it, read as a pair."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .pieces import PretrainedEncoder


class PairEncoder(PretrainedEncoder):
    """The last states of a transformer over pairs of segments, as one vector a pair.

    That is the state of the first piece, the mean over all pieces, and the mean over those of the
    target, side by side. Padding has no say in them.
    """

    def __init__(self, config: dict[str, Any], mixed_precision: bool, learn_pieces: bool):
        super().__init__(config, mixed_precision, learn_pieces)
        self.encoder.pooler = None  # its output is not used
        # Some transformers, such as RoBERTa, know the segments only by the marks between them.
        self.knows_segments = getattr(self.encoder.config, "type_vocab_size", 1) > 1

    def forward(self, pieces: Tensor, mask: Tensor, segments: Tensor, in_target: Tensor) -> Tensor:
        """All (batch, n_pieces) → (batch, 3 * width).

        mask: 1 for a piece, 0 for padding. segments: the numbers of the segments. in_target: 1
        for pieces of the target. A target without a piece has the mean 0.
        """
        further = {"token_type_ids": segments} if self.knows_segments else {}
        states = self.states(pieces, mask, **further)
        means = [_mean(states, chosen.unsqueeze(-1)) for chosen in (mask, in_target)]
        return torch.cat([states[:, 0], *means], dim=-1)


class PairHead(nn.Module):
    """From the vector of a pair to one score per label."""

    def __init__(self, n_in: int, width: int, n_labels: int):
        super().__init__()
        self.hidden = nn.Linear(n_in, width)
        self.output = nn.Linear(width, n_labels)

    def forward(self, x: Tensor, dropout: float) -> Tensor:
        """(batch, n_in) → (batch, n_labels)."""
        hidden = torch.tanh(self.hidden(F.dropout(x, dropout, self.training)))
        return self.output(F.dropout(hidden, dropout, self.training))


def _mean(states: Tensor, chosen: Tensor) -> Tensor:
    return (states * chosen).sum(1) / chosen.sum(1).clamp(min=1)
