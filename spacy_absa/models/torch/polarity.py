"""What a text says of one entity in it."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class TargetHead(nn.Module):
    """From characters in context to one score per label, for the target of each text.

    Reads the mean over the target's characters, the sum over the whole text weighted by an
    attention whose query is that mean (bilinear: Luong et al. 2015; scaled: Vaswani et al. 2017),
    and the maximum over the text. Padding has no say in either.
    """

    def __init__(self, n_in: int, width: int, n_labels: int):
        super().__init__()
        self.query = nn.Linear(n_in, n_in, bias=False)
        self.hidden = nn.Linear(3 * n_in, width)
        self.output = nn.Linear(width, n_labels)

    def forward(self, x: Tensor, in_target: Tensor, lengths: Tensor, dropout: float) -> Tensor:
        """(n_steps, batch, n_in), target's characters 1 of (n_steps, batch) → (batch, n_labels)."""
        hidden = torch.tanh(self.hidden(self.pool(x, in_target, lengths)))
        return self.output(F.dropout(hidden, dropout, self.training))

    def pool(self, x: Tensor, in_target: Tensor, lengths: Tensor) -> Tensor:
        """The three readings side by side, (batch, 3 * n_in)."""
        target = (x * in_target.unsqueeze(-1)).sum(0) / in_target.sum(0).unsqueeze(-1)
        is_padding = torch.arange(len(x), device=x.device).unsqueeze(1) >= lengths
        fit = (x * self.query(target)).sum(-1) / x.shape[-1] ** 0.5  # (n_steps, batch)
        weights = fit.masked_fill(is_padding, -torch.inf).softmax(0)
        context = (x * weights.unsqueeze(-1)).sum(0)
        peaks = x.masked_fill(is_padding.unsqueeze(-1), -torch.inf).amax(0)
        return torch.cat([target, context, peaks], dim=-1)
