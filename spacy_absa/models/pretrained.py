"""Folders of pretrained transformers, read through transformers (extra ``transformer``)."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from .torch_layer import TorchShim

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

# Tokens, padding included, that one forward pass reads at most.
BATCH_TOKENS = 1024
# Pieces that a transformer reads at once at most.
_MAX_PIECES = 512


def load_pretrained(
    path: str | None, shim: TorchShim, architecture: str
) -> tuple["Tokenizer", int]:
    """Build the shim's module, and fill its transformer `encoder`, from a folder.

    Returns the tokenizer, and the number of pieces that the transformer reads at once. Raises
    InputError where the folder does not hold a transformer.
    """
    from tokenizers import Tokenizer
    from transformers import AutoModel

    if path is None or not Path(path, "tokenizer.json").is_file():
        raise InputError(
            f"{path}: no transformer here; `path` of {architecture} takes a folder with "
            "config.json, tokenizer.json and weights."
        )
    try:
        tokenizer = Tokenizer.from_file(str(Path(path, "tokenizer.json")))
        # nothing is downloaded
        source = AutoModel.from_pretrained(path, local_files_only=True, dtype="float32")  # nosec B615
    except Exception as error:  # tokenizers raises no other kind
        first_line, *_ = str(error).strip().splitlines() or [""]
        raise InputError(f"{path}: cannot be read as a transformer: {first_line}") from error
    shim.build(config=source.config.to_dict())
    encoder, weights = shim.module.encoder, source.state_dict()
    # A module may do without the pooler, for instance.
    encoder.load_state_dict({name: weights[name] for name in encoder.state_dict()})
    return tokenizer, min(_MAX_PIECES, source.config.max_position_embeddings)


def pad(encodings: "list[Encoding]") -> None:
    """Make all as long as the longest of them, in place."""
    longest = max(map(len, encodings))
    for encoding in encodings:
        encoding.pad(longest)


@lru_cache(maxsize=4)
def tokenizer_of(serialized: str) -> "Tokenizer":
    """The tokenizer that a trained layer keeps as a string."""
    from tokenizers import Tokenizer

    return Tokenizer.from_str(serialized)
