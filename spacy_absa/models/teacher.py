"""The teacher: the states of a pretrained transformer per character (extra ``transformer``)."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy
from thinc.api import to_numpy
from thinc.types import Floats1d, Floats2d

from ..errors import InputError
from ..extras import require
from .pretrained import BATCH_TOKENS, load_pretrained, pad
from .torch_layer import TorchShim
from .types import Hints
from .windows import groups

if TYPE_CHECKING:
    from tokenizers import Encoding

_NAME = "spacy_absa.TransformerHints.v1"
# Below it, a state is taken to be the same everywhere.
_LEAST_DEVIATION = 1e-6


class Projection(NamedTuple):
    """Standardises vectors and takes their first principal components, of variance 1 on average.

    The components keep their share of the variance, so that an error in a large one costs more.
    mean, deviation: (n_in,). components: (n_in, width).
    """

    mean: Floats1d
    deviation: Floats1d
    components: Floats2d

    @classmethod
    def fit(cls, batches: Iterable[Floats2d], width: int) -> "Projection":
        """Of vectors in batches (n, n_in); `width` is cut to n_in."""
        n, total, products = 0, 0.0, 0.0
        for batch in batches:
            vectors = batch.astype("float64")
            n += len(vectors)
            total += vectors.sum(0)
            products += vectors.T @ vectors
        mean = total / n
        covariance = products / n - numpy.outer(mean, mean)
        deviation = numpy.sqrt(covariance.diagonal().clip(_LEAST_DEVIATION**2))
        variances, axes = numpy.linalg.eigh(covariance / numpy.outer(deviation, deviation))
        variances, axes = variances[::-1][:width], axes[:, ::-1][:, :width]
        return cls(mean, deviation, axes / numpy.sqrt(variances.mean()))

    def __call__(self, vectors: Floats2d) -> Floats2d:
        """(n, n_in) → (n, width)."""
        return (((vectors - self.mean) / self.deviation) @ self.components).astype("float32")


class TransformerTeacher:
    """Hints from a transformer: its states behind some layers, as it reads plain texts.

    Of the states of all pieces that cover a character it takes the mean, standardised and
    projected on its first principal components. Characters that no piece covers, such as blanks
    and what is too long for the transformer, have no hint.

    The student learns to predict the hints (Romero et al. 2015, "FitNets: Hints for Thin Deep
    Nets"; for taggers Mukherjee & Awadallah 2020, "XtremeDistil").

    path: the folder of the transformer: `config.json`, `tokenizer.json` and weights. sample:
    texts, of whose states come mean, deviation and components. layers: the numbers of the layers,
    the first is 1; 0 are the vectors of the pieces. width: the number of components.
    mixed_precision: multiply matrices in bfloat16, faster where the processor knows it.
    Raises InputError where transformers is not installed, the folder does not hold a transformer,
    or that has fewer layers.
    """

    def __init__(
        self,
        path: str | None,
        sample: Sequence[str],
        *,
        layers: Sequence[int],
        width: int,
        mixed_precision: bool,
    ) -> None:
        require("transformer", "transformers", what=_NAME)
        from .torch.pieces import LayerStates

        self._shim = TorchShim(partial(LayerStates, mixed_precision=mixed_precision, layers=layers))
        self._tokenizer, limit = load_pretrained(path, self._shim, _NAME)
        self._tokenizer.enable_truncation(limit)
        self._tokenizer.no_padding()
        depth = self._shim.module.encoder.config.num_hidden_layers
        if not all(0 <= layer <= depth for layer in layers):
            raise InputError(
                f"{path}: this transformer has {depth} layers; `layers` of {_NAME} are "
                f"{', '.join(map(str, layers))}."
            )
        states = (hints.vectors[hints.known] for _, hints in self._read(sample))
        self._projection = Projection.fit(states, width)

    def __call__(self, texts: Sequence[str]) -> list[Hints]:
        """The hints of each text, vectors (n_chars, width)."""
        by_number = {
            i: Hints(self._projection(states), known) for i, (states, known) in self._read(texts)
        }
        return [by_number[i] for i in range(len(texts))]

    def _read(self, texts: Sequence[str]) -> Iterator[tuple[int, Hints]]:
        """The number of each text and the states of its characters, texts of a length together."""
        encodings = self._tokenizer.encode_batch(texts)
        for group in groups(encodings, BATCH_TOKENS, is_train=False):
            states = self._states([encodings[i] for i in group])
            for i, rows in zip(group, states, strict=True):
                yield i, per_character(rows, encodings[i].offsets, len(texts[i]))

    def _states(self, encodings: "list[Encoding]") -> numpy.ndarray:
        """(batch, n_pieces, n_layers * width)."""
        pad(encodings)
        pieces = numpy.array([encoding.ids for encoding in encodings], dtype="int64")
        mask = numpy.array([encoding.attention_mask for encoding in encodings], dtype="int64")
        states, _ = self._shim(pieces, mask, is_train=False)
        return to_numpy(states)


def per_character(states: Floats2d, offsets: Sequence[tuple[int, int]], n_chars: int) -> Hints:
    """The mean of the states of the pieces that cover each character.

    states: (n_pieces, width). offsets: the first character of each piece and the one behind its
    last; special pieces and padding cover none.
    """
    vectors = numpy.zeros((n_chars, states.shape[1]), dtype="float32")
    counts = numpy.zeros((n_chars, 1), dtype="float32")
    for state, (start, end) in zip(states, offsets, strict=True):
        vectors[start:end] += state
        counts[start:end] += 1
    return Hints(vectors / counts.clip(1), counts[:, 0] > 0)
