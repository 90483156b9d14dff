"""A pretrained transformer over word pieces, of the library transformers."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel
from transformers.utils import ModelOutput


class PretrainedEncoder(nn.Module):
    """A transformer and its last states, one vector a piece.

    config: the settings of the transformer (its `config.json`). mixed_precision: multiply matrices
    in bfloat16. learn_pieces: whether the vectors of the pieces themselves learn, too: a small
    corpus holds few of a large vocabulary, and the others would be left behind.
    """

    def __init__(self, config: dict[str, Any], mixed_precision: bool, learn_pieces: bool = False):
        super().__init__()
        self.mixed_precision = mixed_precision
        self.encoder = AutoModel.from_config(AutoConfig.for_model(**config))
        self.encoder.get_input_embeddings().requires_grad_(learn_pieces)

    def states(self, pieces: Tensor, mask: Tensor, **further: Tensor) -> Tensor:
        """(n_windows, n_pieces) → (n_windows, n_pieces, width)."""
        return self.read(pieces, mask, **further).last_hidden_state.float()

    def read(self, pieces: Tensor, mask: Tensor, **further: Any) -> ModelOutput:
        """All that the transformer gives."""
        with torch.autocast(pieces.device.type, torch.bfloat16, enabled=self.mixed_precision):
            return self.encoder(input_ids=pieces, attention_mask=mask, **further)


class LayerStates(PretrainedEncoder):
    """The states behind some layers of a transformer, side by side.

    layers: their numbers; the first layer is 1, and 0 are the vectors of the pieces.
    """

    def __init__(self, config: dict[str, Any], mixed_precision: bool, layers: Sequence[int]):
        super().__init__(config, mixed_precision)
        self.layers = layers

    def forward(self, pieces: Tensor, mask: Tensor) -> Tensor:
        """(batch, n_pieces) → (batch, n_pieces, n_layers * width)."""
        states = self.read(pieces, mask, output_hidden_states=True).hidden_states
        return torch.cat([states[layer].float() for layer in self.layers], dim=-1)


class PieceEncoder(PretrainedEncoder):
    """The last states of a transformer, as one vector a token: the mean of its pieces."""

    def forward(self, pieces: Tensor, mask: Tensor, owners: Tensor, n_tokens: int) -> Tensor:
        """(n_windows, n_pieces) → (n_tokens, width).

        owners: the number of the token of each piece, -1 for none. Tokens without a piece, such
        as blanks, get zeros.
        """
        states = self.states(pieces, mask)
        owned = owners >= 0
        index = owners[owned]
        sums = states.new_zeros(n_tokens, states.shape[-1]).index_add(0, index, states[owned])
        counts = torch.bincount(index, minlength=n_tokens).clamp(min=1)
        return sums / counts.unsqueeze(1)
