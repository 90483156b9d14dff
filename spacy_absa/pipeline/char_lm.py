"""The component `char_lm`: a character language model, trained by `spacy train` on raw text."""

import math
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model, Optimizer
from thinc.types import Floats2d

from ..data.alphabet import build_alphabet, count_characters
from ..models.charlm import nearest_characters, set_alphabet
from .annotations import install_extension
from .checksums import check_files, checksummed

DEFAULT_MODEL_CONFIG = """
[model]
@architectures = "spacy_absa.CharLanguageModel.v1"
max_length = 512

[model.charlm]
@architectures = "spacy_absa.CharLM.v1"
vector_width = 128
width = 192
use = "states"
"""


@Language.factory(
    "char_lm",
    assigns=["doc._.perplexity"],
    default_config={
        "model": Config().from_str(DEFAULT_MODEL_CONFIG)["model"],
        "scorer": {"@scorers": "spacy_absa.perplexity_scorer.v1"},
    },
    default_score_weights={"lm_probability": 1.0, "lm_perplexity": None, "lm_bits_per_char": None},
)
def make_char_lm(
    nlp: Language, name: str, model: Model[list[Doc], list[Floats2d]], scorer: Callable | None
) -> "CharLM":
    """Create the component; the arguments are those of `CharLM`."""
    return CharLM(nlp.vocab, model, name, scorer=scorer)


class CharLM(TrainablePipe):
    """Predicts each character from those left of it, and from those right of it.

    The loss is the negative log-likelihood per character, the score the perplexity, each the
    mean over both directions.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], list[Floats2d]],
        name: str = "char_lm",
        *,
        scorer: Callable | None = None,
    ) -> None:
        install_extension(Doc, "perplexity")
        self.vocab = vocab
        self.model = model
        self.name = name
        self.scorer = scorer
        self.cfg: dict[str, Any] = {}

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        alphabet: Callable[[], str] | None = None,
    ) -> None:
        """Prepare for training. alphabet: by default the characters seen at least twice."""
        validate_get_examples(get_examples, "CharLM.initialize")
        char_layer = self.model.get_ref("charlm")
        if alphabet is not None:
            set_alphabet(char_layer, alphabet())
        else:
            texts = (example.reference.text for example in get_examples())
            set_alphabet(char_layer, build_alphabet(count_characters(texts), min_count=2))
        self.model.initialize(X=[example.predicted for example in islice(get_examples(), 10)])

    def predict(self, docs: Iterable[Doc]) -> list[Floats2d]:
        """The surprise of each character in nats, per Doc (n, 2): from the left, from the right."""
        docs = list(docs)
        if not any(docs):
            return [self.model.ops.alloc2f(0, 2) for _ in docs]
        return self.model.predict(docs)

    def set_annotations(self, docs: Iterable[Doc], scores: list[Floats2d]) -> None:
        """Store `doc._.perplexity`; None for an empty Doc."""
        for doc, surprise in zip(docs, scores, strict=True):
            doc._.perplexity = math.exp(float(surprise.mean())) if len(surprise) else None

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from the texts of a batch; adds the mean loss per character to `losses`."""
        examples = list(examples)
        validate_examples(examples, "CharLM.update")
        examples = [example for example in examples if len(example.predicted)]
        return super().update(examples, drop=drop, sgd=sgd, losses=losses)

    def get_loss(
        self, examples: Iterable[Example], scores: list[Floats2d]
    ) -> tuple[float, list[Floats2d]]:
        """The mean surprise over characters and directions, and its gradient."""
        n_values = sum(surprise.size for surprise in scores)
        loss = sum(float(surprise.sum()) for surprise in scores) / n_values
        return loss, [self.model.ops.xp.full_like(s, 1 / n_values) for s in scores]

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save the model to a folder."""
        with checksummed(path):
            super().to_disk(path, exclude=exclude)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "CharLM":
        """Load what `to_disk` saved. Raises InputError for damaged files."""
        check_files(path)
        super().from_disk(path, exclude=exclude)
        return self

    def nearest_characters(self, char: str, n: int = 10) -> list[tuple[str, float]]:
        """The `n` characters with the most similar vectors, by falling cosine similarity.

        Raises KeyError for a character outside the alphabet.
        """
        return nearest_characters(self.model.get_ref("charlm"), char, n)
